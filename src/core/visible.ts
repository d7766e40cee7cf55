// Text from outside, made safe to look at: on a terminal, in a log line, in a message, on a page.
// An attacker would move the cursor (ESC), fake a new line, turn the reading direction (bidi) to hide the end of a statement, write with
// letters that have no ink, or lay marks over what stands beside them: a stroke makes `=` read as `≠`, a stack of accents covers lines.

/** Kinds of characters that do not show themselves, whatever their script. */
const unseen = String.raw`\p{Cc}\p{Cf}\p{Cn}\p{Co}\p{Cs}\p{Zl}\p{Zp}`;
/** Letters and blanks without ink: Hangul fillers, Khmer inherent vowels, the Braille blank; and what chooses between forms of a letter. */
const inkless = String.raw`\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\uffa0\ufe00-\ufe0f\u{e0100}-\u{e01ef}`;
/** Marks that strike through or enclose what they stand on, or reach over to its neighbour. */
const striking = String.raw`\p{Me}\u0334-\u0338\u035c-\u0362\u20d0-\u20ff`;
const hidden = `[${unseen}${inkless}${striking}]`;
/** Marks that stand on a letter or a digit, all of them; whatever else is hidden; marks that stand on nothing of their own. */
const doubtful = new RegExp(`(?<=(?!${hidden})[\\p{L}\\p{N}])(\\p{M}+)|${hidden}|\\p{M}`, 'gu');
const isHidden = new RegExp(hidden, 'u');
/** Enough in every script; more would cover the lines around. */
const marksMax = 3;
const plain = /^[ -~]*$/;

/** Every character that does not show itself is written as its code; the rest is cut at `lengthMax` characters. */
export function visible(text: string, lengthMax = 1000): string {
  const cut = text.length > lengthMax ? `${cutAt(text, lengthMax)}…` : text;
  return replacedHidden(cut, codeOf);
}

/** With something else in the place of each character that does not show itself. */
export function replacedHidden(text: string, by: (character: string) => string): string {
  if (plain.test(text)) return text;
  return text.replace(doubtful, (found: string, onLetter: string | undefined) =>
    onLetter === undefined ? by(found) : marks(onLetter, by),
  );
}

/** Behind one that was replaced there is no letter any more for the next to stand on. */
function marks(onLetter: string, by: (character: string) => string): string {
  const each = [...onLetter];
  const bad = each.findIndex((mark, index) => index >= marksMax || isHidden.test(mark));
  return bad < 0 ? onLetter : each.slice(0, bad).join('') + each.slice(bad).map(by).join('');
}

const arabicAndKin = String.raw`\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\u{10800}-\u{10fff}\u{1e800}-\u{1efff}`;
const toTheLeft = new RegExp(`[${arabicAndKin}](?:[${arabicAndKin}\\p{M} ]*[${arabicAndKin}\\p{M}])?`, 'gu');

/**
 * For where lines cannot be set apart, as a page can: letters that run from right to left would take signs and numbers beside them along, so
 * that `"א" - 5` reads as `5 - "א"`. A mark of ours on both sides of each run keeps all else in its place. The last step before it is shown:
 * the mark itself does not show.
 */
export function inOrder(text: string): string {
  return plain.test(text) ? text : text.replace(toTheLeft, '\u200e$&\u200e');
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
