// The static witness behind the worker's port: per schema version an index and its opened views, kept as long as the snapshot is.
// Joins three answers about one statement: what is done (the table of statements), what is touched (the witness), what runs.
import type { Analysis, FunctionUse, Unknown } from './analysis.ts';
import { kindsOnly, type Resolver } from './analyse.ts';
import type { CallSite } from './columns-state.ts';
import { StaticWitness } from './columns.ts';
import type { Parser } from './parser.ts';
import { SchemaIndex } from './schema-index.ts';
import type { FunctionInfo, Snapshot } from './schema.ts';

/** What a function does beyond its arguments, by the snapshot alone. */
export type NatureOf = (callee: FunctionInfo, index: SchemaIndex) => FunctionUse['nature'];

interface Resolved {
  readonly index: SchemaIndex;
  readonly witness: StaticWitness;
}

export class SchemaResolvers {
  readonly #parser: Parser;
  readonly #natureOf: NatureOf;
  readonly #byVersion = new Map<string, Resolved>();

  constructor(parser: Parser, natureOf: NatureOf) {
    this.#parser = parser;
    this.#natureOf = natureOf;
  }

  add(snapshot: Snapshot): void {
    const index = new SchemaIndex(snapshot);
    const witness = new StaticWitness(index, (sql) => {
      const parsed = this.#parser.parse(sql);
      return parsed.kind === 'statements' && parsed.statements.length === 1 ? parsed.statements[0]?.node : undefined;
    });
    this.#byVersion.set(snapshot.schemaVersion, { index, witness });
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
      const functions = this.#functions(calls, resolved.index);
      const { kinds, command } = facts;
      const unknowns = [...facts.unknowns, ...doubts, ...found.unknowns];
      return { ...found, kinds, command, functions, unknowns } satisfies Analysis;
    },
  };

  #functions(calls: readonly CallSite[], index: SchemaIndex): readonly FunctionUse[] {
    const uses = new Map<number, FunctionUse>();
    for (const callee of calls.flatMap((call) => call.candidates)) {
      if (uses.has(callee.oid)) continue;
      const nature = this.#natureOf(callee, index);
      uses.set(callee.oid, { schema: callee.schema, name: callee.name, signature: signatureOf(callee, index), nature });
    }
    return [...uses.values()];
  }
}

function signatureOf(callee: FunctionInfo, index: SchemaIndex): string {
  const inputs = callee.arguments.filter((argument) => argument.mode !== 'out' && argument.mode !== 'table');
  return inputs.map((argument) => index.type(argument.type)?.name ?? String(argument.type)).join(',');
}
