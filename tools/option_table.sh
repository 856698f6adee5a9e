#!/bin/sh
# option_table.sh: which training program has which option, as --help says, as Markdown.
#   tools/option_table.sh           print the table       BIN=DIR  where the programs are, default build/release
#   tools/option_table.sh --check   compare it with tasks/run/README.md
# A hole needs a reason below; a reason that no hole needs, and one for an option that is there, are errors.
set -eu
cd "$(dirname "$0")/.."
BIN=${BIN:-build/release}
README=tasks/run/README.md
programs='sentiment transfer align pretrain multitask few_shot translate recommend answer monitor'

# program, option: regular expressions, the first that fit; letter of the reason
holes() { cat <<'END'
translate      --(split|test|labels?|label-column|text-column|pair-column|rationale-column|format|delimiter|sheet|encoding|no-header|train)  p
translate      --(new-head|log-odds|head|class-weights|metric|long|max-length)  p
translate      --(bigrams|subwords|length-exponent|token-retention|learn-retention|retention-rate|vocab|cased)  p
translate      --(attention-(normaliser|temperature|window)|global-tokens|entropy-penalty|guide|guide-weight|head-disagreement|target-entropy|target-entropy-weight)  r
[a-z_]+        --(pieces|lowercase|decoder-layers|positions|norm|activation|activation-dropout|average|dev-beams|tokenize|sort-window|teacher-beams|piece-dropout)  q
pretrain       --(data|split|test|labels?|label-column|labels|rationale-column) a
pretrain       --(new-head|log-odds|head|label-smoothing|class-weights|metric|r-drop)  a
align          --(label-column|labels|rationale-column|split|log-odds|head|label-smoothing|class-weights|metric|r-drop) b
align          --(data|train|dev|test|text-column|pair-column|format|delimiter|sheet|encoding|no-header)  c
(multitask|monitor)  --(data|split|train|dev|test|(text|pair|label|rationale)-column|labels|format|delimiter|sheet|encoding|no-header|head|label-smoothing|class-weights|metric)  d
few_shot       --(data|split|train|dev|test|(text|pair|label|rationale)-column|labels|format|delimiter|sheet|encoding|no-header)  d
few_shot       --(oversample|margin|margin-scale|tau)                             u
few_shot       --smart-proximal                                                   z
monitor        --(entropy-penalty|target-entropy.*|head-disagreement|guide|guide-weight|r-drop|learn-retention|retention-rate)  y
monitor        --(augment|copies|augment-share|lexicon|oversample|class-loss|focal-gamma|margin|margin-scale|tau|mixup|adversarial|adversarial-size|adversarial-rate|adversarial-start|adversarial-steps|smart-(weight|proximal))  y
(pretrain|align|translate|recommend)  --(augment|copies|augment-share|lexicon|oversample|class-loss|focal-gamma|margin|margin-scale|tau|mixup|adversarial|adversarial-size|adversarial-rate|adversarial-start|adversarial-steps|smart-(weight|proximal))  v
pretrain       --long                                                             e
pretrain       --(bigrams|subwords|length-exponent)                               f
pretrain       --(token-retention|learn-retention|retention-rate)                 g
few_shot       --(new-head|log-odds|head|class-weights|metric|patience|no-shuffle)     h
few_shot       --(epochs|max-steps|batch-size|accumulate)                         i
few_shot       --(learn-retention|retention-rate)                                 j
recommend      --(split|train|dev|test|(text|pair|label|rationale)-column|labels|format|delimiter|sheet|encoding|no-header|max-length|long|model|new-head|vocab.*|cased|bigrams|subwords|length-exponent|log-odds|attention-window|global-tokens|guide|guide-weight|r-drop|token-retention|learn-retention|retention-rate|adapter.*|base|head|class-weights|metric|data)  s
[a-z_]+        --(interactions|items|(user|item|time|kind|weight|id|title|description|tags)-column|kinds|min-(weight|user|item)|tag-separator|align-kinds|user|identity-dropout|text|text-(encoder|words|length|training|batch|rate)|distil-text|weighted-loss|negatives|ease|knn|damping|reach|recent|near|content|decay|candidates|protocol|k)  t
answer         --(train|dev|test|(text|pair|label|rationale)-column|labels|format|delimiter|sheet|encoding|no-header|head|class-weights|metric)  w
[a-z_]+        --(no-hints|leave-out|detector|refuse|ask|contrast|contrast-temperature|articles-weight|articles-batch|hard-negatives|wording)  x
[a-z_]+        --(start|stack|objective|mask-share|hide|generator-size|detection-weight|dev-share|without|max-tokens|hours|first-step-tokens|grow-until|eval-every)  k
[a-z_]+        --(source|target|(dev|test)-(source|target)|pooling|mse|ranking|scale|both)  l
[a-z_]+        --(teacher|temperature|relation-heads|layer-map|from-layers|teacher-cache|hard|soft-targets|soft-cross-entropy|score-mse|attention-cross-entropy|attention-kl|minilm|relations|hidden-mse|hidden-cosine|activation-map|patient)  m
[a-z_]+        --(tasks|sampling|sampling-temperature|batches|single|weighting|weighting-lr|dwa-temperature|gradnorm-alpha|cagrad-c|famo-lr|famo-decay|lookahead|primary|stch-mu|stch-warmup-epochs)  n
[a-z_]+        --(hold-out|method|ways|shots|queries|episodes|inner-steps|inner-lr|steps)  o
END
}
reasons() { cat <<'END'
a there are no labels: the text itself is what is predicted, from all files at once; R-Drop compares what is said of classes
b vectors are learned, not classes: no label to smooth, to weigh, to guide by or to compare two passes by
c `--source` and `--target`, a sentence a line: two files whose lines belong together
d in the task file, for each task
e nothing is cut: a longer text becomes several sequences
f of the pool, which has one vector for a text and none for a token, so that it cannot tell what was hidden
g every hidden token is predicted from its own last state, which pruning takes away
h an episode draws its classes and texts and gives them equal numbers and a new last layer; there is no dev set
i `--steps`, of `--episodes` of `--ways` x (`--shots` + `--queries`) texts
j the inner steps set all weights back; a schedule that moves by a rate of its own has no place in them
k of a corpus without labels that is read for a budget
l of pairs of sentences in two languages
m of a teacher whose logits and layers are there for the same texts and labels
n of several tasks in one step
o of episodes
p of what classifies or of an encoder alone; a translator reads pairs of lines and writes
q of a translator, which has two sides and is measured by BLEU
r not in the layers of the translator yet
s of texts with labels; here histories are learned from, and `--text-training` says what of an encoder of texts learns along
t of who took what: a recommender's
u an episode has as many texts of each class: no class is rare, and a margin or a logarithm that is the same for all says nothing
v of texts with classes, and of the step of a classifier
w intents, questions and articles stand in a file of their own, and what a question is read for is fixed
x of an assistant, which answers, asks back or refuses
y `multitask train` has them, and writes directories that `monitor` reads
z the inner steps set all weights back; no average of them goes from step to step
END
}

rows() {  # group TAB option TAB programs that have it, in the order in which --help first lists them
  for program in $programs; do
    "$BIN/$program" train --help | awk -v program="$program" '
      /^[A-Z].*:$/ { group = $0; sub(/:.*/, "", group) }
      match($0, /^  --[a-z0-9-]+/) { print group "\t" substr($0, 3, RLENGTH - 2) "\t" program }'
  done | awk -F'\t' -v order='Data files,Model,Texts of items,Attention,Robustness,Token pruning,Adapter,Training,Run,Objective,Learning,Transfer,Budget,Tasks,Episodes,Simple models,Measured,Knowledge,Promises' '
    $2 == "--config" { $1 = "Run" }
    $2 == "--tasks" { $1 = "Tasks" }
    !($2 in group) { group[$2] = $1; list[++n] = $2 }
    { has[$2] = has[$2] " " $3 }
    END {
      groups = split(order, name, ",")
      for (g = 1; g <= groups; g++)
        for (i = 1; i <= n; i++) if (group[list[i]] == name[g]) { print name[g] "\t" list[i] "\t" has[list[i]]; shown++ }
      if (shown != n) { print "option_table: a group of options without a place" > "/dev/stderr"; exit 1 }
    }'
}

table() {
  { holes | sed 's/^/hole\t/; s/  */\t/g'; reasons | sed 's/^\(.\) /reason\t\1\t/'; rows | sed 's/^/row\t/'; } |
    awk -F'\t' -v programs="$programs" '
      $1 == "hole" { who[++h] = $2; what[h] = $3; why[h] = $4 }
      $1 == "reason" { letters[++r] = $2; reason[$2] = $3 }
      $1 == "row" {
        count = split(programs, program, " ")
        if (!head++) {
          line = "| option |"; rule = "| --- |"
          for (p = 1; p <= count; p++) { line = line " " program[p] " |"; rule = rule " :-: |" }
          print line "\n" rule
        }
        if ($2 != group) { group = $2; printf "| **%s** |", group; for (p = 1; p <= count; p++) printf " |"; print "" }
        printf "| `%s` |", $3
        for (p = 1; p <= count; p++) {
          if (index($4 " ", " " program[p] " ")) { printf " yes |"; continue }
          letter = ""
          for (i = 1; i <= h && letter == ""; i++)
            if (program[p] ~ "^(" who[i] ")$" && $3 ~ "^(" what[i] ")$") letter = why[i]
          if (letter == "" || !(letter in reason)) { print "option_table: no reason why " program[p] " has no " $3 > "/dev/stderr"; bad = 1 }
          used[letter] = 1
          printf " - %s |", letter
        }
        print ""
      }
      END {
        print ""
        for (i = 1; i <= r; i++) {
          if (!(letters[i] in used)) { print "option_table: no hole needs the reason " letters[i] > "/dev/stderr"; bad = 1 }
          print "- " letters[i] ": " reason[letters[i]]
        }
        exit bad
      }'
}

written=$(table)
[ "${1:-}" = --check ] || { echo "$written"; exit 0; }
read_me=$(sed -n '/^## Which option where$/,$p' "$README" | sed -n '/^| option |/,$p')
[ "$written" = "$read_me" ] && exit 0
echo "option_table: $README says otherwise; run tools/option_table.sh and put its table there:" >&2
mkdir -p build && echo "$written" > build/option_table.md
echo "$read_me" | diff - build/option_table.md >&2 || exit 1
