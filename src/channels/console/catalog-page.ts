// What is classified and what is not: a picture of each table, a square for each column in the colour of its level, and under it the
// line of the files that says so.
import { quoteName } from '../../core/names.ts';
import { mistakeText, type Mistake } from '../../core/place.ts';
import { sqlVisible } from '../../sql/canonical.ts';
import { countText } from '../../approval/terms.ts';
import type { Level } from '../../catalog/catalog.ts';
import type { Visitor } from './door.ts';
import { emptyState, page } from './layout.ts';
import { markup, nothing, type Markup } from './markup.ts';
import type { ShownColumn, ShownDatabase, ShownFinding, ShownTable } from './ports.ts';
import { levelBadge, levelClass, placeWords } from './words.ts';

export interface CatalogPageParts {
  readonly visitor: Visitor;
  readonly levels: readonly Level[];
  readonly databases: readonly ShownDatabase[];
  /** Mistakes of an edit that is not in force. */
  readonly mistakes: readonly Mistake[];
}

export function catalogPage({ visitor, levels, databases, mistakes }: CatalogPageParts): Markup {
  return page({
    title: 'Catalog',
    visitor,
    section: 'catalog',
    main: markup`<h1>Catalog</h1>${mistakes.length > 0 && broken(mistakes)}
<p>${levels.map(({ name, rank, read }) => markup`${levelBadge(name, rank, levels.length)} <span class="dim">${readWords[read]}</span> `)}<span class="level level-none">no entry</span></p>
${databases.length === 0 ? emptyState('No databases', 'The config names none.') : databases.map((one) => database(one, levels.length))}`,
  });
}

const readWords: Readonly<Record<Level['read'], string>> = {
  allow: 'passes',
  hold: 'people are asked',
  deny: 'never passes',
};

function broken(mistakes: readonly Mistake[]): Markup {
  return markup`<div class="notice bad" role="alert"><p><strong>The files have mistakes; the last good version is in force.</strong></p><ul>${mistakes.map(
    (mistake) => markup`<li>${mistakeText(mistake)}</li>`,
  )}</ul></div>`;
}

function database({ name, trouble, summary, tables, findings }: ShownDatabase, levels: number): Markup {
  if (trouble !== undefined)
    return markup`<h2>${name}</h2>${emptyState('The schema is not known', `Until it is, every statement is held. ${trouble}`)}`;
  const schemas = [...new Set(tables.map(({ schema }) => schema))].toSorted();
  return markup`<h2>${name}</h2><p>${summary}</p>
${findingsList(
  'Without an entry, or naming nothing that is there',
  findings.filter(({ kind }) => kind !== 'view' && kind !== 'function'),
)}
${findingsList(
  'Views and functions without a word of their own',
  findings.filter(({ kind }) => kind === 'view' || kind === 'function'),
)}
${schemas.map((schema) =>
  schemaCard(
    schema,
    tables.filter((table) => table.schema === schema),
    levels,
  ),
)}`;
}

function findingsList(head: string, findings: readonly ShownFinding[]): Markup {
  if (findings.length === 0) return nothing;
  return markup`<details class="card"><summary>${head} <span class="count">${findings.length}</span></summary><ul class="reasons">${findings.map(
    ({ what, words, place }) =>
      markup`<li><strong>${sqlVisible(what)}</strong>: ${sqlVisible(words)} ${place !== undefined && placeWords(place)}</li>`,
  )}</ul></details>`;
}

function schemaCard(schema: string, tables: readonly ShownTable[], levels: number): Markup {
  return markup`<section class="card"><h3>${sqlVisible(schema)}</h3><div class="tables">${tables.map((table) => tableBlock(table, levels))}</div></section>`;
}

function tableBlock({ name, columns }: ShownTable, levels: number): Markup {
  return markup`<details class="table"><summary><span class="name">${sqlVisible(quoteName(name))}</span>${picture(columns, levels)}<span class="unseen">${countsText(columns)}</span></summary><ul class="paths">${columns.map(
    (column) =>
      markup`<li><strong>${sqlVisible(quoteName(column.name))}</strong> ${column.by === 'unclassified' ? markup`<span class="level level-none">no entry, so ${column.level}</span>` : levelBadge(column.level, column.rank, levels)}<br><span class="dim">${column.category !== undefined && `${column.category}, `}${byWords[column.by] ?? column.by}</span> ${column.place !== undefined && placeWords(column.place)}</li>`,
  )}</ul></details>`;
}

const byWords: Readonly<Record<string, string>> = {
  entry: 'its own entry',
  table: 'the table’s default',
  pattern: 'a pattern',
  view: 'the view’s entry',
  kin: 'its parent, partition or source',
  system: 'a catalog of the server',
  unclassified: 'no entry',
  lineage: 'data of that level that was copied into it',
};

const [square, gap, perLine] = [14, 3, 12];

function picture(columns: readonly ShownColumn[], levels: number): Markup {
  const lines = Math.max(1, Math.ceil(columns.length / perLine));
  const [width, height] = [Math.min(perLine, Math.max(1, columns.length)), lines].map(
    (count) => count * (square + gap),
  );
  return markup`<svg class="strip" width="${width ?? 0}" height="${height ?? 0}" aria-hidden="true">${columns.map(
    (column, at) => {
      const [x, y] = [(at % perLine) * (square + gap), Math.floor(at / perLine) * (square + gap)];
      const kind = column.by === 'unclassified' ? 'level-none' : levelClass(column.rank, levels);
      return markup`<rect class="${kind}" x="${x + 1}" y="${y + 1}" width="${square}" height="${square}" rx="3"><title>${sqlVisible(column.name)}: ${column.level}</title></rect>`;
    },
  )}</svg>`;
}

/** The picture in words, for whoever does not see it. */
function countsText(columns: readonly ShownColumn[]): string {
  const counts = new Map<string, number>();
  for (const { by, level } of columns) {
    const key = by === 'unclassified' ? 'no entry' : level;
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return `${countText(columns.length, 'column')}: ${[...counts].map(([what, count]) => `${count} ${what}`).join(', ')}`;
}
