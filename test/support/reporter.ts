// The plain last line of a test run, `N passed, N failed, N skipped`, and before it what was skipped and why.
import type { Reporter, TestCase, TestModule } from 'vitest/node';

export class CountReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly unknown[]): void {
    const tests = modules.flatMap((module) => [...module.children.allTests()]);
    const passed = tests.filter((test) => test.result().state === 'passed').length;
    const skipped = tests.filter((test) => test.result().state === 'skipped' || test.result().state === 'pending');
    const failed = tests.filter((test) => test.result().state === 'failed').length + broken(modules) + unhandled.length;
    const lines = skipped.map((test) => `skipped: ${test.module.relativeModuleId} ${test.fullName}: ${reasonOf(test)}`);
    process.stdout.write(
      `\n${[...lines, `${passed} passed, ${failed} failed, ${skipped.length} skipped`].join('\n')}\n`,
    );
  }
}

/** A file that does not even load has no failed test in it, and must not look green. */
function broken(modules: readonly TestModule[]): number {
  return modules.filter(
    (module) =>
      module.errors().length > 0 ||
      (module.state() === 'failed' &&
        ![...module.children.allTests()].some((test) => test.result().state === 'failed')),
  ).length;
}

function reasonOf(test: TestCase): string {
  const result = test.result();
  return result.state === 'skipped' && result.note !== undefined ? result.note : 'no reason was given';
}
