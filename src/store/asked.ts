// What may be asked of any store, checked before it is done, so that both refuse the same. A caller that breaks these has a defect:
// it gets a plain Error, and its session ends.
import type { NonEmpty } from '../core/brand.ts';
import type { Change, Window } from './store.ts';

/** Far above a hold with the longest statement; what is larger is a defect, not a document. */
const valueLengthMax = 16 * 1024 * 1024;
const changesMax = 256;
const keyForm = /^[\x21-\x7e]{1,512}$/;

export function checkKey(key: string): void {
  if (!keyForm.test(key)) throw new Error('a key of a document that is not 1 to 512 visible ASCII characters');
}

export function checkChanges(changes: NonEmpty<Change>): void {
  if (changes.length > changesMax) throw new Error(`more than ${changesMax} changes in one call`);
  const keys = new Set<string>();
  for (const { key, value, expiresAt } of changes) {
    checkKey(key);
    if (keys.has(key)) throw new Error(`two changes of '${key}' in one call`);
    keys.add(key);
    if (value !== undefined && value.length > valueLengthMax) throw new Error(`a document that is too long: '${key}'`);
    if (expiresAt !== undefined && !Number.isSafeInteger(expiresAt))
      throw new Error('an expiry that is no whole number');
  }
}

export function checkList(prefix: string, limit: number): void {
  if (prefix !== '') checkKey(prefix);
  if (!Number.isSafeInteger(limit) || limit < 1) throw new Error('a list without a limit');
}

export function checkSpend(key: string, amount: number, window: Window, max: number | undefined): void {
  checkKey(key);
  const isCount = (number: number): boolean => Number.isSafeInteger(number) && number >= 0;
  if (!isCount(amount)) throw new Error('an amount that is no whole number of 0 or more');
  if (max !== undefined && !isCount(max)) throw new Error('a maximum that is no whole number of 0 or more');
  if (!isCount(window.at) || !isCount(window.ms) || window.ms < 1) throw new Error('a window without a length');
}

/** The window moves on in steps of this many milliseconds. */
export function stepMsOf(window: Window): number {
  return Math.ceil(window.ms / stepsPerWindow);
}

export const stepsPerWindow = 48;
