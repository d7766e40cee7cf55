// Goal: clients that know nothing of us are told in their own words what people decided about their statements, and go on afterwards.
// Method: psql and the pg driver here, psycopg and JDBC beside them in `npm run test:clients`; real holds, people who go by a word.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { present } from './install.ts';
import { expectedOf, heldClients, openHeldStage, type HeldStage } from './held-clients.ts';

let stage: HeldStage;
beforeAll(async () => (stage = await openHeldStage()), 90_000);
afterAll(async () => await stage.stop());

const here = ['psql', 'pg'];
for (const client of heldClients.filter(({ name }) => here.includes(name))) {
  test.runIf(present(client))(
    `${client.name} is approved, denied, timed out and cancelled`,
    { timeout: 60_000 },
    async () => {
      const { lines, complaints } = await stage.play(client);
      expect(lines, complaints).toEqual(expectedOf(client));
    },
  );
}
