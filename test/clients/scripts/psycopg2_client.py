import io
import select

import psycopg2
import psycopg2.extensions
from transcript import TABLE, TYPES, digest, say, soon

connection = psycopg2.connect("")
say("encoding", connection.encoding)
say("server", connection.server_version // 10000)
cursor = connection.cursor()

cursor.execute("select 1 as one, 'two' as two")
say("simple", [cursor.fetchall(), [column.name for column in cursor.description]])
cursor.execute("select %s::int + 1, %s, %s", (41, "O'Reilly \\ %", None))
say("parameters", cursor.fetchall())
cursor.execute(TYPES)
say("types", cursor.fetchone())
say("type oids", [column.type_code for column in cursor.description])
cursor.execute("select 1; select 2; select 3")
say("several statements", cursor.fetchall())
cursor.execute("select g, md5(g::text) from generate_series(1, 50000) g")
say("many rows", digest(cursor))
connection.commit()

cursor.execute(f"create table {TABLE} (id int primary key, words text)")
cursor.copy_expert(f"copy {TABLE} from stdin", io.StringIO("".join(f"{n}\trow {n}\n" for n in range(20000))))
say("copy in", cursor.rowcount)
out = io.BytesIO()
cursor.copy_expert(f"copy (select * from {TABLE} order by id) to stdout with (format csv)", out)
say("copy out", digest(out.getvalue().splitlines()))
out = io.BytesIO()
cursor.copy_expert(f"copy (select * from {TABLE} order by id limit 5) to stdout with (format binary)", out)
say("copy out binary", out.getvalue())
connection.commit()
try:
    cursor.copy_expert(f"copy {TABLE} from stdin", io.StringIO("not a number\tx\n"))
except psycopg2.Error as error:
    say("copy error", [error.pgcode, error.diag.message_primary, error.diag.context])
    connection.rollback()

named = connection.cursor("named")
named.itersize = 700
named.execute(f"select id from {TABLE} order by id")
say("server-side cursor", digest(named))
named.close()
connection.commit()

cursor.execute("prepare sums(int) as select $1 + 1")
for number in range(3):
    cursor.execute("execute sums(%s)", (number,))
say("prepared in SQL", cursor.fetchall())
connection.commit()

for sql in ["select 1 / 0", "select * from missing", "selec", f"insert into {TABLE} values (1, 'twice')"]:
    try:
        cursor.execute(sql)
    except psycopg2.Error as error:
        say("error", [error.pgcode, error.diag.message_primary, error.diag.message_detail, error.diag.statement_position])
        try:
            cursor.execute("select 1")
        except psycopg2.Error as second:
            say("in failed transaction", second.pgcode)
        connection.rollback()

cursor.execute(f"update {TABLE} set words = 'changed' where id = 1")
cursor.execute("savepoint a")
cursor.execute(f"delete from {TABLE}")
say("deleted", cursor.rowcount)
cursor.execute("rollback to a")
connection.commit()
cursor.execute(f"select count(*), min(words) from {TABLE} where id = 1 or id > 100")
say("transaction", cursor.fetchall())
connection.rollback()

soon(connection.cancel)
try:
    cursor.execute("select pg_sleep(30)")
except psycopg2.Error as error:
    say("cancel", error.pgcode)
connection.rollback()

connection.set_isolation_level(psycopg2.extensions.ISOLATION_LEVEL_AUTOCOMMIT)
cursor.execute("do $$ begin raise notice 'hello %', 7; raise warning 'careful'; end $$")
say("notices", connection.notices)
cursor.execute(f"listen {TABLE}")
other = psycopg2.connect("")
other.autocommit = True
other.cursor().execute("select pg_notify(%s, %s)", (TABLE, "wörd"))
while not connection.notifies:
    select.select([connection], [], [], 10)
    connection.poll()
say("notify", [(event.channel, event.payload) for event in connection.notifies])
other.close()

cursor.execute("set application_name = 'renamed'; set datestyle = 'German'; set timezone = 'Asia/Tokyo'")
cursor.execute("select timestamptz '2026-01-01 00:00+00'::text, current_setting('application_name')")
say("settings", [cursor.fetchall(), connection.get_parameter_status("TimeZone"), connection.get_parameter_status("DateStyle")])
cursor.execute("discard all")
cursor.execute("show timezone")
say("discard", cursor.fetchall())
cursor.execute(f"drop table {TABLE}")
connection.close()
say("closed", connection.closed)
