// Who could approve what, from a classification as it was in force: levels with the groups that are asked, owners, rules, people. And what the log
// alone cannot say about a decision: whether those who voted were approvers then, and as many as the levels wanted. Pure.
import type { Approver } from '../catalog/catalog.ts';
import { standsBehind } from '../catalog/owner-names.ts';
import { dotted } from '../core/names.ts';
import type { Classification } from '../policy/classification.ts';
import type { ReportHold } from './report.ts';

export interface Rights {
  /** What is asked about, how many yeses it takes, and who may give them. */
  readonly asked: readonly { readonly what: string; readonly quorum: number; readonly people: readonly string[] }[];
  readonly people: readonly {
    readonly name: string;
    readonly groups: readonly string[];
    readonly ways: string;
    /** Whether this is who an agent's owner is, by whatever the config called them. */
    readonly owns: (owner: string) => boolean;
  }[];
}

export function rightsOf({ catalog, policy }: Classification): Rights {
  const peopleOf = (groups: readonly string[]): readonly string[] =>
    [...new Set(groups.flatMap((group) => catalog.groups.get(group) ?? []))].toSorted();
  const row = (what: string, groups: readonly string[], quorum: number): Rights['asked'][number] => ({
    what: `${what}: ${groups.join(' or ')}`,
    quorum,
    people: peopleOf(groups),
  });
  const levels = catalog.levels
    .filter((level) => level.read === 'hold' && level.approvers.length > 0)
    .map((level) => row(`level ${level.name}`, level.approvers, level.quorum));
  const databases = [...catalog.databases.values()].filter(({ owners }) => owners.length > 0);
  const files = databases.map(({ name, owners }) => row(`what has no nearer owner in ${name}`, owners, 1));
  const owned = [...catalog.databases.values()].flatMap(({ name, tables }) =>
    [...tables.values()].flatMap((table) => {
      const relation = `${name}: ${dotted(table.relation.schema, table.relation.name)}`;
      const columns = [...table.columns].filter(([, word]) => word.owner !== undefined && word.owner !== table.owner);
      return [
        ...(table.owner === undefined ? [] : [row(`${relation} (by its level’s quorum)`, [table.owner], 1)]),
        ...columns.map(([column, word]) => row(`${relation}.${column} (by its level’s quorum)`, [word.owner ?? ''], 1)),
      ];
    }),
  );
  const rules = policy.rules
    .filter((rule) => rule.approvers.length > 0)
    .map((rule) => row(`rule ${rule.name}`, rule.approvers, rule.quorum));
  const people = [...catalog.approvers.values()].map((person) => {
    const { name, groups } = person;
    return { name, groups, ways: waysOf(person), owns: (owner: string) => standsBehind(owner, person) };
  });
  return { asked: [...levels, ...owned, ...files, ...rules], people };
}

function waysOf({ slack, email, tokenSha256, oidc }: Approver): string {
  const ways = [
    slack === undefined ? [] : ['Slack'],
    email === undefined ? [] : ['e-mail'],
    tokenSha256 === undefined ? [] : ['token'],
    oidc === undefined ? [] : ['account'],
  ];
  return ways.flat().join(', ');
}

/** What does not fit between a hold's votes and the classification that judged it. */
export function doubtsAbout({ held, votes, decided }: ReportHold, { catalog }: Classification): readonly string[] {
  const strangers = [...new Set(votes.map((vote) => vote.person))].filter((person) => !catalog.approvers.has(person));
  const doubts: string[] = strangers.map((person) => `${person} voted on ${held.hold} and was no approver then`);
  const voters = [...catalog.approvers.values()].filter(({ name }) => votes.some((vote) => vote.person === name));
  // By name they are found in the log alone.
  const owners = voters.filter((person) => standsBehind(held.owner, person)).map(({ name }) => name);
  for (const person of owners.filter((name) => name !== held.owner))
    doubts.push(`${person} voted on ${held.hold} and stands behind its agent, whose owner is ${held.owner}`);
  if (decided?.state !== 'approved') return doubts;
  const yes = new Set(votes.filter((vote) => vote.vote === 'approve').map((vote) => vote.person));
  for (const person of [held.owner, ...owners]) yes.delete(person);
  const wanted = Math.max(
    1,
    ...held.rules.map((rule) => catalog.levelByName.get(rule.replace(/^level /, ''))?.quorum ?? 1),
  );
  doubts.push(...withoutStepUp({ held, votes, decided }, catalog));
  if (yes.size >= wanted) return doubts;
  return [...doubts, `${held.hold} is approved by ${yes.size} people besides the owner, and its level wants ${wanted}`];
}

/** Who has a proxy's key can write votes in anybody's name, but not what their authenticators sign. */
function withoutStepUp(
  { held, votes, decided }: Pick<ReportHold, 'held' | 'votes' | 'decided'>,
  catalog: Classification['catalog'],
): readonly string[] {
  const wants = new Set(held.columns.map(({ level }) => catalog.levelByName.get(level)?.stepUp));
  const counted = votes.filter((vote) => vote.vote === 'approve' && decided?.by.includes(vote.person) === true);
  if (wants.has('passkey')) {
    return counted
      .filter(({ passkey }) => passkey === undefined)
      .map(({ person }) => `${person} approved ${held.hold} without the passkey that a level of it wants`);
  }
  if (!wants.has('console')) return [];
  return counted
    .filter(({ channel }) => channel !== 'console')
    .map(({ person, channel }) => `${person} approved ${held.hold} in ${channel}, and a level of it wants the console`);
}
