// Goal: no session can take a step that the table does not name.
// Method: the whole table, and random walks with a printed seed.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  isImpossible,
  sessionMoves,
  stepSession,
  type SessionEvent,
  type SessionState,
} from '../../src/proxy/session-state.ts';

const expected: Record<SessionState, Record<SessionEvent, SessionState | 'stays' | 'impossible'>> = {
  serving: {
    asked: 'waiting',
    answered: 'impossible',
    batchRefused: 'skipping',
    sync: 'stays',
    terminate: 'leaving',
    drained: 'stays',
    lost: 'ended',
  },
  waiting: {
    asked: 'impossible',
    answered: 'serving',
    batchRefused: 'impossible',
    sync: 'impossible',
    terminate: 'impossible',
    drained: 'stays',
    lost: 'ended',
  },
  skipping: {
    asked: 'impossible',
    answered: 'impossible',
    batchRefused: 'impossible',
    sync: 'serving',
    terminate: 'leaving',
    drained: 'stays',
    lost: 'ended',
  },
  leaving: {
    asked: 'impossible',
    answered: 'impossible',
    batchRefused: 'impossible',
    sync: 'impossible',
    terminate: 'stays',
    drained: 'ended',
    lost: 'ended',
  },
  ended: {
    asked: 'stays',
    answered: 'stays',
    batchRefused: 'stays',
    sync: 'stays',
    terminate: 'stays',
    drained: 'stays',
    lost: 'stays',
  },
};

const states = Object.keys(expected) as SessionState[];
const events = Object.keys(expected.serving) as SessionEvent[];

describe('the session table', () => {
  test.each(states.flatMap((state) => events.map((event) => [state, event] as const)))('%s on %s', (state, event) => {
    const step = sessionMoves[state][event];
    const got = step.kind === 'moved' ? step.to : isImpossible(step) ? 'impossible' : 'stays';
    expect(got).toBe(expected[state][event]);
  });

  test('nothing leads out of ended, and everything can be lost', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...events)), (walk) => {
        let state: SessionState = 'serving';
        for (const event of walk) {
          const step = stepSession(state, event);
          if (step.kind === 'moved') state = step.to;
        }
        const lost = stepSession(state, 'lost');
        return state === 'ended' ? lost.kind === 'stays' : lost.kind === 'moved' && lost.to === 'ended';
      }),
    );
  });
});
