#!/bin/sh
# intents.sh: a new task from 1, 5 and 20 texts a class, after learning from other tasks and from nothing: 17 classes of
# Banking77 (`new`), whose other classes and ATIS are the pool, and SNIPS. Accuracy on the test files.
#
#   tasks/few_shot/measured/intents.sh DATA SEED...      prints the task file, too
#
# BIN, RUNS and STEPS: tools/measured.sh; PYTHON: python3 if not set.
. tools/measured.sh
begin intents "$@"
limit="--steps ${STEPS:-1000}"

# Banking77 by classes, in the order of their names: of every nine, number 4 is `dev`, 2 and 6 are `new`, the others the
# pool.
"${PYTHON:-python3}" -B - "$data" "$runs" <<'END'
import json, sys
from tools.labelled_sets import SETS

data, runs = sys.argv[1:]


def write(name, rows):
    with open(f"{runs}/{name}.jsonl", "w", encoding="utf-8") as file:
        file.writelines(json.dumps({"text": t, "intent": i}, ensure_ascii=False) + "\n" for i, t in rows)


part = {name: ("pool", "pool", "new", "pool", "dev", "pool", "new", "pool", "pool")[i % 9]
        for i, name in enumerate(sorted(json.load(open(f"{data}/banking77/categories.json", encoding="utf-8"))))}
for split, rows in zip(("train", "test"), SETS["banking77"](data)):
    for name in "pool", "dev", "new":
        write(f"banking-{name}-{split}", [row for row in rows if part[row[0]] == name])
for split, rows in zip(("train", "test"), SETS["snips"](data)):
    write(f"snips-{split}", rows)
END
task() { # NAME FILES
  printf ' "%s": {"train": "%s-train.jsonl", "test": "%s-test.jsonl", "label_column": "intent"},\n' \
    "$1" "$runs/$2" "$runs/$2"
}
{
  printf '{"tasks": {\n'
  task banking banking-pool
  task snips snips
  task dev banking-dev
  task new banking-new
  printf ' "atis": {"train": "%s/atis/train.csv", "label_column": "intent"}}}\n' "$data"
} | tee "$runs/pool.json"

learn() { # METHOD OPTION...
  method=$1
  shift
  train "$method-$seed" few_shot --tasks "$runs/pool.json" --hold-out snips --hold-out dev --hold-out new --model pool \
    --hidden 128 --heads 2 --dropout 0.1 --seed "$seed" --method "$method" "$@"
}
row() { # ROW NAME MODEL OPTION...: learns `new` and SNIPS from MODEL
  row=$1 name=$2 model=$3
  shift 3
  for task in new snips; do
    call "$name-$task-$seed" few_shot evaluate --model "$model" --tasks "$runs/pool.json" --task $task \
      --shots 1,5,20 --seed "$seed" "$@" ${STEPS:+--episodes 2 --queries 2}
  done
  # shellcheck disable=SC2046
  line intents "$row" "$seed" $(told "$name-new-$seed" accuracy) $(told "$name-snips-$seed" accuracy)
}

adamw="--lr 1e-2 --weight-decay 0.01" shipped="--lr 1e-3 --weight-decay 0.01"
five="--optimizer sgd --lr 5 --steps 5 --batch-size 1000"
for seed in $seeds; do
  learn joint --lr 2e-3
  learn fomaml --lr 2e-3 --inner-lr 5
  learn reptile --inner-lr 8
  # shellcheck disable=SC2086
  {
    row "mini, as it ships" mini mini $shipped
    row "from nothing" nothing "$runs/joint-$seed" $adamw --from-nothing
    row joint joint-adamw "$runs/joint-$seed" $adamw
    row FOMAML fomaml-adamw "$runs/fomaml-$seed" $adamw
    row Reptile reptile-adamw "$runs/reptile-$seed" $adamw
    row "joint, 5 steps" joint-five "$runs/joint-$seed" $five
    row "FOMAML, 5 steps" fomaml-five "$runs/fomaml-$seed" $five
    row "Reptile, 5 steps" reptile-five "$runs/reptile-$seed" $five
  }
done
for reference in "from nothing" joint; do
  table "$reference" "new: K = 1, %" "5, %" "20, %" "SNIPS: K = 1, %" "5, %" "20, %"
done
