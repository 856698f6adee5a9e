#!/bin/sh
# run.sh: the page in Chromium without a screen, as a person uses it; axe-core looks for what shuts people out.
set -eu
cd "$(dirname "$0")/../.."
. tests/clients/server.sh
need chromium chromium
packages puppeteer-core axe-core
start
run_node tests/browser/page.mjs
