// What people do in Slack, taken to the desk: votes, dialogs, the list's buttons. It decides nothing; a click by anyone who may not is
// answered to them alone and changes nothing, and a click that comes twice counts once.
import { topUpText, type BudgetBook } from '../approval/budgets.ts';
import type { HoldBook, VoteResult } from '../approval/channel.ts';
import type { Vote } from '../approval/hold.ts';
import type { Terms } from '../approval/terms.ts';
import type { HoldView } from '../approval/view.ts';
import type { HoldId } from '../core/brand.ts';
import { ProxyError } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import { needText, outcomeText } from '../approval/card.ts';
import type { SlackApi } from './slack-api.ts';
import { escaped, limits, line, plain } from './slack-blocks.ts';
import { actionIds, cardOf, isConsoleOnly, type CardStyle } from './slack-card.ts';
import { budgetDialog, budgetIn, type BudgetFilled } from './slack-budget.ts';
import { denyDialog, filledIn, shapeDialog, type DialogOrigin, type Modal } from './slack-dialogs.ts';
import { holdIn, type Click, type Clicker, type Submission } from './slack-payload.ts';
import type { SlackPeople } from './slack-people.ts';
import type { SlackRecords } from './slack-records.ts';

export interface DeskParts {
  readonly api: SlackApi;
  readonly book: HoldBook;
  /** Undefined: budgets are not added to from here. */
  readonly budgets: BudgetBook | undefined;
  readonly records: SlackRecords;
  readonly people: SlackPeople;
  readonly style: () => CardStyle;
  /** `https://team.slack.com/`, once known. */
  readonly teamUrl: () => string | undefined;
  /** This message shows the hold, whoever posted it: keep it up to date too. */
  readonly shownAt: (hold: HoldId, where: { readonly channel: string; readonly ts: string }) => Promise<void>;
  /** A card of its own for a hold that stands in a list. */
  readonly outOfList: (hold: HoldId, where: { readonly channel: string; readonly ts: string }) => Promise<void>;
  readonly changed: (hold: HoldId, person: string) => void;
  readonly log: Log;
}

export type ClickResult = 'counted' | 'forbidden' | 'settled' | 'invalid' | 'repeated' | 'failed' | 'shown';

interface Where {
  readonly channel: string | undefined;
  readonly ts: string | undefined;
  readonly threadTs?: string | undefined;
}

export class SlackDesk {
  readonly #parts: DeskParts;
  readonly #tallies = new Map<ClickResult, number>();

  constructor(parts: DeskParts) {
    this.#parts = parts;
  }

  get tallies(): ReadonlyMap<ClickResult, number> {
    return this.#tallies;
  }

  /** Acknowledged already; whatever goes wrong is said to the person. */
  async click(click: Click): Promise<void> {
    const meant = holdIn(click.value);
    // A button that only opens a link is reported too.
    if (meant === undefined) return;
    const { hold } = meant;
    const terms: Terms | undefined =
      click.action === actionIds.once
        ? { kind: 'once' }
        : click.action === actionIds.rows && meant.rows !== undefined
          ? { kind: 'rows', rowsMax: meant.rows }
          : click.action === actionIds.masked
            ? { kind: 'masked', rowsMax: undefined }
            : undefined;
    if (terms !== undefined) {
      const vote = { vote: 'approve' as const, reason: undefined, terms };
      return await this.#vote(hold, vote, { clicker: click.clicker, once: click.once, where: click.place });
    }
    if (click.action === actionIds.review) return await this.#review(hold, click);
    if (click.action === actionIds.deny) return await this.#dialog(hold, click, denyDialog);
    if (click.action === actionIds.shape) return await this.#dialog(hold, click, shapeDialog);
    if (click.action === actionIds.budget) return await this.#dialog(hold, click, (...of) => this.#budgetDialog(...of));
  }

  /** Before it is acknowledged: what is wrong with what was typed, by field. */
  errorsIn(submission: Submission): Readonly<Record<string, string>> | undefined {
    for (const filled of [filledIn(submission), budgetIn(submission)])
      if (filled.kind === 'wrong') return filled.errors;
    return undefined;
  }

  async submit(submission: Submission): Promise<void> {
    const more = budgetIn(submission);
    if (more.kind === 'budget') return await this.#topUp(submission, more);
    const filled = filledIn(submission);
    if (filled.kind !== 'deny' && filled.kind !== 'shape') return;
    const vote =
      filled.kind === 'deny'
        ? { vote: 'deny' as const, reason: filled.reason, terms: undefined }
        : { vote: 'approve' as const, reason: undefined, terms: filled.terms };
    const { clicker, once } = submission;
    await this.#vote(filled.origin.hold, vote, { clicker, once, where: filled.origin });
  }

  async #budgetDialog(view: HoldView, origin: DialogOrigin): Promise<Modal | undefined> {
    return budgetDialog(view, origin, (await this.#parts.budgets?.of(view.agent, view.id)) ?? []);
  }

  async #topUp(
    { clicker, once }: Submission,
    { origin, more }: Extract<BudgetFilled, { readonly kind: 'budget' }>,
  ): Promise<void> {
    const { people, budgets, log } = this.#parts;
    const { hold } = origin;
    const from = { clicker, where: origin };
    const standing = await people.check(clicker);
    if (standing.kind === 'nobody') return await this.#no('forbidden', from, standing.words);
    const view = await this.#find(hold, from);
    if (view === undefined || budgets === undefined) return;
    try {
      const { agent } = view;
      const person = standing.person.name;
      const result = await budgets.topUp({ ...more, agent, hold, person, channel: 'slack', request: `slack/${once}` });
      if (result.kind !== 'added' && result.kind !== 'waiting') {
        return await this.#no(
          result.kind === 'forbidden' ? 'forbidden' : 'invalid',
          from,
          `Nothing was changed: ${result.words}`,
        );
      }
      this.#count('counted');
      await this.#tell(clicker.user, origin, topUpText(result, agent));
    } catch (thrown) {
      log.warn('more rows could not be taken to the desk', { hold, error: thrown });
      const words = thrown instanceof ProxyError ? thrown.message : 'something failed inside';
      await this.#no('failed', from, `Nothing was changed: ${words}. Try again, or use the console.`);
    }
  }

  async #vote(
    hold: HoldId,
    vote: Pick<Vote, 'vote' | 'reason' | 'terms'>,
    from: { readonly clicker: Clicker; readonly once: string; readonly where: Where },
  ): Promise<void> {
    const { people, records, log } = this.#parts;
    const standing = await people.check(from.clicker);
    if (standing.kind === 'nobody') return await this.#no('forbidden', from, standing.words);
    let isFirst = false;
    try {
      isFirst = await records.firstTime(from.once);
      // Slack sends again what it thinks was lost; by then the person may have changed their mind elsewhere.
      if (!isFirst) return this.#count('repeated');
      if (await this.#wantsConsole(hold)) {
        const words = `This level is decided in the console: ${this.#parts.style().linkOf(hold)}`;
        return await this.#no('forbidden', from, words);
      }
      const cast = { ...vote, person: standing.person.name, channel: 'slack', link: this.#linkOf(from.where) };
      await this.#answer(await this.#parts.book.vote(hold, cast), from);
      await this.#adopt(hold, from.where);
      this.#parts.changed(hold, standing.person.name);
    } catch (thrown) {
      if (isFirst) await records.forget(from.once).catch(() => log.warn('a click could not be forgotten'));
      log.warn('a click could not be taken to the desk', { hold, error: thrown });
      const words = thrown instanceof ProxyError ? thrown.message : 'something failed inside';
      await this.#no('failed', from, `Nothing was changed: ${words}. Try again, or use the console.`);
    }
  }

  /** The button is not on the card; a click on an older card, or a forged one, gets no further. */
  async #wantsConsole(hold: HoldId): Promise<boolean> {
    const view = await this.#parts.book.find(hold);
    return view !== undefined && isConsoleOnly(view);
  }

  async #answer(result: VoteResult, from: { readonly clicker: Clicker; readonly where: Where }): Promise<void> {
    switch (result.kind) {
      case 'counted': {
        this.#count('counted');
        // The card itself shows it; who voted from a dialog or the home page sees no card.
        if (from.where.channel !== undefined) return;
        const { hold } = result;
        const words = outcomeText(hold) ?? `Your vote counts. ${hold.needs.map(needText).join(' · ')}`;
        return await this.#tell(from.clicker.user, from.where, words);
      }
      case 'settled':
        return await this.#no('settled', from, `Somebody was faster. ${outcomeText(result.hold) ?? ''}`);
      case 'forbidden':
        return await this.#no('forbidden', from, `Nothing was changed: ${result.words}`);
      case 'invalid':
        return await this.#no('invalid', from, `Nothing was changed: ${result.words}`);
      case 'notFound':
        return await this.#no('invalid', from, 'This hold is not known any more, so nothing was changed.');
    }
  }

  /** Within three seconds of the click, so the dialog opens first; who may vote is checked when it is sent. */
  async #dialog(hold: HoldId, click: Click, dialog: OpenDialog): Promise<void> {
    const { api, people } = this.#parts;
    const from = { clicker: click.clicker, where: click.place };
    if (people.mapped(click.clicker.user) === undefined) {
      const standing = await people.check(click.clicker);
      if (standing.kind === 'nobody') return await this.#no('forbidden', from, standing.words);
    }
    const view = await this.#find(hold, from);
    if (view === undefined || click.trigger === undefined) return;
    if (isConsoleOnly(view)) {
      const words = `This level is decided in the console: ${this.#parts.style().linkOf(hold)}`;
      return await this.#no('forbidden', from, words);
    }
    if (view.state !== 'open') return await this.#no('settled', from, outcomeText(view) ?? '');
    const origin = { hold, channel: click.place.channel, ts: click.place.ts };
    const method = click.place.viewType === 'modal' ? 'views.push' : 'views.open';
    const modal = await dialog(view, origin);
    if (modal === undefined) return await this.#no('invalid', from, 'This statement draws on no budget now.');
    const answer = await api.call(method, { trigger_id: click.trigger, view: modal });
    if (answer.kind === 'ok') return this.#count('shown');
    this.#parts.log.warn('a Slack dialog did not open', { hold, why: answer.why });
    await this.#no('failed', from, 'The dialog did not open, so nothing was changed. Try again, or use the console.');
  }

  /** Out of a list or the home page: the whole card, where the list is, or in a dialog of its own. */
  async #review(hold: HoldId, click: Click): Promise<void> {
    const { people, api, outOfList, style } = this.#parts;
    const from = { clicker: click.clicker, where: click.place };
    const standing = await people.check(click.clicker);
    if (standing.kind === 'nobody') return await this.#no('forbidden', from, standing.words);
    const { channel, ts } = click.place;
    this.#count('shown');
    if (channel !== undefined && ts !== undefined) return await outOfList(hold, { channel, ts });
    const view = await this.#find(hold, from);
    if (view === undefined || click.trigger === undefined) return;
    const modal = {
      type: 'modal',
      title: plain('Waiting', limits.modalTitle),
      close: plain('Back', limits.modalTitle),
      blocks: cardOf(view, style()).blocks,
    };
    const answer = await api.call('views.open', { trigger_id: click.trigger, view: modal });
    if (answer.kind !== 'ok') this.#parts.log.warn('a Slack dialog did not open', { hold, why: answer.why });
  }

  async #find(hold: HoldId, from: { readonly clicker: Clicker; readonly where: Where }): Promise<HoldView | undefined> {
    try {
      const view = await this.#parts.book.find(hold);
      if (view === undefined) await this.#no('invalid', from, 'This hold is not known any more.');
      return view;
    } catch (thrown) {
      const words = thrown instanceof ProxyError ? thrown.message : 'something failed inside';
      await this.#no('failed', from, `Nothing was changed: ${words}. Try again, or use the console.`);
      return undefined;
    }
  }

  async #adopt(hold: HoldId, { channel, ts }: Where): Promise<void> {
    if (channel !== undefined && ts !== undefined) await this.#parts.shownAt(hold, { channel, ts });
  }

  #linkOf({ channel, ts }: Where): string | undefined {
    const url = this.#parts.teamUrl();
    if (url === undefined || channel === undefined || ts === undefined) return undefined;
    return `${url.replace(/\/*$/, '')}/archives/${channel}/p${ts.replace('.', '')}`;
  }

  #count(result: ClickResult): void {
    this.#tallies.set(result, (this.#tallies.get(result) ?? 0) + 1);
  }

  async #no(
    result: ClickResult,
    from: { readonly clicker: Clicker; readonly where: Where },
    words: string,
  ): Promise<void> {
    this.#count(result);
    await this.#tell(from.clicker.user, from.where, words);
  }

  /** Only they see it. Where that is not possible, in the conversation with them. */
  async #tell(user: string, where: Where, words: string): Promise<void> {
    const { api, log } = this.#parts;
    const blocks = [{ type: 'section', text: plain(line(words, 1000), 1000) }];
    const text = escaped(line(words, 300));
    if (where.channel !== undefined) {
      const thread = where.threadTs === undefined ? {} : { thread_ts: where.threadTs };
      const answer = await api.call('chat.postEphemeral', { channel: where.channel, user, text, blocks, ...thread });
      if (answer.kind === 'ok') return;
    }
    const answer = await api.call('chat.postMessage', { channel: user, text, blocks });
    if (answer.kind !== 'ok') log.warn('somebody could not be answered in Slack', { why: answer.why });
  }
}

type OpenDialog = (view: HoldView, origin: DialogOrigin) => Modal | undefined | Promise<Modal | undefined>;
