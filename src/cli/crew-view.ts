// Several workers as the people's side sees them: one list of sessions, one set of figures, and in /readyz the worst that any of them says.
import type { AgentDay, ShownSession } from '../channels/console/ports.ts';
import type { PartReport, Parts, Readiness } from '../channels/health.ts';
import { Metrics } from '../channels/metrics.ts';
import type { UnixMillis } from '../core/brand.ts';
import type { Crew } from './crew.ts';
import type { RoadView } from './serve-front.ts';
import { daysAnswer, readinessAnswer, sessionsAnswer, type WorkerQuestion } from './worker-words.ts';

type AskedCrew = Pick<Crew, 'askAll' | 'states'>;

export interface CrewViewParts {
  readonly crew: AskedCrew;
  /** Of the first process itself. */
  readonly parts: Parts;
  readonly metrics: Metrics;
  readonly search: RoadView['search'];
  readonly partsOfHold: RoadView['partsOfHold'];
}

export function crewView({ crew, parts, metrics, search, partsOfHold }: CrewViewParts): RoadView {
  const ask = (question: WorkerQuestion) => crew.askAll(question);
  const sessions = async (): Promise<readonly ShownSession[]> => {
    const lists = await ask({ kind: 'sessions' });
    return lists.flatMap(({ answer }) => sessionsAnswer.parse(answer).map(shown));
  };
  return {
    ...(search === undefined ? {} : { search }),
    ...(partsOfHold === undefined ? {} : { partsOfHold }),
    sessions: {
      list: sessions,
      end: async (session) => (await ask({ kind: 'end', session })).some(({ answer }) => answer === true),
    },
    days: {
      of: async (agents) => {
        const days = await ask({ kind: 'days', agents: [...agents] });
        return together(days.map(({ answer }) => daysAnswer.parse(answer)));
      },
    },
    readiness: async () => {
      const [own, workers] = await Promise.all([parts.readiness(), ask({ kind: 'readiness' })]);
      const answers = workers.map(({ number, answer }) => ({ number, parts: readinessAnswer.parse(answer).parts }));
      return worst(own, answers, crew.states());
    },
    metrics: {
      contentType: metrics.contentType,
      text: async () => {
        const answers = await ask({ kind: 'metrics' });
        return await Metrics.together([await metrics.json(), ...answers.map(({ answer }) => answer)]);
      },
    },
  };
}

const shown = ({ since, ...session }: Omit<ShownSession, 'since'> & { readonly since: number }): ShownSession => ({
  ...session,
  since: since as UnixMillis,
});

function together(lists: readonly (readonly AgentDay[])[]): readonly AgentDay[] {
  const [first = [], ...more] = lists;
  return first.map((day, index) =>
    more.reduce((sum, list) => {
      const other = list[index];
      return other === undefined ? sum : added(sum, other);
    }, day),
  );
}

const added = (a: AgentDay, b: AgentDay): AgentDay => ({
  allowed: a.allowed + b.allowed,
  held: a.held + b.held,
  denied: a.denied + b.denied,
  refused: a.refused + b.refused,
  rows: a.rows + b.rows,
});

interface WorkerParts {
  readonly number: number;
  readonly parts: readonly PartReport[];
}

/** A part is up when it is up with everybody. Workers that are being replaced are said, and are no reason to send agents away while others serve. */
export function worst(own: Readiness, workers: readonly WorkerParts[], states: ReturnType<Crew['states']>): Readiness {
  const names = [...new Set([...workers.flatMap(({ parts }) => parts), ...own.parts].map(({ name }) => name))];
  const reports = names.flatMap((name) => {
    const said = [
      ...own.parts.filter((part) => part.name === name).map((part) => ({ who: 'the first process', part })),
      ...workers.flatMap(({ number, parts }) =>
        parts.filter((part) => part.name === name).map((part) => ({ who: `worker ${number}`, part })),
      ),
    ];
    return joined(name, said) ?? [];
  });
  const parts = [workersReport(states, workers.length), ...reports];
  return { ready: parts.every((part) => part.state === 'up' || part.weight === 'wanted'), parts };
}

function joined(
  name: string,
  said: readonly { readonly who: string; readonly part: PartReport }[],
): PartReport | undefined {
  const bad = said.filter(({ part }) => part.state === 'down');
  const telling = bad.length > 0 ? bad : said;
  const [first] = telling;
  if (first === undefined) return undefined;
  const isOneWord = telling.every(({ part }) => part.words === first.part.words);
  const words = isOneWord && telling.length === said.length ? first.part.words : listed(telling);
  const weight = telling.some(({ part }) => part.weight === 'needed') ? 'needed' : 'wanted';
  return { name, weight, state: first.part.state, words };
}

const listed = (said: readonly { readonly who: string; readonly part: PartReport }[]): string =>
  said.map(({ who, part }) => `${who}: ${part.words}`).join('; ');

function workersReport(states: ReturnType<Crew['states']>, answered: number): PartReport {
  const missing = states.filter(({ state }) => state !== 'serving');
  const why = missing.map(({ number, why: words }) => `; worker ${number}: ${words}`).join('');
  const isAll = answered === states.length;
  const silent = isAll || missing.length > 0 ? '' : '; one did not answer in time';
  return {
    name: 'workers',
    weight: answered === 0 ? 'needed' : 'wanted',
    state: isAll ? 'up' : 'down',
    words: `${answered} of ${states.length} serve${why}${silent}`,
  };
}
