#!/bin/sh
# pg_dump in three forms and pg_restore into another database; what was restored is dumped again. Dumps are compared by their sums.
set -eu
key=''
pg_dump --help | grep -q -- --restrict-key && key='--restrict-key=countersign'
sum() { sha256sum | cut -c1-32; }
files=$(mktemp -d "$CLIENT_FOLDER/dump-XXXXXX")
trap 'rm -rf "$files"' EXIT
pg_dump --enable-row-security $key > "$files/plain.sql"
echo "plain: $(grep -c . "$files/plain.sql") lines, $(sum < "$files/plain.sql")"
pg_dump --enable-row-security --schema-only $key | sum
pg_dump --enable-row-security --inserts --table=public.products --table=hr.* $key | sum
pg_dump --enable-row-security --format=custom --file="$files/custom" && pg_restore --list "$files/custom" | grep -c 'TABLE DATA'
pg_dump --enable-row-security --format=directory --jobs=3 --file="$files/directory" && ls "$files/directory" | wc -l
pg_dump 2>&1 | tail -2
pg_restore --dbname="$COPY_DATABASE" --no-owner --no-acl "$files/directory" --jobs=2 2>&1 | grep -cE 'error:' || true
pg_dump --enable-row-security --dbname="$COPY_DATABASE" --no-owner --no-acl $key > "$files/again.sql"
echo "again: $(grep -c . "$files/again.sql") lines, $(sum < "$files/again.sql")"
echo done
