// Ports for tests: always free ones, never a fixed number.
export { freePort } from '../../src/cli/demo/free-port.ts';
