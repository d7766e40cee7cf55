// Whether the proxy can do its work, part by part. Parts say it themselves; nobody is asked to guess another's health.

/** `needed`: without it statements are refused. `wanted`: without it something is worse, but the work goes on. */
export type PartWeight = 'needed' | 'wanted';

export interface PartState {
  readonly state: 'up' | 'down';
  /** A sentence for an operator; never a secret, never a value. */
  readonly words: string;
}

export interface Part {
  readonly name: string;
  readonly weight: PartWeight;
  check(): PartState | Promise<PartState>;
}

export interface PartReport extends PartState {
  readonly name: string;
  readonly weight: PartWeight;
}

export interface Readiness {
  readonly ready: boolean;
  readonly parts: readonly PartReport[];
}

const checkMsMax = 2000;

export class Parts {
  readonly #parts = new Map<string, Part>();

  /** The name is the part's own; a second one of that name takes its place. */
  register(part: Part): void {
    this.#parts.set(part.name, part);
  }

  remove(name: string): void {
    this.#parts.delete(name);
  }

  async readiness(): Promise<Readiness> {
    const parts = await Promise.all([...this.#parts.values()].map(reportOf));
    return { ready: parts.every((part) => part.state === 'up' || part.weight === 'wanted'), parts };
  }
}

/** A part that does not answer, or throws, is down: silence is not health. */
async function reportOf(part: Part): Promise<PartReport> {
  const { name, weight } = part;
  let timer: NodeJS.Timeout | undefined;
  const silence = new Promise<PartState>((resolve) => {
    timer = setTimeout(() => resolve({ state: 'down', words: `no answer in ${checkMsMax} ms` }), checkMsMax);
  });
  try {
    const { state, words } = await Promise.race([Promise.resolve(part.check()), silence]);
    return { name, weight, state, words };
  } catch {
    return { name, weight, state: 'down', words: 'the check itself failed' };
  } finally {
    clearTimeout(timer);
  }
}

/** `up    database shop: PostgreSQL 18.4` – one line for each part. */
export function readinessText(readiness: Readiness): string {
  const lines = readiness.parts.map(({ state, name, weight, words }) => {
    const mark = state === 'up' ? 'up  ' : weight === 'needed' ? 'DOWN' : 'down';
    return `${mark}  ${name}: ${words}`;
  });
  return [readiness.ready ? 'ready' : 'not ready', ...lines, ''].join('\n');
}

/** The same as figures, so that an alert can name the part. Names are ours. */
export function partFigures(readiness: Readiness): string {
  const lines = readiness.parts.map(
    ({ name, weight, state }) => `countersign_part_up{part="${name}",weight="${weight}"} ${state === 'up' ? 1 : 0}`,
  );
  const head = [
    '# HELP countersign_part_up 1 while the part works, as /readyz says.',
    '# TYPE countersign_part_up gauge',
  ];
  return [...head, ...lines, ''].join('\n');
}
