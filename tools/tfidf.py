#!/usr/bin/env python3
"""The baseline: TF-IDF of words and pairs of words, logistic regression (scikit-learn).

usage: tools/tfidf.py TRAIN.tsv TEST.tsv      columns label and text; prints accuracy, macro F1, macro recall
"""
import csv
import sys

from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, f1_score, recall_score


def read(path):
    with open(path, encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE))[1:]
    return [row[0] for row in rows], [row[1] for row in rows]


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    labels, texts = read(sys.argv[1])
    test_labels, test_texts = read(sys.argv[2])
    vectors = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)
    model = LogisticRegression(C=10, max_iter=2000).fit(vectors.fit_transform(texts), labels)
    told = model.predict(vectors.transform(test_texts))
    print(accuracy_score(test_labels, told), f1_score(test_labels, told, average="macro"),
          recall_score(test_labels, told, average="macro", zero_division=0))


if __name__ == "__main__":
    main()
