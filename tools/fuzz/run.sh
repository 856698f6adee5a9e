#!/bin/sh
# run.sh SECONDS [TARGET...]: so many seconds of every target; 1 if an input was found that no target may fail at.
# The seeds are tests/fuzz/corpus, what is new grows in build/fuzz/corpus. A finding goes, small, into tests/fuzz/corpus.
set -u
cd "$(dirname "$0")/../.."
seconds=${1:?usage: run.sh SECONDS [TARGET...]}
shift
[ $# -gt 0 ] || set -- $(ls tests/fuzz/corpus)
failed=0
export OMP_NUM_THREADS=1 ASAN_OPTIONS=detect_leaks=0:allocator_may_return_null=0
for target in "$@"; do
  mkdir -p "build/fuzz/corpus/$target" build/fuzz/found
  if FUZZ_TARGET=$target build/fuzz/fuzz -max_total_time="$seconds" -timeout=25 -rss_limit_mb=2560 -max_len=65536 \
      -artifact_prefix="build/fuzz/found/$target-" -print_final_stats=1 \
      "build/fuzz/corpus/$target" "tests/fuzz/corpus/$target" >"build/fuzz/$target.log" 2>&1; then
    found=nothing
  else
    found=$(sed -n 's/^Test unit written to //p' "build/fuzz/$target.log" | tail -n1)
    failed=1
  fi
  runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "build/fuzz/$target.log")
  printf '%-20s %10s inputs   found: %s\n' "$target" "${runs:-?}" "${found:-see build/fuzz/$target.log}"
done
exit $failed
