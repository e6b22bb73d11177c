# shellcheck shell=bash
# Helpers that the scripts of this folder source.

say() { printf '\n== %s (%d s)\n' "$*" "$SECONDS"; }
die() {
  printf 'ci: %s\n' "$*" >&2
  exit 1
}

# Package mirrors and registries have bad minutes; a test never goes through this.
retry() {
  local attempt
  for attempt in 1 2 3; do
    if "$@"; then return 0; fi
    printf 'ci: attempt %d failed: %s\n' "$attempt" "$*" >&2
    if [ "$attempt" -lt 3 ]; then sleep $((attempt * 5)); fi
  done
  return 1
}

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

APT_LISTS_READ=

# Installs what is missing of the named packages.
apt_install() {
  local package missing=()
  for package in "$@"; do
    dpkg-query --show --showformat='${db:Status-Status}' "$package" 2> /dev/null | grep -qx installed || missing+=("$package")
  done
  if [ ${#missing[@]} -eq 0 ]; then return 0; fi
  if [ -z "$APT_LISTS_READ" ]; then
    retry as_root apt-get update -qq || die 'apt-get update failed three times.'
    APT_LISTS_READ=1
  fi
  retry as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
    -o DPkg::Lock::Timeout=120 "${missing[@]}" > /dev/null \
    || die "could not install ${missing[*]}."
}

# without_services COMMAND…: what is installed meanwhile starts no service. Debian's packages of servers start theirs, and
# nginx would take port 80 of the machine.
POLICY=/usr/sbin/policy-rc.d
without_services() {
  local status=0
  if [ -e "$POLICY" ]; then
    "$@"
    return
  fi
  printf '#!/bin/sh\nexit 101\n' | as_root tee "$POLICY" > /dev/null
  as_root chmod 755 "$POLICY"
  # In a shell of its own, as `die` would leave the policy behind.
  ("$@") || status=$?
  as_root rm -f "$POLICY"
  return "$status"
}

# The Debian mirror that this machine uses; both formats of apt's source lists.
debian_mirror() {
  local mirror
  mirror=$(grep -hE '^(URIs:|deb )' /etc/apt/sources.list /etc/apt/sources.list.d/* 2> /dev/null \
    | grep -oE '[a-z]+://[^ ]+/debian/?( |$)' | head -n 1 || true)
  mirror=${mirror%% *}
  [ -n "$mirror" ] || die 'no Debian mirror in the source lists of apt.'
  printf '%s\n' "${mirror%/}"
}
