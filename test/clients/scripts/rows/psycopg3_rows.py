import hashlib
import os

import psycopg

counted = "select * from people where id > 0 order by id"
masked = "select * from patients where id > 0 order by id"


def fetched(cursor):
    rows = cursor.fetchall()
    return [cursor.pgresult.fformat(0)] + rows


def in_pieces(sql, word, got, binary=False):
    """A cursor on the server, forty rows at a time."""
    with connection.transaction(), connection.cursor(word, binary=binary) as cursor:
        cursor.execute(sql)
        while rows := cursor.fetchmany(40):
            got += rows


def copied(sql, got, kind=None):
    with connection.cursor() as cursor, cursor.copy(f"copy ({sql}) to stdout {kind or ''}") as copy:
        if kind is not None:
            copy.set_types(types)
        for row in copy.rows():
            # The words of a memoryview are where it lies in memory.
            got.append(tuple(bytes(value) if isinstance(value, memoryview) else value for value in row))


def pipelined(sql, got):
    with connection.pipeline(), connection.cursor() as cursor, connection.cursor() as behind:
        cursor.execute(sql)
        behind.execute("select 2")
        got += cursor.fetchall()
        got += behind.fetchall()


def ask(way, word, sql, got):
    sql += f" /* {word} {way} */"
    with_parameter = sql.replace("id > 0", "id > %s")
    if way == "simple":
        got += fetched(connection.execute(sql))
    elif way == "extended":
        got += fetched(connection.execute(with_parameter, (0,), prepare=False))
    elif way == "prepared":
        got += fetched(connection.execute(with_parameter, (0,), prepare=True))
    elif way == "binary":
        got += fetched(connection.execute(with_parameter, (0,), prepare=True, binary=True))
    elif way == "stream":
        with connection.cursor() as cursor:
            for row in cursor.stream(with_parameter, (0,)):
                got.append(row)
    elif way == "cursor":
        in_pieces(sql, f"{word} {way}", got)
    elif way == "binary-cursor":
        in_pieces(sql, f"{word} {way}", got, binary=True)
    elif way == "pipeline":
        pipelined(sql, got)
    elif way == "copy":
        copied(sql, got)
    else:
        copied(sql.replace("patients", os.environ["BINARY_COPY_OF"]), got, "(format binary)")


def told(error):
    return f"{error.sqlstate} {error.diag.message_primary}"


def connected():
    """Where what was sent behind a stopped result cannot be taken back, the session is over."""
    return psycopg.connect("", autocommit=True) if connection.closed else connection


connection = psycopg.connect("", autocommit=True)
described = connection.execute("select * from people limit 0").description
types = [column.type_code for column in described]
all_ways = ["simple", "extended", "prepared", "binary", "stream", "cursor", "binary-cursor", "pipeline", "copy", "binary-copy"]

for way in all_ways:
    got = []
    ask(way, "approve", counted, got)
    print(f"{way} approved: {len(got)}, {hashlib.sha256(repr(got).encode()).hexdigest()}", flush=True)
    got = []
    try:
        ask(way, "deny", counted, got)
        print(f"{way} denied: nothing", flush=True)
    except psycopg.Error as error:
        print(f"{way} denied: after {len(got)}: {told(error)}", flush=True)
    print(f"{way} is closed: {connection.closed}", flush=True)
    connection = connected()
    print(f"{way} goes on:", connection.execute("select 1").fetchone()[0], flush=True)

described = connection.execute("select * from patients limit 0").description
types = [column.type_code for column in described]
for way in all_ways:
    got = []
    try:
        ask(way, "mask", masked, got)
    except psycopg.Error as error:
        print(f"{way} masked: {told(error)}", flush=True)
    for row in got:
        print(f"{way} masked: {row!r}", flush=True)
