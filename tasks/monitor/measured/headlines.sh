#!/bin/sh
# headlines.sh FILE: a replay of dated headlines, guardian_headlines.csv with `Time,Headlines`, newest first and written
# 18-Jul-20, by the classifier that ships; a bin is a day, shares alone (a page had twenty headlines).
set -eu
file=$(realpath "$1")
cd "$(dirname "$0")/../../.."
tac "$file" | awk -F, 'BEGIN { split("Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec", m, " "); for (i in m) n[m[i]] = i; print "time,text" }
  $1 ~ /^[0-9]+-[A-Z][a-z][a-z]-[0-9]+$/ { split($1, d, "-"); t = substr($0, length($1) + 2); printf "20%02d-%02d-%02d,%s\n", d[3], n[d[2]], d[1], t }' |
  build/release/monitor replay --format csv --bin 1d --lateness 0s --repeats 2d --warm-up 8w --form text --no-words
