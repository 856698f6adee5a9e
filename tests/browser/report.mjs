// A report opened from the disk: narrow and wide, light and dark, printed. Nothing is asked of anybody, no message on
// the console, nothing serious to axe, by keyboard all that is wide.
import assert from 'node:assert/strict';
import {execSync} from 'node:child_process';
import {mkdtempSync, readFileSync, statSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {createRequire} from 'node:module';
import {pathToFileURL} from 'node:url';
import puppeteer from 'puppeteer-core';

const url = pathToFileURL(process.argv[2]).href, folder = mkdtempSync(tmpdir() + '/attune-report-');
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const browser = await puppeteer.launch({executablePath: execSync('command -v chromium', {shell: '/bin/sh'}).toString().trim(), args: ['--no-sandbox']});
const said = [], asked = [];
assert.ok(statSync(process.argv[2]).size <= 1000000);

for (const [width, scheme] of [[360, 'light'], [1280, 'dark'], [1280, 'light']]) {
  const page = await browser.newPage();
  page.on('console', m => said.push(m.text()));
  page.on('pageerror', e => said.push(String(e)));
  page.on('request', r => asked.push(r.url()));
  await page.setViewport({width, height: 900});
  await page.emulateMediaFeatures([{name: 'prefers-color-scheme', value: scheme}]);
  await page.goto(url, {waitUntil: 'networkidle0'});
  const wide = await page.evaluate(() => document.documentElement.scrollWidth);
  assert.ok(wide <= width, `${wide} pixels in a window of ${width}`);
  assert.ok(await page.$$eval('figure svg polyline', e => e.length) >= 8, 'curves of two runs');
  assert.equal(await page.$$eval('section h2', e => e.filter(h => /^Compared with/.test(h.textContent)).length), 1);
  assert.equal(await page.$$eval('svg rect.bar', e => e.length > 0), true);
  assert.ok(await page.$$eval('.errors .w', e => e.length) > 20, 'words with their attention');
  assert.deepEqual(await page.$$eval('figure', e => e.filter(f => !f.querySelector('svg[role=img][aria-label]') || !f.querySelector('table')).length), 0);
  for (const open of [false, true]) {  // the tables behind the drawings, too
    if (open) await page.$$eval('details', e => e.forEach(d => { d.open = true; }));
    await page.evaluate(axe);
    const found = await page.evaluate(() => window.axe.run());
    const serious = found.violations.filter(v => v.impact === 'serious' || v.impact === 'critical');
    assert.deepEqual(serious.map(v => `${v.id}: ${v.nodes[0].html}`), [], `${width} ${scheme}`);
  }
  await page.screenshot({path: `${folder}/${width}-${scheme}.png`, fullPage: true});
  await page.close();
}
await browser.close();
assert.deepEqual(said, []);
assert.deepEqual(asked.filter(to => to !== url && !to.startsWith('data:')), []);
console.log('report in a browser: passed; pictures in ' + folder);
