// The arithmetic of the proof: a block's hash, and the RFC 6962 tree over all blocks. Pure; knows no files and no keys.
//
// A block is a run of lines with the same `prev`: what a few turns handed to the kernel. Its hash, SHA-256 of a zero byte and
// its bytes, is at once the next block's `prev` and its leaf in the tree, so that a statement pays for one hash, not for two.
import { hash } from 'node:crypto';

/** `prev` of the very first block. */
export const genesis = '0'.repeat(64);

export function leafHash(block: Uint8Array): string {
  return hash('sha256', Buffer.concat([leafMark, block]), 'hex');
}

/** The same for a caller who kept room for the mark: `marked` begins with the zero byte. */
export function leafHashMarked(marked: Uint8Array): string {
  return hash('sha256', marked, 'hex');
}

export function nodeHash(left: string, right: string): string {
  return hash('sha256', Buffer.from(`01${left}${right}`, 'hex'), 'hex');
}

const leafMark = Buffer.from([0]);

/** What is needed to go on: how many leaves, and the roots of the complete subtrees, widest first. */
export class Frontier {
  #size: number;
  readonly #roots: string[];

  constructor(size = 0, roots: readonly string[] = []) {
    if (!isFrontier(size, roots)) throw new Error('not a frontier');
    this.#size = size;
    this.#roots = [...roots];
  }

  get size(): number {
    return this.#size;
  }

  get roots(): readonly string[] {
    return [...this.#roots];
  }

  add(leaf: string): void {
    let node = leaf;
    for (let rest = this.#size; rest % 2 === 1; rest = Math.floor(rest / 2)) {
      node = nodeHash(this.#roots.pop() ?? '', node);
    }
    this.#roots.push(node);
    this.#size += 1;
  }

  /** RFC 6962: the root of nothing is the hash of nothing. */
  root(): string {
    const last = this.#roots.at(-1);
    if (last === undefined) return hash('sha256', '', 'hex');
    return this.#roots.slice(0, -1).reduceRight((right, left) => nodeHash(left, right), last);
  }
}

/** Whether there is a tree of so many leaves with these roots of its parts; what they are roots of shows when leaves are added. */
export function isFrontier(size: number, roots: readonly unknown[]): boolean {
  const isSize = Number.isSafeInteger(size) && size >= 0 && roots.length === bitsSet(size);
  return isSize && roots.every((root) => typeof root === 'string' && /^[0-9a-f]{64}$/.test(root));
}

function bitsSet(size: number): number {
  return size.toString(2).replaceAll('0', '').length;
}

/** The hashes that lead from leaf `index` to the root over all `leaves`: RFC 6962 §2.1.1. */
export function inclusionPath(leaves: readonly string[], index: number): readonly string[] {
  if (leaves.length <= 1) return [];
  const split = widestBelow(leaves.length);
  const [left, right] = [leaves.slice(0, split), leaves.slice(split)];
  return index < split
    ? [...inclusionPath(left, index), rootOf(right)]
    : [...inclusionPath(right, index - split), rootOf(left)];
}

export function rootOf(leaves: readonly string[]): string {
  const frontier = new Frontier();
  for (const leaf of leaves) frontier.add(leaf);
  return frontier.root();
}

/** The root that a path leads to, or undefined when the path has a wrong length. RFC 9162 §2.1.3.2. */
export function rootFromPath(input: {
  readonly leaf: string;
  readonly index: number;
  readonly size: number;
  readonly path: readonly string[];
}): string | undefined {
  if (input.index >= input.size) return undefined;
  let [node, at, last] = [input.leaf, input.index, input.size - 1];
  for (const other of input.path) {
    if (last === 0) return undefined;
    if (at % 2 === 1 || at === last) {
      node = nodeHash(other, node);
      while (at % 2 === 0 && at !== 0) [at, last] = [Math.floor(at / 2), Math.floor(last / 2)];
    } else {
      node = nodeHash(node, other);
    }
    [at, last] = [Math.floor(at / 2), Math.floor(last / 2)];
  }
  return last === 0 ? node : undefined;
}

/** The widest power of two that is smaller than `size`. */
function widestBelow(size: number): number {
  let width = 1;
  while (width * 2 < size) width *= 2;
  return width;
}
