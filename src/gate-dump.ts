// A dump as one unit: where a session reads tables one after the other as pg_dump does, people are asked once about all that it has locked,
// with levels and sizes. The list is made by judging a COPY of each table, as if it had been sent; what cannot be judged so is asked about
// by itself, as everything else is.
import { known, type Known } from './core/known.ts';
import { dotted, quoteName } from './core/names.ts';
import { visible } from './core/visible.ts';
import { dottedVisible } from './sql/canonical.ts';
import { isNonEmpty } from './core/brand.ts';
import type { HoldRequest, HoldUnit } from './approval/desk.ts';
import { countText } from './approval/terms.ts';
import { requestOfOne, type DumpFacts, type Hashes, type JudgedExecution } from './gate-data.ts';
import type { Judging } from './policy/judging.ts';
import type { Reason, Verdict } from './policy/verdict.ts';
import type { RelationName } from './sql/analysis.ts';
import type { ReadStatement, ReadText } from './sql/reading.ts';
import type { Relation } from './sql/schema.ts';

type Held = JudgedExecution<Extract<Verdict, { readonly kind: 'hold' }>>;

export interface DumpParts {
  readonly hashes: Hashes;
  readonly judging: Judging;
}

/** What people are asked: one statement, or the dump that it is a part of. */
export async function holdRequest(
  judged: Held & { readonly counterOffer: string | undefined },
  parts: DumpParts,
): Promise<HoldRequest> {
  const own = { ...(await requestOfOne(judged, parts.hashes)), follows: judged.execution.follows?.(judged.reading) };
  const unit = unitOf(judged, own, parts);
  return unit === undefined ? own : { ...own, unit };
}

function unitOf(judged: Held, own: HoldRequest, parts: DumpParts): HoldUnit | undefined {
  const shape = judged.execution.dump?.();
  const part = shape === undefined ? undefined : partOf(judged);
  if (shape === undefined || part === undefined) return undefined;
  return { key: shape.key, part, whole: async () => await wholeOf(judged, own, { ...parts, shape, part }) };
}

const partKey = ({ schema, name }: RelationName): string => JSON.stringify([schema, name]);

const missingValues: RelationName = { schema: 'pg_catalog', name: 'pg_attribute' };

/** The one table that it copies as it is, or the defaults of columns that were added later; undefined: it is no piece of a dump. */
function partOf({ reading, verdict }: Pick<Held, 'reading' | 'verdict'>): string | undefined {
  const [only, ...more] = reading.statements;
  if (only === undefined || more.length > 0 || only.analysis.unknowns.length > 0) return undefined;
  const { analysis } = only;
  const against = verdict.reasons.filter((reason) => reason.verdict !== 'allow');
  if (!against.every(({ action }) => action === 'read' || action === 'export' || action === 'large')) return undefined;
  const asked = new Map(
    against.flatMap(({ columns }) => columns.map(({ column }) => [partKey(column.relation), column] as const)),
  );
  const [[key, column] = [undefined, undefined], ...others] = asked;
  if (key === undefined || others.length > 0) return undefined;
  if (key === partKey(missingValues)) return column.column === 'attmissingval' ? key : undefined;
  const isCopy = analysis.command === 'COPY TO STDOUT' && analysis.outputs.every(({ plain }) => plain);
  const isPlain = analysis.reads.every(
    ({ column: { relation }, uses, via }) =>
      partKey(relation) === key && uses.every((use) => use === 'output') && via.length === 0,
  );
  return isCopy && isPlain ? key : undefined;
}

interface Piece {
  readonly relation: Relation;
  readonly copy: string;
  readonly statement: ReadStatement;
  readonly verdict: Verdict;
}

const piecesAtOnce = 40;

async function wholeOf(
  judged: Held,
  own: HoldRequest,
  of: DumpParts & {
    readonly shape: { readonly id: string; readonly tables: readonly RelationName[] };
    readonly part: string;
  },
): Promise<{ readonly request: HoldRequest; readonly pieces: readonly string[] } | undefined> {
  const { execution, reading, asker } = judged;
  const { index } = reading;
  const relations = of.shape.tables.flatMap(
    (one) => index?.relationsNamed(one.name).filter(({ schema, kind }) => schema === one.schema && kind === 'r') ?? [],
  );
  const facts = await execution.dumpFacts?.(relations.map(({ oid }) => oid));
  if (facts?.known !== true || !facts.value.isSnapshot) return undefined;
  const pieces = await judgedPieces(judged, relations, of.judging);
  const held = pieces?.filter(({ verdict }) => verdict.kind === 'hold') ?? [];
  const alone = of.part === partKey(missingValues) ? reading.statements : [];
  const merged = of.judging.verdict(
    { ...reading, statements: [...alone, ...held.map(({ statement }) => statement)] },
    asker,
  );
  const keys = [...held.map(({ relation }) => partKey(relation)), partKey(missingValues)];
  if (pieces === undefined || merged.kind !== 'hold' || !keys.includes(of.part)) return undefined;
  const reasons = reasonsOf({ pieces, held, own: alone.length > 0 ? own.verdict.reasons : [], facts: facts.value });
  if (!isNonEmpty(reasons)) return undefined;
  const text = held.map(({ copy }) => `${copy};`).join('\n');
  const request: HoldRequest = {
    ...own,
    verdict: { ...merged, reasons, rowsMax: undefined },
    statement: { hash: of.hashes.ofStatement(Buffer.from(`dump ${of.shape.id} ${text}`)), text, command: 'DUMP' },
    parameters: '',
    inHouse: undefined,
    sessionFacts: [`dump ${of.shape.id}`],
    shape: undefined,
    estimate: rowsOf(held, facts.value),
    counterOffer: undefined,
  };
  return { request, pieces: keys };
}

/** By the static witness alone: what is sent later is judged by both. Undefined: it cannot be told. */
async function judgedPieces(
  { execution, asker }: Held,
  relations: readonly Relation[],
  judging: Judging,
): Promise<readonly Piece[] | undefined> {
  const pieces: Piece[] = [];
  for (let at = 0; at < relations.length; at += piecesAtOnce) {
    const some = relations.slice(at, at + piecesAtOnce).map((relation) => ({ relation, copy: copyOf(relation) }));
    const read = await execution.reader.readAside(execution, some.map(({ copy }) => copy).join(';\n'));
    if (read === undefined || read.statements.length !== some.length) return undefined;
    for (const [index, { relation, copy }] of some.entries()) {
      const statement = read.statements[index];
      if (statement === undefined) return undefined;
      const text: ReadText = { ...read, statements: [statement] };
      pieces.push({ relation, copy, statement, verdict: judging.verdict(text, asker) });
    }
  }
  return pieces;
}

function copyOf({ schema, name, attributes }: Relation): string {
  const columns = attributes.filter(({ generated }) => generated === 'no').map((one) => quoteName(one.name));
  return `COPY ${dotted(schema, name)} (${columns.join(', ')}) TO STDOUT`;
}

const namedMax = 45;

function reasonsOf({
  pieces,
  held,
  own,
  facts,
}: {
  readonly pieces: readonly Piece[];
  readonly held: readonly Piece[];
  readonly own: readonly Reason[];
  readonly facts: DumpFacts;
}): readonly Reason[] {
  const denied = pieces.filter(({ verdict }) => verdict.kind === 'deny').map(({ relation }) => nameOf(relation));
  const without =
    denied.length === 0 ? '' : `; not part of it, and refused when it comes to them: ${denied.join(', ')}`;
  const head = `a dump of ${countText(pieces.length, 'table')} in one transaction, all rows of each once; people are asked about ${held.length}${without}`;
  const reason = (words: string, columns: Reason['columns']): Reason => ({
    ...{ verdict: 'hold', action: 'export', rule: 'dump', place: undefined, words: visible(words, 900), columns },
  });
  const listed = held.slice(0, namedMax).map(({ relation, verdict }) => {
    const columns = verdict.reasons.filter((one) => one.verdict === 'hold').flatMap((one) => one.columns);
    const levels = [...new Set(columns.map(({ column, level }) => `${column.column} (${level})`))].join(', ');
    return reason(`${nameOf(relation)}: ${levels}; ${sizeText(facts.sizes.get(relation.oid))}`, columns);
  });
  const more = held.slice(namedMax);
  const rest =
    more.length === 0
      ? []
      : [
          reason(
            `and ${countText(more.length, 'more table')}: ${more.map(({ relation }) => nameOf(relation)).join(', ')}`,
            [],
          ),
        ];
  const others = own.filter((one) => one.verdict === 'hold');
  return [reason(head, []), ...others, ...listed, ...rest];
}

const nameOf = ({ schema, name }: Relation): string => visible(dottedVisible(schema, name), 200);

function sizeText(size: { readonly rows: number; readonly bytes: number } | undefined): string {
  if (size === undefined) return 'of unknown size';
  const rows = size.rows < 0 ? 'an unknown number of rows' : `about ${countText(Math.round(size.rows), 'row')}`;
  return `${rows}, ${bytesText(size.bytes)}`;
}

function bytesText(bytes: number): string {
  const [unit, size] = bytes >= 1e9 ? ['GB', 1e9] : bytes >= 1e6 ? ['MB', 1e6] : ['kB', 1e3];
  return `${(bytes / size).toFixed(bytes / size < 10 ? 1 : 0)} ${unit}`;
}

function rowsOf(held: readonly Piece[], { sizes }: DumpFacts): Known<number> {
  const rows = held.map(({ relation }) => sizes.get(relation.oid)?.rows ?? -1);
  if (rows.some((count) => count < 0)) return { known: false, why: 'not every table was analysed' };
  return known(rows.reduce((sum, count) => sum + count, 0));
}
