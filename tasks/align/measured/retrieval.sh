#!/bin/sh
# retrieval.sh: does a German student find its English teacher's sentences, and they it? Multi30k, among the 1,000 pairs
# of test_2016_flickr. One teacher, of 2 layers, 128 wide, pre-trained on the English side; or MODEL, say mini, whose
# vector reaches the student, as wide as before, through the learned projection.
#
#   tasks/align/measured/retrieval.sh DATA SEED...
#
# BIN, RUNS and STEPS: tools/measured.sh. The teacher has seed 42; steps are of 1,024 tokens.
. tools/measured.sh
begin "retrieval${MODEL:+-$MODEL}" "$@"

for side in train.en train.de val.en val.de test_2016_flickr.en test_2016_flickr.de; do
  prepare "$side.txt" gzip -dc "$data/multi30k_en_de/raw/$side.gz"
done
sizes="--layers 2 --hidden 128 --heads 2 --max-length 48"
teacher=${MODEL:-$runs/english}
# shellcheck disable=SC2086
[ -n "${MODEL:-}" ] || train english pretrain --train "$runs/train.en.txt" --dev "$runs/val.en.txt" $sizes --batch-size 1024 \
  --dropout 0.1 --warmup 0.1 --vocab-size 6000 --epochs 4 --lr 2e-3 --seed 42

student() { # ROW NAME OPTION...
  row=$1 name=$2-$seed
  shift 2
  # shellcheck disable=SC2086
  train "$name" align --teacher "$teacher" --source "$runs/train.en.txt" --target "$runs/train.de.txt" \
    --dev-source "$runs/val.en.txt" --dev-target "$runs/val.de.txt" --test-source "$runs/test_2016_flickr.en.txt" \
    --test-target "$runs/test_2016_flickr.de.txt" $sizes --vocab-size 8000 --seed "$seed" "$@"
  # shellcheck disable=SC2046
  line Multi30k "$row" "$seed" $(value "$name" source_to_target target_to_source)
}
learns="--epochs 2 --lr 1e-3"
for seed in $seeds; do
  # shellcheck disable=SC2086
  {
    student "--mse 1 alone" mse $learns
    student "with --ranking 0.02 --scale 100" ranking $learns --ranking 0.02 --scale 100
    limit="--max-steps 1"  # of next to nothing
    student untrained untrained --lr 1e-12
    limit=${STEPS:+--max-steps $STEPS}
  }
done
table "" "English finds German, %" "German finds English, %"
