// The API of a running proxy as the approver's terminal uses it. What comes back is checked, and made safe for a terminal once more:
// the server that answers need not be ours.
import * as z from 'zod';
import { wordsOf } from '../core/errors.ts';
import { visible } from '../core/visible.ts';
import { failed } from './io.ts';

export interface ApiAccess {
  /** `http://127.0.0.1:6480` */
  readonly url: string;
  readonly token: string;
}

const msMax = 10_000;

const holdSchema = z.looseObject({
  id: z.string(),
  state: z.string(),
  headline: z.string(),
  asked_at: z.string(),
  deadline: z.string(),
  waiting: z.number(),
  needs: z.array(z.looseObject({ groups: z.array(z.string()), quorum: z.number(), approved_by: z.array(z.string()) })),
  card: z.array(z.string()),
});
const listSchema = z.object({ holds: z.array(holdSchema) });
const errorSchema = z.object({ error: z.object({ code: z.string(), message: z.string() }) });

export type ApiHold = z.output<typeof holdSchema>;

export async function listHolds(
  access: ApiAccess,
  query: Readonly<Record<string, string>>,
): Promise<readonly ApiHold[]> {
  const search = new URLSearchParams(query).toString();
  return checked(listSchema, await call(access, 'GET', `/api/holds${search === '' ? '' : `?${search}`}`), access).holds;
}

export async function getHold(access: ApiAccess, id: string): Promise<ApiHold> {
  return checked(holdSchema, await call(access, 'GET', `/api/holds/${encodeURIComponent(id)}`), access);
}

export async function sendVote(
  access: ApiAccess,
  id: string,
  vote: Readonly<Record<string, unknown>>,
): Promise<ApiHold> {
  return checked(holdSchema, await call(access, 'POST', `/api/holds/${encodeURIComponent(id)}/votes`, vote), access);
}

function checked<Shape extends z.ZodType>(shape: Shape, given: unknown, { url }: ApiAccess): z.output<Shape> {
  const answer = shape.safeParse(given);
  if (answer.success) return answer.data;
  throw failed(`${new URL(url).origin} does not answer as the API of a proxy does (name its http address with --url)`);
}

async function call(access: ApiAccess, method: string, path: string, body?: unknown): Promise<unknown> {
  const address = new URL(path, access.url);
  const answer = await ask(address, {
    method,
    // A token must not follow a redirection to somebody else.
    redirect: 'error',
    signal: AbortSignal.timeout(msMax),
    headers: {
      authorization: `Bearer ${access.token}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  if (answer.status === 200) return answer.json;
  const told = errorSchema.safeParse(answer.json);
  const words = told.success ? told.data.error.message : `answered ${answer.status}, and not as this API does`;
  throw failed(visible(`${address.origin}: ${words}`, 500));
}

async function ask(address: URL, init: RequestInit): Promise<{ readonly status: number; readonly json: unknown }> {
  try {
    const response = await fetch(address, init);
    const text = await response.text();
    return { status: response.status, json: jsonOf(text) };
  } catch (thrown) {
    const cause = thrown instanceof Error && thrown.cause !== undefined ? thrown.cause : thrown;
    const why = visible(wordsOf(cause), 200);
    throw failed(`${address.origin} cannot be reached: ${why} (name the http address of the proxy with --url)`);
  }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // No JSON is no answer of this API: the caller says so.
  }
}
