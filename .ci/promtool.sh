# shellcheck shell=bash
# promtool, Prometheus' own check of alert rules, out of its Debian package: the server beside it is not wanted.

# Sets PROMTOOL_PATH.
ensure_promtool() {
  local folder=$CI_STATE/promtool
  PROMTOOL_PATH=$(command -v promtool || true)
  if [ -z "$PROMTOOL_PATH" ]; then
    PROMTOOL_PATH=$folder/usr/bin/promtool
    [ -x "$PROMTOOL_PATH" ] || download_promtool "$folder" || die 'promtool could not be had.'
  fi
  export PROMTOOL_PATH
}

download_promtool() (
  mkdir -p "$1"
  cd "$1" || return 1
  # As any user: apt's own for downloads may not write here, and says so.
  retry apt-get download -qq prometheus 2> /dev/null \
    || { retry as_root apt-get update -qq && retry apt-get download -qq prometheus; } || return 1
  dpkg-deb --fsys-tarfile prometheus_*.deb | tar --extract ./usr/bin/promtool && rm prometheus_*.deb
)
