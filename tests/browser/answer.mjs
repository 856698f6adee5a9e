// The page of an assistant: by mouse and by keyboard, narrow and wide, light and dark. No message on the console, nothing
// serious to axe, nothing asked of anybody else.
import assert from 'node:assert/strict';
import {execSync} from 'node:child_process';
import {mkdtempSync, readFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {createRequire} from 'node:module';
import puppeteer from 'puppeteer-core';

const url = process.argv[2], folder = mkdtempSync(tmpdir() + '/attune-answer-');
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
  await page.goto(url + '/ui', {waitUntil: 'networkidle0'});
  return page;
}
const replies = (page, count) => page.waitForFunction(n => document.querySelectorAll('#talk li.it').length === n, {}, count);
const last = (page, what) => page.$eval('#talk li.it:last-child ' + what, e => e.textContent);
async function nothing_serious(page, what) {
  await page.evaluate(axe);
  const found = await page.evaluate(() => window.axe.run());
  const serious = found.violations.filter(v => v.impact === 'serious' || v.impact === 'critical');
  assert.deepEqual(serious.map(v => `${v.id}: ${v.nodes[0].html}`), [], what);
}

for (const [width, scheme] of [[360, 'light'], [360, 'dark'], [1280, 'light'], [1280, 'dark']]) {
  const page = await open(width, scheme);
  assert.match(await page.$eval('#about', e => e.textContent), /^3 intents, 2 articles\. At most 5 % of the questions/);
  await page.type('#text', 'where is parcel S-42');
  await page.click('#go');
  await replies(page, 1);
  assert.equal(await last(page, 'p:nth-of-type(2)'), 'Parcel S-42 is under way.');
  assert.match(await last(page, '.tag'), /^answer$/);
  await page.click('#talk summary');
  assert.equal(await page.$$eval('#talk .bars li', e => e.length), 3);
  assert.equal(await page.$$eval('#talk .words span', e => e.length), 4);
  assert.match(await last(page, 'details'), /Nearest question that was learned: “.*parcel.*Slots: order = S-42.*Rule: one intent is left/s);
  const wide = await page.evaluate(() => document.documentElement.scrollWidth);
  assert.ok(wide <= width, `${wide} pixels in a window of ${width}`);
  await nothing_serious(page, `${width} ${scheme}`);
  await page.screenshot({path: `${folder}/${width}-${scheme}.png`, fullPage: true});
  await page.close();
}
console.log('narrow and wide, light and dark: passed; pictures in ' + folder);

{
  const page = await open(1280, 'light');  // the keyboard alone
  await page.keyboard.press('Tab');
  assert.equal(await page.evaluate(() => document.activeElement.id), 'text');
  await page.keyboard.type('please big open');
  await page.keyboard.press('Enter');
  await replies(page, 1);
  assert.equal(await page.evaluate(() => document.activeElement.id), 'text');  // ready for the next question
  const offers = await page.$$eval('#talk .option', e => e.map(b => b.textContent));
  assert.ok(offers.length >= 2, 'did you mean');
  await page.focus('#talk .option');
  await page.keyboard.press('Enter');
  await replies(page, 2);
  assert.match(await last(page, 'details'), /number 1 of those that were offered was chosen/);
  await page.focus('#again');
  await page.keyboard.press('Enter');
  assert.equal(await page.$$eval('#talk li', e => e.length), 0);
  assert.equal(await page.$eval('#error', e => e.textContent + e.getAttribute('role')), 'alert');
  console.log('keyboard, a choice, a new conversation: passed');
  await page.close();
}
await browser.close();
assert.deepEqual(said, []);
assert.deepEqual(asked.filter(to => !to.startsWith(url) && !to.startsWith('data:')), []);
console.log('answer in a browser: passed');
