# psql as people use it: its own interrupt is what cancels.
ask() { echo "select word from held_words where id = 1 /* $1 $2 */;"; }
say() { sed -n "s/^.*ERROR:  \([0-9A-Z]*\): \(.*\)$/\1 \2/p" | sed "s/^/$1: /"; }

printf 'simple approved: '
psql -X -At -c "$(ask approve simple)" 2> /dev/null
psql -X -At -v VERBOSITY=verbose -c "$(ask deny simple)" 2>&1 | say 'simple deny'
psql -X -At -v VERBOSITY=verbose -c "$(ask silence simple)" 2>&1 | say 'simple silence'
timeout -s INT 0.6 psql -X -At -v VERBOSITY=verbose -c "$(ask cancel simple)" 2>&1 | say 'simple cancel'
printf 'simple goes on: '
printf '%s\nselect 1;\n' "$(ask deny again)" | psql -X -At 2> /dev/null
printf 'script approved: '
{ echo 'begin;'; ask approve script; echo 'commit;'; } | psql -X -Atq 2> /dev/null
{ echo 'begin;'; ask deny script; } | psql -X -Atq -v VERBOSITY=verbose 2>&1 | say 'script deny'
{ echo 'begin;'; ask silence script; } | psql -X -Atq -v VERBOSITY=verbose 2>&1 | say 'script silence'
{ echo 'begin;'; ask cancel script; } > "$HOME/cancel.sql"
timeout -s INT 0.6 psql -X -Atq -v VERBOSITY=verbose -f "$HOME/cancel.sql" 2>&1 | say 'script cancel'
printf 'script goes on: '
{ echo 'begin;'; ask deny transaction; echo 'rollback;'; echo 'select 1;'; } | psql -X -Atq 2> /dev/null
