'use strict';
// The host has stopped the server: its owner reads why, and cannot lift it.

const { journey } = require('./journey.js');
const { Dashboard } = require('./dashboard.js');

journey(async (it) => {
  const { person, server, reason, held } = it.given;
  const one = await Dashboard.visitor(it);
  const { page } = one;
  await one.open('/log-in');
  await one.logIn(person);
  await one.open(server);
  if (!held) {
    await one.good('Running');
    return { reasons: await page.getByText(reason).count() };
  }
  await page.getByText('Stopped by us').waitFor();
  await page.getByText(reason).first().waitFor();
  await one.see('held');
  return { buttons: await page.getByRole('button', { name: 'Start it again' }).count() };
});
