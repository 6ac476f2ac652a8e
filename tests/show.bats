#!/usr/bin/env bats
# skiff show: what is where, as boxes, live, and as a page.
# shellcheck shell=bash disable=SC2016

load helper

setup_file() {
	skiff_setup_file
	skiff run -d --name sea -m 64m --cpus 0.5 busybox sh -c 'sleep 1000 & wait' >/dev/null
	skiff run -d --name sky --network container:sea busybox sleep 1000 >/dev/null
	skiff run -d --name land --userns=host busybox sleep 1000 >/dev/null
	skiff create --name never busybox true >/dev/null
}

teardown_file() { skiff_teardown_file; }

setup() { cd "$BATS_TEST_TMPDIR" || return; }

# widths FILE: of its lines, each once.
widths() {
	python3 -c 'import sys; print(*sorted({len(line.rstrip("\n")) for line in open(sys.argv[1], encoding="utf-8")}))' "$1"
}

@test "a box for each that runs: processes inside and out, namespaces, limits, layers" {
	skiff show --once >out
	[ "$(widths out)" = 80 ] || fail "$(cat out)"
	[ "$(grep -c '^┌─' out)" -eq 3 ]
	sed -n '/^┌─ sea /,/^└/p' out >sea
	grep -Eq '^│ processes +1  sh -c sleep 1000 & wait +[0-9]+ on the host │$' sea || fail "$(cat sea)"
	local pid
	pid=$(skiff inspect -f '{{.State.Pid}}' sea)
	grep -q " $pid on the host" sea
	grep -Eq '^│ +2  └─ sleep 1000 +[0-9]+ ' sea
	grep -Eq '^│ namespaces  user mnt pid uts ipc cgroup time  its own|user .*shared with sky' sea
	grep -Eq '^│ +(user )?net  shared with sky' sea || fail "$(cat sea)"
	grep -Eq '^│ memory .* of 64 MiB +│$' sea
	grep -Eq '^│ cpu .* of 0\.5 CPUs +│$' sea
	grep -Eq '^│ tasks .* 2 of 2048 +│$' sea
	grep -q 'writable layer over 1 layer of .* shared with land, sky' sea
	sed -n '/^┌─ land /,/^└/p' out | grep -Eq "^│ +user  the host's"
	expect 0 skiff show --once -a
	[[ $output = *'─ never ─'*' Created ─'* ]]
}

@test "one is a stack, alone, but what it shares is told" {
	COLUMNS=100 skiff show --once sea >out
	[ "$(grep -c '^┌─' out)" -eq 1 ]
	grep -q '^┌─ sea ─.*  limits$' out
	grep -q 'net  shared with sky' out
	grep -q '^│ │ writable  what it has changed' out
	grep -q '^│ │ layer 1  [0-9a-f]\{12\}  .* also in land, never, sky' out
	grep -q '14 of 41 capabilities$' out
	[[ $(grep -c '  root is user [0-9]* outside$' out) -eq 1 ]]
	COLUMNS=60 skiff show --once sea >out
	[ "$(widths out)" = 60 ] || fail "$(cat out)"
	grep -q '^│ rights .* capabilities' out
	expect 1 skiff show --once sea nothing-like-it
	[[ $output = 'skiff show: No such container: nothing-like-it' ]]
}

@test "ASCII where the locale has no more; no colour in a pipe" {
	LC_ALL=C skiff show --once -a >out
	! grep -q '[^ -~]' out
	grep -q '^+- sea ---' out
	skiff show --once >out
	! grep -q $'\033' out
}

@test "what containers say is plain text in the boxes" {
	skiff run -d --name evil busybox sh -c 'exec sleep "$0"' 1000 >/dev/null
	skiff run -d --name worse busybox sh -c 'sleep 1000; : "$0"' $'\033]0;owned\a\n\t\u202egnp \xff 日本語' >/dev/null
	skiff show --once >out
	! grep -q $'[\001-\011\013-\037\177]' out
	! grep -q $'\u202e' out
	grep -q 'sleep 1000; : "$0" ?]0;owned????gnp . 日本語' out || fail "$(cat -v out)"
	# no matter how wide its characters are, the edge is where it belongs
	[[ $(grep -h '日本語' out | head -n 1) =~ ' │'$ ]]
	skiff rm -f evil worse >/dev/null
}

@test "--format: an object a line, templates" {
	skiff show --format json -a >out
	[ "$(jq -r .Name out | sort | xargs)" = 'land never sea sky' ]
	[ "$(jq 'select(.Name == "sea") | .Memory.Limit' out)" = 67108864 ]
	[ "$(jq -c 'select(.Name == "sky").Namespaces[] | select(.Type == "net").With' out)" = '["sea"]' ]
	[ "$(jq -r 'select(.Name == "sea").Rights.Capabilities[0]' out)" = chown ]
	expect 0 skiff show --format '{{.Name}} {{.ProcessCount}}' sea
	[ "$output" = 'sea 2' ]
}

@test "many, and one with many processes: quickly, by few processes" {
	skiff run -d --name herd busybox sh -c 'for n in $(seq 300); do sleep 1000 & done; wait' >/dev/null
	local n
	for n in $(seq 17); do skiff create --name "many$n" busybox sleep 600 >/dev/null; done
	# shellcheck disable=SC2046
	skiff start $(seq -f 'many%g' 17) >/dev/null
	wait_until eval 'skiff show --format "{{.ProcessCount}}" herd | grep -qx 301'
	strace -f -qq -e trace=execve -e signal=none -o trace skiff show --once >out
	[ "$(grep -c 'execve.* = 0$' trace)" -lt 15 ] || fail "$(cat trace)"
	[ "$(grep -c '^┌─' out)" -eq 21 ]
	grep -q ' and 296 more ' out
	# shellcheck disable=SC2046
	skiff rm -f herd $(seq -f 'many%g' 17) >/dev/null
}

@test "nothing to show" {
	SKIFF_ROOT=$PWD/other SKIFF_RUN=$PWD/run expect 0 skiff show --once
	[ "$output" = 'No container runs.' ]
	expect 125 skiff show --bogus
}
