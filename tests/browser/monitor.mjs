// The page of the monitor: series drawn with their alerts, a click and the arrow keys show a bin's texts, what arrives
// meanwhile is drawn by itself. Narrow and wide, light and dark. No message on the console, nothing serious to axe.
import assert from 'node:assert/strict';
import {appendFileSync, readFileSync} from 'node:fs';
import {close_sound, open, quit} from './browser.mjs';

const url = process.argv[2];
const wait = {timeout: 120000};

async function open_series(width, scheme) {
  const page = await open(url + '/ui', width, scheme, {waitUntil: 'load', timeout: 120000});  // its stream never ends
  await page.waitForFunction(() => document.querySelectorAll('#series svg').length === 5, wait);
  return page;
}
const closed = () => fetch(url + '/api/series').then(r => r.json()).then(j => j.series[0].points.length);
for (let i = 0; i < 600 && await closed() < 180; ++i) await new Promise(r => setTimeout(r, 200));  // all of the first part

for (const [width, scheme] of [[360, 'light'], [1280, 'dark']]) {
  const page = await open_series(width, scheme);
  assert.match(await page.$eval('#state', e => e.textContent), /^live; \d series$/);
  const titles = await page.$$eval('#series h2', e => e.map(h => h.textContent));
  assert.deepEqual(titles, ['films (topic)', 'finance (topic)', 'restaurants (topic)', 'support (topic)', 'travel (topic)']);
  for (const line of await page.$$eval('#series polyline.now', e => e.map(l => l.getAttribute('points')))) assert.ok(line.split(' ').length > 50 && !/NaN/.test(line));
  assert.ok(await page.$$eval('#alerts li', e => e.filter(l => /^firing .* negative travel: /.test(l.textContent)).length) === 1, 'the surge of day 31');
  assert.ok(await page.$eval('#none', e => e.hidden));
  await close_sound(page, width, scheme);
}
console.log('narrow and light, wide and dark: passed');

const page = await open_series(1280, 'light');
await page.select('#bins', '100000');
await page.waitForFunction(() => document.querySelectorAll('#series section:last-child rect.alert').length > 0, wait);  // of travel
const card = '#series section:first-child';
await page.click(card + ' svg');
await page.waitForFunction(c => document.querySelectorAll(c + ' ul li').length > 0, wait, card);
assert.ok(await page.$$eval(card + ' ul li', e => e.length <= 3 && e.every(l => / \(\d\.\d\d/.test(l.textContent))));
const note = () => page.$eval(card + ' .note[aria-live]', e => e.textContent);
assert.match(await note(), /^2024-\d\d-\d\d \d\d:00: [\d.]+ texts \([\d.]+ expected, .* % negative/);
console.log('a click shows the texts: passed');

await page.focus('#bins');  // the keyboard alone: one bin back, and forward again
await page.keyboard.press('Tab');
assert.equal(await page.evaluate(c => document.activeElement === document.querySelector(c + ' svg'), card), true);
const before = await note();
await page.keyboard.press('ArrowLeft');
await page.waitForFunction((c, b) => document.querySelector(c + ' .note[aria-live]').textContent !== b, wait, card, before);
const back = await note();
assert.ok(back.slice(0, 16) < before.slice(0, 16));
await page.keyboard.press('ArrowRight');
await page.waitForFunction((c, b) => document.querySelector(c + ' .note[aria-live]').textContent === b, wait, card, before);
assert.equal(await page.$$eval(card + ' line.pick', e => e.length), 1);
await page.focus('#alerts summary');
await page.keyboard.press('Enter');
assert.ok(await page.$eval('#alerts details', e => e.open && e.querySelectorAll('li').length === 3));
await page.select('#what', 'texts');
assert.equal(await page.$eval(card + ' svg', e => /: texts over time/.test(e.getAttribute('aria-label'))), true);
console.log('keyboard: passed');

const bins = await closed(), alerts = await page.$$eval('#alerts li', e => e.length);
appendFileSync(process.env.STREAM, readFileSync(process.env.LATER));  // the surge of day 48 among it
await page.waitForFunction(n => data.series[0].points.length > n, wait, bins + 10);
await page.waitForFunction(n => document.querySelectorAll('#alerts li').length > n, wait, alerts);
await page.waitForFunction(() => [...document.querySelectorAll('#alerts li')].some(l => /^firing .* negative support: /.test(l.textContent)), wait);
console.log('live: passed');

await quit(url);
console.log('monitor in a browser: passed');
