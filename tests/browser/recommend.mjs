// The page that recommends: by mouse and by keyboard, narrow and wide, light and dark. No message on the console, nobody
// else is asked, nothing serious to axe.
import assert from 'node:assert/strict';
import {execSync} from 'node:child_process';
import {mkdtempSync, readFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {createRequire} from 'node:module';
import puppeteer from 'puppeteer-core';

const url = process.argv[2], folder = mkdtempSync(tmpdir() + '/attune-recommend-');
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const browser = await puppeteer.launch({executablePath: execSync('command -v chromium', {shell: '/bin/sh'}).toString().trim(), args: ['--no-sandbox']});
const said = [], asked = [];

async function open(width, scheme) {
  const page = await browser.newPage();
  page.on('console', m => said.push(m.text()));
  page.on('pageerror', e => said.push(String(e)));
  page.on('request', r => asked.push(r.url()));
  await page.setViewport({width, height: 900});
  await page.emulateMediaFeatures([{name: 'prefers-color-scheme', value: scheme}]);
  await page.goto(url + '/', {waitUntil: 'networkidle0'});
  return page;
}
const titles = page => page.$$eval('#list .top span:first-child', e => e.map(x => x.textContent));
const changed = (page, from) => page.waitForFunction(
  old => { const now = [...document.querySelectorAll('#list .top span:first-child')].map(x => x.textContent).join('|'); return now && now !== old; }, {}, from.join('|'));
const chosen = (page, n) => page.waitForFunction(n => document.querySelectorAll('#chosen li').length === n, {}, n);
async function find(page, words, title) {
  await page.$eval('#q', e => { e.value = ''; });
  await page.type('#q', words);
  await page.waitForFunction(t => [...document.querySelectorAll('#found button')].some(b => b.textContent.startsWith(t)), {}, title);
}
async function nothing_serious(page, what) {
  await page.evaluate(axe);
  const found = await page.evaluate(() => window.axe.run());
  const serious = found.violations.filter(v => v.impact === 'serious' || v.impact === 'critical');
  assert.deepEqual(serious.map(v => `${v.id}: ${v.nodes[0].html}`), [], what);
}

for (const [width, scheme] of [[360, 'light'], [1280, 'dark']]) {
  const page = await open(width, scheme);
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
  const wide = await page.evaluate(() => document.documentElement.scrollWidth);
  assert.ok(wide <= width, `${wide} pixels in a window of ${width}`);
  await nothing_serious(page, `${width} ${scheme}`);
  await page.screenshot({path: `${folder}/${width}-${scheme}.png`, fullPage: true});
  await page.close();
}
console.log('narrow and light, wide and dark: passed; pictures in ' + folder);

{
  const page = await open(1280, 'light');  // the keyboard alone
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
await browser.close();
assert.deepEqual(said, []);
assert.deepEqual(asked.filter(to => !to.startsWith(url) && !to.startsWith('data:')), []);
console.log('recommend in a browser: passed');
