'use strict';
// Taking everything away: a bundle is made, its key is asked for, a script that fetches it is given out.

const { journey } = require('./journey.js');
const { Dashboard } = require('./dashboard.js');

journey(async (it) => {
  const { person, server } = it.given;
  const one = await Dashboard.visitor(it);
  const { page } = one;
  await one.open('/log-in');
  await one.logIn(person);
  await one.open(`${server}/exports`);
  await one.see('exports');
  await one.press('button', 'Make a bundle now');
  await one.see('export-running');
  await one.until('the bundle is there', page.locator('#live-export .mark.there'));
  const bundle = one.path();
  await one.see('export-there');

  await one.press('button', 'Begin the download');
  await one.see('export-files');
  await one.press('button', 'Ask for the key');
  await one.until('the key is here', page.getByText('The key is here.'));
  await one.press('button', 'Show the key');
  const key = await page.locator('pre.secret').innerText();
  await one.see('export-key');
  await one.open(bundle);
  const script = await one.save('button', /Get a script/, 'fetch.sh');
  const manifest = await one.save('link', 'manifest.json', 'manifest.json');
  await one.open(`${server}/exports`);
  await one.see('exports-some');
  return { key, secret: /SECRET='([^']+)'/.exec(script)[1], parts: JSON.parse(manifest).segments.length, session: await one.secret() };
});
