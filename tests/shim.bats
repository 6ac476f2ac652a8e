#!/usr/bin/env bats
# shim: start, log, clients, control, end.
# shellcheck shell=bash disable=SC2016,SC2013

load helper

# Descriptors that bats has open would go to the command, and it waits for them.
shim() {
	timeout 30 "$REPO_SHIM" "$@" 3>&- 4>&-
}

setup() {
	in_time
	REPO_SHIM=$(command -v shim)
	cd "$BATS_TEST_TMPDIR" || return
	R=$BATS_TEST_TMPDIR/run
}

teardown() {
	local pid
	for pid in $(cut -d' ' -f1 "$BATS_TEST_TMPDIR"/*/shim 2>/dev/null); do
		# shellcheck disable=SC2046
		kill -KILL "$pid" $(cat "/proc/$pid/task/$pid/children" 2>/dev/null) 2>/dev/null || true
	done
	umount "$BATS_TEST_TMPDIR/small" 2>/dev/null || true
}

# text FILE: the log without times.
text() {
	cut -d' ' -f2- "$1"
}

over() {
	[ -e "$R/exit" ] && flock -n "$R/lock" true
}

@test "-h prints the usage" {
	expect 0 shim -h
	[[ $output == usage:* ]]
}

@test "wrong command lines are refused" {
	expect 125 shim
	expect 125 shim --nonsense -r "$R" true
	expect 125 shim -r "$R"
	expect 125 shim -r "$R" --log-files 0 true
	expect 125 shim -r "$R" --log-size lots true
	expect 125 shim -r "$R" --stderr 2 true
	expect 125 shim -r "$R" --tty 100 true
	expect 125 shim -r "$R" --on-exit true
	expect 125 shim -r /proc/none true
	expect 125 shim -r "$R" -s "$R/none" true
	expect 125 shim -r "$R" -l "$R/none/log" true
}

@test "output goes to the log in CRI format, an unfinished line as P" {
	expect 0 shim -r "$R" -l log sh -c 'echo out; echo err >&2; printf "a\n\npart"; exit 7'
	wait_until over
	run text log
	[ "$(grep stdout <<<"$output")" = "stdout F out
stdout F a
stdout F 
stdout P part" ] || fail "$output"
	[ "$(grep stderr <<<"$output")" = "stderr F err" ]
	grep -Eqv '^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{9}Z std(out|err) [PF] ' log && fail "form"
	[ "$(cat "$R/exit")" = 7 ]
	grep -Eqx '[0-9-]{10}T[0-9:]{8}\.[0-9]{9}Z' "$R/started"
	grep -Eqx '[0-9-]{10}T[0-9:]{8}\.[0-9]{9}Z' "$R/finished"
}

@test "a line is split at 16 KiB, and one of just 16 KiB is not" {
	expect 0 shim -f -r "$R" -l log sh -c '
		head -c 16384 /dev/zero | tr "\0" a; echo
		head -c 16385 /dev/zero | tr "\0" b; echo'
	run awk '{ print $3, length($4) }' log
	[ "$output" = "F 16384
P 16384
F 1" ] || fail "$output"
}

@test "every byte comes through, however it is cut up" {
	head -c 3000000 /dev/urandom >data
	expect 0 shim -f -r "$R" -l log --log-files 100 cat data
	crilog --escape=never log | cmp - data
	rm log*
	expect 0 shim -f -r "$R" -l log dd if=data bs=777 status=none
	crilog --escape=never log | cmp - data
}

@test "exit statuses: the command's own, of a signal, 126, 127" {
	expect 0 shim -f -r "$R" true
	expect 7 shim -f -r "$R" sh -c 'exit 7'
	expect 137 shim -f -r "$R" sh -c 'kill -KILL $$'
	[ "$(cat "$R/exit")" = 137 ]
	local times
	times=$(cat "$R/started" "$R/finished")
	expect 127 shim -r "$R" /none/such
	[[ $output == *"/none/such: No such file"* ]]
	expect 126 shim -r "$R" /etc/passwd
	[ "$(cat "$R/exit")" = 126 ]
	grep -q 'Permission denied' "$R/error"
	[ "$(cat "$R/started" "$R/finished")" = "$times" ] # of the last that has run
	expect 127 shim -r new /none/such
	[ "$(cat new/exit)" = 127 ]
	[ "$(echo new/*.reserved)" = 'new/*.reserved' ] || fail "$(ls new)"
	[ ! -e new/started ]
	[ ! -e new/finished ]
}

@test "one shim for a directory" {
	expect 0 shim -r "$R" sleep 60
	expect 125 shim -r "$R" true
	[[ $output == *"already running"* ]]
	echo "signal KILL" >"$R/ctl"
	wait_until over
	[ "$(cat "$R/exit")" = 137 ]
	expect 0 shim -f -r "$R" true
}

@test "files: private, and gone when they mean nothing any more" {
	expect 0 shim -r "$R" sleep 60
	[ "$(stat -c %a "$R" "$R/ctl" "$R/lock" | tr '\n' ' ')" = "700 600 600 " ]
	read -r pid start <"$R/shim"
	[ "$(cut -d' ' -f22 "/proc/$pid/stat")" = "$start" ]
	run grep -c "@.*$R" /proc/net/unix
	[ "$output" = 0 ]
	kill "$pid"
	wait_until over
	[ "$(cat "$R/exit")" = 143 ]
	[ "$(cd "$R" && echo *)" = "exit finished lock started" ]
}

@test "the shim is nobody's child, in / and in its own session; small" {
	expect 0 shim -r "$R" -l log sleep 60
	read -r pid _ <"$R/shim"
	[ "$(readlink "/proc/$pid/cwd")" = / ]
	[ "$(cut -d' ' -f4 "/proc/$pid/stat")" = 1 ]
	[ "$(readlink "/proc/$pid/fd/0" "/proc/$pid/fd/1" "/proc/$pid/fd/2" | sort -u)" = /dev/null ]
	child=$(cat "/proc/$pid/task/$pid/children")
	[ "$(cut -d' ' -f6 "/proc/${child% }/stat")" = "${child% }" ]
	# With a second one running, what both map from the file is no longer private.
	expect 0 shim -r "$R.2" sleep 60
	private=$(awk '/^Private/ { n += $2 } END { print n }' "/proc/$pid/smaps_rollup")
	echo "signal 9" >"$R.2/ctl"
	echo "signal 9" >"$R/ctl"
	[ "$private" -lt 500 ] || [[ $SKIFF_BIN == *san* ]] || fail "$private kB"
	wait_until over
}

@test "inherited descriptors go to the command, and not into the shim" {
	echo hello >data
	expect 0 timeout 10 sh -c 'exec 4>&-; shim -r "$1" -l log sh -c "cat <&5; sleep 60" 3>&- 5<data' sh "$R"
	wait_until grep -q 'stdout F hello' log
	read -r pid _ <"$R/shim"
	run readlink "/proc/$pid"/fd/*
	[[ $output != *"/data"* ]]
	echo "signal KILL" >"$R/ctl"
	wait_until over
}

@test "a chain: created, started, ended" {
	chain_like
	mkdir "$R"
	mkfifo "$R/start"
	expect 0 shim -r "$R" --stderr 6 -l log \
		python3 chain.py "$R" 'read x <$0/start; exec 2>&6 6>&-; echo app; echo err >&2; exit 5'
	[ -e "$R/pid" ]
	[ ! -e "$R/started" ]
	: >"$R/start"
	wait_until over
	[ "$(cat "$R/exit")" = 5 ]
	[ -e "$R/started" ]
	text log | grep -qx 'stdout F app'
	text log | grep -qx 'stderr F err'
}

@test "a chain that fails before it is created says so to the caller" {
	expect 125 shim -r "$R" --stderr 6 -l log -x touch "$BATS_TEST_TMPDIR/cleaned" ';' \
		sh -c 'echo "no such layer" >&2; exit 125'
	[ "$output" = "no such layer" ]
	[ "$(cat "$R/error")" = "no such layer" ]
	[ "$(cat "$R/exit")" = 125 ]
	[ ! -s log ]
	[ ! -e cleaned ]
	flock -n "$R/lock" true
}

@test "a chain that fails after it was created says so to who is attached" {
	chain_like
	mkdir "$R"
	mkfifo "$R/start"
	expect 0 shim -r "$R" --stderr 6 \
		python3 chain.py "$R" 'read x <$0/start; echo "not found" >&2; exit 127'
	expect 127 timeout 10 attach --start "$R"
	[ "$output" = "not found" ]
	[ "$(cat "$R/error")" = "not found" ]
	[ ! -e "$R/started" ]
}

@test "a pid file that names no child of ours is not believed" {
	mkdir "$R"
	expect 3 shim -f -r "$R" sh -c \
		'echo "1 $(cut -d" " -f22 /proc/1/stat)" >"$0/pid"; exit 3' "$R"
	expect 0 shim -f -r "$R" sh -c \
		'echo "1 $(cut -d" " -f22 /proc/1/stat)" >"$0/pid"; exit 0' "$R"
}

@test "on-exit runs when all is recorded, and the lock is free only after it" {
	mkfifo hold
	expect 0 shim -r "$R" -x sh -c 'cd "$1" && cat run/exit >order; read x <hold; echo done >>order' \
		sh "$BATS_TEST_TMPDIR" ';' sh -c 'exit 9'
	wait_until test -s order
	run flock -n "$R/lock" true
	[ "$status" -ne 0 ]
	[ ! -e "$R/ctl" ]
	: >hold
	wait_until flock -n "$R/lock" true
	[ "$(cat order)" = "9
done" ]
}

@test "--remove: the run directory goes, before the lock, with what others left in it; on-exit comes after" {
	mkdir here
	echo x >here/env
	pushd here
	shim -r . --remove -x sh -c 'test -e "$1/here" || echo gone >"$1/after"' sh "$OLDPWD" ';' sh -c 'sleep 0.3; exit 3'
	[ -e env ]
	exec 8<lock
	flock -w 10 8
	exec 8<&-
	popd
	[ "$(cat after)" = gone ]
	[ ! -e here ]
	expect 3 shim -f -r here --remove sh -c 'exit 3'
	[ ! -e here ]
	expect 127 shim -r here --remove --stderr 6 ./nothing # never created: its caller may look
	[ -e here/lock ]
}

@test "on-exit may start the next run: it closes descriptor 9" {
	cat >again <<-'SH'
		exec 9>&-
		exec shim -r "$1" sh -c ': >"$0" && exec sleep 60' "$2"
	SH
	expect 0 shim -r "$R" -x sh "$BATS_TEST_TMPDIR/again" "$R" "$BATS_TEST_TMPDIR/second" ';' sh -c 'exit 4'
	wait_until test -e "$BATS_TEST_TMPDIR/second"
	echo "signal KILL" >"$R/ctl"
	wait_until over
	[ "$(cat "$R/exit")" = 137 ]
}

@test "ctl: signals by name and number, nonsense ignored" {
	expect 0 shim -r "$R" -l log sh -c '
		trap "echo usr1" USR1; trap "echo term; exit 3" TERM; echo ready
		while :; do sleep 0.1; done'
	wait_until grep -q ready log
	head -c 3000 /dev/urandom >"$R/ctl"
	printf '\n\nsize\nsize x y\nsize 0 0\nsignal\nsignal NONE\nsignal 999\nsignal 0\nclose-stdin\n' >"$R/ctl"
	echo "signal USR1" >"$R/ctl"
	wait_until grep -q usr1 log
	echo "signal 15" >"$R/ctl"
	wait_until over
	[ "$(cat "$R/exit")" = 3 ]
}

@test "signals before the start wait for it, but not SIGKILL" {
	chain_like
	mkdir "$R"
	mkfifo "$R/start"
	expect 0 shim -r "$R" --stderr 6 python3 chain.py "$R" 'trap "" TERM; read x <$0/start; trap - TERM; exec 2>&- sleep 60'
	echo "signal TERM" >"$R/ctl"
	: >"$R/start"
	wait_until over
	[ "$(cat "$R/exit")" = 143 ]
	expect 0 shim -r "$R" --stderr 6 python3 chain.py "$R" 'read x <$0/start'
	echo "signal KILL" >"$R/ctl"
	wait_until over
	[ "$(cat "$R/exit")" = 137 ]
}

@test "without --stderr, too, signals go to the process that the command leaves as its pid" {
	chain_like
	mkdir "$R"
	expect 0 shim -r "$R" -l log python3 chain.py "$R" 'trap "echo usr1" USR1; echo ready; while :; do sleep 0.1; done'
	wait_until grep -q ready log
	read -r shim _ <"$R/shim"
	alone() { [ "$(cat "/proc/$shim/task/$shim/children")" = "$(cut -d' ' -f1 "$R/pid") " ]; }
	wait_until alone
	echo "signal USR1" >"$R/ctl"
	wait_until grep -q usr1 log
	echo "signal KILL" >"$R/ctl"
	wait_until over
	[ "$(cat "$R/exit")" = 137 ]
}

@test "a background process that keeps the output does not keep the shim" {
	expect 3 shim -f -r "$R" -l log sh -c 'sleep 20 & echo $! >bg; echo last; exit 3'
	[ "$(cat "$R/exit")" = 3 ]
	text log | grep -qx 'stdout F last'
	kill "$(cat bg)"
}

@test "the log is rotated and stays within its bounds" {
	expect 0 shim -f -r "$R" -l log --log-size 50k --log-files 3 seq 100000
	[ "$(echo log*)" = "log log.1 log.2" ]
	for f in log*; do
		[ "$(stat -c %s "$f")" -le 51200 ]
		grep -Eqv '^[^ ]{30} stdout F [0-9]+$' "$f" && fail "torn record in $f"
	done
	crilog log >got
	seq 100000 | tail -n "$(wc -l <got)" | cmp - got
	expect 0 shim -f -r "$R" -l one --log-size 20k --log-files 1 seq 10000
	[ "$(echo one*)" = one ]
	[ "$(stat -c %s one)" -le 20480 ]
}

@test "half a record, left by a crash, does not spoil the next" {
	printf '2026-11-22T10:00:00.123456789Z stdo' >log
	expect 0 shim -f -r "$R" -l log echo hello
	[ "$(text log | tail -1)" = "stdout F hello" ]
}

@test "a full disk: the container goes on, the loss is counted, the status kept" {
	mkdir small
	mount -t tmpfs -o size=256k tmpfs small
	mkdir small/state
	expect 0 shim -r "$R" -s small/state -l small/log --log-size 10m sh -c '
		head -c 1000000 /dev/zero | tr "\0" x | fold -w 99; echo; echo full
		while [ ! -e go ]; do sleep 0.05; done; echo after; exit 6'
	filled() { [ "$(df --output=avail small | tail -1)" -le 130 ]; }
	wait_until filled
	head -c 1M /dev/zero >small/fill 2>/dev/null || true
	rm small/fill small/log
	head -c 200K /dev/zero >small/fill 2>/dev/null || true
	head -c 1M /dev/zero >small/fill2 2>/dev/null || true
	rm small/fill2
	: >go
	over_small() { [ -e small/state/exit ]; }
	wait_until over_small
	[ "$(cat small/state/exit)" = 6 ]
	[ -s small/state/finished ]
}

@test "lost bytes are told when there is room again" {
	mkdir small
	mount -t tmpfs -o size=64k tmpfs small
	expect 0 shim -r "$R" -l small/log sh -c '
		echo first; head -c 70000 /dev/zero | tr "\0" x; echo
		touch written; while [ ! -e go ]; do sleep 0.05; done; echo after'
	wait_until test -e written
	head -c 64k /dev/zero >small/fill 2>/dev/null || true
	rm small/fill
	: >go
	wait_until over
	run text small/log
	[[ $output == *"stderr F [shim: "*" bytes of log lost: No space left on device]"* ]] || fail "${output: -300}"
	lost=$(sed -n 's/.*\[shim: \([0-9]*\) bytes.*/\1/p' small/log)
	kept=$(grep -v 'shim:' small/log | cut -d' ' -f4 | tr -d '\n' | wc -c)
	[ $((lost + kept)) -ge 70010 ] || fail "lost $lost kept $kept"
}

@test "--journal: a line at the start and one at the end, with the attributes of that moment" {
	printf 'image=one\nname=two\n' >attributes
	expect 7 shim -f -r run -j events --attributes ./attributes --start-event 'a	create' --start-event 'a	start' \
		--end-event 'a	die' sh -c 'until test -s "$1/events"; do sleep 0.1; done; echo name=new >"$1/attributes"; exit 7' - "$PWD"
	[ "$(cut -f 2- events)" = $'a\tcreate\timage=one\tname=two\na\tstart\timage=one\tname=two\na\tdie\tname=new\texitCode=7' ] ||
		fail "$(cat events)"
	[ "$(cut -f 1 events | sed -n 2p)" = "$(cat run/started)" ]
	[ "$(cut -f 1 events | sed -n 3p)" = "$(cat run/finished)" ]
	# none of what never started; nothing of what cannot be read
	expect 127 shim -f -r run -j events2 --attributes ./missing --start-event s --end-event e nothing-like-it
	[ ! -s events2 ]
	expect 125 shim -f -r run -j /nonexistent/events true
	expect 125 shim -f -r run -j e --start-event 1 --start-event 2 --start-event 3 --start-event 4 --start-event 5 true
}
