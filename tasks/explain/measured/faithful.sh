#!/bin/sh
# faithful.sh: which explanations are faithful, and does attention explain? All methods on models of either kind, one a
# seed, on the test texts of SST-2 and Financial PhraseBank: fine-tuned from the encoder that ships (mini), and word
# embeddings read by attention (pool).
#
#   tasks/explain/measured/faithful.sh DATA SEED...      from the root of the repository, e.g. data 1 2 3
#
#   SETS     sst2 and phrasebank if not set; MODELS  mini and pool if not set
#   TEXTS    of each seed, 100 if not set; no text is drawn twice
#   SAMPLES  pairs of orders for Shapley values of more than 12 words, 50 if not set
#   BIN, RUNS and STEPS: tools/measured.sh; PYTHON: python3 if not set
#
# Prints what `explain compare` prints. Nothing is chosen by it. PhraseBank is split by the first seed.
. tools/measured.sh
begin faithful "$@"
need "$bin/sentiment" "$bin/explain"
texts=${TEXTS:-100} samples=${SAMPLES:-50}

learn() { # MODEL SET SEED
  files=$runs/$2
  case $1-$2 in
    mini-phrasebank) how="--epochs 4 --lr 5e-4 --max-length 64 --dropout 0.1" ;;
    mini-*) how="--epochs 2 --lr 5e-4 --max-length 64 --dropout 0.1" ;;
    *) how="--epochs 8 --lr 5e-3 --dropout 0.6 --heads 2 --hidden 64" ;;
  esac
  # shellcheck disable=SC2086
  train "$1-$2-$3" sentiment --model "$1" --train "$files/train.tsv" --test "$files/test.tsv" --split 1/0/0 \
    --batch-size 32 --seed "$3" $how
}

for model in ${MODELS:-mini pool}; do
  for set in ${SETS:-sst2 phrasebank}; do
    [ -e "$runs/$set/test.tsv" ] ||
      "${PYTHON:-python3}" tools/labelled_sets.py "$data" "$runs" "$set" --seed "${seeds%% *}" >/dev/null
    models=
    for seed in $seeds; do
      learn "$model" "$set" "$seed"
      models="$models --model $runs/$model-$set-$seed"
    done
    # shellcheck disable=SC2086
    call "$model-$set" explain compare $models --data "$runs/$set/test.tsv" --texts "$texts" --samples "$samples"
    printf '\n%s, %s: accuracy' "$model" "$set"
    for seed in $seeds; do printf ' %s' "$(value "$model-$set-$seed" accuracy)"; done
    printf '\n\n'
    sed -n '/ texts, .* seeds; absent/,/more faithful/p' "$runs/$model-$set.txt"
  done
done
printf '\n%s\n' "$(made_by)"
