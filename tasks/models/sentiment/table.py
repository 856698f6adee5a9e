#!/usr/bin/env python3
"""table.py DATA OUT.tsv: what the classifier that ships has learned from, columns label and text, shuffled.

DATA holds the sets as their publishers lay them out: SemEval-2017 4A's training tweets (equal texts once), SST-2's
training sentences, which are negative or positive; titles and first sentences of Amazon's reviews of books and
electronics, with their review's label; 3,000 statements of the Schema-Guided Dialogues, without the words of ATTITUDE,
as neutral; and, eight times, the training part of tasks/data/sentiment.tsv.
"""
import csv
import glob
import os
import random
import re
import sys


def tabbed(path, label, text):
    with open(path, encoding="utf-8", errors="replace") as file:
        rows = [line.rstrip("\n").split("\t") for line in file]
    return [(row[label], row[text]) for row in rows if len(row) > max(label, text)]


def plain(text):  # the tweets' escapes
    text = re.sub(r"\\u([0-9a-fA-F]{4})", lambda m: chr(int(m.group(1), 16)), text)
    text = text.replace('\\""', '"').replace('\\"', '"')
    return "".join(c for c in text if not 0xD800 <= ord(c) < 0xE000)


REVIEW = re.compile(r"<title>\s*(.*?)\s*</title>.*?<review_text>\s*(.*?)\s*</review_text>", re.S)


def reviews(path, label):  # pseudo-XML: the title, and of the text the first sentence
    with open(path, encoding="utf-8", errors="replace") as file:
        for title, body in sorted(set(REVIEW.findall(file.read()))):
            for text in title, re.split(r"(?<=[.!?])\s", body)[0]:
                if 2 <= len(text.split()) <= 40:
                    yield label, " ".join(text.split())


ATTITUDE = re.compile(
    r"\b(good|great|nice|fine|perfect|best|better|love\w*|like\w*|enjoy\w*|happy|glad|thank\w*|wonderful|awesome|cool|"
    r"excellent|interesting|fun|works|sorry|not|no|don't|unfortunately|failed|bad|problem\w*|wrong|cheap\w*)\b", re.I)


def statements(path, count):
    with open(path, encoding="utf-8", errors="replace") as file:
        said = {s for line in file for s in re.split(r"(?<=[.!?])\s+", line.strip())}
    plainly = sorted(s for s in said if s.endswith(".") and 5 <= len(s.split()) <= 15 and not ATTITUDE.search(s))
    return [("neutral", s) for s in random.Random(5).sample(plainly, count)]


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    data, out = sys.argv[1:]
    tweets = {}
    for path in sorted(glob.glob(f"{data}/semeval2017_task4a/train/*.txt")):
        tweets.update({text: label for label, text in tabbed(path, 1, 2)})
    names = {"0": "negative", "1": "positive"}
    rows = [(label, plain(text)) for text, label in tweets.items() if label in ("negative", "neutral", "positive")]
    rows += [(names[label], text) for label, text in tabbed(f"{data}/sst2/train.tsv", 1, 0)]
    for kind in "books", "electronics":
        for label in "negative", "positive":
            rows += reviews(f"{data}/amazon_multidomain_sentiment/{kind}.{label}.review", label)
    rows += statements(f"{data}/pretraining/sgd_dialogues/sgd_dialogues_00.txt", 3000)
    own = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../data/sentiment.tsv")
    with open(own, encoding="utf-8") as file:
        table = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        rows += 8 * [(row["label"], row["text"]) for row in table if row["split"] == "train"]
    random.Random(5).shuffle(rows)
    with open(out, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter="\t")
        writer.writerow(["label", "text"])
        writer.writerows(rows)


main()
