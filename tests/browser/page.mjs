// The page: by mouse and by keyboard, narrow and wide, light and dark. No message on the console, nothing serious to axe.
import assert from 'node:assert/strict';
import {readFileSync, readdirSync, writeFileSync} from 'node:fs';
import {close_sound, folder, open, quit} from './browser.mjs';

const url = process.argv[2];
const open_ui = (width, scheme) => open(url + '/ui', width, scheme);
const state = page => page.$eval('#state', e => e.textContent);
const answered = (page, count) => page.waitForFunction(n => document.querySelectorAll('#answers section').length === n, {}, count);

for (const [width, scheme] of [[360, 'light'], [1280, 'dark']]) {
  const page = await open_ui(width, scheme);
  await page.select('#other', 'mini');
  await page.click('#go');
  await answered(page, 2);
  assert.match(await state(page), /^mood: (negative|neutral|positive); mini: no label$/);
  assert.equal(await page.$$eval('#answers section:first-child .bars li', e => e.length), 3);
  assert.ok(await page.$$eval('.words span', e => e.length) > 5);
  assert.equal(await page.$$eval('#answers section:nth-child(2) .glance button', e => e.length), 8);  // 2 layers, 4 heads
  await close_sound(page, width, scheme);
}
console.log('narrow and light, wide and dark: passed');

{
  const page = await open_ui(1280, 'light');  // the keyboard alone
  await page.keyboard.press('Tab');
  assert.equal(await page.evaluate(() => document.activeElement.id), 'text');
  await page.keyboard.down('Control'); await page.keyboard.press('A'); await page.keyboard.up('Control');
  await page.keyboard.type('the plot is dull');
  await page.keyboard.down('Control'); await page.keyboard.press('Enter'); await page.keyboard.up('Control');
  await answered(page, 1);
  await page.focus('#answers .glance button:last-child');
  await page.keyboard.press('Enter');
  await page.focus('#answers .tokens button:nth-child(2)');
  assert.match(await page.$eval('#answers [aria-live]', e => e.textContent), /^Layer 0, head \d+: .*%/);
  await page.$eval('#text', e => { e.value = ' '; });
  await page.click('#go');
  await page.waitForFunction(() => document.querySelector('#state').className === 'error');
  assert.match(await state(page), /a text with a word in it/);
  assert.equal(await page.evaluate(() => document.querySelector('#state').getAttribute('role')), 'status');
  console.log('keyboard, and an error in words: passed');

  writeFileSync(folder + '/reviews.csv', 'id,review\n1,"a lovely, lovely film"\n2,dull\n');
  await (await page.$('#csv')).uploadFile(folder + '/reviews.csv');
  await page.type('#column', 'review');
  const client = await page.createCDPSession();
  await client.send('Browser.setDownloadBehavior', {behavior: 'allow', downloadPath: folder});
  await page.click('#send');
  await page.waitForSelector('#file-state a');
  await page.click('#file-state a');
  for (let i = 0; i < 50 && !readdirSync(folder).includes('reviews-labelled.csv'); ++i) await new Promise(r => setTimeout(r, 100));
  const rows = readFileSync(folder + '/reviews-labelled.csv', 'utf8').split('\r\n');
  assert.equal(rows[0], 'id,review,label,score');
  assert.match(rows[1], /^1,"a lovely, lovely film",(negative|neutral|positive),0\.\d{4}$/);
  console.log('a file comes back with labels: passed');
}
await quit(url, line => /status of 422/.test(line));  // the browser's own line of the error above
console.log('browser: passed');
