const net = require('node:net');
const pg = require('pg');

const told = (error) => `${error.code} ${error.message}`;

/** As psql does at Control-C: a connection of its own, with the key of the session. */
function cancel(client) {
  const request = Buffer.alloc(16);
  [16, 80877102, client.processID, client.secretKey].forEach((value, index) => request.writeInt32BE(value, 4 * index));
  const socket = net.connect(Number(process.env.PGPORT), process.env.PGHOST, () => socket.end(request));
}

async function main() {
  const client = new pg.Client();
  await client.connect();
  for (const way of ['simple', 'extended', 'prepared']) {
    const ask = async (what) => {
      const text = `select word from held_words where id = ${way === 'simple' ? '1' : '$1'} /* ${what} ${way} */`;
      const name = way === 'prepared' ? { name: `${what} ${way}` } : {};
      const { rows } = await client.query({ text, ...name, ...(way === 'simple' ? {} : { values: [1] }) });
      return rows[0].word;
    };
    console.log(`${way} approved: ${await ask('approve')}`);
    for (const what of ['deny', 'silence', 'cancel']) {
      if (what === 'cancel') setTimeout(() => cancel(client), 400);
      console.log(`${way} ${what}: ${await ask(what).catch(told)}`);
    }
    console.log(`${way} goes on: ${(await client.query('select 1 as one')).rows[0].one}`);
  }
  await client.end();
}

main();
