#!/bin/sh
# multi30k.sh: Multi30k (29,000 pairs, text only) in both directions: 4 + 4 layers of 128, 2.6 M parameters. BLEU of
# lower-cased tokens (no tokeniser) and of the raw, cased text (13a), each by a model of its own, on the tests of 2016, 2017
# and COCO, read once a run; then the curves: BLEU on the held-out texts against hours.
#
#   tasks/translate/measured/multi30k.sh DATA SEED...
#
# DATA has multi30k_en_de/tok and multi30k_en_de/raw, as the data set's repository has them. BIN, RUNS and STEPS:
# tools/measured.sh. DIRECTIONS "en-de de-en", TEXTS "tok raw" and EPOCHS 16 if not set. A run that was stopped is gone on
# with. A run: some 3,400 steps of 2,048 target pieces, each computed twice; three quarters of an hour of a core.
. tools/measured.sh
begin multi30k "$@"
tests="test_2016_flickr test_2017_flickr test_2017_mscoco"
mkdir -p "$runs/texts"
for part in train val $tests; do
  for language in en de; do
    tok=$data/multi30k_en_de/tok/$part.lc.norm.tok.$language raw=$data/multi30k_en_de/raw/$part.$language.gz
    need "$tok" "$raw"
    prepare "texts/tok-$part.$language" cat "$tok"
    prepare "texts/raw-$part.$language" gzip -dc "$raw"
  done
done

side() { # PART: where the source and the target of a part are
  echo "$runs/texts/$text-$1.$from $runs/texts/$text-$1.$to"
}
pairs() { # SOURCE-OPTION TARGET-OPTION PART
  # shellcheck disable=SC2046
  set -- "$1" "$2" $(side "$3")
  echo "$1 $3 $2 $4"
}

curve() { # NAME: hours and BLEU after every fifth epoch, and after the last
  awk -v name="$1" '
    /"dev":/ && match($0, /"epoch":[0-9]+/) {
      epoch = substr($0, RSTART + 8, RLENGTH - 8)
      match($0, /"seconds":[0-9.]+/); hours = substr($0, RSTART + 10, RLENGTH - 10) / 3600
      match($0, /"bleu":[0-9.]+/); bleu = substr($0, RSTART + 7, RLENGTH - 7)
      if (bleu > best) { best = bleu; at = hours }
      if (!over && bleu >= 40) over = hours
      line = sprintf("| %s | %d | %.2f | %.2f |", name, epoch, hours, bleu)
      if (epoch % 5 == 1) print line; else last = line
    }
    END {
      if (last) print last
      if (epoch) printf "| %s | best %.2f | %.2f | 40 BLEU %s |\n", name, best, at, over ? sprintf("at %.2f h", over) : "not reached"
    }' "$runs/$1/log.jsonl"
}

names=
for seed in $seeds; do
  for text in ${TEXTS:-tok raw}; do
    case $text in
      tok) tokenize=none ;;
      raw) tokenize=13a ;;
      *) fail "TEXTS: tok, raw or both; got $text" ;;
    esac
    for direction in ${DIRECTIONS:-en-de de-en}; do
      from=${direction%-*} to=${direction#*-} name=$text-$direction-$seed
      names="$names $name"
      if [ -s "$runs/$name/last.safetensors" ] && ! is_made "$name"; then
        call "$name" translate train --resume "$runs/$name"
      else
        # shellcheck disable=SC2046
        train "$name" translate $(pairs --source --target train) $(pairs --dev-source --dev-target val) --pieces bpe \
          --vocab-size 10000 --optimizer muon --lr 8e-3 --schedule linear --dropout 0.15 --r-drop 3 \
          --epochs "${EPOCHS:-16}" --average 4 --tokenize "$tokenize" --seed "$seed"
      fi
      for part in $tests; do
        # shellcheck disable=SC2046
        call "$name-$part" translate evaluate --model "$runs/$name" $(pairs --source --target "$part") --beams 5 \
          --tokenize "$tokenize"
      done
      # shellcheck disable=SC2046
      line "$direction" "$text, $tokenize" "$seed" $(for part in $tests; do told "$name-$part" bleu; done) \
        $(for part in $tests; do told "$name-$part" chrf2; done) "$(awk "BEGIN { print $(value "$name" seconds) / 3600 }")"
    done
  done
done
table "" "2016 BLEU" "2017 BLEU" "COCO BLEU" "2016 chrF2" "2017 chrF2" "COCO chrF2" hours
printf '\n| run | epoch | hours | BLEU on the held-out texts, greedy |\n| --- | --- | --- | --- |\n'
for name in $names; do curve "$name"; done
