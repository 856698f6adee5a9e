#!/bin/sh
# allocation.sh: heads and neurons taken out of a model, tokens left behind: accuracy, speed as a multiple of the whole
# model's, parameters. SST-2, a BERT of 4 layers, 128 wide, trained on nine tenths of the training sentences; the other
# tenth chooses its epoch and says what matters, dev measures. Or MODEL=mini, which has 2 layers.
#
#   OMP_NUM_THREADS=1 tasks/sentiment/measured/allocation.sh DATA SEED...      the README's speeds are of one thread
#
# BIN, RUNS and STEPS: tools/measured.sh. Speeds are measured once, when a row is made: on a machine without other work.
. tools/measured.sh
begin "allocation${MODEL:+-$MODEL}" "$@"
need "$data/sst2/train.tsv" "$data/sst2/dev.tsv"

prepare part.tsv awk 'NR % 10 == 0' "$data/sst2/train.tsv"
prepare rest.tsv awk 'NR % 10 != 0' "$data/sst2/train.tsv"

fit() { # NAME OPTION...
  name=$1-$seed
  shift
  # shellcheck disable=SC2086,SC2154
  train "$name" sentiment --train "$runs/rest.tsv" --dev "$runs/part.tsv" $sst2 --metric accuracy --seed "$seed" \
    $common "$@"
}
taken() { # GROUP ROW MODEL OPTION...: MODEL without something, beside MODEL
  group=$1 row=$2 model=$3
  shift 3
  name=$(name_of "$row")-$seed
  is_made "$name" || rm -rf "${runs:?}/$name"
  # shellcheck disable=SC2086
  call "$name" sentiment prune --model "$runs/$model-$seed" --data "$runs/part.tsv" --test "$data/sst2/dev.tsv" $sst2 \
    --out "$runs/$name" "$@"
  side() { sed -n "s/^$1 *\([0-9.]*\) M parameters  accuracy \([0-9.]*\) .*/\\$2/p" "$runs/$name.txt"; }
  [ "$row" != "--heads 0.25" ] || {
    line parts nothing "$seed" "$(side before 2)" 1 "$(side before 1)"
    line tokens "all tokens" "$seed" "$(side before 2)" 1 "$(side before 1)"
  }
  line "$group" "$row" "$seed" "$(told "$name" accuracy)" "$(told "$name" speed)" "$(side after 1)"
}
learned() { # LAMBDA: soft extraction, then two epochs with the tokens gone
  soft=soft-$1 fast=fast-$1
  fit "$soft" --test "$runs/part.tsv" --model "$runs/base-$seed" --lr 2e-4 --epochs 2 --learn-retention "$1"
  taken tokens "learned, lambda $1" "$soft" --token-retention learned
  fit "$fast" --test "$data/sst2/dev.tsv" --model "$runs/$soft-$seed" --lr 2e-4 --epochs 2 --token-retention learned
  line tokens "learned, lambda $1, two epochs afterwards" "$seed" "$(value "$fast-$seed" accuracy)" - -
}

common="--dropout 0.3" base="--model bert --layers 4 --hidden 128 --vocab-size 16000 --lr 5e-4 --epochs 6"
schedules="0.7,0.5,0.3,0.3 0.5,0.3,0.2,0.2"
[ -z "${MODEL:-}" ] || {
  common="--dropout 0.1 --batch-size 32 --max-length 64" base="--model $MODEL --epochs 4" schedules="0.7,0.4 0.4,0.2"
}
for seed in $seeds; do
  # shellcheck disable=SC2086
  fit base --test "$runs/part.tsv" $base
  for row in "--heads 0.25" "--heads 0.5" "--heads 0.75" "--neurons 0.25" "--neurons 0.5" "--neurons 0.75" \
    "--heads 0.5 --neurons 0.5" "--heads 0.75 --neurons 0.75"; do
    # shellcheck disable=SC2086
    taken parts "$row" base $row
  done
  for schedule in $schedules; do
    taken tokens "given: $schedule" base --token-retention "$schedule"
  done
  learned 0.005
  learned 0.02
done
table "" "accuracy, %" speed "parameters, M"
