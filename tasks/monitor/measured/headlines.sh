#!/bin/sh
# headlines.sh FILE: a replay of dated headlines, guardian_headlines.csv with `Time,Headlines`, newest first and written
# 18-Jul-20, by the classifier that ships; a bin is a day, shares alone (a page had twenty headlines). Rows that have no day are left out.
set -eu
file=$(realpath "$1")
cd "$(dirname "$0")/../../.."
python3 -c '
import csv, datetime, json, sys
rows = [(datetime.datetime.strptime(r["Time"], "%d-%b-%y"), " ".join(r["Headlines"].split()))
        for r in csv.DictReader(open(sys.argv[1])) if r["Time"].count("-") == 2]
for day, text in sorted(rows, key=lambda row: row[0]):
    print(json.dumps({"time": f"{day:%Y-%m-%d}", "text": text}))' "$file" |
  build/release/monitor replay --bin 1d --lateness 0s --repeats 2d --warm-up 8w --form text --no-words
