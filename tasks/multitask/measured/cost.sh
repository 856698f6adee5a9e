#!/bin/sh
# cost.sh: processor time of a step, by the number of tasks that read the same texts, for several weightings: 16 texts
# of the embedded corpus, a BERT of 2 layers, 128 wide; (52 steps - 12 steps) / 40.
#
#   OMP_NUM_THREADS=1 tasks/multitask/measured/cost.sh DATA ROUND...      DATA is not read; a round is a seed
#
# BIN, RUNS and STEPS (instead of 40): tools/measured.sh. On a machine without other work. The tasks are sentiment and
# topic by turns.
. tools/measured.sh
begin cost "$@"
steps=${STEPS:-40} limit=""

milliseconds() { # NAME: of processor time, user and system, that the call behind it has taken
  awk 'NR == 2 {
    for (f = 1; f <= 2; f++) { split($f, part, /[ms]/); t += 60 * part[1] + part[2] }
    print 1000 * t
  }' "$runs/$1.times"
}
timed() { # NAME STEPS
  is_made "$1" || (
    train "$1" multitask --tasks "$runs/$tasks.json" --weighting "$weighting" --seed "$seed" --max-steps "$2"
    times >"$runs/$1.times"  # of this shell, then of its children
  )
}

for tasks in 1 2 4 8; do
  {
    printf '{"model": "bert", "layers": 2, "hidden": 128, "tasks": {'
    for t in $(seq "$tasks"); do
      [ $((t % 2)) = 1 ] && column=label || column=topic
      printf '%s"task%d": {"data": "embedded", "label_column": "%s"}' "$([ "$t" = 1 ] || echo ', ')" "$t" "$column"
    done
    printf '}}\n'
  } >"$runs/$tasks.json"
done
for seed in $seeds; do
  for weighting in equal famo gradnorm pcgrad mgda cagrad; do
    figures=""
    for tasks in 1 2 4 8; do
      if [ "$tasks" = 1 ] && [ $weighting != equal ]; then figures=-; continue; fi
      name=$weighting-$tasks-$seed
      timed "$name-short" 12
      timed "$name-long" $((12 + steps))
      long=$(milliseconds "$name-long") short=$(milliseconds "$name-short")
      figures="$figures $(echo "$long $short $steps" | awk '{ print ($1 - $2) / $3 }')"
    done
    # shellcheck disable=SC2086
    line "ms a step" $weighting "$seed" $figures
  done
done
table "" "1 task" "2 tasks" "4 tasks" "8 tasks"
