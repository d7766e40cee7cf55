// The page for everything that does not go as it should, with a way on.
import type { Visitor } from './door.ts';
import { emptyState, page } from './layout.ts';
import type { Markup } from './markup.ts';

export interface TroubleParts {
  readonly http: number;
  readonly words: string;
  readonly visitor: Visitor | undefined;
}

const heads: Readonly<Record<number, string>> = {
  400: 'This cannot be done like that',
  403: 'Not allowed',
  404: 'Not found',
  409: 'Settled already',
  429: 'Too many requests',
  500: 'Something went wrong',
  503: 'Not available just now',
};

export function troublePage({ http, words, visitor }: TroubleParts): Markup {
  const head = heads[http] ?? 'This did not work';
  return page({
    title: head,
    visitor,
    main: emptyState(
      head,
      words,
      visitor === undefined ? { to: '/sign-in', words: 'Sign in' } : { to: '/inbox', words: 'To the inbox' },
    ),
  });
}
