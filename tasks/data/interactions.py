#!/usr/bin/env python3
"""interactions.py: draws interactions.tsv, 400 readers of catalogue.tsv.  tasks/data/interactions.py > tasks/data/interactions.tsv

A reader likes two genres (an item's first tag) and three themes (the others). What comes next is drawn with the weight
  popularity_i * exp(1.6 [genre liked] + 0.9 themes liked + 1.1 tags shared with the last + 0.5 with the one before
                     + 1.5 [i follows the last])
where every item has two followers, drawn once among those that share a tag with it: what only the order of the readings
tells. Popularities fall by a power law over a drawn order."""
import datetime
import math
import random

random.seed(20251127)
items = [line.rstrip("\n").split("\t") for line in open("tasks/data/catalogue.tsv")][1:]
tags = [set(item[3].split("|")) for item in items]
genre = [item[3].split("|")[0] for item in items]
genres = sorted(set(genre))
themes = sorted(set().union(*tags) - set(genres))
n = len(items)
order = random.sample(range(n), n)
popularity = [0.0] * n
for place, i in enumerate(order):
    popularity[i] = 1 / (place + 12) ** 0.7
followers = [random.sample([j for j in range(n) if j != i and tags[i] & tags[j]], 2) for i in range(n)]

print("user\titem\ttime")
for u in range(400):
    liked_genres, liked_themes = set(random.sample(genres, 2)), set(random.sample(themes, 3))
    length = min(60, 5 + int(random.expovariate(1 / 9)))
    when = datetime.datetime(2024, 1, 1) + datetime.timedelta(days=random.random() * 500)
    read = []
    for _ in range(length):
        weights = []
        for i in range(n):
            if i in read:
                weights.append(0.0)
                continue
            s = 1.6 * (genre[i] in liked_genres) + 0.9 * len(tags[i] & liked_themes)
            if read:
                s += 1.1 * len(tags[i] & tags[read[-1]]) + 1.5 * (i in followers[read[-1]])
            if len(read) > 1:
                s += 0.5 * len(tags[i] & tags[read[-2]])
            weights.append(popularity[i] * math.exp(s))
        read.append(random.choices(range(n), weights)[0])
        when += datetime.timedelta(minutes=random.expovariate(1 / 12000) + 90)
        print(f"u{u + 1:03d}\t{items[read[-1]][0]}\t{when:%Y-%m-%d %H:%M}:00")
