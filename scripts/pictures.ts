// Makes docs/pictures from the running program: what psql shows, the hold's page in the console, and the card in Slack. Nothing is drawn:
// psql's own output is laid on a dark ground, and the pages are what a browser shows. Needs psql and Chromium.
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync, statSync, writeFileSync } from 'node:fs';
import type { Browser, Page } from 'playwright-core';
import { openBrowser } from '../test/support/console.ts';
import { waitFor, within } from '../test/support/wait.ts';
import { slackPreview } from '../src/cli/slack-preview.ts';

const root = new URL('..', import.meta.url).pathname;
const folder = new URL('../docs/pictures/', import.meta.url);
const bytesMax = 150_000;
/** As in README.md: the real one is another at each run. */
const token = 'aB3dE5gH7jK9mN1pQ3sT5vW7';

const queries = [
  'select * from customer_stats limit 2;',
  "set countersign.reason = 'monthly head count';",
  "select name, department from hr.directory where department = 'Sales' limit 3;",
  'select id, brand, pan from billing.cards limit 3;',
];

async function make(): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const program = spawn(process.execPath, ['bin/countersign.js', 'start'], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = new Promise<void>((settle) => program.once('exit', () => settle()));
  const said = textOf(program);
  const browser = await openBrowser();
  try {
    await waitFor('the welcome', () => said().includes('Ctrl-C'), { withinMs: 120_000 });
    const url = /postgres:\/\/[^"]+/.exec(said())?.[0] ?? '';
    const page = await signedIn(browser, /http:\S+\/enter\?t=\S+/.exec(said())?.[0] ?? '');
    await keep('psql.png', await psqlPicture(browser, await asTyped(url, page), url));
    await keep('slack-card.png', await slackPicture(browser));
  } finally {
    await browser.close();
    program.kill('SIGINT');
    await within('the program to end', ended, 60_000);
  }
}

function textOf(child: ChildProcess): () => string {
  let text = '';
  child.stdout?.setEncoding('utf8').on('data', (more: string) => (text += more));
  return () => text;
}

async function signedIn(browser: Browser, link: string): Promise<Page> {
  const context = await browser.newContext({ viewport: { width: 1120, height: 760 }, colorScheme: 'light' });
  const page = await context.newPage();
  await page.goto(link);
  await page.getByRole('button', { name: /^Sign in as/ }).click();
  await page.waitForURL('**/inbox');
  return page;
}

/** One session of psql, each query behind its prompt; while it waits, somebody says yes in the browser. */
async function asTyped(url: string, page: Page): Promise<string> {
  const quoted = queries.map(
    (sql) => `\\echo '${url.slice(url.lastIndexOf('/') + 1)}=> ${sql.replaceAll("'", "''")}'\n${sql}`,
  );
  const child = spawn('/bin/sh', ['-c', 'exec psql -X -P pager=off -d "$0" 2>&1', url], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const shown = textOf(child);
  const closed = new Promise<void>((settle) => child.once('close', () => settle()));
  child.stdin.end(quoted.join('\n'));
  await waitFor('the hold', () => shown().includes('held for approval'), { withinMs: 30_000 });
  await page.getByRole('link', { name: /wants/ }).first().click();
  await page.getByRole('button', { name: 'Approve' }).waitFor();
  await keep('console-hold.png', await page.screenshot({ animations: 'disabled' }));
  await page.getByRole('button', { name: 'Approve' }).click();
  await within('psql', closed, 60_000);
  return shown().trim();
}

async function psqlPicture(browser: Browser, text: string, url: string): Promise<Buffer> {
  const shown = `$ psql "${url.replaceAll(new URL(url).password, token)}"\n${text}`;
  const context = await browser.newContext({ viewport: { width: 1040, height: 600 } });
  const page = await context.newPage();
  await page.setContent(`<!doctype html><style>
    body { margin: 0; background: #12161d; }
    pre { margin: 0; padding: 22px 26px; font: 13.5px/1.5 'DejaVu Sans Mono', Menlo, monospace; color: #c9d1dc; white-space: pre-wrap; overflow-wrap: anywhere; width: 988px; }
    .typed { color: #fff; font-weight: 700; } .notice { color: #f0c467; } .error { color: #ff9e95; } .hint { color: #8ad8a6; } .detail { color: #8a94a3; }
  </style><pre></pre>`);
  // As text, never as markup: what psql prints is from outside.
  await page.evaluate(
    `(lines) => { for (const [kind, text] of lines) { const line = document.createElement('span'); line.className = kind; line.textContent = text + '\\n'; document.querySelector('pre').append(line); } }`.replace(
      /^/,
      '(',
    ) + `)(${JSON.stringify(shown.split('\n').map((line) => [kindOf(line), line]))})`,
  );
  return page.locator('pre').screenshot();
}

function kindOf(line: string): string {
  if (/^(?:\$ |\w+=> )/.test(line)) return 'typed';
  const word = /^(NOTICE|ERROR|HINT|DETAIL):/.exec(line)?.[1];
  return word?.toLowerCase() ?? '';
}

async function slackPicture(browser: Browser): Promise<Buffer> {
  const context = await browser.newContext({ viewport: { width: 760, height: 900 } });
  const page = await context.newPage();
  await page.setContent(slackPreview());
  return page.locator('article').first().screenshot();
}

async function keep(name: string, picture: Buffer): Promise<void> {
  const file = new URL(name, folder);
  writeFileSync(file, picture);
  const { size } = statSync(file);
  if (size > bytesMax) throw new Error(`${name} has ${size} bytes; more than ${bytesMax} is too much for a README`);
  process.stdout.write(`docs/pictures/${name}: ${Math.round(size / 1000)} kB\n`);
  return Promise.resolve();
}

await make();
