#!/bin/sh
# movielens.sh: MovieLens latest small with its films' texts, last item out, 20 % out at random, and films without ratings.
#   DATA=DIR tasks/recommend/measured/movielens.sh       ratings.csv, movies.csv, links.csv of ml-latest-small
#   TMDB=FILE    tmdb_5000_movies.csv[.gz], for the plots;  SEEDS="1 2 3 4 5"   PROTOCOLS="last random cold"
#   OUT=DIR      where the runs go; kept ones are not run again    ARGS="..."   more options of train
set -eu
DATA=${DATA:?where ratings.csv, movies.csv and links.csv are}
OUT=${OUT:-runs/movielens}
BIN=${BIN:-build/release}
mkdir -p "$OUT"
# Titles without the year, the article in front; plots where a film has one; genres as tags; films with five ratings.
[ -s "$OUT/items.jsonl" ] || python3 - "$DATA" "${TMDB:-}" > "$OUT/items.jsonl" <<'PY'
import csv, gzip, json, re, sys
data, tmdb = sys.argv[1:]
plots = {}
if tmdb:
    lines = (gzip.open if tmdb.endswith(".gz") else open)(tmdb, "rt", encoding="utf-8", newline="")
    for row in csv.DictReader(lines):
        words = " ".join(k["name"] for k in json.loads(row["keywords"]))
        plots[row["id"]] = " ".join(filter(None, [row["overview"], row["tagline"], words]))
film = {row["movieId"]: row["tmdbId"] for row in csv.DictReader(open(data + "/links.csv", encoding="utf-8"))}
for row in csv.DictReader(open(data + "/movies.csv", encoding="utf-8")):
    title = re.sub(r"\s*\(\d{4}\)\s*$", "", row["title"])
    title = re.sub(r"^(.*), (The|A|An|Les?|La|Il|Das|Der|Die|El)\b", r"\2 \1", title)
    tags = [] if row["genres"].startswith("(") else row["genres"].split("|")
    print(json.dumps({"id": row["movieId"], "title": title, "description": plots.get(film[row["movieId"]], ""), "tags": tags}))
PY
for protocol in ${PROTOCOLS:-last random cold}; do
  for seed in ${SEEDS:-1 2 3 4 5}; do
    run=$OUT/$protocol-$seed
    [ -s "$run/result.json" ] || "$BIN/recommend" train --interactions "$DATA/ratings.csv" --items "$OUT/items.jsonl" \
      --user-column userId --item-column movieId --time-column timestamp --min-item 5 --protocol "$protocol" \
      --seed "$seed" --out "$run" --overwrite ${ARGS:-} > "$run.train.txt" 2>&1
    [ -s "$run.txt" ] || "$BIN/recommend" evaluate --model "$run" > "$run.txt"
    echo "== $protocol, seed $seed: $(sed -n 's/^result.*\(seconds=[0-9]*\).*/\1/p' "$run.train.txt")"
    cat "$run.txt"
  done
done
