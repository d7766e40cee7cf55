// What the first process and its workers say to each other. Each word is taken by its form: a worker that is being replaced may be of
// another version of this program.
import * as z from 'zod';

/** Environment variables that tell a worker who it is. */
export const workerNumberVariable = 'COUNTERSIGN_WORKER';
export const workerFamilyVariable = 'COUNTERSIGN_FAMILY';

export const toWorker = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('stop'), how: z.enum(['drain', 'now']) }),
  z.strictObject({ kind: z.literal('reload') }),
  /** Somebody wants to cancel a statement of a session that another worker does not have; see cancel-keys.ts. */
  z.strictObject({ kind: z.literal('cancel'), mark: z.string() }),
]);
export type ToWorker = z.output<typeof toWorker>;

export const toFirst = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('serving'), address: z.string(), port: z.number() }),
  /** It could not begin; the lines are for the person who started us. */
  z.strictObject({ kind: z.literal('failed'), lines: z.array(z.string()) }),
  z.strictObject({ kind: z.literal('cancel'), mark: z.string() }),
  z.strictObject({ kind: z.literal('left'), agent: z.string() }),
]);
export type ToFirst = z.output<typeof toFirst>;

export const workerQuestion = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('readiness') }),
  z.strictObject({ kind: z.literal('metrics') }),
  z.strictObject({ kind: z.literal('sessions') }),
  z.strictObject({ kind: z.literal('days'), agents: z.array(z.string()) }),
  z.strictObject({ kind: z.literal('end'), session: z.string() }),
]);
export type WorkerQuestion = z.output<typeof workerQuestion>;

/** Whether there is a place for one more session: the limits are those of all workers together. */
export const firstQuestion = z.strictObject({
  kind: z.literal('seat'),
  agent: z.string(),
  connectionsMax: z.number(),
  agentConnectionsMax: z.number(),
});
export type FirstQuestion = z.output<typeof firstQuestion>;

export const seatAnswer = z.enum(['seated', 'full', 'agent is full']);
export type SeatAnswer = z.output<typeof seatAnswer>;

export const readinessAnswer = z.strictObject({
  ready: z.boolean(),
  parts: z.array(
    z.strictObject({
      name: z.string(),
      weight: z.enum(['needed', 'wanted']),
      state: z.enum(['up', 'down']),
      words: z.string(),
    }),
  ),
});

export const sessionsAnswer = z.array(
  z.strictObject({
    id: z.string(),
    agent: z.string(),
    database: z.string(),
    address: z.string(),
    applicationName: z.string(),
    since: z.number(),
    state: z.string(),
  }),
);

const count = z.number();
export const daysAnswer = z.array(
  z.strictObject({ allowed: count, held: count, denied: count, refused: count, rows: count }),
);
