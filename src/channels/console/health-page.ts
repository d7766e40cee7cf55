// How the proxy is, part by part, as /readyz says it, and which versions of what are running.
import type { Trouble } from '../../core/recent-troubles.ts';
import type { Readiness } from '../health.ts';
import type { Visitor } from './door.ts';
import { page } from './layout.ts';
import { markup, type Markup } from './markup.ts';
import { timeTag } from './words.ts';

export interface HealthPageParts {
  readonly visitor: Visitor;
  readonly readiness: Readiness;
  readonly versions: readonly (readonly [what: string, version: string])[];
  readonly troubles: readonly Trouble[];
}

export function healthPage({ visitor, readiness, versions, troubles }: HealthPageParts): Markup {
  const { ready, parts } = readiness;
  const down = parts.filter(({ state }) => state === 'down').length;
  const words = !ready
    ? 'Not ready: statements are refused.'
    : down === 0
      ? 'Everything works.'
      : 'Ready, but something is worse than it should be.';
  return page({
    title: ready ? 'Health' : 'Not ready',
    visitor,
    section: 'health',
    live: { on: 'time', everySeconds: 5 },
    main: markup`<h1>Health</h1><div data-live="health"><p class="notice ${down === 0 ? 'good' : 'bad'}">${words}</p>
<section class="card"><h2>Parts</h2><ul class="plain parts">${parts.map(
      ({ name, state, weight, words: said }) =>
        markup`<li><span class="state state-${state}">${state}</span> <strong>${name}</strong> <span class="dim">${weight}</span><br>${said}</li>`,
    )}</ul></section>
${troublesCard(troubles)}</div>
<section class="card"><h2>Versions</h2><dl>${versions.map(([what, version]) => markup`<div><dt>${what}</dt><dd>${version}</dd></div>`)}</dl></section>`,
  });
}

/** Of this process, since it began: the log has all of them, with what each carried. */
function troublesCard(troubles: readonly Trouble[]): Markup {
  const list = troubles.map(
    ({ at, level, words, times }) =>
      markup`<li><span class="dim">${timeTag(at)} ${level}${times > 1 && ` (${times} times)`}</span><br>${words}</li>`,
  );
  const none = markup`<p class="dim">Nothing since this process began.</p>`;
  return markup`<section class="card"><h2>Last errors and warnings</h2>${list.length === 0 ? none : markup`<ul class="plain parts">${list}</ul>`}</section>`;
}
