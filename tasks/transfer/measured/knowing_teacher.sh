#!/bin/sh
# knowing_teacher.sh: what logits hand over of a teacher that knows more: `pool` 128 wide, trained on IMDB's reviews,
# then on SST-2; the student is a BERT of 2 layers with its vocabulary. SST-2's dev is read once a run.
#
#   tasks/transfer/measured/knowing_teacher.sh DATA SEED...      one run on IMDB for all seeds, with seed 1
#
# BIN, RUNS and STEPS: tools/measured.sh.
. tools/measured.sh
begin knowing-teacher "$@"

train films sentiment --model pool --hidden 128 --heads 2 --data negative="$data/imdb/train_neg.tsv" \
  positive="$data/imdb/train_pos.tsv" --no-header --text-column 2 --labels negative,positive --vocab-size 16000 \
  --max-length 512 --split 95/5/0 --epochs 3 --lr 2e-3 --batch-size 32 --dropout 0.5 --metric accuracy --seed 1

run() { # ROW PROGRAM OPTION...
  row=$1 program=$2
  shift 2
  # shellcheck disable=SC2086,SC2154
  train "$row-$seed" "$program" --train "$data/sst2/train.tsv" --test "$data/sst2/dev.tsv" --split 1/0/0 $sst2 \
    --max-length 64 --seed "$seed" "$@"
  line SST-2 "$row" "$seed" "$(value "$row-$seed" accuracy)"
}
for seed in $seeds; do
  run teacher sentiment --model "$runs/films" --epochs 4 --lr 2e-3 --dropout 0.5
  for row in alone logits; do
    run $row transfer --teacher "$runs/teacher-$seed" --epochs 6 --lr 5e-4 --dropout 0.3 --hidden 128 --heads 2 \
      --layers 2 --soft-targets "$([ $row = alone ] && echo 0 || echo 1)"
  done
done
table alone "accuracy, %"
