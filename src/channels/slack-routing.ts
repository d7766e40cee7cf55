// Where a hold is shown: the channels of the groups that are asked, or the people of those groups one by one; after a time a second group.
// Being shown a hold gives nobody a vote: who may vote is the desk's business.
import type { Approver } from '../catalog/catalog.ts';
import type { SlackConfig } from '../core/config-slack.ts';
import type { HoldView } from '../approval/view.ts';

export type Routing = Pick<SlackConfig, 'channel' | 'channels' | 'owners' | 'escalateMs' | 'escalateTo'>;
export type Approvers = ReadonlyMap<string, Approver>;

export function destinationsOf(view: HoldView, routing: Routing, approvers: Approvers, now: number): readonly string[] {
  const found = new Set<string>();
  for (const need of view.needs) {
    const able = new Set(need.approvers.map(({ name }) => name));
    for (const group of need.groups) {
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

function escalation(view: HoldView, routing: Routing, approvers: Approvers, now: number): readonly string[] {
  const { escalateTo, escalateMs } = routing;
  if (escalateTo === undefined || view.state !== 'open' || now < view.askedAt + escalateMs) return [];
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
