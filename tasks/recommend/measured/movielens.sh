#!/bin/sh
# movielens.sh: MovieLens latest small with its films' texts: the last item out, 20 % out at random, and films without
# ratings, by every model; and how much wider lists get by how much they lose.
#
#   tasks/recommend/measured/movielens.sh DATA SEED...     DATA: movielens_latest_small and, for the plots, tmdb_5000
#
# BIN, RUNS and STEPS: tools/measured.sh; PROTOCOLS: some of "last random cold", all if not set; PYTHON: python3 if not
# set. A seed draws the first values, and the films or ratings that are left out.
. tools/measured.sh
. tasks/recommend/measured/lists.sh
begin movielens "$@"
films=$data/movielens_latest_small plots=$data/tmdb_5000/tmdb_5000_movies.csv.gz
need "$films/ratings.csv" "$films/movies.csv" "$films/links.csv" "$plots"

# Titles without the year, the article in front; plots where a film has one; genres as tags; films with five ratings.
[ -s "$runs/items.jsonl" ] || prepare items.jsonl "${PYTHON:-python3}" - "$films" "$plots" <<'PY'
import csv, gzip, json, re, sys
films, tmdb = sys.argv[1:]
plots = {}
for row in csv.DictReader(gzip.open(tmdb, "rt", encoding="utf-8", newline="")):
    words = " ".join(k["name"] for k in json.loads(row["keywords"]))
    plots[row["id"]] = " ".join(filter(None, [row["overview"], row["tagline"], words]))
film = {row["movieId"]: row["tmdbId"] for row in csv.DictReader(open(films + "/links.csv", encoding="utf-8"))}
for row in csv.DictReader(open(films + "/movies.csv", encoding="utf-8")):
    title = re.sub(r"\s*\(\d{4}\)\s*$", "", row["title"])
    title = re.sub(r"^(.*), (The|A|An|Les?|La|Il|Das|Der|Die|El)\b", r"\2 \1", title)
    tags = [] if row["genres"].startswith("(") else row["genres"].split("|")
    print(json.dumps({"id": row["movieId"], "title": title, "description": plots.get(film[row["movieId"]], ""), "tags": tags}))
PY
for protocol in ${PROTOCOLS:-last random cold}; do
  for seed in $seeds; do
    train "$protocol-$seed" recommend --interactions "$films/ratings.csv" --items "$runs/items.jsonl" \
      --user-column userId --item-column movieId --time-column timestamp --min-item 5 --protocol "$protocol" --seed "$seed"
  done
done
names=${PROTOCOLS:-last random cold}
tables
