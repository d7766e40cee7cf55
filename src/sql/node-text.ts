// Reads the text of Postgres's own node trees (outfuncs.c), as `debug_print_rewritten` prints them, into plain data.
// It knows the notation only: what a node means is tree.ts's business. One pass, no recursion, bounded in bytes, nodes and depth.
//
// The text is not made for machines: the server breaks it into lines of 78 bytes (format_node_dump) by turning a space into a
// newline and, where 78 bytes hold no space, by *inserting* one, even between a backslash and the brace it escapes. An asker who
// picks aliases full of braces could so let a brace of theirs be read as structure; such text is refused, see `hasHardBreak`.
import { known, notKnown, type Known } from '../core/known.ts';
import { firstLayout, type Layout } from './node-layout.ts';

/** `<>` is null, a token is a string, `( … )` a list, `{TAG :field value …}` a node. */
export type NodeValue = string | null | readonly NodeValue[] | TreeNode;

export class TreeNode {
  readonly tag: string;
  /** Written while the node is read, and never after. */
  layout: Layout;
  readonly values: NodeValue[] = [];

  constructor(tag: string) {
    this.tag = tag;
    this.layout = firstLayout(tag);
  }

  /** The value of a field; undefined when this server's major does not print it. */
  get(name: string): NodeValue | undefined {
    const place = this.layout.placeOf(name);
    return place === undefined ? undefined : this.values[place];
  }
}

export interface NodeTextLimits {
  readonly bytesMax: number;
  readonly nodesMax: number;
  readonly depthMax: number;
}

/** 4 MB is a multi-row INSERT of some 25,000 values; the deepest honest tree that was met (TPC-DS) is 60 deep. */
export const nodeTextLimits: NodeTextLimits = { bytesMax: 4 << 20, nodesMax: 200_000, depthMax: 3_000 };

/**
 * `recoding`: `recoded` when the session's encoding is not the database's, so that bytes here are not the bytes the server broke
 * its lines by.
 */
export function readNodeText(
  bytes: Uint8Array,
  recoding: 'same' | 'recoded',
  limits: NodeTextLimits = nodeTextLimits,
): Known<NodeValue> {
  if (bytes.length > limits.bytesMax) return notKnown(`the server’s tree is larger than ${limits.bytesMax} bytes`);
  // One character a byte: offsets stay offsets, and comparing stays cheap. Names are decoded where they are wanted.
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
  if (hasHardBreak(text, recoding)) return notKnown('the server’s tree holds a name that cannot be read back for sure');
  return new Reader(text, bytes, limits).read();
}

/** A name as it stands in the tree, in UTF-8. */
export function nameText(value: NodeValue | undefined): string | undefined {
  return typeof value === 'string' ? Buffer.from(value, 'latin1').toString('utf8') : undefined;
}

const space = 0x20;
const newline = 0x0a;
const tab = 0x09;
const open = 0x28;
const close = 0x29;
const openNode = 0x7b;
const closeNode = 0x7d;
const backslash = 0x5c;
const colon = 0x3a;
const quote = 0x22;

/** format_node_dump looks for a space at index 1 … 77 of a line; a line with none is broken inside a token. */
const runMax = 76;

/**
 * Whether any line may have been broken inside a token. Up to the first such break our reading of backslashes agrees with the
 * server's, so a run that is too long is always seen, and nothing after it is believed.
 */
function hasHardBreak(text: string, recoding: 'same' | 'recoded'): boolean {
  let runStart = 0;
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) {
    runStart = Math.max(runStart, text.lastIndexOf(' ', at) + 1);
    if (serverBytes(text, runStart, at, recoding) > runMax) return true;
    // A newline behind a backslash may be the name's own, so it does not end the run.
    if (!isEscaped(text, at)) runStart = at + 1;
  }
  return false;
}

function serverBytes(text: string, from: number, to: number, recoding: 'same' | 'recoded'): number {
  if (recoding === 'same' || to - from > runMax) return to - from;
  let count = 0;
  for (let at = from; at < to; at++) count += text.charCodeAt(at) < 0x80 ? 1 : 4;
  return count;
}

function isEscaped(text: string, at: number): boolean {
  let slashes = 0;
  while (at - slashes > 0 && text.charCodeAt(at - slashes - 1) === backslash) slashes++;
  return slashes % 2 === 1;
}

/** Thrown and caught in this file only. */
class Malformed extends Error {}

/** Bytes are looked at and the same places of the text are kept: a byte is found faster than a character. */
class Reader {
  readonly #text: string;
  readonly #bytes: Uint8Array;
  readonly #limits: NodeTextLimits;
  #at = 0;
  #nodes = 0;

  constructor(text: string, bytes: Uint8Array, limits: NodeTextLimits) {
    this.#text = text;
    this.#bytes = bytes;
    this.#limits = limits;
  }

  read(): Known<NodeValue> {
    try {
      const value = this.#value();
      this.#skipSpace();
      if (this.#at < this.#bytes.length) throw new Malformed('text after the end');
      return known(value);
    } catch (thrown) {
      if (!(thrown instanceof Malformed)) throw thrown;
      return notKnown(`the server’s tree cannot be read: ${thrown.message} at byte ${this.#at}`);
    }
  }

  /** One whole value. Containers that are still open are on `stack`, so the depth of the text costs no call frames. */
  #value(): NodeValue {
    const stack: (NodeValue[] | TreeNode)[] = [];
    for (;;) {
      const inside = stack.at(-1);
      this.#skipSpace();
      const code = this.#bytes[this.#at];
      let done: NodeValue;
      if (Array.isArray(inside) && code === close) {
        this.#at++;
        done = inside;
        stack.pop();
      } else if (inside instanceof TreeNode && code === closeNode) {
        this.#at++;
        done = inside;
        stack.pop();
      } else {
        if (inside instanceof TreeNode) this.#fieldName(inside);
        const start = this.#start();
        if (typeof start === 'object' && start !== null) {
          if (stack.length >= this.#limits.depthMax) throw new Malformed('too deep');
          stack.push(start);
          continue;
        }
        done = start;
      }
      const outer = stack.at(-1);
      if (outer === undefined) return done;
      if (Array.isArray(outer)) outer.push(done);
      else outer.values.push(done);
    }
  }

  /** What stands here: an opened container, or a finished token. */
  #start(): NodeValue[] | TreeNode | string | null {
    this.#skipSpace();
    const code = this.#bytes[this.#at];
    if (code === open || code === openNode) {
      if (++this.#nodes > this.#limits.nodesMax) throw new Malformed('too many nodes');
      this.#at++;
      if (code === open) return [];
      return new TreeNode(this.#bare());
    }
    return this.#token();
  }

  #fieldName(node: TreeNode): void {
    if (this.#bytes[this.#at] !== colon) throw new Malformed(`no field name in ${node.tag}`);
    this.#at++;
    node.layout = this.#layoutAfter(node.layout);
    // A datum is a length and its bytes, `4 [ 7 0 0 0 ]`. They are literals of the statement: never wanted, so never kept.
    if (node.layout.field === 'constvalue') this.#skipDatum();
  }

  #layoutAfter(before: Layout): Layout {
    const { likely } = before;
    if (likely === undefined || !this.#isNext(likely.bytes)) return before.with(this.#bare());
    this.#at += likely.bytes.length;
    return likely;
  }

  /** Whether these bytes are the whole token that stands here. */
  #isNext(token: Uint8Array): boolean {
    const [bytes, from, length] = [this.#bytes, this.#at, token.length];
    for (let at = 0; at < length; at++) if (bytes[from + at] !== token[at]) return false;
    return endsToken(bytes[from + length]);
  }

  /** Leaves one token for the caller to take: the length, or `<>`. */
  #skipDatum(): void {
    this.#skipSpace();
    const start = this.#at;
    const length = this.#token();
    if (length === null) {
      this.#at = start;
      return;
    }
    this.#skipSpace();
    if (this.#text[this.#at] !== '[') throw new Malformed('a constant without its bytes');
    const end = this.#text.indexOf(']', this.#at);
    if (end < 0) throw new Malformed('a constant without an end');
    // The caller takes this bracket as the value's only token.
    this.#at = end;
  }

  /** Tags and field names: never escaped, never empty but for `{}`, which old majors print for nodes they cannot print. */
  #bare(): string {
    const from = this.#at;
    while (!endsToken(this.#bytes[this.#at])) this.#at++;
    return this.#text.slice(from, this.#at);
  }

  #token(): string | null {
    const bytes = this.#bytes;
    const from = this.#at;
    let at = from;
    let escaped = false;
    for (; !endsToken(bytes[at]); at++) {
      if (bytes[at] !== backslash) continue;
      escaped = true;
      at++;
    }
    if (at === from || at > bytes.length) throw new Malformed('a value is missing');
    this.#at = at;
    const raw = this.#text.slice(from, at);
    if (raw === '<>') return null;
    const inner = raw.length > 1 && raw.charCodeAt(0) === quote && raw.endsWith('"') ? raw.slice(1, -1) : raw;
    return escaped ? inner.replace(/\\([^])/g, '$1') : inner;
  }

  #skipSpace(): void {
    for (let code = this.#bytes[this.#at]; isSpace(code); code = this.#bytes[++this.#at]);
  }
}

function isSpace(code: number | undefined): boolean {
  return code === space || code === newline || code === tab;
}

/** So does the end of the text. */
function endsToken(code: number | undefined): boolean {
  return code === undefined || ends[code] === 1;
}

const ends = new Uint8Array(256);
for (const code of [space, newline, tab, open, close, openNode, closeNode]) ends[code] = 1;
