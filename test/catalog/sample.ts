// A small folder of classification files for tests, and ways to change it.
import { loadClassification, type Classification } from '../../src/policy/classification.ts';
import { mistakeText } from '../../src/core/place.ts';
import { shopTaxonomy } from '../support/shop-taxonomy.ts';

export const sampleFiles: Readonly<Record<string, string>> = {
  'taxonomy.yaml': shopTaxonomy,
  'shop.yaml': `version: 1
database: shop
owner: data-owners
tables:
  public.customers:
    default: internal
    columns:
      id: public
      email: personal.contact.email
      notes: { level: restricted, reason: free text, can hold anything, owner: crm }
      phone: personal
  public.orders: internal
  'legacy."Customer Data"':
    columns:
      '"Card No"': financial.card.pan
views:
  public.customer_stats: { level: internal, reason: aggregates of 20 rows or more }
functions:
  public.order_total(int): { level: internal, reason: reads orders.amount only }
  public.dump: { level: restricted }
`,
  'approvers.yaml': `version: 1
approvers:
  ana: { email: ana@example.com, slack: U02ANA, groups: [data-owners, crm] }
  ben: { email: ben@example.com, slack: U02BEN, groups: [data-owners, security, crm] }
  eve: { email: eve@example.com, groups: [security] }
`,
};

export function loadSample(changes: Readonly<Record<string, string | undefined>> = {}) {
  const texts = { ...sampleFiles, ...changes };
  const files = Object.entries(texts).flatMap(([name, text]) =>
    text === undefined ? [] : [{ name, path: `classification/${name}`, text }],
  );
  return loadClassification(files);
}

export function sample(changes: Readonly<Record<string, string | undefined>> = {}): Classification {
  const loaded = loadSample(changes);
  if (loaded.kind === 'bad') throw new Error(loaded.mistakes.map(mistakeText).join('\n'));
  return loaded.value;
}

/** The sample with one piece of text replaced; it must be there. */
export function changed(file: string, from: string, to: string): Readonly<Record<string, string>> {
  const text = sampleFiles[file] ?? '';
  if (!text.includes(from)) throw new Error(`no '${from}' in ${file}`);
  return { [file]: text.replace(from, () => to) };
}
