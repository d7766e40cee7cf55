// The list that takes the place of further cards when one agent asks too much at once: one message, a line and a button for each hold.
import { isNonEmpty } from '../core/brand.ts';
import type { HoldView } from '../approval/view.ts';
import {
  button,
  context,
  header,
  escaped,
  line,
  marked,
  mentions,
  plain,
  section,
  type Block,
  type Message,
} from './slack-blocks.ts';
import { actionIds, calledIds, listLine, type CardStyle } from './slack-card.ts';

const linesMax = 8;
/** One list holds so many; then another begins. */
export const listedMax = 100;

export interface ListStyle extends Pick<CardStyle, 'isQuiet'> {
  readonly consoleUrl: string;
}

export function listOf(agent: string, views: readonly HoldView[], { consoleUrl, isQuiet }: ListStyle): Message {
  const open = views.filter(({ state }) => state === 'open');
  const settled = views.length - open.length;
  const title =
    open.length === 0
      ? `All of ${agent}’s ${views.length} statements are settled`
      : `${agent} has ${open.length} more ${open.length === 1 ? 'statement' : 'statements'} waiting`;
  const shown = open.slice(0, linesMax);
  const rest = open.length - shown.length;
  const tail = [
    ...(rest > 0 ? [`… and ${rest} more: /countersign list, or ${consoleUrl}`] : []),
    ...(settled > 0 ? [`${settled} settled`] : []),
  ];
  const ids = [...new Set(open.flatMap((view) => calledIds(view, { isQuiet })))];
  const blocks: readonly Block[] = [
    header(title),
    ...shown.map(lineBlock),
    ...(isNonEmpty(tail) ? [context(tail.join(' · '))] : []),
    ...(ids.length > 0 ? [marked(mentions(ids, 8))] : []),
  ];
  return {
    text: escaped(line(title, 300)),
    blocks: blocks.length > 1 ? blocks : [header(title), section('Nothing waits.')],
  };
}

function lineBlock(view: HoldView): Block {
  return {
    type: 'section',
    text: plain(listLine(view), 300),
    accessory: button(actionIds.review, 'Review', { value: view.id }),
  };
}
