#!/bin/sh
# report.sh: the report of two small runs in Chromium without a screen, from the disk; axe-core looks for what shuts
# people out.
set -eu
cd "$(dirname "$0")/../.."
. tests/clients/server.sh
browser
for seed in 1 2; do
  quietly build/release/sentiment train --model pool --epochs 3 --seed "$seed" --out "$dir/run-$seed"
done
build/release/report "$dir/run-1" "$dir/run-2" --out "$dir/report.html"
URL=$dir/report.html run_node tests/browser/report.mjs
