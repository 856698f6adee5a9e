// The clients that people have already, against a server with the models mood (labels) and mini (an encoder).
import assert from 'node:assert/strict';
import OpenAI from 'openai';
import {InferenceClient} from '@huggingface/inference';

const url = process.argv[2];
const test = async (name, body) => { await body(); console.log(`${name}: passed`); };

await test('openai: models, embeddings with its own encoding, and without, are the same', async () => {
  const client = new OpenAI({baseURL: url + '/v1', apiKey: 'any', maxRetries: 0});
  assert.deepEqual((await client.models.list()).data.map(m => m.id), ['mood', 'mini']);
  assert.equal((await client.models.retrieve('mini')).owned_by, 'attune');
  const packed = await client.embeddings.create({model: 'mini', input: ['a lovely film', 'the markets fell']});
  const plain = await client.embeddings.create({model: 'mini', input: ['a lovely film', 'the markets fell'], encoding_format: 'float'});
  assert.equal(packed.data.length, 2);
  assert.equal(packed.data[1].embedding.length, 256);
  packed.data[1].embedding.forEach((x, i) => assert.ok(Math.abs(x - plain.data[1].embedding[i]) < 1e-6));
  assert.ok(packed.usage.total_tokens > 4);
});

await test('openai: errors have their type and their sentence', async () => {
  const client = new OpenAI({baseURL: url + '/v1', apiKey: 'any', maxRetries: 0});
  await assert.rejects(client.embeddings.create({model: 'mimi', input: 'a'}), error => {
    assert.ok(error instanceof OpenAI.NotFoundError);
    assert.match(error.message, /no model 'mimi'.*did you mean 'mini'/);
    assert.ok(error.requestID || error.headers);
    return true;
  });
  await assert.rejects(client.embeddings.create({model: 'mini', input: []}), OpenAI.BadRequestError);
});

await test('@huggingface/inference: classification, features, similarity', async () => {
  const mood = new InferenceClient().endpoint(url), mini = new InferenceClient().endpoint(url + '/models/mini');
  const labels = await mood.textClassification({inputs: 'a lovely film'});
  assert.equal(labels.length, 3);
  assert.ok(Math.abs(labels.reduce((sum, l) => sum + l.score, 0) - 1) < 1e-5);
  assert.ok(labels[0].score >= labels[1].score);
  assert.equal((await mood.textClassification({inputs: 'a lovely film', parameters: {top_k: 1}})).length, 1);
  assert.equal((await mini.featureExtraction({inputs: 'a lovely film'}))[0].length, 256);
  const cosines = await mini.sentenceSimilarity({inputs: {source_sentence: 'a lovely film', sentences: ['a lovely film', 'markets']}});
  assert.ok(Math.abs(cosines[0] - 1) < 1e-5 && cosines[1] < 1);
});

await test('@huggingface/inference: errors have their sentence', async () => {
  await assert.rejects(new InferenceClient().endpoint(url + '/models/none').textClassification({inputs: 'a'}), /no model 'none'/);
});
