// Puts our harness in the place of the suite's own.
import { register } from 'node:module';

register(new URL('postgresjs-resolve.mjs', import.meta.url));
