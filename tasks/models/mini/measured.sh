#!/bin/sh
# measured.sh: what the encoder is worth: fine-tuned, beside `pool` from nothing and TF-IDF, with all labels and with few.
#
#   tasks/models/mini/measured.sh DATA SEED...      from the root of the repository, e.g. data 1 2 3 4 5
#
#   DATA    the sets as their publishers lay them out (tools/labelled_sets.py lists them)
#   SETS    which of them; all if not set          SHARES  of the labels; "1 0.1 0.01" if not set
#   ROWS    "encoder pool tfidf" if not set        MODEL   the encoder; tasks/models/mini if not set
#   INNER=1 measures on a tenth of the training part: to choose settings. Otherwise the test part is read once a run
#   RUNS    where the runs go; runs/mini if not set. A run that is there is not made again, so seeds can be added
#   BIN     directory of the programs; build/release if not set
#
# Prints a line a run, then mean and standard error of accuracy, macro F1 and macro recall, and the paired differences
# of the encoder with the others; one under two standard errors is "not shown".
set -eu
export LC_ALL=C
[ $# -ge 2 ] || { printf 'error: measured.sh DATA SEED... ; the first lines of %s explain\n' "$0" >&2; exit 2; }
data=$1 python=${PYTHON:-python3} bin=${BIN:-build/release} runs=${RUNS:-runs/mini} model=${MODEL:-tasks/models/mini}
sets=${SETS:-sst2 phrasebank semeval ag_news banking77 twitter_sentiment twitter_topic}
shares=${SHARES:-1 0.1 0.01} rows=${ROWS:-encoder pool tfidf} inner=${INNER:+--inner}
shift

# Chosen on inner splits (INNER=1). Of few labels a step sees half as many texts, and there are as many steps as with all.
epochs_of() {
  case $1 in
    banking77) echo 12 ;;
    phrasebank) echo 4 ;;
    ag_news | twitter_*) echo 3 ;;
    *) echo 2 ;;
  esac
}
encoder() { # SET SHARE SEED TRAIN TEST OUT
  texts=$(($(wc -l <"$4") - 1)) batch=32
  [ "$texts" -gt 2000 ] || batch=16
  steps=$(($(epochs_of "$1") * texts / batch))
  [ $steps -gt "${FEWEST:-150}" ] || steps=${FEWEST:-150}
  "$bin/sentiment" train --model "$model" --train "$4" --test "$5" --split 1/0/0 --max-steps "$steps" --batch-size $batch \
    --lr "${LR:-5e-4}" --dropout 0.1 --max-length "${LENGTH:-64}" --seed "$3" --out "$6" --overwrite ${OPTIONS:-}
}
pool() {
  "$bin/sentiment" train --model pool --train "$4" --test "$5" --split 1/0/0 --heads 2 --hidden 64 --vocab-size 16000 \
    --subwords 100000 --bigrams 50000 --log-odds 0.3 --length-exponent 0.5 --dropout 0.6 --label-smoothing 0.1 \
    --lr 5e-3 --batch-size 32 --epochs 8 --seed "$3" --out "$6" --overwrite
}
value() { sed -n 's/^ *"'"$2"'": \([0-9.]*\),*$/\1/p;/"report"/q' "$1/result.json" | head -n 1; }

mkdir -p "$runs"
lines=$runs/lines.$$
trap 'rm -f "$lines"' EXIT
for set in $sets; do
  for share in $shares; do
    for seed in "$@"; do
      place=$runs/${INNER:+inner-}$set-$share-$seed
      [ -e "$place/$set/test.tsv" ] ||
        "$python" tools/labelled_sets.py "$data" "$place" "$set" --seed "$seed" --share "$share" $inner >/dev/null
      for row in $rows; do
        if [ "$row" = tfidf ]; then
          [ -e "$place/tfidf" ] ||
            "$python" tools/tfidf.py "$place/$set/train.tsv" "$place/$set/test.tsv" >"$place/tfidf"
          echo "$set $share $seed $row $(cat "$place/tfidf")"
          continue
        fi
        out=$place/$row
        [ -e "$out/result.json" ] ||
          $row "$set" "$share" "$seed" "$place/$set/train.tsv" "$place/$set/test.tsv" "$out" >"$out.txt" 2>&1 ||
          { printf 'error: %s: ' "$out.txt" >&2; tail -n 1 "$out.txt" >&2; exit 1; }
        echo "$set $share $seed $row $(value "$out" accuracy) $(value "$out" macro_f1) $(value "$out" macro_recall)"
      done
    done
  done
done | tee "$lines"

printf '\ncommit %s, %s\n\n' "$(git describe --always --dirty)" "$(sed -n 's/^model name[^:]*: //p;T;q' /proc/cpuinfo)"
awk '
  function error_of(sum, squares, n) { return n > 1 && squares * n > sum * sum ? sqrt((squares - sum * sum / n) / (n - 1) / n) : 0 }
  { key = $1 " " $2; if (!(key in seen)) { seen[key] = 1; keys[++K] = key }
    if (!($4 in known)) { known[$4] = 1; names[++R] = $4 }
    for (m = 5; m <= 7; m++) x[key, $4, $3, m] = 100 * $m
    seeds[$3] = 1 }
  END {
    split("accuracy,macro F1,macro recall", what, ",")
    for (k = 1; k <= K; k++) for (m = 5; m <= 7; m++) {
      line = sprintf("%-24s %-12s", keys[k], what[m - 4])
      for (r = 1; r <= R; r++) {
        n = s = q = 0
        for (seed in seeds) if ((keys[k], names[r], seed, m) in x) { v = x[keys[k], names[r], seed, m]; n++; s += v; q += v * v }
        if (n) line = line sprintf("  %s %.1f +- %.1f", names[r], s / n, error_of(s, q, n))
      }
      for (r = 2; r <= R; r++) {
        n = s = q = 0
        for (seed in seeds) if ((keys[k], names[r], seed, m) in x && (keys[k], names[1], seed, m) in x) {
          v = x[keys[k], names[1], seed, m] - x[keys[k], names[r], seed, m]; n++; s += v; q += v * v }
        if (n > 1) { gain = s / n; e = error_of(s, q, n)
          line = line sprintf("  - %s %+.1f +- %.1f%s", names[r], gain, e, (gain > 2 * e || gain < -2 * e) ? "" : " (not shown)") }
      }
      print line
    }
  }' "$lines"
