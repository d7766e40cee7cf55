// How the tests run. Each file has a process of its own: many end workers, close descriptors and put limits on themselves.
import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { CountReporter } from './support/reporter.ts';

export default defineConfig({
  test: {
    root: new URL('..', import.meta.url).pathname,
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/build.ts'],
    reporters: ['default', new CountReporter()],
    testTimeout: 60_000,
    hookTimeout: 120_000,
    pool: 'forks',
    // One process for each core: the tests wait for servers as often as they compute, and the one that collects does nearly nothing.
    maxWorkers: availableParallelism(),
  },
});
