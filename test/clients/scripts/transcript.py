# What the Python clients share: one line of JSON per step, which the runner compares.
import hashlib
import json
import os
import threading

TABLE = os.environ["CLIENT_TABLE"]


def say(step, value):
    print(json.dumps({"step": step, "value": value}, default=shown, ensure_ascii=False, sort_keys=True), flush=True)


def shown(value):
    if isinstance(value, (bytes, memoryview)):
        return "bytes:" + bytes(value).hex()
    return f"{type(value).__name__}:{value}"


def digest(rows):
    summed = hashlib.sha256()
    count = 0
    for row in rows:
        summed.update(repr(tuple(row)).encode())
        count += 1
    return {"rows": count, "sha256": summed.hexdigest()[:16]}


def soon(action):
    """Does it while the caller waits in a statement."""
    timer = threading.Timer(0.4, action)
    timer.daemon = True
    timer.start()


TYPES = """select 1::int2 as i2, 2147483647 as i4, 9007199254740993 as i8, 12345.6789::numeric as n, 'NaN'::float8 as f,
  'Grüße, 世界 😀' as t, null::text as nothing, '\\x00ff10'::bytea as b, true as yes, date '2026-02-28' as d,
  timestamptz '2026-07-01 12:34:56.789+02' as at, interval '1 day 2 hours' as i, '{"a": [1, null]}'::jsonb as j,
  array[1, null, 3] as a, array['x', 'y,"z'] as ta, '192.0.2.7'::inet as ip, 'shipped'::order_status as e,
  int4range(1, 5) as r, '0b0fe4e0-0000-4000-8000-000000000001'::uuid as u"""
