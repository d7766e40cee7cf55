// Goal: the journal keeps what every store promises.
// Method: the contract suite, on one journal that both contenders share: a journal has one process.
import { aJournal } from './fixtures.ts';
import { keepsTheContract } from './contract.ts';

keepsTheContract('the journal', async () => {
  const store = await aJournal();
  return { one: store, other: store, end: () => store.close() };
});
