// A session's life as a table: what may follow what. Pure; `session.ts` is the only one that assigns the state.
//
//   serving ──batchRefused──▶ skipping ──sync──▶ serving
//      │  ╲──asked──▶ waiting ──answered──▶ serving | skipping
//      └── any ──terminate──▶ leaving ──drained──▶ ended   (and lost ▶ ended, from anywhere)

export type SessionState = 'serving' | 'waiting' | 'skipping' | 'leaving' | 'ended';

export type SessionEvent =
  /** The gate could not say at once: people or the server are asked. */
  | 'asked'
  | 'answered'
  /** A statement of an extended batch was refused: the rest up to Sync is thrown away, as Postgres does after an error. */
  | 'batchRefused'
  | 'sync'
  /** The agent said goodbye; what it sent before is still answered. */
  | 'terminate'
  | 'drained'
  /** A socket closed, or the session was ended for a reason of ours. */
  | 'lost';

type Step = { readonly kind: 'moved'; readonly to: SessionState } | { readonly kind: 'stays'; readonly why: string };

const wrong: Step = { kind: 'stays', why: 'cannot happen here' };
const stays = (why: string): Step => ({ kind: 'stays', why });
const to = (state: SessionState): Step => ({ kind: 'moved', to: state });

export const sessionMoves: Readonly<Record<SessionState, Readonly<Record<SessionEvent, Step>>>> = {
  serving: {
    asked: to('waiting'),
    answered: wrong,
    batchRefused: to('skipping'),
    sync: stays('an ordinary Sync'),
    terminate: to('leaving'),
    drained: stays('nothing is owed between requests'),
    lost: to('ended'),
  },
  waiting: {
    asked: wrong,
    answered: to('serving'),
    batchRefused: wrong,
    sync: wrong,
    terminate: wrong,
    drained: stays('earlier replies have come while people are asked'),
    lost: to('ended'),
  },
  skipping: {
    asked: wrong,
    answered: wrong,
    batchRefused: wrong,
    sync: to('serving'),
    terminate: to('leaving'),
    drained: stays('the refusal has been answered, Sync has not come yet'),
    lost: to('ended'),
  },
  leaving: {
    asked: wrong,
    answered: wrong,
    batchRefused: wrong,
    sync: wrong,
    terminate: stays('said goodbye twice'),
    drained: to('ended'),
    lost: to('ended'),
  },
  ended: {
    asked: stays('over'),
    answered: stays('the answer came too late'),
    batchRefused: stays('over'),
    sync: stays('over'),
    terminate: stays('over'),
    drained: stays('over'),
    lost: stays('over'),
  },
};

export function stepSession(state: SessionState, event: SessionEvent): Step {
  return sessionMoves[state][event];
}

export function isImpossible(step: Step): boolean {
  return step === wrong;
}
