#!/bin/sh
# minilm.sh: what attention transfer gains on SST-2: the teacher, the student alone, the student with --minilm.
#
#   tasks/transfer/measured/minilm.sh DATA SEED...      from the root of the repository, e.g. data/sst2 1 2 3 4 5
#
#   DATA   directory with train.tsv and dev.tsv: sentence TAB label, no header, labels 0 (negative) and 1 (positive)
#   SEED   each trains a teacher of its own and two students with the teacher's vocabulary and with the same first
#          values and order; dev.tsv is read once a run, after the last epoch
#
# BIN, RUNS and STEPS: tools/measured.sh. Prints the commit, a line a seed, mean and standard deviation of each row, and
# the paired difference of the students with its standard error. Under two standard errors it is "not shown".
. tools/measured.sh
begin minilm "$@"
need "$data/train.tsv" "$data/dev.tsv" "$bin/sentiment" "$bin/transfer"

run() { # NAME PROGRAM OPTION...
  name=$1 program=$2
  shift 2
  # shellcheck disable=SC2086,SC2154
  train "$name" "$program" --train "$data/train.tsv" --test "$data/dev.tsv" --split 1/0/0 $sst2 --epochs 6 --lr 5e-4 \
    --dropout 0.3 --hidden 128 "$@"
}
for seed in $seeds; do
  run "teacher-$seed" sentiment --model bert --layers 4 --vocab-size 16000 --seed "$seed"
  run "alone-$seed" transfer --teacher "$runs/teacher-$seed" --layers 2 --seed "$seed"
  run "transfer-$seed" transfer --teacher "$runs/teacher-$seed" --layers 2 --seed "$seed" --minilm 1 \
    --layer-map last --teacher-cache "$runs/cache-$seed"  # the same bits as beside the teacher, in less time
  rm -f "$runs/cache-$seed"
  echo "$seed $(value "teacher-$seed" accuracy) $(value "alone-$seed" accuracy) $(value "transfer-$seed" accuracy)"
done >"$lines"

made_by
# shellcheck disable=SC2154
awk "$deviation"'
  function moments(name, sum, squares, n) {
    printf "%-10s %6.2f %%  standard deviation %.2f\n", name, 100 * sum / n, 100 * deviation(sum, squares, n)
  }
  BEGIN { print "\nseed  teacher  alone  transfer  transfer - alone" }
  {
    printf "%4d %8.2f %6.2f %9.2f %+17.2f\n", $1, 100 * $2, 100 * $3, 100 * $4, 100 * ($4 - $3)
    t += $2; tt += $2 * $2; a += $3; aa += $3 * $3; m += $4; mm += $4 * $4; d += $4 - $3; dd += ($4 - $3) ^ 2
  }
  END {
    print ""
    moments("teacher", t, tt, NR); moments("alone", a, aa, NR); moments("transfer", m, mm, NR)
    if (NR < 2) exit
    gain = d / NR; error = deviation(d, dd, NR) / sqrt(NR)
    printf "paired, %d seeds: %+.2f points, standard error %.2f: %s\n", NR, 100 * gain, 100 * error,
           (gain > 2 * error ? "a gain" : gain < -2 * error ? "a loss" : "not shown")
  }' "$lines"
