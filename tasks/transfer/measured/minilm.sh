#!/bin/sh
# minilm.sh: what attention transfer gains on SST-2: the teacher, the student alone, the student with --minilm.
#
#   tasks/transfer/measured/minilm.sh DATA SEED...      from the root of the repository, e.g. data/sst2 1 2 3 4 5
#
#   DATA   directory with train.tsv and dev.tsv: sentence TAB label, no header, labels 0 (negative) and 1 (positive)
#   SEED   each trains a teacher of its own and two students with the teacher's vocabulary and with the same first
#          values and order; dev.tsv is read once a run, after the last epoch
#
#   BIN    directory of the programs; build/release if not set
#   RUNS   where the runs go; runs/minilm if not set. A run with a result.json is not trained again, so seeds can be
#          added, or trained beside each other by several calls: remove RUNS when the programs have changed
#
# Prints the commit, a line a seed, mean and standard deviation of each row, and the paired difference of the students
# with its standard error. Under two standard errors it is "not shown".
set -eu
export LC_ALL=C
[ $# -ge 2 ] || { printf 'error: minilm.sh DATA SEED... ; the first lines of %s explain\n' "$0" >&2; exit 2; }
data=$1 bin=${BIN:-build/release} runs=${RUNS:-runs/minilm}
shift
for file in "$data/train.tsv" "$data/dev.tsv" "$bin/sentiment" "$bin/transfer"; do
  [ -r "$file" ] || { printf 'error: %s is missing\n' "$file" >&2; exit 1; }
done
mkdir -p "$runs"
table=$runs/table.$$
trap 'rm -f "$table"' EXIT

# train NAME PROGRAM OPTION...: one run, unless it is there
train() {
  name=$1 program=$2
  shift 2
  [ ! -e "$runs/$name/result.json" ] || return 0
  "$bin/$program" train --train "$data/train.tsv" --test "$data/dev.tsv" --split 1/0/0 --no-header --text-column 1 \
    --label-column 2 --labels 0=negative,1=positive --epochs 6 --lr 5e-4 --dropout 0.3 --hidden 128 \
    --out "$runs/$name" --overwrite "$@" >"$runs/$name.txt" 2>&1 ||
    { printf 'error: %s: ' "$runs/$name.txt" >&2; tail -n 1 "$runs/$name.txt" >&2; exit 1; }
}
accuracy() { sed -n 's/^ *"accuracy": \([0-9.]*\),*$/\1/p;/"report"/q' "$runs/$1/result.json"; }

for seed in "$@"; do
  train "teacher-$seed" sentiment --model bert --layers 4 --vocab-size 16000 --seed "$seed"
  train "alone-$seed" transfer --teacher "$runs/teacher-$seed" --layers 2 --seed "$seed"
  train "transfer-$seed" transfer --teacher "$runs/teacher-$seed" --layers 2 --seed "$seed" --minilm 1 \
    --layer-map last --teacher-cache "$runs/cache-$seed"  # the same bits as beside the teacher, in less time
  rm -f "$runs/cache-$seed"
  echo "$seed $(accuracy "teacher-$seed") $(accuracy "alone-$seed") $(accuracy "transfer-$seed")"
done >"$table"

printf 'commit %s, %s\n\n' "$(git describe --always --dirty)" "$(sed -n 's/^model name[^:]*: //p;T;q' /proc/cpuinfo)"
awk '
  function deviation(sum, squares, n) {  # of a sample; rounding may take the sum of squares below 0
    return n > 1 && squares * n > sum * sum ? sqrt((squares - sum * sum / n) / (n - 1)) : 0
  }
  function moments(name, sum, squares, n) {
    printf "%-10s %6.2f %%  standard deviation %.2f\n", name, 100 * sum / n, 100 * deviation(sum, squares, n)
  }
  BEGIN { print "seed  teacher  alone  transfer  transfer - alone" }
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
  }' "$table"
