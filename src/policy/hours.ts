// `20:00-07:00 Europe/Berlin`, `Mon-Fri 09:00-17:00 UTC`: hours of a day somewhere. A zone's offset changes on quarter hours only
// (true of every zone since 1972), so it is asked of Intl once per quarter hour: asking costs more than all of judging.

export interface Hours {
  /** Whether a moment is inside, and until when that answer stands at least. */
  readonly at: (now: number) => { readonly inside: boolean; readonly until: number };
}

const quarterMs = 15 * 60_000;
const days = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];

export function parseHours(text: string): Hours | undefined {
  const form = /^(?:([A-Za-z]{3}(?:[-,][A-Za-z]{3})*)\s+)?(\d{2}):(\d{2})-(\d{2}):(\d{2})\s+([A-Za-z0-9_+/-]{1,64})$/;
  const match = form.exec(text.trim());
  if (match === null) return undefined;
  const [, dayText, fromHour, fromMinute, toHour, toMinute, zone] = match;
  const from = minutesOf(fromHour, fromMinute);
  const to = minutesOf(toHour, toMinute);
  const onDays = dayText === undefined ? new Set(days.keys()) : parseDays(dayText);
  const clock = zone === undefined ? undefined : localClock(zone);
  if (from === undefined || to === undefined || from === to || onDays === undefined || clock === undefined)
    return undefined;
  return { at: (now) => insideAt({ from, to, onDays }, clock, now) };
}

interface Span {
  readonly from: number;
  readonly to: number;
  readonly onDays: ReadonlySet<number>;
}

type LocalClock = (now: number) => { readonly day: number; readonly minute: number };

function insideAt(span: Span, clock: LocalClock, now: number): { inside: boolean; until: number } {
  const { day, minute } = clock(now);
  // Over midnight the span belongs to the day on which it began.
  const inside =
    span.from < span.to
      ? span.onDays.has(day) && minute >= span.from && minute < span.to
      : (span.onDays.has(day) && minute >= span.from) || (span.onDays.has((day + 6) % 7) && minute < span.to);
  const nextEdge = Math.min(...[span.from, span.to, 1440].filter((edge) => edge > minute));
  const minuteStart = now - (now % 60_000);
  const nextQuarter = now - (now % quarterMs) + quarterMs;
  return { inside, until: Math.min(minuteStart + (nextEdge - minute) * 60_000, nextQuarter) };
}

function minutesOf(hour: string | undefined, minute: string | undefined): number | undefined {
  const [h, m] = [Number(hour), Number(minute)];
  const isTime = (h < 24 && m < 60) || (h === 24 && m === 0);
  return isTime ? h * 60 + m : undefined;
}

function parseDays(text: string): ReadonlySet<number> | undefined {
  const set = new Set<number>();
  for (const piece of text.toLowerCase().split(',')) {
    const [from, to] = piece.split('-').map((name) => days.indexOf(name));
    if (from === undefined || from < 0 || to === -1) return undefined;
    for (let day = from; ; day = (day + 1) % 7) {
      set.add(day);
      if (day === (to ?? from)) break;
    }
  }
  return set;
}

/** The zone's day of the week and minute of the day; undefined for a zone that nobody knows. */
function localClock(zone: string): LocalClock | undefined {
  let format: Intl.DateTimeFormat;
  try {
    format = new Intl.DateTimeFormat('en-GB', {
      timeZone: zone,
      weekday: 'short',
      hour: '2-digit',
      minute: '2-digit',
      hourCycle: 'h23',
    });
  } catch {
    // An unknown zone is the writer's mistake; the caller says so with the line.
    return undefined;
  }
  let quarter = Number.NaN;
  let start = { day: 0, minute: 0 };
  return (now) => {
    const begin = now - (now % quarterMs);
    if (begin !== quarter) {
      const parts = new Map(format.formatToParts(begin).map((part) => [part.type, part.value]));
      const day = days.indexOf((parts.get('weekday') ?? '').toLowerCase());
      start = { day, minute: Number(parts.get('hour')) * 60 + Number(parts.get('minute')) };
      quarter = begin;
    }
    const minute = start.minute + Math.floor((now - begin) / 60_000);
    return minute < 1440 ? { day: start.day, minute } : { day: (start.day + 1) % 7, minute: minute - 1440 };
  };
}
