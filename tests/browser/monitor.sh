#!/bin/sh
# monitor.sh: the page of `monitor serve` over the stream that ships, in Chromium without a screen; the last days of the
# stream arrive while the page is open.
set -eu
cd "$(dirname "$0")/../.."
. tests/clients/server.sh
browser
build/release/monitor example >"$dir/all"
head -n 10000 "$dir/all" >"$dir/stream"
tail -n +10001 "$dir/all" | head -n 2000 >"$dir/later"
serving build/release/monitor serve "$dir/stream" --follow --labelled --bin 6h --repeats 6h --watch negative
STREAM="$dir/stream" LATER="$dir/later" run_node tests/browser/monitor.mjs
