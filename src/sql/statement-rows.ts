// The table of statements: one row for each node that the grammar of 15 to 18 accepts as a statement. A row that is the same for all
// statements of its tag is a line here; a row that must look closer is a function in statement-wrappers.ts or statement-define.ts.
import type { Node } from './ast.ts';
import type { StatementKind } from './analysis.ts';
import type { RowFacts } from './statement.ts';
import * as define from './statement-define.ts';
import * as wrap from './statement-wrappers.ts';

type Row = (node: Node) => RowFacts;

const plain =
  (command: string, ...kinds: readonly StatementKind[]): Row =>
  () => ({ command, kinds });

/** Whoever defines something changes what names mean, for this session until its transaction ends and for all from then on. */
const defines =
  (command: string, ...kinds: readonly StatementKind[]): Row =>
  () => ({ command, kinds, effects: [{ kind: 'definitions' }] });

/** Nothing is named otherwise by it, but the catalogs are not what they were. */
const moves =
  (command: string, ...kinds: readonly StatementKind[]): Row =>
  () => ({ command, kinds, effects: [{ kind: 'catalogRows' }] });

export const statementRows: Readonly<Record<string, Row>> = {
  // Queries: their kinds come from what is below (statement-query.ts).
  SelectStmt: wrap.select,
  InsertStmt: plain('INSERT', 'write'),
  UpdateStmt: plain('UPDATE', 'write'),
  DeleteStmt: plain('DELETE', 'write'),
  MergeStmt: plain('MERGE', 'write'),
  // Statements around queries.
  CopyStmt: wrap.copy,
  CreateTableAsStmt: wrap.createTableAs,
  DeclareCursorStmt: wrap.declareCursor,
  ExecuteStmt: wrap.execute,
  ExplainStmt: wrap.explain,
  PrepareStmt: wrap.prepare,
  RefreshMatViewStmt: wrap.refresh,
  ViewStmt: wrap.view,
  // The session.
  ClosePortalStmt: wrap.closeCursor,
  DeallocateStmt: wrap.deallocate,
  DiscardStmt: wrap.discard,
  FetchStmt: wrap.fetch,
  ListenStmt: plain('LISTEN', 'session'),
  NotifyStmt: plain('NOTIFY', 'session'),
  UnlistenStmt: plain('UNLISTEN', 'session'),
  VariableSetStmt: wrap.variableSetRow,
  VariableShowStmt: plain('SHOW', 'session'),
  TransactionStmt: wrap.transaction,
  ConstraintsSetStmt: plain('SET CONSTRAINTS', 'transaction'),
  // Code.
  CallStmt: wrap.call,
  DoStmt: wrap.doBlock,
  LoadStmt: plain('LOAD', 'escape'),
  // Maintenance.
  CheckPointStmt: plain('CHECKPOINT', 'maintenance'),
  ClusterStmt: wrap.cluster,
  LockStmt: wrap.lock,
  ReindexStmt: wrap.reindex,
  VacuumStmt: wrap.vacuum,
  // Destruction.
  DropStmt: define.drop,
  DropdbStmt: plain('DROP DATABASE', 'destructive', 'schema'),
  DropOwnedStmt: defines('DROP OWNED', 'destructive', 'privilege'),
  DropRoleStmt: moves('DROP ROLE', 'destructive', 'privilege'),
  DropSubscriptionStmt: plain('DROP SUBSCRIPTION', 'destructive', 'privilege'),
  DropTableSpaceStmt: plain('DROP TABLESPACE', 'destructive', 'schema'),
  DropUserMappingStmt: plain('DROP USER MAPPING', 'destructive', 'privilege'),
  TruncateStmt: define.truncate,
  // Rights, and whatever lets code or data in and out.
  AlterDatabaseSetStmt: define.alterDatabaseSet,
  AlterDefaultPrivilegesStmt: plain('ALTER DEFAULT PRIVILEGES', 'privilege'),
  AlterExtensionContentsStmt: defines('ALTER EXTENSION', 'privilege'),
  AlterExtensionStmt: defines('ALTER EXTENSION', 'privilege'),
  AlterFdwStmt: defines('ALTER FOREIGN DATA WRAPPER', 'privilege'),
  AlterForeignServerStmt: defines('ALTER SERVER', 'privilege'),
  AlterOwnerStmt: defines('ALTER OWNER', 'privilege'),
  AlterPolicyStmt: defines('ALTER POLICY', 'privilege'),
  AlterPublicationStmt: defines('ALTER PUBLICATION', 'privilege'),
  AlterRoleSetStmt: define.alterRoleSet,
  AlterRoleStmt: moves('ALTER ROLE', 'privilege'),
  AlterSubscriptionStmt: defines('ALTER SUBSCRIPTION', 'privilege'),
  AlterSystemStmt: plain('ALTER SYSTEM', 'privilege'),
  AlterUserMappingStmt: plain('ALTER USER MAPPING', 'privilege'),
  CreateExtensionStmt: defines('CREATE EXTENSION', 'privilege'),
  CreateFdwStmt: defines('CREATE FOREIGN DATA WRAPPER', 'privilege'),
  CreateForeignServerStmt: defines('CREATE SERVER', 'privilege'),
  CreatePLangStmt: defines('CREATE LANGUAGE', 'privilege'),
  CreatePolicyStmt: defines('CREATE POLICY', 'privilege'),
  CreatePublicationStmt: defines('CREATE PUBLICATION', 'privilege'),
  CreateRoleStmt: moves('CREATE ROLE', 'privilege'),
  CreateSubscriptionStmt: defines('CREATE SUBSCRIPTION', 'privilege'),
  CreateUserMappingStmt: plain('CREATE USER MAPPING', 'privilege'),
  GrantRoleStmt: define.grantRole,
  GrantStmt: define.grant,
  ImportForeignSchemaStmt: defines('IMPORT FOREIGN SCHEMA', 'schema', 'privilege'),
  ReassignOwnedStmt: defines('REASSIGN OWNED', 'privilege'),
  SecLabelStmt: plain('SECURITY LABEL', 'privilege'),
  // Definitions.
  AlterCollationStmt: defines('ALTER COLLATION', 'schema'),
  AlterDatabaseRefreshCollStmt: plain('ALTER DATABASE REFRESH COLLATION VERSION', 'schema'),
  AlterDatabaseStmt: moves('ALTER DATABASE', 'schema'),
  AlterDomainStmt: defines('ALTER DOMAIN', 'schema'),
  AlterEnumStmt: defines('ALTER TYPE', 'schema'),
  AlterEventTrigStmt: defines('ALTER EVENT TRIGGER', 'schema', 'privilege'),
  AlterFunctionStmt: define.alterFunction,
  AlterObjectDependsStmt: defines('ALTER DEPENDS ON EXTENSION', 'schema'),
  AlterObjectSchemaStmt: define.alterObjectSchema,
  AlterOpFamilyStmt: defines('ALTER OPERATOR FAMILY', 'schema'),
  AlterOperatorStmt: defines('ALTER OPERATOR', 'schema'),
  AlterSeqStmt: defines('ALTER SEQUENCE', 'schema'),
  AlterStatsStmt: defines('ALTER STATISTICS', 'schema'),
  AlterTSConfigurationStmt: defines('ALTER TEXT SEARCH CONFIGURATION', 'schema'),
  AlterTSDictionaryStmt: defines('ALTER TEXT SEARCH DICTIONARY', 'schema'),
  AlterTableMoveAllStmt: plain('ALTER TABLE ALL IN TABLESPACE', 'schema'),
  AlterTableSpaceOptionsStmt: plain('ALTER TABLESPACE', 'schema'),
  AlterTableStmt: define.alterTable,
  AlterTypeStmt: defines('ALTER TYPE', 'schema'),
  CommentStmt: plain('COMMENT', 'schema'),
  CompositeTypeStmt: define.compositeType,
  CreateAmStmt: defines('CREATE ACCESS METHOD', 'schema', 'privilege'),
  CreateCastStmt: defines('CREATE CAST', 'schema'),
  CreateConversionStmt: defines('CREATE CONVERSION', 'schema'),
  CreateDomainStmt: defines('CREATE DOMAIN', 'schema'),
  CreateEnumStmt: defines('CREATE TYPE', 'schema'),
  CreateEventTrigStmt: defines('CREATE EVENT TRIGGER', 'schema', 'privilege'),
  CreateForeignTableStmt: define.createForeignTable,
  CreateFunctionStmt: define.createFunction,
  CreateOpClassStmt: defines('CREATE OPERATOR CLASS', 'schema'),
  CreateOpFamilyStmt: defines('CREATE OPERATOR FAMILY', 'schema'),
  CreateRangeStmt: defines('CREATE TYPE', 'schema'),
  CreateSchemaStmt: define.createSchema,
  CreateSeqStmt: define.createSequence,
  CreateStatsStmt: defines('CREATE STATISTICS', 'schema'),
  CreateStmt: define.createTable,
  CreateTableSpaceStmt: plain('CREATE TABLESPACE', 'schema', 'escape'),
  CreateTransformStmt: defines('CREATE TRANSFORM', 'schema'),
  CreateTrigStmt: define.createTrigger,
  CreatedbStmt: plain('CREATE DATABASE', 'schema'),
  DefineStmt: define.defineObject,
  IndexStmt: define.createIndex,
  RenameStmt: define.rename,
  ReplicaIdentityStmt: defines('ALTER TABLE', 'schema'),
  RuleStmt: define.createRule,
};
