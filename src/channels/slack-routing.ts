// Where a hold is shown: the channels of the groups that are asked, or the people of those groups one by one; after a time a second group.
// Being shown a hold gives nobody a vote: who may vote is in the classification. A second group that is named there beside the first is
// left in peace until its time comes; then its votes count like anybody's.
import type { Approver } from '../catalog/catalog.ts';
import type { SlackConfig } from '../core/config-slack.ts';
import type { HoldView, ViewNeed } from '../approval/view.ts';

export type Routing = Pick<SlackConfig, 'channel' | 'channels' | 'owners' | 'escalateMs' | 'escalateTo'>;
export type Approvers = ReadonlyMap<string, Approver>;

export function destinationsOf(view: HoldView, routing: Routing, approvers: Approvers, now: number): readonly string[] {
  const found = new Set<string>();
  for (const need of view.needs) {
    const able = new Set(need.approvers.map(({ name }) => name));
    for (const group of askedNow(need, routing, approvers, isEarly(view, routing, now))) {
      const to = routing.channels.get(group) ?? routing.channel;
      if (to !== 'dm') found.add(to);
      else for (const id of membersOf(group, approvers, able)) found.add(id);
    }
  }
  for (const to of escalation(view, routing, approvers, now)) found.add(to);
  // A group that is asked one by one, and nobody of it has a Slack id: better in the channel than nowhere.
  if (found.size === 0) found.add(routing.channel);
  return [...found];
}

/** Before its time the second group is not asked, where there is somebody else to ask. */
function askedNow(need: ViewNeed, { escalateTo }: Routing, approvers: Approvers, early: boolean): readonly string[] {
  const first = need.groups.filter((group) => group !== escalateTo);
  const isAble = need.approvers.some(({ name }) => approvers.get(name)?.groups.some((group) => first.includes(group)));
  return early && isAble ? first : need.groups;
}

const isEarly = ({ askedAt }: HoldView, { escalateTo, escalateMs }: Routing, now: number): boolean =>
  escalateTo !== undefined && now < askedAt + escalateMs;

/** Somebody who is asked only as one of the second group, and not yet: no message calls them. */
export function isQuiet(
  view: HoldView,
  person: string,
  at: { routing: Routing; approvers: Approvers; now: number },
): boolean {
  if (!isEarly(view, at.routing, at.now)) return false;
  const groups = at.approvers.get(person)?.groups ?? [];
  return !view.needs.some((need) =>
    askedNow(need, at.routing, at.approvers, true).some((group) => groups.includes(group)),
  );
}

function escalation(view: HoldView, routing: Routing, approvers: Approvers, now: number): readonly string[] {
  const { escalateTo } = routing;
  if (escalateTo === undefined || view.state !== 'open' || isEarly(view, routing, now)) return [];
  const to = routing.channels.get(escalateTo);
  return to === undefined || to === 'dm' ? membersOf(escalateTo, approvers, undefined) : [to];
}

/** `able`: only these; undefined: everybody of the group. */
function membersOf(group: string, approvers: Approvers, able: ReadonlySet<string> | undefined): readonly string[] {
  return [...approvers.values()]
    .filter(({ name, groups }) => groups.includes(group) && (able === undefined || able.has(name)))
    .flatMap(({ slack }) => slack ?? []);
}

/** Those who can still say yes, one by one: where a channel is gone. */
export function fallbackOf(view: HoldView): readonly string[] {
  return view.needs.flatMap(({ approvers }) => approvers).flatMap(({ slack }) => slack ?? []);
}

/** The Slack id of the agent's owner: an approver's, or one from the config. */
export function ownerOf(view: HoldView, routing: Routing, approvers: Approvers): string | undefined {
  return approvers.get(view.owner)?.slack ?? routing.owners.get(view.owner);
}
