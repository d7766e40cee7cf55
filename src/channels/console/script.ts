// The console's one script. It does nothing that the page could not do without it, only sooner: parts of a page that changed are taken
// from the page as the server gives it now, times count down, a form is sent once.
export const script = String.raw`'use strict';
(() => {
  const { liveOn, liveHold, liveEvery } = document.body.dataset;
  const offline = document.getElementById('offline');
  let [asking, again, touched, leaving] = [false, false, false, false];
  const given = new Map([...document.querySelectorAll('[data-live]')].map((part) => [part.dataset.live, part.innerHTML]));

  function showOffline(is) { if (offline) offline.hidden = !is; }

  // A part in which somebody types stays as it is, unless what it is for is over.
  function mayReplace(part, fresh) {
    if (!part.hasAttribute('data-keep-while-typing')) return true;
    return fresh.childElementCount === 0 || fresh.querySelector('form') === null || (!touched && !part.contains(document.activeElement));
  }

  function take(text) {
    const fresh = new DOMParser().parseFromString(text, 'text/html');
    document.title = fresh.title;
    for (const part of document.querySelectorAll('[data-live]')) {
      const next = fresh.querySelector('[data-live="' + part.dataset.live + '"]');
      // Compared with what the server gave before: times on the page have counted down since.
      if (next === null || next.innerHTML === given.get(part.dataset.live) || !mayReplace(part, next)) continue;
      given.set(part.dataset.live, next.innerHTML);
      const path = focusPath(part);
      part.replaceChildren(...next.childNodes);
      if (path) part.querySelector(path)?.focus();
      part.classList.add('fresh');
      setTimeout(() => part.classList.remove('fresh'), 1200);
    }
    tick();
  }

  // Whoever goes through a list by keyboard does not lose their place.
  function focusPath(part) {
    const at = document.activeElement;
    if (!at || !part.contains(at) || !at.getAttribute('href')) return undefined;
    return '[href="' + CSS.escape(at.getAttribute('href')) + '"]';
  }

  async function look() {
    if (asking) { again = true; return; }
    asking = true;
    try {
      const answer = await fetch(location.pathname + location.search, { redirect: 'manual', headers: { accept: 'text/html' }, cache: 'no-store' });
      // A form on its way may be what ended the session: to load this page again would drop the answer to it.
      if (answer.type === 'opaqueredirect' || answer.status === 401) { if (!leaving) location.reload(); return; }
      showOffline(answer.status >= 500);
      if (answer.ok) take(await answer.text());
    } catch {
      showOffline(true);
    } finally {
      asking = false;
      if (again) { again = false; soon(); }
    }
  }

  let waiting;
  function soon() { clearTimeout(waiting); waiting = setTimeout(look, 60); }

  function tick() {
    const now = Date.now();
    for (const at of document.querySelectorAll('.countdown time')) {
      const left = Math.round((Number(at.dataset.until) - now) / 1000);
      at.parentElement.classList.toggle('soon', left < 30);
      at.title ||= at.textContent;
      at.textContent = left <= 0 ? 'no longer' : spoken(left);
      if (left <= 0 && !at.dataset.over) { at.dataset.over = '1'; setTimeout(look, 1200); }
    }
  }

  function spoken(seconds) {
    const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
    if (h > 0) return h + ' h ' + String(m).padStart(2, '0') + ' min';
    return m > 0 ? m + ' min ' + String(s).padStart(2, '0') + ' s' : s + ' s';
  }

  function listen() {
    const stream = new EventSource('/events');
    stream.addEventListener('open', () => { showOffline(false); soon(); });
    stream.addEventListener('hold', (event) => {
      const { id } = JSON.parse(event.data);
      if (!liveHold || liveHold === id) soon();
    });
    stream.addEventListener('error', () => {
      soon();
      // Refused for good (signed out, too many windows): the browser does not try again by itself.
      if (stream.readyState === EventSource.CLOSED) setTimeout(listen, 5000);
    });
  }

  document.addEventListener('input', () => { touched = true; });
  document.addEventListener('submit', (event) => {
    const form = event.target;
    const takesPasskey = form.hasAttribute('data-passkey');
    if (form.dataset.sent || takesPasskey) event.preventDefault(); else leaving = true;
    if (!takesPasskey && !form.hasAttribute('data-once')) return;
    if (form.dataset.sent) return;
    if (takesPasskey) withPasskey(form); else busy(form, true);
  });
  // Asks the server what to sign, the authenticator to sign it, and sends the form with the answer.
  const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, '+').replace(/_/g, '/')), (char) => char.charCodeAt(0));
  const text = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/[+]/g, '-').replace(/[/]/g, '_').replace(/=+$/, '');
  const named = (list) => (list || []).map((one) => ({ ...one, id: bytes(one.id) }));

  async function confirmed(options) {
    const publicKey = { ...options, challenge: bytes(options.challenge), allowCredentials: named(options.allowCredentials) };
    const { id, rawId, type, response } = await navigator.credentials.get({ publicKey });
    const { clientDataJSON, authenticatorData, signature } = response;
    return JSON.stringify({ id, rawId: text(rawId), type, response: { clientDataJSON: text(clientDataJSON), authenticatorData: text(authenticatorData), signature: text(signature) } });
  }

  async function created(options) {
    const user = { ...options.user, id: bytes(options.user.id) };
    const publicKey = { ...options, user, challenge: bytes(options.challenge), excludeCredentials: named(options.excludeCredentials) };
    const { id, rawId, type, response } = await navigator.credentials.create({ publicKey });
    const { clientDataJSON, attestationObject } = response;
    return JSON.stringify({ id, rawId: text(rawId), type, response: { clientDataJSON: text(clientDataJSON), attestationObject: text(attestationObject), transports: response.getTransports ? response.getTransports() : [] } });
  }

  async function withPasskey(form) {
    const trouble = form.querySelector('[data-trouble]');
    trouble.hidden = true;
    busy(form, true);
    try {
      if (!window.PublicKeyCredential) throw new Error('This browser knows no passkeys, or the console was not opened by https or as localhost.');
      const answer = await fetch(form.dataset.passkey, { method: 'POST', body: new URLSearchParams(new FormData(form)), headers: { accept: 'application/json' }, redirect: 'error' });
      const asked = await answer.json();
      if (!answer.ok) throw new Error(asked.error ? asked.error.message : 'The console did not answer.');
      const { elements } = form;
      if (asked.confirm) elements.confirm.value = await confirmed(asked.confirm);
      if (asked.create) { elements.ticket.value = asked.ticket; elements.answer.value = await created(asked.create); }
      leaving = true;
      form.submit();
    } catch (error) {
      busy(form, false);
      trouble.textContent = wordsOf(error);
      trouble.hidden = false;
    }
  }

  function wordsOf({ name, message }) {
    if (name === 'NotAllowedError' || name === 'AbortError') return 'The passkey was not used: it was cancelled, or took too long. Nothing was sent.';
    if (name === 'InvalidStateError') return 'This device has a passkey of yours already.';
    if (name === 'TypeError') return 'No connection to Countersign. Nothing was sent.';
    return message;
  }

  function busy(form, is) {
    if (is) form.dataset.sent = '1'; else delete form.dataset.sent;
    for (const button of form.querySelectorAll('button')) { if (is) button.setAttribute('aria-busy', 'true'); else button.removeAttribute('aria-busy'); }
  }

  // Back from the history of the browser: what stands there may be old.
  addEventListener('pageshow', (event) => { if (event.persisted) location.reload(); });
  // Enter in a field of numbers must not be a yes.
  document.addEventListener('keydown', (event) => {
    if (event.key === 'Enter' && event.target instanceof HTMLInputElement && event.target.closest('.decide')) event.preventDefault();
  });
  for (const input of document.querySelectorAll('.more input, .more select')) {
    input.addEventListener('focus', () => {
      const radio = input.closest('.more').previousElementSibling?.querySelector('input[type=radio]');
      if (radio) radio.checked = true;
    });
  }
  document.addEventListener('visibilitychange', () => { if (!document.hidden && liveOn) soon(); });
  addEventListener('online', () => { if (liveOn) soon(); });

  tick();
  setInterval(tick, 1000);
  if (liveOn) setInterval(look, Number(liveEvery) * 1000);
  if (liveOn === 'holds') listen();
})();
`;
