// The static witness behind the worker's port: per schema version an index and its opened views, kept as long as the snapshot is.
// Joins the answers about one statement: what is done (the table of statements), what is touched (the witness), what runs (functions
// and their bodies), and what a write sets off (triggers, foreign keys, checks).
import type { Analysis, ColumnRead, FunctionUse, RelationName, Unknown } from './analysis.ts';
import { kindsOnly, type Resolver } from './analyse.ts';
import type { Node } from './ast.ts';
import type { CallSite } from './columns-state.ts';
import type { SessionNames } from './columns-names.ts';
import { StaticWitness, type StaticFindings } from './columns.ts';
import { FunctionBodies } from './function-bodies.ts';
import type { Parser } from './parser.ts';
import { SchemaIndex } from './schema-index.ts';
import type { FunctionInfo, Snapshot } from './schema.ts';
import { statementFacts } from './statement.ts';
import { closureOf } from './writes-closure.ts';

interface Resolved {
  readonly index: SchemaIndex;
  readonly witness: StaticWitness;
  readonly bodies: FunctionBodies;
  /** Functions in an expression of the schema's own, by its text and relation. */
  readonly inExpressions: Map<string, readonly FunctionInfo[]>;
}

/** What a statement's functions come to, its triggers and checks included. */
interface Run {
  readonly functions: readonly FunctionUse[];
  readonly reads: readonly ColumnRead[];
  readonly relations: readonly RelationName[];
  readonly writes: Analysis['writes'];
  readonly unknowns: readonly Unknown[];
}

export class SchemaResolvers {
  readonly #parser: Parser;
  readonly #byVersion = new Map<string, Resolved>();

  constructor(parser: Parser) {
    this.#parser = parser;
  }

  add(snapshot: Snapshot): void {
    const index = new SchemaIndex(snapshot);
    const parse = (sql: string): readonly Node[] | undefined => {
      const parsed = this.#parser.parse(sql);
      return parsed.kind === 'statements' ? parsed.statements.map((each) => each.node) : undefined;
    };
    const witness = new StaticWitness(index, (sql) => {
      const nodes = parse(sql);
      return nodes?.length === 1 ? nodes[0] : undefined;
    });
    const bodies = new FunctionBodies({ index, witness, parse, facts: statementFacts });
    this.#byVersion.set(snapshot.schemaVersion, { index, witness, bodies, inExpressions: new Map() });
  }

  forget(schemaVersion: string): void {
    this.#byVersion.delete(schemaVersion);
  }

  readonly resolver: Resolver = {
    resolve: (node, facts, context) => {
      const resolved = this.#byVersion.get(context.schemaVersion ?? '');
      if (resolved === undefined) return kindsOnly(facts, 'the schema has not been read');
      const { calls, ...found } = resolved.witness.analyse(node, context.state);
      const doubts = context.doubts.map((why): Unknown => ({ why, at: undefined }));
      const run = this.#run(resolved, { ...found, calls }, context.state);
      const { kinds, command } = facts;
      const unknowns = [...facts.unknowns, ...doubts, ...found.unknowns, ...run.unknowns];
      return {
        ...found,
        kinds,
        command,
        functions: run.functions,
        reads: [...found.reads, ...run.reads],
        relations: [...found.relations, ...run.relations],
        writes: [...found.writes, ...run.writes],
        unknowns,
      } satisfies Analysis;
    },
  };

  #run(resolved: Resolved, found: StaticFindings, state: SessionNames): Run {
    const { index, bodies } = resolved;
    const closure = closureOf(index, found.writes);
    const callees = [...found.calls.flatMap((call) => call.candidates), ...closure.triggers];
    let complete = closure.complete;
    for (const each of closure.expressions) {
      const called = this.#inExpression(resolved, each.text, each.relation);
      // An expression that cannot be read may run anything: skipping it would take "not known" for "none".
      if (called === undefined) complete = 'no';
      else callees.push(...called);
    }
    const uses = new Map<number, FunctionUse>();
    const reads: ColumnRead[] = [];
    const relations: RelationName[] = [];
    for (const callee of callees) {
      if (uses.has(callee.oid)) continue;
      const called = bodies.called(callee, state);
      const signature = signatureOf(callee, index);
      uses.set(callee.oid, { schema: callee.schema, name: callee.name, signature, nature: called.nature });
      reads.push(...called.reads);
      relations.push(...called.relations);
    }
    const cut: readonly Unknown[] =
      complete === 'yes' ? [] : [{ why: 'what the write sets off cannot be followed to its end', at: undefined }];
    return { functions: [...uses.values()], reads, relations, writes: closure.writes, unknowns: cut };
  }

  /** The columns there belong to the row that is written; what matters is what runs. */
  #inExpression(
    { witness, inExpressions }: Resolved,
    text: string,
    relation: RelationName,
  ): readonly FunctionInfo[] | undefined {
    const sql = `SELECT (${text}) FROM ${quoted(relation.schema)}.${quoted(relation.name)}`;
    const before = inExpressions.get(sql);
    if (before !== undefined) return before;
    const parsed = this.#parser.parse(sql);
    const node = parsed.kind === 'statements' ? parsed.statements[0]?.node : undefined;
    const names: SessionNames = { searchPath: { known: true, value: [] }, role: '', temp: { known: true, value: [] } };
    if (node === undefined) return undefined;
    const calls: readonly CallSite[] = witness.analyse(node, names).calls;
    const found = calls.flatMap((call) => call.candidates);
    inExpressions.set(sql, found);
    return found;
  }
}

const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;

function signatureOf(callee: FunctionInfo, index: SchemaIndex): string {
  const inputs = callee.arguments.filter((argument) => argument.mode !== 'out' && argument.mode !== 'table');
  return inputs.map((argument) => index.type(argument.type)?.name ?? String(argument.type)).join(',');
}
