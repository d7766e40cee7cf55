// The agents' side of a running proxy: the listener with the gate behind it, and the connections to the databases.
import type { Config } from '../core/config-types.ts';
import { directoryOf } from '../proxy/from-config.ts';
import { inBandSource } from '../proxy/in-band-source.ts';
import { Listener, type ListenerParts } from '../proxy/listener.ts';
import { Pools } from '../proxy/pools.ts';
import { houseHash, houseKey } from '../store/house-hash.ts';
import { Gate } from '../gate.ts';
import type { Classification } from '../policy/classification.ts';
import { gatePartsOf } from './serve-gate.ts';
import { consoleUrlForAgents } from './serve-addresses.ts';
import { registerRoadMetrics, registerRoadParts } from './serve-health.ts';
import type { Begun, House } from './serve-house.ts';
import { saltKeyOf } from './salts.ts';
import { rowDeskOf } from './serve-rows.ts';

export interface Road {
  readonly listener: Listener;
  readonly pools: Pools;
}

export interface RoadOptions {
  readonly begun: Begun;
  /** What this process shares with its siblings; see serve-worker.ts. */
  readonly shared?: Pick<ListenerParts, 'seats' | 'cancelElsewhere'>;
}

/** All but listening: what people are asked over has to stand before anybody can be held. */
export function makeRoad(house: House, { begun, shared = {} }: RoadOptions): Road {
  const { live, clock, log, parts, metrics, state } = house;
  const pools = new Pools({ config: () => live.config, clock, log });
  begun.push(() => pools.drain());
  house.bench.readers.onSettings(() => pools.retire());
  const listener = listenerOf(house, pools, shared);
  registerRoadParts(parts, { live, listener, state });
  registerRoadMetrics(metrics, { listener, pools });
  return { listener, pools };
}

function listenerOf(
  { live, record, bench, recorder, clock, log }: House,
  pools: Pools,
  shared: NonNullable<RoadOptions['shared']>,
): Listener {
  const { audit } = record;
  const classification = (): Classification => bench.classification.current;
  const gate = gatePartsOf({
    ...{ audit, recorder, clock, classification, desk: bench.desk, carrier: bench.lineage },
    seal: (sql) => audit.sealed(sql),
    inHouse: houseHash(bench.store),
    onDefect: (thrown) => log.error('the end of a statement could not be recorded', { err: thrown }),
  });
  return new Listener({
    ...{ log, clock, recorder, ...shared },
    readers: bench.readers,
    openUpstream: pools.open,
    address: live.config.listen,
    limits: () => live.config.limits,
    directory: () => directoryOf(live.config),
    tls: () => live.door,
    secrets: { mockKey: saltKeyOf(audit.statementHash) },
    gate: new Gate(gate),
    rows: rowDeskOf({
      gate,
      maskSecret: () => houseKey(bench.store, 'masks'),
      clock,
      classification,
      purses: bench.purses,
    }),
    inBand: inBandSource({ ...gate, budgets: bench.budgets }),
    lineage: bench.lineage,
    consoleUrl: () => consoleUrlForAgents(live.config.http),
    consolePlace: () => consolePlaceOf(live.config.http),
  });
}

function consolePlaceOf({ publicUrl, listen }: Config['http']): string {
  if (publicUrl !== undefined) return `at ${publicUrl}`;
  // Port 0 is any that is free, and only the process that took it knows which.
  return listen.port === 0 ? 'on the http port, which the log names' : `on port ${listen.port}`;
}
