#!/bin/sh
# quality.sh: how good attention pooling from nothing is, on SemEval-2017 4A, SST-2 and Financial PhraseBank.
#
#   tasks/sentiment/measured/quality.sh DATA SEED...
#
# BIN, RUNS and STEPS: tools/measured.sh. TF-IDF beside it: ROWS=tfidf tasks/models/mini/measured.sh.
. tools/measured.sh
begin measured-quality "$@"

small="--heads 2 --hidden 64 --vocab-size 16000 --subwords 100000 --log-odds 0.3 --length-exponent 0.5"
W="$small --bigrams 100000 --dropout 0.5 --lr 3e-3 --batch-size 64 --epochs 5"
V="$small --bigrams 50000 --dropout 0.6 --label-smoothing 0.1 --lr 5e-3 --batch-size 32 --epochs 8"
tweets=$data/semeval2017_task4a
semeval="--train $tweets/train/*.txt --test $tweets/test/*.txt --no-header --label-column 2 --text-column 3
  --labels negative,neutral,positive --split 1/0/0 --dropout 0.3 --lr 1e-3 --epochs 3 --batch-size 32"

row() {  # row GROUP NAME OPTIONS...: a run of every seed
  group=$1 row=$2
  shift 2
  for seed in $seeds; do
    train "$row-$seed" sentiment --model pool "$@" --seed "$seed"
    # shellcheck disable=SC2046
    line "$group" "$row" "$seed" $(value "$row-$seed" accuracy macro_f1 macro_recall)
  done
}

# shellcheck disable=SC2086,SC2154
{
  row SemEval semeval $semeval
  row SemEval semeval-balanced $semeval --class-weights balanced
  sentences="--train $data/sst2/train.tsv --test $data/sst2/dev.tsv $sst2 --split 1/0/0"
  row SST-2 sst2 $sentences --heads 2 --hidden 64 --vocab-size 16000 --dropout 0.5 --lr 1e-3 --epochs 8
  row SST-2 sst2-W $sentences $W
  news="--data $data/financial_phrasebank/all-data.csv $phrasebank --split 80/0/20"
  row PhraseBank phrasebank $news --heads 2 --vocab-size 16000 --dropout 0.7 --lr 2e-3 --epochs 12
  row PhraseBank phrasebank-V $news $V
}
table "" "accuracy, %" "macro F1, %" "macro recall, %"
