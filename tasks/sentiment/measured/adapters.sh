#!/bin/sh
# What adapters cost and give beside full fine-tuning: accuracy and macro F1, mean and standard error; the paired
# difference in accuracy, "not shown" under two standard errors; parameters that are trained, seconds a step, peak
# memory; on SST-2, Financial PhraseBank and Banking77, from an encoder of this project.
#   BIN=build/release MODEL=tasks/models/mini STEPS=0 tasks/sentiment/measured/adapters.sh DATA [SEED...]
# DATA holds sst2, financial_phrasebank and banking77 as they are published. STEPS: so many steps a run instead of its
# epochs, to try it. ROWS: the sets and the methods that are run, by a shell pattern over SET-METHOD.
set -eu
bin=${BIN:-build/release}
model=${MODEL:-tasks/models/mini}
data=${1:?usage: adapters.sh DATA [SEED...]}
shift
[ $# -gt 0 ] || set -- 1 2 3
seeds=$*
steps=${STEPS:-0}
rows=${ROWS:-*}
runs=${RUNS:-runs/measured-adapters}
mkdir -p "$runs"

of_set() {
  case $1 in
    sst2) echo "--train $data/sst2/train.tsv --test $data/sst2/dev.tsv --no-header --text-column 1 --label-column 2 --labels 0=negative,1=positive --split 1/0/0 --epochs 2" ;;
    bank) echo "--data $data/financial_phrasebank/all-data.csv --no-header --encoding latin-1 --label-column 1 --text-column 2 --labels negative,neutral,positive --split 80/0/20 --epochs 8" ;;
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

seconds() { sed -n 's/.*"seconds": \([0-9.]*\).*/\1/p' "$1/result.json"; }
figure() { sed -n "s/.*\"$2\": \\([0-9.]*\\),*/\\1/p" "$1/result.json" | head -n 1; }

# run OUT OPTIONS...: kept if it is there already; its peak memory in OUT.kb
run() {
  out=$1
  shift
  [ -f "$out/result.json" ] && return
  set -f  # patterns are the program's
  "$bin/sentiment" train --model "$model" --batch-size 32 "$@" --out "$out" --overwrite >"$out.txt" 2>&1 &
  set +f
  pid=$!
  kb=0
  while high=$(sed -n 's/^VmHWM:[[:space:]]*\([0-9]*\).*/\1/p' /proc/$pid/status 2>/dev/null) && [ -n "$high" ]; do
    kb=$high
    sleep 0.1
  done
  echo "$kb" >"$out.kb"
  wait $pid || { tail -n 3 "$out.txt" >&2; exit 1; }
}

row() {  # row SET METHOD
  set -f
  options="$(of_set "$1") $(of_method "$2")"
  set +f
  name=$1-$2
  for length in 10 60; do  # what is beside the steps takes as long in both
    set -f
    # shellcheck disable=SC2086
    run "$runs/$name-$length-steps" $options --max-steps $length
    set +f
  done
  a=$(seconds "$runs/$name-10-steps") b=$(seconds "$runs/$name-60-steps")
  for seed in $seeds; do
    set -f
    # shellcheck disable=SC2086
    run "$runs/$name-$seed" $options --seed "$seed" --max-steps "$steps"
    set +f
    echo "$(figure "$runs/$name-$seed" accuracy) $(figure "$runs/$name-$seed" macro_f1)"
  done >"$runs/$name.rows"
  full=$runs/$1-full.rows  # the same seeds, if that row is there
  [ -s "$full" ] || full=/dev/null
  awk -v name="$name" -v step="$(echo "$a $b" | awk '{ print ($2 - $1) / 50 }')" \
    -v kb="$(cat "$runs/$name-60-steps.kb")" \
    -v trained="$(sed -n 's/^adapter .*: \([0-9]*\) of [0-9]* parameters.*(\(.*\))/\1 (\2)/p' "$runs/$name-60-steps.txt")" '
    function mean_and_error(x, n,   i, s, q) {
      for (i = 1; i <= n; i++) { s += x[i]; q += x[i] * x[i] }
      mean = s / n
      error = n > 1 ? sqrt((q - s * s / n > 0 ? q - s * s / n : 0) / (n - 1) / n) : 0
    }
    function shown(what) { return sprintf("%s %.1f +- %.1f", what, mean, error) }
    FILENAME != ARGV[2] { before[FNR] = 100 * $1; next }
    { n++; accuracy[n] = 100 * $1; f1[n] = 100 * $2; gain[n] = accuracy[n] - before[n]; paired += n in before }
    END {
      mean_and_error(accuracy, n); line = sprintf("%-18s %s", name, shown("accuracy"))
      mean_and_error(f1, n); line = line "   " shown("macro F1")
      if (paired == n && name !~ /-full$/) {
        mean_and_error(gain, n)
        line = line sprintf("   - full %+.1f +- %.1f%s", mean, error, mean * mean > 4 * error * error ? "" : " (not shown)")
      }
      printf "%s   trained %s   s/step %.4f   MB %.0f\n", line, trained == "" ? "as its method says" : trained, step, kb / 1024
    }' "$full" "$runs/$name.rows"
}

for set in sst2 bank banking77; do
  for method in full lora lora-words-2 lora-words-4 lora-all dora pfeiffer houlsby prefix bitfit head; do
    # shellcheck disable=SC2254
    case $set-$method in $rows) row $set $method ;; esac
  done
done
