'use strict';
// One of staff at their pages.

const { Dashboard } = require('./dashboard.js');

class Desk extends Dashboard {
  static async visitor(it) {
    const page = await it.visitor();
    return new Desk(it, page, { ...it.given, url: it.given.staff });
  }

  /** Logs in, with the code that their authenticator app shows. */
  async logIn({ email, password, code }) {
    await this.open('/');
    await this.see('staff-log-in');
    await this.fill('Email address', email);
    await this.fill('Password', password);
    await this.fill('Code from your authenticator app', code);
    await this.press('button', 'Log in');
    await this.heading('What needs attention');
  }
}

module.exports = { Desk };
