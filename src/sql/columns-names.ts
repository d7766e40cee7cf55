// What a name means in a session: relations, functions, types and operators along its search_path, by the rules of namespace.c.
// When the path is not known for sure, a name means every object of that name in any schema.
import type { Known } from '../core/known.ts';
import type { FunctionInfo, OperatorInfo, Relation, TypeInfo } from './schema.ts';
import type { SchemaIndex } from './schema-index.ts';

/** What the session's own state adds to the schema. */
export interface SessionNames {
  /** As it was set, `"$user"` and `pg_temp` included when they stand there. */
  readonly searchPath: Known<readonly string[]>;
  readonly role: string;
  /** The session's temporary relations. They come before everything else for relations and types, never for functions. */
  readonly temp: Known<readonly Relation[]>;
}

export class Names {
  readonly index: SchemaIndex;
  readonly role: string;
  /** Undefined: not known. pg_temp and pg_catalog are put in front where the path does not name them, as the server does. */
  readonly #path: readonly string[] | undefined;
  readonly #named: readonly string[] | undefined;
  readonly #temp: readonly Relation[] | undefined;

  constructor(index: SchemaIndex, session: SessionNames) {
    this.index = index;
    this.role = session.role;
    this.#temp = session.temp.known ? session.temp.value : undefined;
    if (!session.searchPath.known) return;
    const named = session.searchPath.value.map((name) => (name === '$user' ? session.role : name));
    this.#named = named;
    const implied = ['pg_temp', 'pg_catalog'].filter((name) => !named.includes(name));
    this.#path = [...implied, ...named];
  }

  /** More than one only when the path is not known. */
  relations(name: string, schema: string | undefined): readonly Relation[] {
    const named = this.index.relationsNamed(name);
    const temp = (this.#temp ?? []).filter((each) => each.name === name);
    if (schema !== undefined) {
      if (schema === 'pg_temp') return temp;
      return [...named, ...temp].filter((each) => each.schema === schema);
    }
    if (this.#path === undefined) return [...named, ...temp];
    for (const part of this.#path) {
      const found = part === 'pg_temp' ? temp[0] : named.find((each) => each.schema === part);
      if (found !== undefined) return [found];
    }
    return [];
  }

  /** Whether a relation of the session that we have not seen could be meant instead. */
  mayBeTemporary(schema: string | undefined): boolean {
    if (this.#temp !== undefined) return false;
    return schema === undefined ? this.#path?.[0] !== 'pg_catalog' : schema.startsWith('pg_temp');
  }

  /** Where `CREATE TABLE name` puts it; undefined when that is not known. */
  creationSchema(): string | undefined {
    return this.#named?.find((name) => name === 'pg_temp' || this.index.hasSchema(name));
  }

  /** Overloads that could take so many arguments, of every schema in the path: which one wins depends on types we do not have. */
  functions(names: readonly string[], count: number | undefined): readonly FunctionInfo[] {
    const named = this.#visible(this.index.functionsNamed(names.at(-1) ?? ''), names);
    return count === undefined ? named : named.filter((each) => takes(each, count));
  }

  types(names: readonly string[]): readonly TypeInfo[] {
    const visible = this.#visible(this.index.typesNamed(names.at(-1) ?? ''), names);
    if (names.length > 1 || this.#path === undefined) return visible;
    for (const part of this.#path) {
      const found = visible.find((each) => each.schema === part);
      if (found !== undefined) return [found];
    }
    return [];
  }

  userOperators(names: readonly string[]): readonly OperatorInfo[] {
    return this.#visible(this.index.userOperatorsNamed(names.at(-1) ?? ''), names);
  }

  #visible<T extends { readonly schema: string }>(list: readonly T[], names: readonly string[]): readonly T[] {
    const schema = names.length > 1 ? names.at(-2) : undefined;
    if (schema !== undefined) return list.filter((each) => each.schema === schema);
    const path = this.#path;
    return path === undefined || list.length === 0 ? list : list.filter((each) => path.includes(each.schema));
  }
}

function takes(callee: FunctionInfo, count: number): boolean {
  let inputs = 0;
  for (const { mode } of callee.arguments) if (mode !== 'out' && mode !== 'table') inputs += 1;
  // A procedure's OUT arguments are written in CALL.
  if (callee.kind === 'procedure') inputs = callee.arguments.length;
  if (callee.variadic !== 0) return count >= inputs - 1 - callee.defaults;
  return count <= inputs && count >= inputs - callee.defaults;
}
