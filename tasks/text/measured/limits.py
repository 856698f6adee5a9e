#!/usr/bin/env python3
"""limits.py [LINES]: what long texts, long lines, long files, many labels and many pieces cost: seconds of the processor
and the most memory, one thread, a small pool. LINES: of the longest file, default 10,000,000 (0.5 GB in $TMPDIR)."""
import os, pathlib, random, resource, subprocess, sys, tempfile

root = pathlib.Path(__file__).resolve().parents[3]
program = root / 'build/release/sentiment'
small = root / 'tests/golden/directories/pool'
words = 'good bad the food was service slow quick room clean noisy staff kind rude cheap dear view'.split()
draw = random.Random(1)


def text(length):
    block = ' '.join(draw.choices(words, k=20000)) + ' '
    return (block * (length // len(block) + 1))[:length]


def row(what, *command):
    """In a process of its own, whose children's peak is that of this command."""
    pid = os.fork()
    if pid == 0:
        environment = dict(os.environ, OMP_NUM_THREADS='1')
        done = subprocess.run([program, *command], capture_output=True, text=True, env=environment)
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        said = 'refused: ' + done.stderr.strip().split(':', 3)[-1].strip() if done.returncode else ''
        print(f'| {what} | {used.ru_utime + used.ru_stime:.1f} | {used.ru_maxrss / 1024:.0f} | {said} |', flush=True)
        os._exit(0)
    os.waitpid(pid, 0)


def main():
    lines = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000_000
    folder = pathlib.Path(tempfile.mkdtemp(prefix='limits-'))
    file, out = folder / 'texts.jsonl', folder / 'out.jsonl'
    print('| what | seconds | MB | |\n| --- | --- | --- | --- |')

    def predicted(what):
        row(what, 'predict', '--model', small, '--file', file, '--out', out)
        file.unlink(), out.unlink(missing_ok=True)

    for marks in (10_000, 40_000, 160_000):
        file.write_text('{"text": "a%s good"}\n' % ('\u0301\u0316' * (marks // 2)))
        predicted(f'a word with {marks:,} combining marks')
    for megabytes in (1, 5, 15, 100):
        file.write_text('{"text": "%s"}\n' % text(megabytes * 1_000_000))
        predicted(f'a text of {megabytes} MB in one line')
    block = ''.join('{"text": "%s"}\n' % ' '.join(draw.choices(words, k=6)) for _ in range(100_000))
    for count in (lines // 100, lines // 10, lines):
        with open(file, 'w') as to:
            for _ in range(max(1, count // 100_000)):
                to.write(block)
        predicted(f'{max(1, count // 100_000) * 100_000:,} lines predicted')
    labelled, dev = folder / 'labelled.tsv', folder / 'dev.tsv'
    names = [f'l{i}' for i in range(10_000)]
    for table, texts in ((labelled, 30_000), (dev, 100)):
        table.write_text('text\tlabel\n' + ''.join(f'{" ".join(draw.choices(words, k=4))}\t{names[i % 10_000]}\n'
                                                   for i in range(texts)))
    train = 'train', '--model', 'pool', '--train', labelled, '--dev', dev, '--max-steps', '200'
    row('10,000 labels, not told', *train, '--out', folder / 'guessed')
    row('10,000 labels, told by --labels: 30,000 texts, 200 steps', *train, '--labels', ','.join(names),
        '--out', folder / 'labels')
    row('... a text predicted', 'predict', '--model', folder / 'labels', 'good food')
    vocabulary = folder / 'vocab.txt'
    letters = 'abcdefghijklmnopqrstuvwxyz'
    pieces = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]', *letters, *('##' + a for a in letters), *words]
    vocabulary.write_text('\n'.join(pieces + [f'w{i}' for i in range(250_000 - len(pieces))]) + '\n')
    row('a vocabulary of 250,000: 1,080 texts, 200 steps', 'train', '--model', 'pool', '--vocab', vocabulary,
        '--max-steps', '200', '--out', folder / 'pieces')
    row('... a text predicted', 'predict', '--model', folder / 'pieces', 'good food')
    subprocess.run(['rm', '-rf', folder])


main()
