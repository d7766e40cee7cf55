// From marks to findings: views opened down to the columns under them, row security and rules added, kin and lineage named.
// A column of a view is read through what it is made of; the view's own filters and joins are read whoever names the view.
import type { ColumnName, ColumnRead, ColumnUse, ColumnWrite, Flow, OutputColumn, RelationName } from './analysis.ts';
import type { Openings } from './columns-opened.ts';
import { uses, type CallSite, type State, type Written } from './columns-state.ts';
import { firesInstead, hasTriggers, throughViews, type Command } from './columns-through.ts';
import { kinOf } from './kin.ts';
import { partitionKeys } from './partition-keys.ts';
import { columnOf, isSystemSchema, nameOf, type Relation, type RoleInfo } from './schema.ts';
import type { SchemaIndex } from './schema-index.ts';
import type { Column, Shape, Source } from './scope.ts';

interface Read {
  readonly source: Source;
  readonly via: readonly RelationName[];
  bits: number;
}

/** How the statement comes to a relation. */
interface Way {
  readonly via: readonly RelationName[];
  /** Whose rights count there: behind a view its owner's, unless the view is its asker's. Undefined: a role that nobody knows. */
  readonly user: RoleInfo | undefined;
}

export class Finish {
  readonly #index: SchemaIndex;
  readonly #openings: Openings;
  readonly #state: State;
  readonly #reads = new Map<Source, Map<string, Read>>();
  readonly #calls: CallSite[];
  readonly #bases = new Set<Relation>();
  readonly #guarded = new Set<string>();
  /** Policies that are being gone through: one that comes back to itself by way of a view is an error of the server's, and endless here. */
  readonly #open = new Set<string>();
  readonly #kin: WeakMap<Source, readonly ColumnName[]>;
  readonly #asker: RoleInfo | undefined;

  constructor(index: SchemaIndex, openings: Openings, state: State, kin: WeakMap<Source, readonly ColumnName[]>) {
    this.#index = index;
    this.#openings = openings;
    this.#state = state;
    this.#calls = [...state.calls];
    this.#kin = kin;
    this.#asker = index.snapshot.roles.find((each) => each.name === state.names.role);
    this.#absorb(state, { via: [], user: this.#asker }, ~uses.named);
    for (const [relation, commands] of state.commands) {
      for (const command of commands) {
        this.#rules(relation, command);
        if (command !== 'select') this.#through(relation, command);
      }
    }
  }

  calls(): readonly CallSite[] {
    return this.#calls;
  }

  reads(): readonly ColumnRead[] {
    const list: ColumnRead[] = [];
    for (const [source, byVia] of this.#reads) {
      for (const read of byVia.values()) {
        const exposed = (read.bits & uses.exposed) === 0 ? {} : { exposed: true as const };
        const [column, kin] = [columnName(source), this.#kinOf(source)];
        list.push({ column, uses: usesOf(read.bits), via: read.via, kin, ...exposed });
      }
    }
    return list;
  }

  /** Relations of which no column is named, read or written: what is learned from them is how many rows they have. */
  relations(): readonly RelationName[] {
    const read = new Set<Relation>();
    for (const source of this.#reads.keys()) read.add(source.relation);
    const named = new Set<string>([...read].map((each) => keyOf(nameOf(each))));
    for (const written of this.#state.writes.values()) named.add(keyOf(written.relation));
    return [...this.#bases].map(nameOf).filter((name) => !named.has(keyOf(name)));
  }

  writes(): readonly ColumnWrite[] {
    const list = [...this.#state.writes.values()].flatMap((written) => {
      const fired = this.#fired(written);
      const targets = this.#targets(written).filter((target) => !fired.some((each) => isSame(each, target)));
      return [...targets, ...fired];
    });
    const more = this.#removed().filter((each) => !list.some((one) => one.how === 'delete' && isSame(one, each)));
    return [...list, ...more].map(writeOf);
  }

  /** A row that goes through a view goes whole: what the view does not show of it, and what it shows computed, too. */
  #removed(): readonly Written[] {
    const list: Written[] = [];
    const writes = [...this.#state.writes.values()];
    for (const relation of this.#state.relations) {
      const deletes = writes.some((each) => each.how === 'delete' && same(each.relation, nameOf(relation)));
      if (relation.kind !== 'v' || !deletes) continue;
      for (const { below } of throughViews(relation, 'delete', this.#index, this.#openings)) {
        if (below.kind === 'v' && !hasTriggers(below, this.#index)) continue;
        for (const { name: column } of below.attributes) list.push({ relation: nameOf(below), column, how: 'delete' });
      }
    }
    return list;
  }

  flows(): readonly Flow[] {
    const list = new Map<string, Flow>();
    for (const { from, to } of this.#state.flows.values()) {
      for (const base of this.#under(from)) {
        for (const target of this.#targets(to)) {
          const flow = {
            from: columnName(base),
            to: { relation: target.relation, column: target.column },
            ...(target.stays === true ? { stays: true as const } : {}),
          };
          list.set(JSON.stringify(flow), flow);
        }
      }
    }
    return [...list.values()];
  }

  /** With columns of unknown names about, their places are unknown too: one entry `*` stands for all of them. */
  outputs(shape: Shape): readonly OutputColumn[] {
    const list = shape.columns.map((column) => this.#output(column));
    if (shape.rest === undefined) return list;
    const sources = this.#named(shape.sources());
    return [{ name: '*', sources, plain: false }];
  }

  #output(column: Column): OutputColumn {
    const sources = this.#named(column.sources);
    const plain = column.origin !== undefined && this.#plainUnder(column.origin) !== undefined;
    if (column.origin === undefined) return { name: column.name, sources, plain };
    return { name: column.name, sources, plain, origin: columnName(column.origin) };
  }

  #named(sources: readonly Source[]): readonly ColumnName[] {
    const found = new Set<Source>();
    for (const source of sources) for (const base of this.#under(source)) found.add(base);
    return [...found].map(columnName);
  }

  /** Marks of one state: the statement's own, or those of a view or policy that it goes through. */
  #absorb(state: State, way: Way, mask: number): void {
    for (const [source, bits] of state.reads)
      if ((bits & mask & ~uses.exposed) !== 0) this.#read(source, bits & mask, way.via);
    for (const relation of state.relations) this.#touched(relation, way);
    const locks = state.locks === 'rows' || this.#state.locks === 'rows';
    for (const [relation, commands] of state.commands) {
      const isNamed = relation.isPartition && [...commands].some((command) => command !== 'insert');
      if (isNamed || (relation.kind === 'p' && this.#state.counted === 'by partition'))
        for (const key of partitionKeys(relation, this.#openings.of(relation), this.#index))
          this.#read(key, uses.filter, way.via);
      this.#rowSecurity(relation, locks ? new Set([...commands, 'update' as const]) : commands, way);
    }
  }

  #read(source: Source, bits: number, via: readonly RelationName[]): void {
    const opened = source.relation.kind === 'v' ? this.#openings.view(source.relation) : undefined;
    if (opened !== undefined) {
      const inner = [...via, nameOf(source.relation)];
      const isPlain = opened.columns[placeOf(source)]?.origin !== undefined;
      for (const each of viewColumn(opened.columns, source)) {
        const within = isPlain ? 0 : (opened.state.reads.get(each) ?? 0) & uses.exposed;
        this.#read(each, bits | within, inner);
      }
      return;
    }
    const key = via.length === 0 ? '' : via.map(keyOf).join('\u0001');
    let byVia = this.#reads.get(source);
    if (byVia === undefined) this.#reads.set(source, (byVia = new Map()));
    const before = byVia.get(key);
    if (before === undefined) byVia.set(key, { source, via, bits });
    else before.bits |= bits;
  }

  /** What a view reads whoever names it: everything but its result columns. */
  #touched(relation: Relation, { via }: Way): void {
    const opened = relation.kind === 'v' ? this.#openings.view(relation) : undefined;
    if (opened === undefined) {
      this.#bases.add(relation);
      return;
    }
    const guard = `view ${relation.oid} ${via.map(keyOf).join('\u0001')}`;
    if (this.#guarded.has(guard)) return;
    this.#guarded.add(guard);
    this.#calls.push(...opened.state.calls);
    for (const type of opened.state.types) this.#state.types.add(type);
    for (const type of opened.state.worked) this.#state.worked.add(type);
    this.#inherit(opened.state, `in the view ${relation.name}`);
    const way = { via: [...via, nameOf(relation)], user: this.#userBehind(relation) };
    this.#absorb(opened.state, way, ~(uses.output | uses.named));
  }

  /** The server opens views and applies row security in its tree: what a name there means, it resolves. */
  #inherit(inner: State, where: string): void {
    for (const each of inner.unknowns) this.#state.add({ ...each, why: `${where}: ${each.why}`, at: undefined });
  }

  /** The server adds these conditions itself. Columns of the guarded row are access control; those of other rows, wherever they are, are reads. */
  #rowSecurity(relation: Relation, commands: ReadonlySet<Command>, way: Way): void {
    if (relation.rowSecurity === 'no' || isExempt(relation, way.user)) return;
    for (const policy of this.#index.policiesOf(relation.oid)) {
      if (policy.command !== 'all' && policy.command !== 'select' && !commands.has(policy.command)) continue;
      // Each way counts by itself: a word for the view on one of them says nothing for the others.
      const own = `policy ${relation.oid} ${way.user?.oid} ${policy.name}`;
      const guard = `${own} ${way.via.map(keyOf).join('\u0001')}`;
      if (this.#guarded.has(guard) || this.#open.has(own)) continue;
      this.#guarded.add(guard);
      this.#open.add(own);
      const { state, guarded } = this.#openings.policy(relation, policy);
      this.#calls.push(...state.calls);
      for (const type of state.types) this.#state.types.add(type);
      for (const type of state.worked) this.#state.worked.add(type);
      this.#inherit(state, `in the row security of ${relation.name}`);
      for (const [source, bits] of state.reads) {
        if (guarded?.has(source) !== true && bits !== uses.named) this.#read(source, bits & ~uses.named, way.via);
      }
      for (const each of state.relations) this.#touched(each, way);
      for (const [each, inner] of state.commands) this.#rowSecurity(each, inner, way);
      this.#open.delete(own);
    }
  }

  #userBehind(view: Relation): RoleInfo | undefined {
    return view.securityInvoker ? this.#asker : this.#index.snapshot.roles.find((each) => each.oid === view.owner);
  }

  /** A rule turns the statement into others; only the server's own tree says which. */
  #rules(relation: Relation, command: Command): void {
    for (const rule of this.#index.rulesOf(relation.oid)) {
      if (rule.event === 'select' || !rule.enabled || rule.event !== command) continue;
      this.#state.unresolved(`the rule "${rule.name}" on ${relation.name} rewrites this statement`);
    }
  }

  /**
   * The server turns a write to a view into one to what the view selects from: its rules and its row security are of that command then,
   * and a trigger in the place of the write is handed the whole row there.
   */
  #through(relation: Relation, command: Command): void {
    for (const { above, below, via } of throughViews(relation, command, this.#index, this.#openings)) {
      this.#rules(below, command);
      this.#rowSecurity(below, new Set([command]), { via, user: this.#userBehind(above) });
      if (!firesInstead(below, command, this.#index)) continue;
      for (const source of this.#openings.of(below).sources()) this.#read(source, uses.other, via);
    }
  }

  /** A write to a view's plain column lands in the column under it. */
  #targets(written: Written): readonly Written[] {
    const relation = [...this.#state.relations].find((each) => same(nameOf(each), written.relation));
    if (relation?.kind !== 'v') return [written];
    const attribute = relation.attributes.find((each) => each.name === written.column);
    const base = attribute === undefined ? undefined : this.#plainUnder({ relation, attribute });
    if (base === undefined) return [written];
    return [{ ...written, relation: nameOf(base.relation), column: base.attribute.name }];
  }

  /** Views on the way down to it that have triggers: those run too, or in the place of the write. */
  #fired(written: Written): readonly Written[] {
    const relation = [...this.#state.relations].find((each) => same(nameOf(each), written.relation));
    const attribute = relation?.attributes.find((each) => each.name === written.column);
    if (relation === undefined || attribute === undefined) return [];
    const fired: Written[] = [];
    let source: Source | undefined = { relation, attribute };
    while (source?.relation.kind === 'v') {
      const { relation: view, attribute: column } = source;
      if (hasTriggers(view, this.#index)) fired.push({ ...written, relation: nameOf(view), column: column.name });
      source = this.#openings.view(source.relation)?.columns[placeOf(source)]?.origin;
    }
    return fired;
  }

  /** Everything under a column, views opened. */
  #under(source: Source): readonly Source[] {
    const opened = source.relation.kind === 'v' ? this.#openings.view(source.relation) : undefined;
    if (opened === undefined) return [source];
    return viewColumn(opened.columns, source).flatMap((each) => this.#under(each));
  }

  /** The one column that a column is, through views that pass it on unchanged. */
  #plainUnder(source: Source): Source | undefined {
    const opened = source.relation.kind === 'v' ? this.#openings.view(source.relation) : undefined;
    if (opened === undefined) return source;
    const origin = opened.columns[placeOf(source)]?.origin;
    return origin === undefined ? undefined : this.#plainUnder(origin);
  }

  #kinOf(source: Source): readonly ColumnName[] {
    const before = this.#kin.get(source);
    if (before !== undefined) return before;
    const { relation, attribute } = source;
    const kin = [...kinOf(relation, attribute, this.#index)];
    if (relation.kind === 'm' && !isSystemSchema(relation.schema)) kin.push(...this.#copied(source));
    this.#kin.set(source, kin);
    return kin;
  }

  /** A materialized view holds a copy of what its query read. */
  #copied(source: Source): readonly ColumnName[] {
    const opened = this.#openings.view(source.relation);
    if (opened === undefined) return [];
    // The server's tree does not look behind a copy: nothing of it is mended there.
    for (const { why } of opened.state.unknowns) this.#state.unknown(`in ${source.relation.name}: ${why}`);
    const bases = new Set(viewColumn(opened.columns, source).flatMap((each) => this.#under(each)));
    return [...bases].flatMap((each) => [columnName(each), ...this.#kinOf(each)]);
  }
}

function isExempt(relation: Relation, user: RoleInfo | undefined): boolean {
  if (user === undefined) return false;
  return user.superuser || user.bypassRowSecurity || (user.oid === relation.owner && relation.rowSecurity !== 'forced');
}

function placeOf(source: Source): number {
  return source.relation.attributes.findIndex((each) => each.num === source.attribute.num);
}

function viewColumn(columns: readonly Column[], source: Source): readonly Source[] {
  return columns[placeOf(source)]?.sources ?? [];
}

const columnName = (source: Source): ColumnName => columnOf(source.relation, source.attribute);

const bitNames: readonly (readonly [number, ColumnUse])[] = [
  [uses.output, 'output'],
  [uses.filter, 'filter'],
  [uses.join, 'join'],
  [uses.group, 'group'],
  [uses.order, 'order'],
  [uses.other, 'other'],
];

function usesOf(bits: number): readonly ColumnUse[] {
  const names: ColumnUse[] = [];
  for (const [bit, name] of bitNames) if ((bits & bit) !== 0) names.push(name);
  return names;
}

const keyOf = (name: RelationName): string => `${name.schema}\0${name.name}`;
const same = (a: RelationName, b: RelationName): boolean => a.name === b.name && a.schema === b.schema;
const isSame = (a: Written, b: Written): boolean => a.column === b.column && same(a.relation, b.relation);

function writeOf(written: Written): ColumnWrite {
  return { column: { relation: written.relation, column: written.column }, how: written.how };
}
