#!/bin/sh
# ties.sh: what alignment and agreement gain where labels are few: macro F1 on test of Financial PhraseBank (`bank`, 64,
# 256 or 1,024 labels), alone, with 4,000 sentences of SST-2 (`film`), and with ties.
#
#   tasks/multitask/measured/ties.sh DATA SEED...      prints the task files, too
#
# BIN, RUNS and STEPS: tools/measured.sh. LABELS: "64 256 1024" if not set. `bank` alone learns until the steps are as
# many as with `film`, and 20 epochs at least.
. tools/measured.sh
begin ties "$@"

task_file() { # ROW LABELS
  bank='"bank": {"data": "'$data'/financial_phrasebank/all-data.csv", "no_header": true, "encoding": "latin-1",
    "label_column": "1", "text_column": "2", "labels": "negative,neutral,positive",
    "split": "60/20/20", "examples": '$2'}'
  film='"film": {"train": "'$data'/sst2/train.tsv", "dev": "'$data'/sst2/dev.tsv", "no_header": true,
    "text_column": "1", "label_column": "2", "labels": "0=negative,1=positive",
    "examples": 4000, "metric": "accuracy"},
    '
  tie='"from": "film", "to": "bank"' ties="" epochs=6
  case $1 in
    alone) film="" epochs=$((6 * (4000 + $2) / (2 * $2))) ;;
    attention) ties='
  "alignment": [{'$tie', "what": "attention", "weight": 3, "texts": "corpus"}],' ;;
    queries) ties='
  "alignment": [{'$tie', "what": "queries", "after": 2}],' ;;
    context) ties='
  "alignment": [{'$tie', "what": "context", "weight": 0.3, "texts": "corpus"}],' ;;
    views) ties='
  "agreement": [{"tasks": ["bank"], "views": "words", "share": 0.3, "weight": 0.3}],' ;;
  esac
  [ "$epochs" -ge 20 ] || [ "$1" != alone ] || epochs=20
  printf '{"model": "pool", "heads": 2, "epochs": %d, "lr": 2e-3, "dropout": 0.5, "sampling": "uniform",
  "vocab_size": 8000,%s\n  "tasks": {%s%s}}\n' "$epochs" "$ties" "$film" "$bank"
}
row() { # ROW WHAT LABELS: the task file WHAT
  file=$runs/$2-$3.json
  task_file "$2" "$3" >"$file"
  [ "$seed" != "${seeds%% *}" ] || { printf '%s, %s labels:\n' "$1" "$3"; cat "$file"; }
  train "$3-$seed/$2" multitask --tasks "$file" --seed "$seed"
  line "$3 labels" "$1" "$seed" "$(value "$3-$seed/$2" tasks.bank.test.macro_f1)"
}

for labels in ${LABELS:-64 256 1024}; do
  for seed in $seeds; do
    row "with film" joint "$labels"
    row alone alone "$labels"
    row "and attention aligned" attention "$labels"
    [ "$labels" = 256 ] || continue
    row "and queries handed over" queries "$labels"
    row "and context aligned" context "$labels"
    row "with film, two views agree" views "$labels"
  done
done
table "with film" "bank, macro F1, %"
