'use strict';
// Somebody who is no customer reports abuse. Staff read it, stop the server for a reason that its owner reads, answer by mail, and
// let the server go again.

const { journey } = require('./journey.js');
const { Dashboard } = require('./dashboard.js');
const { Desk } = require('./desk.js');

const REASON = 'Advertisements for pills were sent to people who never asked.';
const ANSWER = 'Thank you. We have stopped the server and talk to its owner.';

journey(async (it) => {
  const { person, server, host, reporter } = it.given;
  const stranger = await Dashboard.visitor(it);
  await stranger.open('/abuse');
  await stranger.see('abuse');
  await stranger.fill('Server', `https://${host}/spam`);
  await stranger.tick('radio', 'Unwanted messages');
  await stranger.fill('What is wrong?', 'Pills, every hour.\n\nFrom many accounts.');
  await stranger.fill('Email address', reporter);
  await stranger.press('button', 'Send the report');
  await stranger.heading('Thank you');
  await stranger.see('abuse-done');

  const owner = await Dashboard.visitor(it);
  await owner.logIn(person);
  await owner.open(server);
  await owner.good('Running');

  const staff = await Desk.visitor(it);
  await staff.logIn(it.given.clerk);
  await staff.press('link', /A report of abuse waits for a decision/);
  await staff.see('staff-reports-open');
  await staff.press('link', host);
  await staff.see('staff-report');
  await staff.fill('Mail to who reported', ANSWER);
  await staff.fill('Why', REASON);
  await staff.press('button', 'Stop it and close the report');
  await staff.page.getByText('server stopped').first().waitFor();
  await staff.see('staff-report-closed');

  await owner.good('Suspended');
  await owner.page.getByText(REASON).first().waitFor();
  await owner.see('server-held');
  const resumes = await owner.page.getByRole('button', { name: 'Start it again' }).count();

  await staff.open('/holds');
  await staff.see('staff-holds-one');
  await staff.press('link', 'By us');
  await staff.see('staff-hold');
  await staff.fill('Why, for us only (may stay empty)', 'The owner removed the accounts.');
  await staff.press('button', 'Lift this hold');
  await staff.page.getByText('The hold is lifted.').waitFor();
  await owner.good('Running');
  return { resumes, reason: REASON, answer: ANSWER };
});
