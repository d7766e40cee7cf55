// Postgres's encodings by how their bytes may be read. What counts: can a byte of a multi-byte character be an ASCII byte? In SJIS
// and its kin a backslash can be half a character, so that a reader who errs about the encoding errs about where strings end.

export type EncodingKind = 'utf8' | 'ascii' | 'single' | 'euc' | 'refused';

export interface Encoding {
  readonly name: string;
  readonly kind: EncodingKind;
  /** Label for TextDecoder; undefined where it knows none. */
  readonly label: string | undefined;
}

/** Server and client encodings of 15 to 18 by their cleaned names (`pg_char_to_encoding` drops all but letters and digits). */
const table: Readonly<Record<string, readonly [EncodingKind, string?]>> = {
  utf8: ['utf8'],
  unicode: ['utf8'],
  sqlascii: ['ascii'],
  latin1: ['single', 'latin1'],
  iso88591: ['single', 'latin1'],
  latin2: ['single', 'iso-8859-2'],
  iso88592: ['single', 'iso-8859-2'],
  latin3: ['single', 'iso-8859-3'],
  iso88593: ['single', 'iso-8859-3'],
  latin4: ['single', 'iso-8859-4'],
  iso88594: ['single', 'iso-8859-4'],
  latin5: ['single', 'windows-1254'],
  iso88599: ['single', 'windows-1254'],
  latin6: ['single', 'iso-8859-10'],
  iso885910: ['single', 'iso-8859-10'],
  latin7: ['single', 'iso-8859-13'],
  iso885913: ['single', 'iso-8859-13'],
  latin8: ['single', 'iso-8859-14'],
  iso885914: ['single', 'iso-8859-14'],
  latin9: ['single', 'iso-8859-15'],
  iso885915: ['single', 'iso-8859-15'],
  latin10: ['single', 'iso-8859-16'],
  iso885916: ['single', 'iso-8859-16'],
  iso88595: ['single', 'iso-8859-5'],
  iso88596: ['single', 'iso-8859-6'],
  iso88597: ['single', 'iso-8859-7'],
  iso88598: ['single', 'iso-8859-8'],
  koi8: ['single', 'koi8-r'],
  koi8r: ['single', 'koi8-r'],
  koi8u: ['single', 'koi8-u'],
  win866: ['single', 'ibm866'],
  alt: ['single', 'ibm866'],
  windows866: ['single', 'ibm866'],
  win874: ['single', 'windows-874'],
  windows874: ['single', 'windows-874'],
  ...windows(1250, 1251, 1252, 1253, 1254, 1255, 1256, 1257, 1258),
  win: ['single', 'windows-1251'],
  tcvn: ['single', 'windows-1258'],
  tcvn5712: ['single', 'windows-1258'],
  abc: ['single', 'windows-1258'],
  vscii: ['single', 'windows-1258'],
  eucjp: ['euc', 'euc-jp'],
  eucjis2004: ['euc'],
  euckr: ['euc', 'euc-kr'],
  euccn: ['euc', 'gbk'],
  euctw: ['euc'],
  muleinternal: ['euc'],
  sjis: ['refused'],
  mskanji: ['refused'],
  shiftjis: ['refused'],
  shiftjis2004: ['refused'],
  win932: ['refused'],
  windows932: ['refused'],
  big5: ['refused'],
  win950: ['refused'],
  windows950: ['refused'],
  gbk: ['refused'],
  win936: ['refused'],
  windows936: ['refused'],
  gb18030: ['refused'],
  uhc: ['refused'],
  win949: ['refused'],
  windows949: ['refused'],
  johab: ['refused'],
};

function windows(...pages: readonly number[]): Readonly<Record<string, readonly ['single', string]>> {
  return Object.fromEntries(
    pages.flatMap((page) =>
      [`win${page}`, `windows${page}`].map((name) => [name, ['single', `windows-${page}`] as const]),
    ),
  );
}

/** Undefined: no encoding of Postgres that the house knows, which is to be refused as well. */
export function encodingOf(name: string): Encoding | undefined {
  const cleaned = name.replace(/[^A-Za-z0-9]/g, '').toLowerCase();
  const row = Object.hasOwn(table, cleaned) ? table[cleaned] : undefined;
  return row === undefined ? undefined : { name: cleaned, kind: row[0], label: row[1] };
}

/** Whether a client may use it: everything but the encodings whose characters can hide ASCII bytes. */
export function isReadable(name: string): boolean {
  const encoding = encodingOf(name);
  return encoding !== undefined && encoding.kind !== 'refused';
}
