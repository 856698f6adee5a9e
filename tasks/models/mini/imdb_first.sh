#!/bin/sh
# imdb_first.sh: what the labels of IMDB's reviews, learned first, are worth on SST-2.
#
#   tasks/models/mini/imdb_first.sh DATA SEED...      from the root of the repository, e.g. data 1 2 3 4 5
#
# The reviews are cut into sentences of 4 to 50 words, each with its review's label, without those of SST-2; `mini`
# learns them for an epoch. From there and from `mini` itself: SST-2 with the settings of measured.sh, seed by seed.
# DATA holds imdb and sst2 as they are published. BIN, RUNS and STEPS: tools/measured.sh
. tools/measured.sh
begin imdb-first "$@"
need "$bin/sentiment" "$data/imdb/train_pos.tsv" "$data/imdb/train_neg.tsv" "$data/sst2/train.tsv" "$data/sst2/dev.tsv"

sentences=$runs/sentences.tsv
[ -s "$sentences" ] || {
  printf 'label\ttext\n'
  awk -F '\t' '
    function bare(text) { text = tolower(text); gsub(/[^a-z0-9]/, "", text); return text }
    FILENAME ~ /sst2/ { known[bare($1)]; next }
    {
      gsub(/"/, "", $2)
      gsub(/<br ?\/?>/, "\n", $2)
      gsub(/[.!?]+ +/, "&\n", $2)
      n = split($2, part, "\n")
      for (i = 1; i <= n; i++) {
        words = split(part[i], w, " ")
        if (words >= 4 && words <= 50 && !(bare(part[i]) in known)) {
          gsub(/^ +| +$/, "", part[i])
          print (FILENAME ~ /pos/ ? "positive" : "negative") "\t" part[i]
        }
      }
    }' "$data/sst2/train.tsv" "$data/sst2/dev.tsv" "$data/imdb/train_pos.tsv" "$data/imdb/train_neg.tsv"
} >"$sentences"

train first sentiment --model mini --train "$sentences" --text-column text --label-column label --split 98/2/0 \
  --max-length 64 --epochs 1 --batch-size 64 --lr 5e-4
for seed in $seeds; do
  for row in mini imdb; do
    model=mini
    [ $row = mini ] || model=$runs/first
    # shellcheck disable=SC2086
    train "$row-$seed" sentiment --model "$model" --train "$data/sst2/train.tsv" --test "$data/sst2/dev.tsv" $sst2 --split 1/0/0 \
      --max-length 64 --epochs 4 --batch-size 32 --lr 3e-4 --dropout 0.1 --seed "$seed"
    # shellcheck disable=SC2046
    line SST-2 $row "$seed" $(value "$row-$seed" accuracy macro_f1)
  done
done
table mini accuracy% 'macro F1%'
