#!/usr/bin/env python3
"""mutate.py: breaks the arithmetic of engine, nn and optim, one place at a time, and says which breaks the tests let live.

  tools/mutate.py [--sample N] [--seed S] [--files PATTERN]    N places of all that there are, default 40

Works in a copy, build/mutate, with the tests of these floors, in double precision and, for what only float has, in
single. A mutant that does not compile is no mutant. Exit status 1: fewer than 95 % die.
"""
import argparse, fnmatch, os, pathlib, random, re, shutil, subprocess, sys

# What is broken, and by what: sign, bound, index, factor, a term that is dropped, a comparison, an accumulation.
RULES = [
    (r' \+ (?=[\w(])', ' - '), (r'(?<=[\w)\]]) - (?=[\w(])', ' + '), (r'(?<=[\w)\]]) \* (?=[\w(])', ' / '),
    (r'(?<=[\w)\]]) / (?=[\w(])', ' * '), (r' \+= ', ' -= '), (r' \+= ', ' = '), (r' \*= ', ' /= '),
    (r'(?<=\w) < (?=[\w(])', ' <= '), (r' <= ', ' < '), (r' > (?=[\w(])', ' >= '), (r' >= ', ' > '),
    (r' == ', ' != '), (r' && ', ' || '), (r'std::max\(', 'std::min('), (r'std::min\(', 'std::max('),
    (r'\b0\.5\b', '0.25'), (r'(?<=\w)\[i\]', '[0]'), (r' \+ 1\b', ''), (r' - 1\b', ''),
    (r'(?<=return )(?=[\w(][^;"]*;)', '-'), (r'std::sqrt\(', '('), (r'std::exp\(', '('),
]
SKIPPED = re.compile(r'^\s*(//|#|\*)|check\(|fail\(|static_assert|template|operator|"|pragma')
# How work is shared out and what is printed are not arithmetic: a break there changes speed or words.
FILES_SKIPPED = {'engine/profile.cpp', 'engine/debug.cpp', 'engine/startup.cpp', 'engine/blas.cpp', 'engine/strings.cpp'}


def places(files):
    found = []
    for path in files:
        for number, line in enumerate(pathlib.Path(path).read_text().split('\n')):
            if SKIPPED.search(line):
                continue
            code = line.split('//')[0]
            for pattern, to in RULES:
                for match in re.finditer(pattern, code):
                    found.append((path, number, match.start(), match.end(), to))
    return found


def make(target, tree):
    return subprocess.run(['make', '-s', f'-j{os.cpu_count()}', 'OPT=-O1', f'CXX={os.environ.get("CXX", "g++")}', target],
                          cwd=tree, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0


def dies(tree, limit):
    for binary in ('build/double/run-tests', 'build/single/run-tests'):
        if not make(binary, tree):
            return 'does not compile'
        try:
            done = subprocess.run([binary, '--abort-after=1', '--no-path-filenames'], cwd=tree, stdout=subprocess.DEVNULL,
                                  stderr=subprocess.DEVNULL, timeout=limit)
        except subprocess.TimeoutExpired:
            return 'dies (hangs)'
        if done.returncode != 0:
            return 'dies'
    return 'LIVES'


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument('--sample', type=int, default=40)
    options.add_argument('--seed', type=int, default=1)
    options.add_argument('--files', default='*')
    o = options.parse_args()
    os.chdir(pathlib.Path(__file__).resolve().parent.parent)
    tree = pathlib.Path('build/mutate')
    tree.mkdir(parents=True, exist_ok=True)
    tracked = subprocess.run(['git', 'ls-files'], capture_output=True, text=True, check=True).stdout.split('\n')
    for path in filter(None, tracked):
        to = tree / path
        if not to.exists() or to.read_bytes() != pathlib.Path(path).read_bytes():
            to.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, to)
    files = [f for f in tracked if re.match(r'(engine|nn|optim)/.*\.cpp$', f) and f not in FILES_SKIPPED and fnmatch.fnmatch(f, o.files)]
    every = places(files)
    chosen = random.Random(o.seed).sample(every, min(o.sample, len(every)))
    first = dies(tree, 3600)
    if first != 'LIVES':
        sys.exit(f'error: mutate: without a break the tests say: {first}')
    count = {'dies': 0, 'LIVES': 0}
    for path, number, begin, end, to in sorted(chosen):
        whole = pathlib.Path(path).read_text()
        lines = whole.split('\n')
        before = lines[number]
        lines[number] = before[:begin] + to + before[end:]
        (tree / path).write_text('\n'.join(lines))
        result = dies(tree, 600)
        (tree / path).write_text(whole)
        kind = result.split(' (')[0]
        if kind in count:
            count[kind] += 1
        print(f'{result:17} {path}:{number + 1}: {lines[number].strip()}', flush=True)
    whole = count['dies'] + count['LIVES']
    share = count['dies'] / whole if whole else 0
    print(f'result task=mutate places={len(every)} mutants={whole} died={count["dies"]} share={share:.3f}')
    sys.exit(share < 0.95)


main()
