'use strict';
// The first journey of somebody whose browser asks for German. The words of each page are returned.

const { journey } = require('./journey.js');
const { Dashboard } = require('./dashboard.js');

journey(async (it) => {
  const { person, label, host } = it.given;
  it.expect(/status of 422/);
  const page = await it.visitor({ locale: 'de-DE' });
  const one = new Dashboard(it, page, it.given);
  const pages = {};
  const look = async (name) => {
    await one.glance(`de-${name}`);
    pages[name] = await page.content();
  };
  await one.open('/');
  await look('start');
  await one.press('link', 'Server holen');
  await look('sign-up');
  await one.fill('E-Mail-Adresse', person.email);
  await one.fill('Dein Name', person.name);
  await one.fill('Wähle ein Passwort', person.password);
  await one.tick('checkbox', /Ich stimme/);
  await one.press('button', 'Konto anlegen');
  await one.heading('Sieh in deine Mails');
  await look('sign-up-done');
  await page.goto(await one.mailed(person.email, '/confirm/'));
  await look('confirm');
  await one.press('button', 'Meine Adresse bestätigen');
  await one.open('/log-in');
  await look('log-in');
  await one.fill('E-Mail-Adresse', person.email);
  await one.fill('Passwort', 'not this one');
  await one.press('button', 'Anmelden');
  await look('log-in-wrong');
  await one.fill('E-Mail-Adresse', person.email);
  await one.fill('Passwort', person.password);
  await one.press('button', 'Anmelden');
  await look('servers-none');
  await one.open('/order');
  await look('order');
  await one.fill('Name', label);
  await one.press('button', 'Ist er frei?');
  await look('order-free');
  // The words of the button follow the offer that is chosen.
  const words = async () => page.getByRole('button', { name: /bestellen$/ }).innerText();
  await one.tick('radio', /Groß/);
  const paid = await words();
  await look('order-paid');
  await one.tick('radio', /Klein/);
  const free = await words();
  await one.fill('Kontoname', 'reiher');
  await one.fill('E-Mail-Adresse', person.email);
  await one.tick('checkbox', /Ich habe den Preis/);
  await one.press('button', free);
  await one.heading(host);
  await look('order-live');
  await page.getByText('Dein Server ist bereit.', { exact: true }).waitFor();
  await look('order-done');
  await one.press('link', 'Zu deinem Server');
  const server = one.path();
  await look('server');
  for (const part of ['guide', 'users', 'exports', 'settings', 'history', 'login', 'close']) {
    await one.open(`${server}/${part}`);
    await look(`server-${part}`);
  }
  for (const part of ['account', 'organizations', 'privacy', 'terms', 'processing', 'imprint', 'abuse']) {
    await one.open(`/${part}`);
    await look(part);
  }
  return { pages, paid, free };
});
