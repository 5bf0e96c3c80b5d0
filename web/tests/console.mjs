// Drives the console in headless Chromium as a person would, and fails where it does not hold up.
//
// usage: node tests/console.mjs ADDRESS TOKEN [FOLDER]   ADDRESS: http://127.0.0.1:8080 of a server
// whose journal has queries, blocked ones among them, and whose feed partners cannot be read. FOLDER:
// also put pictures of every view there, light and dark, desktop and phone. CHROMIUM: the browser, /usr/bin/chromium if unset.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { chromium } from 'playwright-core';

const [address, token, folder] = process.argv.slice(2);
if (!address || !token) {
  console.error('usage: node tests/console.mjs ADDRESS TOKEN [FOLDER]');
  process.exit(2);
}
const kFlags = [
  '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
  '--disable-background-networking', '--disable-component-update', '--disable-sync',
];
const kViews = ['overview', 'live', 'blocked', 'search', 'explain', 'feeds'];

const profile = mkdtempSync(join(tmpdir(), 'postern-console-'));
const complaints = [];

function launch(options) {
  return chromium.launchPersistentContext(profile, {
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    headless: true,
    args: kFlags,
    timeout: 120_000,
    ...options,
  });
}

/** A page that reports whatever the browser complains of: scripts' errors, blocked inline styles. */
async function openPage(context) {
  const page = await context.newPage();
  page.setDefaultTimeout(30_000);
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('request', (request) => {
    if (!request.url().startsWith(address) && !request.url().startsWith('data:')) {
      complaints.push(`asks elsewhere: ${request.url()}`);
    }
  });
  return page;
}

async function go(page, view, query = '') {
  await page.goto(`${address}/#/${view}${query}`);
  await page.getByRole('heading', { level: 1 }).waitFor();
}

async function noSidewaysScroll(page, what) {
  const over = await page.evaluate(
    () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
  );
  assert.ok(over <= 0, `${what} is ${over} px wider than the window`);
}

/** Every control has a name, every input a label, one main, one h1. */
async function accessible(page, what) {
  const bad = await page.evaluate(() => {
    const list = [];
    for (const e of document.querySelectorAll('button, a, input, select')) {
      const label = e.labels?.[0]?.textContent ?? '';
      const name = e.getAttribute('aria-label') ?? (label.trim() || e.textContent.trim() || e.title);
      if (!name) list.push(e.outerHTML.slice(0, 120));
    }
    if (document.querySelectorAll('main').length !== 1) list.push('not exactly one main');
    if (document.querySelectorAll('h1').length !== 1) list.push('not exactly one h1');
    return list;
  });
  assert.deepEqual(bad, [], `${what}: things without a name`);
}

async function signIn(page) {
  await page.goto(address);
  await page.getByLabel('Token').fill('pst_wrong');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByText('that is not the token').waitFor();
  complaints.length = 0; // The browser notes the 401 that was asked for.
  if (folder) await page.screenshot({ path: join(folder, 'sign-in.png') });
  await accessible(page, 'sign-in');
  await page.getByLabel('Token').fill(token);
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'Overview' }).waitFor();
}

async function overview(page) {
  await go(page, 'overview');
  await page.getByRole('slider', { name: 'Queries over time' }).waitFor();
  await page.getByRole('slider').focus();
  await page.keyboard.press('ArrowLeft');
  const reading = await page.getByRole('slider').getAttribute('aria-valuetext');
  assert.match(reading, /queries, [\d,]+ blocked$/);
  await page.getByRole('table').getByText('blocked', { exact: true }).first().waitFor();
}

async function blockedAndWhy(page) {
  await go(page, 'blocked');
  const row = page.locator('tbody tr').first();
  await row.waitFor();
  assert.match(await row.locator('.why').innerText(), /\S/, 'a blocked query says why');
  assert.match(await row.locator('.trace').innerText(), /^[0-9a-z]{8}$/);
  const name = await row.locator('.name').innerText();
  await row.getByRole('button').click();
  await page.getByRole('link', { name: /Explain, then and now/ }).click();
  await page.getByRole('heading', { name: 'Explain' }).waitFor();
  await page.locator('.verdict-line').waitFor();
  assert.ok((await page.locator('.verdict-line').innerText()).includes(name));
  assert.match(await page.locator('.then').innerText(), /it was blocked by/, 'what was decided then');
  assert.ok((await page.locator('.steps li').count()) >= 3, 'there are steps');
}

async function exceptions(page) {
  await go(page, 'explain', '?name=ads.example&client=127.0.0.1');
  const form = page.getByRole('form', { name: 'Make an exception' });
  await form.getByLabel('How long').selectOption('1d');
  await form.getByLabel('Reason').fill('a test of the console');
  await form.getByRole('button', { name: 'Allow' }).click();
  await page.locator('.verdict-card.allowed').waitFor();
  assert.match(await page.locator('.verdict-card').innerText(), /a test of the console/);
  await page.getByRole('button', { name: 'Remove the exception for ads.example' }).click();
  await page.locator('.verdict-card.blocked').waitFor();
}

async function search(page) {
  await go(page, 'search');
  const shown = await page.locator('tbody .name').first().innerText();
  await page.getByLabel('Name contains').fill(shown.slice(0, 5));
  await page.keyboard.press('Enter');
  await page.waitForURL(/name=/);
  await page.locator('section[aria-busy=false]').waitFor();
  for (const name of await page.locator('tbody .name').allInnerTexts()) {
    assert.ok(name.includes(shown.slice(0, 5)), `${name} was not searched for`);
  }
  await go(page, 'search', '?client=nonsense');
  await page.getByRole('alert').getByText('nonsense').waitFor();
  complaints.length = 0; // The 400 that was asked for.
}

async function live(page) {
  await go(page, 'live');
  await page.getByText(/seen/).waitFor();
  await page.locator('tbody tr').first().waitFor();
  await page.getByRole('button', { name: 'Pause' }).click();
  const before = await page.locator('tbody').innerText();
  await page.getByText(/waiting/).waitFor();
  assert.equal(await page.locator('tbody').innerText(), before, 'paused means paused');
  await page.getByRole('button', { name: 'Go on' }).click();
  await page.getByLabel('Blocked only').check();
  await page.locator('tbody tr').first().waitFor();
  for (const verdict of await page.locator('.verdict-cell').allInnerTexts()) {
    assert.equal(verdict, 'blocked');
  }
}

async function feeds(page) {
  await go(page, 'feeds');
  const first = page.locator('li.feed').first();
  await first.waitFor();
  await first.getByRole('button', { name: /^Update/ }).click();
  await page.getByRole('status').getByText('is being fetched').waitFor();
  await page.getByRole('button', { name: 'Reload configuration' }).click();
  await page.getByRole('status').getByText('Not readable: partners').waitFor();
}

async function colours(page) {
  const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const kGround = { light: 'rgb(244, 246, 249)', dark: 'rgb(14, 18, 24)' };
  const button = page.getByRole('button', { name: /^Colours/ });
  for (const wish of ['dark', 'light']) {
    await page.emulateMedia({ colorScheme: wish });
    assert.equal(await ground(), kGround[wish], 'as the system wishes');
    for (const choice of ['dark', 'light']) {
      await button.click();
      assert.equal(await ground(), kGround[choice], 'as the person wishes');
    }
    await button.click();
    assert.equal(await ground(), kGround[wish], 'as the system wishes again');
  }
}

async function pictures(page, size) {
  for (const scheme of ['light', 'dark']) {
    await page.emulateMedia({ colorScheme: scheme });
    for (const view of kViews) {
      await go(page, view, view === 'explain' && page.explained ? page.explained : '');
      await page.waitForTimeout(1200);
      await page.screenshot({ path: join(folder, `${size}-${scheme}-${view}.png`), fullPage: size === 'desktop' });
    }
  }
}

const context = await launch({ viewport: { width: 1280, height: 860 } });
let failed = false;
try {
  const page = await openPage(context);
  await signIn(page);
  for (const check of [overview, blockedAndWhy, exceptions, search, live, feeds, colours]) {
    await check(page);
    console.log(`ok ${check.name}`);
  }
  await go(page, 'blocked');
  const name = await page.locator('tbody .name').first().innerText();
  page.explained = `?name=${encodeURIComponent(name)}&client=192.0.2.11`;
  for (const [size, width, height] of [['desktop', 1280, 860], ['phone', 390, 844]]) {
    await page.setViewportSize({ width, height });
    for (const view of kViews) {
      await go(page, view);
      await page.waitForTimeout(200);
      await noSidewaysScroll(page, `${view} on a ${size}`);
      await accessible(page, view);
    }
    if (folder) await pictures(page, size);
  }
  await page.setViewportSize({ width: 1280, height: 860 });
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.getByLabel('Token').waitFor();
  assert.deepEqual(complaints, [], 'the browser complained');
  console.log('ok widths, names, sign-out, no complaints');
} catch (error) {
  failed = true;
  console.error(error);
  if (complaints.length > 0) console.error('the browser also said:', complaints);
} finally {
  await context.close();
  rmSync(profile, { recursive: true, force: true });
}
process.exit(failed ? 1 : 0);
