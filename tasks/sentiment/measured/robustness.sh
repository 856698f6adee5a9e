#!/bin/sh
# robustness.sh: what the options of robustness give, from an encoder that ships, on all training texts and on a tenth, by
# the program's defaults; then how the first seed's models stand under attack.
#
#   tasks/sentiment/measured/robustness.sh DATA SEED...        DATA: sst2, financial_phrasebank
#
# BIN, RUNS and STEPS: tools/measured.sh; MODEL: tasks/models/mini if not set. ROWS: a shell pattern over SET-SIZE-METHOD,
# ATTACKED one over those that are attacked, sst2-* if not set; TEXTS: how many sentences of each, 200 if not set.
. tools/measured.sh
begin robustness "$@"
rows=${ROWS:-*} attacked=${ATTACKED:-sst2-*}
sst2_train=$data/sst2/train.tsv bank=$data/financial_phrasebank/all-data.csv
need "$sst2_train" "$data/sst2/dev.tsv" "$bank"

of_method() {
  case $1 in
    none) ;;
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
some() { # the training texts of a size: all, or every tenth line from the seed's on
  if [ "$size" = full ]; then cat; else awk -v s="$seed" 'NR % 10 == s % 10'; fi
}
# texts: writes those of set, size and seed; how they are read is then in $read, the test in $test
texts() {
  learned=$runs/$set-$size-$seed
  if [ "$set" = sst2 ]; then
    [ -e "$learned.tsv" ] || some <"$sst2_train" >"$learned.tsv"
    learned=$learned.tsv test=$data/sst2/dev.tsv read=$sst2 passes=2
  else # PhraseBank has one file: a seed's fifth is its test
    test=$runs/$set-$seed-test.csv read=$(echo "$phrasebank" | sed 's/--encoding latin-1//') passes=4
    iconv -f latin1 -t utf-8 "$bank" | awk -v s="$seed" 'NR % 5 == s % 5' >"$test"
    [ -e "$learned.csv" ] || iconv -f latin1 -t utf-8 "$bank" | awk -v s="$seed" 'NR % 5 != s % 5' | some >"$learned.csv"
    learned=$learned.csv
  fi
  [ "$size" = full ] || passes=$((passes * 5))
}

methods="r-drop freelb fgm pgd smart smart-alone mixup eda words characters focal margins logit-adjusted oversample"
names=
for set in sst2 bank; do
  for size in full tenth; do
    wanted=
    for method in $methods; do
      # shellcheck disable=SC2254 # ROWS is a pattern
      case $set-$size-$method in $rows) wanted="$wanted $method" ;; esac
    done
    for method in ${wanted:+none} $wanted; do
      for seed in $seeds; do
        texts
        # shellcheck disable=SC2046,SC2086
        train "$set-$size-$method-$seed" sentiment --model "${MODEL:-tasks/models/mini}" --batch-size 32 --dropout 0.1 \
          --max-length 64 --lr 5e-4 --epochs "$passes" --seed "$seed" $(of_method "$method") --train "$learned" \
          --test "$test" $read --split 1/0/0
        # shellcheck disable=SC2046
        line "$set, $size" "$(of_method "$method" | grep . || echo none)" "$seed" \
          $(value "$set-$size-$method-$seed" accuracy macro_f1)
      done
      names="$names $set-$size-$method"
    done
  done
done
table none "accuracy, %" "macro F1, %"

: >"$lines"
seed=${seeds%% *}
for name in $names; do
  # shellcheck disable=SC2254
  case $name in $attacked) ;; *) continue ;; esac
  set=${name%%-*} size=full
  texts
  for by in wordnet characters; do
    # shellcheck disable=SC2086
    call "$name-$by" attack run --model "$runs/$name-$seed" --data "$test" $read --by $by --texts "${TEXTS:-200}" --examples 0
    line "under attack by $by, seed $seed" "$name" "$seed" "$(told "$name-$by" before)" "$(told "$name-$by" under)" \
      "$(told "$name-$by" success)" "$(told "$name-$by" changed)" "$(told "$name-$by" queries)"
  done
done
[ ! -s "$lines" ] || table none "right before" "right under attack" success "words changed" queries
