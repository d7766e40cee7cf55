// A database of which so many rows may pass: levels with a bound of rows, with a budget, and held; and tables of more rows than that.

export const files = {
  'taxonomy.yaml': `version: 1
levels:
  - { name: public, read: allow }
  - { name: internal, read: allow, rows: 100, approvers: [security] }
  - { name: counted, read: allow, approvers: [security] }
  - { name: restricted, read: hold, approvers: [security] }
defaults: { unclassified: public }
`,
  'db.yaml': `version: 1
database: db
owner: security
tables:
  public.people: internal
  public.vast: internal
  public.plain: public
  public.spent: counted
  public.secrets: restricted
`,
  'approvers.yaml': 'version: 1\napprovers: { ben: { email: ben@example.com, groups: [security] } }\n',
  'policy.yaml': `version: 1
defaults: { schema: allow, destructive: allow, privilege: allow }
budgets:
  - { level: counted, rows: 50, per: 1d }
`,
};

export const setUp = `
create table people as select g as id, 'person ' || g as name from generate_series(1, 4000) g;
create table plain as select g as id from generate_series(1, 5000) g;
create table spent as select g as id from generate_series(1, 5000) g;
create table secrets as select g as id from generate_series(1, 500) g;
create table big as select repeat('x', 400000) as text;
create table written (id int);
create table vast as select g as id from generate_series(1, 20000) g;
analyze;
`;
