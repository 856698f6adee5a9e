# shellcheck shell=sh disable=SC2034
# What the scripts behind the tables of measurements share: `. tools/measured.sh`, from the root of the repository.
# A script is called SCRIPT DATA SEED..., DATA the sets as their publishers lay them out, one folder each. All know
#
#   BIN     directory of the programs; build/release if not set
#   RUNS    where the runs go; runs/ and a name if not set. A run that is there is not made again, so seeds can be
#           added, or several calls make different ones: remove RUNS when the programs have changed
#   STEPS   so many steps a run instead of all, in a folder of their own: to try every row, the figures mean nothing
#
# and print a line a run, then the tables as they stand in the README.
set -eu
export LC_ALL=C

# How a published set is read.
sst2="--no-header --text-column 1 --label-column 2 --labels 0=negative,1=positive"
phrasebank="--no-header --encoding latin-1 --label-column 1 --text-column 2 --labels negative,neutral,positive"

fail() {
  printf 'error: %s\n' "$*" >&2
  exit 1
}

# begin NAME DATA SEED...: sets data, seeds, bin, runs and limit, the option that STEPS asks for
begin() {
  [ $# -ge 3 ] || { printf 'error: %s DATA SEED... ; its first lines explain\n' "$0" >&2; exit 2; }
  runs=${RUNS:-runs/$1}${STEPS:+/$STEPS-steps} bin=${BIN:-build/release} data=$2 limit=${STEPS:+--max-steps $STEPS}
  shift 2
  seeds=$*
  mkdir -p "$runs"
  lines=$runs/lines.$$
  : >"$lines"
  trap 'rm -f "$lines"' EXIT
}

need() { # FILE...
  for file in "$@"; do [ -r "$file" ] || fail "$file is missing"; done
}

# prepare FILE COMMAND...: what the command prints, into RUNS/FILE; whole at once, as another call may be reading it
prepare() {
  _file=$runs/$1
  shift
  "$@" >"$_file.$$" && mv "$_file.$$" "$_file"
}

name_of() { echo "$1" | tr -c 'a-z0-9.\n' -; }  # a row as a file's name; 0.1 and -0.1 are two

is_made() { grep -q '^result ' "$runs/$1.txt" 2>/dev/null; }

# call NAME PROGRAM WORD...: one call, unless it is made; what it says is in NAME.txt and ends in a line `result ...`,
# what was called in NAME.call: of another call a run is not taken
call() {
  _name=$1 _program=$2
  shift 2
  mkdir -p "$(dirname "$runs/$_name")"
  _call=$(echo "$_program $*" | sed "s|$runs|RUNS|g")
  if is_made "$_name"; then
    [ ! -e "$runs/$_name.call" ] || [ "$(cat "$runs/$_name.call")" = "$_call" ] ||
      fail "$runs/$_name was made by another call: $(cat "$runs/$_name.call")"
    [ -z "$(find "$bin/$_program" -newer "$runs/$_name.txt")" ] ||
      printf 'warning: %s is of an older %s; remove it to make it again\n' "$runs/$_name" "$_program" >&2
    return 0
  fi
  echo "$_call" >"$runs/$_name.call"
  "$bin/$_program" "$@" >"$runs/$_name.txt" 2>&1 ||
    fail "$runs/$_name.txt: $(grep -m 1 '^error' "$runs/$_name.txt" || tail -n 1 "$runs/$_name.txt")"
}

train() { # NAME PROGRAM OPTION...: into the directory NAME
  _name=$1 _program=$2
  shift 2
  # shellcheck disable=SC2086
  call "$_name" "$_program" train "$@" $limit --out "$runs/$_name" --overwrite
}

# value NAME KEY...: out of NAME's result.json, a key in an object as object.key
value() {
  _name=$1
  shift
  for _key in "$@"; do
    awk -v key="$_key" '
      split($0, quoted, "\"") > 2 {
        depth = (match($0, /[^ ]/) - 1) / 2
        path = ""
        name[depth] = quoted[2]
        for (d = 1; d <= depth; d++) path = path (d > 1 ? "." : "") name[d]
        if (path == key) { sub(/^[^:]*: /, ""); sub(/,$/, ""); print; exit }
      }' "$runs/$_name/result.json"
  done
}

told() { # NAME KEY: out of the result line of a call; several numbers, one a line
  sed -n "s/^result .* $2=\([^ ]*\).*/\1/p" "$runs/$1.txt" | tr , '\n'
}

# line GROUP ROW SEED VALUE...: what a run gave; "-" where there is nothing
line() {
  for _value in "$@"; do [ -n "$_value" ] || fail "$1, $2, seed $3: a figure is missing"; done
  (IFS='	'; printf '%s\n' "$*") | tee -a "$lines"
}

made_by() {
  printf 'commit %s, %s%s\n' "$(git describe --always --dirty)" \
    "$(sed -n 's/^model name[^:]*: //p;T;q' /proc/cpuinfo)" \
    "${STEPS:+: A TRY OF $STEPS STEPS, THE FIGURES MEAN NOTHING}"
}

# of awk: the standard deviation of a sample; rounding may take the sum of squares below 0
deviation='function deviation(sum, squares, n) {
  return n > 1 && squares * n > sum * sum ? sqrt((squares - sum * sum / n) / (n - 1)) : 0
}'

# table REFERENCE COLUMN...: of all lines, a table for each group: means over the seeds and their standard errors. A
# column whose name ends in % is 100 times its figures and gets another, the mean of the differences, seed by seed, from
# the row REFERENCE (the first of a group, if that is "", or the row before, if it is "before"), with the standard error
# of that; under two of these, or under five seeds, it is "not shown".
table() {
  printf '\n%s\n' "$(made_by)"
  reference=$1
  shift
  awk -F '\t' -v reference="$reference" -v columns="$(printf '%s\t' "$@")" "$deviation"'
    function summary(group, row, c, against, s, v, sum, squares) {  # sets n, mean and error
      n = sum = squares = 0
      for (s in seeds) {
        if (!((group, row, c, s) in x) || (against != "" && !((group, against, c, s) in x))) continue
        v = x[group, row, c, s] - (against != "" ? x[group, against, c, s] : 0)
        n++; sum += v; squares += v * v
      }
      mean = n ? sum / n : 0
      error = n ? deviation(sum, squares, n) / sqrt(n) : 0
    }
    function cell(row, c, percent) {
      summary(group, row, c, "")
      if (!n) return ""
      if (percent) return sprintf(n > 1 ? "%.1f ± %.1f" : "%.1f", 100 * mean, 100 * error)
      return sprintf(error > 1e-6 * (mean < 0 ? -mean : mean) ? "%.4g ± %.2g" : "%.4g", mean, error)
    }
    function difference(row, c) {
      if (from == "" || row == from) return ""
      summary(group, row, c, from)
      if (n < 2) return ""
      return sprintf("%+.1f ± %.1f%s", 100 * mean, 100 * error,
                     n >= 5 && (mean > 2 * error || mean < -2 * error) ? "" : ", not shown")
    }
    BEGIN { C = split(columns, column, "\t") - 1 }
    NF != C + 3 {
      printf "error: %s, %s, seed %s: not %d figures\n", $1, $2, $3, C > "/dev/stderr"
      failed = 1
      exit 1
    }
    {
      if (!($1 in known)) { known[$1]; groups[++G] = $1 }
      if (!(($1, $2) in known)) { known[$1, $2]; rows[$1, ++R[$1]] = $2 }
      if (!($3 in seeds)) { seeds[$3]; S++ }
      for (c = 1; c <= C; c++) if ($(c + 3) ~ /^[-+]?[0-9]/) x[$1, $2, c, $3] = $(c + 3)
    }
    END {
      if (failed) exit 1
      for (g = 1; g <= G; g++) {
        group = groups[g]
        from = reference == "" ? rows[group, 1] : reference
        head = "| " group " |"; rule = "| --- |"
        for (c = 1; c <= C; c++) {
          percent = column[c] ~ /%$/
          head = head " " column[c] (percent ? " | less " (reference == "before" ? "the row before" : from) " |" : " |")
          rule = rule (percent ? " --- | --- |" : " --- |")
        }
        printf "\n%s\n%s\n", head, rule
        for (r = 1; r <= R[group]; r++) {
          row = rows[group, r]
          if (reference == "before") from = rows[group, r - 1]
          printf "| %s |", row
          for (c = 1; c <= C; c++) {
            percent = column[c] ~ /%$/
            printf " %s |", cell(row, c, percent)
            if (percent) printf " %s |", difference(row, c)
          }
          print ""
        }
      }
      printf "\nSeeds: %d; mean and standard error, differences are paired.\n", S
    }' "$lines"
}
