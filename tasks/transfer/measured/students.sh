#!/bin/sh
# students.sh: what a teacher of 4 layers hands over to a student of 2, both 128 wide and from nothing: nothing, logits,
# attention, layers, on SST-2 and Financial PhraseBank. A teacher a seed; the test part is read once a run. What the
# teacher says is kept for its students, who get the same bits as beside it.
#
#   tasks/transfer/measured/students.sh DATA SEED...
#
# BIN, RUNS and STEPS: tools/measured.sh. SETS: "SST-2 PhraseBank" if not set.
. tools/measured.sh
begin students "$@"

run() { # ROW PROGRAM OPTION...
  row=$1 program=$2
  shift 2
  name=$set-$seed/$(name_of "$row")
  # shellcheck disable=SC2086
  train "$name" "$program" $files --lr 5e-4 --dropout 0.3 --hidden 128 --seed "$seed" "$@"
  # shellcheck disable=SC2046
  line "$set" "$row" "$seed" $(value "$name" accuracy macro_f1)
}
student() { # ROW OPTION...
  row=$1
  shift
  run "$row" transfer --teacher "$runs/$set-$seed/teacher" --layers 2 "$@"
}

for set in ${SETS:-SST-2 PhraseBank}; do
  # shellcheck disable=SC2154
  case $set in
    SST-2) files="--train $data/sst2/train.tsv --test $data/sst2/dev.tsv --split 1/0/0 $sst2 --epochs 6" ;;
    PhraseBank) files="--data $data/financial_phrasebank/all-data.csv --split 80/0/20 $phrasebank --epochs 10" ;;
    *) fail "SETS: SST-2, PhraseBank or both; got $set" ;;
  esac
  logits="--soft-targets 1" attention="--minilm 1 --layer-map last" layers="--from-layers uniform"
  for seed in $seeds; do
    cache="--teacher-cache $runs/$set-$seed.cache"
    run teacher sentiment --model bert --layers 4 --vocab-size 16000
    student alone
    # shellcheck disable=SC2086
    {
      student both $logits $attention $cache  # the cache holds what this one asks for
      student "$logits" $logits $cache
      student "$attention" $attention $cache
      student "$layers" $layers
      student "all three" $logits $attention $layers $cache
    }
    rm -f "$runs/$set-$seed.cache"
  done
done
table alone "accuracy, %" "macro F1, %"
