#!/bin/sh
# adapters.sh: what adapters cost and give beside full fine-tuning, from an encoder of this project: quality, parameters that
# are trained, milliseconds a step (the median), peak memory.
#
#   tasks/sentiment/measured/adapters.sh DATA SEED...      DATA: sst2, financial_phrasebank, banking77
#
# BIN, RUNS and STEPS: tools/measured.sh; MODEL: tasks/models/mini if not set; ROWS: a shell pattern over SET-METHOD.
. tools/measured.sh
begin adapters "$@"
rows=${ROWS:-*}
set -f # patterns are the program's

of_set() {
  case $1 in
    sst2) echo "--train $data/sst2/train.tsv --test $data/sst2/dev.tsv $sst2 --split 1/0/0 --epochs 2" ;;
    bank) echo "--data $data/financial_phrasebank/all-data.csv $phrasebank --split 80/0/20 --epochs 8" ;;
    banking77) echo "--train $data/banking77/train.csv --test $data/banking77/test.csv --text-column text --label-column category --labels auto --split 1/0/0 --epochs 12" ;;
  esac
}
of_method() {
  case $1 in
    full) echo "--lr 5e-4" ;;
    lora) echo "--adapter lora --lr 2e-3" ;;
    lora-words-2 | lora-words-4) echo "--adapter lora --adapter-targets query,value,word_embeddings --adapter-rank ${1##*-} --lr 2e-3" ;;
    lora-all) echo "--adapter lora --adapter-targets query,key,value,*.dense --lr 2e-3" ;;
    dora) echo "--adapter lora --adapter-form dora --lr 2e-3" ;;
    pfeiffer) echo "--adapter bottleneck --lr 2e-3" ;;
    houlsby) echo "--adapter bottleneck --adapter-form houlsby --lr 2e-3" ;;
    prefix) echo "--adapter prefix --max-length 112 --lr 5e-3" ;;
    bitfit) echo "--adapter bitfit --lr 3e-3" ;;
    head) echo "--freeze bert.e* --lr 3e-3" ;;
  esac
}
cost() { # NAME KEY
  sed -n "s/.*\"$2\": \([0-9.]*\).*/\1/p" "$runs/$1/cost.json"
}

for set in sst2 bank banking77; do
  for method in full lora lora-words-2 lora-words-4 lora-all dora pfeiffer houlsby prefix bitfit head; do
    # shellcheck disable=SC2254
    case $set-$method in $rows) ;; *) continue ;; esac
    for seed in $seeds; do
      name=$set-$method-$seed
      # shellcheck disable=SC2046
      train "$name" sentiment --model "${MODEL:-tasks/models/mini}" --batch-size 32 --seed "$seed" $(of_set $set) \
        $(of_method $method)
      trained=$(sed -n 's/^adapter .*: [0-9]* of [0-9]* parameters.*(\([0-9.]*\) %).*/\1/p' "$runs/$name.txt")
      # shellcheck disable=SC2046
      line $set $method "$seed" $(value "$name" accuracy macro_f1) "${trained:--}" \
        "$(cost "$name" step_ms_median)" "$(cost "$name" peak_memory_mb)"
    done
  done
done
table full "accuracy, %" "macro F1, %" "% trained" "ms a step" MB
