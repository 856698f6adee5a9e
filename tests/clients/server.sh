# server.sh: what the tests in this folder and in tests/browser share; read by their run.sh, which says what it needs.
# Skips, with a message and status 0, where node, npm or a package is not to be had.
#   $NPM_PACKAGES  a folder with node_modules; by default one in $TMPDIR, filled by npm
skip() { echo "skipped: $1"; exit 0; }
need() { command -v "$1" >/dev/null 2>&1 || skip "there is no $1 (Debian: $2)"; }

packages() {  # packages NAME...
  need node nodejs
  NPM_PACKAGES=${NPM_PACKAGES:-${TMPDIR:-/tmp}/attune-npm}
  missing=""
  for package in "$@"; do [ -d "$NPM_PACKAGES/node_modules/$package" ] || missing="$missing $package"; done
  [ -z "$missing" ] && return
  need npm npm
  mkdir -p "$NPM_PACKAGES"
  (cd "$NPM_PACKAGES" && npm install --silent --no-audit --no-fund $missing >/dev/null 2>&1) || skip "npm could not install$missing"
}

workspace() {  # $dir, which goes at the end, with the server
  dir=$(mktemp -d)
  server=""
  trap '[ -z "$server" ] || kill "$server" 2>/dev/null || true; rm -rf "$dir"' EXIT
  export OMP_NUM_THREADS=1
}

browser() {  # Chromium, what drives it and what looks for barriers in a page, and a workspace
  need chromium chromium
  packages puppeteer-core axe-core
  workspace
}

quietly() { "$@" >"$dir/said" 2>&1 || { cat "$dir/said"; exit 1; }; }

serving() {  # serving PROGRAM ARGUMENT...: it runs beside this script, on a port of its own: $URL
  "$@" --port 0 >"$dir/out" 2>"$dir/err" &
  server=$!
  for _ in $(seq 300); do
    URL=$(sed -n 's/^serving on \([^ ]*\) .*/\1/p' "$dir/out")
    [ -z "$URL" ] || return 0
    sleep 0.1
  done
  cat "$dir/err"
  exit 1
}

start() {  # start ARGUMENT...: a classifier of a few steps and the encoder that ships, served
  quietly build/release/sentiment train --model pool --max-steps 40 --out "$dir/mood"
  serving build/release/serve --model mood="$dir/mood" mini=mini "$@"
}

run_node() {  # run_node SCRIPT: with the packages beside it, and the server's address
  cp "$(dirname "$1")"/*.mjs "$NPM_PACKAGES/"
  node "$NPM_PACKAGES/$(basename "$1")" "$URL"
}
