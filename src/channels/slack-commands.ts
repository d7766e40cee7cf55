// `/countersign list`, `show ID`, `explain AGENT DATABASE SQL`. The answer is seen by the one who asked only, and comes with the
// acknowledgement, so it must not take long: what is slow is said to be slow.
import type { HoldBook } from '../approval/channel.ts';
import { ProxyError } from '../core/errors.ts';
import { escaped, header, line, preformatted, rich, section, type Block } from './slack-blocks.ts';
import { cardOf, listLine, type CardStyle } from './slack-card.ts';
import { queueOf } from './slack-home.ts';
import { isHoldId, type Command } from './slack-payload.ts';
import type { SlackPeople } from './slack-people.ts';

/** The verdict on a statement, in lines for people; runs nothing. Throws ProxyError. */
export type Explain = (asked: {
  readonly agent: string;
  readonly database: string;
  readonly sql: string;
}) => Promise<readonly string[]>;

export interface CommandParts {
  readonly book: HoldBook;
  readonly people: SlackPeople;
  readonly style: () => CardStyle;
  readonly explain: Explain | undefined;
}

export interface CommandAnswer {
  readonly response_type: 'ephemeral';
  readonly text: string;
  readonly blocks: readonly Block[];
}

const answerMsMax = 2500;
const linesMax = 20;

const help = [
  '/countersign list – what waits for you',
  '/countersign show h_… – one hold, with its buttons',
  '/countersign explain AGENT DATABASE SQL – what would happen, without running anything',
];

export async function answerCommand(command: Command, parts: CommandParts): Promise<CommandAnswer> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<CommandAnswer>((resolve) => {
    timer = setTimeout(
      () => resolve(says('That takes too long just now. Try again, or use the console.')),
      answerMsMax,
    );
  });
  try {
    return await Promise.race([answerIn(command, parts), late]);
  } catch (thrown) {
    return says(thrown instanceof ProxyError ? thrown.message : 'Something failed inside; the log has it.');
  } finally {
    clearTimeout(timer);
  }
}

async function answerIn({ clicker, text }: Command, parts: CommandParts): Promise<CommandAnswer> {
  const standing = await parts.people.check(clicker);
  if (standing.kind === 'nobody') return says(standing.words);
  const [verb = '', ...rest] = text.trim().split(/\s+/);
  switch (verb) {
    case 'list':
      return await list(standing.person.name, parts);
    case 'show':
      return await show(rest[0] ?? '', parts);
    case 'explain': {
      const asked = /^explain\s+(\S+)\s+(\S+)\s+([\s\S]+)$/.exec(text.trim());
      const [, agent, database, sql] = asked ?? [];
      if (agent === undefined || database === undefined || sql === undefined) return says(...help);
      if (parts.explain === undefined) return says('This proxy does not offer that.');
      const words = await parts.explain({ agent, database, sql });
      return answer('explain', [rich(preformatted(words.join('\n'), 2900))]);
    }
    default:
      return says(...help);
  }
}

async function list(person: string, { book }: CommandParts): Promise<CommandAnswer> {
  const mine = queueOf(person, await book.list({ state: 'open' }));
  if (mine.length === 0) return says('Nothing waits for you.');
  const more = mine.length > linesMax ? [section(`… and ${mine.length - linesMax} more`)] : [];
  const lines = mine.slice(0, linesMax).map((view) => section(line(`${view.id} · ${listLine(view)}`, 400)));
  return answer('list', [header(`${mine.length} waiting for you`), ...lines, ...more]);
}

async function show(id: string, { book, style }: CommandParts): Promise<CommandAnswer> {
  const view = isHoldId(id) ? await book.find(id) : undefined;
  if (view === undefined) return says('There is no such hold.');
  const { text, blocks } = cardOf(view, style());
  return { response_type: 'ephemeral', text, blocks };
}

function answer(text: string, blocks: readonly Block[]): CommandAnswer {
  return { response_type: 'ephemeral', text, blocks };
}

function says(...words: readonly string[]): CommandAnswer {
  const text = words.join('\n');
  return {
    response_type: 'ephemeral',
    text: escaped(words[0] ?? ''),
    blocks: [rich({ type: 'rich_text_section', elements: [{ type: 'text', text: text || ' ' }] })],
  };
}
