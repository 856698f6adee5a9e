#!/bin/sh
# long_texts.sh: a window of attention, and tokens left behind, on reviews of 256 tokens: accuracy, and speed as a
# multiple of the whole model's. IMDB: the first 600 of each class to train on, the next 200 to choose one of 4 epochs,
# the next 500 to measure; a BERT of 3 layers, 128 wide, from nothing.
#
#   OMP_NUM_THREADS=1 tasks/sentiment/measured/long_texts.sh DATA SEED...
#
# BIN, RUNS and STEPS: tools/measured.sh. Speeds are measured once, when a row is made: on a machine without other work.
. tools/measured.sh
begin long-texts "$@"
need "$data/imdb/train_neg.tsv" "$data/imdb/train_pos.tsv"

reads="--no-header --text-column 2 --labels negative,positive --max-length 256"
for class in neg pos; do
  prepare "train-$class.tsv" head -n 600 "$data/imdb/train_$class.tsv"
  prepare "dev-$class.tsv" sed -n 601,800p "$data/imdb/train_$class.tsv"
  prepare "test-$class.tsv" sed -n 801,1300p "$data/imdb/train_$class.tsv"
done

fit() { # NAME OPTION...
  name=$1-$seed
  shift
  # shellcheck disable=SC2086
  train "$name" sentiment --model bert --layers 3 --hidden 128 --vocab-size 8000 --lr 5e-4 --dropout 0.3 --epochs 4 \
    --metric accuracy --train negative="$runs/train-neg.tsv" positive="$runs/train-pos.tsv" \
    --dev negative="$runs/dev-neg.tsv" positive="$runs/dev-pos.tsv" \
    --test negative="$runs/test-neg.tsv" positive="$runs/test-pos.tsv" $reads --seed "$seed" "$@"
}
left() { # SCHEDULE: of the model without a window
  name=$1-$seed
  is_made "$name" || rm -rf "${runs:?}/$name"
  # shellcheck disable=SC2086
  call "$name" sentiment prune --model "$runs/none-$seed" --out "$runs/$name" --token-retention "$1" $reads \
    --data negative="$runs/dev-neg.tsv" positive="$runs/dev-pos.tsv" \
    --test negative="$runs/test-neg.tsv" positive="$runs/test-pos.tsv"
  line --token-retention "$1" "$seed" "$(told "$name" accuracy)" "$(told "$name" speed)"
}

for seed in $seeds; do
  fit none
  line --attention-window none "$seed" "$(value "none-$seed" accuracy)" -
  line --token-retention none "$seed" "$(value "none-$seed" accuracy)" 1
  fit window --attention-window 32
  line --attention-window 32 "$seed" "$(value "window-$seed" accuracy)" -
  left 0.6,0.3,0.3
  left 0.3,0.1,0.1
  left 0.1,0.05,0.05
done
table none "accuracy, %" speed
