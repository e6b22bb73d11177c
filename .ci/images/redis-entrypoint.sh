#!/bin/bash
# Starts Redis the way the public image does: as user redis, in /data, reachable from outside the container.
set -euo pipefail

if [ $# -eq 0 ] || [ "${1#-}" != "$1" ]; then set -- redis-server "$@"; fi
if [ "$1" != redis-server ]; then exec "$@"; fi

# At the end, where it may follow a configuration file as well as options.
set -- "$@" --protected-mode no

if [ "$(id -u)" = 0 ]; then
  chown redis:redis .
  exec setpriv --reuid=redis --regid=redis --init-groups "$@"
fi
exec "$@"
