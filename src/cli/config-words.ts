// A config in words for the record: who owns which agent, and what a change changed about that. Owners matter most: an owner never approves
// for their agent, so who becomes one, and when, has to be on record. No password, no verifier, no address of a secret.
import type { Config } from '../core/config-types.ts';
import { visible } from '../core/visible.ts';

type Described = Pick<Config, 'agents' | 'databases'>;

const wordsMax = 4_000;

export function configWords({ agents, databases }: Described): string {
  const owners = [...agents.values()].map(({ name, owner }) => `${name} (${owner})`);
  return visible(`databases: ${listed([...databases.keys()])}; agents with their owners: ${listed(owners)}`, wordsMax);
}

export function configChange(before: Described, after: Described): string {
  const changes = [
    ...namesChange('agent', before.agents, after.agents),
    ...namesChange('database', before.databases, after.databases),
  ];
  for (const [name, { owner, databases }] of after.agents) {
    const was = before.agents.get(name);
    if (was === undefined) continue;
    if (was.owner !== owner) changes.push(`owner of ${name}: ${was.owner} before, ${owner} now`);
    if (was.databases.join() !== databases.join()) changes.push(`databases of ${name}: ${listed(databases)}`);
  }
  return visible(
    `the config was read again: ${changes.length === 0 ? 'agents, owners and databases as before' : changes.join('; ')}`,
    wordsMax,
  );
}

function namesChange(
  what: string,
  before: ReadonlyMap<string, unknown>,
  after: ReadonlyMap<string, unknown>,
): string[] {
  const fresh = [...after.keys()].filter((name) => !before.has(name));
  const gone = [...before.keys()].filter((name) => !after.has(name));
  return [
    ...fresh.map((name) => {
      const one = after.get(name);
      const owner = typeof one === 'object' && one !== null && 'owner' in one ? ` (${String(one.owner)})` : '';
      return `new ${what} ${name}${owner}`;
    }),
    ...gone.map((name) => `${what} ${name} is gone`),
  ];
}

const listed = (names: readonly string[]): string => (names.length === 0 ? 'none' : names.join(', '));
