#!/usr/bin/env bats
# journal: lines with the time, appended whole.
# shellcheck shell=bash
load helper

setup() { in_time && cd "$BATS_TEST_TMPDIR" || return; }

@test "journal: the time now, in a form that date reads" {
	before=$(date -u +%Y-%m-%dT%H:%M:%S.%NZ)
	now=$(journal)
	after=$(date -u +%Y-%m-%dT%H:%M:%S.%NZ)
	[[ $now =~ ^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{9}Z$ ]] || fail "$now"
	[[ ! $now < $before && ! $after < $now ]] || fail "$before $now $after"
	[ "$(date -u -d "$now" +%Y-%m-%dT%H:%M:%S.%NZ)" = "$now" ]
}

@test "journal: a line is appended, with the time given or now" {
	journal --time 2026-01-02T03:04:05.000000006Z events container start web
	journal events "a${TAB:=$'\t'}b" 'c d' é
	[ "$(head -n 1 events)" = "2026-01-02T03:04:05.000000006Z${TAB}container${TAB}start${TAB}web" ]
	[ "$(tail -n 1 events | cut -f 2-)" = "a${TAB}b${TAB}c d${TAB}é" ]
	[ "$(wc -l <events)" = 2 ]
	[ "$(stat -c %a events)" = 644 ]
}

@test "journal: no word begins a line of its own, or drives a terminal" {
	journal events $'one\ntwo' $'\e[31mred\x7f'
	[ "$(cut -f 2- events)" = "one?two"$'\t'"?[31mred?" ]
}

@test "journal: lines of many writers stay whole" {
	word=$(printf 'x%.0s' {1..3000})
	for writer in 1 2 3 4 5 6 7 8; do
		for _ in {1..20}; do journal events "$writer" "$word$writer"; done 3>&- &
	done
	wait
	[ "$(wc -l <events)" = 160 ]
	awk -F '\t' -v word="$word" 'NF != 3 || $3 != word $2 { exit 1 }' events
}

@test "journal: what cannot be written to is said, and no link is followed" {
	expect 125 journal none/events word
	[[ $output = *'none/events: No such file'* ]] || fail "$output"
	echo mine >precious
	ln -s precious events
	expect 125 journal events word
	[ "$(cat precious)" = mine ]
	expect 125 journal /dev/full word
	expect 125 journal events
	expect 125 journal --no-such
	run journal --help
	[[ $output = 'usage: journal'* ]] || fail "$output"
}

@test "journal: a full standard output is no success" {
	run sh -c 'journal >/dev/full'
	[ "$status" -eq 125 ] || fail "$status $output"
}
