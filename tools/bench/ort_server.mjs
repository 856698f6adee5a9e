// ONNX Runtime as the peer of `serve`: an HTTP server that classifies texts, as one writes it in Node.
//   node ort_server.mjs DIR [--batch N]     DIR: a classifier of BERT's form with vocab.txt; the port is printed
// POST /predict {"inputs": text, "raw_scores": false} is answered with [{"label", "score"}, ...], the best first. A
// process for each of OMP_NUM_THREADS, or of the processors, computes with one thread, up to a half faster than one
// process with all of them: the package's run() holds the thread that reads and answers. What waits when a batch is
// done is the next one, padded to its longest text. DIR/model.onnx is made by torch_peer.py where it is not there.
// onnxruntime-node is looked for in $ORT_DIR/node_modules, then in $NODE_PATH; python3 is $PYTHON or /usr/bin/python3.
import { execFileSync } from 'node:child_process';
import cluster from 'node:cluster';
import fs from 'node:fs';
import http from 'node:http';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';

const { values: options, positionals: [directory] } = parseArgs({
  allowPositionals: true,
  options: { batch: { type: 'string', default: '32' } },
});
const require = createRequire(path.resolve(process.env.ORT_DIR ?? '.') + '/');
const ort = require('onnxruntime-node');
const config = JSON.parse(fs.readFileSync(`${directory}/config.json`));

const graph = `${directory}/model.onnx`;
if (cluster.isPrimary) {
  if (!fs.existsSync(graph)) {
    const exporter = path.join(import.meta.dirname, 'torch_peer.py');
    execFileSync(process.env.PYTHON ?? '/usr/bin/python3', [exporter, 'export', directory], { stdio: 'ignore' });
  }
  let missing = Number(process.env.OMP_NUM_THREADS ?? os.cpus().length);
  cluster.on('listening', (_, { port }) => --missing || console.log(`127.0.0.1:${port}`));
  cluster.on('exit', () => process.exit(1));
  for (let k = missing; k > 0; --k) cluster.fork();
  await new Promise(() => {}); // what follows is for the others
}
const session = await ort.InferenceSession.create(graph, {
  executionProviders: ['cpu'],
  intraOpNumThreads: 1,
  interOpNumThreads: 1,
  executionMode: 'sequential',
  graphOptimizationLevel: 'all',
});

// Uncased WordPiece, longest piece first, as torch_peer.py's; words are kept. A quarter of the time that Hugging Face's
// package for JavaScript takes.
const vocab = new Map(fs.readFileSync(`${directory}/vocab.txt`, 'utf8').split('\n').map((piece, id) => [piece, id]));
const known = new Map();
function pieces(word) {
  const ids = [];
  for (let start = 0, end; start < word.length; start = end) {
    const head = start ? '##' : '';
    for (end = word.length; end > start && !vocab.has(head + word.slice(start, end)); ) --end;
    if (end === start) return [vocab.get('[UNK]')];
    ids.push(vocab.get(head + word.slice(start, end)));
  }
  return ids;
}
function encode(text) {
  const plain = text.toLowerCase().normalize('NFD').replace(/[\p{Mn}\p{Cf}]/gu, '');
  const ids = [vocab.get('[CLS]')];
  for (const word of plain.match(/[\p{P}$+<=>^`|~\u3400-\u9fff]|[^\s\p{P}$+<=>^`|~\u3400-\u9fff]+/gu) ?? []) {
    if (!known.has(word)) known.set(word, pieces(word));
    ids.push(...known.get(word));
  }
  return [...ids.slice(0, config.max_position_embeddings - 1), vocab.get('[SEP]')];
}

// The logits of each text, a list of labels' numbers.
async function classify(texts) {
  const width = Math.max(...texts.map((ids) => ids.length));
  const cells = () => new BigInt64Array(texts.length * width);
  const inputs = { input_ids: cells(), attention_mask: cells(), token_type_ids: cells() };
  texts.forEach((ids, i) =>
    ids.forEach((id, t) => {
      inputs.input_ids[i * width + t] = BigInt(id);
      inputs.attention_mask[i * width + t] = 1n;
    }));
  const tensor = (name) => [name, new ort.Tensor('int64', inputs[name], [texts.length, width])];
  const { logits } = await session.run(Object.fromEntries(session.inputNames.map(tensor)));
  return texts.map((_, i) => Array.from(logits.data.slice(i * logits.dims[1], (i + 1) * logits.dims[1])));
}

function label_scores(logits, raw) {
  const exps = logits.map((x) => Math.exp(x - Math.max(...logits)));
  const sum = exps.reduce((a, b) => a + b);
  const scored = logits.map((x, k) => ({ label: config.id2label[k], score: raw ? x : exps[k] / sum }));
  return scored.sort((a, b) => b.score - a.score);
}

const waiting = [];
let running = false;
async function work() {
  if (running) return;
  running = true;
  for (;;) {
    await new Promise(setImmediate); // what has come in is read: run() held the thread until it was done
    if (!waiting.length) break;
    const batch = waiting.splice(0, Number(options.batch));
    const logits = await classify(batch.map(({ ids }) => ids));
    batch.forEach(({ raw, response }, i) => answer(response, 200, label_scores(logits[i], raw)));
  }
  running = false;
}

function answer(response, status, value) {
  const body = JSON.stringify(value);
  response.writeHead(status, { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) });
  response.end(body);
}

const server = http.createServer((request, response) => {
  const parts = [];
  request.on('data', (part) => parts.push(part));
  request.on('end', () => {
    try {
      if (request.method !== 'POST' || request.url !== '/predict') return answer(response, 404, { error: 'not here' });
      const { inputs, raw_scores: raw = false } = JSON.parse(Buffer.concat(parts));
      waiting.push({ ids: encode(inputs), raw, response });
      work();
    } catch (error) {
      answer(response, 422, { error: error.message });
    }
  });
});
server.keepAliveTimeout = 0;
server.listen(0, '127.0.0.1');
