// What sampled values look like. Each detector says yes or no to one value; a column is of its kind when enough values are. Values come
// in, counts go out: nothing here or above ever prints or keeps one.
import { cardNumber, iban, nationalId } from './checksums.ts';
import { givenNames } from './given-names.ts';

/** Kinds of data, by the name of the category that the sample's taxonomy has for it. */
export type DataKind =
  | 'credential'
  | 'financial.card.pan'
  | 'financial.bank.iban'
  | 'personal.national_id'
  | 'personal.contact.email'
  | 'personal.contact.phone'
  | 'personal.online'
  | 'personal.name'
  | 'personal.birth_date'
  | 'personal.contact.address'
  | 'personal.health'
  | 'financial.pay'
  | 'personal.free_text';

export interface Detector {
  readonly kind: DataKind;
  readonly words: string;
  /** How much of the values must be so. */
  readonly share: number;
  readonly test: (value: string) => boolean;
}

/** In order: what has a checksum or a form that nothing else has comes first. */
export const detectors: readonly Detector[] = [
  { kind: 'financial.card.pan', words: 'card numbers (Luhn)', share: 0.5, test: cardNumber },
  { kind: 'financial.bank.iban', words: 'IBANs (mod 97)', share: 0.5, test: iban },
  { kind: 'credential', words: 'keys, tokens or password hashes', share: 0.5, test: isSecret },
  { kind: 'personal.contact.email', words: 'e-mail addresses', share: 0.5, test: isEmail },
  { kind: 'personal.national_id', words: 'national ids (check digits)', share: 0.6, test: nationalId },
  { kind: 'personal.online', words: 'network addresses', share: 0.5, test: isNetworkAddress },
  { kind: 'personal.contact.phone', words: 'telephone numbers', share: 0.5, test: isPhone },
  { kind: 'personal.contact.address', words: 'street addresses', share: 0.4, test: isStreet },
  { kind: 'personal.name', words: 'names of people', share: 0.4, test: isPersonName },
  { kind: 'personal.free_text', words: 'free text', share: 0.5, test: isFreeText },
];

function isEmail(value: string): boolean {
  return value.length <= 254 && /^[^\s@<>(),;]{1,64}@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+){1,6}$/.test(value.trim());
}

function isPhone(value: string): boolean {
  const text = value.trim();
  const digits = text.replace(/\D/g, '').length;
  if (digits < 8 || digits > 15 || !/^\+?[\d\s().\-/]+(?:\s?(?:x|ext\.?)\s?\d{1,5})?$/.test(text)) return false;
  // Bare digits are order numbers more often than telephone numbers; dots alone make an IP address or an amount.
  return (
    text.startsWith('+') ||
    /^00[1-9]/.test(text) ||
    (/^[(0]/.test(text) && /[\s()/-]/.test(text)) ||
    /^\d{3}[-. ]\d{3}[-. ]\d{4}$/.test(text)
  );
}

function isNetworkAddress(value: string): boolean {
  const text = value.trim().replace(/\/\d{1,3}$/, '');
  const four = text.split('.');
  if (four.length === 4) return four.every((part) => /^\d{1,3}$/.test(part) && Number(part) < 256);
  if (/^[0-9a-f]{2}(?:[:-][0-9a-f]{2}){5}$/i.test(text)) return true;
  return (
    text.includes(':') && /^[0-9a-f:]{3,39}$/i.test(text) && text.split(':').length >= 4 && !/^\d\d?:\d\d/.test(text)
  );
}

const knownSecrets = [
  /^(?:sk|pk|rk)_(?:live|test)_\w{8,}/,
  /^gh[pousr]_\w{20,}/,
  /^xox[abprs]-[\w-]{10,}/,
  /^AKIA[A-Z0-9]{12,}/,
  /^eyJ[\w-]{5,}\.[\w-]{5,}\.[\w-]*/,
  /^-----BEGIN /,
  /^\$(?:2[abxy]|argon2\w*|pbkdf2\S*|scrypt|5|6|y)\$/,
  /^\{?(?:SSHA|SCRAM-SHA-256)\b/,
  /^md5[0-9a-f]{32}$/,
];

function isSecret(value: string): boolean {
  const text = value.trim();
  if (knownSecrets.some((form) => form.test(text))) return true;
  if (text.length < 20 || !/^[\w+/=.-]+$/.test(text) || isUuid(text)) return false;
  const classes = [/[a-z]/, /[A-Z]/, /\d/].filter((one) => one.test(text)).length;
  // Words joined by dashes have fewer bits per character than anything random; hexadecimal has two classes and its own bound.
  if (/^[0-9a-f]+$/i.test(text)) return text.length >= 32 && entropy(text) > 3;
  return classes === 3 && entropy(text) > 3.7 && !/^[A-Za-z]+([-_.][A-Za-z0-9]+)+$/.test(text);
}

function isUuid(text: string): boolean {
  return /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text);
}

/** Bits per character. */
function entropy(text: string): number {
  const counts = new Map<string, number>();
  for (const character of text) counts.set(character, (counts.get(character) ?? 0) + 1);
  let bits = 0;
  for (const count of counts.values()) bits -= (count / text.length) * Math.log2(count / text.length);
  return bits;
}

const streetWords =
  /\b(?:street|st|road|rd|avenue|ave|lane|ln|drive|dr|boulevard|blvd|rue|via|calle|plaza|platz|weg|allee|gasse|ulica|ul)\b\.?|(?:straße|strasse|str\.|weg|allee|gasse|platz|laan|straat)\b/i;

function isStreet(value: string): boolean {
  return value.length <= 120 && /\d/.test(value) && /[A-Za-z]{3}/.test(value) && streetWords.test(value);
}

function isPersonName(value: string): boolean {
  const words = value.trim().split(/[\s,]+/);
  if (words.length > 4 || !words.every((word) => /^[\p{L}'.’-]+$/u.test(word))) return false;
  return words.some((word) => givenNames.has(word.toLowerCase())) && words.every((word) => /^\p{Lu}/u.test(word));
}

function isFreeText(value: string): boolean {
  return value.length >= 30 && value.trim().split(/\s+/).length >= 6;
}
