'use strict';
// Somebody at the dashboard. With `script: false` they have no script and no mouse: everything is reached by Tab.

const fs = require('node:fs');
const path = require('node:path');

/** How long the slowest step may take: an export on a loaded machine. A deadline, not a measure. */
const LONG = 300_000;
const MAIL = 60_000;

class Dashboard {
  constructor(it, page, given) {
    this.it = it;
    this.page = page;
    this.given = given;
    this.plain = given.script === false;
  }

  /** A person with a browser of their own. */
  static async visitor(it, given = it.given) {
    const page = await it.visitor({ script: given.script !== false });
    return new Dashboard(it, page, given);
  }

  async open(where) {
    await this.page.goto(new URL(where, this.given.url).href);
  }

  /** The path of the page. */
  path() {
    return new URL(this.page.url()).pathname;
  }

  async heading(name) {
    await this.page.getByRole('heading', { name, level: 1 }).waitFor();
  }

  async fill(label, text) {
    const field = this.page.getByRole('main').getByLabel(label, { exact: true });
    if (!this.plain) return field.fill(text);
    await this.it.reach(this.page, field);
    await this.page.keyboard.press('Control+A');
    return this.page.keyboard.type(text);
  }

  /** Ticks a box, or chooses one of several. */
  async tick(role, name) {
    const box = this.page.getByRole(role, { name });
    if (!this.plain) return box.check();
    // Tab comes to one of a group of choices; arrows choose.
    await this.it.reach(this.page, role === 'radio' ? this.page.getByRole(role).first() : box);
    for (let presses = 0; !(await box.isChecked()) && presses < 10; presses += 1) {
      await this.page.keyboard.press(role === 'radio' && presses > 0 ? 'ArrowDown' : 'Space');
    }
    if (!(await box.isChecked())) throw new Error(`${role} ${name} cannot be chosen by keyboard`);
    return undefined;
  }

  /** Presses a button or follows a link of the page itself, and waits until the next page is there. */
  async press(role, name) {
    this.it.step(`pressing «${name}»`);
    const target = this.page.getByRole('main').getByRole(role, { name, exact: typeof name === 'string' }).first();
    await target.waitFor();
    if (this.plain) await this.it.reach(this.page, target);
    const next = this.page.waitForNavigation();
    await (this.plain ? this.page.keyboard.press('Enter') : target.click());
    await next;
  }

  /** Waits until something is on the page. With script it comes by itself; without, the page is loaded again. */
  async until(what, locator) {
    this.it.step(`waiting: ${what}`);
    if (!this.plain) return locator.first().waitFor({ timeout: LONG });
    const end = Date.now() + LONG;
    while (!(await locator.first().isVisible())) {
      if (Date.now() > end) throw new Error(`${what}: not so; the page says ${await this.page.innerText('main')}`);
      await this.page.waitForTimeout(500);
      await this.page.reload();
    }
    return undefined;
  }

  /** The server's standing is good. */
  async good(title) {
    await this.until(`the server is «${title}»`, this.page.locator('#live-badge', { hasText: title }));
  }

  /** Pictures, wide and narrow, light and dark; with script, axe looks too. */
  async see(name) {
    const { it, page, plain } = this;
    if (plain) return;
    await it.look(page, name);
    const wide = page.viewportSize();
    for (const width of [wide.width, 320]) {
      await page.setViewportSize({ width, height: wide.height });
      await this.fits(name, width);
      for (const scheme of ['light', 'dark']) {
        await page.emulateMedia({ colorScheme: scheme });
        await it.picture(page, `${name}-${width}-${scheme}`);
      }
    }
    await page.emulateMedia({ colorScheme: null });
    await page.setViewportSize(wide);
  }

  /** A narrow picture, where the most can go wrong; with script, axe looks too. For pages that others take all pictures of. */
  async glance(name) {
    const { it, page, plain } = this;
    if (plain) return;
    await it.look(page, name);
    const wide = page.viewportSize();
    await page.setViewportSize({ width: 320, height: wide.height });
    await this.fits(name, 320);
    await it.picture(page, `${name}-320`);
    await page.setViewportSize(wide);
  }

  /** Whether nothing is wider than the window. */
  async fits(name, width) {
    const over = await this.page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    if (over > 0) this.it.seen.console.push(`${name} is ${over} px wider than a window of ${width}`);
  }

  /** The newest link in somebody's mails whose path begins so. */
  async mailed(to, beginning) {
    this.it.step(`waiting for a mail to ${to}`);
    const { mails, url } = this.given;
    const end = Date.now() + MAIL;
    const start = new URL(beginning, url).href;
    for (;;) {
      const found = await (await fetch(`${mails}search?query=${encodeURIComponent(`to:"${to}"`)}`)).json();
      for (const { ID } of found.messages) {
        const { Text } = await (await fetch(`${mails}message/${ID}`)).json();
        const link = Text.split(/\s+/).find((word) => word.startsWith(start));
        if (link) return link;
      }
      if (Date.now() > end) throw new Error(`no mail to ${to} with ${start}`);
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }

  /** From the form of sign-up, which is open, to being logged in. */
  async signUp({ email, name, password }) {
    await this.see('sign-up');
    await this.fill('Email address', email);
    await this.fill('Your name', name);
    await this.fill('Choose a password', password);
    await this.tick('checkbox', /I agree/);
    await this.press('button', 'Sign up');
    await this.heading('Look into your mail');
    await this.see('sign-up-done');
    await this.page.goto(await this.mailed(email, '/confirm/'));
    await this.see('confirm');
    await this.press('button', 'Confirm my address');
  }

  /** Orders the first offer that there is, under a name; the page of the order is in front then. */
  async order(label) {
    await this.open('/order');
    await this.page.getByRole('radio').first().check();
    await this.fill('Name', label);
    await this.fill('Account name', 'owner');
    await this.tick('checkbox', /I have read/);
    await this.press('button', /^Order with/);
    await this.page.getByRole('heading', { name: label, level: 1 }).waitFor();
  }

  /** Logs in on the page of log-in, which is opened if it is not. */
  async logIn({ email, password }) {
    if (this.path() !== '/log-in') await this.open('/log-in');
    await this.see('log-in');
    await this.fill('Email address', email);
    await this.fill('Password', password);
    await this.press('button', 'Log in');
  }

  /** Saves what a button gives out, under a name in the folder of this journey. */
  async save(role, name, file) {
    const target = this.page.getByRole('main').getByRole(role, { name });
    const given = this.page.waitForEvent('download');
    if (this.plain) {
      await this.it.reach(this.page, target);
      await this.page.keyboard.press('Enter');
    } else {
      await target.click();
    }
    const download = await given;
    await download.saveAs(path.join(this.given.folder, file));
    return fs.readFileSync(path.join(this.given.folder, file), 'utf8');
  }

  /** The session's secret. */
  async secret() {
    const cookies = await this.page.context().cookies();
    if (cookies.length !== 1) throw new Error(`not one cookie but ${cookies.map((one) => one.name)}`);
    return cookies[0].value;
  }

  /** Opens a page in a browser that has nothing of it yet; how many bytes came, and in how many answers. */
  async weigh(where) {
    const state = await this.page.context().storageState();
    const page = await this.it.visitor({});
    await page.context().addCookies(state.cookies);
    const asked = [];
    page.on('requestfinished', (request) => asked.push(request));
    await page.goto(new URL(where, this.given.url).href, { waitUntil: 'load' });
    let bytes = 0;
    for (const request of asked) {
      const sizes = await request.sizes();
      bytes += sizes.responseBodySize + sizes.responseHeadersSize;
    }
    await page.context().close();
    return { bytes, answers: asked.length };
  }
}

module.exports = { Dashboard };
