# Runs PostgreSQL for as long as standard input stays open, then leaves nothing behind.
#
# $1 folder of the programs   $2 folder that holds (or gets) the data folder
# $3 folder of this run: socket and log, removed at the end   $4 signal that stops the server
#
# Standard output is the lock of a kept folder, held until this script ends; standard error the log.

# Only the end of standard input stops it, not a Ctrl-C or a closed terminal.
trap '' HUP INT TERM

exec 3<&0 </dev/null

if [ ! -e "$2/data/PG_VERSION" ]; then
    # Made beside and moved, so that a half-made cluster is never taken for a whole one.
    rm -rf "$2/data" "$2/data.new"
    if ! "$1/initdb" --no-sync --locale=C.UTF-8 --encoding=UTF8 -A trust -U idp \
        -D "$2/data.new" >&2 3<&- || ! mv "$2/data.new" "$2/data"; then
        rm -rf "$3"
        exit 1
    fi
fi

"$1/postgres" -D "$2/data" \
    -c listen_addresses= -c unix_socket_directories="$3" -c unix_socket_permissions=0700 \
    -c port=5432 -c max_connections=200 -c shared_buffers=32MB -c timezone=UTC -c jit=off \
    -c fsync=off -c synchronous_commit=off -c full_page_writes=off \
    -c wal_level=minimal -c max_wal_senders=0 >&2 3<&- &
postgres=$!

# Repeated: a signal that comes before postgres has its handlers is lost (an asynchronous command
# of a shell starts with SIGINT and SIGQUIT ignored).
{
    read -r _ <&3
    while kill -s "$4" "$postgres"; do sleep 1; done
} >/dev/null 2>&1 &
guard=$!

wait "$postgres"
kill -s KILL "$guard"
rm -rf "$3"
