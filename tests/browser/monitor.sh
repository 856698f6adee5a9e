#!/bin/sh
# monitor.sh: the page of `monitor serve` over the stream that ships, in Chromium without a screen; the last days of the
# stream arrive while the page is open.
set -eu
cd "$(dirname "$0")/../.."
. tests/clients/server.sh
need chromium chromium
packages puppeteer-core axe-core
dir=$(mktemp -d)
server=""
trap '[ -z "$server" ] || kill "$server" 2>/dev/null || true; rm -rf "$dir"' EXIT
export OMP_NUM_THREADS=1
build/release/monitor example >"$dir/all"
head -n 10000 "$dir/all" >"$dir/stream"
tail -n +10001 "$dir/all" | head -n 2000 >"$dir/later"
build/release/monitor serve "$dir/stream" --follow --labelled --bin 6h --repeats 6h --watch negative --port 0 >"$dir/out" 2>"$dir/err" &
server=$!
for _ in $(seq 300); do
  URL=$(sed -n 's/^serving on \([^ ]*\) .*/\1/p' "$dir/out")
  [ -z "$URL" ] || break
  sleep 0.1
done
[ -n "$URL" ] || { cat "$dir/err"; exit 1; }
STREAM="$dir/stream" LATER="$dir/later" run_node tests/browser/monitor.mjs
