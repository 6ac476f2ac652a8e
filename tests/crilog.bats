#!/usr/bin/env bats
# crilog: records, files, tail, times, escapes, follow.
# shellcheck shell=bash disable=SC2016

load helper

setup() {
	in_time
	cd "$BATS_TEST_TMPDIR" || return
}

# record STREAM TAG TEXT [SECOND]: one record.
record() {
	printf '2026-11-22T10:00:%02d.000000000Z %s %s %s\n' "${4:-0}" "$1" "$2" "$3"
}

# background COMMAND... &: so that $! is the command, not a shell of bats.
background() {
	exec "$@" 3>&- 4>&-
}

@test "-h prints the usage, wrong command lines are refused" {
	expect 0 crilog -h
	[[ $output == usage:* ]]
	expect 125 crilog
	expect 125 crilog a b
	expect 125 crilog --nonsense a
	expect 125 crilog -n -1 a
	expect 125 crilog -n x a
	expect 125 crilog --since yesterday a
	expect 125 crilog --escape=maybe a
	expect 125 crilog --lock x a
	expect 125 crilog none
	[[ $output == *"none: no such log"* ]]
}

@test "streams apart, parts together" {
	{
		record stdout F one
		record stderr F two
		record stdout P th
		record stderr P fo
		record stdout F ree
		record stderr F ur
		record stdout F ''
		record stdout P end
	} >log
	crilog log >out 2>err
	[ "$(od -c <out)" = "$(printf 'one\nthree\n\nend' | od -c)" ]
	[ "$(cat err)" = "two
four" ]
	run crilog log
	[ "$output" = $'one\ntwo\nthforee\nur\n\nend' ] || fail "$output"
}

@test "--timestamps: one for each line" {
	{
		record stdout P a 1
		record stdout F b 2
		record stdout F c 3
	} >log
	run crilog -t log
	[ "$output" = "2026-11-22T10:00:01.000000000Z ab
2026-11-22T10:00:03.000000000Z c" ] || fail "$output"
}

@test "--tail, across files and parts" {
	{ record stdout F 1; record stdout F 2; } >log.2
	{ record stdout F 3; record stdout P 4; } >log.1
	{ record stdout F a; record stdout F 5; record stdout F 6; } >log
	for n in 0 1 2 3 4 5 6; do
		[ "$(crilog -n $n log)" = "$(printf '%s\n' 1 2 3 4a 5 6 | tail -n $n)" ] || fail "$n: $(crilog -n $n log)"
	done
	[ "$(crilog -n all log)" = "$(printf '%s\n' 1 2 3 4a 5 6)" ]
	[ "$(crilog --tail 100 log | wc -l)" = 6 ]
	record stdout P unfinished >>log
	[ "$(crilog -n 1 log)" = unfinished ]
	[ "$(crilog -n 2 log)" = "6
unfinished" ]
	[ -z "$(crilog -n 0 log)" ]
}

@test "--tail of a long log, lines of all lengths" {
	for i in $(seq 1 200); do record stdout F "$(printf '%*d' $((i * 37 % 5000)) "$i")"; done >log
	crilog log >all
	for n in 1 2 10 50 199 200 201; do
		crilog -n $n log | cmp - <(tail -n $n all)
	done
	# A record larger than any block that is read.
	{ cat log; record stdout F "$(head -c 300000 /dev/zero | tr '\0' x)"; record stdout F z; } >log2
	crilog -n 2 log2 | cmp - <(head -c 300000 /dev/zero | tr '\0' x; printf '\nz\n')
	crilog -n 3 log2 | head -1 | cmp - <(tail -n 1 all)
}

@test "--since and --until" {
	for i in 1 2 3 4 5; do record stdout F $i $i; done >log
	[ "$(crilog --since 2026-11-22T10:00:04Z log | tr '\n' ' ')" = "4 5 " ]
	[ "$(crilog --until 2026-11-22T10:00:02Z log)" = 1 ]
	[ "$(crilog --since 2026-11-22T11:00:02+01:00 --until 2026-11-22T10:00:02.000000001Z log)" = 2 ]
	[ "$(TZ=UTC crilog --since 2026-11-22T10:00:05 log)" = 5 ]
	[ "$(crilog --since "$(date -ud '2026-11-22 10:00:05' +%s)" log)" = 5 ]
	[ "$(crilog --since "$(date -ud '2026-11-22 10:00:04' +%s).5" log)" = 5 ]
	printf '%s stdout F now\n' "$(date -u +%FT%T.%NZ)" >>log
	[ "$(crilog --since 1m log | tail -1)" = now ]
	[ "$(crilog --until 1h30m log | grep -c now)" = 0 ]
	for bad in '' 10 m 1x 10m5 2026-13-01T00:00:00Z 2026-11-22T10:00:00ZZ 99999999999999999999 -5m; do
		[ "$bad" = 10 ] || expect 125 crilog --since "$bad" log
	done
}

@test "control characters: shown on a terminal, kept in a pipe" {
	record stdout F $'a\e]52;c;Zm9v\a\e[2J\x7f\tb\r' >log
	record stdout F $'\xc2\x9b2J \xc3\xa4 \x9b \xff \xe2\x82\xac' >>log
	[ "$(crilog log)" = $'a\e]52;c;Zm9v\a\e[2J\x7f\tb\r\n\xc2\x9b2J \xc3\xa4 \x9b \xff \xe2\x82\xac' ]
	[ "$(crilog --escape=always log)" = $'a^[]52;c;Zm9v^G^[[2J^?\tb\r\nM-^[2J \xc3\xa4 M-^[ M-^? \xe2\x82\xac' ] || fail "$(crilog --escape=always log | cat -A)"
	run script -qec 'crilog log' /dev/null
	[[ $output == *'a^[]52;c;Zm9v^G^[[2J^?'* ]] || fail "$output"
	run script -qec 'crilog --escape=never log' /dev/null
	[[ $output == *$'\e[2J'* ]]
}

@test "what is no record is left out, and counted" {
	{
		echo nonsense
		record stdout F good
		printf '\0\0 stdx F x\n\n \n  \nx stdout\nx stdout F\nx stdout Q y\n'
		head -c 2000 /dev/urandom
		echo
		record stdout F last
		printf 'torn'
	} >log
	crilog log >out 2>err
	[ "$(head -1 out)" = good ]
	[ "$(tail -1 out)" = last ]
	grep -q 'no records were left out' err
}

@test "a reader that leaves" {
	for i in $(seq 20000); do echo "2026-11-22T10:00:00.000000000Z stdout F $i"; done >log
	run bash -c 'crilog log | head -n 1; exit "${PIPESTATUS[0]}"'
	[ "$output" = 1 ]
	[ "$status" -eq 141 ]
	expect 125 bash -c 'crilog log >/dev/full'
}

@test "--follow goes on, across rotation, until the lock is free" {
	: >log
	: >lock
	flock lock sh -c 'while [ ! -e go ]; do sleep 0.05; done' 3>&- 4>&- &
	locked() { ! flock -n lock true; }
	wait_until locked
	background crilog --follow --lock lock log >out &
	follower=$!
	record stdout F 1 >>log
	wait_until grep -qx 1 out
	mv log log.1
	record stdout F 2 >>log.1
	wait_until grep -qx 2 out
	record stdout F 3 >>log
	wait_until grep -qx 3 out
	mv log.1 log.2
	mv log log.1
	record stdout F 4 >log
	mv log.2 log.3
	mv log.1 log.2
	mv log log.1
	record stdout F 5 >log
	wait_until grep -qx 5 out
	touch go
	wait $follower
	[ "$(tr '\n' ' ' <out)" = "1 2 3 4 5 " ]
}

@test "--follow of a log that nobody writes any more ends" {
	record stdout F 1 >log
	expect 0 timeout 5 crilog -f --lock none log
	[ "$output" = 1 ]
	: >lock
	expect 0 timeout 5 crilog -f --lock lock log
	[ "$output" = 1 ]
}

@test "--follow beside a shim that rotates: nothing twice, nothing missing" {
	timeout 20 shim -r run -l log --log-size 200k --log-files 100 \
		sh -c 'while [ ! -e go ]; do sleep 0.05; done; seq 100000' 3>&- 4>&-
	background crilog --follow --lock run/lock log >out &
	follower=$!
	touch go
	wait $follower
	seq 100000 | cmp - out
}
