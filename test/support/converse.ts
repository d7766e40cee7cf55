// A conversation as data: what an agent sends, step by step, each answered before the next is sent; and what the server says.
import type { ClientMessage } from '../../src/wire/client-messages.ts';
import type { ServerMessage } from '../../src/wire/server-messages.ts';
import { simple } from './agent-messages.ts';
import { connectRaw } from './raw.ts';

/** A Query, messages that are sent in one write, or what somebody else does meanwhile, straight at the server. */
export type Step = string | readonly ClientMessage[] | { readonly elsewhere: string };

export interface ConverseOptions {
  /** Of the start-up packet. */
  readonly parameters?: Readonly<Record<string, string>>;
  /** Does it; without, no step may ask for it. */
  readonly elsewhere?: (sql: string) => Promise<unknown>;
}

export async function converse(
  url: string,
  steps: readonly Step[],
  { parameters = {}, elsewhere }: ConverseOptions = {},
): Promise<readonly ServerMessage[]> {
  const raw = await connectRaw(url, parameters);
  try {
    let readies = 0;
    for (const step of steps) {
      if (typeof step === 'object' && 'elsewhere' in step) {
        if (elsewhere === undefined) throw new Error(`nobody is there to do it: ${step.elsewhere}`);
        await elsewhere(step.elsewhere);
        continue;
      }
      const messages = typeof step === 'string' ? [simple(step)] : step;
      readies += messages.filter(({ kind }) => kind === 'sync' || kind === 'query').length;
      raw.send(...messages);
      await raw.readies(readies);
    }
    return raw.said;
  } finally {
    raw.close();
  }
}

/** The values of all rows among them, those of COPY too. */
export function valuesIn(said: readonly ServerMessage[]): string {
  return said
    .flatMap((message) => {
      if (message.kind === 'dataRow') return message.values.map((value) => value?.toString() ?? '');
      return message.kind === 'copyData' ? [message.data.toString()] : [];
    })
    .join(' ');
}
