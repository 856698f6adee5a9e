#!/bin/sh
# inner.sh: what naive Bayes, long contexts, pairs and n-grams are worth to attention pooling, on inner splits of the
# training texts, each row with all that the row before has: SST-2 and Financial PhraseBank, the last epoch's model.
#
#   tasks/sentiment/measured/inner.sh DATA SEED...      a seed is a split 80/20 and first values
#
# BIN, RUNS and STEPS: tools/measured.sh; TFIDF= leaves out that row, which wants scikit-learn; PYTHON, python3 if not
# set. The test part (PhraseBank: a fifth by the seed) is not read.
. tools/measured.sh
begin inner "$@"
python=${PYTHON:-python3} tfidf=${TFIDF-yes}

row() { # SET NAME OPTION...
  set=$1 row=$2
  shift 2
  for seed in $seeds; do
    files=$runs/$seed/$set
    [ -e "$files/test.tsv" ] || "$python" tools/labelled_sets.py "$data" "$runs/$seed" "$set" --seed "$seed" --inner 5
    name=$seed/$set-$(name_of "$row")
    train "$name" sentiment --model pool --train "$files/train.tsv" --test "$files/test.tsv" --split 1/0/0 --heads 2 \
      --hidden 64 --vocab-size 16000 --seed "$seed" "$@"
    # shellcheck disable=SC2046
    line "$set" "$row" "$seed" $(value "$name" accuracy macro_f1)
  done
}
tfidf() { # SET
  for seed in $seeds; do
    files=$runs/$seed/$1
    [ -e "$files/tfidf" ] || {
      "$python" tools/tfidf.py "$files/train.tsv" "$files/test.tsv" >"$files/tfidf.part" || fail "no TF-IDF: TFIDF="
      mv "$files/tfidf.part" "$files/tfidf"
    }
    read -r accuracy f1 _ <"$files/tfidf"
    line "$1" tf-idf "$seed" "$accuracy" "$f1"
  done
}

odds="--log-odds 0.3 --length-exponent 0.5" subwords="--subwords 100000"
# shellcheck disable=SC2086
{
  W="--dropout 0.5 --lr 3e-3 --batch-size 64 --epochs 5"
  row sst2 pool $W
  row sst2 "and log odds, length" $W $odds
  row sst2 "and pairs" $W $odds --bigrams 100000
  row sst2 "and n-grams" $W $odds --bigrams 100000 $subwords
  [ -z "$tfidf" ] || tfidf sst2
  V="--bigrams 50000 --dropout 0.6 --epochs 8"
  before="$V --batch-size 64 --lr 3e-3" after="$V --batch-size 32 --lr 5e-3 $odds"
  row phrasebank "pool with pairs" $before
  row phrasebank "and log odds, length" $before $odds
  row phrasebank "and batches of 32" $after
  row phrasebank "and smoothing" $after --label-smoothing 0.1
  row phrasebank "and n-grams" $after --label-smoothing 0.1 $subwords
  [ -z "$tfidf" ] || tfidf phrasebank
}
table before "accuracy, %" "macro F1, %"
