// What the audit record has to say about a hold before it may take effect. Facts about the statement, never content from it. Pure.
import { dotted } from '../core/names.ts';
import { isNonEmpty } from '../core/brand.ts';
import type { AuditBody } from '../audit/record.ts';
import type { HeldFacts, HoldLife } from './hold.ts';
import { termsText, type Terms } from './terms.ts';

/** In the order in which it happened. Empty: everything is recorded. `chain`: the one that it will stand in. */
export function unrecorded(facts: HeldFacts, life: HoldLife, chain?: string): readonly AuditBody[] {
  const { recorded, votes, settled, id } = life;
  const elsewhere = chainsBut(chain, life);
  const bodies: AuditBody[] = recorded.held ? [] : [heldBody(facts, life)];
  for (const { person, vote, channel, reason, link, terms, passkey, vouched } of votes.slice(recorded.votes)) {
    const words = { ...(reason === undefined ? {} : { reason }), ...(link === undefined ? {} : { link }) };
    const meant = terms === undefined ? {} : { terms: termsText(terms) };
    const proof = {
      ...(passkey === undefined ? {} : { passkey }),
      ...(vouched === undefined || vouched.groups.length === 0 ? {} : { vouched: vouched.groups }),
    };
    bodies.push({ kind: 'voted', hold: id, person, vote, channel, ...words, ...meant, ...proof, ...elsewhere });
  }
  if (settled !== undefined && !recorded.settled) {
    const terms = settled.terms === undefined ? {} : { terms: termsText(settled.terms) };
    bodies.push({ kind: 'decided', hold: id, state: settled.state, by: settled.by, ...terms, ...elsewhere });
  }
  return bodies;
}

function heldBody(facts: HeldFacts, life: HoldLife): AuditBody {
  const { asker, id, session, statement, parameters, columns, reasons, catalogVersion, schemaVersion } = facts;
  const [first, ...more] = reasons.map(({ rule }) => rule);
  const rules = [first ?? 'unknown', ...new Set(more.filter((rule) => rule !== first))];
  if (!isNonEmpty(rules)) throw new Error('a hold without a rule');
  return {
    kind: 'held',
    session,
    ...whoOf(facts),
    hold: id,
    statement: statement.hash,
    parameters,
    columns: columns.map(({ column, level }) => ({ column: columnText(column), level })),
    rules,
    deadline: life.openUntil,
    catalog: catalogVersion,
    schema: schemaVersion,
    binding: facts.binding,
    ...(asker.reason === undefined ? {} : { reason: asker.reason }),
  };
}

/** `statement` is the one that is released: under an approval of a shape it is not the one that was shown. */
export function releasedBody(facts: HeldFacts, release: Release): AuditBody {
  const { session, statement, terms, life, chain } = release;
  const masked = terms.kind === 'masked' ? { masked: facts.masks.map(({ column }) => columnText(column)) } : {};
  return {
    kind: 'released',
    session,
    ...whoOf(facts),
    hold: facts.id,
    statement,
    ...masked,
    ...chainsBut(chain, life),
  };
}

export interface Release {
  readonly session: string;
  readonly statement: string;
  readonly terms: Terms;
  readonly life: Pick<HoldLife, 'chains'>;
  /** The one that it will stand in. */
  readonly chain: string | undefined;
}

/** Where the other steps stand, for whoever has this chain alone. */
function chainsBut(own: string | undefined, { chains = [] }: Pick<HoldLife, 'chains'>): { chains?: readonly string[] } {
  const others = chains.filter((chain) => chain !== own);
  return others.length === 0 ? {} : { chains: others };
}

/** More proxies than that are not named; it is a hint. */
export const chainsMax = 64;

/** From now on the chain has steps of it too. */
export function withChain(life: HoldLife, chain: string | undefined): HoldLife {
  const { chains = [] } = life;
  const isNamed = chain === undefined || chains.includes(chain) || chains.length >= chainsMax;
  return isNamed ? life : { ...life, chains: [...chains, chain] };
}

function whoOf({ asker }: HeldFacts) {
  return { agent: asker.agent, owner: asker.owner, database: asker.database };
}

function columnText({ relation, column }: HeldFacts['columns'][number]['column']): string {
  const table = dotted(relation.schema, relation.name);
  return column === '*' ? `${table}.*` : `${table}.${dotted(column)}`;
}
