#!/bin/sh
# distil.sh: what a teacher (2 + 2 layers of 128) hands over to a student of half its depth and width, on the embedded
# phrases: nothing, its distributions, its attention across, its sentences. Of ten phrases one is for the choice of the
# epoch and one for the table, which is read once a run; a teacher a seed.
#
#   tasks/translate/measured/distil.sh SEED...
#
# BIN, RUNS and STEPS: tools/measured.sh. EPOCHS: 40 if not set.
. tools/measured.sh
begin distil tasks/data "$@"
for part in train dev test; do
  prepare "$part.tsv" awk -v part=$part '{ is = NR % 10 == 3 ? "dev" : NR % 10 == 8 ? "test" : "train" } is == part' \
    "$data/phrases.tsv"
done

run() { # ROW OPTION...
  row=$1
  shift
  name=$seed/$(name_of "$row")
  train "$name" translate --data "$runs/train.tsv" --dev "$runs/dev.tsv" --epochs "${EPOCHS:-40}" --batch-size 700 \
    --lr 0.003 --seed "$seed" "$@"
  call "$name-test" translate evaluate --model "$runs/$name" --data "$runs/test.tsv" --beams 5
  line phrases "$row" "$seed" "$(told "$name-test" bleu)" "$(told "$name-test" chrf2)"
}
student() { # ROW OPTION...
  run "$@" --layers 1 --hidden 64 --intermediate 128
}

for seed in $seeds; do
  run teacher --layers 2 --vocab-size 1500
  teacher="--teacher $runs/$seed/teacher" soft="--soft-targets 1" attention="--attention-kl 1" writes="--teacher-beams 5"
  student alone --vocab-size 1500
  # shellcheck disable=SC2086
  {
    student "$soft" $teacher $soft
    student "$attention" $teacher $attention
    student "both" $teacher $soft $attention
    student "$writes" $teacher $writes --vocab-size 1500
    student "all three" $teacher $soft $attention $writes
  }
done
table alone BLEU chrF2
