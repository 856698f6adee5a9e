#!/usr/bin/env python3
"""mutate.py: breaks the arithmetic of engine, nn and optim, one place at a time, and says which breaks the tests let live.

  tools/mutate.py [--sample N] [--seed S] [--files PATTERN] [--jobs J] [--double] [--list]    N places of all, default 40

The tests of these floors see it in double precision and, if they let it live, in single: first those of the same folder,
then the rest. What a break does to the machine code comes before that: none, and it is no break. Those that no test
could see are in tools/mutate_equivalents.tsv, each with its reason. Exit status 1: fewer than 95 % of the others die.
"""
import argparse, collections, concurrent.futures, csv, fnmatch, hashlib, os, pathlib, random, re, resource, subprocess, sys

# What is broken, and by what: sign, factor, accumulation, bound, comparison, constant, index, a term or a line dropped.
RULES = [
    (r' \+ (?=[\w(])', ' - '), (r'(?<=[\w)\]]) - (?=[\w(])', ' + '), (r'(?<=[\w)\]]) \* (?=[\w(])', ' / '),
    (r'(?<=[\w)\]]) / (?=[\w(])', ' * '), (r' \+= ', ' -= '), (r' \+= ', ' = '), (r' -= ', ' += '), (r' \*= ', ' /= '),
    (r'(?<=[\w)\]]) < (?=[\w(])', ' <= '), (r' <= ', ' < '), (r' > (?=[\w(])', ' >= '), (r' >= ', ' > '),
    (r' == ', ' != '), (r' != ', ' == '), (r' && ', ' || '), (r' \|\| ', ' && '), (r'std::max\(', 'std::min('),
    (r'std::min\(', 'std::max('), (r'\b0\.5\b', '0.25'), (r'\[i\]', '[0]'), (r' \+ 1\b(?!\.)', ''), (r' - 1\b(?!\.)', ''),
    (r'(?<=return )(?=[a-z(][^;"?=<>&|]* [-+*/] [^;"?=<>&|]*;)', '-'), (r'std::sqrt\(', '('), (r'std::exp\(', '('), (r'std::log\(', '('),
    (r'(?<=[\w)\]]) [-+*] [\w.]+(\[\w+\])?(?=[];,)])', ''), (r'^ +[\w.\[\]()>*-]+ [-+*/]?= [^;{]*;$', ''),
]
SKIPPED = re.compile(r'^\s*(//|#|\*)|check\(|fail\(|static_assert|template|operator|"|pragma|[Pp]refetch|NextPanel|profile|reserve\(|kWorthIt|long work ')
# How work is shared out and what is printed are not arithmetic: a break there changes speed or words.
FILES_SKIPPED = {'engine/profile.cpp', 'engine/debug.cpp', 'engine/startup.cpp', 'engine/blas.cpp', 'engine/strings.cpp'}
WORK = pathlib.Path('build/mutate')
Place = collections.namedtuple('Place', 'path number before after')
unbroken = {}  # (variant, path): the object's bytes, of this worker


def places(files):
    found = {}
    for path in files:
        for number, line in enumerate(pathlib.Path(path).read_text().split('\n')):
            code = line.split('//')[0].rstrip()
            for pattern, to in () if SKIPPED.search(line) else RULES:
                for match in re.finditer(pattern, code):
                    found[Place(path, number, line, code[:match.start()] + to + code[match.end():])] = None
    return list(found)


def limits(seconds):
    """Of processor time, so that a busy machine kills nobody; and of memory."""
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (6 << 30, 6 << 30))


def run(command, seconds=600, **kept):
    environment = {**os.environ, 'OMP_NUM_THREADS': '1'}
    return subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment,
                          preexec_fn=lambda: limits(seconds), **kept).returncode


class Tree:
    """The tests of the unbroken sources as make builds them, to be linked with one broken object in front."""

    def __init__(self, variants):
        make = subprocess.run(['make', '-s', 'UNITS=no', *(f'build/{v}/run-tests' for v in variants)])
        if make.returncode != 0:
            sys.exit('error: mutate: the tests without a break do not build')
        words = re.findall(r'^(?:OPENBLAS_LIBS|PACKAGE_LIBS) *:*= *(.*)', pathlib.Path('build/deps.mk').read_text(), re.M)
        self.libraries = ' '.join(words).split()
        self.variants, self.seconds, self.compile, self.tests = variants, {}, {}, {}
        for variant in variants:
            self.compile[variant] = (pathlib.Path(f'build/{variant}/flags').read_text().replace('-MMD -MP', '').removeprefix('ccache ').split()
                                     + ['-O1', '-w', '-D_GLIBCXX_ASSERTIONS'])
            self.tests[variant] = WORK / variant / 'tests.o'
            self.tests[variant].parent.mkdir(parents=True, exist_ok=True)
            objects = [f'build/{variant}/{f[:-4]}.o' for f in tracked(r'tests/(\w+\.cpp|(engine|nn|optim)/.*\.cpp)$')]
            run(['ld', '-r', *objects, '-o', self.tests[variant]])
            binary = WORK / variant / 'run-tests'
            self.link(variant, [], binary)
            self.seconds[variant] = self.seconds_of(binary)

    @staticmethod
    def seconds_of(binary):
        """The processor time that the unbroken tests took when they passed, kept beside them; and the limit it makes."""
        passed, whole = binary.with_suffix('.passed'), hashlib.sha256(binary.read_bytes()).hexdigest()
        if not passed.exists() or passed.read_text().split()[0] != whole:
            before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
            if run([binary]) != 0:
                sys.exit(f'error: mutate: without a break {binary} fails')
            passed.write_text(f'{whole} {resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before}')
        return 5 * int(float(passed.read_text().split()[1])) + 20

    def link(self, variant, objects, binary):
        return run([*self.compile[variant], self.tests[variant], *objects, f'build/{variant}/libattune.a', *self.libraries,
                    '-o', binary]) == 0

    def object(self, variant, path, source):
        """The file's object if `source` were its text, in this worker's folder; None if that is no program."""
        folder = WORK / variant / str(os.getpid())
        at, to = folder / path, folder / 'broken.o'
        at.parent.mkdir(parents=True, exist_ok=True)
        at.write_text(source)
        return to if run([*self.compile[variant], '-c', str(at), '-o', str(to)]) == 0 else None

    def fate(self, place):
        whole = pathlib.Path(place.path).read_text()
        lines = whole.split('\n')
        if lines[place.number] != place.before:
            return 'no program (it was edited meanwhile)'
        lines[place.number] = place.after
        same = 0
        for variant in self.variants:
            if (variant, place.path) not in unbroken:
                unbroken[variant, place.path] = self.object(variant, place.path, whole).read_bytes()
            built = self.object(variant, place.path, '\n'.join(lines))
            if not built:
                return 'no program'
            if built.read_bytes() == unbroken[variant, place.path]:
                same += 1
                continue
            binary = built.with_name('run-tests')
            if not self.link(variant, [built], binary):
                return 'no program'
            near = '*tests/' + os.path.dirname(place.path) + '/*'
            for which in (f'-sf={near}', f'-sfe={near}'):
                status = run([binary, which, '--abort-after=1'], self.seconds[variant])
                if status != 0:
                    return 'dies' if status > 0 else 'dies (signal %d)' % -status
        return 'same code' if same == len(self.variants) else 'LIVES'


def tracked(pattern):
    files = subprocess.run(['git', 'ls-files'], capture_output=True, text=True, check=True).stdout.split('\n')
    return [f for f in files if re.match(pattern, f)]


def key_of(place):
    return place.path, place.before.strip(), place.after.strip()


def known():
    with open('tools/mutate_equivalents.tsv', newline='') as file:
        return {(r['file'], r['line'], r['broken']): r['why'] for r in csv.DictReader(file, delimiter='\t', quoting=csv.QUOTE_NONE)}


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument('--sample', type=int, default=40, help='how many places')
    options.add_argument('--seed', type=int, default=1, help='which')
    options.add_argument('--files', default='*', help='only those of files like this')
    options.add_argument('--jobs', type=int, default=os.cpu_count(), help='at a time')
    options.add_argument('--double', action='store_true', help='in double precision alone: a first look')
    options.add_argument('--list', action='store_true', help='say which, and break nothing')
    o = options.parse_args()
    os.chdir(pathlib.Path(__file__).resolve().parent.parent)
    files = [f for f in tracked(r'(engine|nn|optim)/.*\.cpp$') if f not in FILES_SKIPPED and fnmatch.fnmatch(f, o.files)]
    every = places(files)
    chosen = sorted(random.Random(o.seed).sample(every, min(o.sample, len(every))))
    equivalent, count = known(), collections.Counter()
    tree = None if o.list else Tree(['double'] if o.double else ['double', 'single'])
    with concurrent.futures.ProcessPoolExecutor(o.jobs) as workers:
        fates = [None if o.list else 'equivalent' if key_of(place) in equivalent else workers.submit(tree.fate, place)
                 for place in chosen]
        for place, fate in zip(chosen, fates):
            key = key_of(place)
            fate = fate if isinstance(fate, str) else fate.result() if fate else ' '
            count[fate.split(' (')[0]] += 1
            print(f'{fate:16} {key[0]}:{place.number + 1}\t{key[1]}\t{key[2]}', flush=True)
    if o.list:
        return
    whole = count['dies'] + count['LIVES']
    share = count['dies'] / whole if whole else 0
    print(f'result task=mutate places={len(every)} broken={sum(count.values())} no_program={count["no program"]} '
          f'same_code={count["same code"]} equivalent={count["equivalent"]} died={count["dies"]} lived={count["LIVES"]} '
          f'share={share:.3f}')
    sys.exit(share < 0.95)


main()
