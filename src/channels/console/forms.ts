// What a browser sent, read without trusting its form, and pages sent back.
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Markup } from './markup.ts';

export function formOf(request: FastifyRequest): Readonly<Record<string, unknown>> {
  return typeof request.body === 'object' && request.body !== null ? { ...request.body } : {};
}

export function fieldOf(from: unknown, name: string): string | undefined {
  const value: unknown = typeof from === 'object' && from !== null ? Reflect.get(from, name) : undefined;
  return typeof value === 'string' ? value : undefined;
}

export function sendPage(reply: FastifyReply, content: Markup): FastifyReply {
  return reply.type('text/html; charset=utf-8').send(content.toString());
}
