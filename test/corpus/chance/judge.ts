// What the two witnesses say of one statement, joined as the proxy joins them, and where they differ.
import type pg from 'pg';
import { known } from '../../../src/core/known.ts';
import { analyseText, type AnalysedStatement } from '../../../src/sql/analyse.ts';
import type { Analysis, ColumnName, ColumnRead } from '../../../src/sql/analysis.ts';
import type { Parser } from '../../../src/sql/parser.ts';
import { SchemaResolvers } from '../../../src/sql/resolve.ts';
import { SchemaIndex } from '../../../src/sql/schema-index.ts';
import { readSnapshot } from '../../../src/sql/schema-picture.ts';
import { readTree } from '../../../src/sql/tree.ts';
import { namedTree } from '../../../src/sql/tree-named.ts';
import { unite } from '../../../src/sql/union.ts';
import { serverTree, treeSettings } from '../../sql/server-tree.ts';
import type { Role } from './world.ts';

export type Said =
  /** The server does not take it. */
  | { readonly kind: 'refused'; readonly why: string }
  | { readonly kind: 'notKnown'; readonly why: string }
  /** Sure, and the server's tree says more. */
  | { readonly kind: 'missed'; readonly words: string }
  | {
      readonly kind: 'known';
      /** `table.column` of everything that is read, what shares its class included. */
      readonly read: ReadonlySet<string>;
      readonly touched: ReadonlySet<string>;
      /** By column, which ones are said to be copied into it: whether they may stand there is for their levels to say. */
      readonly flows: ReadonlyMap<string, ReadonlySet<string>>;
      /** Read, by the static witness alone. */
      readonly over: readonly string[];
      readonly settled: boolean;
    };

const path = known(['w']);

export class Judge {
  readonly #client: pg.Client;
  readonly #parser: Parser;
  #index: SchemaIndex | undefined;
  #resolvers: SchemaResolvers | undefined;

  constructor(client: pg.Client, parser: Parser) {
    this.#client = client;
    this.#parser = parser;
  }

  async learn(): Promise<void> {
    await this.#client.query('SET client_min_messages = warning');
    const snapshot = await readSnapshot(async (sql) => {
      const { rows } = await this.#client.query<(string | null)[]>({ text: sql, rowMode: 'array' });
      return rows;
    });
    this.#index = new SchemaIndex(snapshot);
    this.#resolvers = new SchemaResolvers(this.#parser);
    this.#resolvers.add(snapshot);
    await this.#client.query(`SET search_path = w; ${treeSettings}`);
  }

  async of(sql: string, role: Role): Promise<Said> {
    const one = this.#static(sql, role);
    const index = this.#index;
    if (one === undefined || index === undefined) return { kind: 'refused', why: 'not one statement' };
    if (one.probe.kind === 'impossible') return { kind: 'notKnown', why: one.probe.why };
    if (one.probe.kind === 'none') return told(one.analysis, [], false);
    const asked = one.probe.kind === 'inner' ? one.probe.text : sql;
    await this.#client.query(`SET ROLE ${role}`);
    const answer = await serverTree(this.#client, asked);
    await this.#client.query('RESET ROLE');
    if (answer.kind === 'error') return { kind: 'refused', why: `${answer.code} ${answer.message}` };
    const facts = readTree(answer.detail, 'same');
    const { analysis, disagreement } = unite(one.analysis, facts, index);
    if (disagreement !== undefined) return { kind: 'missed', words: disagreement };
    const tree = facts.known ? namedTree(facts.value, index, []) : undefined;
    // Of a write to a view the server's tree forgets the view; of everything else it keeps the way.
    const isPlain = one.analysis.writes.length === 0 && one.analysis.unknowns.length === 0;
    const astray = tree?.known === true && isPlain ? astrayOf(one.analysis, tree.value.reads) : [];
    if (astray.length > 0) return { kind: 'missed', words: `by another way: ${astray.join(', ')}` };
    const theirs = new Set(tree?.known === true ? tree.value.reads.map((read) => keyOf(read.column)) : []);
    const brought = new Set(
      one.analysis.functions.flatMap((each) => each.brought ?? []).map((read) => keyOf(read.column)),
    );
    const over = one.analysis.reads
      .map((read) => keyOf(read.column))
      .filter((each) => !theirs.has(each) && !brought.has(each));
    return told(analysis, over, one.analysis.unknowns.length > 0);
  }

  #static(sql: string, role: Role): AnalysedStatement | undefined {
    const resolver = this.#resolvers?.resolver;
    if (resolver === undefined || this.#index === undefined) return undefined;
    const schemaVersion = this.#index.snapshot.schemaVersion;
    const answer = analyseText(this.#parser, resolver, {
      text: sql,
      schemaVersion,
      state: { searchPath: path, role, temp: known([]) },
    });
    return answer.kind === 'statements' && answer.statements.length === 1 ? answer.statements[0] : undefined;
  }
}

/** Read by a way of which the catalog may think otherwise: a word for the outermost view speaks for what is read through it. */
function astrayOf(analysis: Analysis, theirs: readonly ColumnRead[]): readonly string[] {
  const way = (read: ColumnRead): string => `${keyOf(read.column)} by ${read.via[0]?.name ?? 'itself'}`;
  const ours = new Set(analysis.reads.map(way));
  const direct = new Set(analysis.reads.filter((read) => read.via.length === 0).map((read) => keyOf(read.column)));
  return theirs.filter((read) => !ours.has(way(read)) && !direct.has(keyOf(read.column))).map(way);
}

const keyOf = (column: ColumnName): string => `${column.relation.name}.${column.column}`;

function told(analysis: Analysis, over: readonly string[], settled: boolean): Said {
  const [unknown] = analysis.unknowns;
  if (unknown !== undefined) return { kind: 'notKnown', why: unknown.why };
  const unread = analysis.functions.find((each) => each.nature === 'unknown' || each.nature === 'listed');
  if (unread !== undefined)
    return { kind: 'notKnown', why: `the function ${unread.schema === 'w' ? 'of users' : unread.name}` };
  const reads = [...analysis.reads, ...(analysis.tells ?? [])];
  const read = new Set(reads.flatMap((each) => [each.column, ...each.kin, ...(each.standsFor ?? [])]).map(keyOf));
  const touched = new Set([
    ...[...reads, ...analysis.writes].map((each) => each.column.relation.name),
    ...[...analysis.relations, ...analysis.wholeTables].map((each) => each.name),
  ]);
  const flows = new Map<string, Set<string>>();
  for (const { from, to } of analysis.flows)
    flows.set(keyOf(to), (flows.get(keyOf(to)) ?? new Set<string>()).add(keyOf(from)));
  return { kind: 'known', read, touched, flows, over, settled };
}
