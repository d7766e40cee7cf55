// The worker's own thread: one parser of one major, the schema snapshots it was given, one job at a time. Whatever goes wrong beyond a
// clean syntax error ends this thread: its parser's memory may be damaged, and the pool has a fresh one waiting.
import { constants, platform, setPriority } from 'node:os';
import { parentPort, workerData, type MessagePort } from 'node:worker_threads';
import { wordsOf } from '../core/errors.ts';
import { analyseText, type Resolver } from './analyse.ts';
import { inBandOf } from './in-band.ts';
import { loadParser, parserMajorOf, type Parser } from './parser.ts';
import { makeOffer } from './offer.ts';
import type { FromWorker, ToWorker, Work, WorkAnswer } from './parser-messages.ts';
import { ResolverWarmUp, warmUp } from './parser-warm-up.ts';
import { SchemaResolvers } from './resolve.ts';

if (parentPort !== null) await serve(parentPort, workerData);

async function serve(port: MessagePort, start: unknown): Promise<void> {
  const parser = await loadParser(majorOf(start));
  const schemas = new SchemaResolvers(parser);
  const warming = new ResolverWarmUp(parser, schemas.resolver);
  const say = (message: FromWorker): void => {
    port.postMessage(message);
  };
  port.on('message', (message: ToWorker) => {
    switch (message.kind) {
      case 'snapshot':
        schemas.add(message.snapshot);
        warming.begin(message.snapshot.schemaVersion);
        return;
      case 'patch':
        schemas.lay(message.patch);
        return;
      case 'forget':
        schemas.forget(message.schemaVersion);
        return;
      case 'stepBack':
        // Linux keeps this per thread; elsewhere it would slow the whole process down.
        if (platform() === 'linux') setPriority(0, constants.priority.PRIORITY_LOW);
        return;
      case 'work':
        answer(message, { parser, resolver: schemas.resolver, warming, say });
        return;
    }
  });
  warmUp(parser, schemas.resolver);
  // The module's compiling ends in a later turn, and holds this thread for a while when it does.
  await turn();
  await turn();
  say({ kind: 'ready' });
}

function turn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

interface Tools {
  readonly parser: Parser;
  readonly resolver: Resolver;
  readonly warming: ResolverWarmUp;
  readonly say: (message: FromWorker) => void;
}

function answer(message: Extract<ToWorker, { readonly kind: 'work' }>, tools: Tools): void {
  try {
    tools.say({ kind: 'done', id: message.id, answer: done(message.work, tools) });
  } catch (thrown) {
    tools.warming.stop();
    // Nothing after this line may use the parser. The message is flushed before the thread ends because ending waits for its port.
    tools.say({ kind: 'broken', id: message.id, why: wordsOf(thrown) });
    parentPort?.close();
  }
}

function done(work: Work, { parser, resolver }: Tools): WorkAnswer {
  switch (work.kind) {
    case 'analyse':
      return analyseText(parser, resolver, work.job);
    case 'offer':
      return { kind: 'offer', sql: makeOffer(parser, work.request) };
    case 'inBand':
      return inBandOf(parser, work.text);
  }
}

function majorOf(start: unknown): ReturnType<typeof parserMajorOf> {
  if (typeof start === 'object' && start !== null && 'major' in start && typeof start.major === 'number') {
    return parserMajorOf(start.major);
  }
  throw new Error('the parser’s worker was started without a major');
}
