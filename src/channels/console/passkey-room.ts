// The routes of passkeys: the page, and the questions that its script takes to the authenticator.
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { ProxyError } from '../../core/errors.ts';
import { isHoldId } from '../../approval/board.ts';
import type { HoldBook } from '../../approval/channel.ts';
import { isOperator, operatorsGroup } from './agents-page.ts';
import type { Door, Visitor } from './door.ts';
import { fieldOf, formOf, sendPage } from './forms.ts';
import type { Notice } from './layout.ts';
import type { PasskeyDesk } from './passkey-desk.ts';
import { passkeysPage } from './passkeys-page.ts';
import { voteFrom } from './vote-forms.ts';

export interface PasskeyRoomParts {
  readonly door: Door;
  readonly keys: PasskeyDesk;
  readonly desk: Pick<HoldBook, 'find'>;
  /** Throws UNAUTHENTICATED. */
  readonly visitor: (request: FastifyRequest) => Promise<Visitor>;
  readonly approvers: () => Iterable<string>;
}

/** Each costs a signature check. */
const guessing = { config: { rateLimit: { max: 60, timeWindow: 60_000 } } } as const;

export function passkeyRoom(server: FastifyInstance, parts: PasskeyRoomParts): void {
  const { keys, door, desk } = parts;
  const formOfVisitor = async (request: FastifyRequest) => {
    const visitor = await parts.visitor(request);
    const form = formOf(request);
    door.checkForm(request, visitor, form['form']);
    return { visitor, form };
  };
  server.get('/passkeys', async (request, reply) => showPage(parts, request, reply));
  server.post('/passkeys/options', guessing, async (request, reply) => {
    const { visitor } = await formOfVisitor(request);
    return reply.send(await keys.newOptions(visitor, request));
  });
  server.post('/passkeys', guessing, async (request, reply) => {
    const { visitor, form } = await formOfVisitor(request);
    await keys.add(visitor, request, form);
    const hold = form['hold'];
    const back = typeof hold === 'string' && isHoldId(hold) ? `&hold=${hold}` : '';
    return reply.redirect(`/passkeys?done=added${back}`, 303);
  });
  server.post('/passkeys/remove/options', guessing, async (request, reply) => {
    const { visitor, form } = await formOfVisitor(request);
    return reply.send(await keys.removeOptions(visitor, request, form['credential']));
  });
  server.post('/passkeys/remove', guessing, async (request, reply) => {
    const { visitor, form } = await formOfVisitor(request);
    await keys.remove(visitor, request, form);
    return reply.redirect('/passkeys?done=removed', 303);
  });
  server.post('/passkeys/reset', guessing, async (request, reply) => {
    const { visitor, form } = await formOfVisitor(request);
    if (!isOperator(visitor))
      throw new ProxyError('FORBIDDEN', `Only people of the group ${operatorsGroup} take passkeys away.`);
    await keys.reset(visitor, typeof form['person'] === 'string' ? form['person'] : '');
    return reply.redirect('/passkeys?done=reset', 303);
  });
  server.post<{ Params: { id: string } }>('/holds/:id/passkey', guessing, async (request, reply) => {
    const { visitor, form } = await formOfVisitor(request);
    const { id } = request.params;
    const view = isHoldId(id) ? await desk.find(id) : undefined;
    if (view === undefined) throw new ProxyError('NOT_FOUND', 'There is no such hold any more.');
    const { terms } = voteFrom(visitor.name, form);
    return reply.send(await keys.approvalOptions(visitor, request, { view, terms }));
  });
}

async function showPage(parts: PasskeyRoomParts, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const { keys, door, approvers } = parts;
  const visitor = await parts.visitor(request);
  const [passkeys, standing] = await Promise.all([keys.list(visitor), keys.standing(visitor, request)]);
  const hold = fieldOf(request.query, 'hold') ?? '';
  return sendPage(
    reply,
    passkeysPage({
      visitor,
      passkeys,
      needsName: standing === 'needs a name',
      isFresh: door.isFresh(visitor),
      hold: isHoldId(hold) ? hold : undefined,
      others: isOperator(visitor) ? [...approvers()].filter((name) => name !== visitor.name) : [],
      notice: done[fieldOf(request.query, 'done') ?? ''],
    }),
  );
}

const done: Readonly<Record<string, Notice>> = {
  added: { kind: 'good', words: 'The passkey is added. It is on the record.' },
  removed: { kind: 'good', words: 'The passkey is removed.' },
  reset: { kind: 'good', words: 'Their passkeys are taken away.' },
};
