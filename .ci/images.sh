# shellcheck shell=bash
# Images of real PostgreSQL and Redis servers for the tests, made of Debian's packages: no image registry is needed.

IMAGES_DIR=$(cd "$(dirname "${BASH_SOURCE[0]}")/images" && pwd)
RECIPE_LABEL=pgvector-backfill.recipe

# import_debian IMAGE SUITE ENTRYPOINT PACKAGES [docker import options]
# Nothing is built where the image was made by the same recipe before.
import_debian() {
  local image=$1 suite=$2 entrypoint=$3 packages=$4
  shift 4
  local recipe mirror id
  recipe=$(printf '%s\n' "$suite" "$packages" "$@" | cat - "$IMAGES_DIR/$entrypoint" "${BASH_SOURCE[0]}" | sha256sum | cut -c 1-16)
  if [ "$(docker image inspect --format "{{index .Config.Labels \"$RECIPE_LABEL\"}}" "$image" 2> /dev/null)" = "$recipe" ]; then
    echo "$image is there already."
    return 0
  fi
  mirror=$(debian_mirror)
  # A cluster that the package makes at installation would never be used; documentation only takes time to import.
  # The mirror may be a snapshot, whose index is past its date by design.
  # mmdebstrap runs in a session of its own: when it fails it hangs up on its whole process group, this script included.
  # shellcheck disable=SC2016 # "$1" is for the shell of the hook, which gets the folder of the image there
  id=$(as_root setsid --wait mmdebstrap --quiet --mode=root --variant=minbase --format=tar \
    --aptopt='Acquire::Check-Valid-Until "false"' --aptopt='Acquire::Retries "3"' \
    --aptopt='APT::Install-Recommends "false"' --dpkgopt='force-unsafe-io' \
    --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
    --dpkgopt='path-exclude=/usr/share/locale/*' \
    --include="$packages" \
    --customize-hook='rm -rf "$1"/var/lib/postgresql/*/main "$1"/etc/postgresql/*/main' \
    --customize-hook="upload $IMAGES_DIR/$entrypoint /usr/local/bin/entrypoint" \
    --customize-hook='chmod 755 "$1/usr/local/bin/entrypoint"' \
    "$suite" - "deb $mirror $suite main" \
    | docker import --change "LABEL $RECIPE_LABEL=$recipe" --change 'ENTRYPOINT ["/usr/local/bin/entrypoint"]' "$@" -) || return 1
  # The name comes last, so that a half-made image is never taken for the cached one.
  docker tag "$id" "$image"
  echo "$image is made of Debian $suite."
}

import_postgres() {
  local version=$1 suite=$2
  local path=/usr/lib/postgresql/$version/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
  import_debian "pgvector-backfill-test/postgres:$version" "$suite" postgres-entrypoint.sh \
    "postgresql-$version,postgresql-$version-pgvector" \
    --change "ENV PATH=$path PGDATA=/var/lib/postgresql/data LANG=C.UTF-8" \
    --change 'CMD ["postgres"]' --change 'EXPOSE 5432'
}

import_redis() {
  import_debian pgvector-backfill-test/redis:8 forky redis-entrypoint.sh redis-server \
    --change 'WORKDIR /data' --change 'CMD ["redis-server"]' --change 'EXPOSE 6379'
}

# PostgreSQL 18 with the pgvector of today, PostgreSQL 17 with one from before the parallel-build fix (0.8.2), Redis 8.
ensure_images() {
  # The three are independent, and each waits for the network most of its time.
  local pids=() pid failed=0
  retry import_postgres 18 forky & pids+=($!)
  retry import_postgres 17 trixie & pids+=($!)
  retry import_redis & pids+=($!)
  for pid in "${pids[@]}"; do wait "$pid" || failed=1; done
  [ "$failed" = 0 ] || die 'the images of the servers could not be made.'
}
