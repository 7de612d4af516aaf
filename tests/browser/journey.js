'use strict';
// What all journeys share: a browser, the people in it, pictures, and what axe finds. A journey is a file
// `module.exports = journey(async (it) => { … return result; })` that `lab::browser` runs: one line of JSON comes in by
// standard input, one goes out by standard output, steps are told on standard error.

const fs = require('node:fs');
const path = require('node:path');
const readline = require('node:readline');
const { chromium } = require('playwright-core');

const AXE = fs.readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');
const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
/** How long one action may wait for its element. A deadline, not a measure. */
const PATIENCE = 30_000;
/** Tab is pressed at most so often to reach something. */
const FAR = 200;

class Journey {
  constructor(config, browser) {
    this.given = config.given;
    this.config = config;
    this.browser = browser;
    this.seen = { findings: [], console: [], failed: [], foreign: [] };
    this.expected = [];
  }

  /** Takes messages in the console that look so for what they should be: the browser complains of each 503. */
  expect(pattern) {
    this.expected.push(pattern);
  }

  /** Says what happens next; the last one is told when the journey fails or hangs. */
  step(what) {
    process.stderr.write(`${what}\n`);
  }

  /** A person with a browser of their own: no cookies yet. Returns the page in front of them. */
  async visitor({ script = true, scheme = 'light', locale = 'en-GB', width = 1280, height = 900 } = {}) {
    const context = await this.browser.newContext({
      javaScriptEnabled: script,
      colorScheme: scheme,
      locale,
      viewport: { width, height },
      reducedMotion: 'reduce',
      acceptDownloads: true,
    });
    context.setDefaultTimeout(PATIENCE);
    context.on('request', (request) => {
      const url = new URL(request.url());
      const own = this.config.own.some((host) => url.hostname === host || url.hostname.endsWith(`.${host}`));
      if (/^(http|ws)s?:$/.test(url.protocol) && !own) this.seen.foreign.push(request.url());
    });
    context.on('requestfailed', (request) => {
      const why = request.failure()?.errorText ?? '';
      // Somebody who goes on to the next page cuts off what the last one was still asking for.
      if (why !== 'net::ERR_ABORTED') this.seen.failed.push(`${request.method()} ${request.url()}: ${why}`);
    });
    context.on('console', (message) => {
      const expected = this.expected.some((pattern) => pattern.test(message.text()));
      if (['error', 'warning'].includes(message.type()) && !expected) {
        this.seen.console.push(`${message.page()?.url()}: ${message.text()}`);
      }
    });
    context.on('weberror', (error) => this.seen.console.push(`${error.page()?.url()}: ${error.error()}`));
    return context.newPage();
  }

  /** Takes a picture of the whole page. */
  async picture(page, name) {
    const file = path.join(this.config.pictures, `${name}.png`);
    await page.screenshot({ path: file, fullPage: true, animations: 'disabled' });
  }

  /** Has axe look at the page in light and dark. What it finds is in the outcome, under `name`. */
  async look(page, name) {
    for (const scheme of ['light', 'dark']) {
      await page.emulateMedia({ colorScheme: scheme });
      await page.evaluate(AXE);
      const found = await page.evaluate((rules) => window.axe.run(document, { runOnly: rules }), RULES);
      for (const { id, impact, help, nodes } of found.violations) {
        const places = nodes.map((node) => `${node.target.join(' ')}: ${node.failureSummary}`);
        this.seen.findings.push({ page: name, scheme, rule: id, impact, help, places });
      }
    }
    await page.emulateMedia({ colorScheme: null });
  }

  /** Goes to an element by the Tab key alone. Fails when Tab does not get there. */
  async reach(page, locator) {
    const target = await locator.elementHandle();
    for (let presses = 0; presses < FAR; presses += 1) {
      if (await target.evaluate((element) => element === document.activeElement)) return;
      await page.keyboard.press('Tab');
    }
    throw new Error(`Tab does not reach ${locator}`);
  }

  /** What can be told of a journey that failed. */
  async wreck(error) {
    const pages = this.browser?.contexts().flatMap((context) => context.pages()) ?? [];
    const told = [];
    for (const [index, page] of pages.entries()) {
      try {
        await this.picture(page, `failed-${index + 1}`);
        told.push({ url: page.url(), text: (await page.locator('body').innerText({ timeout: 2000 })).slice(0, 2000) });
      } catch (second) {
        told.push({ url: page.url(), text: String(second) });
      }
    }
    // Playwright colours its words.
    const words = (error?.stack ?? String(error)).replaceAll(/\u001b\[\d+m/g, '');
    return { error: words, pages: told, ...this.seen };
  }
}

async function run(config, work) {
  const it = new Journey(config, undefined);
  try {
    it.browser = await chromium.launch({ executablePath: config.chromium, args: config.args });
    const result = (await work(it)) ?? null;
    return { result, ...it.seen };
  } catch (error) {
    // Before the browser is closed.
    return await it.wreck(error);
  } finally {
    await it.browser?.close();
  }
}

/** Runs a journey when its file is started. */
module.exports.journey = function journey(work) {
  const input = readline.createInterface({ input: process.stdin });
  // Whoever started us keeps the pipe open as long as they live; the browser goes with us.
  input.on('close', () => process.exit(1));
  input.once('line', async (line) => {
    const outcome = await run(JSON.parse(line), work);
    process.stdout.write(`${JSON.stringify(outcome)}\n`, () => process.exit(0));
  });
};
