// Whether a session that is running could still begin: asked of each after a reload. What an operator takes away ends at once, not when
// the agent happens to leave.
import type { AgentAccount, Directory } from './directory.ts';

/** Why not, in words for the agent; undefined: it is as welcome as it was. */
export function whyUnwelcome(account: AgentAccount, database: string, directory: Directory): string | undefined {
  const { name } = account;
  const now = directory.agent(name);
  if (now === undefined) return `agent "${name}" is not in the configuration any more`;
  if (!directory.hasDatabase(database)) return `database "${database}" is not in the configuration any more`;
  if (!now.databases.includes(database)) return `database "${database}" is no longer open to agent "${name}"`;
  if (now.verifier !== account.verifier) return `the password of agent "${name}" was changed`;
  if (now.auth !== account.auth || now.certificateName !== account.certificateName) {
    return `agent "${name}" has to log in in another way now`;
  }
  if (now.login?.user !== account.login?.user) return `agent "${name}" has another role at the database now`;
  return undefined;
}
