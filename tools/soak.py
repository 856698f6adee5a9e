#!/usr/bin/env python3
"""soak.py: two servers and the C interface under everything at once, for as long as is wanted.

  tools/soak.py [--seconds 3600] [--model DIR] [--bin build/release]

Clients that behave, slow ones, ones that hang up, ones whose bodies are broken; one server lives through it all, the
other one gets SIGTERM every few seconds in the middle of it and is started again. Meanwhile a process loads a model
through libattune.so, uses it from four threads and frees it, again and again. It must hold, or the status is 1:
every request that a server's log says it has answered was received by whoever waited for it, with the bits that the
first answer to the text had; whoever is refused gets a status below 500; no connection of a client that behaves ends
without an answer while its server is not being stopped; memory grows by no more than 3 % and 4 MiB after the first
fifth; when all have gone there are as many threads and open files as at the beginning."""
import argparse, ctypes, http.client, json, os, pathlib, random, select, signal, socket, subprocess, sys, tempfile
import threading, time

root = pathlib.Path(__file__).resolve().parents[1]
WORDS = 'good bad the food was service slow quick room clean noisy staff kind rude cheap dear view train late'.split()
TEXTS = [' '.join(random.Random(i).choices(WORDS, k=1 + i % 40)) for i in range(200)]
BROKEN = [b'{"inputs": ', b'', b'[]', b'{"inputs": 7}', b'{"inputs": "\xff\xfe"}', b'{"inputs": [[[["a"]]]]}',
          b'x' * 3000000]
faults, counts, lock = [], {}, threading.Lock()


def note(kind, fault=None):
    with lock:
        counts[kind] = counts.get(kind, 0) + 1
        if fault and len(faults) < 20:
            faults.append(fault)
            print('FAULT', fault, flush=True)


def figures(pid):
    """Resident KiB, threads, open files."""
    status = dict(line.split(':', 1) for line in open(f'/proc/{pid}/status') if ':' in line)
    return int(status['VmRSS'].split()[0]), int(status['Threads']), len(os.listdir(f'/proc/{pid}/fd'))


class Server:
    def __init__(self, o, log):
        self.command = [o.bin / 'serve', '--model', o.model, '--port', '0', '--log', log]
        self.log, self.stopping, self.got = log, True, set()

    def start(self):
        self.process = subprocess.Popen(self.command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        for line in self.process.stdout:
            if line.startswith('serving on '):
                self.port = int(line.split()[2].rsplit(':', 1)[1])
                self.stopping = False
                return
        sys.exit('the server does not start: ' + ' '.join(map(str, self.command)))

    def stop(self):
        self.stopping = True
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(60)
        note('stops', None if status == 0 else f'a server that was stopped ends with {status}')
        self.check_log()

    def check_log(self):
        """Each answer that was given to a client that waits must have come to it. Then the log begins again."""
        time.sleep(0.5)  # until the clients have read what was sent
        with lock:
            got, self.got = self.got, set()
        for line in open(self.log):
            said = json.loads(line)
            if said.get('status') == 200 and said['id'].startswith('wait-') and said['id'] not in got:
                note('lost', f'request {said["id"]} was answered 200, and nobody got it')
        open(self.log, 'w').close()


class Client(threading.Thread):
    """One client, over and over, until the end."""

    def __init__(self, server, kind, number, end, answers):
        super().__init__(daemon=True)
        self.server, self.kind, self.end, self.answers = server, kind, end, answers
        self.draw, self.name_, self.sent = random.Random(number), f'{kind}-{number}', 0

    def run(self):
        while time.time() < self.end:
            server = self.server
            if server.stopping:
                time.sleep(0.05)
                continue
            before = server.process.pid
            try:
                getattr(self, self.kind)()
            except (OSError, http.client.HTTPException) as error:
                stopped = server.stopping or server.process.pid != before
                wrong = self.kind in ('wait', 'slow') and not stopped
                note('ended', f'{self.name_}: {type(error).__name__} {error}' if wrong else None)
                time.sleep(0.02)

    def request(self, body):
        self.sent += 1
        self.id = f'wait-{self.name_}-{self.sent}'
        return (f'POST /predict HTTP/1.1\r\nHost: here\r\nx-request-id: {self.id}\r\nContent-Type: application/json\r\n'
                f'Content-Length: {len(body)}\r\n\r\n').encode() + body

    def connect(self):
        return socket.create_connection(('127.0.0.1', self.server.port), 30)

    def read(self, s):
        answer = http.client.HTTPResponse(s)
        answer.begin()
        body = answer.read()
        if answer.status == 200:
            with lock:
                self.server.got.add(self.id)
        return answer.status, body

    def judge(self, text, status, body):
        wrong = None
        if status == 200 and self.answers.setdefault(text, body) != body:
            wrong = f'{self.name_}: another answer to the same text'
        if status not in (200, 429) and not (status == 503 and self.server.stopping):
            wrong = f'{self.name_}: {status} {body[:80]}'
        note(f'{self.kind} {status}', wrong)

    def wait(self):
        with self.connect() as s:
            for _ in range(self.draw.randint(1, 20)):
                text = self.draw.choice(TEXTS)
                s.sendall(self.request(json.dumps({'inputs': text}).encode()))
                self.judge(text, *self.read(s))

    def slow(self):
        text = self.draw.choice(TEXTS)
        with self.connect() as s:
            whole = self.request(json.dumps({'inputs': text}).encode())
            for at in range(0, len(whole), 40):
                s.sendall(whole[at:at + 40])
                time.sleep(self.draw.uniform(0.01, 0.1))
            self.judge(text, *self.read(s))

    def cut(self):
        with self.connect() as s:
            whole = self.request(json.dumps({'inputs': [[t] for t in TEXTS[:50]]}).encode())
            whole = whole.replace(b': wait-', b': cut-', 1)  # nobody waits for it
            s.sendall(whole[:self.draw.randint(1, len(whole))])
            if self.draw.random() < 0.5:
                s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b'\1\0\0\0\0\0\0\0')  # a reset, not an end
        note('cut')
        time.sleep(0.005)

    def broken(self):
        with self.connect() as s:
            body = self.draw.choice(BROKEN)
            whole = self.request(body) if self.draw.random() < 0.8 else body[:500] + b'\r\n\r\n'
            s.sendall(whole)
            status, _ = self.read(s)
            note(f'broken {status}', f'a broken body gets {status}' if status == 200 or status >= 500 else None)


def use_c_interface(o):
    """Loads, uses from four threads, frees, and fails to load, until standard input ends; a line a round."""
    library = ctypes.CDLL(str(o.bin / 'libattune.so'))
    library.attune_load.restype = ctypes.c_void_p
    library.attune_error.restype = ctypes.c_char_p
    for name in 'attune_embed', 'attune_classify':
        getattr(library, name).restype = ctypes.c_int64
    first = {}

    def use(model):
        texts = (ctypes.c_char_p * 3)(*[t.encode() for t in TEXTS[20:23]])
        scores, none = (ctypes.c_double * 4096)(), ctypes.c_void_p(None)
        for _ in range(20):
            n = library.attune_classify(ctypes.c_void_p(model), 0, texts, none, 3, none, scores, ctypes.c_size_t(4096))
            if n <= 0 or first.setdefault('scores', bytes(scores)) != bytes(scores):
                print('FAULT of the C interface:', n, library.attune_error(), flush=True)

    while not select.select([sys.stdin], [], [], 0)[0]:
        model = library.attune_load(str(o.model).encode(), b'threads = 1')
        if not model:
            sys.exit(f'FAULT attune_load: {library.attune_error()}')
        several = [threading.Thread(target=use, args=(model,)) for _ in range(4)]
        for thread in several:
            thread.start()
        for thread in several:
            thread.join()
        library.attune_free(ctypes.c_void_p(model))
        if library.attune_load(b'/nowhere', None):
            print('FAULT: /nowhere was loaded', flush=True)
        print('round', flush=True)


def grown(name, early, late):
    much = late[0] > 1.03 * early[0] + 4096
    note('checks', f'{name}: {early[0]} KiB early, {late[0]} KiB at the end' if much else None)


def listen(library, rounds):
    for line in library.stdout:
        rounds.append(line)
        if line.startswith('FAULT'):
            note('library', line.strip())


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('--seconds', type=float, default=3600)
    p.add_argument('--model', type=pathlib.Path, default=root / 'tests/golden/directories/bert')
    p.add_argument('--bin', type=pathlib.Path, default=root / 'build/release')
    p.add_argument('--stop-every', type=float, default=5)
    p.add_argument('--c-interface', action='store_true', help=argparse.SUPPRESS)
    o = p.parse_args()
    if o.c_interface:
        return use_c_interface(o)
    soak(o)
    for kind in sorted(counts):
        print(f'{counts[kind]:>10}  {kind}')
    print(f'result task=soak seconds={o.seconds:.0f} faults={len(faults)}')
    sys.exit(bool(faults))


def soak(o):
    """Ends what it has begun, whatever happens."""
    begun = []
    signal.signal(signal.SIGTERM, lambda *_: sys.exit('stopped'))
    try:
        run(o, begun)
    finally:
        for process in begun:
            process().kill()


def run(o, running):
    begun, end = time.time(), time.time() + o.seconds
    with tempfile.TemporaryDirectory() as folder:
        lives, stopped = Server(o, folder + '/a.log'), Server(o, folder + '/b.log')
        lives.start(), stopped.start()
        running += [lambda: lives.process, lambda: stopped.process]
        answers, clients = {}, []
        for server in lives, stopped:
            for n, kind in enumerate(['wait'] * 8 + ['slow'] * 4 + ['cut'] * 3 + ['broken'] * 3):
                clients.append(Client(server, kind, n + 100 * (server is stopped), end, answers))
        library = subprocess.Popen([sys.executable, __file__, '--c-interface', '--model', o.model, '--bin', o.bin],
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        running.append(lambda: library)
        rounds = []
        threading.Thread(target=listen, args=(library, rounds), daemon=True).start()
        clients[0].wait()  # the threads that compute are there from the first request on
        time.sleep(1)
        idle, early = figures(lives.process.pid), None
        for client in clients:
            client.start()
        while time.time() < end:
            time.sleep(min(o.stop_every, max(0.1, end - time.time())))
            stopped.stop()
            stopped.start()
            if not early and time.time() > begun + o.seconds / 5:
                early = figures(lives.process.pid), figures(library.pid)
        for client in clients:
            client.join(60)
        time.sleep(2)
        late = figures(lives.process.pid), figures(library.pid)
        grown('the server', early[0], late[0]), grown('the C interface', early[1], late[1])
        note('checks', f'threads {idle[1]} before, {late[0][1]} after' if late[0][1] > idle[1] else None)
        note('checks', f'open files {idle[2]} before, {late[0][2]} after' if late[0][2] > idle[2] else None)
        lives.stop(), stopped.stop()
        library.stdin.close()
        note('checks', None if library.wait(60) == 0 and rounds else 'the C interface: no whole round')
    print(f'server {early[0][0]} -> {late[0][0]} KiB, C interface {early[1][0]} -> {late[1][0]} KiB in {len(rounds)} '
          'rounds')


if __name__ == '__main__':
    main()
