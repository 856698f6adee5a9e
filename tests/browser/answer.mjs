// The page of an assistant: by mouse and by keyboard, narrow and wide, light and dark. No message on the console, nothing
// serious to axe, nothing asked of anybody else.
import assert from 'node:assert/strict';
import {close_sound, open, quit} from './browser.mjs';

const url = process.argv[2];
const open_ui = (width, scheme) => open(url + '/ui', width, scheme);
const replies = (page, count) => page.waitForFunction(n => document.querySelectorAll('#talk li.it').length === n, {}, count);
const last = (page, what) => page.$eval('#talk li.it:last-child ' + what, e => e.textContent);

for (const [width, scheme] of [[360, 'light'], [360, 'dark'], [1280, 'light'], [1280, 'dark']]) {
  const page = await open_ui(width, scheme);
  assert.match(await page.$eval('#about', e => e.textContent), /^3 intents, 2 articles\. At most 5\.0 % of the questions/);
  await page.type('#text', 'where is parcel S-42');
  await page.click('#go');
  await replies(page, 1);
  assert.equal(await last(page, 'p:nth-of-type(2)'), 'Parcel S-42 is under way.');
  assert.match(await last(page, '.tag'), /^answer$/);
  await page.click('#talk summary');
  assert.equal(await page.$$eval('#talk .bars li', e => e.length), 3);
  assert.equal(await page.$$eval('#talk .words span', e => e.map(w => w.textContent).join(' ')), 'where is parcel S - 42');
  assert.match(await last(page, 'details'), /Nearest question that was learned: “.*parcel.*Slots: order = S-42.*Rule: one intent is left/s);
  await close_sound(page, width, scheme);
}
console.log('narrow and wide, light and dark: passed');

{
  const page = await open_ui(1280, 'light');  // the keyboard alone
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
await quit(url);
console.log('answer in a browser: passed');
