// The frame of every page: head, navigation, who is signed in, notices. No script or style inside a page, so that the content
// security policy can forbid all of them.
import { createHash } from 'node:crypto';
import type { Visitor } from './door.ts';
import { markup, nothing, type Markup } from './markup.ts';
import { script } from './script.ts';
import { style } from './style.ts';

export const assets = {
  style: asset('console', 'css', 'text/css; charset=utf-8', style),
  script: asset('console', 'js', 'text/javascript; charset=utf-8', script),
} as const;

/** Named by their content: browsers may keep them for ever. */
function asset(name: string, ending: string, type: string, text: string) {
  const version = createHash('sha256').update(text).digest('hex').slice(0, 12);
  return { path: `/assets/${name}-${version}.${ending}`, type, text };
}

export type Section = 'inbox' | 'history' | 'catalog' | 'agents' | 'health';

export interface PageParts {
  readonly title: string;
  readonly visitor?: Visitor | undefined;
  readonly section?: Section;
  readonly notice?: Notice | undefined;
  /** Looks at itself again when something changes; without a script, every so many seconds. */
  readonly live?: { readonly on: 'holds' | 'time'; readonly hold?: string; readonly everySeconds: number };
  readonly main: Markup;
}

export interface Notice {
  readonly kind: 'good' | 'bad' | 'plain';
  readonly words: string;
}

const sections: readonly (readonly [Section, string, string])[] = [
  ['inbox', '/inbox', 'Inbox'],
  ['history', '/history', 'History'],
  ['catalog', '/catalog', 'Catalog'],
  ['agents', '/agents', 'Agents'],
  ['health', '/health', 'Health'],
];

export function page({ title, visitor, section, notice, live, main }: PageParts): Markup {
  return markup`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title} · Countersign</title>
<link rel="icon" href="data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Crect width='16' height='16' rx='4' fill='%231f5f8b'/%3E%3Cpath d='M4 8.5l3 3 5-6.500' fill='none' stroke='white' stroke-width='2'/%3E%3C/svg%3E">
<link rel="stylesheet" href="${assets.style.path}">
<script src="${assets.script.path}" defer></script>
${live !== undefined && markup`<noscript><meta http-equiv="refresh" content="${live.everySeconds}"></noscript>`}
</head>
<body${live !== undefined && markup` data-live-on="${live.on}" data-live-hold="${live.hold ?? ''}" data-live-every="${live.everySeconds}"`}>
<a class="skip" href="#main">Skip to content</a>
<header class="top">
<a class="brand" href="/inbox">${mark}<span>Countersign</span></a>
${visitor === undefined ? nothing : navigation(visitor, section)}
</header>
<p class="offline" id="offline" role="status" hidden>No connection to Countersign. What you see may be old; trying again.</p>
<main id="main" tabindex="-1">
${notice !== undefined && markup`<p class="notice ${notice.kind}" role="${notice.kind === 'bad' ? 'alert' : 'status'}">${notice.words}</p>`}
${main}
</main>
</body>
</html>
`;
}

const mark = markup`<svg class="mark" viewBox="0 0 16 16" aria-hidden="true"><rect width="16" height="16" rx="4"></rect><path d="M4 8.5l3 3 5-6.500"></path></svg>`;

function navigation(visitor: Visitor, section: Section | undefined): Markup {
  return markup`<nav aria-label="Console"><ul>${sections.map(
    ([name, path, words]) =>
      markup`<li><a href="${path}"${name === section && markup` aria-current="page"`}>${words}</a></li>`,
  )}</ul></nav>
<form class="who" method="post" action="/sign-out">${formField(visitor)}<a href="/passkeys" title="Your passkeys"><span class="long">Signed in as </span><strong>${visitor.name}</strong></a> <button class="quiet">Sign out</button></form>`;
}

export function formField({ formToken }: Visitor): Markup {
  return markup`<input type="hidden" name="form" value="${formToken}">`;
}

/** For when there is nothing to show. */
export function emptyState(
  head: string,
  words: string,
  link?: { readonly to: string; readonly words: string },
): Markup {
  return markup`<div class="empty"><p class="head">${head}</p><p>${words}</p>${
    link !== undefined && markup`<p><a class="button" href="${link.to}">${link.words}</a></p>`
  }</div>`;
}
