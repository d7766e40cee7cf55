// Walks the clauses of an analysed query with its scopes: which base columns are read and for what, which are written, and what
// flows where. Every mark is made once (an expression and a use), so that a nest of sub-selects costs its size, not its paths.
import type { ColumnUse } from './analysis.ts';
import type { TreeFlow, TreeOutput, TreeRead, TreeWrite } from './tree.ts';
import { nameText, TreeNode, type NodeValue } from './node-text.ts';
import { attnumsOf, commandOf, listOf, nodeOf, nodesOf, numberOf, type TreeCommand } from './tree-nodes.ts';
import { isInThroughView, isTarget, throughView } from './tree-through.ts';
import { lead, resultColumn, resultEntries, rteKind, Scope, type ScopedExpr } from './tree-scope.ts';
import { add, key, listed, type Reads } from './tree-reads.ts';
import { existsOnly } from './tree-exists.ts';
import { Sources } from './tree-sources.ts';

interface Marked {
  /** Columns of views as they were asked for, by whoever opened them: for views that stand for themselves (the server's own). */
  readonly viewReads: readonly TreeRead[];
  readonly reads: readonly TreeRead[];
  readonly writes: readonly TreeWrite[];
  readonly flows: readonly TreeFlow[];
  readonly outputs: readonly TreeOutput[];
  readonly unfiltered: readonly number[];
}

/** Nested calls of `#expr`: some 700 terms of `a || b || …`. Deeper trees are not known. */
const depthMax = 2_500;

export class Marker {
  #lost: string | undefined;
  #depth = 0;
  /** The row that a policy being walked guards. */
  #guard: { readonly scope: Scope; readonly varno: number } | undefined;
  readonly #reads: Reads = new Map();
  readonly #viewReads: Reads = new Map();
  readonly #writes = new Map<string, TreeWrite>();
  readonly #flows = new Map<string, TreeFlow>();
  readonly #outputs: TreeOutput[] = [];
  readonly #unfiltered = new Set<number>();
  readonly #done = new Map<object, Set<ColumnUse>>();
  readonly #walked = new Set<Scope>();
  /** Queries inside row security. */
  readonly #policies = new Set<Scope>();
  readonly #sources = new Sources();
  /** Columns that the list of an EXISTS names. */
  readonly #unread = new Set<string>();

  /** The first thing that could not be followed. One is enough: the tree is then not known. */
  get lost(): string | undefined {
    return this.#lost ?? this.#sources.lost;
  }

  /** One query of the rewritten list. */
  statement(query: TreeNode): void {
    const scope = new Scope(query, undefined, []);
    const before = this.#walked.size;
    this.#clauses(scope);
    this.#results(scope, 'output');
    if (query.get('canSetTag') === 'true') this.#describe(scope);
    // Columns of a sub-select or CTE that nothing asks for are written in the statement all the same: they count. Those of a
    // view are not the asker's words, and the planner drops them.
    for (const inner of [...this.#walked].slice(before)) {
      if (inner.via.length === 0 && !inner.touched.has(0)) this.#untouched(inner);
      this.#permissions(inner);
    }
  }

  facts(): Marked {
    return {
      reads: listed(this.#reads),
      viewReads: listed(this.#viewReads),
      writes: [...this.#writes.values()],
      flows: [...this.#flows.values()],
      outputs: this.#outputs,
      unfiltered: [...this.#unfiltered],
    };
  }

  #results(scope: Scope, use: ColumnUse): void {
    for (const entry of resultEntries(scope.query)) this.#mark(resultColumn(scope, numberOf(entry.get('resno'))), use);
  }

  #untouched(scope: Scope): void {
    for (const entry of resultEntries(scope.query)) {
      const resno = numberOf(entry.get('resno'));
      if (!scope.touched.has(resno)) this.#mark(resultColumn(scope, resno), 'other');
    }
  }

  /** Everything of a query but what its result columns are made of. */
  #clauses(scope: Scope): void {
    if (this.#walked.has(scope)) return;
    this.#walked.add(scope);
    if (this.#guard !== undefined) this.#policies.add(scope);
    const { query } = scope;
    for (const item of nodesOf(query.get('cteList'))) {
      const inner = nodeOf(item.get('ctequery'));
      if (inner !== undefined) this.#clauses(scope.child(inner));
    }
    for (const rte of scope.rtable) this.#entry(scope, rte);
    this.#from(scope, query.get('jointree'));
    this.#expr(scope, query.get('havingQual'), 'filter');
    this.#expr(scope, query.get('limitOffset'), 'other');
    this.#expr(scope, query.get('limitCount'), 'other');
    this.#guarded({ scope, varno: numberOf(query.get('resultRelation')) }, query.get('withCheckOptions'));
    this.#expr(scope, query.get('mergeJoinCondition'), 'join');
    this.#sorts(scope);
    this.#write(scope);
  }

  #entry(scope: Scope, rte: TreeNode): void {
    const inner = nodeOf(rte.get('subquery'));
    if (inner !== undefined) this.#clauses(scope.child(inner));
    this.#expr(scope, rte.get('functions'), 'other');
    this.#expr(scope, rte.get('values_lists'), 'other');
    this.#expr(scope, rte.get('tablefunc'), 'other');
    this.#expr(scope, rte.get('tablesample'), 'other');
    // Row security and a view's CHECK OPTION look at the row itself to decide whether it may be seen or written: access control, and no
    // reading of the asker's. Other tables that they look into are read.
    this.#guarded({ scope, varno: scope.rtable.indexOf(rte) + 1 }, rte.get('securityQuals'));
  }

  #guarded(row: { readonly scope: Scope; readonly varno: number }, value: NodeValue | undefined): void {
    const before = this.#guard;
    this.#guard = row;
    this.#expr(row.scope, value, 'filter');
    this.#guard = before;
  }

  #from(scope: Scope, value: NodeValue | undefined): void {
    for (const node of value instanceof TreeNode ? [value] : nodesOf(value)) {
      if (node.tag === 'FROMEXPR') {
        this.#from(scope, node.get('fromlist'));
        // 15 and 16 keep MERGE's ON here; 17 has a field for it.
        this.#expr(scope, node.get('quals'), commandOf(scope.query) === 'merge' ? 'join' : 'filter');
      } else if (node.tag === 'JOINEXPR') {
        this.#from(scope, node.get('larg'));
        this.#from(scope, node.get('rarg'));
        this.#expr(scope, node.get('quals'), 'join');
      }
    }
  }

  /** Sort, group and window clauses name target entries, some of them made only for that (junk). */
  #sorts(scope: Scope): void {
    const { query } = scope;
    const entries = nodesOf(query.get('targetList'));
    const uses = new Map<number, Set<ColumnUse>>();
    const note = (clauses: NodeValue | undefined, use: ColumnUse): void => {
      for (const item of nodesOf(clauses)) {
        const ref = numberOf(item.get('tleSortGroupRef'));
        uses.set(ref, (uses.get(ref) ?? new Set<ColumnUse>()).add(use));
      }
    };
    note(query.get('sortClause'), 'order');
    note(query.get('groupClause'), 'group');
    note(query.get('distinctClause'), 'group');
    for (const window of nodesOf(query.get('windowClause'))) {
      note(window.get('partitionClause'), 'group');
      note(window.get('orderClause'), 'order');
      this.#expr(scope, window.get('startOffset'), 'other');
      this.#expr(scope, window.get('endOffset'), 'other');
    }
    for (const entry of entries) {
      const junk = entry.get('resjunk') === 'true';
      const wanted = uses.get(numberOf(entry.get('ressortgroupref')));
      for (const use of wanted ?? (junk ? (['other'] as const) : [])) {
        // Through all arms, when this is the list of a set operation.
        const exprs = junk ? [] : resultColumn(scope, numberOf(entry.get('resno')));
        this.#mark([...exprs, { scope, expr: entry.get('expr') ?? null }], use);
      }
    }
  }

  #write(scope: Scope): void {
    const { query } = scope;
    const command = commandOf(query);
    if (command === 'select' || command === 'utility' || command === 'nothing') return;
    const target = scope.rte(numberOf(query.get('resultRelation')));
    if (target === undefined) return;
    const relid = numberOf(target.get('relid'));
    const view = target.get('relkind') === 'v';
    if (command === 'delete') this.#addWrite({ relid, attnum: 0, how: 'delete' });
    if ((command === 'delete' || command === 'update') && nodeOf(query.get('jointree'))?.get('quals') === null) {
      this.#unfiltered.add(relid);
    }
    if (command !== 'merge') this.#assign(scope, { relid, view, command, list: query.get('targetList') });
    for (const action of nodesOf(query.get('mergeActionList'))) {
      this.#expr(scope, action.get('qual'), 'filter');
      this.#assign(scope, { relid, view, command: commandOf(action), list: action.get('targetList') });
    }
    const conflict = nodeOf(query.get('onConflict'));
    if (conflict === undefined) return;
    this.#expr(scope, conflict.get('arbiterElems'), 'other');
    this.#expr(scope, conflict.get('arbiterWhere'), 'filter');
    this.#expr(scope, conflict.get('onConflictWhere'), 'filter');
    this.#assign(scope, { relid, view, command: 'update', list: conflict.get('onConflictSet') });
  }

  /** A target list of a write: entry number = column number. */
  #assign(
    scope: Scope,
    target: {
      readonly relid: number;
      readonly view: boolean;
      readonly command: TreeCommand;
      readonly list: NodeValue | undefined;
    },
  ): void {
    const { relid, command } = target;
    if (command === 'delete') return this.#addWrite({ relid, attnum: 0, how: 'delete' });
    if (command !== 'insert' && command !== 'update') return;
    for (const entry of nodesOf(target.list)) {
      if (entry.get('resjunk') === 'true') continue;
      const to = { relid, attnum: numberOf(entry.get('resno')) };
      const expr = { scope, expr: entry.get('expr') ?? null };
      // Defaults stand in this list too, so a table's own bitmaps say better what was named; a view with triggers has none.
      if (target.view) this.#addWrite({ ...to, how: command });
      this.#mark([expr], 'other');
      for (const from of this.#sources.of([expr])) this.#flows.set(`${key(from)}>${key(to)}`, { from, to });
    }
  }

  #addWrite(write: TreeWrite): void {
    this.#writes.set(`${key(write)}${write.how}`, write);
  }

  /** What the server itself would check a permission for, where our own walk of the clauses did not come by. */
  #permissions(scope: Scope): void {
    const infos = nodesOf(scope.query.get('rteperminfos'));
    for (const rte of scope.rtable) {
      if (rteKind(rte) !== 'relation' || rte.get('relkind') === 'v') continue;
      const holder = infos[numberOf(rte.get('perminfoindex')) - 1] ?? rte;
      const relid = numberOf(rte.get('relid'));
      if (numberOf(holder.get('relid')) !== relid) this.#lost ??= 'permissions of another relation';
      // A view's own list asks for every column of its definition, a policy's for the whole row where it was written `(t).a`; only those
      // that are used are read.
      if (scope.via.length > 0 || this.#policies.has(scope)) continue;
      this.#writtenBy(scope, rte, holder);
      // So does the table that a write to a view ends in.
      if (isTarget(scope, rte) && throughView(scope)) continue;
      for (const attnum of attnumsOf(holder.get('selectedCols'))) {
        if (attnum === 0 && isInThroughView(scope)) continue;
        const named = attnum < 0 || this.#unread.has(`${relid}.${attnum}`) || this.#isRead(relid, attnum);
        if (!named) add(this.#reads, { relid, attnum, via: [] }, 'other');
      }
    }
  }

  #writtenBy(scope: Scope, rte: TreeNode, holder: TreeNode): void {
    const relid = numberOf(rte.get('relid'));
    const inserted = attnumsOf(holder.get('insertedCols'));
    for (const attnum of inserted) this.#addWrite({ relid, attnum, how: 'insert' });
    for (const attnum of attnumsOf(holder.get('updatedCols'))) this.#addWrite({ relid, attnum, how: 'update' });
    // INSERT … DEFAULT VALUES: no column named, every column written.
    const inserts = commandOf(scope.query) === 'insert' && isTarget(scope, rte);
    if (inserts && inserted.length === 0) this.#addWrite({ relid, attnum: 0, how: 'insert' });
  }

  #isRead(relid: number, attnum: number): boolean {
    return this.#reads.has(`${relid}.${attnum}`) || this.#reads.has(`${relid}.0`);
  }

  #mark(list: readonly ScopedExpr[], use: ColumnUse): void {
    for (const { scope, expr } of list) {
      if (typeof expr !== 'object' || expr === null) continue;
      const done = this.#done.get(expr) ?? new Set<ColumnUse>();
      if (done.has(use)) continue;
      this.#done.set(expr, done.add(use));
      this.#expr(scope, expr, use);
    }
  }

  #expr(scope: Scope, value: NodeValue | undefined, use: ColumnUse): void {
    if (typeof value !== 'object' || value === null) return;
    if (this.#depth >= depthMax) {
      this.#lost ??= 'nested too deep';
      return;
    }
    this.#depth++;
    if (value instanceof TreeNode) this.#node(scope, value, use);
    else for (const item of listOf(value)) this.#expr(scope, item, use);
    this.#depth--;
  }

  #node(scope: Scope, value: TreeNode, use: ColumnUse): void {
    switch (value.tag) {
      case 'VAR':
        return this.#var(scope, value, numberOf(value.get('varattno')), use);
      case 'FIELDSELECT': {
        // One field of a whole row is that column, not the row.
        const arg = nodeOf(value.get('arg'));
        if (arg?.tag !== 'VAR' || arg.get('varattno') !== '0') break;
        return this.#var(scope, arg, numberOf(value.get('fieldnum')), use);
      }
      case 'SUBLINK': {
        this.#expr(scope, value.get('testexpr'), use);
        const query = existsOnly(value);
        if (query !== undefined) return this.#exists(scope.child(query));
        return this.#expr(scope, value.get('subselect'), use);
      }
      case 'QUERY': {
        const inner = scope.child(value);
        this.#clauses(inner);
        return this.#results(inner, use);
      }
      case 'CASEEXPR':
      case 'CASE':
        this.#expr(scope, value.get('arg'), 'filter');
        this.#expr(scope, value.get('args'), use);
        return this.#expr(scope, value.get('defresult'), use);
      case 'CASEWHEN':
      case 'WHEN':
        this.#expr(scope, value.get('expr'), 'filter');
        return this.#expr(scope, value.get('result'), use);
      case 'SUBSCRIPTINGREF':
      case 'FIELDSTORE': {
        // Setting a part of a column: the rest of it stays as it is and is shown to nobody.
        const kept = value.tag === 'FIELDSTORE' ? 'arg' : value.get('refassgnexpr') === null ? '' : 'refexpr';
        return this.#fields(scope, value, use, kept);
      }
      case 'AGGREF':
      case 'WINDOWFUNC':
        this.#expr(scope, value.get('aggfilter'), 'filter');
        return this.#fields(scope, value, use, 'aggfilter');
      default:
        break;
    }
    this.#fields(scope, value, use, '');
  }

  /** Whether a row is there; what its list names is looked at by nobody, and is no reading by the statement's own permissions either. */
  #exists(inner: Scope): void {
    inner.touched.add(0);
    this.#clauses(inner);
    const named = resultEntries(inner.query).map((entry) => ({ scope: inner, expr: entry.get('expr') ?? null }));
    for (const column of this.#sources.of(named)) this.#unread.add(key(column));
  }

  #fields(scope: Scope, node: TreeNode, use: ColumnUse, but: string): void {
    const skipped = but === '' ? undefined : node.layout.placeOf(but);
    let place = 0;
    for (const item of node.values) if (place++ !== skipped && typeof item === 'object') this.#expr(scope, item, use);
  }

  #var(scope: Scope, node: TreeNode, attnum: number, use: ColumnUse): void {
    const level = scope.up(numberOf(node.get('varlevelsup')));
    if (level === undefined) {
      this.#lost ??= 'a column of a level that is not there';
      return;
    }
    const varno = numberOf(node.get('varno'));
    if (this.#guard?.scope === level && this.#guard.varno === varno) return;
    this.#viewColumn(level, varno, attnum, use);
    const way = lead(level, varno, attnum);
    switch (way.kind) {
      case 'column':
        // System columns (below 0) hold no data of a user.
        if (way.attnum >= 0) add(this.#reads, { relid: way.relid, attnum: way.attnum, via: way.via }, use);
        return;
      case 'exprs':
        return this.#mark(way.exprs, use);
      case 'lost':
      default:
        this.#lost ??= way.why;
    }
  }

  /** Asking a view for a column, kept beside what the column is made of. */
  #viewColumn(scope: Scope, varno: number, attnum: number, use: ColumnUse): void {
    const query = nodeOf(scope.rte(varno)?.get('subquery'));
    const inner = query === undefined ? undefined : scope.child(query);
    const view = inner?.via[scope.via.length];
    if (view !== undefined) add(this.#viewReads, { relid: view, attnum, via: scope.via }, use);
  }

  #describe(scope: Scope): void {
    for (const entry of resultEntries(scope.query)) {
      const resno = numberOf(entry.get('resno'));
      const exprs = resultColumn(scope, resno);
      const relid = numberOf(entry.get('resorigtbl'));
      this.#outputs.push({
        name: nameText(entry.get('resname')) ?? '?column?',
        sources: this.#sources.of(exprs),
        plain: this.#sources.isPlain(exprs),
        origin: relid === 0 ? undefined : { relid, attnum: numberOf(entry.get('resorigcol')) },
      });
    }
  }
}
