#!/bin/sh
# full_size.sh: a directory of opus-mt's full size (6 + 6 layers of 512, 58,101 pieces, 74 M parameters, random weights):
# seconds until it is loaded, a sentence of 12 pieces by a beam search of 6, and the memory of the process.
#
#   tasks/translate/measured/full_size.sh
#
# Needs build/release/bench-translate. OUT: where the directory goes, 300 MB; build/bench/full-size if not set.
set -eu
cd "$(dirname "$0")/../../.."
out=${OUT:-build/bench/full-size}
[ -s "$out/model.safetensors" ] || build/release/bench-translate draw --out "$out"
for _ in 1 2 3; do build/release/bench-translate load --model "$out"; done
