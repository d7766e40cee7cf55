// Whether a statement runs what somebody could replace while it is on its way.
import type { Analysis } from './analysis.ts';
import type { SchemaIndex } from './schema-index.ts';

/** The server's own functions and those of extensions are nobody's to replace. */
export function isReplaceable({ functions }: Analysis, index: SchemaIndex): boolean {
  return functions.some(({ schema, name }) =>
    index.functionsNamed(name).some((one) => one.schema === schema && schema !== 'pg_catalog' && one.extension === ''),
  );
}
