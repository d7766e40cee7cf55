// The static witness behind the worker's port: per schema version an index and its opened views, kept as long as the snapshot is.
// Joins the answers about one statement: what is done (the table of statements), what is touched (the witness), what runs (functions
// and their bodies), and what a write sets off (triggers, foreign keys, checks).
import type { Analysis, ColumnRead, Flow, FunctionUse, RelationName, Unknown } from './analysis.ts';
import { kindsOnly, type Resolver } from './analyse.ts';
import { namesOf, type Node } from './ast.ts';
import { Callees, type Callee } from './callees.ts';
import { Names, type SessionNames } from './columns-names.ts';
import { StaticWitness, type StaticFindings } from './columns.ts';
import { runsEarly } from './early-checks.ts';
import { foldsRows } from './folding.ts';
import { FunctionBodies } from './function-bodies.ts';
import { signatureOf } from './functions.ts';
import type { Parser } from './parser.ts';
import { SchemaIndex } from './schema-index.ts';
import type { FunctionInfo, Snapshot } from './schema.ts';
import { patched, type SnapshotPatch } from './snapshot-patch.ts';
import { statementFacts, type StatementFacts } from './statement.ts';

interface Resolved {
  readonly witness: StaticWitness;
  readonly index: SchemaIndex;
  readonly callees: Callees;
  readonly bodies: FunctionBodies;
}

/** What a statement's functions come to, its triggers and checks included. */
interface Run {
  readonly functions: readonly FunctionUse[];
  readonly reads: readonly ColumnRead[];
  readonly relations: readonly RelationName[];
  readonly writes: Analysis['writes'];
  readonly flows: Analysis['flows'];
  readonly domains: readonly number[];
  readonly tells: readonly ColumnRead[];
  readonly unknowns: readonly Unknown[];
}

export class SchemaResolvers {
  readonly #parser: Parser;
  readonly #byVersion = new Map<string, Resolved>();

  constructor(parser: Parser) {
    this.#parser = parser;
  }

  add(snapshot: Snapshot, before?: SchemaIndex): void {
    const index = new SchemaIndex(snapshot, before);
    const parse = (sql: string): readonly Node[] | undefined => {
      const parsed = this.#parser.parse(sql);
      return parsed.kind === 'statements' ? parsed.statements.map((each) => each.node) : undefined;
    };
    const parseOne = (sql: string): Node | undefined => {
      const nodes = parse(sql);
      return nodes?.length === 1 ? nodes[0] : undefined;
    };
    const witness = new StaticWitness(index, parseOne);
    const callees = new Callees({ index, witness, parse: parseOne });
    const bodies = new FunctionBodies({ index, witness, callees, parse, facts: statementFacts });
    this.#byVersion.set(snapshot.schemaVersion, { witness, index, callees, bodies });
  }

  /** Where the base is not there, nothing is added: whoever names that version then learns that it was not read. */
  lay(patch: SnapshotPatch): void {
    const base = this.#byVersion.get(patch.base);
    if (base !== undefined) this.add(patched(base.index.snapshot, patch), base.index);
  }

  forget(schemaVersion: string): void {
    this.#byVersion.delete(schemaVersion);
  }

  readonly resolver: Resolver = {
    typesOf: (types, { schemaVersion, state }) => {
      const resolved = this.#byVersion.get(schemaVersion ?? '');
      if (resolved === undefined || !state.temp.known || !state.searchPath.known) return undefined;
      const names = new Names(resolved.index, state);
      const oids = types.map(({ TypeName: type }) => {
        const found = names.types(namesOf(type?.names) ?? [])[0];
        const isPlain = type?.setof !== true && type?.pct_type !== true;
        return !isPlain || found === undefined ? 0 : (type?.arrayBounds ?? []).length > 0 ? found.array : found.oid;
      });
      return oids.includes(0) ? undefined : oids;
    },
    resolve: (node, facts, context) => {
      const resolved = this.#byVersion.get(context.schemaVersion ?? '');
      if (resolved === undefined) return kindsOnly(facts, 'the schema has not been read');
      const findings = resolved.witness.analyse(node, context.state);
      const { calls: _1, types: _2, worked: _3, evaluates: _4, truncates: _5, ...found } = findings;
      const doubts = context.doubts.map((why): Unknown => ({ why, at: undefined }));
      const { kinds, command } = facts;
      const run = runOf(resolved, findings, context.state, defines(facts) ? resolved.callees.onDefinitions : []);
      const early = isEarly(node, findings, resolved, context.state);
      const unknowns = [
        ...facts.unknowns,
        ...doubts,
        ...found.unknowns,
        ...run.unknowns,
        ...(early ? [madeEarly] : []),
      ];
      return {
        ...found,
        kinds,
        command,
        functions: run.functions,
        reads: [...found.reads, ...run.reads],
        relations: [...found.relations, ...run.relations],
        writes: [...found.writes, ...run.writes],
        flows: [...found.flows, ...run.flows],
        unknowns,
        ...(foldsRows(node, facts.folds, run.functions) ? { folds: true as const } : {}),
        ...(run.domains.length === 0 ? {} : { domains: run.domains }),
        ...(early ? { early: true as const } : {}),
        ...(run.tells.length === 0 ? {} : { tells: run.tells }),
      } satisfies Analysis;
    },
  };
}

function isEarly(node: Node, found: StaticFindings, resolved: Resolved, session: SessionNames): boolean {
  const { index, callees, bodies } = resolved;
  const isHarmless = (callee: FunctionInfo): boolean => bodies.called(callee, session).nature === 'pure';
  return runsEarly(node, found, session.temp.known ? session.temp.value : [], { index, callees, isHarmless });
}

const madeEarly: Unknown = { why: 'a constant whose domain’s check may run while the text is parsed', at: undefined };

/** Commands that fire event triggers. */
const defines = ({ kinds, command }: StatementFacts): boolean =>
  kinds.includes('schema') || kinds.includes('privilege') || /^(?:CREATE|SELECT INTO|REFRESH|REINDEX)\b/.test(command);

function runOf(
  { index, witness, callees, bodies }: Resolved,
  found: StaticFindings,
  session: SessionNames,
  more: readonly Callee[],
): Run {
  const behind = callees.behind(found, session.temp.known ? session.temp.value : []);
  const reads: ColumnRead[] = copiedReads(found, { index, witness, bodies }, session);
  const relations: RelationName[] = [];
  const writes = [...behind.writes];
  const flows: Flow[] = [];
  const tells = [...behind.tells];
  // What a function gives may be anything that it read, and goes wherever the statement writes.
  const given = new Set(found.calls.flatMap((call) => call.candidates));
  const targets = found.writes.filter(({ how }) => how !== 'delete');
  const functions = [...behind.callees, ...more].map(({ function: callee, how }): FunctionUse => {
    const called = bodies.called(callee, session);
    reads.push(...called.reads);
    relations.push(...called.relations);
    writes.push(...called.writes);
    flows.push(...called.flows);
    tells.push(...called.tells);
    if (given.has(callee))
      for (const { column: from } of called.reads) flows.push(...targets.map(({ column: to }) => ({ from, to })));
    const { schema, name } = callee;
    const [signature, nature] = [signatureOf(callee, index), called.nature];
    if (how === 'surely') return { schema, name, signature, nature };
    return called.reads.length === 0
      ? { schema, name, signature, nature, settledBy: 'tree' }
      : { schema, name, signature, nature, settledBy: 'tree', brought: called.reads };
  });
  const why = found.writes.length > 0 ? 'what the write sets off' : 'what the values are checked by';
  const unknowns = behind.complete === 'yes' ? [] : [{ why: `${why} cannot be followed to its end`, at: undefined }];
  return { functions, reads, relations, writes, flows, domains: behind.domains, tells, unknowns };
}

/** A materialized view holds what the functions in its query gave when it was filled: what they read, it shows. */
function copiedReads(
  found: StaticFindings,
  { index, witness, bodies }: Pick<Resolved, 'index' | 'witness' | 'bodies'>,
  session: SessionNames,
): ColumnRead[] {
  const copies = new Set(
    found.reads.flatMap(({ column: { relation } }) =>
      index.relationsNamed(relation.name).filter(({ kind, schema }) => kind === 'm' && schema === relation.schema),
    ),
  );
  return [...copies]
    .flatMap((copy) => witness.callsBehind(copy))
    .flatMap(({ candidates }) => candidates)
    .flatMap((callee) => bodies.called(callee, session).reads);
}
