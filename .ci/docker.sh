# shellcheck shell=bash
# A Docker daemon for testcontainers: the one that runs, or one that is installed and started here.

# Outside the checkout, so that a second run of the same machine finds it.
CI_STATE=${CI_STATE:-/tmp/pgvector-backfill-ci}

docker_answers() { docker version --format '{{.Server.Version}}' > /dev/null 2>&1; }

start_dockerd() {
  local waited
  as_root setsid dockerd "$@" < /dev/null > "$CI_STATE/dockerd.log" 2>&1 &
  local pid=$!
  for ((waited = 0; waited < 60; waited++)); do
    if docker_answers; then return 0; fi
    if ! kill -0 "$pid" 2> /dev/null; then break; fi
    sleep 0.5
  done
  kill "$pid" 2> /dev/null || true
  wait "$pid" 2> /dev/null || true
  return 1
}

ensure_docker() {
  mkdir -p "$CI_STATE"
  if docker_answers; then
    echo 'A Docker daemon answers already.'
    return 0
  fi
  apt_install docker.io iptables
  hash -r
  if start_dockerd; then return 0; fi
  # A kernel without nftables refuses the default iptables; one without overlay support needs copies.
  as_root update-alternatives --set iptables /usr/sbin/iptables-legacy > /dev/null
  if start_dockerd; then return 0; fi
  if start_dockerd --storage-driver=vfs; then return 0; fi
  tail -n 40 "$CI_STATE/dockerd.log" >&2
  die 'dockerd does not start.'
}
