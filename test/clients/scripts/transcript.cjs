// What the Node clients share: one line of JSON per step, which the runner compares.
const { createHash } = require('node:crypto');

const shown = (_key, value) => {
  if (typeof value === 'bigint') return `bigint:${value}`;
  if (value !== null && typeof value === 'object' && value.type === 'Buffer') {
    return `bytes:${Buffer.from(value.data).toString('hex')}`;
  }
  return value;
};

exports.table = process.env.CLIENT_TABLE;
exports.say = (step, value) => console.log(JSON.stringify({ step, value }, shown));
exports.digest = (rows) => ({
  rows: rows.length,
  sha256: createHash('sha256').update(JSON.stringify(rows)).digest('hex').slice(0, 16),
});
exports.fails = async (step, work) => {
  try {
    await work();
    exports.say(step, 'did not fail');
  } catch (thrown) {
    const error = thrown.cause ?? thrown.driverError ?? thrown.parent ?? thrown;
    exports.say(step, [
      error.code,
      error.message,
      error.detail,
      error.position,
      error.constraint ?? error.constraint_name,
    ]);
  }
};
exports.types = `select 1::int2 as i2, 2147483647 as i4, 9007199254740993 as i8, 12345.6789::numeric as n, 'NaN'::float8 as f,
  'Grüße, 世界 😀' as t, null::text as nothing, '\\x00ff10'::bytea as b, true as yes, timestamptz '2026-07-01 12:34:56.789+02' as at,
  interval '1 day 2 hours' as i, '{"a": [1, null]}'::jsonb as j, array[1, null, 3] as a, array['x', 'y,"z'] as ta,
  '192.0.2.7'::inet as ip, 'shipped'::order_status as e`;
exports.main = (work) =>
  work().then(
    () => exports.say('closed', true),
    (thrown) => {
      console.error(thrown);
      process.exit(1); // Open pools would keep it alive.
    },
  );
