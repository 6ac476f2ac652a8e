#!/usr/bin/env bats
# Faults beside those of crash.bats: SIGKILL at random (the long form is "make faults"), a full disk,
# a clock that jumps, another start of the machine.
# shellcheck shell=bash disable=SC2016

load helper
load container

teardown() {
	skiff rm -f "$C" >/dev/null 2>&1 || true
	if [ -n "${DISK:-}" ]; then
		rm -f "$DISK"/fill*
		SKIFF_ROOT=$DISK/root SKIFF_RUN=$DISK.run skiff ps -aq | SKIFF_ROOT=$DISK/root SKIFF_RUN=$DISK.run xargs -r skiff rm -f >/dev/null
		cgset remove "$(cat "$DISK/root/cgroup")"
		umount "$DISK"
	fi
}

field() { skiff inspect --type container "$1" | jq -r ".[0]$2"; }
state_is() { [ "$(field "$1" .State.Status)" = "$2" ]; }

# end_all NAME: the shim and what it keeps, at once: the machine has lost its power.
end_all() {
	local id shim pid
	id=$(cat "$SKIFF_ROOT/names/$1/id")
	read -r shim _ <"$SKIFF_RUN/$id/shim"
	read -r pid _ <"$SKIFF_RUN/$id/pid"
	kill -KILL "$shim" "$pid"
	ended() { [ ! -e "/proc/$pid" ] || grep -q '^State:.Z' "/proc/$pid/status"; }
	wait_until ended
}

# ---- SIGKILL -----------------------------------------------------------------

@test "SIGKILL at random points, of every process: nothing lost, nothing left" {
	expect 0 timeout -s KILL 200 "$REPO/tests/faults" "${FAULT_RUNS:-20}" "${FAULT_SEED:-1}" 3>&- 4>&-
}

@test "on-exit killed before it gave back control group and ports: check does it" {
	skiff run -d --name "$C" busybox sleep 600 >/dev/null
	local id
	id=$(field "$C" .Id)
	end_all "$C"
	echo 137 >"$SKIFF_ROOT/containers/$id/exit" # as its shim had written, who became on-exit
	cgset path "$GROUP/$id" >/dev/null
	expect 1 skiff check -n
	[[ $output = *"$id"*'the clean-up after it was killed'* ]] || fail "$output"
	expect 0 skiff check
	run cgset path "$GROUP/$id"
	[ "$status" -ne 0 ]
	expect 0 skiff check -n
	expect 0 skiff start "$C"
}

@test "killed in the middle of killing a control group, which is frozen for that: check thaws it" {
	skiff run -d --name "$C" busybox sleep 600 >/dev/null
	local id
	id=$(field "$C" .Id)
	skiff pause "$C" >/dev/null
	expect 0 skiff check
	[ -z "$output" ] || fail "$output"
	skiff unpause "$C" >/dev/null
	cgset freeze "$GROUP/$id"
	expect 0 skiff check
	[ "$output" = "container $id: frozen, but not paused: repaired" ] || fail "$output"
	expect 0 timeout -s KILL 20 skiff exec "$C" true
	expect 0 skiff rm -f "$C"
}

@test "a start that fails leaves no control group" {
	skiff create --name "$C" -v "$PWD/gone:/gone" busybox true >/dev/null
	rmdir gone
	expect 1 skiff start "$C"
	run cgset path "$GROUP/$(field "$C" .Id)"
	[ "$status" -ne 0 ]
	expect 0 skiff check -n
}

@test "the front end of exec killed before it let the command go: check ends that" {
	skiff run -d --name "$C" busybox sleep 600 >/dev/null
	skiff exec --explain -d "$C" touch /done | grep -v '^attach ' >script
	expect 0 timeout -s KILL 20 dash script 3>&- 4>&-
	local exec
	exec=$(find "$SKIFF_RUN/$(field "$C" .Id)/exec" -mindepth 1 -maxdepth 1)
	[ -p "$exec/start" ]
	expect 0 skiff check -n # it may be just about to
	touch -h -c -d '-2 minutes' "$exec/start"
	expect 0 skiff check
	[[ $output = *'nobody lets it go: repaired' ]] || fail "$output"
	[ ! -e "$exec" ]
	expect 1 skiff exec "$C" test -e /done
	mkdir -p "$exec" # killed before it had a shim
	expect 0 skiff check -n
	touch -d '-2 minutes' "$exec"
	expect 0 skiff check
	[[ $output = *'half made: repaired' ]] || fail "$output"
	[ ! -e "$exec" ]
	state_is "$C" running
}

@test "a PID file without a number in it is no process" {
	skiff create --name "$C" busybox true >/dev/null
	mkdir -p "$SKIFF_RUN/$(field "$C" .Id)"
	printf '\n' >"$SKIFF_RUN/$(field "$C" .Id)/pid"
	state_is "$C" created
	expect 0 skiff start -a "$C"
}

@test "the networks that are always there, described on the way, change no container" {
	rm -rf "${SKIFF_ROOT:?}/networks"
	skiff create --name "$C" --network bridge busybox true >/dev/null
	grep -qx "name=$C" "$SKIFF_ROOT/names/$C/attributes"
	[ "$(cat "$SKIFF_ROOT/names/$C/id")" = "$(field "$C" .Id)" ]
}

# ---- another start of the machine --------------------------------------------

@test "boot: SKIFF_RUN new and old files in it; what was half made goes, with its volume" {
	skiff run -d --name "$C" --restart always busybox sleep 600 >/dev/null
	skiff run -d --name "$C-u" --restart unless-stopped busybox sleep 600 >/dev/null
	skiff run -d --name "$C-n" -v /anon busybox sleep 600 >/dev/null
	skiff stop -t 0 "$C-u" >/dev/null
	skiff create --name "$C-h" -v /anon busybox true >/dev/null
	local half name
	half=$(field "$C-h" .Id)
	rm "$SKIFF_ROOT/containers/$half/created" # killed before it was whole
	echo '1 1' >"$SKIFF_ROOT/containers/$half/creating"
	end_all "$C"
	end_all "$C-n"
	echo another >"$SKIFF_RUN/boot-id"
	# numbers and start times of another boot that fit a process of this one
	printf '%s %s\n' $$ "$(cut -d ' ' -f 22 /proc/$$/stat)" | tee "$SKIFF_RUN/$(field "$C-n" .Id)/pid" >"$SKIFF_RUN/$(field "$C-n" .Id)/shim"
	expect 0 skiff boot
	kill -0 $$
	state_is "$C" running
	state_is "$C-n" exited
	state_is "$C-u" exited
	[ ! -e "$SKIFF_ROOT/containers/$half" ]
	[ "$(find "$SKIFF_ROOT/volumes" -mindepth 1 -maxdepth 1 | wc -l)" -eq 1 ] || fail "$(ls "$SKIFF_ROOT/volumes")"
	expect 0 skiff check -n
	# without boot, and with nothing in SKIFF_RUN
	end_all "$C"
	rm -rf "${SKIFF_RUN:?}"
	skiff ps -a | grep "$C" >/dev/null
	expect 0 skiff start "$C"
	expect 0 skiff exec "$C" true
	expect 0 skiff start "$C-n"
	for name in "$C" "$C-n" "$C-u"; do expect 0 skiff rm -f -v "$name"; done
	nothing_left
	mkdir -p "$SKIFF_RUN"
	[ -z "$(ls "$SKIFF_ROOT/volumes")" ]
}

# ---- a clock that jumps ------------------------------------------------------

@test "a clock set back or on: ages are not negative, and the policy goes on restarting" {
	skiff run --name "$C" busybox true
	local shift file
	for shift in '+1 hour' '-1 hour'; do # the records are from a clock that was that far off
		for file in created started finished; do
			date -u -d "$shift" +%Y-%m-%dT%H:%M:%S.%NZ >"$SKIFF_ROOT/names/$C/$file"
		done
		expect 0 skiff ps -a
		case $shift in
		+*) [[ $output = *'Exited (0) Less than a second ago'* && $output != *' -'[0-9]* ]] || fail "$output" ;;
		*) [[ $output = *'Exited (0) About an hour ago'* ]] || fail "$output" ;;
		esac
	done
	skiff rm "$C" >/dev/null
	# The wait before a restart stays between its bounds, whatever the clock said of the last run.
	skiff run -d --name "$C" --restart always busybox false >/dev/null
	more() { [ "$(field "$C" .RestartCount)" -ge $((count + 1)) ]; }
	for shift in '+1 hour' '-1 hour'; do
		count=$(field "$C" .RestartCount)
		date -u -d "$shift" +%Y-%m-%dT%H:%M:%S.%NZ >"$SKIFF_ROOT/names/$C/finished"
		wait_until more
		[ "$(cat "$SKIFF_ROOT/names/$C/backoff")" -le 60000 ]
	done
}

# ---- a full disk -------------------------------------------------------------

# disk: a small store on DISK, with containers in it; then nothing fits any more.
disk() {
	DISK=$BATS_TEST_TMPDIR/disk
	mkdir "$DISK"
	truncate -s 24M disk.img
	mkfs.ext4 -q -F -O ^has_journal disk.img
	mount -o loop disk.img "$DISK"
	export SKIFF_ROOT=$DISK/root SKIFF_RUN=$DISK.run
	tar -C "$BATS_FILE_TMPDIR/tree" -c . | skiff import -c 'CMD ["sh"]' - busybox >/dev/null
}

# fill: what room there is, also what has been given back since the last time.
fill() {
	fills=$((${fills:-0} + 1))
	dd if=/dev/zero of="$DISK/fill$fills.64k" bs=64k 2>/dev/null || true
	dd if=/dev/zero of="$DISK/fill$fills.1k" bs=1k 2>/dev/null || true
}

# refuses STATUS ARG...: skiff ARG... ends with it on the full disk, and tells of that in one line or two.
refuses() {
	local want=$1
	shift
	fill # what the verb before has tried, and given back
	expect "$want" skiff "$@"
	[[ $output = *'No space left'* || $output = *'full or read-only'* || $output = *'disk full?'* || $output = *'Write error'* ]] || fail "$*: $output"
	[ "${#lines[@]}" -le 3 ] || fail "$*: $output"
}

@test "a full disk: each verb says so, ends are recorded, all works when there is room" {
	disk
	skiff run -d --name ends busybox sh -c 'while [ ! -e /go ]; do sleep 0.05; done; exit 7' >/dev/null
	skiff run -d --name logs busybox sh -c 'i=0; while :; do echo line $i; i=$((i + 1)); sleep 0.01; done' >/dev/null
	skiff run -d --name asked busybox sh -c 'trap "exit 4" TERM; while :; do sleep 0.05; done' >/dev/null
	skiff run -d --rm --name removed busybox sh -c 'sleep 2; exit 5' >/dev/null
	skiff run -d --name again --restart always busybox sh -c 'sleep 1; exit 6' >/dev/null
	skiff create --name fresh busybox sh -c 'exit 8' >/dev/null
	expect 3 skiff run --name stopped busybox sh -c 'exit 3'
	local before id
	before=$(ls "$SKIFF_ROOT/containers" "$SKIFF_ROOT/names" "$SKIFF_ROOT/idmaps")
	skiff exec asked sh -c 'echo text >/small' >/dev/null
	skiff exec -d ends sh -c 'sleep 0.7; : >/go'
	fill
	expect 0 skiff wait ends
	[ "$output" = 7 ]
	[ "$(field ends .State.ExitCode)" = 7 ]
	expect 0 skiff exec asked cat /small
	[ "$output" = text ]
	expect 1 skiff exec asked sh -c 'head -c 100000 /dev/zero >/large'
	[[ $output = *'No space left'* || $output = *'I/O error'* ]] || fail "$output"
	expect 0 skiff ps -a
	expect 0 skiff events --since 1h --until 0s
	expect 0 skiff logs -n 1 logs
	gone() { [ ! -e "$SKIFF_ROOT/names/removed" ]; }
	wait_until gone # with all that it gives back
	refuses 125 run --name new busybox true
	skiff rm -f new >/dev/null 2>&1 || true
	fill
	refuses 125 run --rm busybox true
	refuses 125 run -d -v vol:/v busybox true
	refuses 1 create busybox true
	refuses 1 start stopped
	[ "$(field stopped .State.ExitCode)" = 3 ]
	[ "$(field stopped .State.Status)" = exited ]
	refuses 1 commit asked made
	refuses 1 tag busybox other
	[ ! -e "$SKIFF_ROOT/refs/docker.io/library/other:latest" ]
	refuses 1 rename fresh renamed
	[ "$(cat "$SKIFF_ROOT/names/fresh/name")" = fresh ] && [ ! -e "$SKIFF_ROOT/names/renamed" ]
	refuses 1 cp /etc/services asked:/
	refuses 1 update --pids-limit 77 fresh
	[ -s "$SKIFF_ROOT/names/fresh/cgset" ]
	refuses 1 volume create vol
	expect 0 skiff stop asked
	[ "$(field asked .State.ExitCode)" = 4 ]
	[ "$(field again .State.ExitCode)" != '' ]
	rm "$DISK"/fill*
	run skiff check
	[ "$(wc -l <<<"$(ls "$SKIFF_ROOT/containers" "$SKIFF_ROOT/names" "$SKIFF_ROOT/idmaps")")" -eq $(($(wc -l <<<"$before") - 3)) ] ||
		fail "before: $before; now: $(ls "$SKIFF_ROOT/containers" "$SKIFF_ROOT/names" "$SKIFF_ROOT/idmaps")"
	expect 0 skiff check -n
	[ -z "$(find "$SKIFF_ROOT/containers" -name exit -size 0)" ]
	expect 8 skiff start -a fresh
	expect 3 skiff start -a stopped
	expect 0 skiff start asked ends
	expect 0 skiff run --rm busybox echo ran
	[ "$output" = ran ]
	expect 0 skiff commit asked made
	# shellcheck disable=SC2046
	expect 0 skiff rm -f $(skiff ps -aq)
	expect 0 skiff check --deep
	[ -z "$output" ] || fail "$output"
}

@test "a lease on a full disk: refused at once, none half made" {
	disk
	local SKIFF_ROOT=$DISK/root
	skiff create --name warm busybox true >/dev/null
	skiff rm warm >/dev/null
	fill
	SECONDS=0
	expect 1 skiff create busybox true
	[ $SECONDS -lt 20 ]
	[ -z "$(ls "$SKIFF_ROOT/idmaps")" ]
}
