#!/bin/sh
# pretrain.sh: tokens a second of steps of masked language modelling: attune, PyTorch, and attune's classifier of the same
# encoder, by turns, on sequences of 128 pieces, 16 a step, AdamW, 15 % hidden.
#
#   tools/bench/pretrain.sh [DIR [ROUNDS]]      from the root; DIR an encoder, tasks/models/mini if not said; 7 rounds
#
# PYTHON is a Python with torch, /usr/bin/python3 if not set. A sample of attune is the time of 60 steps: that of a run of
# 70 less that of a run of 10. The last line has the medians of the rounds' ratios, with the smallest and the largest.
set -eu
export LC_ALL=C
dir=${1:-tasks/models/mini} rounds=${2:-7} python=${PYTHON:-/usr/bin/python3}
bin=${BIN:-build/release}
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 130' INT TERM HUP

# The sentences that ship, end to end, two hundred a line: every sequence is full but the last of a line.
awk -F '\t' -v out="$tmp/long.txt" -v table="$tmp/long.tsv" '
  BEGIN { print "label\ttext" > table }
  NR > 1 { text = text " " $1; if (NR % 200 == 0) { print text > out; text = "" } last[NR % 12] = $1 }
  NR > 12 { words = ""; for (i = 0; i < 12; i++) words = words " " last[i]; print $2 "\t" words > table }' tasks/data/sentiment.tsv
seconds() { # PROGRAM WORD...: of one run
  _start=$(date +%s%N)
  "$bin/$@" --seed 1 --out "$tmp/run" --overwrite >"$tmp/said" 2>&1 || { cat "$tmp/said" >&2; exit 1; }
  echo $((($(date +%s%N) - _start) / 1000))
}
rate() { # of 60 steps of 2,048 tokens
  echo "$(seconds "$@" --max-steps 10) $(seconds "$@" --max-steps 70)" | awk '{ printf "%.0f\n", 60 * 2048 / ($2 - $1) * 1e6 }'
}
pretrain() { rate pretrain train --model "$dir" --train "$tmp/long.txt" --dev-share 0.05 --batch-size 2048 --accumulate 1 --mask-share 0.15 --optimizer adamw --eval-every 1000; }
classifier() { rate sentiment train --model "$dir" --data "$tmp/long.tsv" --split 0.99/0.01/0 --batch-size 16 --max-length 128 --no-shuffle; }
torch() {
  tuned="OMP_NUM_THREADS=$(nproc)"
  ! grep -qw avx512f /proc/cpuinfo || tuned="$tuned OPENBLAS_CORETYPE=SkylakeX"
  # shellcheck disable=SC2086
  echo | env $tuned "$python" tools/bench/torch_peer.py pretrain "$dir" | sed -n 's/.*per_second": \([0-9]*\).*/\1/p'
}

echo "round attune torch classifier   (tokens a second)"
i=1
while [ "$i" -le "$rounds" ]; do
  if [ $((i % 2)) = 1 ]; then a=$(pretrain) t=$(torch) c=$(classifier); else c=$(classifier) t=$(torch) a=$(pretrain); fi
  echo "$i $a $t $c" | tee -a "$tmp/rows"
  i=$((i + 1))
done
for peer in 3:torch 4:classifier; do
  awk -v k="${peer%:*}" '{ print $2 / $k }' "$tmp/rows" | sort -n |
    awk -v name="${peer#*:}" '{ r[NR] = $1 } END { printf "attune / %s: %.2f (%.2f to %.2f)\n", name, r[int((NR + 1) / 2)], r[1], r[NR] }'
done
