// `countersign start --agent`: an agent that works through a list of statements beside whoever looks, so that the console is alive.
// It goes the road of every agent: its own login at the proxy, its statements judged, held and refused like anybody's.
import { setTimeout as pause } from 'node:timers/promises';
import { Secret } from '../../core/secrets.ts';
import { wordsOf } from '../../core/errors.ts';
import { visible } from '../../core/visible.ts';
import { Driver } from '../../proxy/driver.ts';
import { sample } from './sample.ts';

export interface ScriptedAgentParts {
  readonly port: number;
  readonly name: string;
  readonly token: string;
  readonly say: (line: string) => void;
  /** Between two statements. */
  readonly everyMs?: number;
}

/** What a reporting agent would do on a day: mostly harmless, now and then a question for people. */
export const script: readonly string[] = [
  'select * from customer_stats order by revenue desc limit 3',
  "select status, count(*) from orders group by status /*reason='daily figures'*/",
  "select name, department from hr.directory limit 3 /*reason='who leads which department'*/",
  'select month, sum(revenue) from sales_by_month group by month order by month desc limit 3',
  "select first_name, last_name from customers where country = 'AT' limit 5 /*reason='names for the newsletter'*/",
  'select id, brand, pan from billing.cards limit 3',
  'select name, price from products where active order by price desc limit 5',
];

/** Goes round until it is stopped. A refusal is an answer; a lost connection ends it with a line. */
export function startScriptedAgent(parts: ScriptedAgentParts): { stop(): Promise<void> } {
  const over = new AbortController();
  let driver: Driver | undefined;
  const work = async (): Promise<void> => {
    driver = await Driver.open({ target: targetOf(parts), parameters: applicationName }, over.signal);
    // The first look at the schema is under way.
    await pause(parts.everyMs ?? 4_000, undefined, { signal: over.signal });
    for (let at = 0; !over.signal.aborted; at = (at + 1) % script.length) {
      const sql = script[at] ?? '';
      parts.say(`  agent  ${sql}`);
      const answer = await answerTo(driver, sql);
      if (over.signal.aborted) return;
      parts.say(`      →  ${answer}`);
      if (!driver.isOpen) return;
      await pause(parts.everyMs ?? 4_000, undefined, { signal: over.signal });
    }
  };
  const done = work().catch((thrown: unknown) => {
    if (!over.signal.aborted) parts.say(`The scripted agent stopped: ${wordsOf(thrown)}`);
  });
  return {
    stop: async () => {
      over.abort();
      driver?.close();
      await done;
    },
  };
}

async function answerTo(driver: Driver, sql: string): Promise<string> {
  try {
    const { command } = await driver.run(sql);
    return visible(command, 100);
  } catch (thrown) {
    return visible(wordsOf(thrown), 300);
  }
}

const applicationName: ReadonlyMap<string, string> = new Map([['application_name', 'scripted agent']]);

function targetOf({ port, name, token }: ScriptedAgentParts): Parameters<typeof Driver.open>[0]['target'] {
  return {
    ...{ host: '127.0.0.1', port, database: sample.database, requireAuth: undefined, connectMsMax: 10_000 },
    tls: { mode: 'disable', rootCert: undefined, cert: undefined, key: undefined },
    login: { user: name, password: new Secret(token), passwordCommand: undefined },
  };
}
