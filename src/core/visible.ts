// Text from outside, made safe to look at: on a terminal, in a log line, in a message, on a page.
// An attacker would move the cursor (ESC), fake a new line, turn the reading direction (bidi) to hide the end of a statement, write with
// letters that have no ink, or lay marks over what stands beside them: a stroke makes `=` read as `≠`, a stack of accents covers lines.

/** Kinds of characters that do not show themselves, whatever their script. */
const unseen = String.raw`\p{Cc}\p{Cf}\p{Cn}\p{Co}\p{Cs}\p{Zl}\p{Zp}`;
/** Letters and blanks without ink: Hangul fillers, Khmer inherent vowels, the Braille blank; and what chooses between forms of a letter. */
const inkless = String.raw`\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\uffa0\ufe00-\ufe0f\u{e0100}-\u{e01ef}`;
/** Marks that strike through or enclose what they stand on, or reach over to its neighbour. */
const striking = String.raw`\p{Me}\u0334-\u0338\u035c-\u0362\u20d0-\u20ff`;
/** A mark belongs to a letter or a digit, and three are enough in every script. */
const astray = String.raw`(?<![\p{L}\p{N}\p{M}])\p{M}|(?<=\p{M}{3})\p{M}`;

const hidden = new RegExp(`[${unseen}${inkless}${striking}]|${astray}`, 'gu');
const plain = /^[ -~]*$/;

/** Every character that does not show itself is written as its code; the rest is cut at `lengthMax` characters. */
export function visible(text: string, lengthMax = 1000): string {
  const cut = text.length > lengthMax ? `${cutAt(text, lengthMax)}…` : text;
  return replacedHidden(cut, codeOf);
}

/** With something else in the place of each character that does not show itself. */
export function replacedHidden(text: string, by: (character: string) => string): string {
  return plain.test(text) ? text : text.replace(hidden, by);
}

/** `\u{202e}` */
export function codeOf(character: string): string {
  return `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`;
}

/** Never between the halves of a surrogate pair. */
function cutAt(text: string, length: number): string {
  const last = text.charCodeAt(length - 1);
  return text.slice(0, last >= 0xd800 && last <= 0xdbff ? length - 1 : length);
}
