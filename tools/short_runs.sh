#!/bin/sh
# short_runs.sh valgrind | race [WORK...]: the smallest runs of every program: under memcheck those of build/valgrind, with
# ThreadSanitizer inside and three threads those of build/race. A line each work; what is found is printed, and 1 returned.
# What the programs said stays in build/VARIANT/said, a file each command. Works are the functions below.
set -u
cd "$(dirname "$0")/.."
variant=${1:?usage: short_runs.sh valgrind | race [WORK...]}
shift
works="vocab sentiment parts pretrain align transfer multitask few_shot translate recommend answer monitor tune explain report attack serve capi"
[ "$variant" != race ] || works="tests wide $works"
[ $# -gt 0 ] || set -- $works

root=$PWD bin=$PWD/build/$variant said=$PWD/build/$variant/said golden=$PWD/tests/golden/directories
work=$(mktemp -d)
server=""
trap '[ -z "$server" ] || kill "$server" 2>/dev/null; rm -rf "$work"' EXIT
mkdir -p "$said"
watched=""
if [ "$variant" = valgrind ]; then
  export OMP_NUM_THREADS=1
  watched="valgrind --quiet --error-exitcode=99 --leak-check=full --show-leak-kinds=definite --errors-for-leak-kinds=definite
    --num-callers=24"
else
  # More threads than processors; what is called from clang's OpenMP is its own affair, and it says where threads meet.
  export OMP_NUM_THREADS=3
  export TSAN_OPTIONS="exitcode=99 history_size=4 second_deadlock_stack=1 suppressions=$root/tools/race.supp"
fi

failed=0 count=0 name=""
judge() {  # judge STATUS WANTED...: of the command whose output is $file; who ends by a signal has no status of the watcher's
  status=$1 sound=0
  shift
  for wanted in "$@"; do [ "$status" != "$wanted" ] || sound=1; done
  ! grep -qE '^==[0-9]+==|WARNING: ThreadSanitizer' "$file" || sound=0
  [ $sound = 1 ] && return
  failed=$((failed + 1))
  echo "$name: status $status; $file:"
  grep -E '^==|WARNING: Thread|^ +#[0-9] |SUMMARY|^error' "$file" | head -n 40
}
begin() { count=$((count + 1)) file=$said/$name.$count; }
run() { begin; $watched "$bin/$@" >"$file" 2>&1; judge $? 0; }                # run PROGRAM ARGUMENT...
refused() { begin; $watched "$bin/$@" >"$file" 2>&1; judge $? 1 2; }          # the same, with one line `error: ...`
stopped() {  # stopped RUN PROGRAM ARGUMENT...: with SIGTERM at its first checkpoint, and gone on with
  directory=$1
  shift
  begin
  $watched "$bin/$@" --out "$directory" >"$file" 2>&1 &
  until [ -s "$directory/last.safetensors" ] || ! kill -0 $! 2>/dev/null; do sleep 0.05; done
  kill -TERM $! 2>/dev/null
  wait $!
  judge $? 0 143
  run "$1" train --resume "$directory"
}
served() {  # served PROGRAM ARGUMENT... -- REQUEST...: every request (curl's arguments) four times at once, then SIGTERM
  begin
  program=$1 arguments=""
  shift
  while [ "$1" != -- ]; do arguments="$arguments $1"; shift; done
  shift
  $watched "$bin/$program" $arguments --port 0 >"$file" 2>"$file.err" &
  server=$! url=""
  : >"$file.requests"
  while [ -z "$url" ] && kill -0 "$server" 2>/dev/null; do
    sleep 0.1
    url=$(sed -n 's/^serving on \([^ ]*\) .*/\1/p' "$file")
  done
  clients=""
  for i in 1 2 3 4; do
    for request in "$@"; do
      printf '%s\n' "$request" | (cd "$work" && xargs sh -c 'curl -s -m 300 -o /dev/null -w "%{http_code} $1\n" "$0$@"' "$url" >>"$file.requests") &
      clients="$clients $!"
    done
  done
  for client in $clients; do
    wait "$client" || { failed=$((failed + 1)); echo "$name: a request failed"; }
  done
  kill -TERM "$server"
  wait "$server"
  status=$? server=""
  cat "$file.err" "$file.requests" >>"$file"
  rm "$file.err" "$file.requests"
  judge $status 0
}

# Texts of two columns, lines, a task file, a catalogue, a shop, a stream.
cd "$work" || exit 1
awk 'BEGIN { split("awful bad poor|fine good great|the train at noon", words, "|"); split("negative|positive|neutral", labels, "|")
  for (i = 0; i < 24; ++i) {
    row = labels[i % 3 + 1] "\t" i " " words[i % 3 + 1] " thing"
    file = i < 15 ? "train.tsv" : "dev.tsv"
    if (!(file in begun)) print "label\ttext" >file
    begun[file]
    print row >file
    print i " " words[i % 3 + 1] " thing" >(i % 2 ? "a.txt" : "b.txt")
  }
  print "user\titem\ttime" >"taken.tsv"
  for (u = 0; u < 12; ++u) for (n = 0; n < 5; ++n) print "u" u "\ti" (u * u + n * (1 + u % 2)) % 9 "\t" n >"taken.tsv"
  print "id\ttitle" >"things.tsv"
  for (i = 0; i < 9; ++i) print "i" i "\tthing " i >"things.tsv"
  split("hours size price", intents, " ")
  for (k = 1; k <= 3; ++k) {
    print "# " intents[k] "\n## Questions" >"shop.md"
    for (i = 0; i < 10; ++i) print "- " i " " intents[k] " which " i % 3 >"shop.md"
    print "## Answer\nIt is " intents[k] ".\n" >"shop.md"
  }
  print "# Sending things back\nReturns are free." >"shop.md"
  for (h = 0; h < 24 * 20; ++h)
    printf "{\"time\":%d,\"text\":\"%d good thing %d\",\"topic\":\"rail\",\"sentiment\":\"%s\"}\n", 1704067200 + 3600 * h, h * 7919 % 1000, h,
      (h * 31 % 7 < 2 || (h > 430 && h < 436) ? "negative" : "other") >"stream.jsonl"
}'
cat >tasks.json <<'T'
{"tasks": {"mood": {"train": "train.tsv", "dev": "dev.tsv"}, "again": {"train": "dev.tsv", "dev": "train.tsv"}}}
T
cat >study.json <<'T'
{"name": "small", "metric": "dev.accuracy", "direction": "maximize", "trials": 3, "seed": 3,
 "space": {"lr": {"low": 0.01, "high": 0.1, "log": true}, "optimizer": ["adamw", "sgd"]}}
T
tiny="--model bert --layers 1 --hidden 8 --heads 2 --max-length 12 --lr 0.05"
tables="--train train.tsv --dev dev.tsv"
sides="--source a.txt --target b.txt --dev-source b.txt --dev-target a.txt"
steps="--epochs 2 --batch-size 5"

vocab() {
  run vocab train a.txt b.txt --size 60 --out vocab.txt
  run vocab encode a.txt --vocab vocab.txt --ids
  run vocab export --vocab vocab.txt --out tokenizer
  refused vocab train none.txt --out vocab.txt
}
sentiment() {
  stopped pool sentiment train --model pool --hidden 8 --lr 0.05 $tables $steps
  stopped bert sentiment train $tiny $tables $steps --dropout 0.1 --optimizer muon
  run sentiment check train.tsv
  run sentiment evaluate --model bert --data dev.tsv
  run sentiment calibrate --model bert --data dev.tsv
  run sentiment predict --model bert --file dev.tsv --out said.csv
  run sentiment predict --model bert 'a good thing'
  refused sentiment train --model pool --data none.tsv
}
wide() {  # rows and columns enough for engine's loops to be shared out
  run sentiment train --model bert --layers 1 --hidden 128 --heads 4 --max-length 64 --max-steps 4 --batch-size 16 --adversarial fgm --out large
  run sentiment quantize --model large --out large8
  run sentiment predict --model large8 --file train.tsv --out said.csv
  run sentiment predict 'What a lovely hotel.'
}
parts() {  # what is made of a model
  run sentiment train $tiny --hidden 16 $tables $steps --out whole
  run sentiment train --model whole --max-length 12 --adapter lora --lr 0.05 $tables $steps --out adapter
  run sentiment merge --model adapter --out merged
  run sentiment quantize --model whole --out int8
  run sentiment predict --model int8 'a good thing'
  run sentiment prune --model whole --heads 0.5 --data dev.tsv --out pruned
  run sentiment analyze --model whole --out maps 'a good thing'
  run sentiment suggest --model whole --file dev.tsv --top 3 --out next.csv
  run sentiment noise --data train.tsv --model pool --hidden 8 $steps --out noise.csv
}
pretrain() {
  stopped masked pretrain train $tiny $tables --max-steps 6 --batch-size 30 --eval-every 20
  run pretrain train $tiny $tables --objective rtd --max-steps 3 --batch-size 30 --out replaced
  run pretrain export --model masked --out half
}
align() {
  run pretrain train $tiny $tables --max-steps 2 --batch-size 30 --out elder
  stopped aligned align train $tiny $sides $steps --teacher elder
}
transfer() {
  run sentiment train $tiny --layers 2 --hidden 16 $tables --max-steps 2 --out teacher
  stopped taught transfer train $tiny $tables $steps --teacher teacher --soft-targets 1 --attention-cross-entropy 1
}
multitask() {
  stopped several multitask train $tiny $steps --tasks tasks.json --single --weighting gradnorm
  run multitask evaluate --model several
  run multitask predict --model several 'a good thing'
  run multitask export --model several --task mood --out mood
  run multitask train $tiny --hidden 16 --max-steps 2 --tasks tasks.json --out wide
  run multitask quantize --model wide --out small
}
few_shot() {
  stopped quick few_shot train $tiny --steps 4 --tasks tasks.json --ways 2 --shots 1 --queries 1 --episodes 2 --inner-steps 1
  sed "s/thing/matter/" train.tsv >new.tsv
  run few_shot evaluate --model quick --data new.tsv --ways 2 --shots 1 --queries 1 --episodes 2
}
translate() {
  stopped spoken translate train $sides --layers 1 --hidden 8 --heads 2 --intermediate 8 --vocab-size 45 --epochs 2 --batch-size 60
  run translate evaluate --model spoken --source a.txt --target b.txt --beams 2
  run translate translate --model spoken/best --explain words.html --beams 3 '4 good thing'
  run translate score --hypotheses a.txt --references b.txt --baseline a.txt --resamples 20
}
recommend() {
  stopped lists recommend train --interactions taken.tsv --items things.tsv --text words --layers 1 --hidden 8 --heads 2 --intermediate 8 \
    --positions 4 --ease 5 --knn 3 --damping 1 --k 2 --lr 0.05 --max-steps 6 --batch-size 8
  run recommend evaluate --model lists
  run recommend recommend --model lists --k 2 --diversity 0.3 i3 i4
  echo '{"items": ["i3", "i4"], "k": 2}' >asked.json
  served recommend serve --model lists -- '/recommend -d @asked.json' /items /metrics /
}
answer() {
  stopped shop answer train --data shop.md --model pool --hidden 8 --heads 2 $steps --lr 0.02 --vocab-size 100 --no-hints
  run answer evaluate --model shop --out-of-scope a.txt
  echo '{"text": "size which 2"}' >ask.jsonl
  begin
  $watched "$bin/answer" ask --model shop --json --explain <ask.jsonl >"$file" 2>&1
  judge $? 0
  run answer index --model shop --data shop.md
  served answer serve --model shop -- '/ask -d @ask.jsonl' /health /metrics /ui
}
monitor() {
  stopped heads monitor train --tasks tasks.json --model pool --hidden 8 --lr 0.05 $steps
  run monitor calibrate --model heads
  run monitor replay stream.jsonl --labelled --watch negative --form text --warm-up 7d
  run monitor run stream.jsonl --labelled --state state.json
  served monitor serve stream.jsonl --labelled -- /api/series /api/alerts /metrics /ui
}
tune() {
  run tune run --study study.json --out search --jobs 2 -- "$bin/sentiment" train --model pool --hidden 8 $tables $steps
  run tune best search
  run tune importance search
  run tune report search
}
explain() {
  run explain --model "$golden/bert" 'a good thing' --method all --page why.html
  run explain --model "$golden/pool" 'good food' --method all
  run explain patch --model "$golden/bert" 'cold rooms' 'rude rooms'
  run explain compare --model "$golden/bert" --data dev.tsv --texts 1 --seeds 2 --steps 10
}
report() {
  run sentiment train --model pool --hidden 8 $tables --test dev.tsv $steps --out one
  run sentiment train --model pool --hidden 8 $tables --test dev.tsv $steps --seed 2 --out other
  run report one other --out both.html
  run report mlflow one other --out mlruns
  run report safety one
}
attack() { run attack run --model "$golden/pool" --data dev.tsv --by characters --texts 4 --out attempts.jsonl; }
serve() {
  echo '{"inputs": ["good food", "a slow train"]}' >body.json
  echo '{"input": "good food"}' >input.json
  echo '{"inputs": ' >broken.json
  served serve --model first="$golden/bert" second="$golden/pool" -- '/predict -d @body.json' '/predict?model=second -d @body.json' \
    '/embed -d @body.json' '/v1/embeddings -d @input.json' '/predict -d @broken.json' /metrics /info /nowhere
}
capi() { run threads "$golden/bert" "$golden/pool"; }
tests() {  # of engine, nn, optim and the server
  begin
  (cd "$root" && GOLDEN=tests/golden exec "$bin/run-tests") >"$file" 2>&1
  judge $? 0
}

for name in "$@"; do
  count=0 before=$failed since=$(date +%s)
  rm -f "$said/$name".*
  "$name"
  echo "$name: $count commands, $(($(date +%s) - since)) s, $((failed - before)) not clean"
done
[ "$failed" = 0 ]
