import threading

import psycopg


def soon(action):
    timer = threading.Timer(0.4, action)
    timer.daemon = True
    timer.start()


def told(error):
    return f"{error.sqlstate} {error.diag.message_primary}"


connection = psycopg.connect("", autocommit=True)
for way in ("simple", "extended", "prepared", "binary", "cursor"):

    def ask(what):
        sql = f"select word from held_words where id = 1 /* {what} {way} */"
        if way == "simple":
            return connection.execute(sql).fetchall()
        if way == "cursor":
            with connection.transaction(), connection.cursor("named") as named:
                return named.execute(sql).fetchall()
        parameters = sql.replace("id = 1", "id = %s")
        return connection.execute(parameters, (1,), prepare=way == "prepared", binary=way == "binary").fetchall()

    print(f"{way} approved:", ask("approve")[0][0], flush=True)
    for what in ("deny", "silence", "cancel"):
        try:
            if what == "cancel":
                soon(connection.cancel)
            ask(what)
        except psycopg.Error as error:
            print(f"{way} {what}:", told(error), flush=True)
    print(f"{way} goes on:", connection.execute("select 1").fetchone()[0], flush=True)
