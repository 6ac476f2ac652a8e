#!/usr/bin/env bats
# docs/architecture.md: the programs that it lists are those that run, the files those that are there.
# shellcheck shell=bash

load helper
load container

PAGE=$REPO/docs/architecture.md

# programs HEADING: the list of them below it.
programs() {
	awk -v heading="$1" '
		$0 == heading { on = 1 }
		on && /^```text/ { listed = 1; next }
		listed && /^```/ { exit }
		listed { sub(/^ *=? */, ""); print $1 }' "$PAGE"
}

# executed COMMAND...: the programs that run, by name; lockdown is executed by descriptor.
executed() {
	strace -f -qq -z -e trace=execve,execveat -o trace -- "$@" >said 3>&- 4>&-
	# (-z: not those that failed, as where PATH is searched.)
	sed -nE 's/^[0-9]+ +execve\("([^"]*\/)?([^"\/]*)".*/\2/p
		s/^[0-9]+ +execveat\([0-9]+, "", \["([^"]*)".*/\1/p' trace
}

# expect_programs HEADING COMMAND...: the same ones, as often. The order is that of two or three processes side by side.
expect_programs() {
	programs "$1" | sort >want
	[ "$(wc -l <want)" -ge 3 ]
	executed "${@:2}" | sort >got
	diff want got || fail "$(cat trace)"
}

# listed WORD: the files behind it, in the blocks.
listed() {
	awk -v word="$1" '
		/^```/ { block = /text$/; on = 0 }
		block && $1 == word { on = 1; $1 = "" }
		on' "$PAGE" | tr -s ' ' '\n' | sed '/^$/d' | sort
}

real_skiff() {
	"${SKIFF_BIN:-$REPO/bin}/skiff" "$@" 3>&- 4>&-
}

@test "run: these programs, and no more" {
	expect_programs '## One run' "${SKIFF_BIN:-$REPO/bin}/skiff" run --rm --network none busybox true
}

@test "exec and stop: these programs, and no more" {
	real_skiff run -d --name one --network none busybox sh -c 'trap "exit 3" TERM; while :; do sleep 0.1; done'
	expect_programs '## exec' "${SKIFF_BIN:-$REPO/bin}/skiff" exec one true
	expect_programs '## stop' "${SKIFF_BIN:-$REPO/bin}/skiff" stop -t 20 one
	[ "$(executed "${SKIFF_BIN:-$REPO/bin}/skiff" rm one | tr '\n' ' ')" = 'skiff discard ' ] || fail "$(cat trace)"
}

@test "rm -f: these programs, and no more" {
	real_skiff run -d --name one --network none busybox sleep 600
	expect_programs '## rm' "${SKIFF_BIN:-$REPO/bin}/skiff" rm -f one
	[ ! -e "$SKIFF_ROOT/names/one" ]
}

@test "the files of a container: created, waiting, running, ended" {
	id=$(real_skiff create --name two --network none busybox sh -c 'trap "exit 3" TERM; while :; do sleep 0.1; done')
	state=$SKIFF_ROOT/containers/$id run=$SKIFF_RUN/$id
	listed created | diff - <(ls "$state")
	real_skiff start --explain two | grep -v ^attach >begin
	sh -e begin 3>&- 4>&-
	listed waiting | diff - <(ls "$run")
	[ "$(readlink "/proc/$(cut -d ' ' -f 1 "$run/pid")/exe")" = "$(command -v unshare-run)" ]
	[ "$(cut -d ' ' -f 4 "/proc/$(cut -d ' ' -f 1 "$run/pid")/stat")" = "$(cut -d ' ' -f 1 "$run/shim")" ]
	real_skiff start two
	listed running | diff - <(ls "$state")
	real_skiff stop two
	listed ended | diff - <(ls "$state")
	real_skiff rm two
}

@test "every file that the page names is in the tree" {
	grep -oE '`[^`]*`' "$PAGE" | tr -d '`' >names
	# A file that stands alone is in the directory of the one before it, or one of the front end's.
	dir=src/skiff
	found=0
	while read -r name; do
		case $name in
		src/*\** | *VERB* | *NAME* | tests/X.bats) continue ;;
		src/*/*.*)
			dir=${name%/*}
			[ -e "$REPO/$name" ] || fail "$name"
			;;
		*.sh | *.jq) [ -e "$REPO/src/skiff/$name" ] || fail "$name" ;;
		*.c) [ -e "$REPO/$dir/$name" ] || fail "$dir/$name" ;;
		*) continue ;;
		esac
		found=$((found + 1))
	done <names
	[ "$found" -gt 30 ]
}
