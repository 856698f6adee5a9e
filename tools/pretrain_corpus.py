#!/usr/bin/env python3
"""Lays out the texts that tasks/models/mini was pre-trained on: one text a line, a file for each source.

usage: tools/pretrain_corpus.py DATA OUT
DATA holds the data sets as their publishers lay them out (folders imdb, sst2, semeval2017_task4a ..., and pretraining
with further corpora as .txt). OUT/train/*.txt becomes the corpus, without labels; OUT/evaluation/*.txt what `pretrain
--without` keeps out of it: texts that models are measured on.
"""
import csv
import glob
import html
import os
import re
import sys


def clean(text):
    text = html.unescape(text.replace("<br />", " "))
    return re.sub(r"\s+", " ", text).strip()


def column(path, number, **form):
    with open(path, encoding="utf-8", errors="replace", newline="") as file:
        rows = list(csv.reader(file, **form))
    return [row[number] for row in rows[1 if form.get("delimiter") is None else 0:] if len(row) > number]


def tabbed(path, number):
    with open(path, encoding="utf-8", errors="replace") as file:
        rows = [line.rstrip("\n").split("\t") for line in file]
    return [row[number] for row in rows if len(row) > number]


def wikitext(path):
    lines = [re.sub(r" ?@([-.,])@ ?", r"\1", line) for line in open(path, encoding="utf-8")]
    return [line.replace("<unk>", "") for line in lines if len(line) > 40]


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    data, out = sys.argv[1], sys.argv[2]

    def write(part, name, texts):
        os.makedirs(f"{out}/{part}", exist_ok=True)
        texts = [text for text in map(clean, texts) if text]
        with open(f"{out}/{part}/{name}.txt", "w", encoding="utf-8") as file:
            file.writelines(text + "\n" for text in texts)
        print(f"{part}/{name}: {len(texts)} texts")

    for folder in sorted(glob.glob(f"{data}/pretraining/*/")):
        lines = [line for path in sorted(glob.glob(folder + "*.txt")) for line in open(path, encoding="utf-8")]
        write("train", os.path.basename(folder.rstrip("/")), lines)
    for name in ("train_pos", "train_neg", "unsup_part0", "unsup_part1"):
        write("train", f"imdb_{name}", tabbed(f"{data}/imdb/{name}.tsv", 1))
    for name in ("emoji_train_text", "emoji_test_text"):
        write("train", f"tweets_{name}", open(f"{data}/tweets_unlabelled/{name}.txt", encoding="utf-8"))
    write("train", "wikitext2", wikitext(f"{data}/wikitext2/valid.txt") + wikitext(f"{data}/wikitext2/test.txt"))
    write("train", "sst2_train", tabbed(f"{data}/sst2/train.tsv", 0))
    semeval = [tabbed(path, 2) for path in sorted(glob.glob(f"{data}/semeval2017_task4a/train/*.txt"))]
    write("train", "semeval_train", sum(semeval, []))
    write("train", "twitter_financial_sentiment_train",
          column(f"{data}/twitter_financial_news_sentiment/sent_train.csv", 0))
    write("train", "twitter_financial_topic_train",
          column(f"{data}/twitter_financial_news_topic/train_data.csv", 0))
    write("train", "banking77_train", column(f"{data}/banking77/train.csv", 0))
    write("train", "ag_news_train_part", column(f"{data}/ag_news/jointmatch_dev.csv", 1))

    write("evaluation", "sst2_dev", tabbed(f"{data}/sst2/dev.tsv", 0))
    write("evaluation", "financial_phrasebank",
          [row[1] for row in csv.reader(open(f"{data}/financial_phrasebank/all-data.csv", encoding="latin-1"))])
    write("evaluation", "semeval_test",
          tabbed(glob.glob(f"{data}/semeval2017_task4a/test/*.txt")[0], 2))
    write("evaluation", "tweeteval_test", open(f"{data}/tweeteval_sentiment/test_text.txt", encoding="utf-8"))
    write("evaluation", "twitter_financial_sentiment_valid",
          column(f"{data}/twitter_financial_news_sentiment/sent_valid.csv", 0))
    write("evaluation", "twitter_financial_topic_valid",
          column(f"{data}/twitter_financial_news_topic/valid_data.csv", 0))
    write("evaluation", "banking77_test", column(f"{data}/banking77/test.csv", 0))
    test = f"{data}/ag_news/test.csv"
    write("evaluation", "ag_news_test", column(test, 1) + column(test, 2))


main()
