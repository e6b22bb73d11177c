#!/bin/bash
# Starts PostgreSQL the way the public image does, for what the tests use of it: POSTGRES_USER, POSTGRES_PASSWORD,
# POSTGRES_DB, PGDATA, and arguments of `postgres` after the command.
set -euo pipefail

if [ $# -eq 0 ] || [ "${1#-}" != "$1" ]; then set -- postgres "$@"; fi
if [ "$1" != postgres ]; then exec "$@"; fi

if [ "$(id -u)" = 0 ]; then
  mkdir -p "$PGDATA" /var/run/postgresql
  chown -R postgres:postgres "$PGDATA" /var/run/postgresql
  chmod 700 "$PGDATA"
  exec setpriv --reuid=postgres --regid=postgres --init-groups "$0" "$@"
fi

user=${POSTGRES_USER:-postgres}
database=${POSTGRES_DB:-$user}

if [ ! -s "$PGDATA/PG_VERSION" ]; then
  if [ -z "${POSTGRES_PASSWORD:-}" ]; then
    echo 'POSTGRES_PASSWORD must be set.' >&2
    exit 1
  fi
  # No sync: what a killed first start leaves behind is thrown away with the container.
  initdb --no-sync --username="$user" --pwfile=<(printf '%s\n' "$POSTGRES_PASSWORD") \
    --auth-local=trust --auth-host=scram-sha-256 --encoding=UTF8
  echo 'host all all all scram-sha-256' >> "$PGDATA/pg_hba.conf"
  echo "listen_addresses = '*'" >> "$PGDATA/postgresql.conf"

  # A first server on the socket only, as in the public image: wait strategies that count two "ready" lines hold.
  pg_ctl --wait --options="-c listen_addresses=''" start
  if [ "$database" != postgres ]; then
    printf 'CREATE DATABASE :"name";\n' |
      psql --no-psqlrc --quiet --set=ON_ERROR_STOP=1 --set=name="$database" --username="$user" --dbname=postgres
  fi
  pg_ctl --wait --mode=fast stop
fi

exec "$@"
