// A database with words people are asked about, numbers of which so many may be read, and keys nobody may; and, where only whoever does
// not go through the proxy can see them, the very rows that the proxy answers with itself.

export const files = {
  'taxonomy.yaml': `version: 1
levels:
  - { name: public, read: allow }
  - { name: counted, read: allow }
  - { name: watched, read: hold, approvers: [people] }
  - { name: secret, read: deny }
defaults: { unclassified: public }
`,
  'approvers.yaml':
    'version: 1\napprovers: { ben: { email: ben@example.com, groups: [people] }, ana: { email: ana@example.com, groups: [people] } }\n',
  'db.yaml':
    'version: 1\ndatabase: db\nowner: people\ntables: { public.words: watched, public.numbers: counted, public.keys: secret }\n',
  'policy.yaml': `version: 1
budgets:
  - { level: counted, rows: 100, per: 1d }
  - { level: watched, rows: 7, per: 1h }
`,
};

export const setUp = [
  "create table words (id int primary key, word text); insert into words values (1, 'one')",
  'create table numbers (id int); insert into numbers select generate_series(1, 50)',
  'create table keys (key text)',
];

/** The same rows as ours, in tables of the database; which only whoever does not go through the proxy can see. */
export const same = `
create schema countersign;
create table countersign.budgets (level text, per text, rows_max int8, rows_used int8, rows_left int8, rows_added int8);
insert into countersign.budgets values ('counted', '1d', 100, 0, 100, 0), ('watched', '1h', 7, 0, 7, 0);
create table countersign.holds (id text, state text, asked_at timestamptz, waits_until timestamptz, open_until timestamptz,
  usable_until timestamptz, command text, sql text, rule text, reason text, columns jsonb, asked jsonb, decided_at timestamptz,
  decided_by jsonb, decision text, would_pass text, uses int8);
create function countersign.explain(sql text) returns table (verdict text, reason text, rule text, place text, command text,
  columns jsonb, asked jsonb, rows_expected int8, rows_max int8, would_pass text, reasons jsonb) language sql strict as
  $$ values ('allow', null, null, null, 'SELECT', '[]'::jsonb, '[]'::jsonb, null::int8, null::int8, null, '[]'::jsonb) $$;
`;
