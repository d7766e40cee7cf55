// `countersign grants`: GRANT statements, column by column, for the role that the proxy logs in as: a third line, drawn by Postgres
// itself. With them the role can read only what the catalog lets through without asking. What needs an approval fails then even after
// one, so this is for roles whose agents never ask: a second login per agent (`upstream:`) with these rights.
import type { Command } from 'commander';
import { dotted, quoteName } from '../core/names.ts';
import type { Catalog } from '../catalog/catalog.ts';
import { functionWordOf, levelOfRead } from '../catalog/levels.ts';
import { isSystemSchema, type FunctionInfo, type Relation, type Snapshot } from '../sql/schema.ts';
import { kinOf } from './schema-kin.ts';
import { catalogOf, guarded, schemaOf, type CommandPorts, type FolderOptions } from './world.ts';

interface GrantsOptions extends FolderOptions {
  readonly database: string;
  readonly role: string;
}

export function registerGrants(program: Command, ports: CommandPorts): void {
  program
    .command('grants')
    .description('print GRANT statements that allow a role only what the catalog allows without asking; runs nothing')
    .requiredOption('--database <name>', 'the database’s name in the config')
    .requiredOption('--role <name>', 'the role to grant to')
    .option('--classification <dir>', 'the folder of the classification files')
    .option('--config <file>', 'the config file; with it the live schema is read')
    .action(
      guarded(ports, async (options: GrantsOptions) => {
        const schema = await schemaOf(options.database, options, ports.env);
        for (const line of grantLines(catalogOf(options), schema, options)) ports.say(line);
      }),
    );
}

const grantable: ReadonlySet<string> = new Set(['r', 'p', 'm', 'f', 'v']);

export function grantLines(
  catalog: Catalog,
  schema: Snapshot,
  { database, role }: { readonly database: string; readonly role: string },
): readonly string[] {
  const kin = kinOf(schema);
  const to = quoteName(role);
  const lines: string[] = [];
  const schemas = new Set<string>();
  for (const relation of schema.relations) {
    if (!grantable.has(relation.kind) || isSystemSchema(relation.schema) || relation.persistence === 'temporary')
      continue;
    const allowed = relation.attributes.filter(({ name }) =>
      isAllowed(catalog, database, { relation, column: name, kin: kin(relation, name) }),
    );
    if (allowed.length === 0) continue;
    schemas.add(relation.schema);
    // Never the table as a whole: a column that is added next week would come with it, before anybody has said what it is.
    const columns = allowed.map(({ name }) => quoteName(name)).join(', ');
    lines.push(`grant select (${columns}) on ${dotted(relation.schema, relation.name)} to ${to};`);
  }
  const usage = schemas.size === 0 ? [] : [`grant usage on schema ${[...schemas].map(quoteName).join(', ')} to ${to};`];
  return [
    `-- What the catalog ${catalog.version.slice(0, 12)} lets ${to} read in ${quoteName(database)} without asking.`,
    '-- Rights that the role or PUBLIC has already are not taken away by this; look with \\dp.',
    ...usage,
    ...lines,
    ...schema.functions.flatMap((callee) => ownersRightsNote(catalog, database, schema, callee)),
  ];
}

/** A function with its owner's rights reads what the role may not, and PUBLIC may execute it from the day it is made. */
function ownersRightsNote(
  catalog: Catalog,
  database: string,
  schema: Snapshot,
  callee: FunctionInfo,
): readonly string[] {
  if (!callee.securityDefiner || isSystemSchema(callee.schema)) return [];
  const typeOf = new Map(schema.types.map((type) => [type.oid, type]));
  const inputs = callee.arguments
    .filter(({ mode }) => mode !== 'out' && mode !== 'table')
    .flatMap(({ type }) => typeOf.get(type) ?? []);
  const short = inputs.map(({ name }) => (name.startsWith('_') ? `${name.slice(1)}[]` : name)).join(',');
  const use = { schema: callee.schema, name: callee.name, signature: short, nature: 'unknown' } as const;
  const word = functionWordOf(catalog, database, use);
  if (word?.level.read === 'allow') return [];
  const name = `${dotted(callee.schema, callee.name)}(${inputs.map((type) => dotted(type.schema, type.name)).join(', ')})`;
  return [
    `-- ${name} runs with its owner's rights; unless PUBLIC may not execute it, the role reads what it reads:`,
    `--   revoke execute on function ${name} from public;`,
  ];
}

interface Asked {
  readonly relation: Relation;
  readonly column: string;
  readonly kin: ReturnType<ReturnType<typeof kinOf>>;
}

/** A view runs with its owner's rights: it is granted only on its own entry's word, since what is under it is not looked up here. */
function isAllowed(catalog: Catalog, database: string, { relation, column, kin }: Asked): boolean {
  const via = relation.kind === 'v' ? [relation] : [];
  const found = levelOfRead(catalog, database, { column: { relation, column }, uses: ['output'], via, kin });
  if (relation.kind === 'v' && found.by !== 'view') return false;
  return found.level.read === 'allow';
}
