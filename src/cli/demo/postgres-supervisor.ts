// The shell script that stands between us and the embedded Postgres, so that the server never outlives us.
// It holds the read end of a pipe whose other end is ours: whatever ends our process (stop, Ctrl-C, a crash, kill -9), the pipe
// closes, and the script shuts the server down and removes its files. There is one way down and everybody takes it.

/**
 * Arguments: base folder (removed at the end), data folder, bin folder, and then what postgres gets. Base holds `password` (used when the cluster is new) and `files/` (laid over the
 * cluster before each start).
 */
export const supervisorScript = `
umask 077
base=$1 data=$2 bin=$3
shift 3
echo $$ > "$base/supervisor.pid"
exec 3<&0 < /dev/null
child= asked=0

# First a fast shutdown; after ten askings an immediate one; after fifteen, kill. The watcher asks once a second.
stop() {
  asked=$((asked + 1)) signal=INT
  [ $asked -gt 10 ] && signal=QUIT
  [ $asked -gt 15 ] && signal=KILL
  [ -n "$child" ] && kill -$signal "$child" 2> /dev/null
}
trap stop INT TERM HUP

# A trapped signal ends "wait" early, so it is repeated while the child is there.
run() {
  [ $asked -gt 0 ] && return 1
  "$@" 3<&- > /dev/null &
  child=$!
  while :; do
    wait "$child"
    code=$?
    kill -0 "$child" 2> /dev/null || break
  done
  child=
  return $code
}

# Who may enter the base folder may connect by the socket in it without a password; over the network it is SCRAM.
prepare() {
  [ -s "$data/PG_VERSION" ] && return 0
  run "$bin/initdb" -D "$data" -U postgres --auth-host=scram-sha-256 --auth-local=trust --pwfile="$base/password" \\
    --no-sync --locale=C --encoding=UTF8
}

overlay() {
  for file in "$base"/files/*; do
    [ -e "$file" ] && { cp "$file" "$data/" || return 1; }
  done
  return 0
}

(
  exec 2> /dev/null
  trap 'kill $pause; exit' TERM
  read -r line <&3
  while kill -TERM $$; do
    sleep 1 &
    pause=$!
    wait $pause
  done
) > /dev/null &
watcher=$!

prepare && overlay && run "$bin/postgres" -D "$data" "$@"
code=$?
rm -rf "$base"
kill $watcher 2> /dev/null
exit $code
`;
