// The settings of a session that decide what its texts mean: how they are asked for, and what the answers say.
import { known, notKnown, type Known } from '../core/known.ts';
import { parseNameList } from '../sql/settings.ts';

/** What is asked, in this order; SHOW takes no snapshot, so that a transaction's own first statement still chooses it. */
export const settingQuestions: readonly string[] = [
  'SHOW search_path',
  'SHOW role',
  'SHOW session_authorization',
  'SHOW client_min_messages',
  'SHOW standard_conforming_strings',
  'SHOW countersign.reason',
];

export interface Settings {
  readonly searchPath: Known<readonly string[]>;
  readonly role: string;
  readonly clientMinMessages: string;
}

interface SettingsAsked {
  readonly settings: Settings;
  readonly standardStrings: boolean;
  /** The agent's own words; '' for none. */
  readonly reason: string;
}

export function settingsFrom(values: readonly (string | null)[]): SettingsAsked {
  const [path = '', role = '', login = '', minMessages = '', strings, reason = ''] = values.map((value) => value ?? '');
  const searchPath = parseNameList(path);
  const settings = {
    searchPath: searchPath === undefined ? notKnown('search_path cannot be read') : known(searchPath),
    role: role === 'none' ? login : role,
    clientMinMessages: /^[a-z0-9]+$/.test(minMessages) ? minMessages : 'notice',
  };
  return { settings, standardStrings: strings === 'on', reason };
}
