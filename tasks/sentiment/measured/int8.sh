#!/bin/sh
# int8.sh: what int8 weights cost: the same model before and after `sentiment quantize`, on the test part.
#
#   tasks/sentiment/measured/int8.sh DATA SEED...      from the root of the repository, e.g. data 1 2 3
#
#   DATA    the sets as their publishers lay them out (tools/labelled_sets.py lists them)
#   SETS    which of them; "sst2 phrasebank" if not set
#   MODEL   the encoder that is fine-tuned; tasks/models/mini if not set
#   BIN, RUNS and STEPS: tools/measured.sh
#
# Prints a line a run: set, seed; accuracy and macro F1 as float32, then as int8; the size of the weights as int8 by
# that as float32.
. tools/measured.sh
begin int8 "$@"
need "$bin/sentiment"
python=${PYTHON:-python3} model=${MODEL:-tasks/models/mini}

epochs_of() {
  case $1 in
    phrasebank) echo 4 ;;
    *) echo 2 ;;
  esac
}

# shellcheck disable=SC2154
for set in ${SETS:-sst2 phrasebank}; do
  for seed in $seeds; do
    name=$set-$seed
    files=$runs/files-$name/$set
    [ -e "$files/test.tsv" ] ||
      "$python" tools/labelled_sets.py "$data" "$runs/files-$name" "$set" --seed "$seed" >/dev/null
    train "$name" sentiment --model "$model" --train "$files/train.tsv" --test "$files/test.tsv" --split 1/0/0 \
      --epochs "$(epochs_of "$set")" --batch-size 32 --lr 5e-4 --dropout 0.1 --max-length 64 --seed "$seed"
    [ -e "$runs/$name-int8" ] ||
      call "$name-quantized" sentiment quantize --model "$runs/$name" --out "$runs/$name-int8"
    call "$name-before" sentiment evaluate --model "$runs/$name" --data "$files/test.tsv"
    call "$name-after" sentiment evaluate --model "$runs/$name-int8" --data "$files/test.tsv"
    line "$set" mini "$seed" "$(told "$name-before" accuracy)" "$(told "$name-before" macro_f1)" \
      "$(told "$name-after" accuracy)" "$(told "$name-after" macro_f1)" "$(told "$name-quantized" share)"
  done
done
