// The page that recommends: by mouse and by keyboard, narrow and wide, light and dark. No message on the console, nobody
// else is asked, nothing serious to axe.
import assert from 'node:assert/strict';
import {close_sound, open, quit} from './browser.mjs';

const url = process.argv[2];
const open_list = (width, scheme) => open(url + '/', width, scheme);
const titles = page => page.$$eval('#list .top span:first-child', e => e.map(x => x.textContent));
const changed = (page, from) => page.waitForFunction(
  old => { const now = [...document.querySelectorAll('#list .top span:first-child')].map(x => x.textContent).join('|'); return now && now !== old; }, {}, from.join('|'));
const chosen = (page, n) => page.waitForFunction(n => document.querySelectorAll('#chosen li').length === n, {}, n);
async function find(page, words, title) {
  await page.$eval('#q', e => { e.value = ''; });
  await page.type('#q', words);
  await page.waitForFunction(t => [...document.querySelectorAll('#found button')].some(b => b.textContent.startsWith(t)), {}, title);
}

for (const [width, scheme] of [[360, 'light'], [1280, 'dark']]) {
  const page = await open_list(width, scheme);
  const first = await titles(page);
  assert.equal(first.length, 10, 'without a pick: what most people take');
  await find(page, 'small boats', 'Small Boats');
  await page.click('#found button');
  await chosen(page, 1);
  await changed(page, first);
  const picked = await titles(page);
  assert.ok(!picked.includes('Small Boats'), 'what was picked is not in the list');
  const reasons = await page.$$eval('#list .because', e => e.map(x => x.textContent));
  assert.ok(reasons.length > 0 && reasons.every(r => r === 'because of Small Boats'), reasons.join('; '));
  assert.ok((await page.$$eval('#list .top span:last-child', e => e.map(x => x.textContent))).every(p => /^\d+\.\d %$/.test(p)));
  await close_sound(page, width, scheme);
}
console.log('narrow and light, wide and dark: passed');

{
  const page = await open_list(1280, 'light');  // the keyboard alone
  await page.keyboard.press('Tab');
  assert.equal(await page.evaluate(() => document.activeElement.id), 'q');
  await page.keyboard.type('knitting on');
  await page.waitForFunction(() => document.querySelectorAll('#found button').length === 1);
  const before = await titles(page);
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await chosen(page, 1);
  await changed(page, before);
  assert.equal(await page.$eval('#none', e => e.hidden), true);
  const where = await page.evaluate(() => document.activeElement.tagName);
  assert.notEqual(where, 'BODY', 'the focus is not lost with the button that was pressed');
  const plain = await titles(page);
  await page.focus('#diversity');
  for (let n = 0; n < 18; ++n) await page.keyboard.press('ArrowRight');
  await changed(page, plain);
  assert.equal(await page.$eval('#value', e => e.textContent), '0.9');
  const diverse = await titles(page);
  assert.equal(diverse[0], plain[0], 'the best one stays in front');
  await page.select('#rerank', 'dpp');
  await page.waitForFunction(() => document.querySelectorAll('#list li').length === 10);
  await page.focus('#chosen button');
  assert.equal(await page.evaluate(() => document.activeElement.getAttribute('aria-label')), 'remove Knitting on Trains');
  await page.keyboard.press('Enter');
  await chosen(page, 0);
  assert.notEqual(await page.evaluate(() => document.activeElement.tagName), 'BODY', 'nor with the last pick');
  console.log('keyboard, the slider, and a pick taken back: passed');

  await page.evaluate(() => { window.fetch = () => Promise.reject(new Error('the server is away')); });
  await page.focus('#diversity');
  await page.keyboard.press('ArrowLeft');
  await page.waitForFunction(() => document.querySelector('#state').className === 'error');
  assert.match(await page.$eval('#state', e => e.textContent), /the server is away/);
  assert.equal(await page.$eval('#state', e => e.getAttribute('role')), 'status');
  console.log('an error in words: passed');
}
await quit(url);
console.log('recommend in a browser: passed');
