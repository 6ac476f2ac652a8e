#!/usr/bin/env bats
# README.md: what it tells to type is typed, and what it says of the tools is compared with them.
# shellcheck shell=bash

load helper
load registries

PAGE=$REPO/README.md

setup_file() {
	skiff_setup_file
	HUB=$(real_registry hub)
	export HUB
	echo welcome >"$BATS_FILE_TMPDIR/tree/etc/motd"
	tar -C "$BATS_FILE_TMPDIR/tree" -c . | skiff import - "$HUB/library/alpine" >/dev/null
	skiff push "$HUB/library/alpine" >/dev/null
}

teardown_file() {
	end_registries
	skiff_teardown_file
}

setup() {
	in_time
	cd "$BATS_TEST_TMPDIR" || return
}

# block TEXT: the indented block with TEXT in its first line.
block() {
	awk -v text="$1" '
		/^    / { if (!on && index($0, text)) on = 1; if (on) { sub(/^    /, ""); print blank $0; blank = "" }; next }
		on && /^$/ { blank = blank "\n"; next }
		on { exit }' "$PAGE"
}

@test "the first two commands work" {
	block 'sudo make demo' >commands
	[ "$(wc -l <commands)" -eq 2 ]
	# We are root already; there is no terminal, and the lines are to be said to the shell.
	sed -i 's/^sudo //; s/ -it / -i /' commands
	grep -q ' -i ' commands
	(cd "$REPO" && echo 'id -u; hostname' | timeout 120 sh -ex "$BATS_TEST_TMPDIR/commands" >"$BATS_TEST_TMPDIR/out" 2>&1 3>&- 4>&-) ||
		fail "$(tail -n 20 out)"
	grep -q '^shim --run' out
	tail -n 2 out | head -n 1 | grep -qx 0
	[ -z "$(skiff ps -aq)" ]
}

@test "the pipeline shows what a script does to an image, and nothing is left" {
	block 'pull resolve alpine' >commands
	[ "$(grep -c . commands)" -ge 8 ]
	# The registry is one of ours.
	sed -i "s#\\<alpine\\>#$HUB/library/alpine#g" commands
	mkdir empty
	cd empty
	sh -e ../commands >../out 2>../err 3>&- 4>&- || fail "$(cat ../err)"
	cat ../out
	grep -qx 'I am root' ../out
	grep -q ' etc/\.wh\.motd$' ../out
	grep -q ' etc/passwd$' ../out
	! grep -q ' etc/group$' ../out
	[ -e base/etc/motd ]
	! grep -q more base/etc/passwd
	[ ! -s ../err ] || fail "$(cat ../err)"
	! grep -F "$PWD" /proc/self/mountinfo
	expect 125 cgset path try
	! pgrep -f "$PWD" || fail 'a process is left'
}

@test "the picture of the chain has the links in the order in which they run" {
	sed -nE '/^    shim /,/^$/s/^ *(└─ )?([a-z-]+) .*/\2/p' "$PAGE" | sed '$d' >links
	[ "$(wc -l <links)" -eq 5 ]
	skiff run --explain --rm busybox true | tr ' ' '\n' | grep -xF -f links | uniq >order
	# (cgset is called before and behind, too, for other things.)
	run tr '\n' ' ' <order
	[[ " $output" == *" $(tr '\n' ' ' <links)"* ]] || fail "$output"
}

@test "the table has every tool, and no other" {
	sed -n '/^| tool/,/^$/s/^|\([^|]*\)|.*/\1/p' "$PAGE" | grep -o '\[[a-z-]*\]' | tr -d '[]' | sort >table
	{
		for dir in "$REPO"/src/*/; do
			name=$(basename "$dir")
			[ ! -e "$dir/$name.c" ] && [ ! -e "$dir/$name.sh" ] || echo "$name"
		done
		echo skiff
	} | sort | diff - table
}

@test "the files of a container that it lists are there" {
	skiff run --name listed busybox true
	id=$(skiff inspect listed | jq -r '.[0].Id')
	names=$(sed -n 's/^    \(argv  .*\) \.\.\.$/\1/p' "$PAGE")
	[ -n "$names" ]
	for name in $names; do [ -e "$SKIFF_ROOT/containers/$id/$name" ] || fail "$name"; done
	skiff rm listed
}
