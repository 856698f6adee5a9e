#!/bin/sh
# phrasebank.sh: what 20 trials are worth on Financial PhraseBank from the encoder that ships: settings are chosen on an
# inner split of the training texts, then the model is trained on all of them and the test part read once, beside the
# encoder's defaults, which are trained and tested alike.
#
#   tasks/tune/measured/phrasebank.sh DATA SEED...      a seed is a split 80/20, its inner split and first values
#
# BIN, RUNS and STEPS: tools/measured.sh; TRIALS=20, JOBS=1; EPOCHS=4 is the most that a trial may take.
. tools/measured.sh
begin tune-phrasebank "$@"
need "$bin/tune" "$bin/sentiment"
python=${PYTHON:-python3} trials=${TRIALS:-20} jobs=${JOBS:-1} epochs=${EPOCHS:-4}
mini=tasks/models/mini

cat >"$runs/study.json" <<END
{
  "name": "phrasebank", "metric": "dev.macro_f1", "direction": "maximize", "trials": $trials,
  "sampler": {"name": "tpe", "startup": 6}, "pruner": {"name": "median", "startup": 4},
  "space": {
    "lr": {"low": 5e-5, "high": 3e-3, "log": true},
    "batch-size": {"type": "int", "low": 8, "high": 48, "step": 8},
    "epochs": {"type": "int", "low": 2, "high": $epochs},
    "dropout": {"low": 0.0, "high": 0.4},
    "label-smoothing": {"low": 0.0, "high": 0.2},
    "weight-decay": {"low": 1e-3, "high": 0.3, "log": true}
  }
}
END

common="--model $mini --max-length 64"
for seed in $seeds; do
  outer=$runs/$seed/outer inner=$runs/$seed/inner
  [ -e "$outer/phrasebank/test.tsv" ] || "$python" tools/labelled_sets.py "$data" "$outer" phrasebank --seed "$seed"
  [ -e "$inner/phrasebank/test.tsv" ] || "$python" tools/labelled_sets.py "$data" "$inner" phrasebank --seed "$seed" --inner 5
  files=$inner/phrasebank
  # the inner test part is the search's dev part
  # shellcheck disable=SC2086
  "$bin/tune" --study "$runs/study.json" --jobs "$jobs" --out "$runs/$seed/search" -- \
    "$bin/sentiment" train $common --train "$files/train.tsv" --dev "$files/test.tsv" $limit \
    >"$runs/$seed-search.txt" 2>"$runs/$seed-search.err" || fail "$(grep -m 1 '^error' "$runs/$seed-search.err")"
  chosen=$(sed -n 's/^best: .* --max-length 64 //p' "$runs/$seed-search.txt" | tr ' ' '\n' |
    grep -E '^--(lr|batch-size|epochs|dropout|label-smoothing|weight-decay)=')
  files=$outer/phrasebank
  # shellcheck disable=SC2086
  train "$seed-defaults" sentiment $common --split 1/0/0 --train "$files/train.tsv" --test "$files/test.tsv" --seed "$seed"
  # shellcheck disable=SC2086
  train "$seed-chosen" sentiment $common --split 1/0/0 --train "$files/train.tsv" --test "$files/test.tsv" --seed "$seed" $chosen
  for row in defaults chosen; do
    # shellcheck disable=SC2046
    line PhraseBank "$row" "$seed" $(value "$seed-$row" accuracy macro_f1)
  done
done
table "" "accuracy, %" "macro F1, %"
