# For scripts to source: debian_packages NAME... installs what is missing of some packages, or says what is and ends.
debian_packages() {
  dpkg --status "$@" >/dev/null 2>&1 && return
  if command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
    apt-get update -qq
    apt-get install -y -qq --no-install-recommends "$@" >/dev/null
  else
    echo "missing: some of the Debian packages $*" >&2
    exit 3
  fi
}
