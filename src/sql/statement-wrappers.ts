// Rows that must look closer: statements around queries, cursors, prepared statements, COPY, code and maintenance.
import { tagOf, type Node } from './ast.ts';
import type { RangeVar } from './ast-query.ts';
import { discardOf, transactionOf, variableSet, type SessionEffect } from './statement-effects.ts';
import type { Inner, InnerRole, RowFacts } from './statement.ts';

export function select(node: Node): RowFacts {
  return { command: node.SelectStmt?.intoClause === undefined ? 'SELECT' : 'SELECT INTO', kinds: [] };
}

export function innerOf(role: InnerRole, node: Node | undefined): readonly Inner[] {
  return node === undefined || tagOf(node) === '' ? [] : [{ role, node }];
}

/** A relation as it is written, for `wholes`. */
export function nameOf(relation: RangeVar | undefined): readonly (readonly string[])[] {
  if (relation?.relname === undefined) return [];
  return [relation.schemaname === undefined ? [relation.relname] : [relation.schemaname, relation.relname]];
}

/** Made or changed in pg_temp: from here on an unqualified name may mean this. */
export function temporary(relation: RangeVar | undefined): readonly SessionEffect[] {
  const is = relation?.relpersistence === 't' || /^pg_temp(?:_\d+)?$/.test(relation?.schemaname ?? '');
  return is ? [{ kind: 'definitions' }, { kind: 'temporaryObjects' }] : [{ kind: 'definitions' }];
}

const words: Readonly<Record<string, string>> = {
  SelectStmt: 'SELECT',
  InsertStmt: 'INSERT',
  UpdateStmt: 'UPDATE',
  DeleteStmt: 'DELETE',
  MergeStmt: 'MERGE',
  ExecuteStmt: 'EXECUTE',
  CreateTableAsStmt: 'CREATE TABLE AS',
  DeclareCursorStmt: 'DECLARE CURSOR',
  RefreshMatViewStmt: 'REFRESH MATERIALIZED VIEW',
};

/** COPY's own table becomes a whole read or write of columns, which is the resolver's; files and programs are the server's. */
export function copy(node: Node): RowFacts {
  const statement = node.CopyStmt ?? {};
  const from = statement.is_from === true;
  const end = statement.is_program === true ? 'PROGRAM' : statement.filename === undefined ? undefined : 'FILE';
  const channel = end ?? (from ? 'STDIN' : 'STDOUT');
  return {
    command: `COPY ${from ? 'FROM' : 'TO'} ${channel}`,
    kinds: [...(from ? (['write'] as const) : (['read', 'export'] as const)), ...(end ? (['escape'] as const) : [])],
    inner: innerOf('copied', statement.query),
  };
}

export function createTableAs(node: Node): RowFacts {
  const statement = node.CreateTableAsStmt ?? {};
  const matView = statement.objtype === 'OBJECT_MATVIEW';
  return {
    command: matView ? 'CREATE MATERIALIZED VIEW' : 'CREATE TABLE AS',
    kinds: ['export'],
    inner: innerOf('source', statement.query),
    effects: temporary(statement.into?.rel),
  };
}

export function refresh(node: Node): RowFacts {
  return {
    command: 'REFRESH MATERIALIZED VIEW',
    kinds: ['maintenance', 'export'],
    wholes: nameOf(node.RefreshMatViewStmt?.relation),
  };
}

/** The query of a view runs when the view is read, and is judged then; what it would do by being named is judged here. */
export function view(node: Node): RowFacts {
  const statement = node.ViewStmt ?? {};
  return {
    command: 'CREATE VIEW',
    kinds: ['schema'],
    inner: innerOf('view', statement.query),
    wholes: statement.replace === true ? nameOf(statement.view) : [],
    effects: temporary(statement.view),
  };
}

/** The planner runs functions, and row estimates answer questions: EXPLAIN is judged as what it explains. */
export function explain(node: Node): RowFacts {
  const query = node.ExplainStmt?.query;
  const word = query === undefined ? undefined : words[tagOf(query)];
  return {
    command: word === undefined ? 'EXPLAIN' : `EXPLAIN ${word}`,
    kinds: [],
    inner: innerOf('explained', query),
  };
}

/** Preparing analyses and runs nothing; what it prepared is judged at each EXECUTE, in the session's state of then. */
export function prepare(node: Node): RowFacts {
  const statement = node.PrepareStmt ?? {};
  const effect = { kind: 'prepare', name: statement.name ?? '' } as const;
  return { command: 'PREPARE', kinds: ['session'], inner: innerOf('prepared', statement.query), effects: [effect] };
}

export function execute(node: Node): RowFacts {
  const name = node.ExecuteStmt?.name ?? '';
  return { command: 'EXECUTE', kinds: ['read'], refersTo: [{ kind: 'prepared', name }] };
}

export function deallocate(node: Node): RowFacts {
  return {
    command: 'DEALLOCATE',
    kinds: ['session'],
    effects: [{ kind: 'deallocate', name: node.DeallocateStmt?.name }],
  };
}

/** CURSOR_OPT_HOLD. */
const cursorHold = 0x20;

export function declareCursor(node: Node): RowFacts {
  const statement = node.DeclareCursorStmt ?? {};
  const kept = ((statement.options ?? 0) & cursorHold) === 0 ? 'transaction' : 'session';
  const effect = { kind: 'declareCursor', name: statement.portalname ?? '', kept } as const;
  return { command: 'DECLARE CURSOR', kinds: ['read'], inner: innerOf('cursor', statement.query), effects: [effect] };
}

export function fetch(node: Node): RowFacts {
  const statement = node.FetchStmt ?? {};
  return {
    command: statement.ismove === true ? 'MOVE' : 'FETCH',
    kinds: ['read'],
    refersTo: [{ kind: 'cursor', name: statement.portalname ?? '' }],
  };
}

export function closeCursor(node: Node): RowFacts {
  return {
    command: 'CLOSE',
    kinds: ['session'],
    effects: [{ kind: 'closeCursor', name: node.ClosePortalStmt?.portalname }],
  };
}

export function discard(node: Node): RowFacts {
  const effect = discardOf(node.DiscardStmt ?? {});
  const command = effect.kind === 'discard' ? `DISCARD ${effect.what.toUpperCase()}` : 'DISCARD';
  return { command, kinds: [effect.kind === 'discard' ? 'session' : 'notKnown'], effects: [effect] };
}

export function variableSetRow(node: Node): RowFacts {
  const { effects, judged, command } = variableSet(node.VariableSetStmt ?? {});
  const unknowns = judged.kind === 'notKnown' ? [{ why: judged.why ?? 'a setting', at: undefined }] : [];
  return { command, kinds: [judged.kind], effects, unknowns };
}

export function transaction(node: Node): RowFacts {
  const step = transactionOf(node.TransactionStmt ?? {});
  if (step !== undefined) return { command: step.command, kinds: ['transaction'], effects: [step.effect] };
  const why = 'an unknown kind of transaction statement';
  return {
    command: 'TRANSACTION',
    kinds: ['notKnown'],
    effects: [{ kind: 'unsure', why }],
    unknowns: [{ why, at: undefined }],
  };
}

/** A procedure is judged by its body like a function, but it may also end the transaction, SET, and make temporary objects. */
export function call(node: Node): RowFacts {
  const names = (node.CallStmt?.funccall?.funcname ?? []).map((part) => part.String?.sval ?? '');
  return { command: 'CALL', kinds: ['write'], effects: [{ kind: 'unsure', why: `procedure ${names.join('.')}` }] };
}

export function doBlock(): RowFacts {
  return {
    command: 'DO',
    kinds: ['notKnown'],
    effects: [{ kind: 'unsure', why: 'DO' }],
    unknowns: [{ why: 'DO runs code that is not judged statement by statement', at: undefined }],
  };
}

export function lock(node: Node): RowFacts {
  const wholes = (node.LockStmt?.relations ?? []).flatMap((relation) => nameOf(relation.RangeVar));
  return { command: 'LOCK TABLE', kinds: ['maintenance'], wholes };
}

export function vacuum(node: Node): RowFacts {
  const wholes = (node.VacuumStmt?.rels ?? []).flatMap((one) => nameOf(one.VacuumRelation?.relation));
  return { command: node.VacuumStmt?.is_vacuumcmd === true ? 'VACUUM' : 'ANALYZE', kinds: ['maintenance'], wholes };
}

export function cluster(node: Node): RowFacts {
  return { command: 'CLUSTER', kinds: ['maintenance'], wholes: nameOf(node.ClusterStmt?.relation) };
}

export function reindex(node: Node): RowFacts {
  return { command: 'REINDEX', kinds: ['maintenance'], wholes: nameOf(node.ReindexStmt?.relation) };
}
