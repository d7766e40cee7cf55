// Writes into README.md what `countersign start` and psql really print, between the marks that stand there. The agent's token is the
// only thing changed: it would be another one at each run.
import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { waitFor, within } from '../test/support/wait.ts';

const root = new URL('..', import.meta.url).pathname;
const file = new URL('../README.md', import.meta.url);
const token = 'aB3dE5gH7jK9mN1pQ3sT5vW7';

const queries = [
  'select * from customer_stats limit 3;',
  'select count(*) from missing;',
  'select id, brand, pan from billing.cards limit 3;',
  // Is held: nobody decides here, and Ctrl-C takes it back.
  'select * from hr.directory limit 2;',
];

async function capture(): Promise<void> {
  const child = spawn(process.execPath, ['bin/countersign.js', 'start'], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = new Promise<void>((settle) => child.once('exit', () => settle()));
  let out = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
  try {
    await waitFor('the welcome', () => out.includes('Ctrl-C'), { withinMs: 120_000 });
    const url = /postgres:\/\/[^"]+/.exec(out)?.[0] ?? '';
    const secret = new URL(url).password;
    const blurred = (text: string): string =>
      text
        .replaceAll(secret, token)
        .replace(/\/enter\?t=\S+/g, '/enter?t=WyJiZW4iL…')
        .trim();
    replace('start', `$ npm start\n\n${blurred(out)}`);
    replace('psql', `$ psql "${blurred(url)}"\n${await asTyped(url)}`);
  } finally {
    child.kill('SIGINT');
    await within('the program to end', ended, 60_000);
  }
}

/** Each query behind its prompt and before its answer, in one session; psql writes both streams into one, as on a terminal. */
async function asTyped(url: string): Promise<string> {
  const quoted = queries.map((sql) => `\\echo 'shop=> ${sql}'\n${sql}`).join('\n');
  const child = spawn('/bin/sh', ['-c', 'exec psql -X -P pager=off -d "$0" 2>&1', url], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  let out = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    const wasHeld = out.includes('held for approval');
    out += text;
    if (!wasHeld && out.includes('held for approval')) child.kill('SIGINT');
  });
  const closed = new Promise<void>((settle) => child.once('close', () => settle()));
  child.stdin.end(quoted);
  await within('psql', closed, 60_000);
  return out.replaceAll(/ +$/gm, '').trim();
}

function replace(mark: string, text: string): void {
  const page = readFileSync(file, 'utf8');
  const between = new RegExp(`<!-- begin ${mark} -->[^]*<!-- end ${mark} -->`);
  if (!between.test(page)) throw new Error(`README.md has no place for ${mark}`);
  writeFileSync(
    file,
    page.replace(between, () => `<!-- begin ${mark} -->\n\n\`\`\`\n${text}\n\`\`\`\n\n<!-- end ${mark} -->`),
  );
}

await capture();
