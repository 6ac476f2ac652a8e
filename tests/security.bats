#!/usr/bin/env bats
# docs/security.md: each promise has its tests, and what is not promised is so.
# shellcheck shell=bash disable=SC2016

load helper
load container

PAGE=$REPO/docs/security.md

# items PAGE: each item of its lists on one line, with the heading that it is under before it.
items() {
	awk '/^## / { print item; item = ""; heading = $0 }
		/^- / { print item; item = heading " | " $0; next }
		/^  / { item = item " " substr($0, 3); next }
		{ print item; item = "" }
		END { print item }' "$1" | grep .
}

# named: of items, the tests, "FILE: NAME" a line.
named() {
	grep -o '`tests/[a-z0-9-]*\.bats: "[^`]*"`' | sed 's/^`//; s/`$//'
}

# not_there: of lines "FILE: NAME", those that are no test.
not_there() {
	while IFS= read -r line; do
		name=${line#*: \"}
		grep -qxF "@test \"${name%\"}\" {" "$REPO/${line%%: *}" || printf '%s\n' "$line"
	done
}

@test "each promise of docs/security.md names tests, and they are there" {
	items "$PAGE" >list
	[ "$(grep -c '^## Promised' list)" -ge 30 ]
	[ "$(grep -c '^## Not promised' list)" -ge 10 ]
	grep '^## Promised' list | grep -v '`tests/' >bare || true
	[ ! -s bare ] || fail "no test: $(cat bare)"
	named <list >tests
	[ "$(wc -l <tests)" -ge 70 ]
	# none is written in a way that named does not see
	[ "$(grep -o '`tests/' list | wc -l)" -eq "$(wc -l <tests)" ]
	[ -z "$(not_there <tests)" ] || fail "not there: $(not_there <tests)"
	[ "$(echo 'tests/run.bats: "there is no such test"' | not_there)" = 'tests/run.bats: "there is no such test"' ]
}

@test "not promised: a writable bind takes files of root, set-user-ID ones, too" {
	mkdir shared
	expect 0 skiff run --rm -v "$PWD/shared:/mnt" busybox sh -c 'id -u; cat /proc/self/uid_map; cp /bin/busybox /mnt; chmod 4755 /mnt/busybox'
	[[ $output == 0*65536* ]]
	[ "$(stat -c '%u %a' shared/busybox)" = '0 4755' ]
	# read-only, it does not
	expect 1 skiff run --rm -v "$PWD/shared:/mnt:ro" busybox chmod 755 /mnt/busybox
	# and the volumes of skiff are where no other user comes
	skiff run --rm -v kept:/mnt busybox cp /bin/busybox /mnt
	expect 0 setpriv --reuid=65534 --regid=65534 --clear-groups sh -c 'ls "$SKIFF_ROOT/volumes" 2>/dev/null || echo closed'
	[ "$output" = closed ]
	skiff volume rm kept
}

@test "not promised: without -m there is no limit of memory" {
	skiff run -d --name unlimited busybox sleep 600 >/dev/null
	expect 0 cgset stat "$GROUP/$(cat "$SKIFF_ROOT/names/unlimited/id")"
	grep -qx 'memory.max max' <<<"$output" || fail "$output"
	skiff rm -f unlimited
}

@test "not promised: who shares processes reads the files of the other" {
	skiff run -d --name one busybox sh -c 'echo mine >/secret && exec sleep 600' >/dev/null
	wait_until skiff exec one test -s /secret
	expect 0 skiff run --rm --pid container:one busybox cat /proc/1/root/secret
	[ "$output" = mine ]
	# Not shared, process 1 is its own.
	expect 1 skiff run --rm busybox cat /proc/1/root/secret
	skiff rm -f one
}
