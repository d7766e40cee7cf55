// Rows that must look closer: definitions, destruction and rights.
import { namesOf, stringOf, type Node } from './ast.ts';
import type { StatementKind } from './analysis.ts';
import type { VariableSetStmt } from './ast-utility.ts';
import { variableSet, type SessionEffect } from './statement-effects.ts';
import type { RowFacts } from './statement.ts';
import { innerOf, nameOf, temporary } from './statement-wrappers.ts';

const definitions: readonly SessionEffect[] = [{ kind: 'definitions' }];
const catalogRows: readonly SessionEffect[] = [{ kind: 'catalogRows' }];

/** `OBJECT_FOREIGN_TABLE` → `FOREIGN TABLE`, with the words that SQL uses where the node's differ. */
function objectWords(type: string | undefined): string {
  const word = (type ?? '').replace(/^OBJECT_/, '');
  const special: Readonly<Record<string, string>> = {
    MATVIEW: 'MATERIALIZED VIEW',
    FDW: 'FOREIGN DATA WRAPPER',
    FOREIGN_SERVER: 'SERVER',
    TSCONFIGURATION: 'TEXT SEARCH CONFIGURATION',
    TSDICTIONARY: 'TEXT SEARCH DICTIONARY',
    TSPARSER: 'TEXT SEARCH PARSER',
    TSTEMPLATE: 'TEXT SEARCH TEMPLATE',
    STATISTIC_EXT: 'STATISTICS',
    OPCLASS: 'OPERATOR CLASS',
    OPFAMILY: 'OPERATOR FAMILY',
    TABCONSTRAINT: 'TABLE CONSTRAINT',
    DOMCONSTRAINT: 'DOMAIN CONSTRAINT',
  };
  return special[word] ?? word.replaceAll('_', ' ');
}

/** Objects whose making or unmaking is a matter of rights, by the node's name for them. */
const rights =
  /^OBJECT_(?:POLICY|EXTENSION|LANGUAGE|FOREIGN_SERVER|FDW|PUBLICATION.*|SUBSCRIPTION|ROLE|EVENT_TRIGGER|ACCESS_METHOD|USER_MAPPING)$/;

export function drop(node: Node): RowFacts {
  const statement = node.DropStmt ?? {};
  const kinds: StatementKind[] = ['destructive', 'schema'];
  if (rights.test(statement.removeType ?? '')) kinds.push('privilege');
  const wholes = (statement.objects ?? []).flatMap((object) => {
    const names =
      namesOf(object.List?.items) ?? namesOf(object.ObjectWithArgs?.objname) ?? namesOf(object.TypeName?.names);
    const single = stringOf(object);
    return names ? [names] : single === undefined ? [] : [[single]];
  });
  return {
    command: `DROP ${objectWords(statement.removeType)}`,
    kinds,
    wholes,
    // What was dropped may have been temporary, or may have hidden something that now shows.
    effects: [...definitions, { kind: 'temporaryObjects' }],
  };
}

export function truncate(node: Node): RowFacts {
  const wholes = (node.TruncateStmt?.relations ?? []).flatMap((relation) => nameOf(relation.RangeVar));
  return { command: 'TRUNCATE', kinds: ['destructive', 'write'], wholes };
}

const tableRights = /^AT_(?:ChangeOwner|(?:Enable|Disable|Force|NoForce)RowSecurity)$/;
const tableLosses = /^AT_(?:DropColumn|DropColumnRecurse|DetachPartition)$/;

export function alterTable(node: Node): RowFacts {
  const statement = node.AlterTableStmt ?? {};
  const kinds: StatementKind[] = ['schema'];
  for (const command of statement.cmds ?? []) {
    const subtype = command.AlterTableCmd?.subtype ?? '';
    if (tableRights.test(subtype)) kinds.push('privilege');
    if (tableLosses.test(subtype)) kinds.push('destructive');
  }
  return {
    command: `ALTER ${objectWords(statement.objtype)}`,
    kinds,
    wholes: nameOf(statement.relation),
    effects: temporary(statement.relation),
  };
}

export function rename(node: Node): RowFacts {
  const statement = node.RenameStmt ?? {};
  const type = statement.renameType ?? '';
  // The node always carries a relation type; it means something only for parts of relations.
  const part = /^OBJECT_(?:COLUMN|ATTRIBUTE|TABCONSTRAINT|RULE|TRIGGER|POLICY)$/.test(type);
  return {
    command: `ALTER ${objectWords(part && statement.relation !== undefined ? 'OBJECT_TABLE' : type)} RENAME`,
    kinds: rights.test(type) ? ['schema', 'privilege'] : ['schema'],
    wholes: nameOf(statement.relation),
    effects: temporary(statement.relation),
  };
}

export function alterObjectSchema(node: Node): RowFacts {
  const statement = node.AlterObjectSchemaStmt ?? {};
  return {
    command: `ALTER ${objectWords(statement.objectType)} SET SCHEMA`,
    kinds: ['schema'],
    wholes: nameOf(statement.relation),
    effects: temporary(statement.relation),
  };
}

export function createTable(node: Node): RowFacts {
  return { command: 'CREATE TABLE', kinds: ['schema'], effects: temporary(node.CreateStmt?.relation) };
}

/** A foreign table opens a door to another server's data. */
export function createForeignTable(node: Node): RowFacts {
  const base = node.CreateForeignTableStmt?.base;
  return { command: 'CREATE FOREIGN TABLE', kinds: ['schema'], effects: temporary(base?.relation) };
}

export function createSequence(node: Node): RowFacts {
  return { command: 'CREATE SEQUENCE', kinds: ['schema'], effects: temporary(node.CreateSeqStmt?.sequence) };
}

export function compositeType(node: Node): RowFacts {
  return { command: 'CREATE TYPE', kinds: ['schema'], effects: temporary(node.CompositeTypeStmt?.typevar) };
}

export function createIndex(node: Node): RowFacts {
  const relation = node.IndexStmt?.relation;
  return { command: 'CREATE INDEX', kinds: ['schema'], wholes: nameOf(relation), effects: definitions };
}

export function createTrigger(node: Node): RowFacts {
  const relation = node.CreateTrigStmt?.relation;
  return { command: 'CREATE TRIGGER', kinds: ['schema'], wholes: nameOf(relation), effects: definitions };
}

/** A rule's actions run with every later statement on its table. */
export function createRule(node: Node): RowFacts {
  const statement = node.RuleStmt ?? {};
  const inner = (statement.actions ?? []).flatMap((action) => innerOf('body', action));
  return { command: 'CREATE RULE', kinds: ['schema'], wholes: nameOf(statement.relation), inner, effects: definitions };
}

const createWords: Readonly<Record<string, string>> = { OBJECT_TYPE: 'TYPE', OBJECT_AGGREGATE: 'AGGREGATE' };

export function defineObject(node: Node): RowFacts {
  const type = node.DefineStmt?.kind;
  return { command: `CREATE ${createWords[type ?? ''] ?? objectWords(type)}`, kinds: ['schema'], effects: definitions };
}

/** Elements of CREATE SCHEMA are statements of their own. */
export function createSchema(node: Node): RowFacts {
  const statement = node.CreateSchemaStmt ?? {};
  const kinds: StatementKind[] = statement.authrole === undefined ? ['schema'] : ['schema', 'privilege'];
  const inner = (statement.schemaElts ?? []).flatMap((element) => innerOf('element', element));
  return { command: 'CREATE SCHEMA', kinds, inner, effects: definitions };
}

/** SECURITY DEFINER lends the owner's rights; SET clauses are settings in other clothes; C code is code loaded into the server. */
function functionKinds(options: readonly Node[] | undefined): readonly StatementKind[] {
  const kinds: StatementKind[] = ['schema'];
  for (const option of options ?? []) {
    const element = option.DefElem;
    if (element?.defname === 'security' && isTrue(element.arg)) kinds.push('privilege');
    if (element?.defname === 'leakproof' && isTrue(element.arg)) kinds.push('privilege');
    if (element?.defname === 'language' && /^(?:c|internal)$/i.test(stringOf(element.arg) ?? '')) kinds.push('escape');
    const set = element?.arg?.VariableSetStmt;
    if (set !== undefined) kinds.push(...settingKinds(set));
  }
  return kinds;
}

export function createFunction(node: Node): RowFacts {
  const statement = node.CreateFunctionStmt ?? {};
  const word = statement.is_procedure === true ? 'PROCEDURE' : 'FUNCTION';
  return { command: `CREATE ${word}`, kinds: functionKinds(statement.options), effects: definitions };
}

export function alterFunction(node: Node): RowFacts {
  const statement = node.AlterFunctionStmt ?? {};
  return {
    command: `ALTER ${objectWords(statement.objtype)}`,
    kinds: functionKinds(statement.actions),
    effects: definitions,
  };
}

function isTrue(node: Node | undefined): boolean {
  return node?.Boolean?.boolval === true || node?.Integer?.ival === 1;
}

function settingKinds(statement: VariableSetStmt): readonly StatementKind[] {
  const { judged } = variableSet(statement);
  return judged.kind === 'session' ? [] : [judged.kind];
}

/** Settings that later sessions start with: rights in any case, and an escape where SET would be one. */
export function alterRoleSet(node: Node): RowFacts {
  const set = node.AlterRoleSetStmt?.setstmt ?? {};
  return { command: 'ALTER ROLE SET', kinds: ['privilege', ...settingKinds(set)], effects: catalogRows };
}

export function alterDatabaseSet(node: Node): RowFacts {
  const set = node.AlterDatabaseSetStmt?.setstmt ?? {};
  return { command: 'ALTER DATABASE SET', kinds: ['privilege', ...settingKinds(set)], effects: catalogRows };
}

export function grant(node: Node): RowFacts {
  const statement = node.GrantStmt ?? {};
  const wholes = (statement.objects ?? []).flatMap((object) => nameOf(object.RangeVar));
  const command = statement.is_grant === true ? 'GRANT' : 'REVOKE';
  return { command, kinds: ['privilege'], wholes, effects: catalogRows };
}

export function grantRole(node: Node): RowFacts {
  return { command: node.GrantRoleStmt?.is_grant === true ? 'GRANT' : 'REVOKE', kinds: ['privilege'] };
}
