#!/bin/sh
# auto.sh: what `--model auto` decides by: the encoder that ships beside pool from nothing, with few texts. A seed draws
# the texts to learn from and 700 others to measure on, all out of the training part; 85/15 chooses the epoch.
#
#   tasks/sentiment/measured/auto.sh DATA SEED...
#
# BIN, RUNS and STEPS: tools/measured.sh; PYTHON: python3 if not set. Rate, epochs and patience are those that `train`
# decides on, except where a row names its epochs. Of the embedded corpus the test part measures.
. tools/measured.sh
begin auto "$@"
python=${PYTHON:-python3}
n_grams="--log-odds 0.3 --length-exponent 0.5 --subwords 10000"

row() { # GROUP ROW NAME OPTION...: a run of $seed
  group=$1 row=$2 name=$3
  shift 3
  train "$name" sentiment --seed "$seed" "$@"
  # shellcheck disable=SC2046
  line "$group" "$row" "$seed" $(value "$name" accuracy macro_f1)
}
both() { # SET TEXTS: mini and pool, from the first TEXTS of a shuffled training part; measured on the next 700
  group="$1, $2 texts" files=$runs/$seed/$1-$2
  "$python" tools/labelled_sets.py "$data" "$files" "$1" --seed "$seed" --inner >/dev/null
  head -n $(($2 + 1)) "$files/$1/train.tsv" >"$files/train.tsv"
  sed -n "1p;$(($2 + 2)),$(($2 + 701))p" "$files/$1/train.tsv" >"$files/test.tsv"
  set -- "$seed/$1-$2" --train "$files/train.tsv" --test "$files/test.tsv" --split 85/15/0
  name=$1
  shift
  case $group in
    banking77*)
      row "$group" "mini, 8 epochs" "$name/mini-8" "$@" --model mini --epochs 8
      row "$group" "mini, 20 epochs" "$name/mini-20" "$@" --model mini --epochs 20
      # shellcheck disable=SC2086
      row "$group" "pool, 10 epochs" "$name/pool-10" "$@" --model pool $n_grams --epochs 10
      ;;
    *)
      row "$group" mini "$name/mini" "$@" --model mini
      # shellcheck disable=SC2086
      row "$group" pool "$name/pool" "$@" --model pool $n_grams
      ;;
  esac
}

for seed in $seeds; do
  both sst2 100
  both sst2 300
  both phrasebank 300
  both banking77 1000
  row "embedded corpus" mini "$seed/embedded/mini" --model mini
  # shellcheck disable=SC2086
  row "embedded corpus" pool "$seed/embedded/pool" --model pool $n_grams
  row "embedded corpus" "pool without these options" "$seed/embedded/plain" --model pool
done
table "" "accuracy, %" "macro F1, %"
