import csv
import hashlib
import io

import psycopg2

counted = "select * from people where id > 0 order by id"
masked = "select * from patients where id > 0 order by id"


def in_pieces(sql, word, got):
    """A cursor on the server, forty rows at a time."""
    connection.autocommit = False
    try:
        with connection, connection.cursor(word) as cursor:
            cursor.execute(sql)
            while rows := cursor.fetchmany(40):
                got += plain(rows)
    finally:
        connection.autocommit = True


def plain(rows):
    """Bytes as bytes: the words of a memoryview are where it lies in memory."""
    return [tuple(bytes(value) if isinstance(value, memoryview) else value for value in row) for row in rows]


class Lines(io.StringIO):
    def __init__(self, got):
        super().__init__()
        self.got = got

    def write(self, text):
        self.got += text.splitlines()


def ask(way, word, sql, got):
    sql += f" /* {word} {way} */"
    if way == "cursor":
        return in_pieces(sql, f"{word} {way}", got)
    with connection.cursor() as cursor:
        if way == "simple":
            cursor.execute(sql.replace("id > 0", "id > %s"), (0,))
            got += plain(cursor.fetchall())
        elif way == "copy":
            cursor.copy_expert(f"copy ({sql}) to stdout", Lines(got))
        else:
            lines = []
            try:
                cursor.copy_expert(f"copy ({sql}) to stdout with (format csv)", Lines(lines))
            finally:
                # Whether a value stands in quotes means nothing.
                got += csv.reader(lines)


connection = psycopg2.connect("")
connection.autocommit = True
all_ways = ["simple", "cursor", "copy", "csv"]

for way in all_ways:
    got = []
    ask(way, "approve", counted, got)
    print(f"{way} approved: {len(got)}, {hashlib.sha256(repr(got).encode()).hexdigest()}", flush=True)
    got = []
    try:
        ask(way, "deny", counted, got)
        print(f"{way} denied: nothing", flush=True)
    except psycopg2.Error as error:
        print(f"{way} denied: after {len(got)}: {error.pgcode} {error.diag.message_primary}", flush=True)
    with connection.cursor() as cursor:
        cursor.execute("select 1")
        print(f"{way} goes on:", cursor.fetchone()[0], flush=True)

for way in all_ways:
    got = []
    try:
        ask(way, "mask", masked, got)
    except psycopg2.Error as error:
        print(f"{way} masked: {error.pgcode} {error.diag.message_primary}", flush=True)
    for row in got:
        print(f"{way} masked: {row!r}", flush=True)
