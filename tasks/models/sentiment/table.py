#!/usr/bin/env python3
"""table.py DATA OUT.tsv: what the classifier that ships has learned from, columns label and text, shuffled.

DATA holds the sets as their publishers lay them out: SemEval-2017 4A's training tweets (equal texts once), SST-2's
training sentences, which are negative or positive; and, three times, the training part of tasks/data/sentiment.tsv.
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
    own = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../data/sentiment.tsv")
    with open(own, encoding="utf-8") as file:
        table = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        rows += 3 * [(row["label"], row["text"]) for row in table if row["split"] == "train"]
    random.Random(5).shuffle(rows)
    with open(out, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter="\t")
        writer.writerow(["label", "text"])
        writer.writerows(rows)


main()
