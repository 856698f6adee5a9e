#!/bin/sh
# check_layers.sh: the folders include each other in one direction only, and the guests stay behind their doors.
#   engine <- nn <- tasks,  engine <- optim <- tasks;  nn and optim never see each other;  nothing points back.
#   Inside tasks: files <- text <- score <- detect <- events <- run <- search <- spec <- model <- attribution <- objective <- command <- capi <- http <- programs; no program sees another.
set -eu
cd "$(dirname "$0")/.."
status=0
complain() { echo "check_layers: $1" >&2; status=1; }
forbid() {  # forbid FOLDER PATTERN REASON
  if grep -rnE --include='*.h' --include='*.cpp' "#include [\"<]($2)" "$1"; then
    complain "$1 must not include $2: $3"
  fi
}
forbid engine '(nn|optim|tasks|tests)/' 'the engine stands alone'
forbid nn '(optim|tasks|tests)/' 'layers see the engine only'
forbid optim '(nn|tasks|tests)/' 'optimisers see the engine only'
forbid tasks 'tests/' 'programs do not depend on tests'
forbid tasks/files '(nn|optim)/' 'files are bytes, not models'
forbid tasks/text 'optim/' 'text is data, not training'
forbid tasks/score '(nn/(model|loss|adapter)/|nn/[a-z_]+\.h|optim/)' 'scores are numbers, not models'
forbid tasks/detect '(nn|optim)/' 'counts, not models'
forbid tasks/events '(nn/(model|loss)|optim)/' 'events are numbers and pictures, not models'
forbid tasks/run 'nn/(model|loss)/' 'the life of a run knows parameters, not models'
forbid tasks/search 'nn/(model|loss)/' 'a search knows values, not models'
forbid tasks/http '(nn/(model|loss)|tasks/(model|spec|attribution|command))/' 'a server carries answers, it makes none'

libraries='files text score detect events run search spec model attribution objective command capi http'
later=$libraries
for library in $libraries; do
  later=$(echo "$later" | sed "s/^$library *//")
  [ -z "$later" ] || forbid "tasks/$library" "tasks/($(echo "$later" | tr ' ' '|'))/" 'it stands before them'
done
for folder in tasks/*/; do
  name=$(basename "$folder")
  if [ -f "${folder}main.cpp" ]; then
    others=$(for other in tasks/*/main.cpp; do dirname "$other"; done | sed 's,.*/,,' | grep -vx "$name" | paste -sd'|')
    forbid "tasks/$name" "tasks/($others)/" 'no program sees another'
    for library in $libraries; do forbid "tasks/$library" "tasks/$name/" 'a library sees no program'; done
  else
    case " $libraries data models " in *" $name "*) ;; *) complain "tasks/$name is neither a program nor a known library" ;; esac
  fi
done

if grep -rln --include='*.h' --include='*.cpp' 'cblas.h' engine nn optim tasks tests | grep -v '^engine/blas.cpp$'; then
  complain 'only engine/blas.cpp includes cblas.h'
fi
top=$(git ls-files 2>/dev/null | sed 's,/.*,,' | sort -u | grep -vE '^(\..*|LICENSE|engine|nn|optim|tasks|tests|tools|Makefile|README\.md)$' || true)
[ -z "$top" ] || complain "not one of the eight top-level names: $top"
[ $status = 0 ] && echo "layers: every include points the right way"
exit $status
