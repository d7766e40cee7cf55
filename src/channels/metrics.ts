// The only door to prom-client. Nothing here is called when something happens: every figure is read from its owner's plain numbers
// when somebody asks for /metrics. Labels are ours (verdicts, codes, names of databases), never an agent's own text.
import {
  AggregatorRegistry,
  Counter,
  Gauge,
  Histogram,
  Registry,
  type MetricObjectWithValues,
  type MetricValue,
} from 'prom-client';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { Buckets, Tallies } from '../core/tallies.ts';

export interface Sample {
  readonly value: number;
  readonly labels?: Readonly<Record<string, string>>;
}

/** One family of figures, as its owner declares it: a row, and how to read it. */
export interface Metric {
  /** Without the prefix: `connections`. Counters end in `_total`. */
  readonly name: string;
  readonly kind: 'counter' | 'gauge';
  readonly help: string;
  readonly labels?: readonly string[];
  /** What several processes together show; absent: the sum. */
  readonly together?: 'max' | 'min';
  readonly read: () => readonly Sample[];
}

const prefix = 'countersign_';

export class Metrics {
  readonly #registry = new Registry();
  /** Apart: the library asks a histogram for its own observations when it makes data instead of text, and these have none. */
  readonly #buckets = new Registry();
  readonly #histograms: ReadHistogram[] = [];
  readonly #delay = monitorEventLoopDelay({ resolution: 20 });

  constructor() {
    this.#delay.enable();
    for (const metric of this.#processMetrics()) this.register(metric);
  }

  register(metric: Metric): void {
    const labelNames = [...(metric.labels ?? [])];
    const common = {
      ...{ name: prefix + metric.name, help: metric.help, labelNames, registers: [this.#registry] },
      aggregator: metric.together ?? 'sum',
    } as const;
    if (metric.kind === 'gauge') {
      const gauge: Gauge = new Gauge({
        ...common,
        collect: () => {
          gauge.reset();
          for (const { value, labels } of metric.read()) gauge.set({ ...labels }, value);
        },
      });
      return;
    }
    const counter: Counter = new Counter({
      ...common,
      collect: () => {
        // The owner's number is the truth; the library's only carries it out.
        counter.reset();
        for (const { value, labels } of metric.read()) counter.inc({ ...labels }, value);
      },
    });
  }

  registerBuckets(name: string, help: string, buckets: Buckets): void {
    const histogram = new ReadHistogram(prefix + name, help, buckets);
    this.#histograms.push(histogram);
    this.#buckets.registerMetric(histogram);
  }

  /** What the data path counts. */
  registerTallies(tallies: Tallies): void {
    for (const metric of tallyMetrics(tallies)) this.register(metric);
    this.registerBuckets(
      'statement_seconds',
      'From a statement’s release to the end of its answer.',
      tallies.statementMs,
    );
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  async text(): Promise<string> {
    return `${await this.#registry.metrics()}\n${await this.#buckets.metrics()}`;
  }

  /** For `together`, in another process. */
  async json(): Promise<readonly unknown[]> {
    const all = await this.#registry.getMetricsAsJSON();
    const buckets = await Promise.all(this.#histograms.map((histogram) => histogram.getForPromString()));
    return [...all, ...buckets];
  }

  /** One page for the processes of one proxy, from what `json` gave in each. */
  static async together(each: readonly unknown[]): Promise<string> {
    const known = each.filter(isMetricList).map((list) => [...list]);
    return await AggregatorRegistry.aggregate(known).metrics();
  }

  close(): void {
    this.#delay.disable();
  }

  #processMetrics(): readonly Metric[] {
    const one = (value: number): readonly Sample[] => [{ value }];
    const startedAt = Date.now() / 1000 - process.uptime();
    return [
      {
        name: 'event_loop_delay_seconds',
        kind: 'gauge',
        help: 'How late the event loop ran since the last look: half, 99 of 100, and the worst.',
        labels: ['quantile'],
        together: 'max',
        read: () => {
          const seconds = (nanos: number): number => (Number.isFinite(nanos) ? nanos / 1e9 : 0);
          const samples = [
            { labels: { quantile: '0.5' }, value: seconds(this.#delay.percentile(50)) },
            { labels: { quantile: '0.99' }, value: seconds(this.#delay.percentile(99)) },
            { labels: { quantile: '1' }, value: seconds(this.#delay.max) },
          ];
          this.#delay.reset();
          return samples;
        },
      },
      {
        name: 'process_start_time_seconds',
        kind: 'gauge',
        help: 'When the process started.',
        together: 'min',
        read: () => one(startedAt),
      },
      {
        name: 'process_resident_bytes',
        kind: 'gauge',
        help: 'Memory of the process.',
        read: () => one(process.memoryUsage.rss()),
      },
      {
        name: 'process_heap_bytes',
        kind: 'gauge',
        help: 'Memory in use by the program’s own values.',
        read: () => one(process.memoryUsage().heapUsed),
      },
      {
        name: 'process_cpu_seconds_total',
        kind: 'counter',
        help: 'Processor time used.',
        read: () => {
          const { user, system } = process.cpuUsage();
          return one((user + system) / 1e6);
        },
      },
    ];
  }
}

function tallyMetrics(tallies: Tallies): readonly Metric[] {
  const counter = (name: string, help: string, read: () => number): Metric => ({
    name,
    kind: 'counter',
    help,
    read: () => [{ value: read() }],
  });
  return [
    {
      name: 'statements_total',
      kind: 'counter',
      help: 'Statements judged, by verdict.',
      labels: ['verdict'],
      read: () => [
        { labels: { verdict: 'allow' }, value: tallies.statementsAllowed },
        { labels: { verdict: 'hold' }, value: tallies.statementsHeld },
        { labels: { verdict: 'deny' }, value: tallies.statementsDenied },
      ],
    },
    counter('statements_refused_total', 'Statements answered with a refusal.', () => tallies.statementsRefused),
    counter(
      'statements_failed_total',
      'Statements that the database answered with an error.',
      () => tallies.statementsFailed,
    ),
    counter('rows_total', 'Rows sent to agents.', () => tallies.rowsToAgents),
    counter('bytes_total', 'Bytes of answers sent to agents.', () => tallies.bytesToAgents),
    counter('logins_total', 'Sessions that began.', () => tallies.loginsDone),
    counter(
      'logins_failed_total',
      'Known agents that were turned away after their password was right.',
      () => tallies.loginsFailed,
    ),
  ];
}

/** Milliseconds in the house, seconds in Prometheus. Cumulative, as its format wants buckets. */
class ReadHistogram extends Histogram<'le'> {
  readonly #name: string;
  readonly #help: string;
  readonly #buckets: Buckets;

  constructor(name: string, help: string, buckets: Buckets) {
    super({ name, help, buckets: buckets.bounds.map((ms) => ms / 1000), registers: [] });
    this.#name = name;
    this.#help = help;
    this.#buckets = buckets;
  }

  /** What the text of /metrics is made from; the library's types do not know it. */
  getForPromString() {
    const { bounds, counts, count, sum } = this.#buckets;
    const name = this.#name;
    let running = 0;
    const values = bounds.map((bound, index) => {
      running += counts[index] ?? 0;
      return { metricName: `${name}_bucket`, labels: { le: String(bound / 1000) }, value: running };
    });
    const ends = [
      { metricName: `${name}_bucket`, labels: { le: '+Inf' }, value: count },
      { metricName: `${name}_sum`, labels: {}, value: sum / 1000 },
      { metricName: `${name}_count`, labels: {}, value: count },
    ];
    const type = 'histogram' as const;
    return Promise.resolve({ name, help: this.#help, type, aggregator: 'sum' as const, values: [...values, ...ends] });
  }
}

function isMetricList(value: unknown): value is readonly MetricObjectWithValues<MetricValue<string>>[] {
  return Array.isArray(value) && value.every((one) => typeof one === 'object' && one !== null && 'values' in one);
}
