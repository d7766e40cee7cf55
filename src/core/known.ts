// "Don't know" is a value. An empty list means "none", never "could not tell".

export type Known<T> = { readonly known: true; readonly value: T } | NotKnown;
export type NotKnown = { readonly known: false; readonly why: string };

export function known<T>(value: T): Known<T> {
  return { known: true, value };
}

export function notKnown(why: string): NotKnown {
  return { known: false, why };
}
