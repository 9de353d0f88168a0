# Makes a PostgreSQL cluster in a temporary folder, keeps it while tests use it, then stops it and removes it.
# A test that uses it holds a shared lock on the file USERS; a test that starts it holds START.
# Usage: sh cluster.sh BIN FOLDER PORT USERS START RUNNING FSYNC
set -eu
bin=$1 folder=$2 port=$3 users=$4 start=$5 running=$6 fsync=$7
cd /
umask 022

# PostgreSQL refuses to run as root. It ends with this script, however the script ends. Replaces the shell.
run() {
  if [ "$(id -u)" -eq 0 ]; then
    user=postgres
    id "$user" >/dev/null 2>&1 || user=nobody
    chown "$user" "$folder"
    exec setpriv --reuid="$(id -u "$user")" --regid="$(id -g "$user")" --clear-groups --pdeathsig INT "$@"
  else
    exec setpriv --pdeathsig INT "$@"
  fi
}

(run "$bin/initdb" -D "$folder/data" -U stempel -A trust -E UTF8 --locale=C.UTF-8 \
  --locale-provider=icu --icu-locale=en-US --no-sync)
run "$bin/postgres" -D "$folder/data" -p "$port" -c listen_addresses=127.0.0.1 -c unix_socket_directories= \
  -c fsync="$fsync" -c full_page_writes="$fsync" -c shared_buffers=128MB -c max_connections=200 -c log_min_messages=fatal &
server=$!

stop() {
  rm -f "$running"
  kill -INT "$server" 2>/dev/null || true
  wait "$server" || true
  rm -rf "$folder"
}
trap stop EXIT
trap 'exit 1' INT TERM HUP

# Five seconds without a user end it; so do twenty minutes, whoever uses it.
idle=0 left=2400
while [ "$left" -gt 0 ] && kill -0 "$server" 2>/dev/null; do
  sleep 0.5
  left=$((left - 1))
  if flock -n -x "$users" true; then idle=$((idle + 1)); else idle=0; fi
  if [ "$idle" -ge 10 ]; then
    exec 9>"$start"
    flock -x 9
    # Nobody can begin to use it now; whoever has done so meanwhile keeps it.
    if flock -n -x "$users" true; then break; fi
    exec 9>&-
    idle=0
  fi
done
