#!/bin/sh
# shaping.sh: what each way of shaping attention does: accuracy on what is set aside of SST-2's training sentences, the
# entropy of attention on the sentences of dev. A BERT of one layer, 128 wide, 4 heads, from nothing; or MODEL=mini.
#
#   tasks/sentiment/measured/shaping.sh DATA SEED...
#
# BIN, RUNS and STEPS: tools/measured.sh. Rate 2e-4, dropout 0.1, 8,000 pieces, a ninth set aside, the epoch of the best
# macro F1; of mini its own rate.
. tools/measured.sh
begin "shaping${MODEL:+-$MODEL}" "$@"
how="--model bert --layers 1 --hidden 128 --heads 4 --epochs 5 --lr 2e-4"
[ -z "${MODEL:-}" ] || how="--model $MODEL --epochs 3 --batch-size 32 --max-length 64"

words=$runs/words.txt  # 30 words of judgement
printf '%s\n' good great best excellent wonderful charming funny moving brilliant beautiful engaging fresh clever \
  delightful powerful bad worst awful terrible boring dull flat stupid tedious lame silly mess poor weak tired >"$words"

row() { # NAME [OPTIONS]: the options are the name if there are no others
  options=${2-$1}
  for seed in $seeds; do
    name=$(name_of "$1")-$seed
    # shellcheck disable=SC2086,SC2154
    train "$name" sentiment --train "$data/sst2/train.tsv" $sst2 --split 80/10/0 $how --seed "$seed" $options
    call "$name-looks" sentiment analyze --model "$runs/$name" --file "$data/sst2/dev.tsv" --no-header --text-column 1
    line attention "$1" "$seed" "$(value "$name" accuracy)" "$(told "$name-looks" entropy)"
  done
}
row none ""
row "--attention-dropout 0.5"
row "--attention-temperature 0.5"
row "--attention-temperature 2"
row "--attention-normaliser entmax15"
row "--attention-normaliser sparsemax"
row "--entropy-penalty 0.1"
row "--entropy-penalty -0.1"
row "--target-entropy 1.5"
row "--head-disagreement 1"
row "--guide, --guide-weight 0.1" "--guide $words --guide-weight 0.1"
row "--r-drop 1"
table none "accuracy, %" "entropy, nats"
