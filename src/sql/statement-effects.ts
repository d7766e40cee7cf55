// What a statement does to its own session, so that the session's mirror (search_path, role, prepared statements, cursors, temporary
// objects, transaction) can follow it. Effects are told in order; whatever cannot be told precisely is `unsure`, never left out.
import { foldAscii } from '../core/names.ts';
import type { Node } from './ast.ts';
import type { DiscardStmt, TransactionStmt, VariableSetStmt } from './ast-utility.ts';
import { settingJudged, type SettingChange, type SettingJudged } from './settings.ts';

export type SessionEffect =
  /** `search_path`, `role` and `session_authorization` are settings as well; names are in small letters. */
  | {
      readonly kind: 'setting';
      readonly name: string;
      readonly value: readonly string[] | 'reset' | undefined;
      /** `local`: until the end of the transaction. */
      readonly scope: 'session' | 'local';
    }
  | { readonly kind: 'resetAll' }
  | {
      readonly kind: 'transaction';
      readonly step: 'begin' | 'commit' | 'rollback' | 'prepare' | 'other';
      /** AND CHAIN: the next transaction begins at once. */
      readonly chain: boolean;
    }
  | { readonly kind: 'savepoint'; readonly step: 'set' | 'release' | 'rollback'; readonly name: string }
  /** PREPARE: one namespace with the protocol's statements. */
  | { readonly kind: 'prepare'; readonly name: string }
  | { readonly kind: 'deallocate'; readonly name: string | undefined }
  /** `kept`: WITH HOLD outlives the transaction that commits. */
  | { readonly kind: 'declareCursor'; readonly name: string; readonly kept: 'transaction' | 'session' }
  | { readonly kind: 'closeCursor'; readonly name: string | undefined }
  | { readonly kind: 'discard'; readonly what: 'all' | 'plans' | 'sequences' | 'temporary' }
  /** Something temporary is made, changed or dropped: unqualified names may mean something else from here on. */
  | { readonly kind: 'temporaryObjects' }
  /**
   * Definitions change: the schema snapshot is stale for this session until its transaction ends, then for all. `names`: all that may
   * lead elsewhere by it (defined-names.ts); absent: anything may.
   */
  | { readonly kind: 'definitions'; readonly names?: readonly string[] }
  /** Rights, roles or settings of the catalogs move, but no name means something else: looked at when the transaction is over. */
  | { readonly kind: 'catalogRows' }
  /** Anything may have happened (a procedure, DO, set_config with a computed value). */
  | { readonly kind: 'unsure'; readonly why: string };

/** What may have changed what names mean for everybody, for all that can be told. */
export function mayDefine(effect: SessionEffect): boolean {
  // COMMIT PREPARED: what another session has defined.
  if (effect.kind === 'transaction') return effect.step === 'other';
  return effect.kind === 'definitions' || effect.kind === 'unsure';
}

/** After which the schema is looked at again at once. Whoever waits for the next poll instead is met by it in the middle of a hold. */
export const movesCatalog = (effect: SessionEffect): boolean => mayDefine(effect) || effect.kind === 'catalogRows';

export interface Settled {
  readonly effects: readonly SessionEffect[];
  readonly judged: SettingJudged;
  readonly command: string;
}

export function variableSet(statement: VariableSetStmt): Settled {
  const name = foldAscii(statement.name ?? '');
  const scope = statement.is_local === true ? 'local' : 'session';
  switch (statement.kind) {
    case 'VAR_SET_VALUE': {
      const value = argumentsOf(statement.args ?? []);
      return settled({ name, value }, { scope, command: 'SET' });
    }
    case 'VAR_SET_DEFAULT':
      return settled({ name, value: 'reset' }, { scope, command: 'SET' });
    case 'VAR_RESET':
      return settled({ name, value: 'reset' }, { scope: 'session', command: 'RESET' });
    case 'VAR_RESET_ALL':
      return { effects: [{ kind: 'resetAll' }], judged: { kind: 'session', why: undefined }, command: 'RESET ALL' };
    case 'VAR_SET_MULTI':
      // SET TRANSACTION, SET SESSION CHARACTERISTICS, SET TRANSACTION SNAPSHOT: isolation and read-only, nothing about names.
      return { effects: [], judged: { kind: 'session', why: undefined }, command: `SET ${statement.name ?? ''}` };
    default:
      // SET … FROM CURRENT is grammar only inside CREATE FUNCTION; anything else is news.
      return settled({ name, value: undefined }, { scope, command: 'SET' });
  }
}

/** The same for set_config, start-up options and ALTER … SET, which carry the change in other clothes. */
export function settled(
  change: SettingChange,
  how: { readonly scope: 'session' | 'local'; readonly command: string },
): Settled {
  const effect: SessionEffect = { kind: 'setting', name: change.name, value: change.value, scope: how.scope };
  return { effects: [effect], judged: settingJudged(change), command: how.command };
}

/** SET's arguments are constants by grammar; one that is not (an interval, a parameter) cannot be told. */
function argumentsOf(args: readonly Node[]): readonly string[] | undefined {
  const values: string[] = [];
  for (const arg of args) {
    const value = constantText(arg);
    if (value === undefined) return undefined;
    values.push(value);
  }
  return values;
}

/** The text of a constant as SET and set_config take it. */
export function constantText(node: Node): string | undefined {
  const constant = node.A_Const;
  if (constant === undefined || constant.isnull === true) return undefined;
  if (constant.sval !== undefined) return constant.sval.sval ?? '';
  if (constant.ival !== undefined) return String(constant.ival.ival ?? 0);
  if (constant.fval !== undefined) return constant.fval.fval ?? '0';
  if (constant.boolval !== undefined) return constant.boolval.boolval === true ? 'on' : 'off';
  return undefined;
}

const transactionSteps: Readonly<
  Record<string, readonly ['begin' | 'commit' | 'rollback' | 'prepare' | 'other', string]>
> = {
  TRANS_STMT_BEGIN: ['begin', 'BEGIN'],
  TRANS_STMT_START: ['begin', 'START TRANSACTION'],
  TRANS_STMT_COMMIT: ['commit', 'COMMIT'],
  TRANS_STMT_ROLLBACK: ['rollback', 'ROLLBACK'],
  TRANS_STMT_PREPARE: ['prepare', 'PREPARE TRANSACTION'],
  TRANS_STMT_COMMIT_PREPARED: ['other', 'COMMIT PREPARED'],
  TRANS_STMT_ROLLBACK_PREPARED: ['other', 'ROLLBACK PREPARED'],
};

const savepointSteps: Readonly<Record<string, readonly ['set' | 'release' | 'rollback', string]>> = {
  TRANS_STMT_SAVEPOINT: ['set', 'SAVEPOINT'],
  TRANS_STMT_RELEASE: ['release', 'RELEASE SAVEPOINT'],
  TRANS_STMT_ROLLBACK_TO: ['rollback', 'ROLLBACK TO SAVEPOINT'],
};

/** Undefined: a kind of transaction statement that the table does not know. */
export function transactionOf(
  statement: TransactionStmt,
): { readonly effect: SessionEffect; readonly command: string } | undefined {
  const step = transactionSteps[statement.kind ?? ''];
  if (step !== undefined) {
    return { effect: { kind: 'transaction', step: step[0], chain: statement.chain === true }, command: step[1] };
  }
  const savepoint = savepointSteps[statement.kind ?? ''];
  if (savepoint === undefined) return undefined;
  return {
    effect: { kind: 'savepoint', step: savepoint[0], name: statement.savepoint_name ?? '' },
    command: savepoint[1],
  };
}

const discards: Readonly<Record<string, 'all' | 'plans' | 'sequences' | 'temporary'>> = {
  DISCARD_ALL: 'all',
  DISCARD_PLANS: 'plans',
  DISCARD_SEQUENCES: 'sequences',
  DISCARD_TEMP: 'temporary',
};

export function discardOf(statement: DiscardStmt): SessionEffect {
  const what = discards[statement.target ?? ''];
  return what === undefined ? { kind: 'unsure', why: 'an unknown kind of DISCARD' } : { kind: 'discard', what };
}
