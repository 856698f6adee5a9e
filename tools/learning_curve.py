#!/usr/bin/env python3
"""Draws the losses of runs over the tokens they have learned from, as SVG: the mean over steps, and dev as dots.

usage: tools/learning_curve.py OUT.svg NAME=RUN/log.jsonl ...
"""
import json
import sys

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 720, 400, 56, 16, 16, 44
COLOURS = ["#1b6ca8", "#c0392b", "#2d8a4e", "#8e44ad", "#b9770e"]


def read(path):
    steps, dev, tokens = [], [], 0
    for line in open(path, encoding="utf-8"):
        entry = json.loads(line)
        tokens = entry.get("tokens", tokens)
        if "dev" in entry:
            dev.append((tokens, entry["dev"]["loss"]))
        elif "loss" in entry:
            steps.append((tokens, entry["loss"]))
    window = max(1, len(steps) // 150)
    means = [steps[i:i + window] for i in range(0, len(steps), window)]
    return [(part[-1][0], sum(loss for _, loss in part) / len(part)) for part in means], dev


def ticks(low, high, about):
    step = 10.0 ** len(str(int((high - low) / about))) if high - low >= about else 1.0
    step = next(s for s in (step / 10 * f for f in (0.1, 0.2, 0.5, 1, 2, 5, 10)) if (high - low) / s <= about)
    first = int(low / step)
    return [t * step for t in range(first, int(high / step) + 1) if low <= t * step <= high]


def main():
    if len(sys.argv) < 3 or not all("=" in name for name in sys.argv[2:]):
        sys.exit(__doc__)
    runs = [(spec.split("=", 1)[0], *read(spec.split("=", 1)[1])) for spec in sys.argv[2:]]
    points = [p for _, steps, dev in runs for p in steps + dev]
    most = max(tokens for tokens, _ in points)
    low, high = min(loss for _, loss in points), max(loss for _, loss in points)
    x = lambda tokens: LEFT + (WIDTH - LEFT - RIGHT) * tokens / most
    y = lambda loss: TOP + (HEIGHT - TOP - BOTTOM) * (high - loss) / (high - low)

    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" '
           f'font-size="12" role="img"><title>loss over tokens learned from</title>',
           f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>']
    for loss in ticks(low, high, 8):
        out.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(loss):.1f}" y2="{y(loss):.1f}" stroke="#ddd"/>'
                   f'<text x="{LEFT - 6}" y="{y(loss) + 4:.1f}" text-anchor="end">{loss:g}</text>')
    for millions in ticks(0, most / 1e6, 8):
        out.append(f'<text x="{x(millions * 1e6):.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{millions:g}</text>')
    out.append(f'<text x="{(LEFT + WIDTH) / 2}" y="{HEIGHT - 8}" text-anchor="middle">million tokens</text>'
               f'<text x="14" y="{HEIGHT / 2}" text-anchor="middle" transform="rotate(-90 14 {HEIGHT / 2})">'
               f'nats a hidden piece</text>')
    for number, (name, steps, dev) in enumerate(runs):
        colour = COLOURS[number % len(COLOURS)]
        line = " ".join(f"{x(t):.1f},{y(v):.1f}" for t, v in steps)
        out.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="1.5"/>')
        out += [f'<circle cx="{x(t):.1f}" cy="{y(v):.1f}" r="3.5" fill="{colour}"/>' for t, v in dev]
        out.append(f'<text x="{WIDTH - RIGHT - 8}" y="{TOP + 16 * (number + 1)}" text-anchor="end" fill="{colour}">'
                   f'{name}: steps (line), held out (dots)</text>')
    with open(sys.argv[1], "w", encoding="utf-8") as file:
        file.write("\n".join(out) + "\n</svg>\n")


main()
