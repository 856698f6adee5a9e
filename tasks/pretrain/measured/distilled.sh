#!/bin/sh
# distilled.sh: a small encoder, 2 layers, pre-trained alone and beside `mini`, which says more of the same hidden
# pieces: fine-tuned on SST-2 and Financial PhraseBank, beside a classifier of its size from nothing.
#
#   tasks/pretrain/measured/distilled.sh DATA SEED...      a pre-training a row, with seed 1, for all seeds
#
# CORPUS: what tools/pretrain_corpus.py laid out; RUNS/corpus, made, if not set. TOKENS of a pre-training: 6000000 if
# not set; a row alone has three times as many, which takes as long as beside the teacher. WIDTHS: "128 64" if not set. BIN, RUNS and STEPS: tools/measured.sh. The settings of pre-training are mini's; of
# fine-tuning those of mini with the rate of students (tasks/transfer/measured), fixed beforehand.
. tools/measured.sh
begin distilled "$@"
corpus=${CORPUS:-$runs/corpus}
[ -d "$corpus" ] || "${PYTHON:-python3}" tools/pretrain_corpus.py "$data" "$corpus" >/dev/null
mini=tasks/models/mini
texts=$(sed -n 's/^train=\[\(.*\)\]$/\1/p' $mini/further.ini | tr -d '",' | sed "s|corpus/|$corpus/|g")

encoder() { # NAME TIMES OPTION...: as many times the tokens
  name=$1 budget="--dev-share 0.001"
  [ -n "${STEPS:-}" ] || budget="$budget --max-tokens $((${TOKENS:-6000000} * $2))"
  shift 2
  # shellcheck disable=SC2086
  train "$name" pretrain --train $texts --without "$corpus/evaluation" $budget --start counts --mask-share 0.2 \
    --batch-size 4096 --accumulate 1 --optimizer muon --lr 1.5e-3 --layers 2 --heads 4 --hidden "$width" --seed 1 "$@"
}
finetune() { # SET ROW SEED OPTION...
  set=$1 row=$2 seed=$3
  shift 3
  # shellcheck disable=SC2154
  case $set in
    SST-2) files="--train $data/sst2/train.tsv --test $data/sst2/dev.tsv --split 1/0/0 $sst2" ;;
    *) files="--data $data/financial_phrasebank/all-data.csv --split 80/0/20 $phrasebank" ;;
  esac
  name=$set-$width-$seed/$(name_of "$row")
  # shellcheck disable=SC2086
  train "$name" sentiment $files --max-length 64 --batch-size 32 --lr 5e-4 --seed "$seed" "$@"
  # shellcheck disable=SC2046
  line "$set, $width wide" "$row" "$seed" $(value "$name" accuracy macro_f1) - -
}

logits="--soft-targets 1 --temperature 2" relations="--relations 1 --layer-map last"
for width in ${WIDTHS:-128 64}; do
  encoder "alone-$width" 1 --vocab $mini/vocab.txt
  encoder "longer-$width" 3 --vocab $mini/vocab.txt
  # shellcheck disable=SC2086
  {
    encoder "logits-$width" 1 --teacher mini $logits
    encoder "relations-$width" 1 --teacher mini $relations
    encoder "both-$width" 1 --teacher mini $logits $relations
  }
  for how in alone longer logits relations both; do
    # shellcheck disable=SC2046
    line "pre-training, $width wide" $how 1 - - $(value "$how-$width" loss accuracy)
  done
  for seed in $seeds; do
    for set in SST-2 PhraseBank; do
      finetune $set "from nothing" "$seed" --model bert --vocab $mini/vocab.txt --layers 2 --heads 4 --hidden "$width" \
        --epochs 10 --dropout 0.3
      for how in alone longer logits relations both; do
        finetune $set $how "$seed" --model "$runs/$how-$width" --epochs 4 --dropout 0.1
      done
    done
  done
done
table alone "accuracy, %" "macro F1, %" "held-out loss" "pieces told, %"
