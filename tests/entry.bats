#!/usr/bin/env bats
# entry: entries of directories, each by one system call.
# shellcheck shell=bash
load helper

setup() { in_time && cd "$BATS_TEST_TMPDIR" || return; }

@test "entry: all steps, in their order" {
	echo one >old
	echo two >to
	entry mkdir d mkdir d/e symlink ../old d/link rename old d/e/new rename d/e/new to unlink d/link unlink nothing
	[ -d d/e ]
	[ "$(cat to)" = one ]
	[ ! -e old ] && [ ! -L d/link ] && [ ! -e d/e/new ]
}

@test "entry: of many that take a name, one gets it" {
	for n in $(seq 20); do { entry symlink "$n" name && echo "$n" >>winners || [ $? = 1 ]; } & done
	wait
	[ "$(wc -l <winners)" = 1 ]
	[ "$(readlink name)" = "$(cat winners)" ]
}

@test "entry: what is there already is status 1 and no message; what follows is not done" {
	mkdir d
	run entry mkdir d mkdir e
	[ "$status" = 1 ] && [ -z "$output" ]
	run entry mkdir f symlink x d mkdir e
	[ "$status" = 1 ] && [ -z "$output" ]
	[ -d f ] && [ ! -e e ] && [ ! -e d/x ]
}

@test "entry: other failures are 125, and say what failed" {
	mkdir -p d/full e
	touch file
	for line in "mkdir no/way:mkdir no/way: No such file" "symlink x no/way:symlink x no/way: No such file" \
		"rename file d:rename file d: Is a directory" "rename e d:rename e d: Directory not empty" \
		"rename none x:rename none x: No such file" "unlink d:unlink d: Is a directory"; do
		# shellcheck disable=SC2086 # the words
		run entry ${line%%:*}
		[ "$status" = 125 ] || fail "$line: $status"
		[[ $output == "entry: ${line#*:}"* ]] || fail "$line: $output"
	done
	[ -e file ] && [ -d d/full ] && [ -d e ]
}

@test "entry: what is no step, or not whole, does nothing" {
	for steps in "mkdir d link a b" "mkdir d rename a" "mkdir d symlink" "mkdir d mkdir" "mkdir d -f"; do
		# shellcheck disable=SC2086 # the words
		run entry $steps
		[ "$status" = 125 ] || fail "$steps: $status"
		[ ! -e d ]
	done
	run entry
	[ "$status" = 125 ]
}

@test "entry: a link is an entry, not what it leads to" {
	mkdir outside
	echo x >outside/file
	ln -s outside link
	ln -s outside/file leads
	run entry rename leads link
	[ "$status" = 0 ]
	[ "$(readlink link)" = outside/file ]
	entry unlink link
	[ -e outside/file ]
}
