// Settings that an agent brings along at start-up, in the packet or in its `options`: judged like SET, because they are SET in other
// clothes. Nobody can be asked before there is a session, so whatever a SET would be held or refused for ends the login.
import { ProxyError } from '../core/errors.ts';
import { visible } from '../core/visible.ts';
import { parseNameList, settingJudged } from '../sql/settings.ts';
import { parseOptions } from '../wire/startup-options.ts';
import { startupOption } from './witness-protocol.ts';

export interface StartUpSettings {
  /** As they are passed on, with what the witness needs. */
  readonly parameters: ReadonlyMap<string, string>;
  /** `options=-c countersign.reason=…` */
  readonly reason: string | undefined;
}

export function startUpSettings(asked: ReadonlyMap<string, string>): StartUpSettings {
  let reason: string | undefined;
  const look = (name: string, value: string): void => {
    refuseSetting(name, value);
    if (name.toLowerCase() === 'countersign.reason') reason = value.slice(0, 500);
  };
  for (const [name, value] of asked) {
    if (name !== 'options' && !name.startsWith('_pq_.')) look(name, value);
  }
  const options = asked.get('options') ?? '';
  for (const option of parseOptions(options)) {
    if (option.kind === 'unknown') {
      const hint = 'Each setting is -c NAME=VALUE; a blank inside a value has a backslash before it (in a URI %5C%20).';
      throw refused(`the start-up option ${visible(option.text, 60)} cannot be judged`, hint);
    }
    look(option.name, option.value);
  }
  // So that SHOW has an answer, and RESET something to go back to, before anything was said.
  const unsaid = reason === undefined ? ' -c countersign.reason=' : '';
  const all = `${options.trim() === '' ? '' : `${options} `}${startupOption}${unsaid}`;
  return { parameters: new Map([...asked, ['options', all] as const]), reason };
}

function refuseSetting(name: string, value: string): void {
  const list = name.toLowerCase() === 'search_path' ? parseNameList(value) : [value];
  const judged = settingJudged({ name, value: list });
  if (judged.kind === 'session') return;
  throw refused(`the start-up setting ${visible(name, 60)} may not be brought along: ${judged.why ?? judged.kind}`);
}

const leaveOut =
  'Leave it out of the connection’s options; SET it in the session if it is needed, and it is judged there.';

function refused(words: string, hint = leaveOut): ProxyError {
  return new ProxyError('START_UP_REFUSED', words, { hint });
}
