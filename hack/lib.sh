# What the scripts of this directory share: places, versions, and how a tool is looked for. To be sourced.
# shellcheck shell=bash

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
tools=$root/.tools
# Outside the checkout, so that fresh clones find what took minutes to get.
cache=${XDG_CACHE_HOME:-$HOME/.cache}/smith-tools

nextest_version=0.9.151
nextest_least=0.9.130
etcd_least=3.4

say() { printf '%s: %s\n' "$(basename "$0")" "$*" >&2; }
die() {
	say "$*"
	exit 1
}

# at_least VERSION LEAST: compares dotted numbers.
at_least() { [[ $(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n 1) == "$2" ]]; }

# put FILE DESTINATION: others may be running the file that is there, so it is replaced by a rename.
put() {
	mkdir -p "$(dirname "$2")"
	cp "$1" "$2.new.$$"
	mv -f "$2.new.$$" "$2"
}

# Each prints a version, or nothing where the program isn't one or doesn't start here.
etcd_version() { "$1" --version 2>/dev/null | sed -n 's/^etcd Version: *//p'; }
nextest_version_of() { "$1" --version 2>/dev/null | sed -n '1s/^cargo-nextest \([0-9.]*\).*/\1/p'; }
protoc_version() { "$1" --version 2>/dev/null | sed -n 's/^libprotoc *//p'; }

# good_etcd PATH: an etcd that starts and is new enough.
good_etcd() {
	local version
	version=$(etcd_version "$1") && [[ -n $version ]] && at_least "$version" "$etcd_least"
}
good_nextest() {
	local version
	version=$(nextest_version_of "$1") && [[ -n $version ]] && at_least "$version" "$nextest_least"
}

# The etcd to use: the one that ETCD names, else the one on PATH, else the one that `make tools` got.
find_etcd() {
	if [[ -n ${ETCD:-} ]]; then
		good_etcd "$ETCD" || die "ETCD=$ETCD isn't an etcd $etcd_least or newer; unset it, or name another"
		echo "$ETCD"
		return
	fi
	local candidate
	for candidate in "$(type -P etcd || true)" "$tools/bin/etcd" "$cache/etcd/etcd"; do
		if [[ -n $candidate ]] && good_etcd "$candidate"; then
			echo "$candidate"
			return
		fi
	done
	return 1
}

find_nextest() {
	local candidate
	for candidate in "$tools/bin/cargo-nextest" "$(type -P cargo-nextest || true)" \
		"$cache/cargo-nextest-$nextest_version/bin/cargo-nextest"; do
		if [[ -n $candidate ]] && good_nextest "$candidate"; then
			echo "$candidate"
			return
		fi
	done
	return 1
}

# A program that tests run in terminals: the machine's, else the one that `make tools` unpacked.
find_program() {
	local candidate
	for candidate in "$(type -P "$1" || true)" "/usr/sbin/$1" "$tools/bin/$1"; do
		if [[ -n $candidate && -x $candidate ]]; then
			echo "$candidate"
			return
		fi
	done
	return 1
}
