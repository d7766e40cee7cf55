// Analyses and askers by hand, for tests of judging: what the witnesses would say of a statement.
import type { Asker } from '../../src/policy/asker.ts';
import type { Analysis, ColumnName, ColumnRead, ColumnUse } from '../../src/sql/analysis.ts';

export function column(text: string): ColumnName {
  const [schema = '', name = '', own = ''] = text.split('.');
  return { relation: { schema, name }, column: own };
}

export function read(text: string, ...uses: readonly ColumnUse[]): ColumnRead {
  return { column: column(text), uses: uses.length === 0 ? ['output'] : uses, via: [], kin: [] };
}

export function anAnalysis(change: Partial<Analysis> = {}): Analysis {
  return {
    kinds: ['read'],
    command: 'SELECT',
    reads: [],
    writes: [],
    flows: [],
    functions: [],
    wholeTables: [],
    relations: [],
    outputs: [],
    rowsMax: undefined,
    unknowns: [],
    ...change,
  };
}

export function anAsker(change: Partial<Asker> = {}): Asker {
  return {
    agent: 'report-bot',
    owner: 'ana',
    database: 'shop',
    role: 'gate',
    applicationName: 'psql',
    clientAddress: '10.1.2.3',
    reason: undefined,
    transaction: 'none',
    ...change,
  };
}
