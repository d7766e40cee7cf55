#!/bin/sh
# pgbench in its three ways of asking, with one client (the same random numbers each time: the sums must be equal) and with eight.
set -eu
counts() { grep -E 'actually processed|failed transactions|^query mode' | sed 's/ (.*//'; }
pgbench --initialize --scale=1 --quiet 2>&1 | grep -oE 'creating tables|vacuuming|creating primary keys'
for mode in simple extended prepared; do
  pgbench --no-vacuum --random-seed=7 --protocol=$mode --client=1 --transactions=150 2>&1 | counts
  psql -XAt -c 'select sum(abalance), sum(abalance * aid) from pgbench_accounts' -c 'select count(*), sum(delta) from pgbench_history'
  pgbench --no-vacuum --select-only --protocol=$mode --client=8 --jobs=2 --transactions=100 2>&1 | counts
done
printf '\\startpipeline\nselect 1;\nselect abalance from pgbench_accounts where aid = 7;\n\\endpipeline\n' > "$CLIENT_FOLDER/pipeline.sql"
pgbench --no-vacuum --protocol=extended --client=2 --transactions=50 --file="$CLIENT_FOLDER/pipeline.sql" 2>&1 | counts
pgbench --no-vacuum --select-only --connect --client=4 --transactions=10 2>&1 | counts
psql -XAt -c 'drop table pgbench_accounts, pgbench_branches, pgbench_tellers, pgbench_history'
echo done
