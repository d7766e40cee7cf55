import os

import pyodbc
from transcript import TABLE, digest, say

e = os.environ
text = "Driver={PostgreSQL Unicode};Server=%s;Port=%s;Uid=%s;Pwd={%s};Database=%s;UseServerSidePrepare=%d;UseDeclareFetch=%d"
for prepare, fetch in ((0, 0), (1, 0), (1, 1)):
    known = (e["PGHOST"], e["PGPORT"], e["PGUSER"], e["PGPASSWORD"], e["PGDATABASE"], prepare, fetch)
    connection = pyodbc.connect(text % known)
    cursor = connection.cursor()
    say("mode", [prepare, fetch])
    say("simple", [tuple(row) for row in cursor.execute("select 1 as one, 'two' as two").fetchall()])
    say("columns", [(column[0], str(column[1])) for column in cursor.description])
    say("parameters", tuple(cursor.execute("select cast(? as int) + 1, cast(? as text)", 41, "O'Reilly").fetchone()))
    for number in range(6):
        row = cursor.execute("select cast(? as int) * 2", number).fetchone()
    say("prepared", tuple(row))
    say("types", tuple(cursor.execute("select 12345.6789::numeric(12,4), 'Grüße 世界', null::text, true, date '2026-02-28', 1.5::float8, '\\x00ff'::bytea").fetchone()))
    say("many rows", digest(cursor.execute("select g, md5(g::text) from generate_series(1, 5000) g")))
    say("tables", sorted(row.table_name for row in cursor.tables(schema="public", tableType="TABLE") if row.table_name.startswith("order")))
    say("catalog columns", [(row.column_name, row.type_name) for row in cursor.columns(table="customers", schema="public")])
    say("primary keys", [row.column_name for row in cursor.primaryKeys("order_items", schema="public")])
    cursor.execute(f"create table {TABLE} (id int primary key, words varchar(40))")
    cursor.executemany(f"insert into {TABLE} values (?, ?)", [(number, f"row {number}") for number in range(300)])
    connection.commit()
    cursor.execute(f"delete from {TABLE}")
    connection.rollback()
    say("transaction", tuple(cursor.execute(f"select count(*) from {TABLE}").fetchone()))
    for sql in ("select 1 / 0", "select * from missing", f"insert into {TABLE} values (1, 'twice')"):
        try:
            cursor.execute(sql)
        except pyodbc.Error as error:
            say("error", error.args[0])
        connection.rollback()
    cursor.execute(f"drop table {TABLE}")
    connection.commit()
    connection.close()
say("closed", True)
