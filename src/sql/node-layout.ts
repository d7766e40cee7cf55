// Which fields a node of the server's tree has, and at which place. All nodes of one kind are printed with the same fields in the same
// order, so they share one layout: a field's name is then compared with what stood there last time, instead of being read and kept anew.
// Knows nothing of trees. What it remembers is what servers print, never what an asker writes, and it is bounded all the same.

const layoutsMax = 10_000;
let kept = 0;

export class Layout {
  /** The last field; the others are `before`'s. */
  readonly field: string;
  readonly bytes: Uint8Array;
  readonly #before: Layout | undefined;
  readonly #next = new Map<string, Layout>();
  #likely: Layout | undefined;
  #places: ReadonlyMap<string, number> | undefined;

  constructor(field: string, before: Layout | undefined) {
    this.field = field;
    this.bytes = Buffer.from(field, 'latin1');
    this.#before = before;
  }

  /** What came next the last time. */
  get likely(): Layout | undefined {
    return this.#likely;
  }

  /** With one more field. */
  with(field: string): Layout {
    const known = this.#next.get(field);
    const next = known ?? new Layout(field, this);
    if (known === undefined && kept < layoutsMax) {
      kept++;
      this.#next.set(field, next);
    }
    this.#likely = next;
    return next;
  }

  /** Undefined: nodes of this layout have no such field. Of two fields of one name, the first. */
  placeOf(field: string): number | undefined {
    this.#places ??= new Map(this.fields.map((name, place) => [name, place] as const).toReversed());
    return this.#places.get(field);
  }

  get fields(): readonly string[] {
    const fields: string[] = [];
    let layout: Layout = this;
    while (layout.#before !== undefined) {
      fields.push(layout.field);
      layout = layout.#before;
    }
    return fields.reverse();
  }
}

const byTag = new Map<string, Layout>();

/** A node of that kind before its first field. */
export function firstLayout(tag: string): Layout {
  const known = byTag.get(tag);
  if (known !== undefined) return known;
  const made = new Layout('', undefined);
  if (byTag.size < 1_000) byTag.set(tag, made);
  return made;
}
