// Text from outside, made safe to look at: on a terminal, in a log line, in a message.
// An attacker would move the cursor (ESC), fake a new line, or turn the reading direction (bidi) to hide the end of a statement.

const invisible = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cs}]/gu;

/** Every character that does not show itself is written as its code; the rest is cut at `lengthMax` characters. */
export function visible(text: string, lengthMax = 1000): string {
  const cut = text.length > lengthMax ? `${cutAt(text, lengthMax)}…` : text;
  return cut.replace(invisible, (char) => `\\u{${(char.codePointAt(0) ?? 0).toString(16)}}`);
}

/** Never between the halves of a surrogate pair. */
function cutAt(text: string, length: number): string {
  const last = text.charCodeAt(length - 1);
  return text.slice(0, last >= 0xd800 && last <= 0xdbff ? length - 1 : length);
}
