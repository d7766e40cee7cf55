# SQLAlchemy's reflection: every schema with everything the inspector knows, and MetaData.reflect.
import os
from sqlalchemy import MetaData, create_engine, inspect

engine = create_engine(
    f"postgresql+psycopg2://{os.environ['PGUSER']}:{os.environ['PGPASSWORD'].replace(' ', '%20')}@"
    f"{os.environ['PGHOST']}:{os.environ['PGPORT']}/{os.environ['PGDATABASE']}"
)
inspector = inspect(engine)
for schema in inspector.get_schema_names():
    print(schema, len(inspector.get_sequence_names(schema)) if hasattr(inspector, "get_sequence_names") else "")
    print(len(inspector.get_enums(schema)), inspector.get_foreign_table_names(schema))
    for view in inspector.get_view_names(schema):
        print("view", view, len(inspector.get_columns(view, schema)), inspector.get_view_definition(view, schema) is not None)
    for table in inspector.get_table_names(schema):
        print(
            table,
            len(inspector.get_columns(table, schema)),
            inspector.get_pk_constraint(table, schema)["constrained_columns"],
            len(inspector.get_foreign_keys(table, schema)),
            len(inspector.get_indexes(table, schema)),
            len(inspector.get_unique_constraints(table, schema)),
            len(inspector.get_check_constraints(table, schema)),
            inspector.get_table_comment(table, schema)["text"] is not None,
            inspector.has_table(table, schema),
        )
    metadata = MetaData(schema=schema)
    if schema != "information_schema":
        metadata.reflect(engine, views=True)
    print(len(metadata.tables))
