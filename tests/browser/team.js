'use strict';
// Two people run servers together: an organization, an invitation by mail, sign-up by it, a role, a token.

const { journey } = require('./journey.js');
const { Dashboard } = require('./dashboard.js');

journey(async (it) => {
  const { person, other } = it.given;
  const owner = await Dashboard.visitor(it);
  await owner.open('/log-in');
  await owner.logIn(person);
  await owner.open('/organizations');
  await owner.see('organizations');
  await owner.fill('Name of the organization', 'The heron club');
  await owner.press('button', 'Make the organization');
  await owner.heading('The heron club');
  const club = owner.path();
  await owner.fill('Email address', other.email);
  await owner.tick('radio', 'Administrator');
  await owner.press('button', 'Send the invitation');
  await owner.page.getByText('The invitation is on its way.').waitFor();
  await owner.see('organization-invited');

  const guest = await Dashboard.visitor(it);
  await guest.page.goto(await guest.mailed(other.email, '/invitations/'));
  await guest.see('invitation');
  await guest.press('link', 'Sign up');
  await guest.signUp(other);
  // The mail leads back to the invitation.
  await guest.press('link', 'Log in');
  await guest.logIn(other);
  await guest.heading('Join The heron club');
  await guest.see('invitation-join');
  await guest.press('button', 'Join');
  await guest.page.getByText('Welcome! You are in.').waitFor();
  await guest.see('organization-joined');

  await owner.open(club);
  await owner.page.getByText(other.name).first().waitFor();
  await owner.see('organization-members');
  await owner.open(`${club}/tokens`);
  await owner.see('tokens-none');
  await owner.open(`${club}/tokens/new`);
  await owner.see('token-new');
  await owner.fill('What is it for?', 'nightly export');
  await owner.tick('checkbox', /Start a copy/);
  await owner.press('button', 'Make the token');
  const token = await owner.page.locator('main code, main .copy').first().innerText();
  await owner.see('token-made');
  for (const [where, name] of [[`${club}/tokens`, 'tokens'], [`${club}/log`, 'log'], ['/account', 'account'],
    ['/account/password', 'account-password'], ['/account/email', 'account-email'], ['/account/delete', 'account-delete'],
    ['/imprint', 'imprint'], ['/privacy', 'privacy'], ['/terms', 'terms'], ['/processing', 'processing'],
    ['/forgot', 'forgot'], [`${club}/hand-over`, 'hand-over'], [`${club}/delete`, 'organization-delete']]) {
    await owner.open(where);
    await owner.see(name);
  }
  return { token, session: await owner.secret() };
});
