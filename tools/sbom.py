#!/usr/bin/env python3
"""sbom.py: what attune consists of and stands on, as CycloneDX 1.6 JSON: packages with versions and licences, from the
system's package manager, and the models that ship with their hashes.

  tools/sbom.py [PROGRAM...]    default: every program of build/release, and libattune.so
"""
import glob, hashlib, json, os, pathlib, re, subprocess, sys, urllib.parse

# Headers alone: no library of theirs is loaded.
HEADERS = ['nlohmann-json3-dev']


def run(*words):
    return subprocess.run(words, capture_output=True, text=True).stdout


def libraries(programs):
    found = set()
    for program in programs:
        found.update(re.findall(r'=> (/\S+)', run('ldd', program)))
    return found


def package_of(library):
    for path in (os.path.realpath(library), library):
        for at in (path, path.removeprefix('/usr'), '/usr' + path):
            owner = run('dpkg-query', '-S', at).split(':')[0].strip()
            if owner:
                return owner
    return None


def licences(package):
    """The names in the machine-readable copyright file; an older one has none, and says so in words."""
    path = pathlib.Path(f'/usr/share/doc/{package}/copyright')
    names = re.findall(r'^License:[ \t]*(\S.*?)[ \t]*$', path.read_text(errors='replace'), re.M) if path.exists() else []
    return sorted(set(names)) or ['see ' + str(path)]


def component(package):
    version, source, arch = run('dpkg-query', '-W', '-f=${Version}\t${source:Package}\t${Architecture}', package).split('\t')
    return {'type': 'library', 'bom-ref': package, 'name': package, 'version': version,
            'licenses': [{'license': {'name': name}} for name in licences(package)],
            'purl': f'pkg:deb/debian/{urllib.parse.quote(package)}@{urllib.parse.quote(version, safe=":~")}?arch={arch}',
            'properties': [{'name': 'debian:source', 'value': source}]}


def model(manifest):
    files = json.loads(manifest.read_text())['files']
    return {'type': 'machine-learning-model', 'bom-ref': 'model/' + manifest.parent.name, 'name': manifest.parent.name,
            'licenses': [{'license': {'id': 'MIT'}}],
            'hashes': [{'alg': 'SHA-256', 'content': hashlib.sha256(manifest.read_bytes()).hexdigest()}],
            'components': [{'type': 'data', 'name': f['name'],
                            'hashes': [{'alg': 'SHA-256', 'content': f['sha256']}]} for f in files]}


def require_valid(bom):
    """What the schema of CycloneDX 1.6 asks of the parts that are used here; its validators are not among the packages."""
    def component(c):
        assert c['type'] in ('application', 'library', 'machine-learning-model', 'data') and c['name'], c
        for licence in c.get('licenses', []):
            assert len(licence['license']) == 1 and set(licence['license']) <= {'id', 'name'}, c
        for digest in c.get('hashes', []):
            assert digest['alg'] == 'SHA-256' and re.fullmatch('[0-9a-f]{64}', digest['content']), c
        assert re.fullmatch(r'pkg:[a-z]+/[\w./%-]+@[\w.:~%-]+(\?[\w=&-]+)?', c.get('purl', 'pkg:a/b@1')), c
        for inner in c.get('components', []):
            component(inner)
    parts = [bom['metadata']['component'], *bom['components']]
    for part in parts:
        component(part)
    refs = [part['bom-ref'] for part in parts]
    assert len(set(refs)) == len(refs) and {r for d in bom['dependencies'] for r in (d['ref'], *d['dependsOn'])} <= set(refs)


def main():
    os.chdir(pathlib.Path(__file__).resolve().parent.parent)
    programs = sys.argv[1:] or [p.replace('tasks/', 'build/release/').replace('/main.cpp', '')
                                for p in sorted(glob.glob('tasks/*/main.cpp'))] + ['build/release/libattune.so']
    missing = [p for p in programs if not os.path.exists(p)]
    if missing:
        sys.exit(f'error: sbom: {missing[0]} is not built')
    packages = sorted({package_of(l) for l in libraries(programs)} - {None} | set(HEADERS))
    version = re.search(r'kVersion = "attune ([^"]+)"', pathlib.Path('tasks/run/console.cpp').read_text()).group(1)
    models = [model(m) for m in sorted(pathlib.Path('tasks/models').glob('*/manifest.json'))]
    bom = {'bomFormat': 'CycloneDX', 'specVersion': '1.6', 'version': 1,
           'metadata': {'component': {'type': 'application', 'bom-ref': 'attune', 'name': 'attune',
                                      'version': version, 'licenses': [{'license': {'id': 'MIT'}}]}},
           'components': [component(p) for p in packages] + models,
           'dependencies': [{'ref': 'attune', 'dependsOn': packages + [m['bom-ref'] for m in models]}]}
    require_valid(bom)
    print(json.dumps(bom, indent=1))


main()
