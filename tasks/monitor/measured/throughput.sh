#!/bin/sh
# throughput.sh [--labelled | --model MODEL...]: records a second, and the largest memory after 100,000 and 1,000,000
# records, of a drawn stream. Its texts come again and again: --near -1 counts them all.
set -eu
cd "$(dirname "$0")/../../.."
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT
"${BIN:-build/release}/monitor" example --days 1000 --texts-a-day 220 | head -n 1000000 > "$dir/all"
for n in 100000 1000000; do
  head -n $n "$dir/all" > "$dir/some"
  /usr/bin/time -f "$n records: %M KiB, %U processor seconds" "${BIN:-build/release}/monitor" replay "$dir/some" --near -1 --no-words "$@" 2>&1 | grep -E 'result|KiB'
done
