#!/usr/bin/env bats
# lend-agent: the keys of a real ssh-agent, listed and used, and otherwise left alone.
# shellcheck shell=bash
load helper

setup() {
	in_time
	cd "$BATS_TEST_TMPDIR" || return
	ssh-keygen -q -t ed25519 -N '' -C lent -f key
	ssh-agent -D -a agent >/dev/null 2>&1 3>&- &
	agent=$!
	wait_until env SSH_AUTH_SOCK=agent ssh-add -q key
}

teardown() { kill "$agent"; }

# lend SOCKET: until this test ends.
lend() {
	lend-agent agent "$1" >ready 3>&- &
	lender=$!
	wait_until grep -q ready ready
}

lent() { SSH_AUTH_SOCK=lent "$@"; }

@test "lend-agent: keys are listed, and sign" {
	lend lent
	[ "$(stat -c %a lent)" = 600 ]
	expect 0 lent ssh-add -l
	[[ $output = *lent* ]] || fail "$output"
	expect 0 lent ssh-add -T key.pub
	kill "$lender"
}

@test "lend-agent: nobody adds, removes or locks keys" {
	ssh-keygen -q -t ed25519 -N '' -C other -f other
	expect 0 env SSH_AUTH_SOCK=agent ssh-add -q other # the agent itself would do it
	lend lent
	expect 1 lent ssh-add -q -D
	expect 1 lent ssh-add -q -d key
	ssh-keygen -q -t ed25519 -N '' -C third -f third
	expect 1 lent ssh-add -q third
	[ "$(SSH_AUTH_SOCK=agent ssh-add -l | wc -l)" = 2 ]
	kill "$lender"
}

@test "lend-agent: half a message and nonsense keep nobody else waiting" {
	lend lent
	python3 - <<'PYTHON'
import socket
held = []
for data in b"\0\0", b"\0\0\0\0", b"\xff\xff\xff\xff" + b"x" * 1000, b"\0\0\0\5\x0b":
    s = socket.socket(socket.AF_UNIX)
    s.connect("lent")
    s.sendall(data)
    held.append(s)
s = socket.socket(socket.AF_UNIX)
s.settimeout(10)
s.connect("lent")
s.sendall(b"\0\0\0\1\x1b")  # an extension
assert s.recv(5) == b"\0\0\0\1\5"
s.sendall(b"\0\0\0\1\x0b")
assert s.recv(5)[4] == 12
PYTHON
	kill "$lender"
}

@test "lend-agent: it ends with who started it" {
	sh -c 'lend-agent agent lent >ready & echo $! >pid; until [ -s ready ]; do sleep 0.1; done' 3>&-
	wait_until eval '! kill -0 "$(cat pid)" 2>/dev/null'
}

@test "lend-agent: wrong command lines, and no agent" {
	expect 0 lend-agent -h
	expect 125 lend-agent
	expect 125 lend-agent agent
	expect 125 lend-agent none lent
	[ ! -e lent ]
	touch there
	expect 125 lend-agent agent there
	[[ $output = *'Address already in use'* ]] || fail "$output"
}

@test "lend-agent: paths longer than an address" {
	deep=$(printf '%0100d' 0)/$(printf '%0100d' 0)
	mkdir -p "$deep"
	lend "$deep/lent"
	[ -S "$deep/lent" ]
	ln -s "$PWD/$deep/lent" lent
	expect 0 lent ssh-add -l
	kill "$lender"
}

@test "lend-agent: the EQUIVALENT of its page lists the same keys, and would remove them" {
	line=$(sed -n '/^[.]Sh EQUIVALENT/,/^[.]Ed/s/^socat /&/p' "$REPO/src/lend-agent/lend-agent.1")
	[ -n "$line" ]
	SSH_AUTH_SOCK=agent sh -c "exec $line" 3>&- &
	socat=$!
	wait_until test -S lent
	lent ssh-add -l >socat.keys
	expect 0 lent ssh-add -q -D
	kill "$socat"
	rm -f lent
	SSH_AUTH_SOCK=agent ssh-add -q key
	lend lent
	lent ssh-add -l | cmp - socat.keys
	kill "$lender"
}
