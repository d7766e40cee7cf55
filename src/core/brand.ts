// Brands: values that look alike but must not be swapped.

declare const brand: unique symbol;
export type Brand<T, Name extends string> = T & { readonly [brand]: Name };

export type SessionId = Brand<string, 'SessionId'>;
export type HoldId = Brand<string, 'HoldId'>;
export type Sha256 = Brand<string, 'Sha256'>;
export type UnixMillis = Brand<number, 'UnixMillis'>;

export type NonEmpty<T> = readonly [T, ...T[]];

export function isNonEmpty<T>(list: readonly T[]): list is NonEmpty<T> {
  return list.length > 0;
}
