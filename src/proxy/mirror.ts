// What one session's state at the server makes of a text: its search_path, role, temporary relations, own definitions. Not computed but
// asked: what may have changed it only marks it as stale, and the next text that needs it asks the server first. So no rule of SET LOCAL,
// savepoints or functions that set things has to be copied here, and a change that is overlooked costs at most a wrong "stale".
//
//   certain ──a statement that may change it is let through──▶ under way ──its reply──▶ stale ──asked──▶ certain
import { createHash } from 'node:crypto';
import { known, notKnown, type Known } from '../core/known.ts';
import type { Released } from '../approval/cursors.ts';
import type { RelationName } from '../sql/analysis.ts';
import { stateKey } from '../sql/cache.ts';
import type { ParserMajor } from '../sql/parser.ts';
import type { Meaning, OwnSchema, ReadText } from '../sql/reading.ts';
import type { Relation } from '../sql/schema.ts';
import { namesDependOn } from '../sql/settings.ts';
import { mayDefine, type SessionEffect } from '../sql/statement-effects.ts';
import { movesPrepared, type NamesDesk } from './mirror-names.ts';
import type { TransactionStatus } from './replies.ts';
import { settingsFrom, type Settings } from './settings-asked.ts';
import { SqlNames, type Named } from './sql-names.ts';

const reasonCharactersMax = 500;

export class Mirror {
  readonly sqlNames = new SqlNames();
  readonly #major: ParserMajor;
  readonly #encodings: { client: string; server: string };
  readonly #names: NamesDesk;
  #settings: Settings | undefined;
  #temporary: Known<readonly Relation[]> | undefined = known([]);
  #temporaryToken: readonly string[] = [];
  #underWay = 0;
  #definingUnderWay = 0;
  /** Settings or temporary objects moved in the open transaction, whose end may take that back. */
  #touched = false;
  /** What names mean moved in the open transaction. */
  #renamed = false;
  /** Definitions changed in the open transaction: only this session sees them, and only it can be asked. */
  #own: 'none' | 'stale' | Known<OwnSchema> = 'none';
  /** Relations that took data and are new: nobody but the server knows their numbers yet. */
  #made: readonly RelationName[] = [];
  #standardStrings = true;
  #meaning: Meaning | undefined;
  #reason: string | undefined;

  constructor(parts: {
    readonly major: ParserMajor;
    readonly parameters: ReadonlyMap<string, string>;
    readonly names: NamesDesk;
    readonly reason: string | undefined;
  }) {
    const { parameters } = parts;
    this.#major = parts.major;
    this.#names = parts.names;
    this.#reason = parts.reason;
    this.#encodings = {
      client: parameters.get('client_encoding') ?? '',
      server: parameters.get('server_encoding') ?? '',
    };
    this.#standardStrings = parameters.get('standard_conforming_strings') !== 'off';
  }

  /** Undefined: something is under way, or has to be asked. */
  get meaning(): Meaning | undefined {
    if (this.#underWay > 0 || this.#settings === undefined || this.#temporary === undefined) return undefined;
    return this.hasMade || this.#own === 'stale' ? undefined : this.#meaning;
  }

  get hasMade(): boolean {
    return this.#made.length > 0;
  }

  /** Nothing is read before their numbers are known. */
  made(relations: readonly RelationName[]): void {
    this.#made = [...this.#made, ...relations];
  }

  /** What has to be asked about, once. */
  takeMade(): readonly RelationName[] {
    const made = this.#made;
    this.#made = [];
    return made;
  }

  get clientMinMessages(): string {
    return this.#settings?.clientMinMessages ?? 'notice';
  }

  /** Whether trees come in another encoding than the database's. */
  get recoding(): 'same' | 'recoded' {
    return this.#encodings.client.toLowerCase() === this.#encodings.server.toLowerCase() ? 'same' : 'recoded';
  }

  /** What the agent said why it asks. */
  get reason(): string | undefined {
    return this.#reason;
  }

  get settingsStale(): boolean {
    return this.#settings === undefined;
  }

  get temporaryStale(): boolean {
    return this.#temporary === undefined;
  }

  /** What the session's own definitions were when it was asked; `stale`: it has to be asked. */
  get own(): 'none' | 'stale' | Known<OwnSchema> {
    return this.#own;
  }

  get defines(): 'nothing' | 'something' {
    return this.#own === 'none' && this.#definingUnderWay === 0 ? 'nothing' : 'something';
  }

  learnOwn(own: Known<OwnSchema>): void {
    this.#own = own;
    this.#refresh();
  }

  /** With nothing under way, but some of it perhaps not known: for a failed transaction, in which nothing can be asked. */
  anyMeaning(): Meaning {
    return this.meaning ?? this.#meaningOf(this.#settings, this.#temporary);
  }

  learnSettings(values: readonly (string | null)[]): void {
    const { settings, standardStrings, reason } = settingsFrom(values);
    this.#settings = settings;
    this.#standardStrings = standardStrings;
    this.#reason = reason === '' ? undefined : reason.slice(0, reasonCharactersMax);
    this.#refresh();
  }

  learnTemporary(relations: Known<readonly Relation[]>): void {
    this.#temporary = relations;
    this.#temporaryToken =
      relations.known && relations.value.length === 0
        ? []
        : [createHash('sha256').update(JSON.stringify(relations)).digest('base64url')];
    this.#refresh();
  }

  /** ParameterStatus: the server's own word, at once. */
  parameter(name: string, value: string): void {
    if (name === 'client_encoding') this.#encodings.client = value;
    else if (name === 'standard_conforming_strings') this.#standardStrings = value !== 'off';
    else if (name === 'session_authorization' || name === 'search_path') this.#settingsMoved();
    else return;
    this.#refresh();
  }

  /** A text is let through: until its replies are in, what it changes is not certain. */
  begin(text: ReadText): boolean {
    for (const effect of text.effects) this.sqlNames.sent(effect);
    if (!text.effects.some((effect) => this.#matters(effect))) return false;
    // At once: a Bind that comes right behind must not be judged by what the name stood for before.
    if (text.effects.some(movesPrepared)) this.#names.doubtNames();
    this.#underWay += 1;
    if (text.effects.some(mayDefine)) this.#definingUnderWay += 1;
    return true;
  }

  /** `failed`: some of it may have been done all the same, but no name stands for what it would have put there. */
  ended(text: ReadText, how: 'done' | 'failed', by?: Released): void {
    this.#underWay -= 1;
    if (text.effects.some(mayDefine)) this.#definingUnderWay -= 1;
    const schemaVersion = text.index?.snapshot.schemaVersion;
    for (const { held, effects } of text.statements) {
      const analysis = how === 'done' ? held : undefined;
      const named = analysis === undefined || schemaVersion === undefined ? undefined : { analysis, schemaVersion };
      for (const effect of effects) this.#after(effect, named, by);
    }
    if (how === 'failed' && text.effects.some(({ kind }) => kind === 'savepoint')) this.#savepointsInDoubt();
    this.#refresh();
  }

  /** No transaction is open any more: everybody sees what was defined in it. */
  definitionsSettled(): void {
    if (this.#own === 'none') return;
    this.#own = 'none';
    this.#refresh();
  }

  /** The server says that no transaction is open any more; `before` is what it said before. */
  transactionEnded(before: TransactionStatus): void {
    this.#names.transactionEnded();
    this.sqlNames.transactionEnded(before === 'failed' ? 'rollback' : 'commit');
    if (before === 'none') return;
    if (this.#touched) this.#perhapsTakenBack();
    this.#touched = false;
    this.#renamed = false;
  }

  #matters(effect: SessionEffect): boolean {
    switch (effect.kind) {
      case 'transaction':
        return (this.#touched || this.#own !== 'none') && effect.step !== 'begin';
      case 'savepoint':
        if (effect.step !== 'rollback') return this.sqlNames.hasCursors || this.#names.hasPortals;
        return this.#touched || this.#own !== 'none';
      default:
        return true;
    }
  }

  #after(effect: SessionEffect, held: Named | undefined, by: Released | undefined): void {
    this.sqlNames.answered(effect, held, by);
    switch (effect.kind) {
      case 'setting':
        this.#setting(effect);
        return;
      case 'transaction':
        if (this.#matters(effect)) this.#takenBack();
        return;
      case 'savepoint':
        if (effect.step === 'rollback' && this.#matters(effect)) this.#takenBack();
        return;
      case 'resetAll':
        this.#settingsMoved();
        return;
      case 'prepare':
      case 'deallocate':
        this.#names.doubtNames();
        return;
      case 'declareCursor':
      case 'closeCursor':
      case 'catalogRows':
        return;
      case 'discard':
        this.#discard(effect.what);
        return;
      case 'temporaryObjects':
        this.#touched = true;
        this.#temporaryMoved();
        return;
      case 'definitions':
        this.#own = 'stale';
        // It may have been a temporary table's, which no reading of the schema sees.
        if (this.#temporaryToken.length > 0) this.#temporaryMoved();
        return;
      case 'unsure':
        this.#own = 'stale';
        this.#forgetAll();
        this.#names.doubtNames();
    }
  }

  #savepointsInDoubt(): void {
    this.sqlNames.savepointsInDoubt();
    this.#names.followPortals({ kind: 'unsure', why: 'a savepoint failed' });
  }

  /** A transaction ended, or a part of it: definitions may be what they were. */
  #takenBack(): void {
    this.#forgetAll();
    if (this.#own !== 'none') this.#own = 'stale';
  }

  #forgetAll(): void {
    this.#touched = true;
    this.#perhapsTakenBack();
  }

  #setting(effect: Extract<SessionEffect, { readonly kind: 'setting' }>): void {
    this.#touched = true;
    if (effect.name === 'countersign.reason') {
      this.#reason = Array.isArray(effect.value) ? effect.value.join(' ').slice(0, reasonCharactersMax) : undefined;
      return;
    }
    if (namesDependOn(effect.name)) this.#settingsMoved();
  }

  #discard(what: 'all' | 'plans' | 'sequences' | 'temporary'): void {
    if (what === 'plans' || what === 'sequences') return;
    this.#temporaryMoved();
    if (what === 'temporary') return;
    this.#settingsMoved();
    this.#names.doubtNames();
  }

  #settingsMoved(): void {
    this.#settings = undefined;
    this.#renamed = true;
    this.sqlNames.namesMoved();
  }

  #temporaryMoved(): void {
    this.#temporary = undefined;
    this.#renamed = true;
    this.sqlNames.namesMoved();
  }

  /** The end of a transaction, or of a part of it. */
  #perhapsTakenBack(): void {
    this.#settings = undefined;
    this.#temporary = undefined;
    if (this.#renamed) this.sqlNames.namesMoved();
  }

  #refresh(): void {
    this.#meaning = this.#meaningOf(this.#settings, this.#temporary);
  }

  #doubt(): string | undefined {
    if (this.#own === 'none') return undefined;
    if (this.#own === 'stale') return 'definitions changed in this transaction, which is not committed yet';
    return this.#own.known ? undefined : this.#own.why;
  }

  #meaningOf(settings: Settings | undefined, temporary: Known<readonly Relation[]> | undefined): Meaning {
    const searchPath = settings?.searchPath ?? notKnown('search_path may have changed');
    const role = settings?.role ?? '';
    const encodings = { ...this.#encodings };
    if (!this.#standardStrings) encodings.client = 'standard_conforming_strings = off';
    const names = {
      searchPath,
      role,
      temp: temporary ?? notKnown('temporary objects may have changed'),
    };
    const own = typeof this.#own === 'string' || !this.#own.known ? undefined : this.#own.value;
    let [at, key] = ['', ''];
    return {
      names,
      encodings,
      doubt: this.#doubt(),
      own,
      plansKey: [...this.#temporaryToken, own?.formerToken ?? ''].join(' '),
      keyAt: (schemaVersion) => {
        if (schemaVersion === at) return key;
        at = schemaVersion;
        key = stateKey({
          parserMajor: this.#major,
          schemaVersion,
          searchPath: searchPath.known ? searchPath.value : ['?', searchPath.why],
          role,
          temporary: this.#temporaryToken,
          more: [encodings.client, encodings.server, own?.formerToken ?? ''],
        });
        return key;
      },
    };
  }
}
