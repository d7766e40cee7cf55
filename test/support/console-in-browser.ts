// One console and one browser for all tests of a file: started before the first, gone after the last. On a machine without a browser
// each test is skipped, and says so.
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach } from 'vitest';
import {
  browserPath,
  noBrowser,
  openBrowser,
  signedIn,
  startConsole,
  type ConsoleStage,
  type StageOptions,
} from './console.ts';

export interface ConsoleInBrowser {
  readonly stage: ConsoleStage;
  readonly browser: Browser;
  signedIn(person: string, options?: BrowserContextOptions): Promise<Page>;
}

/** To be called at the top of a file; what it gives may be used from within tests. */
export function consoleInBrowser(options: () => StageOptions | Promise<StageOptions>): ConsoleInBrowser {
  const started: { stage?: ConsoleStage; browser?: Browser } = {};
  beforeAll(async () => {
    if (browserPath === undefined) return;
    const [stage, browser] = await Promise.all([startConsole(await options()), openBrowser()]);
    Object.assign(started, { stage, browser });
  });
  afterAll(async () => {
    await started.browser?.close();
    await started.stage?.stop();
  });
  beforeEach((context) => {
    if (browserPath === undefined) context.skip(noBrowser);
  });
  return {
    get stage() {
      return there(started.stage);
    },
    get browser() {
      return there(started.browser);
    },
    signedIn: (person, options) => signedIn(there(started.browser), there(started.stage), person, options),
  };
}

function there<T>(one: T | undefined): T {
  if (one === undefined) throw new Error('the console has not started');
  return one;
}
