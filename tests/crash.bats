#!/usr/bin/env bats
# What a crash leaves: front ends and shims killed at any point, many at once, a full disk.
# shellcheck shell=bash disable=SC2016

load helper
load container

teardown() {
	skiff rm -f "$C" >/dev/null 2>&1 || true
	if [ -n "${DISK:-}" ]; then
		SKIFF_ROOT=$DISK/root skiff rm -f full >/dev/null 2>&1 || true
		umount "$DISK"
	fi
}

running() {
	[ "$(field "$1" .State.Status)" = running ]
}

# our_groups: directories of control groups that lie below this store's.
our_groups() {
	find /sys/fs/cgroup -mindepth 2 -maxdepth 4 -type d -path "*$(tr / _ <<<"$SKIFF_ROOT")*" -name '????????????????????????????????????????????????????????????????' 2>/dev/null
}

# aged: as if a minute had passed since the last crash; check leaves what is younger and
# may be in the making.
aged() {
	find "$SKIFF_ROOT/containers" "$SKIFF_ROOT/idmaps" -mindepth 1 -maxdepth 1 -exec touch -d '-2 minutes' '{}' +
	skiff check >>repaired
}

empty() {
	nothing_left >/dev/null 2>&1 && [ -z "$(our_groups)" ]
}

@test "fifty at once, twice: every one right, nothing left" {
	local round n
	for round in 1 2; do
		for n in $(seq 50); do
			(
				status=0
				LIMIT=100 skiff run --rm -e "N=$n" busybox sh -c 'echo "number $N"; exit $N' >"out.$n" 2>&1 || status=$?
				echo "status $status" >>"out.$n"
			) 3>&- 4>&- &
		done
		wait
		for n in $(seq 50); do
			[ "$(cat "out.$n")" = "number $n"$'\n'"status $n" ] || fail "round $round, $n: $(cat "out.$n")"
		done
		nothing_left
		[ -z "$(our_groups)" ] || fail "groups: $(our_groups)"
	done
	expect 0 skiff check
	[ -z "$output" ] || fail "$output"
}

@test "the front end killed at random points: nothing half made, nothing lost" {
	RANDOM=${SEED:-4711}
	local n client delay
	for n in $(seq 40); do
		case $((n % 4)) in
		0) set -- run -d busybox sleep 600 ;;
		1) set -- run --rm busybox true ;;
		2) set -- run -d --name "killed-$n" busybox sleep 600 ;;
		3) set -- create --name "killed-$n" busybox true ;;
		esac
		# a session of its own, so that what it has started, but not the shim, dies with it
		setsid skiff "$@" >/dev/null 2>&1 3>&- 4>&- &
		client=$!
		delay=00$((RANDOM % 60))
		sleep "0.${delay: -3}"
		kill -KILL -- "-$client" 2>/dev/null || true
		wait "$client" || true
		[ $((n % 10)) -ne 0 ] || skiff check >>repaired
	done 2>/dev/null
	aged
	# Now disk and kernel agree: a dry run finds nothing, each container can be used and removed.
	expect 0 skiff check -n
	[ -z "$output" ] || fail "left after check: $output"
	local id state
	for id in $(skiff ps -aq --no-trunc); do
		# --rm: it ends when it likes
		[ ! -e "$SKIFF_ROOT/containers/$id/auto-remove" ] || { skiff rm -f "$id" || true; continue; }
		state=$(field "$id" .State.Status)
		case $state in
		running) expect 0 skiff exec "$id" true ;;
		created) expect 0 skiff start "$id" ;;
		exited) ;;
		*) fail "$id is $state" ;;
		esac
		expect 0 skiff rm -f "$id"
	done
	wait_until empty || fail "$(nothing_left 2>&1) $(our_groups | head -n 3); repaired: $(cat repaired)"
	expect 0 skiff run --rm busybox true
}

@test "start, stop and rm killed at random points" {
	RANDOM=${SEED:-815}
	local n client delay
	for n in $(seq 24); do
		skiff inspect "$C" >/dev/null 2>&1 || skiff create --name "$C" busybox sh -c 'trap "exit 0" TERM; while :; do sleep 0.05; done' >/dev/null
		case $((n % 3)) in
		0) set -- rm -f "$C" ;;
		1) set -- start "$C" ;;
		2) set -- stop -t 5 "$C" ;;
		esac
		setsid skiff "$@" >/dev/null 2>&1 3>&- 4>&- &
		client=$!
		delay=00$((RANDOM % 40))
		sleep "0.${delay: -3}"
		kill -KILL -- "-$client" 2>/dev/null || true
		wait "$client" || true
		skiff check >>repaired
		expect 0 skiff check -n
		[ -z "$output" ] || fail "after $*: $output; before: $(cat repaired)"
	done 2>/dev/null
	skiff rm -f "$C" >/dev/null 2>&1 || true
	aged
	wait_until empty || fail "$(nothing_left 2>&1) $(our_groups | head -n 3); repaired: $(cat repaired)"
}

@test "rm -f killed while it waits: the container ends and stays, and can be removed" {
	local id shim run
	id=$(skiff run -d --name "$C" busybox sleep 600)
	run=$SKIFF_RUN/$id
	shim=$(cut -d ' ' -f 1 "$run/shim")
	kill -STOP "$shim"
	env skiff rm -f "$C" 3>&- 4>&- &
	wait_until test -s "$run/doomed"
	kill -KILL $!
	kill -CONT "$shim"
	wait $! || true
	flock "$run/lock" true
	[ "$(skiff inspect -f '{{.State.Status}} {{.State.ExitCode}}' "$C")" = 'exited 137' ]
	expect 0 skiff rm "$C"
	[ ! -e "$SKIFF_ROOT/containers/$id" ]
	[ ! -e "$run" ]
}

# ended ID: it has been started, has ended, and its clean-up is over.
ended() {
	skiff start "$1" >/dev/null
	skiff wait "$1" >/dev/null
	flock "$SKIFF_RUN/$1/lock" true
	cmp "$SKIFF_RUN/$1/cleaned" "$SKIFF_ROOT/containers/$1/finished"
}

@test "what a clean-up that was killed has left, rm takes back" {
	local id group mark
	group=$(cat "$SKIFF_ROOT/cgroup")
	# As if it had been killed before it could say that nothing is left: it never did, or after an earlier run.
	for mark in none old; do
		id=$(skiff create --name "$C" busybox true)
		ended "$id"
		cp "$SKIFF_RUN/$id/cleaned" old
		ended "$id"
		if [ $mark = old ]; then mv old "$SKIFF_RUN/$id/cleaned"; else rm "$SKIFF_RUN/$id/cleaned"; fi
		cgset set "$group/$id"
		expect 0 skiff rm "$C"
		! cgset path "$group/$id" 2>/dev/null || fail "$mark: the control group is there still"
		[ ! -e "$SKIFF_RUN/$id" ]
	done
}

@test "processes made but never let go: start lets them go, rm -f ends them" {
	local id
	for verb in start rm; do
		skiff run --explain -d --name "$C" busybox sleep 600 | grep -v '^attach ' >script
		expect 0 timeout -s KILL 20 dash script 3>&- 4>&-
		[ "$(field "$C" .State.Status)" = created ]
		expect 0 skiff check -n
		if [ $verb = start ]; then
			expect 0 skiff start "$C"
			running "$C"
			expect 0 skiff exec "$C" true
		fi
		expect 0 skiff rm -f "$C"
	done
}

@test "the shim killed while its container waits to be let go: the next start runs the command once" {
	local id shim waiting
	expect 0 skiff create --name "$C" --network none busybox sh -c 'echo once; exec sleep 600'
	id=$(field "$C" .Id)
	skiff start --explain "$C" | grep -v '^attach ' >script
	expect 0 timeout -s KILL 20 dash script 3>&- 4>&-
	read -r shim _ <"$SKIFF_RUN/$id/shim"
	read -r waiting _ <"$SKIFF_RUN/$id/pid"
	kill -KILL "$shim"
	expect 0 skiff start "$C"
	said() { [ -n "$(skiff logs "$C")" ]; }
	wait_until said
	[ ! -e "/proc/$waiting/exe" ]
	[ "$(skiff logs "$C")" = once ]
	expect 0 skiff rm -f "$C"
	wait_until empty || fail "$(nothing_left 2>&1)"
}

@test "start killed while the chain is still at it: another start waits for the processes, and lets them go" {
	mkdir slow # the chain waits, as on a busy machine
	printf '#!/bin/sh\nsleep 1\nexec "%s" "$@"\n' "$(command -v choom)" >slow/choom
	chmod +x slow/choom
	id=$(skiff create --name "$C" --oom-score-adj 1 busybox sleep 600)
	PATH=$PWD/slow:$PATH setsid skiff start "$C" >/dev/null 2>&1 3>&- 4>&- &
	wait_until test -s "$SKIFF_RUN/$id/shim"
	pkill -KILL -s "$!"
	expect 0 skiff start "$C"
	running "$C"
	expect 0 skiff rm -f "$C"
}

@test "killed between making the last file and writing it: not a container yet" {
	local id
	id=$(skiff create --name "$C" busybox true)
	: >"$SKIFF_ROOT/containers/$id/created"
	expect 1 skiff start "$C"
	expect 0 skiff check
	[[ $output = *"unfinished container $id"*repaired ]] || fail "$output"
	wait_until empty || fail "$(nothing_left 2>&1)"
}

@test "the shim killed: told, repaired, and the container starts again" {
	skiff run -d --name "$C" busybox sleep 600 >/dev/null
	local id shim pid
	id=$(field "$C" .Id) pid=$(field "$C" .State.Pid)
	read -r shim _ <"$SKIFF_RUN/$id/shim"
	kill -KILL "$shim"
	expect 1 skiff check --dry-run
	[[ $output = *"$id"* ]] || fail "$output"
	expect 0 skiff check
	[[ $output = *"$id"*repaired ]] || fail "$output"
	gone() { [ ! -e "/proc/$pid" ]; }
	wait_until gone
	[ "$(field "$C" .State.ExitCode)" = 137 ]
	[ -z "$(our_groups)" ]
	expect 0 skiff check
	[ -z "$output" ]
	expect 0 skiff start "$C"
	expect 0 skiff exec "$C" true
	# Without check too: stop and rm -f do their work.
	read -r shim _ <"$SKIFF_RUN/$id/shim"
	kill -KILL "$shim"
	expect 0 skiff rm -f "$C"
	wait_until empty || fail "$(nothing_left 2>&1) $(our_groups)"
}

@test "shim and container killed together: dead, then repaired" {
	skiff run -d --name "$C" busybox sleep 600 >/dev/null
	local id shim pid
	id=$(field "$C" .Id) pid=$(field "$C" .State.Pid)
	read -r shim _ <"$SKIFF_RUN/$id/shim"
	kill -KILL "$shim" "$pid"
	ended() { [ ! -e "/proc/$pid" ] || grep -q '^State:.Z' "/proc/$pid/status"; }
	wait_until ended
	skiff ps -a | grep -q Dead
	expect 0 skiff check
	[ "$(field "$C" .State.Status)" = exited ]
	expect 0 skiff start "$C"
	# --rm is kept as well
	expect 0 skiff rm -f "$C"
	skiff run -d --rm --name "$C" busybox sleep 600 >/dev/null
	id=$(field "$C" .Id) pid=$(field "$C" .State.Pid)
	read -r shim _ <"$SKIFF_RUN/$id/shim"
	kill -KILL "$shim" "$pid"
	wait_until ended
	skiff check >/dev/null
	wait_until empty || fail "$(nothing_left 2>&1) $(our_groups)"
}

@test "a container that ends while nobody looks has its status and its log" {
	skiff run -d --name "$C" busybox sh -c 'sleep 0.3; echo written; exit 9' >/dev/null
	expect 0 skiff wait "$C"
	[ "$output" = 9 ]
	[ "$(skiff logs "$C")" = written ]
}

@test "a PID that was given out again is not the container's" {
	skiff run -d --restart always --name "$C" busybox sleep 600 >/dev/null
	local id shim pid
	id=$(field "$C" .Id) pid=$(field "$C" .State.Pid)
	read -r shim _ <"$SKIFF_RUN/$id/shim"
	kill -KILL "$shim" "$pid"
	sleep 600 3>&- 4>&- &
	local other=$!
	local file
	for file in pid shim restarting; do printf '%s %s\n' "$other" 12345 >"$SKIFF_RUN/$id/$file"; done
	skiff stop -t 0 "$C" >/dev/null || true
	skiff kill "$C" >/dev/null 2>&1 || true
	skiff check >/dev/null
	expect 0 skiff rm -f "$C"
	kill -0 "$other"
	kill "$other"
}

@test "check is safe beside the living: a container being made, running, ending" {
	local n
	(while [ ! -e stop ]; do skiff check >>checked 2>&1; done) 3>&- 4>&- &
	for n in $(seq 15); do
		run skiff run --rm busybox sh -c "exit $n"
		[ "$status" -eq "$n" ] || { touch stop; wait; fail "status $status, not $n: $output; check: $(cat checked)"; }
		skiff run -d --name "$C" busybox sleep 600 >/dev/null
		run skiff rm -f "$C"
		[ "$status" -eq 0 ] || { touch stop; wait; fail "$output"; }
	done
	touch stop
	wait
	[ ! -s checked ] || fail "$(cat checked)"
}

@test "boot: after the machine was off, containers are ended and can be started" {
	skiff run -d --name "$C" busybox sleep 600 >/dev/null
	local id shim pid
	id=$(field "$C" .Id) pid=$(field "$C" .State.Pid)
	expect 0 skiff boot
	running "$C" # nothing happened to what lives
	# A power cut: all processes are gone, the runtime directory (a tmpfs) as well.
	read -r shim _ <"$SKIFF_RUN/$id/shim"
	kill -KILL "$shim" "$pid"
	ended() { [ ! -e "/proc/$pid" ] || grep -q '^State:.Z' "/proc/$pid/status"; }
	wait_until ended
	rm -rf "${SKIFF_RUN:?}"
	expect 0 skiff boot
	[ "$(field "$C" .State.Status)" = exited ]
	expect 0 skiff start "$C"
	expect 0 skiff exec "$C" true
}

@test "a full disk: a clear error, nothing half made, nothing lost" {
	DISK=$BATS_TEST_TMPDIR/disk
	mkdir "$DISK"
	truncate -s 24M disk.img
	mkfs.ext4 -q -F -O ^has_journal disk.img
	mount -o loop disk.img "$DISK"
	local SKIFF_ROOT=$DISK/root before
	tar -C "$BATS_FILE_TMPDIR/tree" -c . | skiff import -c 'CMD ["sh"]' - busybox >/dev/null
	expect 0 skiff run --name full busybox sh -c 'echo kept >/kept'
	before=$(find "$SKIFF_ROOT" ! -path '*/rw/work*' | sort)
	dd if=/dev/zero of="$DISK/fill" bs=64k 2>/dev/null || true
	dd if=/dev/zero of="$DISK/fill2" bs=1k 2>/dev/null || true
	run skiff run --rm busybox echo ran
	[ "$status" -ne 0 ]
	[[ $output = *'No space left'* || $output = *'write error'* || $output = *'I/O error'* ]] || fail "$output"
	run skiff create --name other busybox true
	[ "$status" -ne 0 ] || fail "made on a full disk: $output"
	head -c 3000000 /dev/urandom >random
	run skiff import random junk
	tar -c random >random.tar
	run skiff import random.tar junk
	[ "$status" -ne 0 ]
	[ "$(find "$SKIFF_ROOT" ! -path '*/rw/work*' | sort)" = "$before" ] || { run skiff check; }
	[ "$(find "$SKIFF_ROOT" ! -path '*/rw/work*' | sort)" = "$before" ] ||
		fail "changed: $(diff <(echo "$before") <(find "$SKIFF_ROOT" ! -path '*/rw/work*' | sort))"
	# What is there can be read, and works again when there is room.
	expect 0 skiff ps -a
	[[ $output = *full* ]]
	expect 0 skiff images
	rm "$DISK/fill" "$DISK/fill2"
	expect 0 skiff start -a full
	expect 0 skiff run --rm busybox echo ran
	[ "$output" = ran ]
	expect 0 skiff rm full
}

@test "check removes what had --rm and could not be started, if its clean-up was killed" {
	id=$(skiff create --rm --name "$C" busybox /none)
	echo 127 >"$SKIFF_ROOT/containers/$id/exit"
	echo 'no such file' >"$SKIFF_ROOT/containers/$id/error"
	run skiff check
	[ ! -e "$SKIFF_ROOT/containers/$id" ] || fail "$output"
}

@test "the name of a container that was removed while it was renamed is free" {
	ln -s ../containers/gone "$SKIFF_ROOT/names/$C"
	expect 0 skiff create --name "$C" busybox true
	ln -s ../containers/gone "$SKIFF_ROOT/names/$C.2"
	expect 0 skiff rename "$C" "$C.2"
	expect 0 skiff rm "$C.2"
}

@test "what could not be made leaves no name; events know a container by its name" {
	expect 125 skiff run --name "$C" --network bridge --cap-add FOO busybox true
	[ ! -L "$SKIFF_ROOT/names/$C" ]
	# Nor a volume, if that could not be filled, nor a range of IDs.
	mkdir fails
	printf '#!/bin/sh\nexit 1\n' >fails/find
	chmod +x fails/find
	expect 1 env PATH="$PWD/fails:$PATH" skiff create -v /bin busybox true
	[[ $output = *'cannot fill the volume'* ]] || fail "$output"
	expect 0 skiff check
	[ -z "$output$(ls "$SKIFF_ROOT/volumes")" ] || fail "$output $(ls "$SKIFF_ROOT/volumes")"
	expect 0 skiff create --name "$C" --network bridge busybox true
	[ "$(cat "$SKIFF_ROOT/names/$C/attributes")" = $'image=busybox\nname='"$C" ]
}

@test "a full disk: limits stay as they were, and the message says why" {
	mkdir disk
	mount -t tmpfs -o size=8m disk disk
	busybox_tree tree
	(
		export SKIFF_ROOT=$PWD/disk/root
		tar -C tree -c . | skiff import - busybox >/dev/null
		skiff create --name "$C" -m 100m busybox true >/dev/null
		cp "$SKIFF_ROOT/names/$C/cgset" before
		dd if=/dev/zero of=disk/full bs=4k 2>/dev/null || true
		expect 1 skiff update -m 64m --memory-swap 128m "$C"
		[[ $output = *'is the disk full?'* ]] || fail "$output"
		cmp before "$SKIFF_ROOT/names/$C/cgset"
		expect 1 skiff tag busybox other
		expect 125 skiff run busybox true
		expect 1 skiff volume create one
		rm disk/full
		[ "$(skiff images -q | wc -l)" -eq 1 ]
		expect 0 skiff update -m 64m --memory-swap 128m "$C"
		skiff rm "$C" >/dev/null
		skiff check >/dev/null
		cgset remove "$(cat "$SKIFF_ROOT/cgroup")"
	)
	umount disk
}
