// Goal: each reply answers the request it belongs to, also after errors, in pipelines and in COPY.
// Method: conversations as data: what was asked, what the server said, who was told what.
import { describe, expect, test } from 'vitest';
import { awaits, Replies, type Awaited } from '../../src/proxy/replies.ts';

const frame = (type: string, body = ''): Buffer => {
  const bytes = Buffer.alloc(5 + body.length);
  bytes.write(type, 0, 'latin1');
  bytes.writeUInt32BE(4 + body.length, 1);
  bytes.write(body, 5, 'latin1');
  return bytes;
};

/** Letters as on the wire: `ZI`, `ZT`, `ZE` say the transaction status. */
function converse(asked: readonly (keyof typeof awaits | 'answer')[], said: readonly string[]) {
  const replies = new Replies();
  const told: string[] = [];
  const sent: string[] = [];
  asked.forEach((kind, index) => {
    if (kind === 'answer') replies.answer(Buffer.from('ours'));
    else replies.owe(awaits[kind] satisfies Awaited, { ended: (how) => told.push(`${kind}${index} ${how}`) });
  });
  for (const due of replies.takeDue()) sent.push(due.toString());
  for (const word of said) {
    const bytes = frame(word.charAt(0), word.slice(1));
    if (replies.take(word.charCodeAt(0), bytes, 0, bytes.length) === 'forward') sent.push(word);
    for (const due of replies.takeDue()) sent.push(due.toString());
  }
  return { told, sent, owed: replies.length, status: replies.status };
}

describe('replies owed', () => {
  test('a simple query is over at ReadyForQuery, whatever came before', () => {
    expect(converse(['query'], ['T', 'D', 'C', 'E', 'ZT'])).toMatchObject({
      told: ['query0 failed'],
      owed: 0,
      status: 'open',
    });
    expect(converse(['query', 'query'], ['C', 'ZI', 'C'])).toMatchObject({ told: ['query0 done'], owed: 1 });
  });

  test('an extended batch is answered message by message', () => {
    const { told } = converse(['parse', 'bind', 'describe', 'execute', 'sync'], ['1', '2', 'T', 'D', 'C', 'ZI']);
    expect(told).toEqual(['parse0 done', 'bind1 done', 'describe2 done', 'execute3 done', 'sync4 done']);
  });

  test('an error answers everything up to Sync, even a simple query in between', () => {
    const { told, owed } = converse(['parse', 'bind', 'query', 'execute', 'sync', 'query'], ['1', 'E', 'ZE']);
    expect(told).toEqual(['parse0 done', 'bind1 failed', 'query2 skipped', 'execute3 skipped', 'sync4 done']);
    expect(owed).toBe(1);
  });

  test('an error at Sync itself (a deferred constraint) still waits for ReadyForQuery', () => {
    expect(converse(['execute', 'sync'], ['C', 'E', 'ZI']).told).toEqual(['execute0 done', 'sync1 failed']);
  });

  test('describing a statement gives two replies', () => {
    expect(converse(['describe', 'sync'], ['t', 'n', 'ZI']).told).toEqual(['describe0 done', 'sync1 done']);
  });

  test('a portal that stops at its row limit has answered its Execute', () => {
    expect(converse(['execute', 'execute', 'sync'], ['D', 's', 'D', 'C', 'ZI']).told).toHaveLength(3);
  });

  test('notices, notifications and parameters answer nothing', () => {
    expect(converse(['parse', 'sync'], ['N', 'A', 'S', '1', 'S', 'ZI']).told).toEqual(['parse0 done', 'sync1 done']);
  });

  test('an answer of ours waits for its turn, and comes behind the frame that frees it', () => {
    expect(converse(['answer'], []).sent).toEqual(['ours']);
    expect(converse(['query', 'answer', 'query'], ['C', 'ZI', 'C', 'ZI']).sent).toEqual(['C', 'ZI', 'ours', 'C', 'ZI']);
  });

  test('an answer of ours inside a batch that fails is dropped as the server would drop its own', () => {
    expect(converse(['bind', 'answer', 'sync'], ['E', 'ZI']).sent).toEqual(['E', 'ZI']);
  });

  test('a Sync behind a COPY FROM that has not ended is ignored by the server and by us', () => {
    expect(converse(['execute', 'sync', 'copyEnd', 'sync'], ['G', 'C', 'ZI'])).toMatchObject({ owed: 0 });
    const replies = new Replies();
    replies.owe(awaits.execute);
    replies.take('G'.charCodeAt(0), frame('G'), 0, 5);
    replies.owe(awaits.sync);
    expect(replies.length).toBe(1);
    replies.owe(awaits.copyEnd);
    replies.owe(awaits.sync);
    for (const said of ['C', 'ZI']) replies.take(said.charCodeAt(0), frame(said.charAt(0), said.slice(1)), 0, 6);
    expect(replies.length).toBe(0);
  });

  test('whoever still follows is told when the session ends', () => {
    const replies = new Replies();
    const told: string[] = [];
    replies.owe(awaits.query, { ended: (how) => told.push(how) });
    replies.abandon();
    expect(told).toEqual(['skipped']);
  });

  test('a follower may swallow a reply or put other bytes in its place', () => {
    const replies = new Replies();
    const other = Buffer.from('other');
    replies.owe(awaits.query, {
      take: (type) => (type === 'E'.charCodeAt(0) ? other : 'forward'),
      ended: () => undefined,
    });
    expect(replies.take('E'.charCodeAt(0), frame('E'), 0, 5)).toBe(other);
    expect(replies.take('Z'.charCodeAt(0), frame('Z', 'E'), 0, 6)).toBe('forward');
    expect(replies.status).toBe('failed');
  });
});
