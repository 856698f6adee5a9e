// A report opened from the disk: narrow and wide, light and dark, printed. Nothing is asked of anybody, no message on
// the console, nothing serious to axe, by keyboard all that is wide.
import assert from 'node:assert/strict';
import {statSync} from 'node:fs';
import {pathToFileURL} from 'node:url';
import {close_sound, nothing_serious, open, quit} from './browser.mjs';

const url = pathToFileURL(process.argv[2]).href;
assert.ok(statSync(process.argv[2]).size <= 1000000);

for (const [width, scheme] of [[360, 'light'], [1280, 'dark'], [1280, 'light']]) {
  const page = await open(url, width, scheme);
  assert.ok(await page.$$eval('figure svg polyline', e => e.length) >= 8, 'curves of two runs');
  assert.equal(await page.$$eval('section h2', e => e.filter(h => /^Compared with/.test(h.textContent)).length), 1);
  assert.equal(await page.$$eval('svg rect.bar', e => e.length > 0), true);
  assert.ok(await page.$$eval('.errors .w', e => e.length) > 20, 'words with their attention');
  assert.deepEqual(await page.$$eval('figure', e => e.filter(f => !f.querySelector('svg[role=img][aria-label]') || !f.querySelector('table')).length), 0);
  await nothing_serious(page, `${width} ${scheme}`);
  await page.$$eval('details', e => e.forEach(d => { d.open = true; }));  // the tables behind the drawings, too
  await close_sound(page, width, scheme);
}
await quit(url);
console.log('report in a browser: passed');
