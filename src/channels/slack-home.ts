// The app's home page: what waits for this person, and what they decided.
import type { HoldView } from '../approval/view.ts';
import { headline, outcomeText, voteText } from '../approval/card.ts';
import { button, context, header, line, plain, section, type Block } from './slack-blocks.ts';
import { actionIds, listLine } from './slack-card.ts';

const queueMax = 20;
const pastMax = 20;

export interface Home {
  readonly type: 'home';
  readonly blocks: readonly Block[];
}

export const strangersHome: Home = {
  type: 'home',
  blocks: [
    header('Countersign'),
    section('Your Slack id is not in approvers.yaml, so there is nothing here for you to decide.'),
  ],
};

export function homeOf(person: string, views: readonly HoldView[], consoleUrl: string): Home {
  const mine = queueOf(person, views);
  const past = views
    .filter((view) => view.votes.some((vote) => vote.person === person))
    .toSorted((a, b) => b.askedAt - a.askedAt)
    .slice(0, pastMax);
  const rest = mine.length - queueMax;
  return {
    type: 'home',
    blocks: [
      header(mine.length === 0 ? 'Nothing waits for you' : `${mine.length} waiting for you`),
      ...mine.slice(0, queueMax).map(queueBlock),
      ...(rest > 0 ? [context(`… and ${rest} more: ${consoleUrl}`)] : []),
      { type: 'divider' },
      header('Your decisions'),
      ...(past.length === 0 ? [section('None yet.')] : past.map((view) => pastBlock(view, person))),
    ],
  };
}

/** Open, asked of this person, and not answered by them; what gives up first stands first. */
export function queueOf(person: string, views: readonly HoldView[]): readonly HoldView[] {
  const end = (view: HoldView): number => view.waitUntil ?? view.openUntil;
  return views
    .filter((view) => view.state === 'open')
    .filter((view) => view.needs.some((need) => !need.met && need.approvers.some(({ name }) => name === person)))
    .filter((view) => !view.votes.some((vote) => vote.person === person))
    .toSorted((a, b) => end(a) - end(b));
}

function queueBlock(view: HoldView): Block {
  return {
    type: 'section',
    text: plain(listLine(view), 300),
    accessory: button(actionIds.review, 'Review', { value: view.id }),
  };
}

function pastBlock(view: HoldView, person: string): Block {
  const vote = view.votes.find((each) => each.person === person);
  const words = vote === undefined ? '' : voteText(vote);
  return section(line(`${headline(view)} – ${words}. ${outcomeText(view) ?? 'Still open.'}`, 400));
}
