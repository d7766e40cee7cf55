# Django's inspectdb, as somebody does who puts an application in front of a database that is there.
import os
import django
from django.conf import settings
from django.core.management import call_command

settings.configure(
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "HOST": os.environ["PGHOST"],
            "PORT": os.environ["PGPORT"],
            "NAME": os.environ["PGDATABASE"],
            "USER": os.environ["PGUSER"],
            "PASSWORD": os.environ["PGPASSWORD"],
        }
    },
    INSTALLED_APPS=["django.contrib.postgres"],
)
django.setup()
call_command("inspectdb", "--include-views", "--include-partitions")
from django.db import connection

with connection.cursor() as cursor:
    for table in connection.introspection.table_names(cursor, include_views=True):
        print(table, len(connection.introspection.get_constraints(cursor, table)))
        print(connection.introspection.get_relations(cursor, table))
        print(len(connection.introspection.get_sequences(cursor, table)))
