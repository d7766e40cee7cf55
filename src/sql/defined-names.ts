// Which names may lead elsewhere once a definition is made, and back again once it is unmade: what ran in between may have met another
// thing under a name, and at the end all is as it was. Every word of the statement counts, since it need only never be too few.
import { tagOf, type Node } from './ast.ts';
import type { RangeVar } from './ast-query.ts';
import type { AlterTableStmt, DropStmt, IndexStmt, RenameStmt } from './ast-ddl.ts';

/** Without schemas. Undefined: it cannot be told from the text (what CASCADE takes along; operators and casts are used unnamed). */
export function namesDefinedBy(node: Node): readonly string[] | undefined {
  const tag = tagOf(node);
  const reach = reaches[tag]?.(node) ?? 'anything';
  if (reach === 'anything') return undefined;
  return reach === 'nothing' ? [] : wordsIn(node);
}

type Reach = 'nothing' | 'its words' | 'anything';

const words = (): Reach => 'its words';
const nothing = (): Reach => 'nothing';

const reaches: Readonly<Partial<Record<string, (node: Node) => Reach>>> = {
  AlterEnumStmt: nothing,
  AlterFunctionStmt: words,
  AlterOwnerStmt: nothing,
  AlterPolicyStmt: words,
  AlterSeqStmt: words,
  AlterStatsStmt: nothing,
  AlterTableStmt: ({ AlterTableStmt: statement }) => alterTable(statement),
  CompositeTypeStmt: words,
  CreateDomainStmt: words,
  CreateEnumStmt: words,
  CreateForeignTableStmt: words,
  CreateFunctionStmt: words,
  CreatePolicyStmt: words,
  // What it holds is told by itself.
  CreateSchemaStmt: nothing,
  CreateSeqStmt: ({ CreateSeqStmt: statement }) => lasting(statement?.sequence),
  CreateStatsStmt: nothing,
  CreateStmt: ({ CreateStmt: statement }) => lasting(statement?.relation),
  CreateTableAsStmt: ({ CreateTableAsStmt: statement }) => lasting(statement?.into?.rel),
  CreateTrigStmt: words,
  DefineStmt: ({ DefineStmt: statement }) => (statement?.kind === 'OBJECT_AGGREGATE' ? 'its words' : 'anything'),
  DropStmt: ({ DropStmt: statement }) => drop(statement),
  IndexStmt: ({ IndexStmt: statement }) => index(statement),
  RenameStmt: ({ RenameStmt: statement }) => rename(statement),
  ReplicaIdentityStmt: nothing,
  RuleStmt: words,
  SelectStmt: ({ SelectStmt: statement }) => lasting(statement?.intoClause?.rel),
  ViewStmt: ({ ViewStmt: statement }) => lasting(statement?.view),
};

/** What is temporary is its own session's to name. */
function lasting(relation: RangeVar | undefined): Reach {
  return relation?.relpersistence === 't' || relation?.schemaname === 'pg_temp' ? 'nothing' : 'its words';
}

/** Names stay, columns stay, and what hangs on them stays: nobody reads or writes anything else because of it. */
const leavesAll: ReadonlySet<string> = new Set([
  ...['AT_AddColumn', 'AT_DropNotNull', 'AT_SetNotNull', 'AT_SetStatistics', 'AT_ValidateConstraint'],
]);

function alterTable(statement: AlterTableStmt | undefined): Reach {
  const commands = (statement?.cmds ?? []).map(({ AlterTableCmd: command }) => command);
  if (commands.some((command) => command?.behavior === 'DROP_CASCADE')) return 'anything';
  return commands.every((command) => leavesAll.has(command?.subtype ?? '')) ? 'nothing' : 'its words';
}

/** Whether a value is there already is told by a unique one. */
function index(statement: IndexStmt | undefined): Reach {
  return statement?.unique === true ? 'its words' : 'nothing';
}

const called =
  /^OBJECT_(?:TABLE|VIEW|MATVIEW|INDEX|SEQUENCE|COLUMN|TABCONSTRAINT|FUNCTION|PROCEDURE|TRIGGER|RULE|POLICY)$/;

function rename(statement: RenameStmt | undefined): Reach {
  return called.test(statement?.renameType ?? '') && statement?.behavior !== 'DROP_CASCADE' ? 'its words' : 'anything';
}

function drop(statement: DropStmt | undefined): Reach {
  const type = statement?.removeType ?? '';
  const isNamed = called.test(type) || /^OBJECT_(?:AGGREGATE|DOMAIN|TYPE)$/.test(type);
  return isNamed && statement?.behavior !== 'DROP_CASCADE' ? 'its words' : 'anything';
}

/** The server cuts names there. */
const nameBytesMax = 63;

function wordsIn(node: Node): readonly string[] {
  const found = new Set<string>();
  const below: unknown[] = [node];
  for (let part = below.pop(); part !== undefined; part = below.pop()) {
    if (typeof part === 'string') {
      if (Buffer.byteLength(part) <= nameBytesMax) found.add(part);
    } else if (typeof part === 'object' && part !== null) below.push(...Object.values(part));
  }
  return [...found];
}
