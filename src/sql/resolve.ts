// The static witness behind the worker's port: per schema version an index and its opened views, kept as long as the snapshot is.
// Joins the answers about one statement: what is done (the table of statements), what is touched (the witness), what runs (functions
// and their bodies), and what a write sets off (triggers, foreign keys, checks).
import type { Analysis, Unknown } from './analysis.ts';
import { kindsOnly, type Resolver } from './analyse.ts';
import type { Node } from './ast.ts';
import { StaticWitness } from './columns.ts';
import { FunctionBodies } from './function-bodies.ts';
import type { Parser } from './parser.ts';
import { SchemaIndex } from './schema-index.ts';
import { Runs } from './runs.ts';
import type { Snapshot } from './schema.ts';
import { statementFacts } from './statement.ts';

interface Resolved {
  readonly witness: StaticWitness;
  readonly runs: Runs;
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
    const parseOne = (sql: string): Node | undefined => {
      const nodes = parse(sql);
      return nodes?.length === 1 ? nodes[0] : undefined;
    };
    const witness = new StaticWitness(index, parseOne);
    const bodies = new FunctionBodies({ index, witness, parse, facts: statementFacts });
    const runs = new Runs({ index, witness, bodies, parse: parseOne });
    this.#byVersion.set(snapshot.schemaVersion, { witness, runs });
  }

  forget(schemaVersion: string): void {
    this.#byVersion.delete(schemaVersion);
  }

  readonly resolver: Resolver = {
    resolve: (node, facts, context) => {
      const resolved = this.#byVersion.get(context.schemaVersion ?? '');
      if (resolved === undefined) return kindsOnly(facts, 'the schema has not been read');
      const findings = resolved.witness.analyse(node, context.state);
      const { calls: _calls, types: _types, ...found } = findings;
      const doubts = context.doubts.map((why): Unknown => ({ why, at: undefined }));
      const run = resolved.runs.of(findings, context.state);
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
        ...(run.domains.length === 0 ? {} : { domains: run.domains }),
      } satisfies Analysis;
    },
  };
}
