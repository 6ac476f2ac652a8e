#!/usr/bin/env bats
# discard: trees are removed, in order, under a lock, and the journal tells; nothing else is touched.
# shellcheck shell=bash
load helper

setup() { in_time && cd "$BATS_TEST_TMPDIR" || return; }

teardown() {
	umount tree/mounted 2>/dev/null || true
	[ -z "${holder:-}" ] || kill "$holder" 2>/dev/null || true
}

# tree: a directory with something of everything; outside it, what is to stay.
tree() {
	mkdir -p tree/empty tree/sub/dir outside
	echo kept >outside/file
	echo x | tee tree/file tree/.hidden tree/sub/dir/file $'tree/new\nline' >/dev/null
	ln -s ../outside tree/link
	ln -s nowhere tree/sub/dangling
	mkfifo tree/fifo
	mknod tree/null c 1 3
	chmod 0 tree/sub/dir
	ln tree/file tree/again
}

kept() { [ "$(cat outside/file)" = kept ]; }

@test "discard: files and trees go, links are not followed, what is not there is no error" {
	tree
	ln -s outside link
	touch file
	expect 0 discard file link none tree
	[ -z "$output" ] || fail "$output"
	[ "$(ls)" = outside ] || fail "$(ls)"
	kept
}

@test "discard: a link that is named as a directory is not followed" {
	tree
	ln -s outside link
	expect 125 discard link/
	kept
}

# deep DIRECTORY: 3000 more in it, each in the last, beside a file and another.
deep() {
	python3 - "$1" <<'PYTHON'
import os, sys
os.chdir(sys.argv[1])
for n in range(3000):
    open("file", "w").close()
    os.makedirs("other/one")
    os.mkdir("deeper than what fits into a path")
    os.chdir("deeper than what fits into a path")
PYTHON
}

@test "discard: what is deeper than a path can be, with few descriptors" {
	mkdir -p tree/.deep.0 outside
	deep tree
	expect 0 prlimit --nofile=64 discard tree
	[ ! -e tree ]
}

@test "discard: thousands of names in a directory" {
	mkdir tree
	(cd tree && seq 20000 | xargs touch)
	expect 0 discard tree
	[ ! -e tree ]
}

@test "discard: what is mounted below stays, and that is said" {
	tree
	mkdir tree/mounted
	mount --bind outside tree/mounted
	expect 125 discard tree
	[[ $output = *'cannot remove mounted of tree: '* ]] || fail "$output"
	kept
	[ ! -e tree/sub ] # the rest is gone
	umount tree/mounted
	expect 0 discard tree
	kept
}

@test "discard: where something is mounted at FILE itself, nothing of it is removed" {
	tree
	mkdir mounted
	mount --bind outside mounted
	run discard tree mounted file
	umount mounted
	[ "$status" -eq 125 ]
	[[ $output = *'cannot remove mounted: Device or resource busy'* ]] || fail "$output"
	kept
	[ ! -e tree ]
}

@test "discard: beside something mounted all goes, however deep" {
	mkdir -p outside tree/mounted
	mount --bind outside tree/mounted
	for name in a b c d e f g h; do mkdir -p "tree/$name/$(seq -s / 100)"; done
	expect 125 discard tree
	[ "$(ls -A tree)" = mounted ] || fail "$(ls -A tree)"
}

@test "discard: the order is the one given" {
	tree
	touch first last
	strace -f -o trace -e trace=unlink,unlinkat,rmdir discard first tree last
	grep -nE '"(first|last|tree)"' trace | grep ' = 0' | sed 's/.*"\(.*\)".*/\1/' >order
	[ "$(tr '\n' ' ' <order)" = 'first tree last ' ] || fail "$(cat order)"
}

@test "discard: an immutable file is told, the rest goes" {
	mkdir tree
	touch tree/a tree/b tree/c file
	chattr +i tree/b 2>/dev/null || skip 'this file system has no immutable files'
	run discard tree file
	chattr -i tree/b
	[ "$status" -eq 125 ]
	[[ $output = *'cannot remove b of tree: Operation not permitted'* ]] || fail "$output"
	[ "$(echo tree/* file*)" = 'tree/b file*' ] || fail "$(echo tree/* file*)"
}

# hold LOCK: by another process.
hold() {
	flock "$1" sh -c ': >held; exec sleep 100' 3>&- 4>&- &
	wait_until test -e held
	holder=$(pgrep -P $!)
	flock=$!
}

@test "discard: not while somebody holds the lock, nor when it is another's by then" {
	mkdir tree
	touch lock
	hold lock
	expect 1 discard --lock lock tree
	[ -d tree ]
	expect 1 discard --lock lock --wait 1 tree
	[ -d tree ]
	# As soon as it is free: but the file is another one by then.
	discard --lock lock --wait 20 tree 3>&- &
	waiter=$!
	sleep 0.2
	mv lock old
	touch lock
	kill "$holder"
	wait "$waiter" && fail 'it took the lock of something new' || [ $? -eq 1 ]
	[ -d tree ]
	expect 1 discard --lock none tree
	expect 0 discard --lock lock tree
	[ ! -e tree ]
}

@test "discard: waits for the lock, and holds it while it is at work" {
	mkdir tree
	touch lock tree/file
	hold lock
	discard --lock lock --wait 20 tree 3>&- &
	waiter=$!
	sleep 0.3
	[ -d tree ]
	kill "$holder"
	wait "$waiter"
	[ ! -e tree ]
	mkdir tree
	touch tree/file
	strace -o trace discard --lock lock tree
	# Between taking the lock and the end it is not closed.
	number=$(sed -n 's/^flock(\([0-9]*\), .* = 0$/\1/p' trace)
	[ -n "$number" ]
	! grep -q "^close($number)" trace
}

@test "discard: not if it is gone, not while the process lives" {
	mkdir tree
	: >empty
	expect 0 discard --if none tree
	expect 0 discard --if empty tree
	[ -d tree ]
	echo "$$ $(awk '{ print $22 }' /proc/$$/stat)" >alive
	expect 1 discard --unless alive tree
	[ -d tree ]
	echo "$$ 1" >reused
	echo here >full
	echo nonsense >nonsense
	for file in reused nonsense none; do
		mkdir -p tree
		expect 0 discard --unless $file --if full tree
		[ ! -e tree ]
	done
}

@test "discard: who is at work is noted, over what is there" {
	mkdir tree
	mkdir tree/mounted outside
	mount --bind outside tree/mounted # so that it cannot end
	printf '%s\n' '1 1' 'more and more and more and more' >claim
	discard --claim claim tree 2>/dev/null &
	pid=$!
	wait "$pid" || true
	read -r number start <claim
	[ "$number" = "$pid" ]
	[ "$start" -gt 1 ]
}

@test "discard: the journal tells, in the end, in that order" {
	mkdir tree
	tab=$'\t'
	expect 0 discard --journal events --event "volume${tab}destroy${tab}v" --event "container${tab}destroy" \
		--time 2026-01-02T03:04:05.000000006Z tree
	[ "$(cat events)" = "2026-01-02T03:04:05.000000006Z${tab}volume${tab}destroy${tab}v
2026-01-02T03:04:05.000000006Z${tab}container${tab}destroy" ] || fail "$(cat events)"
	expect 0 discard -j events -e again none
	before=$(tail -n 1 events)
	[[ $before =~ ^[0-9-]{10}T[0-9:]{8}\.[0-9]{9}Z${tab}again$ ]] || fail "$before"
	# What is not done is not told.
	expect 0 discard --if none -j events -e never none
	[ "$(wc -l <events)" = 3 ]
	# Nor if the first FILE cannot be removed. If it has gone, it is, whatever else is left.
	mkdir -p tree/mounted outside
	mount --bind outside tree/mounted
	expect 125 discard -j events -e never tree file
	[ "$(wc -l <events)" = 3 ]
	touch file
	expect 125 discard -j events -e gone file tree
	[[ $(tail -n 1 events) = *"${tab}gone" ]] || fail "$(cat events)"
	umount tree/mounted
	rmdir tree/mounted tree
	# A journal that cannot be written to keeps nothing.
	mkdir tree
	expect 0 discard -j /dev/full -e full tree
	[[ $output = *'cannot write to /dev/full: No space'* ]] || fail "$output"
	[ ! -e tree ]
}

@test "discard: a wrong command line removes nothing" {
	touch file
	expect 125 discard
	expect 125 discard --no-such file
	expect 125 discard --event text file
	expect 125 discard --lock file --wait x file
	[ -e file ]
	run discard --help
	[[ $status = 0 && $output = 'usage: discard'* ]] || fail "$output"
}

@test "no parents, and options anywhere" {
	mkdir -p d/e
	touch d/x f lock
	for name in d/e/.. d/. .. . / d/e/../ ''; do
		expect 125 discard f "$name"
	done
	[ -e d/x ] && [ -e d/e ] && [ -e f ]
	exec 5<lock
	flock 5
	expect 1 discard f --lock lock
	exec 5<&-
	[ -e f ] && [ -e lock ]
}
