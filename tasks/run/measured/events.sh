#!/bin/sh
# events.sh [TURNS]: what --events costs. By turns with and without, one thread, on the embedded corpus: the median step,
# and the share of the run's time that the log itself counts. MODELS: mini and pool if not set; mini for one pass, pool
# for the seven that `train` decides on there.
set -eu
cd "$(dirname "$0")/../../.."
turns=${1:-5}
export OMP_NUM_THREADS=1
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
value() { sed -n "s/.*\"$2\": \([0-9.e-]*\).*/\1/p" "$1/cost.json"; }
echo "| model | step without, ms | with, ms | share of the time |"
echo "| --- | --- | --- | --- |"
for model in ${MODELS:-mini pool}; do
  epochs=7
  [ "$model" = pool ] || epochs=1
  for turn in $(seq "$turns"); do
    set -- train --model "$model" --epochs $epochs --patience 0 --overwrite
    build/release/sentiment "$@" --out "$dir/off-$turn" >/dev/null 2>&1
    build/release/sentiment "$@" --out "$dir/on-$turn" --events auto >/dev/null 2>&1
    echo "$(value "$dir/off-$turn" step_ms_median) $(value "$dir/on-$turn" step_ms_median)" \
         "$(value "$dir/on-$turn" events_seconds) $(value "$dir/on-$turn" seconds)"
  done | sort -n | awk -v model="$model" '{off[NR] = $1; on[NR] = $2; spent += $3; all += $4}
    function median(x, n,  i, j, t) { for (i = 2; i <= n; ++i) for (j = i; j > 1 && x[j] < x[j - 1]; --j) { t = x[j]; x[j] = x[j - 1]; x[j - 1] = t } return x[int((n + 1) / 2)] }
    END { printf "| %s | %.2f | %.2f | %.2f %% |\n", model, median(off, NR), median(on, NR), 100 * spent / all }'
done
