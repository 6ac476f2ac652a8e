# The life of a container after its start: pause, restart, rename, update, top, diff, prune;
# the events of it all; and who gets in whose way.

load helper

setup_file() { skiff_setup_file; }
teardown_file() { skiff_teardown_file; }

setup() {
	in_time
	cd "$BATS_TEST_TMPDIR" || return
	C=c$BATS_TEST_NUMBER # a name for the container of this test
}

teardown() {
	[ -n "${KEEP:-}" ] || skiff rm -f "$C" "$C-b" >/dev/null 2>&1 || :
}

# file NAME: one of the files of the container.
file() { cat "$SKIFF_ROOT/names/$C/$1"; }
id_of() { cat "$SKIFF_ROOT/names/$1/id"; }
stat_of() { cgset stat "$GROUP/$(id_of "$C")" "$1" | cut -d ' ' -f 2; }

# events: the actions of the container of this test, in order, a line each.
events() {
	awk -F '\t' -v id="${1:-$(id_of "$C")}" '$2 == "container" && $4 == id { print $3 }' "$SKIFF_ROOT/events"
}

# ---- pause -------------------------------------------------------------------

@test "pause freezes, unpause lets go on; wrong states are refused and change nothing" {
	skiff run -d --name "$C" busybox sh -c 'while :; do echo x >>/count; sleep 0.01; done' >/dev/null
	wait_until skiff exec "$C" test -s /count
	expect 0 skiff pause "$C"
	[ "$output" = "$C" ]
	[ "$(stat_of frozen)" = 1 ]
	[[ $(skiff ps) = *'Up '*' (Paused)'* ]]
	[ "$(skiff ps -q --filter status=paused)" = "$(id_of "$C" | cut -c 1-12)" ]
	[ "$(skiff info --format '{{.ContainersPaused}}')" = 1 ]
	local count=$SKIFF_ROOT/names/$C/rw/upper/count
	local before
	before=$(wc -c <"$count")
	sleep 0.2
	[ "$(wc -c <"$count")" = "$before" ]

	expect 1 skiff pause "$C"
	[[ $output = *"container $(id_of "$C") is already paused"* ]]
	expect 1 skiff exec "$C" true
	[[ $output = *"$C is paused, unpause the container before exec"* ]]
	expect 1 skiff attach "$C"
	[[ $output = *'You cannot attach to a paused container, unpause it first'* ]]
	expect 1 skiff start "$C"
	[[ $output = *'cannot start a paused container, try unpause instead'* ]]
	expect 1 skiff rm "$C"
	[[ $output = *'You cannot remove a paused container'*'Unpause and then stop'* ]]
	[ "$(stat_of frozen)" = 1 ]
	expect 0 skiff top "$C"
	expect 0 skiff logs "$C"

	expect 0 skiff unpause "$C"
	[ "$output" = "$C" ]
	[ "$(stat_of frozen)" = 0 ]
	expect 0 skiff exec "$C" true
	grown() { [ "$(wc -c <"$count")" -gt "$before" ]; }
	wait_until grown
	expect 1 skiff unpause "$C"
	[[ $output = *'is not paused'* ]]
	[ "$(events | grep pause | tr '\n' ' ')" = 'pause unpause ' ]
}

@test "pause of several: each its result; of one that does not run, none" {
	skiff run -d --name "$C" busybox sleep 600 >/dev/null
	skiff create --name "$C-b" busybox sleep 600 >/dev/null
	expect 1 skiff container pause "$C-b" nothing-like-it "$C"
	[[ $output = *"container $(id_of "$C-b") is not running"*'No such container: nothing-like-it'* ]]
	[ "${lines[-1]}" = "$C" ]
	expect 1 skiff pause
	[[ $output = *'requires at least 1 argument'* ]]
}

@test "stop, kill and rm -f of a paused container thaw it" {
	skiff run -d --name "$C" busybox sh -c 'trap "echo bye; exit 3" TERM; while :; do sleep 0.05; done' >/dev/null
	skiff pause "$C"
	expect 0 skiff stop "$C"
	[ "$(file exit)" = 3 ]
	[ "$(skiff logs "$C")" = bye ]
	[ ! -e "$SKIFF_RUN/$(id_of "$C")/paused" ]

	skiff start "$C" >/dev/null
	skiff pause "$C"
	expect 0 skiff kill -s TERM "$C"
	expect 0 skiff wait "$C"
	[ "$output" = 3 ]

	skiff start "$C" >/dev/null
	skiff pause "$C"
	expect 0 skiff kill "$C"
	[ "$(file exit)" = 137 ]

	skiff start "$C" >/dev/null
	skiff pause "$C"
	expect 0 skiff restart -t 1 "$C"
	[ "$(stat_of frozen)" = 0 ]

	skiff pause "$C"
	expect 0 skiff rm -f "$C"
	[ ! -e "$SKIFF_ROOT/names/$C" ]
}

# ---- restart -----------------------------------------------------------------

@test "restart: a running one stops by its signal and starts again; a stopped one starts; files stay" {
	skiff run -d --name "$C" busybox sh -c 'echo up; trap "echo down; exit 0" TERM; while :; do sleep 0.05; done' >/dev/null
	skiff exec "$C" sh -c 'echo kept >/file'
	wait_until grep -q up "$SKIFF_ROOT/names/$C/log"
	local pid
	pid=$(cat "$SKIFF_RUN/$(id_of "$C")/pid")
	expect 0 skiff restart "$C"
	[ "$output" = "$C" ]
	[ "$(cat "$SKIFF_RUN/$(id_of "$C")/pid")" != "$pid" ]
	[ "$(skiff exec "$C" cat /file)" = kept ]
	wait_until grep -q 'up$' <(skiff logs -n 1 "$C")
	[ "$(skiff logs "$C")" = $'up\ndown\nup' ]
	[ "$(events | tr '\n' ' ')" = "create start exec_create: sh -c echo kept >/file exec_start: sh -c echo kept >/file exec_die kill die stop start restart exec_create: cat /file exec_start: cat /file exec_die " ] ||
		fail "$(events)"

	skiff stop "$C" >/dev/null
	expect 0 skiff container restart "$C"
	skiff exec "$C" true
	expect 1 skiff restart nothing-like-it "$C"
	[[ $output = *'No such container: nothing-like-it'* ]]
	[ "${lines[-1]}" = "$C" ]
	expect 125 skiff restart -t soon "$C"
	expect 1 skiff restart -s NOSUCH "$C"
	[[ $output = *'invalid signal: NOSUCH'* ]]
}

@test "restart of a container of --rm keeps it, and its end removes it after all" {
	skiff run -d --rm --name "$C" busybox sleep 600 >/dev/null
	skiff exec "$C" sh -c 'echo kept >/file'
	expect 0 skiff restart -t 0 "$C"
	[ "$(skiff exec "$C" cat /file)" = kept ]
	expect 0 skiff stop -t 0 "$C"
	gone() { [ ! -e "$SKIFF_ROOT/names/$C" ]; }
	wait_until gone
}

@test "restart that cannot start it again: exited, and can be started; gone with --rm" {
	mkdir gone
	skiff run -d --name "$C" -v "$PWD/gone:/gone" busybox sleep 600 >/dev/null
	skiff run -d --rm --name "$C-rm" -v "$PWD/gone:/gone" -v /anon busybox sleep 600 >/dev/null
	rmdir gone
	expect 1 skiff restart -t 0 "$C" "$C-rm"
	[[ $output = *"$PWD/gone"*No\ such\ file* ]] || fail "$output"
	[ "$(skiff inspect "$C" | jq -c '.[0].State | [.Status, .ExitCode]')" = '["exited",125]' ] || fail "$(skiff inspect "$C" | jq -c '.[0].State')"
	[ ! -e "$SKIFF_ROOT/names/$C-rm" ]
	[ -z "$(ls "$SKIFF_ROOT/volumes")" ]
	expect 0 skiff check
	[ -z "$output" ] || fail "$output"
	mkdir gone
	expect 0 skiff restart "$C"
	skiff rm -f "$C" >/dev/null
}

@test "restart killed in the middle: check removes what --rm would have" {
	local id
	skiff run -d --rm --name "$C" busybox sh -c 'trap "" TERM; sleep 600' >/dev/null
	id=$(id_of "$C")
	skiff restart -t 600 "$C" >/dev/null &
	local job=$!
	wait_until test -s "$SKIFF_RUN/$id/kept"
	kill -KILL "$(cut -d ' ' -f 1 "$SKIFF_RUN/$id/kept")"
	wait $job || :
	skiff kill "$C" >/dev/null
	gone() { [ ! -e "$SKIFF_ROOT/containers/$id" ]; }
	wait_until gone
	expect 0 skiff check
}

# ---- rename ------------------------------------------------------------------

@test "rename: the new name works, the old one is free; Docker's refusals" {
	local id
	id=$(skiff run -d --name "$C" -l tier=web busybox sleep 600)
	expect 0 skiff rename "$C" "$C-b"
	[ -z "$output" ]
	[ "$(cat "$SKIFF_ROOT/containers/$id/name")" = "$C-b" ]
	[ ! -e "$SKIFF_ROOT/names/$C" ]
	skiff exec "$C-b" true
	skiff create --name "$C" busybox true >/dev/null

	expect 1 skiff rename "$C-b" "$C"
	[[ $output = *"Conflict. The container name \"/$C\" is already in use by container \"$(id_of "$C")\""* ]]
	expect 1 skiff rename "$C-b" "$C-b"
	[[ $output = *'Renaming a container with the same name as its current name'* ]]
	expect 1 skiff rename "$C-b" ../x
	[[ $output = *'Invalid container name (../x), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed'* ]]
	expect 1 skiff rename "$C-b" ''
	[[ $output = *'Neither old nor new names may be empty'* ]]
	expect 1 skiff rename nothing-like-it other
	[[ $output = *'No such container: nothing-like-it'* ]]
	expect 1 skiff rename "$C-b"
	[ "$(cat "$SKIFF_ROOT/containers/$id/name")" = "$C-b" ]

	skiff rm -f "$C-b" >/dev/null
	grep -qE "die	$id	image=busybox	name=$C-b	tier=web	exitCode=137" "$SKIFF_ROOT/events" ||
		fail "$(grep "$id" "$SKIFF_ROOT/events")"
	grep -q "rename	$id	.*	oldName=/$C\$" "$SKIFF_ROOT/events"
}

@test "rename killed half-way: the name that is left over is found by check" {
	skiff create --name "$C" busybox true >/dev/null
	ln -s "../containers/$(id_of "$C")" "$SKIFF_ROOT/names/half-way"
	expect 0 skiff check
	[[ $output = *"name 'half-way'"*repaired* ]]
	[ ! -L "$SKIFF_ROOT/names/half-way" ]
	[ -e "$SKIFF_ROOT/names/$C" ]
}

@test "twenty renames of one container at once: one name in the end" {
	local n
	skiff create --name "$C" busybox true >/dev/null
	local id
	id=$(id_of "$C")
	for n in $(seq 20); do skiff rename "${id:0:12}" "$C-n$n" & done
	wait
	run find "$SKIFF_ROOT/names" -lname "../containers/$id" -printf '%f\n'
	[ "${#lines[@]}" -eq 1 ] || fail "$output"
	[ "$(cat "$SKIFF_ROOT/containers/$id/name")" = "${lines[0]}" ]
	skiff rm "$id" >/dev/null
}

# ---- update ------------------------------------------------------------------

@test "update changes the limits of a running container, and of its next start" {
	skiff run -d --name "$C" -m 64m busybox sleep 600 >/dev/null
	expect 0 skiff update -m 32m --pids-limit 77 -c 512 --cpus 0.5 "$C"
	[ "$output" = "$C" ]
	[ "$(stat_of memory.max)" = $((32 << 20)) ]
	[ "$(stat_of pids.max)" = 77 ]
	skiff restart -t 0 "$C" >/dev/null
	[ "$(stat_of memory.max)" = $((32 << 20)) ]
	[ "$(stat_of pids.max)" = 77 ]
	[ "$(skiff inspect "$C" | jq -c '.[0].HostConfig | [.Memory, .MemorySwap, .PidsLimit, .CpuShares, .NanoCpus]')" = \
		'[33554432,134217728,77,512,500000000]' ]
	expect 0 skiff update --pids-limit -1 "$C"
	[ "$(stat_of pids.max)" = max ]
	[ "$(events | grep -c update)" = 2 ]
	expect 0 skiff update --restart on-failure:3 "$C"
	[ "$(skiff inspect "$C" | jq -c '.[0].HostConfig.RestartPolicy')" = '{"Name":"on-failure","MaximumRetryCount":3}' ]
	expect 0 skiff update --restart no "$C"
	[ "$(skiff inspect "$C" | jq -r '.[0].HostConfig.RestartPolicy.Name')" = no ]
	expect 1 skiff update --restart sometimes "$C"
}

@test "update: what cannot be is refused in one line, and nothing changes" {
	skiff run -d --name "$C" -m 64m --cpus 0.5 busybox sleep 600 >/dev/null
	cp "$SKIFF_ROOT/names/$C/cgset" before
	expect 1 skiff update "$C"
	[[ $output = *'you must provide one or more flags when using this command'* ]]
	expect 1 skiff update -m 3m "$C"
	expect 1 skiff update -m 256m "$C"
	[[ $output = *'Memory limit should be smaller than already set memoryswap limit, update the memoryswap at the same time'* ]]
	expect 1 skiff update --cpu-quota 20000 "$C"
	[[ $output = *'CPU Quota cannot be updated as NanoCPUs has already been set'* ]]
	expect 1 skiff update --cpuset-cpus 0-4095 "$C"
	expect 1 skiff update --cpus 1 --pids-limit many "$C"
	expect 125 skiff update --bogus 1 "$C"
	expect 1 skiff update --pids-limit 9 nothing-like-it
	cmp before "$SKIFF_ROOT/names/$C/cgset"
	[ "$(stat_of memory.max)" = $((64 << 20)) ]
	expect 0 skiff update -m 256m --memory-swap 512m "$C"
	[ "$(stat_of memory.max)" = $((256 << 20)) ]
}

@test "limits that are none are refused by create" {
	expect 1 skiff create --name "$C" -m 1k busybox true
	[[ $output = *'at least 6m'* ]]
	for bad in '--ulimit x=5' '--ulimit nofile' '--ulimit nofile=10:5' '--ulimit nofile=-5' '--ulimit nofile=-1:5' \
		'--shm-size -1' '--shm-size 1x' '--shm-size b' '--sysctl x' '--sysctl kernel.panic=1'; do
		# shellcheck disable=SC2086 # words
		expect 125 skiff create --name "$C" $bad busybox true
		[[ $output == *"for \"${bad%% *}\" flag: "* ]] || fail "$output"
	done
	expect 1 skiff create --name "$C" --cpuset-cpus 0,4095 busybox true
	[[ $output == *"--cpuset-cpus: '0,4095': this machine has CPUs 0 to "* ]] || fail "$output"
	expect 1 skiff create --name "$C" --network bridge --mac-address x busybox true
	[ ! -e "$SKIFF_ROOT/names/$C" ]
	# these are no limit, as in Docker
	expect 0 skiff run --rm --cpus 0 --pids-limit -7 --ulimit core=0:-1 --shm-size 1.5mb busybox sh -c 'ulimit -c; df -k /dev/shm | tail -n 1'
	[[ $output == $'0\n'*' 1536 '* ]] || fail "$output"
}

@test "--pids-limit 1: one process, and no second" {
	expect 0 skiff run --rm --name "$C" --pids-limit 1 busybox true
	skiff run -d --name "$C" --pids-limit 1 busybox sleep 600 >/dev/null
	[ "$(stat_of pids.max)" = 1 ]
	expect 126 skiff exec "$C" true
	skiff restart -t 0 "$C" >/dev/null
	[ "$(stat_of pids.max)" = 1 ]
}

# ---- top, port ---------------------------------------------------------------

@test "top: the processes of the container and no others, as ps has them" {
	skiff run -d --name "$C" busybox sh -c 'sleep 601 & sleep 602' >/dev/null
	two() { [ "$(skiff top "$C" | grep -c 'sleep 60[12]$')" = 2 ]; }
	wait_until two
	expect 0 skiff top "$C"
	[[ ${lines[0]} =~ ^UID\ +PID\ +PPID\ +C\ +STIME\ +TTY\ +TIME\ +CMD$ ]]
	[ "${#lines[@]}" -eq 3 ]
	[[ $output = *" $(cut -d ' ' -f 1 "$SKIFF_RUN/$(id_of "$C")/pid") "* ]]
	expect 0 skiff container top "$C" -o pid,args
	[[ ${lines[0]} =~ ^PID\ +COMMAND$ ]]
	[ "${#lines[@]}" -eq 3 ]
	expect 0 skiff top "$C" aux
	[[ ${lines[0]} = USER*%CPU*COMMAND ]]
	expect 1 skiff top "$C" -o comm
	[[ $output = *'find the PID field'* ]]
	expect 1 skiff top "$C" --no-such-option
	skiff stop -t 0 "$C" >/dev/null
	expect 1 skiff top "$C"
	[[ $output = *'is not running'* ]]
	expect 1 skiff top nothing-like-it
	expect 1 skiff top
}

@test "port: what the file of published ports says" {
	skiff create --name "$C" busybox true >/dev/null
	expect 0 skiff port "$C"
	[ -z "$output" ]
	printf '%s\n' '0.0.0.0 8080 80/tcp' ':: 8080 80/tcp' '127.0.0.1 5353 53/udp' >"$SKIFF_ROOT/names/$C/ports"
	expect 0 skiff port "$C"
	[ "$output" = $'53/udp -> 127.0.0.1:5353\n80/tcp -> 0.0.0.0:8080\n80/tcp -> [::]:8080' ] || fail "$output"
	expect 0 skiff port "$C" 80
	[ "$output" = $'0.0.0.0:8080\n[::]:8080' ]
	expect 0 skiff port "$C" 53/udp
	[ "$output" = 127.0.0.1:5353 ]
	expect 1 skiff port "$C" 81
	[[ $output = *"No public port '81' published for $C"* ]]
	expect 1 skiff port
}

# ---- prune -------------------------------------------------------------------

@test "container prune removes what does not run, as asked" {
	KEEP=true # the others of this file
	export SKIFF_ROOT=$PWD/root SKIFF_RUN=$PWD/run GROUP
	tar -C "$BATS_FILE_TMPDIR/tree" -c . | skiff import - busybox >/dev/null
	GROUP=$(cat "$SKIFF_ROOT/cgroup")
	skiff run -d --name up busybox sleep 600 >/dev/null
	skiff run --name wrote busybox dd if=/dev/zero of=/file bs=1000 count=1500 2>/dev/null
	skiff create --name new -l keep=yes busybox true >/dev/null
	skiff create --name old busybox true >/dev/null
	date -u -d '-2 hours' +%FT%T.%NZ >"$SKIFF_ROOT/names/old/created"
	local old wrote
	old=$(id_of old) wrote=$(id_of wrote)

	expect 0 skiff container prune </dev/null
	[[ $output = *'WARNING! This will remove all stopped containers.'*'[y/N]'* ]]
	[ -e "$SKIFF_ROOT/names/old" ]
	expect 0 skiff container prune -f --filter until=1h
	[ "$output" = $'Deleted Containers:\n'"$old"$'\n\nTotal reclaimed space: 0B' ] || fail "$output"
	expect 0 skiff container prune -f --filter label!=keep
	[ "$output" = $'Deleted Containers:\n'"$wrote"$'\n\nTotal reclaimed space: 1.5MB' ] || fail "$output"
	expect 0 skiff container prune -f --filter label=keep=no
	[ "$output" = 'Total reclaimed space: 0B' ]
	expect 1 skiff container prune -f --filter until=whenever
	expect 125 skiff container prune -f --filter colour=red
	expect 0 skiff system prune --force --filter label=keep
	[[ $output = 'Deleted Containers:'*'Total reclaimed space: 0B' ]]
	expect 0 skiff container prune <<<y
	[[ $output = *'Total reclaimed space: 0B' ]]
	[ "$(skiff ps -aq | wc -l)" = 1 ]
	skiff rm -f up >/dev/null
	expect 0 skiff system prune -af
	[[ $output = *untagged:*busybox* ]]
	nothing_left
}

# ---- races and attacks -------------------------------------------------------

@test "start against rm -f: one of them wins, no tool speaks of its insides, nothing is left" {
	local n mode
	for n in $(seq 12); do
		mode=private
		[ $((n % 2)) = 0 ] || mode=host
		skiff create --name "$C" --userns=$mode busybox sleep 600 >/dev/null
		skiff start "$C" >out 2>&1 &
		[ $((n % 3)) = 0 ] || sleep "0.00$n"
		skiff rm -f "$C" >out2 2>&1 || fail "rm: $(cat out2)"
		wait
		grep -vxE "$C|skiff start: No such container: $C|skiff start: container [0-9a-f]* was ended while it started" out && fail "start: $(cat out)"
		[ ! -e "$SKIFF_ROOT/names/$C" ]
	done
	expect 0 skiff check
	[ -z "$output" ] || fail "$output"
}

@test "rm waits for the clean-up of an end" {
	skiff run -d --name "$C" busybox sleep 600 >/dev/null
	local n
	for n in 1 2 3 4 5; do
		skiff kill -s KILL "$C" >/dev/null
		skiff start "$C" >/dev/null
	done
	kill -KILL "$(cut -d ' ' -f 1 "$SKIFF_RUN/$(id_of "$C")/pid")"
	wait_until test -e "$SKIFF_ROOT/names/$C/exit"
	expect 0 skiff rm "$C"
	[ "$output" = "$C" ]
}

@test "what exec has open cannot be written to from inside, even with CAP_SYS_PTRACE" {
	skiff run -d --name "$C" --userns=host --cap-add SYS_PTRACE busybox sh -c '
		while :; do for p in /proc/[0-9]*; do
			[ $p = /proc/1 ] || [ ! -e $p/fd/3 ] || { [ -e /seen ] || >/seen; echo PWNED >>$p/fd/3; echo PWNED >>$p/fd/5; }
		done 2>/dev/null; done' >/dev/null
	cp "$SKIFF_ROOT/names/$C/env" env
	local n
	for n in $(seq 40); do skiff exec -e A=b "$C" true || fail "exec"; done
	cmp env "$SKIFF_ROOT/names/$C/env"
	[ -e "$SKIFF_ROOT/names/$C/rw/upper/seen" ] || skip 'the container never saw an exec in time'
}

@test "#!/proc/self/exe runs nothing, least of all us for ever" {
	mkdir -p tree/bin
	cp /bin/busybox tree/bin/
	ln -s busybox tree/bin/sh
	ln -s /proc/self/exe tree/bin/me
	printf '#!/proc/self/exe\n' >tree/bin/loop
	printf '#!/bin/me --\n' >tree/bin/loop2
	chmod +x tree/bin/loop*
	tar -C tree -c . | skiff import - loops >/dev/null
	local command
	for command in loop loop2 /proc/self/exe; do
		LIMIT=10 expect 126 skiff run --rm loops $command
	done
	skiff run -d --name "$C" loops busybox sleep 600 >/dev/null
	LIMIT=10 expect 126 skiff exec "$C" loop
}

# ---- events ------------------------------------------------------------------

@test "events: in order, with image, name, labels, exit status and signal" {
	local id
	id=$(skiff run -d --name "$C" -l 'a=b c' -l "odd=x	y"$'\n'z busybox sh -c 'trap "exit 129" HUP; echo ready; while :; do sleep 0.05; done')
	wait_until grep -q ready "$SKIFF_ROOT/names/$C/log"
	skiff kill -s HUP "$C" >/dev/null
	skiff wait "$C" >/dev/null
	skiff rm "$C" >/dev/null
	[ "$(events "$id" | tr '\n' ' ')" = 'create start kill die destroy ' ] || fail "$(events "$id")"
	grep -q "	die	$id	image=busybox	name=$C	a=b c	odd=x?y?z	exitCode=129\$" "$SKIFF_ROOT/events" ||
		fail "$(grep "$id" "$SKIFF_ROOT/events")"
	grep -q "	kill	$id	.*	signal=1\$" "$SKIFF_ROOT/events"
	# in the order of their times, whoever wrote them
	cut -f 1 "$SKIFF_ROOT/events" | grep -vE '^[0-9-]{10}T[0-9:]{8}\.[0-9]{9}Z$' && fail 'not a time'
	grep "$id" "$SKIFF_ROOT/events" | cut -f 1 | sort -c
}

@test "events: run --rm in the foreground, and a command that is not found" {
	skiff run --rm --name "$C" busybox true
	[ "$(grep "name=$C" "$SKIFF_ROOT/events" | cut -f 3 | tr '\n' ' ')" = 'create attach start die destroy ' ] ||
		fail "$(grep "name=$C" "$SKIFF_ROOT/events")"
	expect 127 skiff run --rm --name "$C-b" busybox nothing-like-it
	[ "$(grep "name=$C-b" "$SKIFF_ROOT/events" | cut -f 3 | tr '\n' ' ')" = 'create attach destroy ' ] ||
		fail "$(grep "name=$C-b" "$SKIFF_ROOT/events")"
}

@test "events: out of memory" {
	skiff run -d --name "$C" -m 16m busybox sh -c 'exec tail /dev/zero' >/dev/null
	skiff wait "$C" >/dev/null
	[ "$(events | tr '\n' ' ')" = 'create start die oom ' ] || fail "$(events)"
}

# ---- logs --------------------------------------------------------------------

@test "logs: flags behind the name, --details, a reader that leaves; -f over a restart" {
	skiff run --name "$C" busybox sh -c 'echo one; echo two' >/dev/null
	expect 0 skiff logs "$C" --details -n 1
	[ "$output" = ' two' ]
	expect 0 skiff logs -n -1 "$C"
	[ "$output" = $'one\ntwo' ]
	run -0 bash -o pipefail -c 'skiff logs "$1" | head -n 1' - "$C"
	[ "$output" = one ]
	skiff logs -f "$C" >all # it has ended: so does -f
	[ "$(cat all)" = $'one\ntwo' ]

	skiff rm "$C" >/dev/null
	skiff run -d --name "$C" --log-opt max-size=10k --log-opt max-file=100 busybox sh -c 'n=0; while :; do n=$((n + 1)); echo line $n; [ $((n % 100)) -gt 0 ] || sleep 0.01; done' >/dev/null
	skiff logs -f "$C" | head -n 3000 >all
	[ "$(awk '$2 != NR' all | wc -l)" = 0 ] || fail "$(awk '$2 != NR' all | head -n 3)"
}
