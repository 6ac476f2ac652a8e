#!/usr/bin/env bats
# skiff(1): it has every verb and every option, and its examples work.
# shellcheck shell=bash

load helper

PAGE=$REPO/src/skiff/skiff.1

setup_file() {
	skiff_setup_file
}

teardown_file() {
	skiff_teardown_file
}

@test "every verb has a page with all its options and an example" {
	cd "$BATS_TEST_TMPDIR"
	make -s -C "$REPO" man
	for file in "$REPO"/src/skiff/verbs/*; do
		verb=${file##*/}
		case $verb in help | on-exit | on-health | on-request) continue ;; esac
		page=$REPO/build/man/skiff-$verb.1
		skiff "$verb" --help | sed -nE 's/^  (-[a-zA-Z0-9], |    )--([a-z0-9-]+).*/\2/p' >options
		sed -nE 's/^\.It .*Fl -([a-z0-9-]+).*/\1/p' "$page" | diff options - || fail "options of $verb"
		grep -q '^\.Sh EXAMPLES' "$page" || fail "no example: $verb"
		[ -z "$(mandoc -T lint -W warning "$page")" ] || fail "$(mandoc -T lint -W warning "$page")"
	done
}

@test "no function of the front end hides a program of ours" {
	grep -rhoE '^[a-z_]+\(\)' "$REPO/bin/skiff" "$REPO/src/skiff" | tr -d '()' | sort -u >"$BATS_TEST_TMPDIR/functions"
	[ "$(wc -l <"$BATS_TEST_TMPDIR/functions")" -gt 100 ]
	hidden=$(find "$REPO/bin" -printf '%f\n' | sort | comm -12 - "$BATS_TEST_TMPDIR/functions")
	[ -z "$hidden" ] || fail "$hidden"
}

@test "the examples work" {
	cd "$BATS_TEST_TMPDIR"
	# commands begin with "# ", lines that go on do not
	awk '$2 == "EXAMPLES" { on = 1 } $2 == "SEE" { on = 0 }
		on && (/^# / || more) { sub(/^# /, ""); more = /\\e$/; sub(/\\e$/, "\\"); print }' "$PAGE" >examples
	[ "$(wc -l <examples)" -gt 12 ]
	# people are slower than scripts
	sed -i 's/^skiff logs web$/until skiff logs web | grep .; do sleep 0.1; done/' examples
	# each on its own, as a person types them: one may well exit 3
	timeout -s KILL 60 sh -x examples >out 2>trace 3>&- 4>&- </dev/null || fail "$(cat trace)"
	cat out trace
	grep -q '^uid=0' out
	grep -q '^ready$' out
	grep -q '"Status": "running"' out
	[ "$(grep -c '^hello$' out)" -eq 1 ]
	grep -q '^+ lockdown\|^  lockdown' trace
	! grep -qE '^(skiff|shim|attach|cgset|layerfs|unshare-run|lockdown|sh|cat|tar)[ a-z]*: ' trace || fail "$(cat trace)"
	[ -z "$(skiff ps -aq)" ]
}
