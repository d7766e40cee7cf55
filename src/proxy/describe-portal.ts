// A Describe of ours for a portal of the agent's, so that nobody's rows pass without a look at what they hold (tripping.ts).

/** Asks what the rows of a portal will hold; the name as it came, with its NUL. */
export function describeOf(portal: Buffer): Buffer {
  const frame = Buffer.alloc(6 + portal.length);
  frame.write('D', 'latin1');
  frame.writeUInt32BE(5 + portal.length, 1);
  frame.write('P', 5, 'latin1');
  portal.copy(frame, 6);
  return frame;
}
