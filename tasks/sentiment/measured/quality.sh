#!/bin/sh
# The rows of "how good" for attention pooling from nothing: accuracy, macro F1 and macro recall of every seed, then their
# mean and half the spread.
#   BIN=build/release tasks/sentiment/measured/quality.sh DATA SEED...
# DATA holds semeval2017_task4a, sst2 and financial_phrasebank as they are published.
set -eu
bin=${BIN:-build/release}
data=${1:?usage: quality.sh DATA SEED...}
shift
[ $# -gt 0 ] || set -- 1 2 3
runs=${RUNS:-runs/measured-quality}
mkdir -p "$runs"

small="--heads 2 --hidden 64 --vocab-size 16000 --subwords 100000 --log-odds 0.3 --length-exponent 0.5"
W="$small --bigrams 100000 --dropout 0.5 --lr 3e-3 --batch-size 64 --epochs 5"
V="$small --bigrams 50000 --dropout 0.6 --label-smoothing 0.1 --lr 5e-3 --batch-size 32 --epochs 8"
semeval="--no-header --label-column 2 --text-column 3 --labels negative,neutral,positive --split 1/0/0 --dropout 0.3 --lr 1e-3 --epochs 3 --batch-size 32"
sst="--no-header --text-column 1 --label-column 2 --labels 0=negative,1=positive --split 1/0/0"
bank="--no-header --encoding latin-1 --label-column 1 --text-column 2 --labels negative,neutral,positive --split 80/0/20"

row() {  # row NAME OPTIONS...: one run a seed, kept if it is there already
  name=$1
  shift
  for seed in $seeds; do
    out=$runs/$name-$seed
    [ -f "$out/result.json" ] || "$bin/sentiment" train --model pool "$@" --seed "$seed" --out "$out" --overwrite >"$out.txt" 2>&1
    accuracy=$(sed -n 's/.*"accuracy": \([0-9.]*\),*/\1/p' "$out/result.json" | head -n 1)
    f1=$(sed -n 's/.*"macro_f1": \([0-9.]*\),*/\1/p' "$out/result.json" | head -n 1)
    recall=$(sed -n 's/.*"macro_recall": \([0-9.]*\),*/\1/p' "$out/result.json" | head -n 1)
    echo "$name $seed $accuracy $f1 $recall"
  done | awk '{ print; n++; for (c = 3; c <= 5; c++) { x = 100 * $c; s[c] += x; if (n == 1 || x < lo[c]) lo[c] = x; if (n == 1 || x > hi[c]) hi[c] = x } name = $1 }
    END { printf "%-16s accuracy %.1f +- %.1f   macro F1 %.1f +- %.1f   macro recall %.1f +- %.1f\n", name, s[3]/n, (hi[3]-lo[3])/2, s[4]/n, (hi[4]-lo[4])/2, s[5]/n, (hi[5]-lo[5])/2 }'
}

seeds=$*
# shellcheck disable=SC2086
row semeval --train "$data"/semeval2017_task4a/train/*.txt --test "$data"/semeval2017_task4a/test/*.txt $semeval
row semeval-balanced --train "$data"/semeval2017_task4a/train/*.txt --test "$data"/semeval2017_task4a/test/*.txt $semeval --class-weights balanced
row sst2 --train "$data/sst2/train.tsv" --test "$data/sst2/dev.tsv" $sst --heads 2 --hidden 64 --vocab-size 16000 --dropout 0.5 --lr 1e-3 --epochs 8
row sst2-W --train "$data/sst2/train.tsv" --test "$data/sst2/dev.tsv" $sst $W
row phrasebank --data "$data/financial_phrasebank/all-data.csv" $bank --heads 2 --vocab-size 16000 --dropout 0.7 --lr 2e-3 --epochs 12
row phrasebank-V --data "$data/financial_phrasebank/all-data.csv" $bank $V
