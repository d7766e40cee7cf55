import asyncio
import io

import asyncpg
from transcript import TABLE, TYPES, digest, say


async def main():
    connection = await asyncpg.connect()
    say("server", connection.get_server_version().major)
    say("simple", [tuple(row) for row in await connection.fetch("select 1 as one, 'two' as two")])
    say("parameters", tuple(await connection.fetchrow("select $1::int + 1, $2::text, $3::text", 41, "O'Reilly \\", None)))
    say("types", tuple(await connection.fetchrow(TYPES)))
    say("script", await connection.execute("select 1; select 2"))
    say("many rows", digest(await connection.fetch("select g, md5(g::text) from generate_series(1, 30000) g")))
    statement = await connection.prepare("select c.status, count(*) from orders c where c.id <= $1 group by 1 order by 1")
    say("statement", [str(statement.get_parameters()), str([column.name for column in statement.get_attributes()])])
    for number in (10, 100, 1000):
        say("prepared", [tuple(row) for row in await statement.fetch(number)])
    say("composite", str(await connection.fetchval("select c from categories c order by id limit 1")))
    say("composite array", str(await connection.fetchval("select array_agg(c order by id) from categories c where id < 3")))

    await connection.execute(f"create table {TABLE} (id int primary key, words text)")
    records = [(number, f"row {number}") for number in range(8000)]
    say("copy in", await connection.copy_records_to_table(TABLE, records=records))
    out = io.BytesIO()
    say("copy out", await connection.copy_from_query(f"select * from {TABLE} where id < $1 order by id", 500, output=out))
    say("copied", digest(out.getvalue().splitlines()))
    await connection.executemany(f"insert into {TABLE} values ($1, $2)", [(n, "many") for n in range(20000, 20500)])
    say("executemany", await connection.fetchval(f"select count(*) from {TABLE}"))
    try:
        await connection.executemany(f"insert into {TABLE} values ($1, $2)", [(30000, "a"), (1, "twice"), (30001, "b")])
    except asyncpg.PostgresError as error:
        say("executemany error", [error.sqlstate, error.detail])
    say("executemany undone", await connection.fetchval(f"select count(*) from {TABLE} where id >= 30000"))

    async with connection.transaction():
        cursor = await connection.cursor(f"select id from {TABLE} order by id")
        say("cursor", [digest(await cursor.fetch(100)), await cursor.forward(50), digest(await cursor.fetch(5))])
        try:
            async with connection.transaction():
                await connection.execute(f"delete from {TABLE}")
                await connection.execute("select 1 / 0")
        except asyncpg.PostgresError as error:
            say("savepoint", error.sqlstate)
    say("transaction", await connection.fetchval(f"select count(*) from {TABLE}"))

    for sql in ["select 1 / 0", "select * from missing", "selec"]:
        try:
            await connection.fetch(sql)
        except asyncpg.PostgresError as error:
            say("error", [error.sqlstate, str(error), error.position])

    try:
        await connection.fetch("select pg_sleep(30)", timeout=0.4)
    except asyncio.TimeoutError:
        say("cancel by time-out", await connection.fetchval("select 'still well'"))

    logged = []
    connection.add_log_listener(lambda _, message: logged.append((message.severity, message.message)))
    await connection.execute("do $$ begin raise notice 'hello %', 7; raise warning 'careful'; end $$")
    heard = asyncio.get_running_loop().create_future()
    await connection.add_listener(TABLE, lambda *event: heard.set_result((event[2], event[3])))
    other = await asyncpg.connect()
    await other.execute("select pg_notify($1, $2)", TABLE, "wörd")
    say("notify", await asyncio.wait_for(heard, 10))
    say("notices", logged)
    await other.close()
    await connection.execute(f"drop table {TABLE}")
    await connection.reset()
    await connection.close()
    pool = await asyncpg.create_pool(min_size=2, max_size=4)
    say("pool", await asyncio.gather(*(pool.fetchval("select $1::int", number) for number in range(12))))
    await pool.close()
    say("closed", connection.is_closed())


asyncio.run(main())
