#!/bin/sh
# recommend.sh: the page of `recommend serve` in Chromium without a screen, over the catalogue that ships; axe-core looks
# for what shuts people out.
set -eu
cd "$(dirname "$0")/../.."
. tests/clients/server.sh
browser
quietly build/release/recommend train --text words --max-steps 20 --ease 100 --content 3 --out "$dir/run"
serving build/release/recommend serve --model "$dir/run"
run_node tests/browser/recommend.mjs
