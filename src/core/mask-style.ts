// The ways a value may be shown instead of itself. Words of the classification files, the policy, cards and the wire: one list.

export const maskStyles = ['null', 'fixed', 'last4', 'hash', 'email', 'year'] as const;
export type MaskStyle = (typeof maskStyles)[number];

export const maskStyleWords: Readonly<Record<MaskStyle, string>> = {
  null: 'NULL',
  fixed: 'one value of the type for all: ***, 0, false, 2000-01-01',
  last4: 'the last four letters or digits of long values',
  hash: 'equal values look equal, under a key of the database',
  email: 'the shape of an address: a***@e***.com',
  year: 'a date without month and day',
};
