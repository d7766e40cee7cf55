// The console for tests: everything that `countersign serve` joins, before the sample shop, with a browser to look at it.
import { cpSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium, type Browser, type BrowserContextOptions, type Page } from 'playwright-core';
import { sample } from '../../src/cli/demo/sample.ts';
import { serve, type RunningProxy } from '../../src/cli/serve.ts';
import { loadConfig } from '../../src/core/config.ts';
import { silentLog } from '../../src/core/log.ts';
import { mistakeText } from '../../src/core/place.ts';
import { makeVerifier } from '../../src/wire/scram.ts';
import { freePort } from './ports.ts';
import { startShop, type TestShop } from './shop.ts';

const root = new URL('../..', import.meta.url).pathname;

/** Debian's package, or whatever somebody names. */
export const browserPath = [process.env['CHROMIUM_PATH'] ?? '', '/usr/bin/chromium', '/usr/bin/chromium-browser'].find(
  (path) => path !== '' && existsSync(path),
);
export const noBrowser = 'no Chromium (apt-get install chromium, or CHROMIUM_PATH)';

export interface ConsoleStage {
  readonly proxy: RunningProxy;
  readonly origin: string;
  readonly folder: string;
  /** As the agent report-bot, whose owner is ana. */
  readonly agentUrl: string;
  urlOf(agent: string): string;
  stop(): Promise<void>;
}

export interface StageOptions {
  /** Further YAML at the top level of the config. */
  readonly config?: string;
  /** Further agents of ana, with further YAML inside each. */
  readonly agents?: Readonly<Record<string, string>>;
  /** Further YAML inside `http`: `, oidc: { … }`. */
  readonly http?: string;
  /** How often one address, or one person, may ask in a minute. */
  readonly requestsMax?: number;
  /** The console's own name; passkeys have none at an address. */
  readonly host?: 'localhost';
  /** Changes the sample classification before it is read. */
  readonly classification?: (folder: string) => void;
}

export async function startConsole(options: StageOptions = {}): Promise<ConsoleStage> {
  const shop: TestShop = await startShop();
  const folder = mkdtempSync(join(tmpdir(), 'countersign-console-'));
  cpSync(join(root, 'classification'), join(folder, 'classification'), { recursive: true });
  options.classification?.(join(folder, 'classification'));
  const host = options.host ?? '127.0.0.1';
  const [port, http] = [await freePort(), await freePort()];
  const file = join(folder, 'countersign.yaml');
  const text = `listen: 127.0.0.1:${port}
http: { listen: 127.0.0.1:${http}, public_url: "http://${host}:${http}"${options.http ?? ''} }
databases: { ${sample.database}: { url: ${JSON.stringify(`${shop.gateUrl}?sslmode=disable`)} } }
agents:
${Object.entries({ 'report-bot': '', ...options.agents })
  .map(([name, more]) => `  ${name}: { password: agentpassword, owner: ana, databases: [${sample.database}], ${more} }`)
  .join('\n')}
limits: { http_requests_per_minute: ${options.requestsMax ?? 100_000} }
${options.config ?? ''}
`;
  writeFileSync(file, text);
  const config = await loadConfig(file, { env: {}, makeVerifier });
  if (config.kind === 'bad') throw new Error(config.mistakes.map(mistakeText).join('\n'));
  const proxy = await serve(config.value, { log: silentLog });
  const urlOf = (agent: string) => `postgres://${agent}:agentpassword@127.0.0.1:${port}/${sample.database}`;
  return {
    proxy,
    folder,
    origin: `http://${host}:${http}`,
    agentUrl: urlOf('report-bot'),
    urlOf,
    stop: async () => {
      await proxy.stop('now');
      await shop.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

export async function openBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: browserPath ?? '', args: ['--no-sandbox'] });
}

/** A browser of their own for one person, signed in by a one-time link. What fails inside a page fails the test. */
export async function signedIn(
  browser: Browser,
  stage: ConsoleStage,
  person: string,
  options: BrowserContextOptions = {},
): Promise<Page> {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  await page.goto(await stage.proxy.consoleLink(person));
  await page.getByRole('button', { name: `Sign in as ${person}` }).click();
  await page.waitForURL('**/inbox');
  return page;
}
