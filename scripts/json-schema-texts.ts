// File name → text of each JSON Schema. Checks that need several files (does the level exist?) cannot be said in a JSON Schema; an
// editor knows the forms, `countersign check` the rest.
import * as z from 'zod';
import { approversSchema, databaseSchema, taxonomySchema } from '../src/catalog/file-schemas.ts';
import { casesSchema } from '../src/policy/cases.ts';
import { policySchema } from '../src/policy/policy-file.ts';

const schemas: Readonly<Record<string, z.ZodType>> = {
  taxonomy: taxonomySchema,
  database: databaseSchema,
  approvers: approversSchema,
  policy: policySchema,
  cases: casesSchema,
};

export function jsonSchemas(): ReadonlyMap<string, string> {
  return new Map(
    Object.entries(schemas).map(([name, schema]) => {
      const json = z.toJSONSchema(schema, { target: 'draft-7', io: 'input', unrepresentable: 'any' });
      const titled = { $schema: json.$schema, title: `Countersign: ${name}`, ...json };
      return [`${name}.schema.json`, `${JSON.stringify(titled, null, 2)}\n`];
    }),
  );
}
