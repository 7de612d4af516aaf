'use strict';
// The owner pauses the server and wakes it up; visitors see the page that says so.

const { journey } = require('./journey.js');
const { Dashboard } = require('./dashboard.js');

journey(async (it) => {
  const { person, server, host } = it.given;
  const one = await Dashboard.visitor(it);
  const { page } = one;
  await one.open('/log-in');
  await one.logIn(person);
  await one.open(server);
  await one.good('Running');
  await one.fill('Why, for the others in your organization (may stay empty)', 'We are moving house.');
  await one.press('button', 'Pause this server');
  await page.getByText('Paused by you').waitFor();
  await page.getByText('We are moving house.').waitFor();
  await one.good('Paused');
  await one.see('paused');

  it.expect(/status of 503/);
  const visitor = await it.visitor({ script: one.given.script !== false });
  const answer = await visitor.goto(`https://${host}/`);
  const stranger = new Dashboard(it, visitor, one.given);
  await stranger.see('holding-page');

  await one.press('button', 'Start it again');
  await one.good('Running');
  await one.see('resumed');
  return { status: answer.status(), retry: answer.headers()['retry-after'] };
});
