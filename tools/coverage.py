#!/usr/bin/env python3
"""coverage.py: lines and branches that the tests reached, by folder, from what a build with --coverage left.

  tools/coverage.py [--lines]    --lines: also every line that was not reached, file by file
"""
import collections, gzip, json, pathlib, subprocess, sys, tempfile

BUILD = pathlib.Path('build/coverage')


def reached():
    """{file: {line: count}}, {file: [branches, taken]}: a header's lines are in many objects."""
    lines, branches = collections.defaultdict(lambda: collections.defaultdict(int)), collections.defaultdict(lambda: [0, 0])
    data = sorted(path.resolve() for top in ('engine', 'nn', 'optim', 'tasks') for path in (BUILD / top).rglob('*.gcda'))
    with tempfile.TemporaryDirectory() as place:
        for begin in range(0, len(data), 40):
            subprocess.run(['gcov', '-j', '-b', *map(str, data[begin:begin + 40])], cwd=place, check=True,
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            for path in pathlib.Path(place).glob('*.gcov.json.gz'):
                for file in json.loads(gzip.open(path).read())['files']:
                    if file['file'].startswith('/'):
                        continue
                    for line in file['lines']:
                        lines[file['file']][line['line_number']] += line['count']
                        if file['file'].endswith('.cpp'):
                            branches[file['file']][0] += sum(not b['throw'] for b in line['branches'])
                            branches[file['file']][1] += sum(not b['throw'] and b['count'] > 0 for b in line['branches'])
                path.unlink()
    return lines, branches


def main():
    lines, branches = reached()
    if not lines:
        sys.exit('error: coverage: nothing in build/coverage; make coverage builds it')
    folders = collections.defaultdict(lambda: [0, 0, 0, 0])
    for name, counts in lines.items():
        parts = name.split('/')
        for folder in {parts[0], '/'.join(parts[:2]) if parts[0] == 'tasks' and len(parts) > 2 else parts[0]}:
            f = folders[folder]
            f[0] += len(counts)
            f[1] += sum(c > 0 for c in counts.values())
            f[2] += branches[name][0]
            f[3] += branches[name][1]
    print(f'{"folder":20} {"lines":>7} {"reached":>8} {"branches":>9} {"taken":>7}')
    for folder, (all_lines, hit, all_branches, taken) in sorted(folders.items()):
        if folder.split('/')[0] in ('engine', 'nn', 'optim', 'tasks'):
            print(f'{folder:20} {all_lines:7} {100 * hit / all_lines:7.1f}% {all_branches:9} {100 * taken / max(1, all_branches):6.1f}%')
    if '--lines' in sys.argv:
        for name, counts in sorted(lines.items()):
            missed = sorted(number for number, count in counts.items() if count == 0)
            if missed:
                print(f'{name}: {" ".join(map(str, missed))}')


main()
