#!/usr/bin/env bash
# compare.sh: attune beside PyTorch and ONNX Runtime, on identical work, by turns.
#
#   tools/bench/compare.sh [--only PATTERN] [--rounds N] [--vocab FILE] [--texts FILE]
#
#   --only PATTERN   the rows whose name matches this regular expression
#   --rounds N       samples that each program gives to a row; 7 if not given
#   --processor      processor seconds of one thread each, where a row's programs say them: on a machine that others use
#   --vocab FILE     vocab.txt of bert-base-uncased, for the row `predict`
#   --texts FILE     its sentences, one a line; without it the first 1,000 of tasks/data/sentiment.tsv
#   --translator DIR, --source FILE, --target FILE
#                    a translator and pairs for the rows `translate`; without them what `make translate` learned from the
#                    embedded phrases
#
# The programs of a row are servers that live side by side: each loads the same model, warms up, says what it computes
# (a loss or logits, in which all must agree), then gives one sample whenever it is asked, in an order that turns round
# every time. A row shows the medians of the times and the median of the rounds' ratios peer / attune, with the smallest
# and the largest. Peers run at their best (tools/bench/README.md), attune with nothing set. Models and works lie in
# build/bench, all samples in build/bench/compare.json. PYTHON, ORT_DIR and NODE_PATH say where the peers are; rows name
# those that are missing. The exit status is 1 if a program failed or computed something else; goals do not change it.
set -uo pipefail
export LC_ALL=C
unset LD_PRELOAD ATEN_CPU_CAPABILITY GOMP_SPINCOUNT OMP_{NUM_THREADS,PROC_BIND,WAIT_POLICY} OPENBLAS_{CORETYPE,NUM_THREADS}
trap '' PIPE
say() { echo "$*" >&2; }

only=. rounds=7 clock=seconds vocab='' texts='' translator=runs/translate source='' target=''
while [ $# -gt 0 ]; do
  case $1 in
    --help | -h) sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//p}' "$0"; exit ;;
    --processor) clock=processor_seconds; shift; continue ;;
    --only | --rounds | --vocab | --texts | --translator | --source | --target) [ $# -gt 1 ] || { say "error: $1 needs a value"; exit 2; } ;;
    *) say "error: there is no option $1; --help lists them"; exit 2 ;;
  esac
  value=$2
  [[ $1 != --[vts]* ]] || value=$(realpath -e "$2") || exit 2
  declare "${1#--}=$value"
  shift 2
done
[[ $rounds =~ ^[1-9][0-9]*$ ]] || { say "error: --rounds '$rounds' is not a number from 1"; exit 2; }
cd "$(dirname "$0")/../.." || exit
for program in build/release/bench build/release/sentiment; do
  [ -x $program ] || { say "error: $program is not there yet: make $program"; exit 2; }
done

# ---- the programs ----------------------------------------------------------------------------------------------------
python=${PYTHON:-/usr/bin/python3} cores=$(nproc)
[ $clock = seconds ] || export OMP_NUM_THREADS=$((cores = 1))
tcmalloc=$(ldconfig -p | awk '/libtcmalloc_minimal\.so\.4 / { path = path ? path : $NF } END { print path }')
tuned=("OMP_NUM_THREADS=$cores" ${tcmalloc:+"LD_PRELOAD=$tcmalloc"})
! grep -qw avx512f /proc/cpuinfo || tuned+=(OPENBLAS_CORETYPE=SkylakeX)

attune() { build/release/bench "$@"; }
attune_threads() { OMP_NUM_THREADS=$1 build/release/bench "${@:2}"; }
sentiment() { build/release/sentiment "$@"; }
translator() { build/release/bench-translate "$@"; }
torch_translate() { env "${tuned[@]}" "$python" tools/bench/translate_peer.py "$@"; }
torch() { env "${tuned[@]}" "$python" tools/bench/torch_peer.py "$@"; }
torch_as_it_comes() { "$python" tools/bench/torch_peer.py "$@"; }
ort() { OMP_NUM_THREADS=$cores node tools/bench/ort_peer.mjs "$@"; }

# whole COMMAND...: a server whose sample is the time of a whole process. What it computes: every sentence's largest
# probability, less 1/3, near which all of them are when a model was not trained.
whole() {
  local said
  said=$("$@" </dev/null | awk '{
    sub(/.*"probabilities":/, ""); n = split($0, p, /[^0-9.e-]+/); best = 0
    for (i = 1; i <= n; ++i) if (p[i] + 0 > best && p[i] < 1) best = p[i] + 0
    printf "%s%.7f", (NR > 1 ? "," : ""), best - 1 / 3 }') || return
  echo "{\"ready\": true, \"logits\": [$said], \"setup\": \"a process each\"}"
  while read -r; do
    local start=${EPOCHREALTIME/./}
    "$@" </dev/null >/dev/null || return
    echo "{\"seconds\": $((${EPOCHREALTIME/./} - start))e-6}"
  done
  echo '{"peak_rss_bytes": 0}'
}
# each COMMAND...: a server whose sample is what the command prints.
each() {
  echo '{"ready": true, "setup": "a process each"}'
  while read -r; do "$@" </dev/null || return; done
  echo '{"peak_rss_bytes": 0}'
}

# ---- servers: number 0 is attune, the others are its peers -----------------------------------------------------------
tmp=$(mktemp -d) status=0
trap 'rm -rf "$tmp"' EXIT
trap 'exit 130' INT TERM HUP
field() { sed "/\"$1\":/!d; s/.*\"$1\": *[[\"]\{0,1\}\([^]}\"]*\).*/\1/; s/[, ]*$//"; }  # field NAME <line: its value
computed() { field 'lo[a-z]*s' <<<"$1"; }  # the loss or logits of a ready line

fail() {  # fail K WHY: the row of server K has no figures; no row has any if attune failed
  local k
  for k in "${!row[@]}"; do [[ $1 != 0 && $1 != "$k" ]] || note[k]=${note[k]:-$2}; done
  status=1
}
hear() { read -r -u "${from[$1]}" line || { fail "$1" "failed: $(tail -n 1 "$tmp/err$1")"; false; }; }
start() {
  local fd
  rm -f "$tmp/in$1" "$tmp/out$1"
  mkfifo "$tmp/in$1" "$tmp/out$1"
  ${command[$1]} <"$tmp/in$1" >"$tmp/out$1" 2>"$tmp/err$1" &
  exec {fd}>"$tmp/in$1" && to[$1]=$fd
  exec {fd}<"$tmp/out$1" && from[$1]=$fd
  hear "$1" && ready[$1]=$line setup[$1]=$(field setup <<<"$line")
}
ask() {  # after a pause in which the threads of the one before fall asleep
  sleep 0.05
  echo 2>/dev/null >&"${to[$1]}"
  hear "$1" && samples[$1]+=" $(field $clock <<<"$line")"
  [[ ${samples[$1]} =~ [0-9]$ ]] || fail "$1" "says no $clock"
}
stop() {
  local fd=${to[$1]}
  exec {fd}>&-
  [ "${note[$1]:-}" ] || { hear "$1" && peak[$1]=$(field peak_rss_bytes <<<"$line"); }
  fd=${from[$1]}
  exec {fd}<&-
}
agree() {  # agree LINE LINE: losses, or logits, within `within` of the largest
  awk -v a="$(computed "$1")" -v b="$(computed "$2")" -v within="$within" '
    function abs(x) { return x < 0 ? -x : x }
    function max(x, y) { return x > y ? x : y }
    BEGIN {
      n = split(a, x, /[, ]+/); m = split(b, y, /[, ]+/)
      for (i = 1; i <= n; ++i) { top = max(top, abs(x[i])); off = max(off, abs(x[i] - y[i])) }
      exit !(n == m && top > 0 && off <= within * top)
    }'
}

# ---- rows ------------------------------------------------------------------------------------------------------------
# group COMMAND... names attune's command; then its rows: `limit ROW GOAL`, `against ROW GOAL PEER...`; then play.
group() { within=1e-3 command=("$*") row=('') goal=('') to=() from=() ready=() setup=() samples=() peak=() note=(); }
limit() { [[ ! $1 =~ $only ]] || { row[0]=$1 goal[0]=$2; }; }
against() { [[ ! $1 =~ $only ]] || { row+=("$1") goal+=("$2") command+=("${*:3}"); }; }

prepare() {  # the models and works that the commands of the group name
  local shape dir
  for shape in base small tiny; do
    dir=build/bench/$shape
    [[ "${command[*]} " == *"$dir "* ]] || continue
    [ $dir/sorted.json -nt build/release/bench ] || build/release/bench prepare --shape $shape --out $dir || return
    [[ " ${command[*]}" != *' ort '* || ! $torch_here || $dir/model.onnx -nt $dir/model.safetensors ]] ||
      torch export $dir || return
    [[ "${command[*]}" != *int8.onnx* || $dir/int8.onnx -nt $dir/model.onnx ]] ||
      "$python" tools/bench/onnx_int8.py $dir || return
  done
}

play() {  # play [ROUNDS at most]
  local k r order names todo='' last=$((rounds < ${1:-rounds} ? rounds : ${1:-rounds}))
  for k in "${!row[@]}"; do
    [[ ${command[k]} != *torch* || $torch_here ]] || note[k]='torch is not installed'
    [[ ${command[k]} != ort* || $ort_here ]] || note[k]='onnxruntime-node is not installed'
    [[ ${command[k]} != ort* || $torch_here || -f $(cut -d ' ' -f 2 <<<"${command[k]}")/model.onnx ]] ||
      note[k]="torch is not installed, which writes ONNX Runtime's model"
    [[ ! ${row[k]} || ${note[k]:-} ]] || todo=1
  done
  if [ $todo ]; then
    names=$(printf '%s\n' "${row[@]}" | sed '/^$/d' | paste -sd '|' | sed 's/|/ | /g')
    say "$names: preparing"
    prepare >&2 || fail 0 'could not be prepared'
    for k in "${!command[@]}"; do
      [ ! "${note[k]:-}" ] || continue
      say "$names: starting ${command[k]}"
      start "$k" || continue
      [[ $k == 0 || ${row[k]} == *sorted* ]] || agree "${ready[0]}" "${ready[k]}" ||  # sorted: another first batch
        fail "$k" "NOT THE SAME WORK: $(computed "${ready[0]}" | cut -c -60), $(computed "${ready[k]}" | cut -c -60)"
    done
    order=("${!to[@]}")
    for ((r = 1; r <= last; ++r)); do
      for k in "${order[@]}"; do [ "${note[k]:-}" ] || ask "$k"; done
      say "$names: round $r of $last:$(for k in "${!samples[@]}"; do printf ' %.6g' "${samples[k]##* }"; done)"
      mapfile -t order < <(printf '%s\n' "${order[@]}" | tac)
    done
    for k in $(printf '%s\n' "${!to[@]}" | tac); do stop "$k"; done  # last first: it holds the others' inputs open
    wait
  fi
  for k in "${!row[@]}"; do [ ! "${row[k]}" ] || report "$k"; done
}

report() {  # report K: a row of the table, and its JSON to $tmp/rows
  local k=$1 peer=''
  [ "$k" = 0 ] || peer=$(sed 's/^whole //; s/ .*//; s/torch_.*/torch/; s/attune.*/1 thread/' <<<"${command[k]}")
  [ ! -s "$tmp/rows" ] || echo , >>"$tmp/rows"
  awk -v row="${row[k]}" -v goal="${goal[k]}" -v note="${note[k]:-}" -v peer="$peer" -v json="$tmp/rows" \
    -v a="${samples[0]:-}" -v b="${samples[k]:-}" -v setup_a="${setup[0]:-}" -v setup_b="${setup[k]:-}" \
    -v peak_a="${peak[0]:-0}" -v peak_b="${peak[k ? k : 1]:-0}" '
    function median(v, n,    i, j, t) {  # sorts v
      for (i = 2; i <= n; ++i)
        for (j = i; j > 1 && v[j] < v[j - 1]; --j) { t = v[j]; v[j] = v[j - 1]; v[j - 1] = t }
      return n % 2 ? v[(n + 1) / 2] : (v[n / 2] + v[n / 2 + 1]) / 2
    }
    function time(s) { return s < 1 ? sprintf("%.4g ms", 1000 * s) : sprintf("%.4g s", s) }
    function memory(bytes) { return bytes > 0 ? sprintf("%.2f GiB", bytes / 2 ^ 30) : "" }
    function side(name, setup, seconds, peak) {
      sub(/^ +/, "", seconds); gsub(/ +/, ", ", seconds)
      return sprintf(",\n   \"%s\": {\"setup\": \"%s\",\n    \"seconds\": [%s], \"peak_rss_bytes\": %d}", name, setup,
                     seconds, peak)
    }
    function show(mine, its, ratio, goal, met) {
      printf "%-34s %10s %10s %-9s %-21s %-11s %s\n", row, mine, its, peer, ratio, goal, met ? "yes" : "no"
      told = ", \"goal\": \"" goal "\", \"met\": " (met ? "true" : "false") told
    }
    BEGIN {
      n = split(a, x); m = split(b, y)
      if (note != "") {
        printf "%-34s %s\n", row, note
        gsub(/["\\]/, "\\\\&", note); told = ", \"note\": \"" note "\""
      } else if (goal ~ /GiB/) {
        show(memory(peak_a), memory(peak_b), "", "<= " goal, peak_a <= goal * 2 ^ 30)
      } else if (peer == "") {
        t = median(x, n); show(time(t), "", "", "<= " time(goal), t <= goal)
      } else {
        for (i = 1; i <= n; ++i) ratio[i] = y[i] / x[i]
        r = median(ratio, n)
        told = sprintf(", \"ratio\": %.4f, \"smallest\": %.4f, \"largest\": %.4f", r, ratio[1], ratio[n])
        range = sprintf("%.2f (%.2f-%.2f)", r, ratio[1], ratio[n])
        show(time(median(x, n)), time(median(y, m)), range, ">= " goal, r >= goal)
      }
      printf "  {\"row\": \"%s\"%s%s", row, told, side("attune", setup_a, a, peak_a) >> json
      printf "%s}", peer == "" ? "" : side(peer, setup_b, b, peak_b) >> json
    }'
}

# ---- the table -------------------------------------------------------------------------------------------------------
torch_here=$("$python" -c 'import torch; print(torch.__version__)' 2>/dev/null)
ort_here=$(node -p 'const at = require("path").resolve(process.env.ORT_DIR ?? ".") + "/"
  require("module").createRequire(at)("onnxruntime-node/package.json").version' 2>/dev/null)
base=build/bench/base
mkdir -p $base
printf '%-34s %10s %10s %-9s %-21s %-11s %s\n' row attune peer '' 'peer / attune' goal met

group attune serve train --model $base --work full
limit 'train base full, memory' 2.2GiB
against 'train base full' 1.33 torch train $base full
play

while read -r shape fixed longest sorted; do
  group attune serve train --model build/bench/$shape --work real
  against "train $shape real, padded to 128" "$fixed" torch train build/bench/$shape real --pad 128
  against "train $shape real, to longest" "$longest" torch train build/bench/$shape real --pad longest
  against "train $shape real, sorted" "$sorted" torch train build/bench/$shape sorted --pad longest
  play
done <<'END'
base 6 2 1.35
small 7 2.7 1.7
tiny 10 4 3
END

while read -r shape work least; do
  group attune serve infer --model build/bench/$shape --work $work
  against "infer $shape $work" "$least" ort build/bench/$shape $work --pad longest
  play
done <<'END'
base 1x32 1.176
base 1x128 1.053
base 32x128 1
base dev 2
small 1x32 1.176
small 1x128 1.053
small 32x128 1
small dev 2
tiny 1x32 1.176
tiny 1x128 1.053
tiny 32x128 1
END

while read -r shape work; do
  group attune serve infer --int8 --model build/bench/$shape --work $work
  within=0.1  # each rounds in its own way: a scale for every row, one for the whole batch
  against "infer $shape $work int8" 1.1 ort build/bench/$shape $work --graph int8.onnx
  play
done <<'END'
base 1x32
base 1x128
base 32x128
base dev
small 1x32
small 1x128
small 32x128
small dev
END

group attune serve train --model $base --work full
against 'train base full, newcomer' 8 torch_as_it_comes train $base full
play 3

sentences=build/bench/sentences.tsv
if [ "$texts" ]; then cat "$texts"; else awk -F '\t' 'NR > 1 && NR < 1002 { print $1 }' tasks/data/sentiment.tsv; fi |
  tr '\t\r' '  ' >$sentences
for shape in base small tiny; do
  model=build/bench/$shape
  mkdir -p $model
  [ -z "$vocab" ] || cp "$vocab" $model/vocab.txt
  group whole sentiment predict --model $model --file $sentences --no-header --text-column 1
  against "predict $(wc -l <$sentences) sentences, $shape" 4 whole torch predict $model $sentences
  [ -f $model/vocab.txt ] || note[1]="needs BERT's vocabulary: --vocab FILE"
  play
done

group attune_threads 2 serve train --model $base --work full
against 'train base full, 2 threads' 1.85 attune_threads 1 serve train --model $base --work full
play

group attune serve adamw --model $base
limit 'clip and adamw, base' 0.11
play

group each attune first-step
limit 'first step, bert' 0.3
play

work=build/bench/translate
if [[ ! 'translate train, to longest, translate train, sorted, translate beam 5, one by one, translate beam 5, int8, translate 1,000 sentences' =~ $only ]]; then
  :
elif [ ! -x build/release/bench-translate ] || [ ! -d "$translator" ]; then
  say "translate: build/release/bench-translate and $translator are needed: make translate build/release/bench-translate"
else
  translator prepare --model "$translator" ${source:+--source "$source" --target "$target"} --out $work >&2 || status=1
  group translator serve train --work $work
  against 'translate train, to longest' 2 torch_translate train $work
  against 'translate train, sorted' 2 torch_translate train $work --sorted
  play
  group translator serve beam --work $work --sentences 200
  against 'translate beam 5' 4 torch_translate beam $work --sentences 200
  play
  group translator serve beam --work $work --sentences 40 --together 1
  against 'translate beam 5, one by one' 4 torch_translate beam $work --sentences 40 --together 1
  play
  rm -rf $work-int8
  build/release/translate quantize --model "$translator" --out $work-int8 >&2 || status=1
  group translator serve beam --work $work --model $work-int8 --sentences 200
  within=0.5  # it writes other words now and then
  against 'translate beam 5, int8' 4 torch_translate beam $work --sentences 200
  play
  group translator serve beam --work $work --sentences 1000
  limit 'translate 1,000 sentences' 15
  play 3
fi

[ -s "$tmp/rows" ] || say "no row matches $only"
{
  printf '{"cpu": "%s", ' "$(sed -n '/^model name/{s/[^:]*: //p;q}' /proc/cpuinfo)"
  printf '"cores": %d, "date": "%s",\n' "$cores" "$(date -u +%FT%TZ)"
  printf ' "torch": "%s %s", "onnxruntime": "%s",\n "rows": [\n' "${torch_here:--}" "${tuned[*]}" "${ort_here:--}"
  cat "$tmp/rows" 2>/dev/null
  printf '\n ]}\n'
} >build/bench/compare.json
exit $status
