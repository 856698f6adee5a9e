#!/bin/sh
# pretrained_teacher.sh: what a teacher that knows more hands over: `mini`, fine-tuned on the set, and a student of 2
# layers, 128 or 64 wide, from nothing with its vocabulary. A teacher a seed; the test part is read once a run. What the
# teacher says is kept for its students, who get the same bits as beside it.
#
#   tasks/transfer/measured/pretrained_teacher.sh DATA SEED...
#
# BIN, RUNS and STEPS: tools/measured.sh. SETS: "SST-2 PhraseBank" if not set. WIDTHS: "128 64" if not set.
. tools/measured.sh
begin pretrained-teacher "$@"

run() { # NAME PROGRAM OPTION...
  name=$set-$seed/$1 program=$2
  shift 2
  # shellcheck disable=SC2086
  train "$name" "$program" $files --seed "$seed" "$@"
}
learn() { # ROW EPOCHS OPTION...
  row=$1 passes=$2
  shift 2
  run "$width-$(name_of "$row")" transfer --teacher "$runs/$set-$seed/teacher" --epochs "$passes" --lr 5e-4 \
    --dropout 0.3 "$@"
}
tell() { # the last run's figures
  # shellcheck disable=SC2046
  line "$set, $width wide" "$row" "$seed" $(value "$name" accuracy macro_f1)
}
student() { # ROW OPTION...
  row=$1
  shift
  learn "$row" "$epochs" --layers 2 --heads 4 --hidden "$width" "$@"
  tell
}
in_stages() { # FIRST THEN: half of the epochs the first without the labels, the others with them
  # shellcheck disable=SC2086
  learn "first $1" $((epochs / 2)) --layers 2 --heads 4 --hidden "$width" --hard 0 $1
  # shellcheck disable=SC2086
  learn "first $1, then labels${2:+ $2}" $((epochs / 2)) --model "$runs/$name" $2
  tell
}

for set in ${SETS:-SST-2 PhraseBank}; do
  # shellcheck disable=SC2154
  case $set in
    SST-2) epochs=6 files="--train $data/sst2/train.tsv --test $data/sst2/dev.tsv --split 1/0/0 $sst2" ;;
    PhraseBank) epochs=10 files="--data $data/financial_phrasebank/all-data.csv --split 80/0/20 $phrasebank" ;;
    *) fail "SETS: SST-2, PhraseBank or both; got $set" ;;
  esac
  logits="--soft-targets 1" attention="--minilm 1 --layer-map last" relations="--relations 1 --layer-map last"
  layers="--hidden-mse 1"
  for seed in $seeds; do
    cache="--teacher-cache $runs/$set-$seed.cache"
    run teacher sentiment --model mini --epochs 4 --batch-size 32 --lr 3e-4 --dropout 0.1
    said=$(value "$name" accuracy macro_f1)
    for width in ${WIDTHS:-128 64}; do
      # shellcheck disable=SC2086
      line "$set, $width wide" "the teacher itself" "$seed" $said
      student alone
      # shellcheck disable=SC2086
      {
        student "all four" $logits --minilm 1 --relations 1 --hidden-mse 1 --layer-map last $cache
        student "$logits" $logits $cache
        student "$attention" $attention $cache
        student "$relations" $relations $cache
        student "$logits $attention" $logits $attention $cache
        student "$logits $relations" $logits $relations $cache
      }
      # shellcheck disable=SC2086
      student "$layers" $layers
      in_stages "$attention" ""
      in_stages "$relations" ""
      in_stages "$relations" "$logits"
    done
    rm -f "$runs/$set-$seed.cache"
  done
done
table alone "accuracy, %" "macro F1, %"
