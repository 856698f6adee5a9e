// The pages that `explain` writes, from the disk: drawn, read by axe, and nobody else is asked.
import assert from 'node:assert/strict';
import {execSync} from 'node:child_process';
import {readFileSync} from 'node:fs';
import {createRequire} from 'node:module';
import puppeteer from 'puppeteer-core';

const folder = process.argv[2];
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const browser = await puppeteer.launch({executablePath: execSync('command -v chromium', {shell: '/bin/sh'}).toString().trim(), args: ['--no-sandbox']});
const said = [], asked = [];
for (const [name, width, scheme] of [['why', 360, 'light'], ['why', 1280, 'dark'], ['patch', 360, 'dark']]) {
  const page = await browser.newPage();
  page.on('console', m => said.push(m.text()));
  page.on('pageerror', e => said.push(String(e)));
  page.on('request', r => asked.push(r.url()));
  await page.setViewport({width, height: 900});
  await page.emulateMediaFeatures([{name: 'prefers-color-scheme', value: scheme}]);
  await page.goto(`file://${folder}/${name}.html`, {waitUntil: 'load'});
  if (name === 'why') {
    assert.equal(await page.$$eval('.words', e => e.length), 6);  // methods
    assert.ok(await page.$$eval('.glance button', e => e.length) >= 1);
    await page.click('summary');
  } else {
    assert.equal(await page.$$eval('table', e => e.length), 8);  // four components, both directions
  }
  const wide = await page.evaluate(() => document.documentElement.scrollWidth);
  assert.ok(wide <= width, `${wide} pixels in a window of ${width}`);
  // Past the page's own rules, which let no script in from outside.
  const client = await page.createCDPSession();
  await client.send('Runtime.evaluate', {expression: axe});
  const found = await page.evaluate(() => window.axe.run());
  const serious = found.violations.filter(v => v.impact === 'serious' || v.impact === 'critical');
  assert.deepEqual(serious.map(v => `${v.id}: ${v.nodes[0].html}`), [], `${name} ${width} ${scheme}`);
  await page.close();
}
await browser.close();
assert.deepEqual(said, []);
assert.deepEqual(asked.filter(to => !to.startsWith('file://' + folder) && !to.startsWith('data:')), []);
console.log('explain: its pages passed');
