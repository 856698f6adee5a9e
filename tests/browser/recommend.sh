#!/bin/sh
# recommend.sh: the page of `recommend serve` in Chromium without a screen, over the catalogue that ships; axe-core looks
# for what shuts people out.
set -eu
cd "$(dirname "$0")/../.."
. tests/clients/server.sh
need chromium chromium
packages puppeteer-core axe-core
dir=$(mktemp -d)
server=""
trap '[ -z "$server" ] || kill "$server" 2>/dev/null || true; rm -rf "$dir"' EXIT
export OMP_NUM_THREADS=1
${BIN:-build/release}/recommend train --text words --max-steps 20 --ease 100 --content 3 --out "$dir/run" >"$dir/train" 2>&1 || { cat "$dir/train"; exit 1; }
${BIN:-build/release}/recommend serve --model "$dir/run" --port 0 >"$dir/out" 2>"$dir/err" &
server=$!
URL=""
for _ in $(seq 300); do
  URL=$(sed -n 's/^serving on \([^ ]*\) .*/\1/p' "$dir/out")
  [ -z "$URL" ] || break
  sleep 0.1
done
[ -n "$URL" ] || { cat "$dir/err"; exit 1; }
run_node tests/browser/recommend.mjs
