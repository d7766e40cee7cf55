// The two forms of a hold, and what a sent one means. Approve and deny are forms of their own, so that the key Enter in a field of one
// never sends the other. Who may not vote is told why; that it cannot be done is the desk's own check.
import { ProxyError } from '../../core/errors.ts';
import { masksText } from '../../approval/card.ts';
import { assertNever } from '../../core/exhaustive.ts';
import type { TopUp } from '../../approval/budgets.ts';
import { countText, spokenText, termsText, type Terms } from '../../approval/terms.ts';
import type { Vote } from '../../approval/hold.ts';
import type { HoldView } from '../../approval/view.ts';
import { termsOfJson } from '../hold-json.ts';
import type { Visitor } from './door.ts';
import { mayVote } from './holds-list.ts';
import { formField } from './layout.ts';
import { markup, nothing, type Markup } from './markup.ts';
import type { PasskeyStanding } from './passkey-desk.ts';

const reasonLengthMax = 1_000;

export function voteForms(view: HoldView, visitor: Visitor, passkey: PasskeyStanding | undefined): Markup {
  if (view.state !== 'open') return nothing;
  if (!mayVote(visitor, view)) return notYours(view, visitor);
  const own = view.votes.find(({ person }) => person === visitor.name);
  return markup`<section class="card decide"><h2>Your decision</h2>
${own !== undefined && markup`<p class="notice plain">You ${own.vote === 'approve' ? `approved (${termsText(own.terms ?? { kind: 'once' })})` : 'denied'}. Until it is settled you can change it.</p>`}
${approveForm(view, visitor, passkey)}
<form method="post" action="/holds/${view.id}/votes" data-once>${formField(visitor)}<input type="hidden" name="vote" value="deny">
<label for="reason">Why not? The agent reads this.</label><textarea id="reason" name="reason" rows="2" maxlength="${reasonLengthMax}" required></textarea>
<button class="button deny">Deny</button></form></section>`;
}

function approveForm(view: HoldView, visitor: Visitor, passkey: PasskeyStanding | undefined): Markup {
  const head = markup`${formField(visitor)}<input type="hidden" name="vote" value="approve">`;
  switch (passkey) {
    case undefined:
      return markup`<form method="post" action="/holds/${view.id}/votes" data-once>${head}
${termsFields(view)}
<button class="button approve">Approve</button></form>`;
    case 'ready':
      return markup`<form method="post" action="/holds/${view.id}/votes" data-passkey="/holds/${view.id}/passkey">${head}<input type="hidden" name="confirm">
${termsFields(view)}
<p class="notice bad" role="alert" data-trouble hidden></p>
<button class="button approve">Approve with your passkey</button>
<p class="dim">You sign what you approve; the signature stays in the receipt.</p>
<noscript><p class="notice bad">A passkey needs a browser with scripts.</p></noscript></form>`;
    case 'none yet':
      return markup`<div class="notice plain"><p>This level is approved with a passkey, and you have none here yet.</p><p><a class="button" href="/passkeys?hold=${view.id}">Add a passkey</a></p></div>`;
    case 'needs a name':
      return markup`<div class="notice bad"><p>This level is approved with a passkey. Passkeys belong to a name, and this console was opened by an address: open it by the name in <code>http.public_url</code>, on this machine as <code>localhost</code>.</p></div>`;
    default:
      return assertNever(passkey);
  }
}

function notYours(view: HoldView, visitor: Visitor): Markup {
  const groups = [...new Set(view.needs.flatMap((need) => need.groups))].join(', ');
  const isAsked = view.needs.some((need) => need.groups.some((group) => visitor.groups.includes(group)));
  const words = isAsked
    ? `You stand behind ${view.agent}: the owner of an agent never decides about its statements.`
    : `This hold asks ${groups}; you are in none of these groups.`;
  return markup`<section class="card"><h2>Not yours to decide</h2><p>${words}</p></section>`;
}

function termsFields(view: HoldView): Markup {
  const { offers, agent, grantMs } = view;
  const once = markup`<label class="choice"><input type="radio" name="terms" value="once" checked><span><strong>This once</strong><span class="words">exactly this statement with these values, one time</span></span></label>`;
  const rows = markup`<label class="choice"><input type="radio" name="terms" value="rows"><span><strong>The first rows only</strong><span class="words">this statement, one time; the stream stops after</span></span></label>
<div class="more"><label>rows <input type="number" name="rows" value="100" min="1" max="1000000000" inputmode="numeric"></label></div>`;
  const masked = markup`<label class="choice"><input type="radio" name="terms" value="masked"><span><strong>Masked</strong><span class="words">this statement, one time, with ${masksText(view)} in place of the values</span></span></label>`;
  const shape = markup`<label class="choice"><input type="radio" name="terms" value="shape"><span><strong>This shape for a while</strong><span class="words">same statement with any values, same columns, role and schema, while the classification stays as it is</span></span></label>
<div class="more"><label>for <select name="for"><option value="15m">15 min</option><option value="1h" selected>1 h</option><option value="8h">8 h</option><option value="1d">1 d</option><option value="7d">7 d</option></select></label>
<label>times <input type="number" name="uses" value="20" min="1" max="100000" inputmode="numeric"></label>
<label>rows each <input type="number" name="each" value="" min="1" max="1000000000" inputmode="numeric" placeholder="any"></label></div>`;
  return markup`<fieldset><legend>What do you permit?</legend>${once}${offers.includes('rows') && rows}${offers.includes('masked') && masked}${offers.includes('shape') && shape}</fieldset>
<p class="dim">If ${agent} has stopped waiting, it may send the same again within ${spokenText(grantMs)}.</p>`;
}

/** Throws BAD_REQUEST with words for the person at the form. */
export function voteFrom(person: string, form: Readonly<Record<string, unknown>>): Vote {
  const text = (name: string): string => {
    const value = form[name];
    return typeof value === 'string' ? value.trim() : '';
  };
  const vote = text('vote');
  const reason = text('reason');
  if (reason.length > reasonLengthMax)
    throw new ProxyError('BAD_REQUEST', `a reason has at most ${countText(reasonLengthMax, 'character')}`);
  const common = { person, channel: 'console', castAt: 'console', link: undefined } as const;
  if (vote === 'deny') {
    if (reason === '') throw new ProxyError('BAD_REQUEST', 'say why not: the agent is told, and can ask for less');
    return { ...common, vote, reason, terms: undefined };
  }
  if (vote !== 'approve') throw new ProxyError('BAD_REQUEST', 'a vote is approve or deny');
  return { ...common, vote, reason: reason === '' ? undefined : reason, terms: termsFrom(text) };
}

function termsFrom(text: (name: string) => string): Terms {
  const kind = text('terms');
  const [rows, each, uses] = [count(text('rows')), count(text('each')), count(text('uses'))];
  const chosen =
    kind === 'rows'
      ? termsOfJson({ kind, ...(rows === undefined ? {} : { rows }) })
      : kind === 'shape'
        ? termsOfJson({
            kind,
            for: text('for'),
            ...(uses === undefined ? {} : { uses }),
            ...(each === undefined ? {} : { rows: each }),
          })
        : kind === 'masked'
          ? termsOfJson({ kind })
          : kind === 'once'
            ? ({ kind } as const)
            : undefined;
  // A number that cannot be read must not become "any number".
  const isBroken = (kind === 'shape' && text('each') !== '' && each === undefined) || chosen === undefined;
  if (isBroken)
    throw new ProxyError(
      'BAD_REQUEST',
      'choose what you permit: once, a number of rows, masked, or a time and a number of times',
    );
  return chosen;
}

const count = (text: string): number | undefined => (/^[1-9]\d{0,9}$/.test(text) ? Number(text) : undefined);

/** More rows for a budget, as somebody typed it on the agents' page. */
export function topUpFrom(person: string, agent: string, form: Readonly<Record<string, unknown>>): TopUp {
  const text = (name: string): string => {
    const value = form[name];
    return typeof value === 'string' ? value.trim() : '';
  };
  const rows = count(text('rows'));
  if (rows === undefined) throw new ProxyError('BAD_REQUEST', 'say how many rows more: a whole number, 1 or more');
  const reason = text('reason').slice(0, reasonLengthMax);
  const common = { person, agent, channel: 'console', castAt: 'console', hold: undefined, request: undefined } as const;
  return { ...common, level: text('level'), per: text('per'), rows, reason: reason === '' ? undefined : reason };
}
