// What a reload takes away ends with it: sessions that could not begin any more, and holds that nobody could use.
import type { StoreDesk } from '../approval/open-desk.ts';
import type { Config } from '../core/config-types.ts';
import { wordsOf } from '../core/errors.ts';
import type { Log } from '../core/log.ts';

type Rights = Pick<Config, 'agents' | 'databases'>;

export interface Lost {
  readonly agent: string;
  /** Undefined: all of them. */
  readonly database?: string;
}

/** What agents could reach before and cannot now. A new password takes nothing: the same agent may come again and use its approvals. */
export function lostBetween(before: Rights, now: Rights): readonly Lost[] {
  return [...before.agents.values()].flatMap(({ name, databases }): readonly Lost[] => {
    const agent = now.agents.get(name);
    if (agent === undefined) return [{ agent: name }];
    const isGone = (database: string): boolean => !agent.databases.includes(database) || !now.databases.has(database);
    return databases.filter(isGone).map((database) => ({ agent: name, database }));
  });
}

export async function recallHolds(desk: Pick<StoreDesk, 'recall'>, lost: readonly Lost[], log: Log): Promise<void> {
  for (const one of lost) {
    try {
      const holds = await desk.recall(one);
      if (holds > 0) log.info('holds of an agent that may not come any more are withdrawn', { ...one, holds });
    } catch (thrown) {
      // With the state away they run out by themselves, and nobody can use them: the agent gets no session.
      log.error('holds of an agent that may not come any more could not be withdrawn', {
        ...one,
        why: wordsOf(thrown),
      });
    }
  }
}
