// Writes schema/*.json: the forms of the classification files for editors, made from the schemas that the program itself checks with.
// Run: npx tsx scripts/json-schemas.ts. A test compares what it would write with what lies there.
import { mkdirSync, writeFileSync } from 'node:fs';
import { jsonSchemas } from './json-schema-texts.ts';

const folder = new URL('../schema/', import.meta.url);

mkdirSync(folder, { recursive: true });
for (const [name, text] of jsonSchemas()) writeFileSync(new URL(name, folder), text);
