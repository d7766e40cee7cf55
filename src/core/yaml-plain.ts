// The plainest YAML, read line by line: maps of one-word keys and one-word values, as the files of large catalogs nearly all are. Ten times
// as fast as the library when nothing is warm yet, which is what somebody waits for who asks `countersign explain`. It takes only what has
// one meaning; at the first line that is anything else it gives up, and the library reads the whole. So it can be slow, never wrong:
// test/core/yaml-plain.test.ts compares the two, places and all.
import type { PlainValue, Read, Spot } from './yaml.ts';

/** A one-line `{ … }` is the library's to read. Undefined: it is not well formed by itself. */
export type FlowReader = (text: string, at: number) => Read | undefined;

/** A level of the file that is still open. */
interface Frame {
  readonly indent: number;
  readonly value: Record<string, PlainValue>;
  readonly at: number;
  readonly keys: Map<string, number>;
  readonly children: Map<string, Spot>;
}

/** `key:`, `'a key':` with nothing, a word, a small number or a flow map behind it, and perhaps a comment. A word begins with a letter. */
const entryLine =
  /^( *)(?:([A-Za-z_][\w.]*)|'([\x20-\x26\x28-\x7e]+)'):(?: +(?:([A-Za-z_][\w.+-]*)|(0|[1-9]\d{0,8})|(\{.*\})))?(?: +#.*| *)$/;
const emptyLine = /^ *(?:#.*)?$/;
/** Words that mean something else, a key that no object may have, and what YAML has its own rules for. */
const notText = /^(?:null|true|false|__proto__)$/i;
const beyondUs = /(?!\n)[\p{Cc}\uFEFF\u2028\u2029]/u;
/** How deep the whole may be is counted by the library. */
const deepFlow = /(?:[[{].*){16}/;
const lineLengthMax = 1000;
const depthMax = 16;

export interface PlainFile extends Read {
  readonly lineStarts: readonly number[];
}

/** Undefined: not plain enough. */
export function readPlain(text: string, flow: FlowReader): PlainFile | undefined {
  if (beyondUs.test(text)) return undefined;
  const lineStarts: number[] = [];
  const reader = new PlainReader(flow);
  for (let at = 0; at <= text.length;) {
    const end = text.indexOf('\n', at);
    const line = text.slice(at, end < 0 ? text.length : end);
    lineStarts.push(at);
    if (!reader.take(line, at)) return undefined;
    at += line.length + 1;
  }
  const whole = reader.end();
  return whole === undefined ? undefined : { ...whole, lineStarts };
}

class PlainReader {
  readonly #flow: FlowReader;
  readonly #open: Frame[] = [];
  /** A key whose map has to begin on the next line. */
  #waiting: { readonly key: string; readonly indent: number } | undefined;

  constructor(flow: FlowReader) {
    this.#flow = flow;
  }

  /** False: this line is for the library. */
  take(line: string, at: number): boolean {
    if (line.length > lineLengthMax) return false;
    if (emptyLine.test(line)) return true;
    const parts = entryLine.exec(line);
    if (parts === null) return false;
    const [, space = '', bare, quoted, word, number, flow] = parts;
    const indent = space.length;
    const keyAt = at + indent;
    const frame = this.#frameFor(indent, keyAt);
    const key = bare ?? quoted ?? '';
    if (frame === undefined || frame.keys.has(key) || notText.test(key)) return false;
    frame.keys.set(key, keyAt);
    const valueAt = at + line.indexOf(word ?? number ?? flow ?? '', indent + key.length + (bare === undefined ? 3 : 1));
    if (word !== undefined) return !notText.test(word) && put(frame, key, { value: word, spot: leaf(valueAt) });
    if (number !== undefined) return put(frame, key, { value: Number(number), spot: leaf(valueAt) });
    if (flow !== undefined) return !deepFlow.test(flow) && put(frame, key, this.#flow(flow, valueAt));
    this.#waiting = { key, indent };
    return true;
  }

  end(): Read | undefined {
    const [root] = this.#open;
    if (root === undefined || this.#waiting !== undefined) return undefined;
    return { value: root.value, spot: spotOf(root) };
  }

  /** The map that a line of this indentation belongs to. */
  #frameFor(indent: number, at: number): Frame | undefined {
    const waiting = this.#waiting;
    const isFirst = this.#open.length === 0;
    if (isFirst ? indent === 0 : waiting !== undefined && indent > waiting.indent) return this.#opened(indent, at);
    if (isFirst || waiting !== undefined) return undefined;
    while ((this.#open.at(-1)?.indent ?? 0) > indent) this.#open.pop();
    const frame = this.#open.at(-1);
    return frame?.indent === indent ? frame : undefined;
  }

  #opened(indent: number, at: number): Frame | undefined {
    if (this.#open.length >= depthMax) return undefined;
    const frame: Frame = { indent, value: {}, at, keys: new Map(), children: new Map() };
    const parent = this.#open.at(-1);
    if (parent !== undefined && this.#waiting !== undefined) {
      put(parent, this.#waiting.key, { value: frame.value, spot: spotOf(frame) });
    }
    this.#waiting = undefined;
    this.#open.push(frame);
    return frame;
  }
}

const leaf = (at: number): Spot => ({ at, keys: undefined, children: undefined });

const spotOf = ({ at, keys, children }: Frame): Spot => ({ at, keys, children });

function put(frame: Frame, key: string, read: Read | undefined): boolean {
  if (read === undefined) return false;
  frame.value[key] = read.value;
  frame.children.set(key, read.spot);
  return true;
}
