// Goal: the parser's own memory holds one text at a time, and what comes out of it is what the package's wrapper gives.
// Method: each major's module beside the wrapper of its own package, texts that make the memory grow, and thousands in a row.
import { beforeAll, describe, expect, test } from 'vitest';
import { ParserModule } from '../../src/sql/parser-module.ts';
import { parserMajors, type ParserMajor } from '../../src/sql/parser.ts';

interface Wrapper {
  loadModule(): Promise<void>;
  parseSync(text: string): unknown;
}

const wrappers: Readonly<Record<ParserMajor, () => Promise<Wrapper>>> = {
  15: () => import('libpg-query-15'),
  16: () => import('libpg-query-16'),
  17: () => import('libpg-query-17'),
  18: () => import('libpg-query-18'),
};

const texts = [
  'select 1',
  "select 'é€𝄞', U&'d\\0061t\\+01F600', E'\\u00e9\\n\"\\\\' from \"naïve\"",
  'insert into a (b) values ($1) returning *; update c set d = 2',
  `select ${Array.from({ length: 5_000 }, (_, index) => `c${index}`).join(', ')}`,
  'select from where',
  "select 'é' frm t wher x",
  'select "',
  ';',
  '\ud800',
];

describe.each(parserMajors)('the module of major %i', (major) => {
  let module: ParserModule;
  let wrapper: Wrapper;

  beforeAll(async () => {
    module = await ParserModule.load(major);
    wrapper = await wrappers[major]();
    await wrapper.loadModule();
  });

  const plain = (text: string): unknown => {
    const parsed = module.parse(text);
    return parsed.kind === 'tree' ? JSON.parse(parsed.json) : [parsed.message, Math.max(0, parsed.position - 1)];
  };

  const wrapped = (text: string): unknown => {
    try {
      return wrapper.parseSync(text);
    } catch (thrown) {
      const { message, cursorPosition } = (thrown as { sqlDetails: { message: string; cursorPosition: number } })
        .sqlDetails;
      return [message, cursorPosition];
    }
  };

  test.each(texts.slice(0, -1).map((text) => [text.slice(0, 40), text]))('reads %j as its package does', (_, text) => {
    expect(plain(text)).toEqual(wrapped(text));
  });

  test('reads half a character as the server would be sent it', () => {
    expect(module.parse("select '\ud800' a")).toEqual(module.parse("select '\ufffd' a"));
  });

  test('gives back what it takes, for trees as for errors', () => {
    const before = module.memoryBytes;
    const filled = texts.filter((text) => text.length < 100).map((text) => `${text} /* ${'x'.repeat(65_536)} */`);
    // Twice the memory that it begins with, if only the texts were kept.
    for (let kept = 0; kept < 2 * before; kept += 65_536) {
      const text = filled[(kept / 65_536) % filled.length] ?? '';
      module.parse(text);
    }
    expect(module.memoryBytes).toBe(before);
  });
});

test('goes on where the memory has grown under it', async () => {
  const module = await ParserModule.load(17);
  const before = module.memoryBytes;
  const long = 'é'.repeat(25_000_000);
  const parsed = module.parse(`select '${long}'`);
  expect(parsed.kind === 'tree' && parsed.json.includes(long)).toBe(true);
  expect(module.memoryBytes).toBeGreaterThan(before);
  expect(module.parse('select 1')).toMatchObject({ kind: 'tree' });
});
