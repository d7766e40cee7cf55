// A person's own passkeys: what they are for, which there are, and how another one is added. For operators: whose may be taken away.
import type { Passkey } from '../../approval/passkeys.ts';
import type { UnixMillis } from '../../core/brand.ts';
import type { Visitor } from './door.ts';
import { emptyState, formField, page, type Notice } from './layout.ts';
import { markup, nothing, type Markup } from './markup.ts';
import { timeTag } from './words.ts';

export interface PasskeysParts {
  readonly visitor: Visitor;
  readonly passkeys: readonly Passkey[];
  /** Where passkeys cannot be used: the console was opened by an address. */
  readonly needsName: boolean;
  /** The first one may be added now. */
  readonly isFresh: boolean;
  /** The hold that somebody came from. */
  readonly hold: string | undefined;
  /** Other approvers, for an operator. */
  readonly others: readonly string[];
  readonly notice: Notice | undefined;
}

export function passkeysPage(parts: PasskeysParts): Markup {
  const { visitor, passkeys, hold, notice } = parts;
  return page({
    title: 'Your passkeys',
    visitor,
    notice,
    main: markup`${
      hold === undefined
        ? markup`<p class="back"><a href="/inbox">Inbox</a></p>`
        : markup`<p class="back"><a href="/holds/${hold}">Back to the hold</a></p>`
    }<h1>Your passkeys</h1>
<p class="lead">Some levels are approved with a passkey: your fingerprint, face or security key signs what you approve, and the signature stays in the receipt. A stolen session or token is not enough.</p>
<div class="columns"><div class="wide">${
      passkeys.length === 0
        ? emptyState('No passkey yet', 'Add one on this device, or on a phone or key that you have with you.')
        : list(passkeys, visitor)
    }</div><div class="narrow">${addForm(parts)}${resetForm(parts)}</div></div>`,
  });
}

function list(passkeys: readonly Passkey[], visitor: Visitor): Markup {
  return markup`<section class="card"><h2>${passkeys.length === 1 ? 'One passkey' : `${passkeys.length} passkeys`}</h2><ul class="parts plain">${passkeys.map(
    ({
      label,
      rp,
      addedAt,
      usedAt,
      credential,
    }) => markup`<li class="line"><span class="title"><strong><bdi>${label}</bdi></strong><br>
<span class="dim">for ${rp}, added ${timeTag(moment(addedAt))}, ${usedAt === null ? 'not used yet' : markup`last used ${timeTag(moment(usedAt))}`}</span></span>${
      passkeys.length > 1 &&
      markup`<form method="post" action="/passkeys/remove" data-passkey="/passkeys/remove/options">${formField(visitor)}<input type="hidden" name="credential" value="${credential}"><input type="hidden" name="confirm"><button class="quiet deny" aria-label="Remove ${label}">Remove</button><p class="notice bad" role="alert" data-trouble hidden></p></form>`
    }</li>`,
  )}</ul></section>`;
}

const moment = (at: number): UnixMillis => at as UnixMillis;

function addForm({ visitor, passkeys, needsName, isFresh, hold }: PasskeysParts): Markup {
  const isFirst = passkeys.length === 0;
  if (needsName)
    return markup`<section class="card"><h2>Not at this address</h2><p>Passkeys belong to a name, and this console was opened by an address. Open it by the name in <code>http.public_url</code>; on this machine, as <code>localhost</code>.</p></section>`;
  if (isFirst && !isFresh)
    return markup`<section class="card"><h2>Sign in again first</h2><p>Your first passkey is added within ten minutes after signing in, so that a browser left open adds none.</p><form method="post" action="/sign-out">${formField(visitor)}<button class="button">Sign out</button></form></section>`;
  return markup`<section class="card"><h2>Add ${isFirst ? 'your first' : 'another'}</h2>
<form method="post" action="/passkeys" data-passkey="/passkeys/options">${formField(visitor)}${hold !== undefined && markup`<input type="hidden" name="hold" value="${hold}">`}
<input type="hidden" name="ticket"><input type="hidden" name="answer"><input type="hidden" name="confirm">
<label for="label">A name for it, for you</label><input class="field" id="label" name="label" maxlength="60" placeholder="Laptop, blue key, …" autocomplete="off">
<p class="notice bad" role="alert" data-trouble hidden></p>
<button class="button">Add a passkey</button></form>
<noscript><p class="notice bad">Passkeys need a browser with scripts.</p></noscript>${
    !isFirst && markup`<p class="dim">You are asked twice: for one that you have, then for the new one.</p>`
  }</section>`;
}

function resetForm({ visitor, others }: PasskeysParts): Markup {
  if (others.length === 0) return nothing;
  return markup`<section class="card"><h2>Somebody has lost theirs</h2><p class="dim">As an operator you take away all passkeys of somebody else. They add a new one right after signing in. It is on the record.</p>
<form method="post" action="/passkeys/reset" data-once>${formField(visitor)}<label for="person">Whose</label> <select id="person" name="person">${others.map((name) => markup`<option>${name}</option>`)}</select> <button class="quiet deny">Take away</button></form></section>`;
}
