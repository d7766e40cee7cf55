// What is to be done for one hold at one place: the next single step, from what was shown there and how the hold stands. Pure; the same
// question gets the same answer on every instance.
import { createHash } from 'node:crypto';
import type { HoldView, ViewVote } from '../approval/view.ts';
import { headline, outcomeText, voteText, needText } from '../approval/card.ts';
import { escaped, line, marked, mentions, section, type Block, type Message } from './slack-blocks.ts';
import { calledIds, cardOf, plainCard, textOf, type CardStyle } from './slack-card.ts';
import type { PlaceRecord } from './slack-records.ts';

export type Step =
  | { readonly kind: 'post'; readonly message: Message; readonly then: Partial<PlaceRecord> }
  | { readonly kind: 'edit'; readonly message: Message; readonly then: Partial<PlaceRecord> }
  | { readonly kind: 'reply'; readonly message: Message; readonly then: Partial<PlaceRecord> }
  /** For now (`open`), or for good. */
  | { readonly kind: 'nothing'; readonly isOver: boolean };

export interface PlanSettings {
  readonly style: CardStyle;
  readonly remindMs: number;
}

export function nextStep(record: PlaceRecord, view: HoldView, now: number, settings: PlanSettings): Step {
  if (record.gaveUp !== undefined) return { kind: 'nothing', isOver: view.state !== 'open' };
  switch (record.form) {
    case 'card':
      return cardStep(record, view, now, settings);
    case 'owner':
      return ownerStep(record, view, settings);
    case 'listed':
      // Its list shows it.
      return { kind: 'nothing', isOver: isOver(view) };
  }
}

/** Approved and not used yet can still change. */
function isOver(view: HoldView): boolean {
  return view.state !== 'open' && (view.state !== 'approved' || view.lapsed);
}

function cardStep(record: PlaceRecord, view: HoldView, now: number, { style, remindMs }: PlanSettings): Step {
  const message = record.plain === true ? plainCard(view, style) : cardOf(view, style);
  const shown = fingerprint(message);
  if (record.ts === undefined) {
    // A card for what was settled before it could be shown asks nobody anything.
    if (view.state !== 'open') return { kind: 'nothing', isOver: true };
    return { kind: 'post', message, then: { shown, told: newest(view) } };
  }
  if (record.shown !== shown) return { kind: 'edit', message, then: { shown } };
  const vote = view.votes.toSorted(byKey).find((each) => record.told === undefined || voteKey(each) > record.told);
  if (vote !== undefined) return { kind: 'reply', message: voteReply(view, vote), then: { told: voteKey(vote) } };
  if (view.state !== 'open' && record.outcomeTold !== true) {
    return { kind: 'reply', message: outcomeReply(view), then: { outcomeTold: true } };
  }
  const isLate = view.state === 'open' && now >= view.askedAt + remindMs;
  if (isLate && record.reminded !== true) {
    const reminder = reminderOf(view, style);
    if (reminder !== undefined) return { kind: 'reply', message: reminder, then: { reminded: true } };
  }
  return { kind: 'nothing', isOver: isOver(view) };
}

function ownerStep(record: PlaceRecord, view: HoldView, { style }: PlanSettings): Step {
  const outcome = outcomeText(view);
  if (outcome === undefined) return { kind: 'nothing', isOver: false };
  const words = `${view.agent}, which acts for you, asked for something on ${view.database}. ${outcome}`;
  const blocks: readonly Block[] = [
    section(line(words, 900)),
    section(line(`${headline(view)} – ${style.linkOf(view.id)}`, 600)),
  ];
  const message = { text: textOf(view), blocks };
  const shown = fingerprint(message);
  if (record.ts === undefined) return { kind: 'post', message, then: { shown } };
  if (record.shown !== shown) return { kind: 'edit', message, then: { shown } };
  return { kind: 'nothing', isOver: isOver(view) };
}

export function fingerprint(message: Message): string {
  return createHash('sha256').update(JSON.stringify(message)).digest('base64url').slice(0, 22);
}

/** Sorts by time; two in the same millisecond by name. */
const voteKey = (vote: ViewVote): string => `${String(vote.at).padStart(15, '0')} ${vote.person}`;

const byKey = (a: ViewVote, b: ViewVote): number => (voteKey(a) < voteKey(b) ? -1 : 1);

/** Votes that the card showed from the beginning are not told again. */
function newest(view: HoldView): string {
  const last = view.votes.toSorted(byKey).at(-1);
  return last === undefined ? '' : voteKey(last);
}

function voteReply(view: HoldView, vote: ViewVote): Message {
  const words = line(`${voteText(vote)} · ${view.needs.map(needText).join(' · ')}`, 1500);
  return { text: escaped(words), blocks: [section(words)] };
}

function outcomeReply(view: HoldView): Message {
  const words = line(outcomeText(view) ?? '', 600);
  return { text: escaped(words), blocks: [section(words)] };
}

/** Calls who has not voted; undefined when there is nobody to call. */
function reminderOf(view: HoldView, style: CardStyle): Message | undefined {
  const ids = calledIds(view, style);
  if (ids.length === 0) return undefined;
  const words = `Still waiting: ${escaped(
    line(
      view.needs
        .filter(({ met }) => !met)
        .map(needText)
        .join(' · '),
      300,
    ),
  )}`;
  return { text: `${words} ${mentions(ids, 8)}`, blocks: [marked(`${words}\n${mentions(ids, 8)}`)] };
}
