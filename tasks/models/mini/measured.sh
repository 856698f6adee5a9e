#!/bin/sh
# measured.sh: what the encoder is worth: fine-tuned, beside `pool` from nothing and TF-IDF, with all labels and with few.
#
#   tasks/models/mini/measured.sh DATA SEED...      from the root of the repository, e.g. data 1 2 3 4 5
#
#   DATA    the sets as their publishers lay them out (tools/labelled_sets.py lists them)
#   SETS    which of them; all if not set          SHARES  of the labels; "1 0.1 0.01" if not set
#   ROWS    "encoder pool tfidf" if not set        MODEL   the encoder; tasks/models/mini if not set
#   INNER=1 measures on a tenth of the training part: to choose settings. Otherwise the test part is read once a run
#   BIN, RUNS and STEPS: tools/measured.sh
#
# Prints a line a run, then mean and standard error of accuracy, macro F1 and macro recall, and the paired differences
# of the encoder with the others; one under two standard errors is "not shown".
. tools/measured.sh
begin mini "$@"
need "$bin/sentiment"
python=${PYTHON:-python3} model=${MODEL:-tasks/models/mini}
sets=${SETS:-sst2 phrasebank semeval ag_news banking77 twitter_sentiment twitter_topic}
shares=${SHARES:-1 0.1 0.01} rows=${ROWS:-encoder pool tfidf} inner=${INNER:+--inner}

# Chosen on inner splits (INNER=1). Of few labels a step sees half as many texts, and there are as many steps as with all.
epochs_of() {
  case $1 in
    banking77) echo 12 ;;
    phrasebank | sst2) echo 4 ;;
    ag_news | twitter_*) echo 3 ;;
    *) echo 2 ;;
  esac
}
encoder() { # NAME SET SEED TRAIN TEST
  texts=$(($(wc -l <"$4") - 1)) batch=32
  [ "$texts" -gt 2000 ] || batch=16
  steps=$(($(epochs_of "$2") * texts / batch))
  [ $steps -gt "${FEWEST:-150}" ] || steps=${FEWEST:-150}
  rate=3e-4
  [ "$2-$share" != phrasebank-0.1 ] || rate=1e-3
  limit="--max-steps ${STEPS:-$steps}"
  # shellcheck disable=SC2086
  train "$1" sentiment --model "$model" --train "$4" --test "$5" --split 1/0/0 --batch-size $batch --lr "${LR:-$rate}" \
    --dropout 0.1 --max-length "${LENGTH:-64}" --seed "$3" ${OPTIONS:-}
}
pool() { # NAME SET SEED TRAIN TEST
  limit=${STEPS:+--max-steps $STEPS} wide=64
  [ "$2" != banking77 ] || wide=96 # at least its classes
  train "$1" sentiment --model pool --train "$4" --test "$5" --split 1/0/0 --heads 2 --hidden $wide --vocab-size 16000 \
    --subwords 100000 --bigrams 50000 --log-odds 0.3 --length-exponent 0.5 --dropout 0.6 --label-smoothing 0.1 \
    --lr 5e-3 --batch-size 32 --epochs 8 --seed "$3"
}

for set in $sets; do
  for share in $shares; do
    for seed in $seeds; do
      place=${INNER:+inner-}$set-$share-$seed
      files=$runs/$place/$set
      # shellcheck disable=SC2086
      [ -e "$files/test.tsv" ] ||
        "$python" tools/labelled_sets.py "$data" "$runs/$place" "$set" --seed "$seed" --share "$share" $inner >/dev/null
      for row in $rows; do
        if [ "$row" = tfidf ]; then
          [ -e "$runs/$place/tfidf" ] || {
            "$python" tools/tfidf.py "$files/train.tsv" "$files/test.tsv" >"$runs/$place/tfidf.part"
            mv "$runs/$place/tfidf.part" "$runs/$place/tfidf"
          }
          echo "$set $share $seed $row $(cat "$runs/$place/tfidf")" | tee -a "$lines"
          continue
        fi
        $row "$place/$row" "$set" "$seed" "$files/train.tsv" "$files/test.tsv"
        # shellcheck disable=SC2046
        echo "$set $share $seed $row" $(value "$place/$row" accuracy macro_f1 macro_recall) | tee -a "$lines"
      done
    done
  done
done

printf '\n%s\n\n' "$(made_by)"
# shellcheck disable=SC2154
awk "$deviation"'
  function error_of(sum, squares, n) { return deviation(sum, squares, n) / sqrt(n) }
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
