// What the tests of the pages share: Chromium without a screen, a page of some width in light or dark, and what must hold
// of every page: it fits into the window, axe finds nothing serious, the console is empty, nobody else is asked.
import assert from 'node:assert/strict';
import {execSync} from 'node:child_process';
import {mkdtempSync, readFileSync} from 'node:fs';
import {createRequire} from 'node:module';
import {tmpdir} from 'node:os';
import puppeteer from 'puppeteer-core';

export const folder = mkdtempSync(tmpdir() + '/attune-page-');  // of the pictures
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const chromium = execSync('command -v chromium', {shell: '/bin/sh'}).toString().trim();
const browser = await puppeteer.launch({executablePath: chromium, args: ['--no-sandbox'], protocolTimeout: 600000});
const said = [], asked = [];

export async function open(address, width, scheme, until = {waitUntil: 'networkidle0'}) {
  const page = await browser.newPage();
  page.on('console', m => said.push(m.text()));
  page.on('pageerror', e => said.push(String(e)));
  page.on('request', r => asked.push(r.url()));
  await page.setViewport({width, height: 900});
  await page.emulateMediaFeatures([{name: 'prefers-color-scheme', value: scheme}]);
  await page.goto(address, until);
  return page;
}

export async function nothing_serious(page, what) {
  const client = await page.createCDPSession();  // past the page's own rules, which let no script in from outside
  await client.send('Runtime.evaluate', {expression: axe});
  const found = await page.evaluate(() => window.axe.run());
  const serious = found.violations.filter(v => v.impact === 'serious' || v.impact === 'critical');
  assert.deepEqual(serious.map(v => `${v.id}: ${v.nodes[0].html}`), [], what);
}

// The end of a page that was opened so: a picture of it stays in the folder.
export async function close_sound(page, width, scheme, name = 'page') {
  const wide = await page.evaluate(() => document.documentElement.scrollWidth);
  assert.ok(wide <= width, `${wide} pixels in a window of ${width}`);
  await nothing_serious(page, `${name} ${width} ${scheme}`);
  await page.screenshot({path: `${folder}/${name}-${width}-${scheme}.png`, fullPage: true});
  await page.close();
}

// The end of a test: no line on the console but those that were provoked, and no address but `own`.
export async function quit(own, provoked = line => false) {
  await browser.close();
  assert.deepEqual(said.filter(line => !provoked(line)), []);
  assert.deepEqual(asked.filter(to => ![own, 'blob:' + own, 'data:'].some(start => to.startsWith(start))), []);
  console.log('pictures in ' + folder);
}
