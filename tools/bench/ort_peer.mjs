// ONNX Runtime as the peer: a server of inference samples, as `build/release/bench serve infer` and torch_peer.py.
//   node ort_peer.mjs DIR NAME [--pad longest|N] [--graph FILE]     over the work DIR/NAME.json
// DIR/FILE is model.onnx (torch_peer.py export DIR) if not given, or int8.onnx (onnx_int8.py DIR).
// The package onnxruntime-node is looked for in $ORT_DIR/node_modules, then in $NODE_PATH; npm install --ignore-scripts
// suffices, the CPU library lies inside. OMP_NUM_THREADS threads, or as many as there are processors.
import fs from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import readline from 'node:readline';
import { parseArgs } from 'node:util';

const { values: options, positionals: [directory, work] } = parseArgs({
  allowPositionals: true,
  options: { pad: { type: 'string', default: 'longest' }, graph: { type: 'string', default: 'model.onnx' } },
});
const require = createRequire(path.resolve(process.env.ORT_DIR ?? '.') + '/');
const ort = require('onnxruntime-node');
const threads = Number(process.env.OMP_NUM_THREADS ?? os.cpus().length);

const session = await ort.InferenceSession.create(`${directory}/${options.graph}`, {
  executionProviders: ['cpu'],
  intraOpNumThreads: threads,
  interOpNumThreads: 1,
  executionMode: 'sequential',
  graphOptimizationLevel: 'all',
});

// The inputs [B, T] of a batch; T is the longest of its sentences unless --pad says how many.
function padded({ ids }) {
  const width = options.pad === 'longest' ? Math.max(...ids.map((s) => s.length)) : Number(options.pad);
  const cells = (value) => BigInt64Array.from(ids.flatMap((s) => Array.from({ length: width }, (_, t) => value(s, t))));
  const inputs = {
    input_ids: cells((s, t) => BigInt(s[t] ?? 0)),
    attention_mask: cells((s, t) => (t < s.length ? 1n : 0n)),
    token_type_ids: cells(() => 0n),
  };
  const tensor = (name) => [name, new ort.Tensor('int64', inputs[name], [ids.length, width])];
  return Object.fromEntries(session.inputNames.map(tensor));
}

const batches = JSON.parse(fs.readFileSync(`${directory}/${work}.json`)).batches.map(padded);
const now = () => Number(process.hrtime.bigint()) * 1e-9;
const say = (line) => fs.writeSync(1, JSON.stringify(line) + '\n');

async function pass() {
  for (const inputs of batches) await session.run(inputs);
}

// Seconds of one pass, and of all its threads; passes are repeated until `least` seconds are over.
async function sample(least) {
  const start = now(), processor = process.cpuUsage();
  let passes = 0;
  for (; now() - start < least; ++passes) await pass();
  const { user, system } = process.cpuUsage(processor);
  return { seconds: (now() - start) / passes, processor_seconds: ((user + system) * 1e-6) / passes };
}

const { logits } = await session.run(batches[0]);
await sample(1); // warm-up
say({
  ready: true,
  logits: Array.from(logits.data.slice(0, logits.dims[1])),
  setup: `onnxruntime ${require('onnxruntime-node/package.json').version}, ${threads} threads`,
});
for await (const _ of readline.createInterface({ input: process.stdin })) say(await sample(0.2));
say({ peak_rss_bytes: process.resourceUsage().maxRSS * 1024 });
