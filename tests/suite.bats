#!/usr/bin/env bats
# How the tests are run: tests/run and .ci/run, with small suites. What a test of such a suite does is noted in its did file.
# shellcheck shell=bash

load helper

setup() {
	in_time
	cd "$BATS_TEST_TMPDIR" || return
	mkdir suite
	cp "$REPO/tests/helper.bash" suite
}

# suite NAME: a test file of a suite, from standard input: TEST is for @test, which bats would find here. Its tests have "did".
suite() {
	{ printf 'load helper\ndid() { echo "$*" >>%q; }\n' "$PWD/did" && sed 's/^TEST /@test /'; } >"suite/$1.bats"
}

# tests_run [NAME=VALUE]... ARGUMENT...: nothing of the run that this is part of.
tests_run() {
	local -a variables=(SLOW=1)
	while [[ ${1:-} == *=* ]]; do variables+=("$1") && shift; done
	run env -i PATH="${PATH//"$BATS_LIBEXEC:"/}" "${variables[@]}" "$REPO/tests/run" "$@" 3>&- 4>&-
	verdicts=$(grep -E '^(not )?ok |^1\.\.' <<<"$output" || true)
}

# soon: a deadline that comes when the first test of a suite runs.
soon() { echo $(($(date +%s) + 5 * ${SLOW:-1})); }

@test "files one after another or beside one another: one numbering, one plan, all that failed" {
	suite one <<'END'
TEST "a" { did a; }
TEST "b" { did b; }
END
	suite two <<'END'
TEST "c" { did c; skip 'no c'; }
END
	tests_run suite
	[ "$status" -eq 0 ]
	[ "$verdicts" = $'ok 1 a\nok 2 b\nok 3 c # skip no c\n1..3' ] || fail "$output"
	tests_run -f '^[ac]$' suite/two.bats suite/one.bats
	[ "$verdicts" = $'ok 1 c # skip no c\nok 2 a\n1..2' ] || fail "$output"
	tests_run -j 2 suite
	[ "$status" -eq 0 ]
	[ "$(sort did | uniq -c | tr -s ' \n' ' ')" = ' 3 a 2 b 3 c ' ] || fail "$(cat did)"
	[[ $verdicts == *$'\n1..3' ]]
}

@test "what fails is tried again: once is flaky, twice has failed" {
	suite one <<'END'
TEST "good" { did good; }
TEST "once (in a while): \$1" { did once; [ "$(grep -c once ../../did)" = 2 ]; }
END
	sed -i "s|../../did|$PWD/did|" suite/one.bats
	suite two <<'END'
TEST "never" { did never; false; }
TEST "other" { did other; }
END
	tests_run suite/one.bats
	[ "$status" -eq 0 ] || fail "$output"
	[[ $output == *'# failed at first: not ok 2 once (in a while): $1'* ]]
	[[ $output == *'# once more: once (in a while): $1'*'# flaky: 1 of the tests passed'* ]]
	[ "$verdicts" = $'ok 1 good\nok 2 once (in a while): $1\n1..2' ] || fail "$output"
	rm did
	tests_run suite
	[ "$status" -eq 1 ]
	[ "$verdicts" = $'ok 1 good\nok 2 other\nok 3 once (in a while): $1\nnot ok 4 never\n1..4' ] || fail "$output"
	[ "$(sort did | uniq -c | tr -s ' \n' ' ')" = ' 1 good 2 never 2 once 1 other ' ] || fail "$(cat did)"
}

@test "what fails for no bad luck is not tried again: many, a whole file, bats itself" {
	for name in a b c d e f; do echo "TEST '$name' { did $name; false; }"; done | suite many
	tests_run suite/many.bats
	[ "$status" -eq 1 ]
	[ "$(grep -c '^not ok ' <<<"$verdicts")" -eq 6 ]
	[ "$(wc -l <did)" -eq 6 ]
	suite file <<'END'
setup_file() { did setup; false; }
TEST "g" { did g; }
END
	rm did
	tests_run suite/file.bats
	[ "$status" -eq 1 ]
	[[ $verdicts == *'not ok'* ]]
	[ "$(cat did)" = setup ]
	tests_run suite/none.bats
	[ "$status" -eq 1 ]
	[ "$verdicts" = $'not ok 1 not all of suite/none.bats ran\n1..1' ] || fail "$output"
}

@test "past the deadline nothing begins: each test is skipped by name" {
	suite one <<'END'
setup_file() { did setup; }
TEST "a & b" { did a; }
TEST 'c "d"' { did c; }
END
	tests_run TEST_DEADLINE=1 suite
	[ "$status" -eq 0 ]
	[ "$verdicts" = $'ok 1 a & b # skip out of time\nok 2 c "d" # skip out of time\n1..2' ] || fail "$output"
	tests_run -n suite
	[ "$status" -eq 0 ]
	[ "$verdicts" = $'ok 1 a & b # skip out of time\nok 2 c "d" # skip out of time\n1..2' ] || fail "$output"
	[ ! -e did ]
}

@test "the deadline in the middle of a file: what runs ends well, what follows is skipped" {
	suite one <<'END'
setup() { in_time; did setup; }
teardown() { did teardown; }
teardown_file() { did teardown_file; }
TEST "long" { while [ "$(date +%s)" -lt "$TEST_DEADLINE" ]; do sleep 0.1; done; did long; }
TEST "next" { did next; }
END
	suite two <<'END'
setup_file() { did two; }
TEST "later" { did later; }
END
	tests_run TEST_DEADLINE="$(soon)" suite
	[ "$status" -eq 0 ]
	[ "$verdicts" = $'ok 1 long\nok 2 next # skip out of time\nok 3 later # skip out of time\n1..3' ] || fail "$output"
	[ "$(tr '\n' ' ' <did)" = 'setup long teardown teardown_file ' ] || fail "$(cat did)"
}

@test "what failed and cannot be tried again for want of time has failed" {
	suite one <<'END'
TEST "long" { while [ "$(date +%s)" -lt "$TEST_DEADLINE" ]; do sleep 0.1; done; did long; false; }
END
	tests_run TEST_DEADLINE="$(soon)" suite
	[ "$status" -eq 1 ]
	[ "$verdicts" = $'not ok 1 long\n1..1' ] || fail "$output"
	[ "$(cat did)" = long ]
}

@test "what does not end is ended, has failed, and leaves nothing" {
	suite one <<'END'
teardown() { did teardown; }
teardown_file() { did teardown_file; }
TEST "hangs" { did hangs; sleep 8765.$PPID; }
TEST "next" { did next; }
END
	tests_run TEST_DEADLINE="$(soon)" TEST_GRACE=1 suite
	[ "$status" -eq 1 ]
	[[ $verdicts == *$'not ok '*' not all of suite/one.bats ran'* ]] || fail "$output"
	[[ $verdicts != *$'\nok '* ]] || fail "$output"
	grep -qx hangs did
	grep -qx teardown_file did
	! grep -qx next did
	! pgrep -f 'sleep 8765\.' || fail 'it still runs'
	rm did
	tests_run TEST_LIMIT=3 suite
	[ "$status" -eq 1 ]
	! pgrep -f 'sleep 8765\.' || fail 'it still runs'
}

@test "of a directory, what tells most is first; the names in the lists are those of files" {
	for name in crash other run zebra lifecycle; do suite $name <<<"TEST \"$name\" { true; }"; done
	tests_run -n suite
	[ "$(cut -s -d ' ' -f 3 <<<"$verdicts" | tr '\n' ' ')" = 'lifecycle run other zebra crash ' ] || fail "$verdicts"
	local first last
	eval "$(awk '/^(first|last)=/ { inside = 1 } inside; /\047$/ { inside = 0 }' "$REPO/tests/run")"
	for name in $first $last; do [ -e "$REPO/tests/$name.bats" ] || fail "$name"; done
}

@test "each setup asks for the time first" {
	run grep -nE -A 1 '^setup\(\)' "$REPO"/tests/*.bats "$REPO"/tests/*.bash "$REPO"/tests/*/*.bats
	[ "${#lines[@]}" -gt 50 ]
	while read -r line; do
		case $line in
		*'setup() {' | --) ;;
		*'in_time' | *'setup() { in_time'*) ;;
		*.ba[ts]*-[0-9]*-*) [[ $previous == *'setup() { in_time'* ]] || fail "$line" ;;
		*) fail "$line" ;;
		esac
		previous=$line
	done <<<"$output"
}

@test "SLOW: what is set stays, else it is measured" {
	suite one <<'END'
TEST "slow" { did "$SLOW"; }
END
	tests_run SLOW=7 -s 3 suite
	tests_run SLOW= -s 3 suite
	[ "$status" -eq 0 ]
	[ "$(head -n 1 did)" = 7 ]
	[[ $(tail -n 1 did) =~ ^(3|6|9|12|15|18|21|24)$ ]]
}

# ci [NAME=VALUE]...: .ci/run, where make says what it was told.
ci() {
	mkdir -p commands
	cat >commands/make <<'END'
#!/bin/sh
echo "$1" >>told
case $1 in
lint) exit "${LINT:-0}" ;;
test) printf 'ok 1 a\nok 2 b # skip no b\n# once more: a\nok 1 a\n' ;;
skip-*) printf 'ok 1 %s # skip out of time\n' "$1" ;;
test-v2) printf 'not ok 1 v2\n' && exit 2 ;;
*) printf 'ok 1 %s\n' "$1" ;;
esac
END
	chmod +x commands/make
	mkdir -p tree/.ci
	cp "$REPO/.ci/run" tree/.ci
	rm -f tree/told
	run env PATH="$PWD/commands:$PATH" "$@" tree/.ci/run
}

@test "CI: all stages, one line of counts; any failure is its own" {
	ci
	[ "$status" -eq 1 ]
	[ "$(tr '\n' ' ' <tree/told)" = 'lint test test-v2 test-san fuzz ' ]
	[ "${lines[-1]}" = '4 passed, 1 failed, 1 skipped' ] || fail "$output"
	ci LINT=2
	[ "${lines[-1]}" = '4 passed, 2 failed, 1 skipped' ] || fail "$output"
}

@test "CI without time: lint and the tests that matter most, of the rest the names" {
	ci CI_BUDGET=100
	[ "$status" -eq 0 ]
	[ "$(tr '\n' ' ' <tree/told)" = 'lint test skip-test-v2 skip-test-san skip-fuzz ' ]
	[ "${lines[-1]}" = '2 passed, 0 failed, 4 skipped' ] || fail "$output"
	# What make prints of it.
	cd "$REPO"
	run make -s skip-test-v2 skip-test-san skip-fuzz
	[ "$status" -eq 0 ]
	[ "$(grep -c '^ok .* # skip out of time$' <<<"$output")" -gt 300 ]
	[ "$(grep -c '^ok 0 fuzz ' <<<"$output")" -ge 7 ]
}
