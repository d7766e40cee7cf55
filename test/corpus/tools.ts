// What tools ask of the catalogs: psql's own queries behind its backslash commands (`psql -E` shows them), over whatever the
// regression suite left in the database. Where there is no psql, there is no such corpus, and the table says so.
import { hasPsql, psql } from '../support/client.ts';
import { tagOf } from '../../src/sql/ast.ts';
import type { Lab } from './lab.ts';
import type { Tally } from './tally.ts';

const commands = (
  '\\d|\\dS|\\d+|\\d+ onek|\\d+ tenk1|\\d+ pg_class|\\da+|\\dA+|\\dAc|\\dAf|\\dAo|\\dAp|\\db+|\\dc+|\\dC+|\\dd|\\dD+|\\ddp|\\dE+|\\des+|\\det+|' +
  '\\deu+|\\dew+|\\df+|\\dfa|\\dfn|\\dft|\\dfw|\\dF+|\\dFd+|\\dFp+|\\dFt+|\\dg+|\\di+|\\dl+|\\dL+|\\dm+|\\dn+|\\do+|\\dO+|\\dp|\\dP+|\\dPi|\\dPt|' +
  '\\drds|\\dRp+|\\dRs+|\\ds+|\\dt+|\\dtv|\\dT+|\\du+|\\dv+|\\dx+|\\dX|\\dy+|\\l+|\\z|\\sf boolne|\\sv pg_views|\\conninfo|\\encoding|\\lo_list'
).split('|');

export async function playTools(lab: Lab, url: string, tally: Tally): Promise<void> {
  if (!hasPsql()) return;
  const { out } = await psql(url, { args: ['-E', '-q'], input: commands.join('\n') });
  const shown = [...out.matchAll(/^\/?\*+ QUERY \*+\/?\n([\s\S]*?)\n\/?\*+\/?$/gm)].map((match) => match[1] ?? '');
  for (const sql of new Set(shown)) {
    const nodes = lab.parse(sql);
    const [node] = nodes ?? [];
    if (nodes?.length === 1 && node !== undefined && tagOf(node) === 'SelectStmt')
      tally.add(await lab.compare(sql, node));
  }
}
