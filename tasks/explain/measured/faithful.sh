#!/bin/sh
# faithful.sh: which explanations are faithful, and does attention explain? All methods on models fine-tuned from the
# encoder that ships, one a seed, on the test texts of SST-2 and Financial PhraseBank.
#
#   tasks/explain/measured/faithful.sh DATA SEED...      from the root of the repository, e.g. data 1 2 3
#
#   SETS     sst2 and phrasebank if not set
#   TEXTS    of each seed, 100 if not set; no text is drawn twice
#   SAMPLES  pairs of orders for Shapley values of more than 12 words, 50 if not set
#   BIN, RUNS and STEPS: tools/measured.sh; PYTHON: python3 if not set
#
# Prints what `explain compare` prints. Nothing is chosen by it. PhraseBank is split by the first seed.
. tools/measured.sh
begin faithful "$@"
need "$bin/sentiment" "$bin/explain"
texts=${TEXTS:-100} samples=${SAMPLES:-50}

epochs_of() {
  case $1 in
    phrasebank) echo 4 ;;
    *) echo 2 ;;
  esac
}

for set in ${SETS:-sst2 phrasebank}; do
  files=$runs/$set
  [ -e "$files/test.tsv" ] ||
    "${PYTHON:-python3}" tools/labelled_sets.py "$data" "$runs" "$set" --seed "${seeds%% *}" >/dev/null
  models=
  for seed in $seeds; do
    train "$set-$seed" sentiment --model mini --train "$files/train.tsv" --test "$files/test.tsv" --split 1/0/0 \
      --batch-size 32 --lr 5e-4 --dropout 0.1 --max-length 64 --epochs "$(epochs_of "$set")" --seed "$seed"
    models="$models --model $runs/$set-$seed"
  done
  # shellcheck disable=SC2086
  call "$set-compare" explain compare $models --data "$files/test.tsv" --texts "$texts" --samples "$samples"
  printf '\n%s: accuracy' "$set"
  for seed in $seeds; do printf ' %s' "$(value "$set-$seed" accuracy)"; done
  printf '\n\n'
  sed -n '/ texts, .* seeds; absent/,$p' "$runs/$set-compare.txt"
done
printf '\n%s\n' "$(made_by)"
