#!/bin/sh
# The ordinary role that the proxy logs in as. psql quotes the password itself, whatever is in it.
set -eu
psql --no-psqlrc --set ON_ERROR_STOP=1 --set password="$GATE_PASSWORD" --username "${POSTGRES_USER:-postgres}" --dbname "$POSTGRES_DB" <<'SQL'
create role gate login password :'password';
SQL
