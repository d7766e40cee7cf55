// Goal: an edit takes effect, a broken one never does, and nobody is left unaware of it.
// Method: a real folder, edited as editors do; the source polls fast, the test waits for conditions.
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { ClassificationSource, type SourceEvent } from '../../src/policy/classification-source.ts';
import { changed, sampleFiles } from '../catalog/sample.ts';

let folder: string;
let source: ClassificationSource | undefined;
let events: SourceEvent[];

function write(files: Readonly<Record<string, string>>): void {
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
}

function open(): ClassificationSource {
  source = new ClassificationSource({ folder, tell: (event) => events.push(event), pollMs: 20, stillMs: 20 });
  return source;
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'classification-'));
  events = [];
  write(sampleFiles);
});
afterEach(() => {
  source?.close();
  rmSync(folder, { recursive: true, force: true });
});

const broken = changed('shop.yaml', 'public.orders: internal', 'public.orders: intrenal');
const good = changed('shop.yaml', 'public.orders: internal', 'public.orders: public');

describe('the classification in force', () => {
  test('is not there at all while the first reading has a mistake', () => {
    write(broken);
    expect(open).toThrow(/shop\.yaml:12:\d+: no level or category named 'intrenal'/);
  });

  test('changes with an edit of the folder', async () => {
    const current = open();
    const before = current.current.catalog.version;
    current.watch();
    write(good);
    await vi.waitUntil(() => events.length > 0, { timeout: 10_000 });
    expect(events).toEqual([{ kind: 'changed', before, version: current.current.catalog.version }]);
    expect(current.current.catalog.version).not.toBe(before);
  });

  test('stays as it was after a broken edit, says so, and says when it is mended', async () => {
    const current = open();
    const before = current.current;
    current.watch();
    write(broken);
    await vi.waitUntil(() => events.length > 0, { timeout: 10_000 });
    expect(events[0]).toMatchObject({ kind: 'broken', inForce: before.catalog.version });
    expect(current.current).toBe(before);
    expect(current.trouble).toHaveLength(1);
    write({ 'shop.yaml': sampleFiles['shop.yaml'] ?? '' });
    await vi.waitUntil(() => events.length > 1, { timeout: 10_000 });
    expect(events[1]).toMatchObject({ kind: 'mended' });
    expect(current.trouble).toEqual([]);
  });

  test('stays as it was when the folder is gone', () => {
    const current = open();
    const before = current.current;
    renameSync(folder, `${folder}-away`);
    current.reload();
    renameSync(`${folder}-away`, folder);
    expect(current.current).toBe(before);
    expect(events[0]?.kind).toBe('broken');
  });

  test('is read anew on SIGHUP, which nothing has to announce', () => {
    const current = open();
    write(good);
    current.reload();
    expect(events.map((event) => event.kind)).toEqual(['changed']);
  });

  test('does not come into force before it is on record, and says why', () => {
    let isShut = false;
    const announced: (string | undefined)[] = [];
    source = new ClassificationSource({
      folder,
      tell: (event) => events.push(event),
      before: ({ before }) => {
        if (isShut) throw new Error('the log is shut');
        announced.push(before);
      },
    });
    const first = source.current.catalog.version;
    expect(announced).toEqual([undefined]);
    isShut = true;
    write(good);
    source.reload();
    expect(source.current.catalog.version).toBe(first);
    expect(source.trouble[0]?.words).toBe('not in force: the log is shut');
    isShut = false;
    source.reload();
    expect(source.current.catalog.version).not.toBe(first);
    expect(source.trouble).toEqual([]);
    expect(announced).toEqual([undefined, first]);
  });
});
