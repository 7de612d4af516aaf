'use strict';
// Somebody comes for the first time and goes away with a server: sign-up, mail, order, live steps, log-in shown once.

const { journey } = require('./journey.js');
const { Dashboard } = require('./dashboard.js');

journey(async (it) => {
  const { person, label, handle, zone } = it.given;
  const one = await Dashboard.visitor(it);
  const { page } = one;

  await one.open('/');
  await one.see('start');
  await one.press('link', 'Get your server');
  await one.signUp(person);
  await page.getByRole('status').filter({ hasText: 'Your address is confirmed' }).waitFor();
  await one.logIn(person);
  await page.getByRole('heading', { name: 'No server yet' }).waitFor();
  await one.see('servers-none');

  await one.press('link', 'Order a server');
  await one.see('order');
  await one.tick('radio', /Small/);
  await one.fill('Name', label);
  await one.press('button', 'Is it free?');
  await page.getByText('This name is free.').waitFor();
  await one.see('order-free');
  await one.fill('Account name', handle);
  await one.fill('Mail address', person.email);
  await one.tick('checkbox', /I have read/);
  await one.press('button', /^Order with/);
  await one.heading(`${label}.${zone}`);
  // A mark that a newly loaded page would not have.
  if (!one.plain) await page.evaluate(() => { window.untouched = true; });
  await one.see('order-live');
  const shown = page.locator('.stages li');
  const steps = await shown.count();
  await one.until('the order is done', page.getByText('Your server is ready.', { exact: true }));
  const untouched = one.plain || (await page.evaluate(() => window.untouched === true));
  await one.see('order-done');

  await one.press('link', 'To your server');
  const server = one.path();
  await one.see('server');
  await one.press('link', 'See your log-in');
  await one.see('login');
  await one.press('button', 'Show it now');
  const password = await page.locator('code.password').innerText();
  await one.see('login-shown');
  await one.press('link', /What now/);
  await one.see('guide');
  await one.open(`${server}/login`);
  await page.getByText('It was shown, and is gone.').waitFor();
  await one.see('login-gone');
  for (const part of ['history', 'users', 'settings']) {
    await one.open(`${server}/${part}`);
    await one.see(`server-${part}`);
  }
  await one.open('/');
  await one.see('servers');

  const weights = {};
  if (!one.plain) for (const where of ['/', server, '/order', `${server}/exports`]) weights[where] = await one.weigh(where);
  return { server, password, steps, untouched, session: await one.secret(), weights };
});
