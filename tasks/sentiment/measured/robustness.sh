#!/bin/sh
# What the options of robustness give: accuracy and macro F1 from an encoder that ships, on all training texts and on a
# tenth, mean over seeds, and the paired difference to the plain run with its standard error, "not shown" under two of
# them; then how the models stand under attack. Defaults of the program, nothing is tuned.
#   BIN=build/release MODEL=tasks/models/mini tasks/sentiment/measured/robustness.sh DATA [SEED...]
# DATA holds sst2 and financial_phrasebank as they are published. ROWS: the rows that are run, by a shell pattern over
# SET-SIZE-METHOD; ATTACKED: those that are attacked; TEXTS: how many sentences of each.
set -eu
bin=${BIN:-build/release}
model=${MODEL:-tasks/models/mini}
data=${1:?usage: robustness.sh DATA [SEED...]}
shift
[ $# -gt 0 ] || set -- 1 2 3
seeds=$*
rows=${ROWS:-*}
attacked=${ATTACKED:-sst2-*}
runs=${RUNS:-runs/measured-robustness}
mkdir -p "$runs"

of_method() {
  case $1 in
    plain) echo ;;
    r-drop) echo "--r-drop 1" ;;
    fgm | pgd | freelb | smart) echo "--adversarial $1" ;;
    smart-alone) echo "--adversarial smart --smart-proximal 0" ;;
    mixup) echo "--mixup 0.4" ;;
    eda) echo "--augment eda --copies 1" ;;
    words) echo "--augment words --copies 1" ;;
    characters) echo "--augment characters --copies 1 --augment-share 0.2" ;;
    focal | margins | logit-adjusted) echo "--class-loss $1" ;;
    oversample) echo "--oversample 1" ;;
  esac
}
# The training texts of a seed: all, or every tenth line from the seed's on.
texts_of() {
  if [ "$2" = full ]; then
    cat "$1"
  else
    awk -v s="$3" 'NR % 10 == s % 10' "$1"
  fi
}
# train SET SIZE METHOD SEED: kept if it is there already, gone on with if it was killed
train() {
  out=$runs/$1-$2-$3-$4
  [ -f "$out/result.json" ] && return
  passes=$([ "$2" = full ] && echo 2 || echo 10)
  if [ "$1" = sst2 ]; then
    texts_of "$data/sst2/train.tsv" "$2" "$4" >"$out.tsv"
    set -- "$@" --train "$out.tsv" --test "$data/sst2/dev.tsv" --no-header --text-column 1 --label-column 2 \
      --labels 0=negative,1=positive --split 1/0/0
  else  # PhraseBank has one file: a seed's fifth is its test
    iconv -f latin1 -t utf-8 "$data/financial_phrasebank/all-data.csv" >"$out.all.csv"
    awk -v s="$4" 'NR % 5 == s % 5' "$out.all.csv" >"$out.test.csv"
    awk -v s="$4" 'NR % 5 != s % 5' "$out.all.csv" >"$out.rest.csv"
    texts_of "$out.rest.csv" "$2" "$4" >"$out.csv"
    passes=$((passes * 2))
    set -- "$@" --train "$out.csv" --test "$out.test.csv" --no-header --label-column 1 --text-column 2 \
      --labels negative,neutral,positive --split 1/0/0
  fi
  way=$3 draw=$4
  shift 4
  if [ -f "$out/last.safetensors" ]; then
    "$bin/sentiment" train --resume "$out" >"$out.txt" 2>&1 || { tail -n 3 "$out.txt" >&2; exit 1; }
    return
  fi
  # shellcheck disable=SC2046 # options are words
  "$bin/sentiment" train --model "$model" --batch-size 32 --dropout 0.1 --max-length 64 --lr 5e-4 --epochs "$passes" \
    --seed "$draw" $(of_method "$way") "$@" --out "$out" --overwrite >"$out.txt" 2>&1 ||
    { tail -n 3 "$out.txt" >&2; exit 1; }
}
figure() { sed -n "s/.*\"$2\": \\([0-9.]*\\),*/\\1/p" "$1/result.json" | head -n 1; }
# "mean  difference ± error" of pairs of lines: plain, with
paired='{ n++; m += $2; d = $2 - $1; s += d; q += d * d }
  END { e = n > 1 ? sqrt((q - s * s / n) / (n - 1) / n) : 0; d = s / n
    shown = (n > 1 && d != 0 && d * d >= 4 * e * e)
    printf("%.1f | %+.1f ± %.1f%s", m / n * 100, d * 100, e * 100, shown ? "" : ", not shown") }'

printf '| data | texts | option | accuracy | difference | macro F1 | difference |\n| --- | --- | --- | --- | --- | --- | --- |\n'
for set in sst2 bank; do
  for size in full tenth; do
    for method in plain r-drop freelb fgm pgd smart smart-alone mixup eda words characters focal margins logit-adjusted oversample; do
      # shellcheck disable=SC2254 # ROWS is a pattern
      case $set-$size-$method in $rows) ;; *) continue ;; esac
      for figure in accuracy macro_f1; do : >"$runs/$figure.pairs"; done
      for seed in $seeds; do
        train "$set" "$size" plain "$seed"
        train "$set" "$size" "$method" "$seed"
        for figure in accuracy macro_f1; do
          echo "$(figure "$runs/$set-$size-plain-$seed" $figure) $(figure "$runs/$set-$size-$method-$seed" $figure)" \
            >>"$runs/$figure.pairs"
        done
      done
      printf '| %s | %s | %s | %s | %s |\n' "$set" "$size" "$(of_method $method | sed 's/^$/none/')" \
        "$(awk "$paired" "$runs/accuracy.pairs")" "$(awk "$paired" "$runs/macro_f1.pairs")"
    done
  done
done

printf '\n| trained | attack | right before | right under attack | success | words changed | queries |\n'
printf '| --- | --- | --- | --- | --- | --- | --- |\n'
first=${seeds%% *}
for out in "$runs"/*-"$first"; do
  name=$(basename "$out" "-$first")
  # shellcheck disable=SC2254 # ATTACKED is a pattern
  case $name in $attacked) ;; *) continue ;; esac
  for by in wordnet characters; do
    if [ "${name%%-*}" = sst2 ]; then
      set -- --data "$data/sst2/dev.tsv" --no-header --text-column 1 --label-column 2 --labels 0=negative,1=positive
    else
      set -- --data "$out.test.csv" --no-header --label-column 1 --text-column 2
    fi
    "$bin/attack" run --model "$out" "$@" --by $by --texts "${TEXTS:-200}" --examples 0 2>/dev/null |
      awk -v name="$name" -v by=$by '/^result/ { for (i = 1; i <= NF; i++) { split($i, a, "="); v[a[1]] = a[2] }
        printf "| %s | %s | %.1f | %.1f | %.1f | %.1f | %.0f |\n", name, by, 100 * v["before"], 100 * v["under"],
          100 * v["success"], 100 * v["changed"], v["queries"] }'
  done
done
