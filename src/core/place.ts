// Where in a file something stands, so that every verdict and every mistake can name its line.

export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** `classification/shop.yaml:14:7` */
export function placeText(place: Place): string {
  return `${place.file}:${place.line}:${place.column}`;
}

/** A mistake in a file, with its mend. */
export interface Mistake {
  readonly place: Place;
  readonly words: string;
  readonly mend: string | undefined;
}

export function mistakeText(mistake: Mistake): string {
  return `${placeText(mistake.place)}: ${mistake.words}${mistake.mend === undefined ? '' : ` (${mistake.mend})`}`;
}
