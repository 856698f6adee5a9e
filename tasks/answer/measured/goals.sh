#!/bin/sh
# goals.sh: what an assistant understands, refuses and finds: Banking77 whole and with 10 and 5 questions a class, with a
# part of its intents known, out of scope near and far, StackFAQ, the promise on 20 splits, the time of a search.
#
#   tasks/answer/measured/goals.sh DATA SEED...     DATA: banking77_oos, stackfaq, snips, atis
#
# ROWS: some of "few whole known scope faq vectors time", all if not set. FEW: the model of the few, mini if not set.
# BIN, RUNS and STEPS: tools/measured.sh; PYTHON: python3 if not set. Settings were chosen on the validation part of
# BANKING77 and on every second thread of StackFAQ; test sets are read here only.
. tools/measured.sh
begin answer "$@"
rows=${ROWS:-few whole known scope faq vectors time} few=${FEW:-mini}
need "$data/banking77_oos/BANKING77/train/seq.in" "$data/stackfaq/stackExchange-FAQ.xml" "$data/atis/test.csv"

# Knowledge files out of the sets. A question that is there twice stays once, with its first intent.
"${PYTHON:-python3}" -B - "$data" "$runs" $seeds <<'END'
import csv, html, json, random, re, sys
from tools.labelled_sets import snips

data, runs, *seeds = sys.argv[1:]
banking = f"{data}/banking77_oos"


def key(text):
    return re.sub(r"[\W_]+$", "", " ".join(text.split()).lower())


def write(name, rows):
    seen = set()
    with open(f"{runs}/{name}.csv", "w", newline="", encoding="utf-8") as file:
        out = csv.writer(file)
        out.writerow(["intent", "question"])
        for text, intent in rows:
            text = text.replace("[", "(").replace("]", ")")
            if key(text) not in seen:
                out.writerow([intent, text])
            seen.add(key(text))


def lines(path):
    return open(path, encoding="utf-8").read().split("\n")


def pairs(folder):
    both = zip(lines(f"{banking}/{folder}/seq.in"), lines(f"{banking}/{folder}/label"))
    return [(text, label) for text, label in both if text]


for part in "train", "train_5", "train_10", "test":
    write(part, pairs(f"BANKING77/{part}") + (pairs("BANKING77/valid") if part == "train" else []))
write("scope", pairs("BANKING77-OOS/train") + pairs("BANKING77-OOS/valid"))
write("scope-test", pairs("BANKING77-OOS/test"))
open(f"{runs}/near.txt", "w", encoding="utf-8").write("\n".join(lines(f"{banking}/BANKING77-OOS/id-oos/test/seq.in")))
far = [row["text"] for row in csv.DictReader(open(f"{data}/atis/test.csv", encoding="utf-8"))]
far += [text for _, text in snips(f"{data}/snips/*/validate_*.json")]
open(f"{runs}/far.txt", "w", encoding="utf-8").write("\n".join(" ".join(text.split()) for text in far) + "\n")

split = {}
for part in "train", "dev", "test":
    table = csv.DictReader(open(f"{banking}/textoir_banking/{part}.tsv", encoding="utf-8", newline=""), delimiter="\t")
    split[part] = [(row["text"], row["label"]) for row in table]
labels = sorted({label for _, label in split["train"]})
write("known-test", split["test"])
for seed in seeds:
    for share in 25, 50, 75:
        known = set(random.Random(int(seed)).sample(labels, round(len(labels) * share / 100)))
        write(f"known{share}-{seed}", [row for row in split["train"] + split["dev"] if row[1] in known])

faq = open(f"{data}/stackfaq/stackExchange-FAQ.xml", encoding="utf-8").read()
# two intents, since an assistant has some
articles = ['{"intent": "a", "questions": ["one two", "three four"]}', '{"intent": "b", "questions": ["five", "six"]}']
searches = []
for t, thread in enumerate(re.findall(r"<qapair>(.*?)</qapair>", faq, re.S)):
    part = lambda tag: [html.unescape(p.strip()) for p in re.findall(f"<{tag}>(.*?)</{tag}>", thread, re.S)]
    answers, title = part("answer"), part("question")[0]
    articles += [json.dumps({"article": f"{t}-{i}", "title": title, "text": a}) for i, a in enumerate(answers)]
    searches += [json.dumps({"question": q, "articles": [f"{t}-{i}" for i in range(len(answers))]})
                 for q in part("rephr") if q not in ("", "*")]
open(f"{runs}/faq.jsonl", "w").write("\n".join(articles) + "\n")
open(f"{runs}/faq-searches.jsonl", "w").write("\n".join(searches) + "\n")
inner = [s for s in searches if int(json.loads(s)["articles"][0].split("-")[0]) % 2]  # every second thread
open(f"{runs}/faq-inner.jsonl", "w").write("\n".join(inner) + "\n")
rng = random.Random(1)
words = re.findall(r"[a-z]{3,}", faq.lower())
open(f"{runs}/many.jsonl", "w").writelines(
    json.dumps({"article": str(i), "title": " ".join(rng.choices(words, k=6)), "text": ""}) + "\n" for i in range(100000))
END

pool="--model pool --log-odds 0.3 --subwords 30000 --length-exponent 0.5"
wanted() { case " $rows " in *" $1 "*) ;; *) return 1 ;; esac; }
learn() { # NAME OPTION...
  name=$1
  shift
  train "$name" answer --seed "$seed" "$@"
}
judge() { # NAME RUN OPTION...
  name=$1 run=$2
  shift 2
  call "$name" answer evaluate --model "$runs/$run" --out "$runs/$name.json" "$@"
}
# figure NAME DETECTOR KEY...
figure() {
  "${PYTHON:-python3}" - "$runs/$1.json" "$@" <<'END'
import json, sys
figures = json.load(open(sys.argv[1]))
print(*[figures["detectors"][sys.argv[3]].get(key, "-") for key in sys.argv[4:]])
END
}

detectors="probability margin entropy logit energy mahalanobis neighbour sphere product both"
for seed in $seeds; do
  if wanted few; then
    case $few in pool) model=$pool ;; *) model="--model $few" ;; esac
    for k in 5 10; do
      # shellcheck disable=SC2086
      learn "few$k-$few-$seed" $model --data "$runs/train_$k.csv" --split 1/0/0
      judge "few$k-$few-$seed-test" "few$k-$few-$seed" --data "$runs/test.csv"
      line "Banking77, $k a class" "$few" "$seed" "$(told "few$k-$few-$seed-test" accuracy)" - - -
    done
  fi
  if wanted whole; then
    # shellcheck disable=SC2086
    learn "whole-$seed" $pool --epochs 8 --data "$runs/train.csv" --split 1/0/0
    judge "whole-$seed-test" "whole-$seed" --data "$runs/test.csv"
    line "Banking77, whole" pool "$seed" "$(told "whole-$seed-test" accuracy)" - - -
  fi
  if wanted known; then
    for share in 25 50 75; do
      refuse=0.2
      [ $share = 75 ] && refuse=0.1
      # shellcheck disable=SC2086
      learn "known$share-$seed" $pool --epochs 8 --data "$runs/known$share-$seed.csv" --split 80/20/0 --refuse $refuse
      judge "known$share-$seed-test" "known$share-$seed" --data "$runs/known-test.csv" --splits 20
      for detector in $detectors; do
        # shellcheck disable=SC2046
        line "known $share % (accuracy, macro F1, open F1, AUROC)" "$detector" "$seed" \
          $(figure "known$share-$seed-test" "$detector" accuracy macro_f1 open_f1 auroc)
      done
    done
  fi
  if wanted scope; then
    # shellcheck disable=SC2086
    learn "scope-$seed" $pool --epochs 8 --data "$runs/scope.csv" --split 80/20/0
    for side in near far; do
      judge "$side-$seed" "scope-$seed" --data "$runs/scope-test.csv" --out-of-scope "$runs/$side.txt" --splits 20
      for detector in $detectors; do
        # shellcheck disable=SC2046
        line "$side (AUROC, FPR95, AUPR, found)" "$detector" "$seed" \
          $(figure "$side-$seed" "$detector" auroc fpr95 aupr found)
      done
    done
    line "promise of 5 % (mean, least, most of 20 splits; deviation by counting alone)" product "$seed" \
      "$(told "near-$seed" refused_mean)" "$(told "near-$seed" refused_least)" "$(told "near-$seed" refused_most)" \
      "$(told "near-$seed" refused_counting)"
  fi
  if wanted faq; then
    learn "faq-$seed" --data "$runs/faq.jsonl" --split 1/0/0 --max-steps 1 --articles-weight 0
    for weight in 0 0.02 0.1; do
      judge "faq-$weight-$seed" "faq-$seed" --search "$runs/faq-searches.jsonl" --by-vector $weight
      line "StackFAQ (NDCG@10, MAP, Hit@1)" "vectors weigh $weight" "$seed" "$(told "faq-$weight-$seed" ndcg@10)" \
        "$(told "faq-$weight-$seed" map)" "$(told "faq-$weight-$seed" hit@1)" -
    done
  fi
  if wanted vectors; then  # trained on titles and texts; on the threads that settings are chosen on
    for how in "16 0" "16 4" "64 0"; do
      batch=${how% *} hard=${how#* }
      learn "vectors$batch-$hard-$seed" --model pool --data "$runs/faq.jsonl" --split 1/0/0 --max-steps 400 \
        --articles-weight 1 --articles-batch "$batch" --hard-negatives "$hard"
      for weight in 0.02 0.1 0.3 1; do
        judge "vectors$batch-$hard-$weight-$seed" "vectors$batch-$hard-$seed" --search "$runs/faq-inner.jsonl" \
          --by-vector $weight
        line "StackFAQ, every second thread (NDCG@10, MAP, Hit@1)" "$batch articles, $hard hard, vectors weigh $weight" \
          "$seed" "$(told "vectors$batch-$hard-$weight-$seed" ndcg@10)" \
          "$(told "vectors$batch-$hard-$weight-$seed" map)" "$(told "vectors$batch-$hard-$weight-$seed" hit@1)" -
      done
    done
  fi
  if wanted time; then
    # four heads of 64 make vectors of 256
    learn "many-$seed" --model pool --hidden 64 --data "$runs/train_10.csv" --split 1/0/0 --epochs 2
    call "many-index-$seed" answer index --model "$runs/many-$seed" --data "$runs/many.jsonl"
    # of other articles: they are timed only
    head -n 200 "$runs/faq-searches.jsonl" | sed 's/"articles": .*/"articles": []}/' >"$runs/few-searches.jsonl"
    judge "many-$seed-time" "many-$seed" --search "$runs/few-searches.jsonl"
    line "100,000 articles (ms: median and 95th percentile of the vectors, of all)" "vectors of 256" "$seed" \
      "$(told "many-$seed-time" vectors_median_ms)" "$(told "many-$seed-time" vectors_p95_ms)" \
      "$(told "many-$seed-time" median_ms)" "$(told "many-$seed-time" p95_ms)"
  fi
done
table "" first second third fourth
