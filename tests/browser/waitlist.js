'use strict';
// There is no room: an order waits and says where. Staff give more room; the place is offered for 72 hours, and taken.

const { journey } = require('./journey.js');
const { Dashboard } = require('./dashboard.js');
const { Desk } = require('./desk.js');

journey(async (it) => {
  const one = await Dashboard.visitor(it);
  await one.logIn(it.given.person);
  await one.open('/order');
  await one.page.getByText('Full: you join the waitlist').first().waitFor();
  await one.see('order-full');
  await one.order('nests');
  await one.page.getByText('Waiting for a place').waitFor();
  await one.page.getByText('You are next.').waitFor();
  await one.see('order-waitlisted');

  const staff = await Desk.visitor(it);
  await staff.logIn(it.given.clerk);
  await staff.press('link', /Somebody waits for a place/);
  await staff.page.getByText('nests.servers.example').waitFor();
  await staff.see('staff-waitlist-one');
  await staff.open('/cells');
  const places = staff.page.getByLabel('Places for small in one');
  await places.fill('2');
  const saved = staff.page.waitForNavigation();
  await places.press('Enter');
  await saved;

  // The page of the order says so by itself.
  await one.good('A place is free');
  await one.see('order-offered');
  const until = await one.page.locator('#live-order').innerText();
  await staff.open('/waitlist');
  await staff.page.getByText('Places offered').waitFor();
  await staff.see('staff-waitlist-offered');
  await one.press('button', 'Take the place');
  await one.page.getByText('Your server is ready.', { exact: true }).waitFor();
  await one.see('order-taken');
  return { until };
});
