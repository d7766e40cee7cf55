import psycopg
from transcript import TABLE, TYPES, digest, say, soon

connection = psycopg.connect("", autocommit=True)
for binary in (False, True):
    cursor = connection.cursor(binary=binary)
    say("simple", cursor.execute("select 1 as one, 'two' as two").fetchall())
    say("parameters", cursor.execute("select %s::int + 1, %s::text, %s::text", (41, "O'Reilly \\", None)).fetchall())
    say("types", cursor.execute(TYPES).fetchone())
    say("type oids", [(column.type_code, column.internal_size) for column in cursor.description])
    say("many rows", digest(cursor.execute("select g, md5(g::text) from generate_series(1, 20000) g")))

for number in range(12):
    row = connection.execute("select %s::int * 2, %s::text", (number, str(number)), prepare=number % 2 == 0).fetchone()
say("prepared", row)
say("prepared statements", connection.execute("select count(*) > 0 from pg_prepared_statements").fetchall())

connection.execute(f"create table {TABLE} (id int primary key, words text)")
with connection.cursor() as cursor:
    with cursor.copy(f"copy {TABLE} from stdin (format binary)") as copy:
        copy.set_types(["int4", "text"])
        for number in range(5000):
            copy.write_row((number, f"row {number}"))
    say("copy in", cursor.rowcount)
    with cursor.copy(f"copy (select * from {TABLE} order by id) to stdout") as copy:
        say("copy out", digest(copy.rows()))

with connection.pipeline() as pipeline:
    cursors = [connection.execute("select %s::int", (number,)) for number in range(100)]
    inserted = connection.cursor().executemany(
        f"insert into {TABLE} values (%s, %s)", [(number, "piped") for number in range(10000, 10300)]
    )
    pipeline.sync()
    say("pipeline", [cursor.fetchone()[0] for cursor in cursors])
say("pipeline inserted", connection.execute(f"select count(*) from {TABLE} where words = 'piped'").fetchall())

try:
    with connection.pipeline() as pipeline:
        first = connection.execute("select 1")
        second = connection.execute("select 1 / 0")
        third = connection.execute("select 3")
        pipeline.sync()
except psycopg.Error as error:
    say("error in pipeline", [error.sqlstate, type(error).__name__])
say("after pipeline", connection.execute("select 'well'").fetchall())

with connection.transaction():
    connection.execute(f"update {TABLE} set words = 'changed' where id = 1")
    try:
        with connection.transaction():
            connection.execute(f"delete from {TABLE}")
            raise psycopg.Rollback()
    except psycopg.Error as error:
        say("unexpected", error.sqlstate)
say("transaction", connection.execute(f"select count(*), min(words) from {TABLE} where id = 1").fetchall())

with connection.transaction():
    with connection.cursor("named") as named:
        named.execute(f"select id from {TABLE} order by id")
        say("server-side cursor", [digest(named.fetchmany(777)), digest(named)])

for sql in ["select 1 / 0", "select * from missing", f"insert into {TABLE} values (1, 'twice')"]:
    try:
        connection.execute(sql, prepare=True)
    except psycopg.Error as error:
        say("error", [error.sqlstate, error.diag.message_primary, error.diag.message_detail, error.diag.constraint_name])

soon(connection.cancel)
try:
    connection.execute("select pg_sleep(30)")
except psycopg.Error as error:
    say("cancel", error.sqlstate)

notices = []
connection.add_notice_handler(lambda notice: notices.append((notice.severity, notice.message_primary)))
connection.execute("do $$ begin raise notice 'hello %', 7; raise warning 'careful'; end $$")
say("notices", notices)
connection.execute(f"listen {TABLE}")
with psycopg.connect("", autocommit=True) as other:
    other.execute("select pg_notify(%s, %s)", (TABLE, "wörd"))
event = next(connection.notifies())
say("notify", [event.channel, event.payload])
connection.execute(f"drop table {TABLE}")
connection.close()
say("closed", connection.closed)
