#!/bin/sh
# amazon.sh: Amazon Beauty and Sports in the usual protocol (5-core, last item out, all items ranked), ids alone: there is
# no text.
#
#   tasks/recommend/measured/amazon.sh DATA SEED...        DATA: amazon_sequences: user item item ..., oldest first
#
# BIN, RUNS and STEPS: tools/measured.sh; SETS: some of "beauty sports", both if not set.
. tools/measured.sh
. tasks/recommend/measured/lists.sh
begin amazon "$@"
for name in ${SETS:-beauty sports}; do
  need "$data/amazon_sequences/${name}_sequential_data.txt"
  [ -s "$runs/$name.tsv" ] ||
    prepare "$name.tsv" awk 'BEGIN { print "user\titem" } { for (i = 2; i <= NF; i++) print $1 "\t" $i }' \
      "$data/amazon_sequences/${name}_sequential_data.txt"
  for seed in $seeds; do
    train "$name-$seed" recommend --interactions "$runs/$name.tsv" --positions 50 --ease 0 --knn 100 --damping 1 \
      --dropout 0.5 --batch-size 4096 --seed "$seed"
  done
done
names=${SETS:-beauty sports}
tables
