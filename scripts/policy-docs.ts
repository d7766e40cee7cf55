// Writes the table of conditions into docs/policy.md. Run: npx tsx scripts/policy-docs.ts. A test compares.
import { readFileSync, writeFileSync } from 'node:fs';
import { withTable } from './policy-doc-text.ts';

const file = new URL('../docs/policy.md', import.meta.url);
writeFileSync(file, withTable(readFileSync(file, 'utf8')));
