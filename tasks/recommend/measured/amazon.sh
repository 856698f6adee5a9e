#!/bin/sh
# amazon.sh: Amazon Beauty and Sports in the usual protocol (5-core, last item out, all items ranked), ids alone: there is
# no text.
#   DATA=DIR tasks/recommend/measured/amazon.sh     beauty_sequential_data.txt, sports_...: user item item ..., oldest first
#   SETS="beauty sports"  SEEDS="1 2 3 4 5"  OUT=DIR  where the runs go; kept ones are not run again   ARGS="..."
set -eu
DATA=${DATA:?where beauty_sequential_data.txt is}
OUT=${OUT:-runs/amazon}
BIN=${BIN:-build/release}
mkdir -p "$OUT"
for set in ${SETS:-beauty sports}; do
  [ -s "$OUT/$set.tsv" ] || awk 'BEGIN { print "user\titem" } { for (i = 2; i <= NF; i++) print $1 "\t" $i }' \
    "$DATA/${set}_sequential_data.txt" > "$OUT/$set.tsv"
  for seed in ${SEEDS:-1 2 3 4 5}; do
    run=$OUT/$set-$seed
    [ -s "$run/result.json" ] || "$BIN/recommend" train --interactions "$OUT/$set.tsv" --positions 50 --ease 0 --knn 100 \
      --damping 1 --dropout 0.5 --batch-size 4096 --seed "$seed" --out "$run" --overwrite ${ARGS:-} > "$run.train.txt" 2>&1
    [ -s "$run.txt" ] || "$BIN/recommend" evaluate --model "$run" > "$run.txt"
    echo "== $set, seed $seed: $(sed -n 's/^result.*\(seconds=[0-9]*\).*/\1/p' "$run.train.txt")"
    cat "$run.txt"
  done
done
