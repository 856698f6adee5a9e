// The pages that `explain` writes, from the disk: drawn, read by axe, and nobody else is asked.
import assert from 'node:assert/strict';
import {close_sound, open, quit} from './browser.mjs';

const folder = process.argv[2];
for (const [name, width, scheme] of [['why', 360, 'light'], ['why', 1280, 'dark'], ['patch', 360, 'dark']]) {
  const page = await open(`file://${folder}/${name}.html`, width, scheme, {waitUntil: 'load'});
  if (name === 'why') {
    assert.equal(await page.$$eval('.words', e => e.length), 6);  // methods
    assert.ok(await page.$$eval('.glance button', e => e.length) >= 1);
    await page.click('summary');
  } else {
    assert.equal(await page.$$eval('table', e => e.length), 8);  // four components, both directions
  }
  await close_sound(page, width, scheme, name);
}
await quit('file://' + folder);
console.log('explain: its pages passed');
