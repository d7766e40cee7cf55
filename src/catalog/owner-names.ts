// Whether somebody stands behind an agent, by whatever the config calls its owner: the name of an approver, their e-mail address, Slack id or
// account, several of them, or a group. One that is not recognised would approve what their own agent asks.
import type { Approver } from './catalog.ts';

/** `groups`: those of the person beyond the files, by the word of an identity provider. */
export function standsBehind(owner: string, person: Approver, groups: readonly string[] = []): boolean {
  const { name, email, slack, oidc } = person;
  const aliases = new Set(
    [name, email, slack, oidc, ...person.groups, ...groups].flatMap((alias) => alias ?? []).map(plain),
  );
  return namesIn(owner).some((each) => aliases.has(plain(each)));
}

/** `ana`, `ana, ben`, `Ana Smith <ana@example.com>`. */
function namesIn(owner: string): readonly string[] {
  return [owner, ...owner.split(/[,;]/), ...(owner.match(/[^\s<>(),;:"']+@[^\s<>(),;:"']+/g) ?? [])];
}

/** A mailbox has many addresses: what stands behind a plus is its owner's to choose. */
const plain = (name: string): string =>
  name
    .normalize('NFKC')
    .trim()
    .toLowerCase()
    .replace(/^([^\s@+]+)\+[^\s@]*@/, '$1@');
