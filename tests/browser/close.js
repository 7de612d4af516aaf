'use strict';
// The owner closes a server, having read what that means, and takes it back.

const { journey } = require('./journey.js');
const { Dashboard } = require('./dashboard.js');

journey(async (it) => {
  const { person, server, host } = it.given;
  const one = await Dashboard.visitor(it);
  const { page } = one;
  await one.open('/log-in');
  await one.logIn(person);
  await one.open(`${server}/settings`);
  await one.press('link', 'See what closing means');
  await one.see('close');
  await one.fill('Name of the server', host);
  await one.press('button', 'Close it');
  await page.getByRole('button', { name: 'Open it again' }).waitFor();
  await one.until('the last bundle is made', page.locator('#live-work .past .mark.succeeded').first());
  await one.good('Closed');
  await one.see('closed');
  const title = await page.locator('#live-badge').innerText();
  await one.open(`${server}/exports`);
  await one.until('the last bundle is there', page.locator('#live-exports .mark.there'));
  await one.see('closed-exports');
  await one.open(server);
  await one.press('button', 'Open it again');
  await one.good('Running');
  await one.see('reopened');
  return { title };
});
