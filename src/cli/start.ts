// `countersign start`: the whole thing on a bare machine. A real Postgres with a sample shop, the proxy before it, and on the
// screen what to paste. Serving itself is the same as `countersign serve`; this file only brings what serving needs.
import { wordsOf } from '../core/errors.ts';
import { openHome, writeConfig, type DemoHome, type DemoPorts } from './demo/demo-home.ts';
import { isFree, nextFreePort } from './demo/free-port.ts';
import { startPostgres, type RunningPostgres } from './demo/postgres-launcher.ts';
import { startScriptedAgent } from './demo/scripted-agent.ts';
import { sample, sampleFill } from './demo/sample.ts';

export interface StartOptions {
  /** Asked for; otherwise the usual port, or the next free one. */
  readonly port: number | undefined;
  readonly http: number | undefined;
  /** Keeps database, state and secrets in this folder; otherwise everything is gone at the end. */
  readonly keep: string | undefined;
  /** Runs a scripted agent beside it. */
  readonly agent?: 'scripted' | undefined;
}

/** A running proxy, as `serve` gives it. */
export interface Serving {
  /** Settles when it has ended, for whatever reason but `stop`. */
  readonly ended: Promise<void>;
  /** An address that signs this person in at the console, once. */
  consoleLink(person: string): Promise<string>;
  stop(): Promise<void>;
}

export interface StartPorts {
  readonly serve: (configFile: string) => Promise<Serving>;
  readonly say: (line: string) => void;
  readonly complain: (line: string) => void;
  /** Settles when a person wants it to end: Ctrl-C, SIGTERM. */
  readonly askedToStop: Promise<void>;
  /** Called at each Enter until what it returns is called. */
  readonly onEnter: (each: () => void) => () => void;
}

const usual = { port: 6432, http: 6480 } as const;

export async function start(options: StartOptions, ports: StartPorts): Promise<number> {
  const home = openHome(options.keep);
  try {
    return await run(options, home, ports);
  } catch (thrown) {
    ports.complain(`countersign start: ${wordsOf(thrown)}`);
    return 1;
  } finally {
    home.close();
  }
}

async function run(options: StartOptions, home: DemoHome, ports: StartPorts): Promise<number> {
  const proxy = await choosePort({ asked: options.port, usual: usual.port, flag: '--port' }, ports.say);
  const http = await choosePort({ asked: options.http, usual: usual.http, flag: '--http' }, ports.say);
  ports.say(`Starting Postgres${home.kept ? ` in ${home.folder}` : ' and making the sample database'} …`);
  const postgres = await startPostgres({
    fill: sampleFill(home.rolePassword),
    ...(options.keep === undefined ? {} : { keep: home.folder }),
  });
  try {
    return await serveBefore(postgres, { home, ports, proxy, http, agent: options.agent });
  } finally {
    await postgres.stop();
  }
}

interface Scene {
  readonly agent: StartOptions['agent'];
  readonly home: DemoHome;
  readonly ports: StartPorts;
  readonly proxy: number;
  readonly http: number;
}

async function serveBefore(postgres: RunningPostgres, scene: Scene): Promise<number> {
  const { home, ports, proxy, http } = scene;
  const serving = await ports.serve(writeConfig(home, { proxy, http, postgres: postgres.port }));
  let agent: { stop(): Promise<void> } | undefined;
  const noMore = ports.onEnter(() => {
    serving.consoleLink(sample.approver).then(
      (link) => ports.say(`  ${link}`),
      (thrown: unknown) => ports.complain(`no link now: ${wordsOf(thrown)}`),
    );
  });
  try {
    const consoleLink = await serving.consoleLink(sample.approver);
    for (const line of welcome(home, { proxy, http, postgres: postgres.port }, consoleLink)) ports.say(line);
    agent = scene.agent === undefined ? undefined : startAgent(scene);
    const how = await Promise.race([
      ports.askedToStop.then(() => 'asked' as const),
      serving.ended.then(() => 'the proxy ended' as const),
      postgres.ended.then(() => `Postgres ended (${postgres.log().trim().split('\n').at(-1) ?? ''})`),
    ]);
    if (how === 'asked') return 0;
    ports.complain(`countersign start: ${how}`);
    return 1;
  } finally {
    noMore();
    await agent?.stop();
    await serving.stop();
  }
}

function startAgent({ home, ports, proxy }: Scene): { stop(): Promise<void> } {
  const { scriptedAgent: name, scriptedToken: token } = home;
  ports.say(`${name} works beside it (owner ana), every few seconds something; look into the console.`);
  return startScriptedAgent({ port: proxy, name, token, say: ports.say });
}

function welcome(home: DemoHome, ports: DemoPorts, consoleLink: string): readonly string[] {
  const url = `postgres://${home.agent}:${home.agentToken}@127.0.0.1:${ports.proxy}/${sample.database}`;
  const console = new URL(consoleLink).origin;
  return [
    '',
    'Countersign stands before the sample database. Connect as an agent would:',
    '',
    `  psql "${url}"`,
    '',
    `Decide as ${sample.approver}, an approver (the link works once, within ten minutes; Enter here prints another):`,
    '',
    `  ${consoleLink}`,
    '',
    'and try in psql:',
    '',
    ...sample.tries.flatMap(({ words, sql }) => [`  -- ${words}`, `  ${sql}`]),
    '',
    `Health and metrics: ${console}/readyz and /metrics`,
    home.kept ? `Kept in ${home.folder}. Ctrl-C stops it.` : 'Ctrl-C stops everything and leaves nothing behind.',
    '',
  ];
}

/** A port that somebody asked for is never changed; the usual one gives way to the next that is free, and says so. */
async function choosePort(
  wanted: { readonly asked: number | undefined; readonly usual: number; readonly flag: string },
  say: (line: string) => void,
): Promise<number> {
  if (wanted.asked !== undefined) {
    if (await isFree(wanted.asked)) return wanted.asked;
    throw new Error(`port ${wanted.asked} is taken (choose another with ${wanted.flag})`);
  }
  const port = await nextFreePort(wanted.usual);
  if (port === undefined) {
    throw new Error(`port ${wanted.usual} and the ports after it are taken (choose one with ${wanted.flag})`);
  }
  if (port !== wanted.usual) say(`Port ${wanted.usual} is taken; using ${port} (${wanted.flag} chooses another).`);
  return port;
}
