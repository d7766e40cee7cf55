// A long line for a terminal, broken before the terminal breaks it: whoever chooses how long a text is chooses where the terminal would
// begin a new line in it, and could let one begin like a line of ours. Every line that goes on begins with a mark.

const mark = '  ↳ ';

/** `columns` undefined: this is no terminal, and lines are what a script wants of them. */
export function folded(line: string, columns: number | undefined): readonly string[] {
  if (columns === undefined || columns < 20) return [line];
  const parts: string[] = [];
  let [part, width] = ['', 0];
  for (const character of line) {
    // Wide characters take two columns, and which those are differs between terminals.
    const more = (character.codePointAt(0) ?? 0) < 0x300 ? 1 : 2;
    if (width + more > columns) {
      parts.push(part);
      [part, width] = [mark, 2 * mark.length];
    }
    part += character;
    width += more;
  }
  return [...parts, part];
}
