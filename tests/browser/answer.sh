#!/bin/sh
# answer.sh: the page of a small assistant in Chromium without a screen; axe-core looks for what shuts people out.
set -eu
cd "$(dirname "$0")/../.."
. tests/clients/server.sh
browser
{
  for s in track hours size; do
    echo "# $s"
    echo '## Questions'
    n=10
    for turn in please now today thanks again hello quickly sir friend soon; do
      n=$((n + 3))
      case $s in
        track) echo "- $turn where is parcel [S-$n](order)" && echo "- parcel $turn where did it go" ;;
        hours) echo "- $turn when are you open" && echo "- open $turn at which hours" ;;
        size) echo "- $turn how big does this tent get" && echo "- big $turn or small tent" ;;
      esac
    done
    case $s in
      track) printf '## Answer\nParcel {order} is under way.\n## Ask\n- order: Which parcel?\n' ;;
      hours) printf '## Answer\nNine to five.\n' ;;
      size) printf '## Answer\nThe tent is {metres} wide.\n## Ask\n- metres: Which tent?\n' ;;
    esac
  done
  printf '# Sending things back\nReturns are free for sixty days.\n# Cleaning a kettle\nBoil vinegar in it.\n'
} >"$dir/shop.md"
quietly build/release/answer train --data "$dir/shop.md" --out "$dir/run" --model pool --hidden 32 --heads 2 --dropout 0 \
  --epochs 40 --lr 0.02 --vocab-size 300 --split 60/30/10 --no-hints --seed 1
serving build/release/answer serve --model "$dir/run" --ask 0.9 --refuse 0.05
run_node tests/browser/answer.mjs
