// Hugging Face's tokenizer in JavaScript as the peer of `vocab encode`.
//   node tokenizer_peer.mjs DIR FILE [--ids] [--lines N]     DIR as `vocab export` writes it
// Prints texts, tokens and seconds, or with --ids the ids of every line, without [CLS] and [SEP]. The package
// @huggingface/tokenizers is looked for in $TOKENIZERS_DIR/node_modules, then in $NODE_PATH: npm install
// --ignore-scripts @huggingface/tokenizers in any folder.
import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { parseArgs } from 'node:util';

const { values: options, positionals: [directory, file] } = parseArgs({
  allowPositionals: true,
  options: { ids: { type: 'boolean' }, lines: { type: 'string' } },
});
const require = createRequire(path.resolve(process.env.TOKENIZERS_DIR ?? '.') + '/');
const { Tokenizer } = require('@huggingface/tokenizers');
const json = (name) => JSON.parse(fs.readFileSync(`${directory}/${name}.json`));
const tokenizer = new Tokenizer(json('tokenizer'), json('tokenizer_config'));
const encode = (line) => tokenizer.encode(line, { add_special_tokens: false }).ids;

const start = process.hrtime.bigint();
let lines = fs.readFileSync(file, 'utf8').split('\n');
if (lines.at(-1) === '') lines.pop();
if (options.lines) lines = lines.slice(0, Number(options.lines));
if (options.ids) {
  for (const line of lines) console.log(encode(line).join(' '));
} else {
  const tokens = lines.reduce((sum, line) => sum + encode(line).length, 0);
  const seconds = Number(process.hrtime.bigint() - start) * 1e-9;
  console.log(JSON.stringify({ texts: lines.length, tokens, seconds }));
}
