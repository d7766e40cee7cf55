// The bare relay as a process of its own.
import { relay } from './contenders.ts';

relay(Number(process.argv[2]), Number(process.argv[3]));
