// Who clicked: an approver by the Slack id in approvers.yaml and by nothing else (names and e-mail addresses can be changed by their
// bearers), of our own workspace, a person, and still with the company. What Slack says about them is kept for a minute.
import type { Approver } from '../catalog/catalog.ts';
import type { Clock } from '../core/clock.ts';
import type { SlackApi } from './slack-api.ts';
import { recordAt } from './slack-json.ts';
import type { Clicker } from './slack-payload.ts';
import type { Approvers } from './slack-routing.ts';

export type Standing =
  { readonly kind: 'approver'; readonly person: Approver } | { readonly kind: 'nobody'; readonly words: string };

export interface PeopleParts {
  readonly api: SlackApi;
  readonly approvers: () => Approvers;
  /** Our workspace, as Slack said when the token was checked. */
  readonly team: () => string | undefined;
  readonly clock: Clock;
}

const keptMs = 60_000;
const keptMax = 5000;

export class SlackPeople {
  readonly #parts: PeopleParts;
  readonly #known = new Map<string, { readonly at: number; readonly trouble: string | undefined }>();

  constructor(parts: PeopleParts) {
    this.#parts = parts;
  }

  /** By the files alone; enough to open a dialog, not enough to vote. */
  mapped(user: string): Approver | undefined {
    for (const approver of this.#parts.approvers().values()) if (approver.slack === user) return approver;
    return undefined;
  }

  async check(clicker: Clicker): Promise<Standing> {
    const person = this.mapped(clicker.user);
    if (person === undefined) {
      return nobody(
        'Your Slack id is not in approvers.yaml, so nothing was changed. Whoever keeps that file can add it.',
      );
    }
    const team = this.#parts.team();
    if (team === undefined || clicker.team !== team || clicker.userTeam !== team) {
      return nobody('Only members of this very workspace decide here, so nothing was changed.');
    }
    const trouble = await this.#troubleOf(clicker.user, team);
    return trouble === undefined ? { kind: 'approver', person } : nobody(trouble);
  }

  async #troubleOf(user: string, team: string): Promise<string | undefined> {
    const now = this.#parts.clock.ticks();
    const known = this.#known.get(user);
    if (known !== undefined && now - known.at < keptMs) return known.trouble;
    const answer = await this.#parts.api.call('users.info', { user });
    // What could not be asked is not taken for a yes, and not kept either.
    if (answer.kind === 'later' || answer.kind === 'shutOut')
      return 'Slack could not be asked about you just now, so nothing was changed. Try again, or use the console.';
    const trouble = answer.kind === 'ok' ? accountTrouble(recordAt(answer.data, 'user'), team) : noAccount;
    if (this.#known.size >= keptMax) this.#known.clear();
    this.#known.set(user, { at: now, trouble });
    return trouble;
  }
}

const nobody = (words: string): Standing => ({ kind: 'nobody', words });
const noAccount = 'Slack knows no such account any more, so nothing was changed.';

function accountTrouble(user: Readonly<Record<string, unknown>>, team: string): string | undefined {
  if (user['id'] === undefined || user['deleted'] === true) return noAccount;
  if (user['is_bot'] === true || user['is_app_user'] === true || user['is_workflow_bot'] === true)
    return 'Programs do not decide here; nothing was changed.';
  const isGuest = ['is_restricted', 'is_ultra_restricted', 'is_stranger'].some((key) => user[key] === true);
  if (isGuest) return 'Guests do not decide here; nothing was changed.';
  if (user['team_id'] !== undefined && user['team_id'] !== team)
    return 'Only members of this very workspace decide here, so nothing was changed.';
  return undefined;
}
