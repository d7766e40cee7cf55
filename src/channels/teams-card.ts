// A hold as an Adaptive Card for a Teams workflow: the same words as everywhere, and one button, which opens the hold in the console. All that
// comes from outside stands in text runs, whose characters mean only themselves; a text block would read Markdown in them.
import type { HoldView } from '../approval/view.ts';
import {
  agentWords,
  askerText,
  byLevel,
  columnsText,
  deadlineText,
  factLines,
  headline,
  needText,
  outcomeText,
  permitText,
  reasonLines,
  siblingLines,
  stateWords,
  stepUpText,
} from '../approval/card.ts';
import { inOrder, visible } from '../core/visible.ts';

export interface TeamsStyle {
  readonly values: 'hidden' | 'shown';
  readonly link: string;
}

interface TextRun {
  readonly type: 'TextRun';
  readonly text: string;
  readonly weight?: 'Bolder';
  readonly size?: 'Medium';
  readonly italic?: true;
  readonly isSubtle?: true;
  readonly fontType?: 'Monospace';
}

interface RichText {
  readonly type: 'RichTextBlock';
  readonly inlines: readonly TextRun[];
  readonly spacing?: 'None' | 'Medium';
}

interface Container {
  readonly type: 'Container';
  readonly style: 'emphasis';
  readonly items: readonly RichText[];
}

export interface AdaptiveCard {
  readonly $schema: 'http://adaptivecards.io/schemas/adaptive-card.json';
  readonly type: 'AdaptiveCard';
  readonly version: '1.4';
  readonly body: readonly (RichText | Container)[];
  readonly actions: readonly { readonly type: 'Action.OpenUrl'; readonly title: string; readonly url: string }[];
}

/** What a workflow's webhook takes. Above some 21 kB messages were seen to be refused. */
export interface TeamsMessage {
  readonly type: 'message';
  readonly attachments: readonly [
    { readonly contentType: 'application/vnd.microsoft.card.adaptive'; readonly content: AdaptiveCard },
  ];
}

export const teamsBytesMax = 20_000;

interface Widths {
  readonly sqlLines: number;
  readonly lineChars: number;
  readonly columns: number;
  readonly parts: number;
}

const widths: readonly Widths[] = [
  { sqlLines: 40, lineChars: 300, columns: 40, parts: 6 },
  { sqlLines: 20, lineChars: 160, columns: 20, parts: 4 },
  { sqlLines: 8, lineChars: 100, columns: 8, parts: 2 },
];

export function teamsCard(view: HoldView, style: TeamsStyle): TeamsMessage {
  for (const width of widths) {
    const message = messageOf(bodyOf(view, style, width), style.link);
    if (Buffer.byteLength(JSON.stringify(message)) < teamsBytesMax) return message;
  }
  return teamsPlain(view, style);
}

/** What is sent when the workflow will not take the card: words and the link. */
export function teamsPlain(view: HoldView, { link }: TeamsStyle): TeamsMessage {
  return messageOf([block(run(outcomeText(view) ?? headline(view), 400))], link);
}

/** A workflow cannot change what it posted, so the end is a message of its own. */
export function teamsOutcome(view: HoldView, { link }: TeamsStyle): TeamsMessage {
  const title = block(run(`${stateWords[view.state]}: ${headline(view)}`, 300, { weight: 'Bolder' }));
  return messageOf([title, block(run(outcomeText(view) ?? '', 800))], link);
}

/** One message in the place of many, when one agent asks too much at once. */
export function teamsBurst(agent: string, openCount: number, consoleUrl: string): TeamsMessage {
  const words = `${agent} has ${openCount} statements waiting; further ones are listed in the console only.`;
  return messageOf([block(run(words, 400, { weight: 'Bolder' }))], consoleUrl);
}

function messageOf(body: AdaptiveCard['body'], url: string): TeamsMessage {
  const content: AdaptiveCard = {
    $schema: 'http://adaptivecards.io/schemas/adaptive-card.json',
    type: 'AdaptiveCard',
    version: '1.4',
    body,
    actions: [{ type: 'Action.OpenUrl', title: 'Review in the console', url }],
  };
  return { type: 'message', attachments: [{ contentType: 'application/vnd.microsoft.card.adaptive', content }] };
}

function bodyOf(view: HoldView, style: TeamsStyle, width: Widths): AdaptiveCard['body'] {
  const columns = byLevel(view.columns)
    .slice(0, width.parts)
    .map(({ level, columns: list }) =>
      tight(run(`${level}: `, 60, { weight: 'Bolder' }), run(columnsText(list, width.columns), width.columns * 60)),
    );
  const reasons = reasonLines(view)
    .slice(0, width.parts)
    .map(({ words, where }) => tight(run(`${words} `, width.lineChars), run(where, 200, { fontType: 'Monospace' })));
  const said = agentWords(view).slice(0, width.parts);
  return [
    block(run(headline(view), 200, { weight: 'Bolder', size: 'Medium' })),
    tight(run(askerText(view), 400, { italic: true })),
    block(run('Why it waits', 20, { weight: 'Bolder' })),
    ...reasons,
    ...columns,
    ...(said.length === 0 ? [] : [block(run('The agent says (unverified)', 40, { weight: 'Bolder' }))]),
    ...said.map((words) => tight(run(`“${words}”`, width.lineChars, { italic: true }))),
    { type: 'Container', style: 'emphasis', items: sqlLines(view, style, width) },
    ...factLines(view).map((words) => tight(run(words, 400, { isSubtle: true }))),
    ...siblingLines(view, style.values)
      .slice(0, 3)
      .map((words) => tight(run(words, width.lineChars))),
    tight(run([stepUpText(view) ?? [], permitText(view, { kind: 'once' })].flat().join(' '), 500, { isSubtle: true })),
    block(run([...view.needs.map(needText)].slice(0, width.parts).join(' · '), 600)),
    tight(run(deadlineText(view), 200)),
  ];
}

function sqlLines({ sql }: HoldView, { values }: TeamsStyle, width: Widths): readonly RichText[] {
  const code = { fontType: 'Monospace' } as const;
  // What in a text without an end is a value cannot be told, so all of it is hidden where values are.
  const isHidden = values === 'hidden' && sql.unreadable;
  const text = values === 'shown' ? sql.canonical : isHidden ? '(shown in the console only)' : sql.canonicalHidden;
  const all = text.split('\n');
  const half = Math.floor(width.sqlLines / 2);
  const shown =
    all.length <= width.sqlLines
      ? all
      : [...all.slice(0, half), `… ${all.length - 2 * half} lines left out …`, ...all.slice(-half)];
  const note = `${values === 'hidden' ? 'Values are hidden here. ' : ''}${sql.hash.slice(0, 20)}`;
  return [...shown.map((line) => tight(run(line, width.lineChars, code))), tight(run(note, 80, { isSubtle: true }))];
}

function run(text: string, lengthMax: number, more: Omit<TextRun, 'type' | 'text'> = {}): TextRun {
  return { type: 'TextRun', text: inOrder(visible(text, lengthMax)) || ' ', ...more };
}

const block = (...inlines: readonly TextRun[]): RichText => ({ type: 'RichTextBlock', inlines, spacing: 'Medium' });
const tight = (...inlines: readonly TextRun[]): RichText => ({ type: 'RichTextBlock', inlines, spacing: 'None' });
