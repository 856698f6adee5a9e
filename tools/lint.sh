#!/bin/sh
# lint.sh [FILE...]: what clang++ warns of, clang-tidy (the checks of .clang-tidy) and cppcheck over these sources; 1 at
# a finding. Without any: clang++ over all sources, the two others over those that are neither tests nor tools.
set -u
cd "$(dirname "$0")/.."
flags="-std=c++20 -x c++ -fopenmp -I. $(sed -n 's/^OPENBLAS_CFLAGS *:= *//p' build/deps.mk)"
status=0
# shellcheck disable=SC2086  # several flags
[ $# -gt 0 ] && warned=$(printf '%s\n' "$@") || warned=$(git ls-files '*.cpp')
printf '%s\n' "$warned" | xargs -P "$(nproc)" -n 1 clang++ -fsyntax-only -Wall -Wextra -Wshadow -Werror $flags || status=1
[ $# -gt 0 ] || set -- $(git ls-files 'engine/*.cpp' 'nn/*.cpp' 'optim/*.cpp' 'tasks/*.cpp')
# shellcheck disable=SC2086
printf '%s\n' "$@" | xargs -P "$(nproc)" -n 4 clang-tidy --quiet --warnings-as-errors='*' \
  --extra-arg=-Wno-unknown-warning-option -- $flags 2>/dev/null || status=1
# Suppressed: what cppcheck 2.10 imagines where it does not know C++20 and string_view; a Scope is passed by value.
cppcheck --quiet --std=c++20 --language=c++ --inline-suppr --error-exitcode=1 --enable=warning,performance,portability \
  --suppress=missingIncludeSystem --suppress=unknownMacro --suppress=internalAstError --suppress=syntaxError --suppress=invalidLifetime --suppress=passedByValue \
  -I . "$@" || status=1
exit $status
