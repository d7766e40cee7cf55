// Loaded before the program (`node --import`): the same proxy with a record that takes everything and writes nothing, so that one run can tell
// what the log costs. The product has no such switch, and must not have one.
import type * as LogRoom from '../src/audit/log.ts';
import type * as ReceiptRoom from '../src/audit/receipt.ts';

/** The program's own modules, as built: another copy of them would change nothing. */
const built = (name: string): string => new URL(`../dist/audit/${name}.js`, import.meta.url).href;
const { AuditLog } = (await import(built('log'))) as typeof LogRoom;
const { issueReceipt } = (await import(built('receipt'))) as typeof ReceiptRoom;

AuditLog.prototype.record = () => issueReceipt(0);
AuditLog.prototype.flush = () => undefined;
