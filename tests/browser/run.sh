#!/bin/sh
# run.sh: the pages in Chromium without a screen, as a person uses them; axe-core looks for what shuts people out.
set -eu
cd "$(dirname "$0")/../.."
. tests/clients/server.sh
browser
start
run_node tests/browser/page.mjs
build/release/explain 'A lovely hotel, rude staff.' --method all --page "$dir/why.html" >/dev/null 2>&1
build/release/explain patch 'The film was good' 'The film was bad' --page "$dir/patch.html" >/dev/null 2>&1
URL=$dir run_node tests/browser/explain.mjs
