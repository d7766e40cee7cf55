// One instance of a parser's build, and its memory: text in, the tree as JSON text out, everything that was taken given back. The
// packages' own wrapper does the same and is not used: it copies bytes one by one, which takes as long as reading a short statement.
// Knows nothing of trees. Whatever is not as it should be throws, and then the instance must not be used again.
import type { ParserMajor } from './parser.ts';

export type ParsedText =
  | { readonly kind: 'tree'; readonly json: string }
  /** `position`: from 1, in characters; 0: none. */
  | { readonly kind: 'error'; readonly message: string; readonly position: number };

/** What emscripten puts on its module. The heap's views are other objects after the memory has grown. */
interface Instance {
  readonly HEAPU8: Uint8Array;
  readonly HEAPU32: Uint32Array;
  _malloc(bytes: number): number;
  _free(pointer: number): void;
  _wasm_parse_query_raw(text: number): number;
  _wasm_free_parse_result(result: number): void;
}

export class ParserModule {
  readonly #instance: Instance;
  /** All of the memory. A buffer, for what it does with text natively. */
  #memory: Buffer;

  private constructor(instance: Instance) {
    this.#instance = instance;
    this.#memory = Buffer.from(instance.HEAPU8.buffer);
  }

  static async load(major: ParserMajor): Promise<ParserModule> {
    const { default: make } = await buildOf(major);
    const instance = await make();
    if (!isInstance(instance)) throw new Error(`the parser of ${major} is not what it was`);
    return new ParserModule(instance);
  }

  /** It grows to what the largest text took, and never shrinks. */
  get memoryBytes(): number {
    return this.#bytes().length;
  }

  /** `text` without NUL: the parser ends at one. */
  parse(text: string): ParsedText {
    const given = this.#put(text);
    const result = this.#instance._wasm_parse_query_raw(given);
    if (result === 0) throw new Error('the parser gave no result');
    // PgQueryParseResult: char *parse_tree, char *stderr_buffer, PgQueryError *error.
    const [tree, error] = [this.#pointerAt(result), this.#pointerAt(result + 8)];
    const parsed: ParsedText =
      error !== 0 ? this.#errorAt(error) : { kind: 'tree', json: tree === 0 ? '' : this.#textAt(tree) };
    this.#instance._wasm_free_parse_result(result);
    this.#instance._free(given);
    return parsed;
  }

  #put(text: string): number {
    const length = Buffer.byteLength(text);
    const pointer = this.#instance._malloc(length + 1);
    if (pointer === 0) throw new Error('the parser has no memory for the text');
    const memory = this.#bytes();
    if (memory.write(text, pointer, length, 'utf8') !== length) throw new Error('the text does not fit the parser');
    memory[pointer + length] = 0;
    return pointer;
  }

  /** PgQueryError: char *message, *funcname, *filename; int lineno, cursorpos; char *context. */
  #errorAt(error: number): ParsedText {
    const message = this.#pointerAt(error);
    const position = this.#instance.HEAPU32[(error + 16) / 4] ?? 0;
    return { kind: 'error', message: message === 0 ? 'Unknown error' : this.#textAt(message), position: position | 0 };
  }

  #pointerAt(pointer: number): number {
    return this.#instance.HEAPU32[pointer / 4] ?? 0;
  }

  #textAt(pointer: number): string {
    const memory = this.#bytes();
    const end = memory.indexOf(0, pointer);
    if (end < 0) throw new Error('a text of the parser has no end');
    return memory.toString('utf8', pointer, end);
  }

  /** Growing detaches the memory that was there. */
  #bytes(): Buffer {
    const { buffer } = this.#instance.HEAPU8;
    if (this.#memory.buffer !== buffer) this.#memory = Buffer.from(buffer);
    return this.#memory;
  }
}

function buildOf(major: ParserMajor): Promise<{ readonly default: () => Promise<unknown> }> {
  switch (major) {
    case 15:
      return import('libpg-query-15/wasm/libpg-query.js');
    case 16:
      return import('libpg-query-16/wasm/libpg-query.js');
    case 17:
      return import('libpg-query-17/wasm/libpg-query.js');
    case 18:
      return import('libpg-query-18/wasm/libpg-query.js');
  }
}

const called = ['_malloc', '_free', '_wasm_parse_query_raw', '_wasm_free_parse_result'] as const;

function isInstance(value: unknown): value is Instance {
  if (typeof value !== 'object' || value === null) return false;
  const has = new Map<string, unknown>(Object.entries(value));
  return (
    has.get('HEAPU8') instanceof Uint8Array &&
    has.get('HEAPU32') instanceof Uint32Array &&
    called.every((name) => typeof has.get(name) === 'function')
  );
}
