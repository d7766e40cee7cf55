// The classification of most attacks: all is public but what is named `watched`; about that, people are asked, and the people are Ben.

export interface Watched {
  /** YAML of the tables, or of several, each in a line that is indented by two. */
  readonly tables?: string;
  /** YAML behind the tables: `functions` and kin. */
  readonly more?: string;
  /** What nobody is asked about, so that it stands in no attack's way. */
  readonly allows?: readonly ('schema' | 'destructive' | 'privilege')[];
  readonly people?: readonly string[];
}

export const definitions = ['schema', 'destructive', 'privilege'] as const;

/** Its files, by name, for the database `db`. */
export function watchedFiles({ tables, more = '', allows = [], people = ['ben'] }: Watched = {}): Readonly<
  Record<string, string>
> {
  const policy = allows.map((action) => `${action}: allow`).join(', ');
  const approvers = people.map((name) => `${name}: { email: ${name}@example.com, groups: [people] }`).join(', ');
  return {
    'taxonomy.yaml': `version: 1
levels: [{ name: public, read: allow }, { name: watched, read: hold, approvers: [people] }]
defaults: { unclassified: public }
`,
    'approvers.yaml': `version: 1\napprovers: { ${approvers} }\n`,
    ...(policy === '' ? {} : { 'policy.yaml': `version: 1\ndefaults: { ${policy} }\n` }),
    ...(tables === undefined
      ? {}
      : { 'db.yaml': `version: 1\ndatabase: db\nowner: people\ntables:${gap(tables)}${tables}\n${more}` }),
  };
}

const gap = (tables: string): string => (tables.startsWith('{') ? ' ' : '\n');
