# shellcheck shell=sh
# What movielens.sh and amazon.sh print of the runs NAME-SEED in RUNS: models, wider lists, probabilities and reasons.

# each FUNCTION: for every run in $names
each() {
  for name in $names; do
    for seed in $seeds; do "$1"; done
  done
}

evaluated() { call "$name-$seed-test" recommend evaluate --model "$runs/$name-$seed"; }

# lines GROUP AWK-PROGRAM: what the program prints of an evaluation: ROW, FIGURE ..., with tabs between
lines() {
  _group=$1
  awk -v OFS='\t' "$2" "$runs/$name-$seed-test.txt" >"$runs/rows.$$"
  while IFS='	' read -r _row _figures; do
    # shellcheck disable=SC2086
    line "$_group" "$_row" "$seed" $_figures
  done <"$runs/rows.$$"
  rm "$runs/rows.$$"
}

models() {
  lines "$name, lists of 10" '
    /^lists of/ { reading = 1; next }
    /^$/ { exit }
    reading { row = substr($0, 1, 22); sub(/ +$/, "", row); $0 = substr($0, 23); print row, $2, $3, $7, $4, $5, $10, $11, $8 }'
}

wider() {
  lines "$name, joined, re-ranked" '
    /^re-ranked/ { reading = 1; next }
    /^the last ones/ { exit }
    reading {
      match($0, /^(joined|([a-z]+: )?[a-z-]+ [0-9.]+)/)
      row = substr($0, 1, RLENGTH); sub(/: .*/, ", as far as dev allows", row)
      $0 = substr($0, RLENGTH + 1); gsub(/%/, "")
      print row, $1, $2, $3, $5, $7, $9
    }'
}

trusted() {
  lines "$name, what is shown" '
    /^probabilities/ { said = $6; taken = $9; ece = $13; perfect = $18 + 0 }
    /^reasons/ { named = $11; other = $19; further = $25 }
    /^result/ { match($0, /list_seconds=[0-9.]+/); s = substr($0, RSTART + 13, RLENGTH - 13)
      print "joined", said, taken, ece, perfect, named, other, further, s }'
}

tables() {
  each evaluated
  each models
  table joined "NDCG, %" "HR, %" MRR recall precision coverage Gini AUC
  : >"$lines"
  each wider
  table "" NDCG "% of it gained" coverage "distance by words, % gained" "by tags, % gained" "by learned vectors, % gained"
  : >"$lines"
  each trusted
  table "" "% said" "% taken" ECE "of a perfect one" "log share falls without the named" "without another" "% of cases further" "lists, seconds"
}
