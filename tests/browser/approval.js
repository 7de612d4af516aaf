'use strict';
// Somebody orders what one of staff looks at first. Staff log in with a second factor and let one order go ahead; the other they
// decline, and its orderer reads why. Staff's pages are looked at on the way, with something on them.

const { journey } = require('./journey.js');
const { Dashboard } = require('./dashboard.js');
const { Desk } = require('./desk.js');

const REASON = 'We do not host shops for fireworks.';

journey(async (it) => {
  const one = await Dashboard.visitor(it);
  await one.logIn(it.given.person);
  await one.order('heron');
  await one.page.getByText('Being looked at').waitFor();
  await one.page.getByText('One of us looks at each order before it begins').waitFor();
  await one.see('order-waits');
  const other = await Dashboard.visitor(it);
  await other.logIn(it.given.other);
  await other.order('rockets');
  await other.page.getByText('Being looked at').waitFor();

  const staff = await Desk.visitor(it);
  await staff.logIn(it.given.clerk);
  await staff.page.getByText('2 orders wait for us').first().waitFor();
  await staff.see('staff-home');
  await staff.press('link', /2 orders wait for us/);
  await staff.see('staff-orders');
  await staff.press('link', 'rockets.servers.example');
  await staff.see('staff-order');
  await staff.fill('Why', REASON);
  await staff.press('button', 'Decline');
  await staff.page.getByText('The order is declined; its place and its name are free.').waitFor();
  await other.page.getByText(REASON).waitFor();
  await other.good('Declined');
  await other.see('order-declined');

  await staff.open('/orders?state=approval');
  await staff.press('link', 'heron.servers.example');
  await staff.press('button', 'Approve');
  await staff.page.getByText('The order goes ahead; the server is being set up.').waitFor();
  await staff.see('staff-order-approved');
  await one.page.getByText('Your server is ready.', { exact: true }).waitFor();
  await one.see('order-ready');

  for (const part of ['waitlist', 'organizations', 'instances', 'holds', 'reports', 'operations', 'cells', 'audit']) {
    await staff.open(`/${part}`);
    await staff.see(`staff-${part}`);
  }
  for (const [list, name] of [['organizations', 'jo'], ['instances', 'heron.servers.example'], ['operations', 'Setting up']]) {
    await staff.open(`/${list}`);
    await staff.press('link', name);
    await staff.see(`staff-${list}-one`);
  }
  return null;
});
