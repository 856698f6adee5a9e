#!/bin/sh
# throughput.sh MODEL...: texts a second, and the largest memory after 100,000 and 1,000,000 texts, of a drawn stream.
set -eu
cd "$(dirname "$0")/../../.."
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT
build/release/monitor example --days 1000 --texts-a-day 220 | head -n 1000000 > "$dir/all"
for n in 100000 1000000; do
  head -n $n "$dir/all" > "$dir/some"
  /usr/bin/time -f "$n records: %M KiB" build/release/monitor replay "$dir/some" --near -1 --no-words ${1:+--model "$@"} 2>&1 | grep -E 'result|KiB'
done
