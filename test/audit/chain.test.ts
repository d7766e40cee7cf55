// Goal: the tree is RFC 6962's, and a path proves exactly its own leaf.
// Method: the RFC's own test values, and random trees against the definition written out.
import { hash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Frontier, inclusionPath, leafHash, nodeHash, rootFromPath, rootOf } from '../../src/audit/chain.ts';

const leaves = (count: number): readonly string[] =>
  Array.from({ length: count }, (_, i) => leafHash(Buffer.from(`leaf ${i}`)));

/** The definition of RFC 6962 §2.1, as it stands there. */
function defined(all: readonly string[]): string {
  if (all.length === 0) return hash('sha256', '', 'hex');
  if (all.length === 1) return all[0]!;
  let split = 1;
  while (split * 2 < all.length) split *= 2;
  return nodeHash(defined(all.slice(0, split)), defined(all.slice(split)));
}

describe('the tree over the blocks', () => {
  test('gives the roots that certificate transparency publishes for its test leaves', () => {
    const inputs = ['', '00', '10', '2021', '3031', '40414243'].map((hex) => leafHash(Buffer.from(hex, 'hex')));
    expect(rootOf([])).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
    expect(rootOf(inputs.slice(0, 1))).toBe('6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d');
    expect(rootOf(inputs.slice(0, 2))).toBe('fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125');
    expect(rootOf(inputs.slice(0, 6))).toBe('76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef');
  });

  test('has the defined root at every size, also when it goes on from its frontier', () => {
    const all = leaves(70);
    let frontier = new Frontier();
    for (let size = 0; size < all.length; size += 1) {
      expect(frontier.root()).toBe(defined(all.slice(0, size)));
      frontier = new Frontier(frontier.size, frontier.roots);
      frontier.add(all[size]!);
    }
  });

  test('proves each leaf, and no other', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 60 }), fc.nat(), (size, pick) => {
        const all = leaves(size);
        const index = pick % size;
        const path = inclusionPath(all, index);
        const root = rootOf(all);
        expect(rootFromPath({ leaf: all[index]!, index, size, path })).toBe(root);
        expect(rootFromPath({ leaf: leafHash(Buffer.from('other')), index, size, path })).not.toBe(root);
        if (size > 1) {
          expect(rootFromPath({ leaf: all[index]!, index: (index + 1) % size, size, path })).not.toBe(root);
        }
      }),
    );
  });

  test.each([
    [3, []],
    [0, ['a'.repeat(64)]],
  ])('takes no frontier of %i blocks with roots %j', (size, roots) => {
    expect(() => new Frontier(size, roots)).toThrow('frontier');
  });
});
