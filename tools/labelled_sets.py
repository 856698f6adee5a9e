#!/usr/bin/env python3
"""Lays out the labelled sets that an encoder is measured on: OUT/NAME/train.tsv and test.tsv, columns label and text.

usage: tools/labelled_sets.py DATA OUT [NAME...] [--seed S] [--share P] [--inner [N]]
DATA holds the sets as their publishers lay them out. --share 0.01 keeps one label in a hundred of every class, two at
least, drawn by the seed; a set without a split of its own is shared out 80 to 20 by the seed. --inner measures on one
training text in N (10 if not said) instead of the test part: for choosing settings. NAME: sst2, phrasebank, semeval,
ag_news, banking77, snips, twitter_sentiment, twitter_topic; all if none is given. Other scripts import SETS, too.
"""
import argparse
import csv
import glob
import json
import os
import random
import re


def table(path, label, text, **form):
    encoding = form.pop("encoding", "utf-8")
    with open(path, encoding=encoding, newline="") as file:
        rows = list(csv.reader(file, **form))
    return [(row[label], " ".join(row[t] for t in (text if isinstance(text, tuple) else (text,))))
            for row in rows if len(row) > label]


def tabbed(path, label, text):
    rows = [line.rstrip("\n").split("\t") for line in open(path, encoding="utf-8")]
    return [(row[label], row[text]) for row in rows if len(row) > text]


def semeval(pattern):
    return [row for path in sorted(glob.glob(pattern)) for row in tabbed(path, 1, 2)]


def snips(pattern):
    """A sentence is the concatenation of its pieces; one file is Latin-1."""
    rows = []
    for path in sorted(glob.glob(pattern)):
        text = open(path, "rb").read()
        try:
            text = text.decode("utf-8")
        except UnicodeDecodeError:
            text = text.decode("latin-1")
        for intent, sentences in json.loads(text).items():
            rows += [(intent, "".join(piece["text"] for piece in s["data"])) for s in sentences]
    return rows


# name: training rows, test rows or None
SETS = {
    "sst2": lambda d: (tabbed(f"{d}/sst2/train.tsv", 1, 0), tabbed(f"{d}/sst2/dev.tsv", 1, 0)),
    "phrasebank": lambda d: (table(f"{d}/financial_phrasebank/all-data.csv", 0, 1, encoding="latin-1"), None),
    "semeval": lambda d: (semeval(f"{d}/semeval2017_task4a/train/*.txt"), semeval(f"{d}/semeval2017_task4a/test/*.txt")),
    "ag_news": lambda d: (table(f"{d}/ag_news/jointmatch_dev.csv", 0, 1)[1:],
                          table(f"{d}/ag_news/test.csv", 0, (1, 2))[1:]),
    "banking77": lambda d: (table(f"{d}/banking77/train.csv", 1, 0)[1:], table(f"{d}/banking77/test.csv", 1, 0)[1:]),
    "twitter_sentiment": lambda d: (table(f"{d}/twitter_financial_news_sentiment/sent_train.csv", 1, 0)[1:],
                                    table(f"{d}/twitter_financial_news_sentiment/sent_valid.csv", 1, 0)[1:]),
    "twitter_topic": lambda d: (table(f"{d}/twitter_financial_news_topic/train_data.csv", 1, 0)[1:],
                                table(f"{d}/twitter_financial_news_topic/valid_data.csv", 1, 0)[1:]),
    "snips": lambda d: (snips(f"{d}/snips/*/train_*_full.json"), snips(f"{d}/snips/*/validate_*.json")),
}


def by_class(rows):
    classes = {}
    for row in rows:
        classes.setdefault(row[0], []).append(row)
    return classes


def share_of(rows, share, draw):
    kept = []
    for _, members in sorted(by_class(rows).items()):
        draw.shuffle(members)
        kept += members[:max(2, round(share * len(members)))]
    draw.shuffle(kept)
    return kept


def write(path, rows):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write("label\ttext\n")
        file.writelines(f"{label}\t{text}\n" for label, text in rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("data")
    parser.add_argument("out")
    parser.add_argument("names", nargs="*", default=[], metavar="NAME")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--share", type=float, default=1)
    parser.add_argument("--inner", type=int, nargs="?", const=10)
    given = parser.parse_args()
    for name in given.names or SETS:
        train, test = SETS[name](given.data)
        draw = random.Random(f"{name} {given.seed}")
        tidy = lambda rows: [(l.strip(), re.sub(r"\s+", " ", t).strip()) for l, t in rows if t.strip()]
        train, test = tidy(train), test and tidy(test)
        if test is None:
            draw.shuffle(train)
            cut = len(train) * 4 // 5
            train, test = train[:cut], train[cut:]
        if given.inner:
            draw.shuffle(train)
            cut = len(train) * (given.inner - 1) // given.inner
            train, test = train[:cut], train[cut:]
        if given.share < 1:
            train = share_of(train, given.share, draw)
        write(f"{given.out}/{name}/train.tsv", train)
        write(f"{given.out}/{name}/test.tsv", test)
        print(f"{name}: {len(train)} to train, {len(test)} to test, {len(by_class(train))} classes")


if __name__ == "__main__":
    main()
