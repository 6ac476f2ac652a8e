#!/usr/bin/env bats
# A container's life: ps, stop, kill, start, rm, wait, logs, attach, exec, inspect, terminals.
# shellcheck shell=bash disable=SC2016

load helper
load container

teardown() {
	skiff rm -f "$C" "$C-2" "$C-3" >/dev/null 2>&1 || true
}

# idle NAME [OPTION...]: a container that waits, and ends on SIGTERM with status 0.
idle() {
	skiff run -d --name "$@" busybox sh -c 'trap "exit 0" TERM; echo ready; while :; do sleep 0.1; done' >/dev/null
	wait_until logged "$1" ready
}

logged() {
	skiff logs "$1" 2>&1 | grep -q -- "$2"
}

# row NAME [OPTION...]: its line of ps.
row() {
	local name=$1
	shift
	skiff ps "$@" | grep " $name\$"
}

@test "the empty name means nobody, though there is but one" {
	local verb
	skiff ps -aq | xargs -r timeout 60 skiff rm -f >/dev/null
	skiff create --name "$C" busybox true >/dev/null
	for verb in rm start stop kill restart inspect logs wait diff export top port pause unpause attach stats; do
		expect 1 skiff $verb ''
		[[ $output = *'No such'* ]] || fail "$verb: $output"
	done
	expect 1 skiff exec '' true
	expect 0 skiff rm -f '' # of what is not there: see "rm -f"
	[ "$(skiff ps -a --format '{{.Names}} {{.State}}')" = "$C created" ]
	skiff network create "$C" >/dev/null
	expect 1 skiff network rm ''
	[ -d "$SKIFF_ROOT/networks/$C" ]
	skiff network rm "$C" >/dev/null
}

@test "ps: columns, states, ages, the command cut to 20 characters" {
	expect 0 skiff ps
	[[ ${lines[0]} =~ ^CONTAINER\ ID\ +IMAGE\ +COMMAND\ +CREATED\ +STATUS\ +PORTS\ +NAMES$ ]]
	idle "$C"
	skiff create --name "$C-2" busybox true >/dev/null
	run -3 skiff run --name "$C-3" busybox sh -c 'exit 3'
	[[ $(row "$C") =~ ^[0-9a-f]{12}\ +busybox\ +\"sh\ -c\ \'?trap\ \"?.*…\"\ .*\ ago\ +Up\ .* ]] || fail "$(row "$C")"
	# 20 characters with the ellipsis
	[ "$(row "$C" | sed 's/^[^"]*"\(.*…\)".*/\1/' | tr -d '\n' | wc -m)" -eq 20 ]
	! row "$C-2"
	! row "$C-3"
	[[ $(row "$C-2" -a) =~ \ Created\ + ]]
	[[ $(row "$C-3" -a) =~ \ Exited\ \(3\)\ .*\ ago\ + ]]
	[ "$(skiff ps -aq | wc -l)" -eq 3 ]
	[ "$(skiff ps -q)" = "$(row "$C" | cut -c 1-12)" ]
	[ "$(skiff ps -aq --no-trunc | grep -cE '^[0-9a-f]{64}$')" -eq 3 ]
	for alias in 'container ls' 'container ps' 'container list'; do
		# shellcheck disable=SC2086
		[ "$(skiff $alias -q)" = "$(skiff ps -q)" ]
	done
	[ "$(skiff ps -lq)" = "$(row "$C-3" -a | cut -c 1-12)" ]
	[ "$(skiff ps -q -n 2 | wc -l)" -eq 2 ]
	row "$C" --no-trunc | grep -q "'.*while :; do sleep 0.1; done'\""
}

@test "stop: SIGTERM and its handler; status, file contents and settings stay; start brings it back" {
	skiff run -d --name "$C" -e KEPT=yes -h boat busybox \
		sh -c 'trap "echo cleaned up; exit 0" TERM; date >>/times; echo run $(wc -l </times) $KEPT $(hostname); while :; do sleep 0.1; done' >/dev/null
	wait_until logged "$C" 'run 1'
	local id pid
	id=$(field "$C" .Id) pid=$(field "$C" .State.Pid)
	expect 0 skiff stop "$C"
	[ "$output" = "$C" ]
	[ ! -e "/proc/$pid" ]
	[[ $(row "$C" -a) = *'Exited (0)'* ]]
	logged "$C" 'cleaned up'
	# no process, no control group, no mount
	[ -z "$(find /sys/fs/cgroup -maxdepth 4 -name "$id" 2>/dev/null)" ]
	expect 0 skiff start "$C"
	[ "$output" = "$C" ]
	wait_until logged "$C" 'run 2 yes boat'
	[ "$(field "$C" .Id)" = "$id" ]
	[ "$(field "$C" .State.Running)" = true ]
	expect 0 skiff start "$C" # it runs already
	expect 0 skiff stop "$C" "$C"
}

@test "stop: after the time limit SIGKILL, status 137; 0 at once; others are not held up" {
	skiff run -d --name "$C" busybox sh -c 'trap "" TERM; echo ready; while :; do sleep 0.1; done' >/dev/null
	wait_until logged "$C" ready
	local began
	began=$(date +%s%N)
	expect 0 skiff stop -t 2 "$C"
	began=$((($(date +%s%N) - began) / 1000000))
	[ $began -ge 1900 ] || fail "stopped after $began ms"
	[ "$(field "$C" .State.ExitCode)" = 137 ]
	skiff start "$C" >/dev/null
	expect 0 skiff stop --time=0 "$C"
	expect 1 skiff stop "$C" nothing-like-it
	[[ $output = *'No such container: nothing-like-it'* ]]
	expect 125 skiff stop -t soon "$C"
	expect 1 skiff stop
}

@test "kill: any signal; rm -f: SIGKILL without SIGTERM" {
	skiff run -d --name "$C" -v "$PWD:/v" busybox \
		sh -c 'trap "echo HUP" HUP; trap "touch /v/term; exit 0" TERM; echo ready; while :; do sleep 0.1; done' >/dev/null
	wait_until logged "$C" ready
	expect 0 skiff kill -s HUP "$C"
	wait_until logged "$C" HUP
	heard() { [ "$(skiff logs "$C" | grep -c HUP)" -eq "$1" ]; }
	expect 0 skiff kill --signal=sighup "$C"
	wait_until heard 2
	expect 0 skiff kill -s 1 "$C"
	wait_until heard 3
	run skiff kill -s NOSUCH "$C"
	[ "$status" -ne 0 ]
	local before=$SECONDS
	expect 1 skiff rm "$C"
	[[ $output = *'cannot remove a running container'* ]]
	expect 0 skiff rm -f "$C"
	[ "$output" = "$C" ]
	[ $((SECONDS - before)) -lt 8 ]
	[ ! -e term ]
	expect 1 skiff inspect "$C"
	expect 1 skiff kill nothing-like-it
}

@test "rm: several, by name, ID and leading part; -f behind; all of them at once" {
	local id
	id=$(skiff create --name "$C" busybox true)
	expect 0 skiff rm "${id::10}"
	[ "$output" = "${id::10}" ]
	expect 1 skiff rm "$id"
	[[ $output = *'No such container'* ]]
	idle "$C"
	expect 0 skiff rm "$C" -f
	idle "$C"
	skiff create --name "$C-2" busybox true >/dev/null
	# shellcheck disable=SC2046
	expect 0 skiff container rm -f $(skiff container ls -aq)
	[ "${#lines[@]}" -eq 2 ]
	[ -z "$(skiff ps -aq)" ]
	for word in '' / .. . 'a b' '*' '?' '[0-9]' -- -x; do
		run skiff rm -f "$word"
		[ "$status" -ne 0 ] || [ -z "$output" ] || [ "$output" = "skiff rm: No such container: $word" ] || fail "rm '$word': $output"
	done
	expect 0 skiff rm -f nothing-like-it # as in Docker
	expect 1 skiff rm nothing-like-it
	expect 1 skiff rm '../names'
}

@test "a leading part that two containers share is refused" {
	skiff create --name "$C" busybox true >/dev/null
	skiff create --name "$C-2" busybox true >/dev/null
	local one
	one=$(field "$C" .Id)
	# An empty prefix is that of all.
	run skiff inspect ''
	[ "$status" -ne 0 ]
	mkdir "$SKIFF_ROOT/containers/${one::20}$(printf '%044d' 0)"
	run skiff stop "${one::8}"
	rmdir "$SKIFF_ROOT/containers/${one::20}$(printf '%044d' 0)"
	[ "$status" -ne 0 ]
	[[ $output = *'more than one ID'* ]] || fail "$output"
	expect 0 skiff inspect "${one::8}"
	# A name of hexadecimal digits goes before an ID that begins so.
	skiff create --name "${one::8}" busybox true >/dev/null
	[ "$(field "${one::8}" .Name)" = "/${one::8}" ]
	skiff rm "${one::8}" >/dev/null
	[ "$(field "${one::8}" .Name)" = "/$C" ]
}

@test "removed data is gone: a new container of that name has the original files" {
	run -0 skiff run --name "$C" busybox rm /etc/passwd
	skiff rm "$C" >/dev/null
	expect 0 skiff run --name "$C" busybox cat /etc/passwd
}

@test "wait: for the end, several, the status; of an ended one at once" {
	skiff run -d --name "$C" busybox sh -c 'read line <>/etc/hosts; sleep 1; exit 4' >/dev/null
	expect 0 skiff wait "$C"
	[ "$output" = 4 ]
	skiff run -d --name "$C-2" busybox sh -c 'exit 5' >/dev/null
	expect 0 skiff wait "$C" "$C-2"
	[ "$output" = $'4\n5' ]
	expect 1 skiff wait nothing-like-it
	skiff create --name "$C-3" busybox true >/dev/null
	expect 0 skiff wait "/$C-3" "$C"
	[ "$output" = $'0\n4' ] || fail "$output"
	# with --rm it is gone when its status is known
	skiff run -d --rm -i --name "$C-4" busybox sh -c 'read line; exit 6' >/dev/null
	setsid skiff wait "$C-4" >waited 3>&- 4>&- &
	wait_until test "/proc/$!/fd/6" -ef "$SKIFF_ROOT/names/$C-4/exit.reserved"
	skiff kill -s KILL "$C-4" >/dev/null
	wait $!
	[ "$(cat waited)" = 137 ] || fail "$(cat waited)"
}

@test "logs: both streams in order, tail, times, follow to the end, after the end" {
	skiff run -d --name "$C" busybox sh -c 'echo one; echo two >&2; i=3; while [ $i -lt 6 ]; do echo $i; i=$((i+1)); sleep 0.2; done; printf end' >/dev/null
	expect 0 skiff logs -f "$C"
	[ "$(sort <<<"$output" | tr '\n' ' ')" = '3 4 5 end one two ' ]
	[ "$(skiff logs "$C" 2>/dev/null | head -n 1)" = one ]
	[ "$(skiff logs "$C" 2>&1 >/dev/null)" = two ]
	[ "$(skiff logs --tail 2 "$C" | tr '\n' ' ')" = '5 end' ] || [ "$(skiff logs --tail 2 "$C" | tr '\n' ' ')" = '5 end ' ]
	[[ $(skiff logs -t -n 1 "$C") =~ ^[0-9-]{10}T[0-9:]{8}\.[0-9]+Z\ end$ ]]
	expect 1 skiff logs nothing-like-it
	skiff start "$C" >/dev/null
	skiff wait "$C" >/dev/null
	[ "$(skiff logs "$C" 2>/dev/null | grep -c one)" -eq 2 ]
	skiff create --name "$C-2" busybox true >/dev/null
	expect 0 skiff logs "$C-2"
	[ -z "$output" ]
}

@test "start -a shows the output and passes the status on; -ia carries input" {
	skiff create --name "$C" busybox sh -c 'echo out; echo err >&2; exit 6' >/dev/null
	run skiff start -a "$C"
	[ "$status" -eq 6 ]
	[[ $output = *out* && $output = *err* ]]
	skiff create -i --name "$C-2" busybox sh -c 'read line; echo "got $line"' >/dev/null
	[ "$(echo text | skiff start -ia "$C-2")" = 'got text' ]
	[ "$(echo more | skiff start -i -a "$C-2")" = 'got more' ]
	expect 1 skiff start -a "$C" "$C-2"
	expect 1 skiff start nothing-like-it
}

@test "attach: output from now on, input, and the exit status" {
	skiff run -d -i --name "$C" busybox sh -c 'read line; echo "got $line"; exit 3' >/dev/null
	run skiff attach "$C" <<<"hello"
	[ "$status" -eq 3 ]
	[ "$output" = 'got hello' ]
	expect 1 skiff attach "$C"
	[[ $output = *'cannot attach to a stopped container'* ]]
}

@test "exec: same namespaces, files and network; environment, user, directory" {
	skiff run -d --name "$C" -e FROM=container -w /tmp -h boat --init busybox sh -c 'echo x >/made; sleep 600' >/dev/null
	expect 0 skiff exec "$C" sh -c 'hostname; echo $FROM; pwd; cat /made; id -u; for n in net mnt pid user cgroup; do readlink /proc/self/ns/$n; done'
	local ns pid
	pid=$(field "$C" .State.Pid)
	[ "${lines[*]::5}" = 'boat container /tmp x 0' ]
	for ns in net mnt pid user cgroup; do
		grep -qxF "$(readlink "/proc/$pid/ns/$ns")" <<<"$output" || fail "$ns differs"
	done
	expect 0 skiff exec -e FROM=exec -u ann -w / "$C" sh -c 'echo $FROM $(id -un) $(pwd)'
	[ "$output" = 'exec ann /' ]
	expect 0 skiff exec "$C" ps -o args
	[[ $output = *'sleep 600'* ]]
	expect 0 skiff container exec "$C" kill -0 1
	# its control group too
	skiff exec -d "$C" sleep 601
	in_group() { cgset procs "$GROUP/$(field "$C" .Id)" | xargs -I{} cat /proc/{}/cmdline | grep -qz 601; }
	wait_until in_group
	[ "$(echo text | skiff exec -i "$C" cat)" = text ]
	[ "$(echo text | skiff exec "$C" wc -c)" = 0 ]
	skiff exec "$C" sh -c 'echo out; echo err >&2' >out 2>err
	[ "$(cat out err)" = $'out\nerr' ]
	head -c 2000000 /dev/urandom >big
	skiff exec -i "$C" cat <big >copy
	cmp big copy
	expect 1 skiff exec "$C"
	expect 1 skiff exec nothing-like-it true
	expect 1 skiff exec -it "$C" true </dev/null
	skiff stop -t 0 "$C" >/dev/null
	expect 1 skiff exec "$C" true
	[[ $output = *'is not running'* ]]
	skiff start "$C" >/dev/null
	expect 0 skiff exec "$C" cat /made
}

@test "the end of the main process ends all the others" {
	skiff run -d --name "$C" busybox sh -c 'sleep 7001 & sleep 7002 & sleep 0.5' >/dev/null
	skiff exec -d "$C" sleep 7003 || true
	[ "$(skiff wait "$C")" = 0 ]
	! pgrep -f 'sleep 700[123]$'
	[ -z "$(find /sys/fs/cgroup -maxdepth 4 -name "$(field "$C" .Id)" 2>/dev/null)" ]
}

@test "one shim for a container, its parent; small" {
	idle "$C"
	idle "$C-2"
	local name pid shims=0 memory
	for name in "$C" "$C-2"; do
		pid=$(field "$name" .State.Pid)
		pid=$(awk '/^PPid/ { print $2 }' "/proc/$pid/status")
		[ "$(cat "/proc/$pid/comm")" = shim ]
		[ "$(wc -w <"/proc/$pid/task/$pid/children")" -eq 1 ]
		memory=$(awk '/^Private/ { n += $2 } END { print n }' "/proc/$pid/smaps_rollup")
		[ "$memory" -lt 500 ] || fail "shim has $memory kB of its own"
	done
	[ "$(processes_of_store | grep -c .)" -eq 2 ] || fail "$(processes_of_store)"
}

@test "inspect: valid JSON with the details; several; what is missing" {
	idle "$C" -v "$PWD:/v:ro" -m 64m
	local text
	text=$(skiff inspect "$C")
	jq -e '.[0] | (.Id | length == 64) and .Path == "sh" and .Args[0] == "-c" and .State.Status == "running" and .State.Pid > 1
		and (.Mounts[0].Destination == "/v" and (.Mounts[0].RW | not)) and .HostConfig.Memory == 67108864
		and (.Created | test("^20..-")) and (.GraphDriver.Data.UpperDir | test("^/"))' <<<"$text" >/dev/null || fail "$text"
	[ "$(skiff container inspect "$C" | jq -r '.[0].Id')" = "$(jq -r '.[0].Id' <<<"$text")" ]
	[ "$(skiff inspect "$C" busybox | jq length)" -eq 2 ]
	run skiff inspect "$C" nothing-like-it
	[ "$status" -eq 1 ]
	skiff inspect "$C" nothing-like-it 2>/dev/null | jq -e 'length == 1' >/dev/null
	expect 1 skiff inspect --type image "$C"
	[ "$(skiff inspect -s "$C" | jq '.[0].SizeRw')" -ge 0 ]
}

@test "CREATED keeps the age of the container, Up begins at each start" {
	idle "$C"
	skiff stop "$C" >/dev/null
	skiff start "$C" >/dev/null
	local created started
	created=$(field "$C" .Created) started=$(field "$C" .State.StartedAt)
	[[ $started > $created ]]
	# a file of an hour ago
	date -u -d '-65 minutes' +%FT%T.%NZ >"$SKIFF_ROOT/containers/$(field "$C" .Id)/created"
	[[ $(row "$C") =~ About\ an\ hour\ ago\ +Up\ (Less|[0-9]+\ second) ]] || fail "$(row "$C")"
}

@test "ten containers run side by side" {
	local n
	for n in 1 2 3 4 5 6 7 8 9 10; do skiff run -d --rm busybox sleep 600 & done >ids 3>&- 4>&-
	wait
	[ "$(skiff ps -q | wc -l)" -eq 10 ]
	# shellcheck disable=SC2046
	skiff rm -f $(skiff ps -q) >/dev/null
	[ -z "$(skiff ps -aq)" ]
}

# ---- terminals ---------------------------------------------------------------

# on_terminal SCRIPT: expect(1), with a limit. The front end itself, not our function, gets
# the terminal. "must TEXT" waits for it, "ends STATUS" for the end.
on_terminal() {
	cat - <(printf '%s\n' "$1") >script <<'EXPECT'
set timeout 15
set C [lindex $argv 0]
proc must {text} {
	expect {
		-ex $text {}
		timeout { puts "\nTIMEOUT waiting for '$text'"; exit 90 }
		eof { puts "\nEND before '$text'"; exit 91 }
	}
}
proc ends {want} {
	expect eof {} timeout { puts "\nTIMEOUT waiting for the end"; exit 92 }
	set status [lindex [wait] 3]
	if {$status != $want} { puts "\nSTATUS $status, not $want"; exit 93 }
}
EXPECT
	expect 0 timeout -s KILL 60 /usr/bin/expect -f script "$C" 3>&- 4>&-
}

@test "run --rm -it: hostname, processes, the terminal, its size, ctrl-c, the status" {
	on_terminal '
		set stty_init "rows 33 columns 99"
		spawn skiff run --rm -it --name $C busybox sh
		must "# "
		send "hostname; echo \$TERM; tty; stty size\r"
		expect -re {[\r\n]([0-9a-f]{12})\r\n} { set host $expect_out(1,string) } timeout { exit 80 }
		must "xterm"
		must "/dev/pts/0"
		must "33 99"
		must "# "
		set id [exec skiff ps -q]
		if {$id ne $host} { puts "hostname $host, container $id"; exit 81 }
		send "ps -o pid,tty,args\r"
		expect -re {\r\n +1 +(136,0|pts/0) +sh\r\n +[0-9]+ +[^\r\n]*(\{ps\} sh|ps -o pid,tty,args)\r\n/} {} timeout { exit 82 }
		stty rows 40 columns 120 < $spawn_out(slave,name)
		for {set i 0} {$i < 20} {incr i} {
			send "stty size\r"
			expect -re {\n40 120\r} { break } -re {\n[0-9]+ [0-9]+\r} { sleep 0.1 } timeout { exit 83 }
		}
		if {$i == 20} { exit 84 }
		send "echo before; sleep 100; echo \"after \$?\"\r"
		must "before\r\n"
		sleep 0.3
		send "\003"
		must "# "
		send "exit 7\r"
		ends 7
	'
	expect 1 skiff inspect "$C"
}

@test "ctrl-p ctrl-q leaves it running; attach finds it again, again and again; logs hold what was typed" {
	on_terminal '
		spawn skiff run -it --name $C busybox sh
		must "# "
		send "mark=one; echo first-\$mark\r"
		must "first-one"
		send "\020\021"
		ends 0
		if {[exec skiff inspect $C | jq -r {.[0].State.Running}] ne "true"} { exit 85 }
		foreach n {1 2} {
			spawn skiff attach $C
			send "echo again-\$mark-$n\r"
			must "again-one-$n\r\n"
			send "\020\021"
			ends 0
		}
		spawn skiff attach --detach-keys ctrl-x,x $C
		send "echo third-\$mark\r"
		must "third-one"
		send "\030x"
		ends 0
		spawn skiff attach $C
		send "exit 5\r"
		ends 5
	'
	[ "$(field "$C" .State.ExitCode)" = 5 ]
	[[ $(skiff logs "$C") = *'echo first-$mark'*first-one* ]]
}

@test "exec -it: a second shell with a terminal; its end leaves the container running" {
	skiff run -dit --name "$C" busybox sh >/dev/null
	on_terminal '
		spawn skiff exec -it $C sh
		must "# "
		send "tty; ps -o args >/tmp/list; grep -c \"^sh\" /tmp/list\r"
		must "/dev/pts/1"
		must "2\r\n"
		send "sleep 100\r"
		sleep 0.3
		send "\003"
		must "# "
		send "exit 6\r"
		ends 6
		spawn skiff exec -it $C sh
		must "# "
		send "\020\021"
		ends 0
	'
	[ "$(field "$C" .State.Running)" = true ]
}

@test "start -ai of a shell gives it back with its files" {
	on_terminal '
		spawn skiff run -it --name $C busybox sh
		must "# "
		send "echo kept >/file; exit\r"
		ends 0
		spawn skiff start -ai $C
		must "# "
		send "cat /file; exit 3\r"
		must "kept\r\n"
		ends 3
	'
}

@test "a user other than root can use the terminal" {
	on_terminal '
		spawn skiff run --rm -it -u ann busybox sh
		must "$ "
		send "echo to-the >/dev/tty; echo std >/dev/stdout; id -un\r"
		must "to-the"
		must "std"
		must "ann"
		send "exit\r"
		ends 0
	'
}

@test "killing the terminal does not touch the container" {
	on_terminal '
		spawn skiff run -it --name $C busybox sh
		must "# "
		send "echo up\r"
		must "up\r\n"
		exec kill -KILL [exp_pid]
		expect eof
		wait
		if {[exec skiff inspect $C | jq -r {.[0].State.Running}] ne "true"} { exit 85 }
		spawn skiff attach $C
		send "echo still-\$((40 + 2))\r"
		must "still-42"
		close
		wait
	'
	[ "$(field "$C" .State.Running)" = true ]
}
