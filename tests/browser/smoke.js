'use strict';
// Whether journeys can be made at all: a page is opened, a button pressed by mouse and by keyboard, axe looks at it.

const { journey } = require('./journey.js');

journey(async (it) => {
  const { url } = it.given;
  it.step('opening the page');
  const page = await it.visitor();
  await page.goto(url);
  const button = page.getByRole('button', { name: 'Feed' });
  await button.click();
  await page.getByRole('status').filter({ hasText: 'fed 1' }).waitFor();
  await it.reach(page, button);
  await page.keyboard.press('Enter');
  const status = await page.getByRole('status').filter({ hasText: 'fed 2' }).innerText();
  await it.look(page, 'nest');
  await it.picture(page, 'nest');

  it.step('again without script, in the dark');
  const plain = await it.visitor({ script: false, scheme: 'dark', locale: 'de-DE', width: 320 });
  await plain.goto(url);
  const bare = await plain.getByRole('status').innerText();
  await it.picture(plain, 'nest-plain');
  if (it.given.miss) await plain.getByText('not there').click({ timeout: it.given.miss });
  return { status, bare };
});
