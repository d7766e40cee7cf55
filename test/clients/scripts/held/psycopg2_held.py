import threading

import psycopg2


def soon(action):
    timer = threading.Timer(0.4, action)
    timer.daemon = True
    timer.start()


connection = psycopg2.connect("")
for way in ("simple", "cursor"):
    connection.autocommit = way == "simple"

    def ask(what):
        sql = "select word from held_words where id = %s /* " + f"{what} {way}" + " */"
        with connection.cursor("named" if way == "cursor" else None) as cursor:
            cursor.execute(sql, (1,))
            return cursor.fetchall()

    print(f"{way} approved:", ask("approve")[0][0], flush=True)
    if way == "cursor":
        connection.commit()
    for what in ("deny", "silence", "cancel"):
        try:
            if what == "cancel":
                soon(connection.cancel)
            ask(what)
        except psycopg2.Error as error:
            print(f"{way} {what}:", error.pgcode, error.diag.message_primary, flush=True)
        if way == "cursor":
            connection.rollback()
    with connection.cursor() as cursor:
        cursor.execute("select 1")
        print(f"{way} goes on:", cursor.fetchone()[0], flush=True)
    if way == "cursor":
        connection.commit()
