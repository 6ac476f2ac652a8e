#!/usr/bin/env bats
# Restart policies: what starts a container again, what does not, and what is to be seen.
# shellcheck shell=bash

load helper
load container

teardown() {
	skiff rm -f "$C" >/dev/null 2>&1 || true
}

# field FILTER: of the container of this test.
field() { skiff inspect "$C" | jq -r ".[0]$1"; }
restarts_are() { [ "$(field .RestartCount)" -ge "$1" ]; }
state_is() { [ "$(field .State.Status)" = "$1" ]; }

@test "always: again and again, whatever the status; the same container" {
	skiff run -d --name "$C" --restart always busybox sh -c 'echo run >>/runs; exit 0' >/dev/null
	local before
	before=$(field '| .Id + .Created')
	wait_until restarts_are 2
	[ "$(field '| .Id + .Created')" = "$before" ]
	[ "$(field '.HostConfig.RestartPolicy.Name')" = always ]
	skiff stop "$C"
	[ "$(grep -c run "$(field .GraphDriver.Data.UpperDir)/runs")" -ge 3 ] # its files persist
}

@test "while it waits it is restarting; stop ends that at once, and it stays" {
	skiff run -d --name "$C" --restart always busybox false >/dev/null
	wait_until restarts_are 3 # then it waits for nearly a second
	wait_until state_is restarting
	shows() { [[ $(skiff ps -a) = *'Restarting (1)'* ]]; }
	wait_until shows
	expect 1 skiff exec "$C" true
	[[ $output = *" is restarting, wait until the container is running" || $output = *' is not running' ]] || fail "$output"
	expect 1 skiff rm "$C" # (a moment later it may be running)
	[[ $output = *'cannot remove a r'*'ing container'* ]]
	expect 0 skiff stop "$C"
	state_is exited
	local count
	count=$(field .RestartCount)
	sleep 1.5
	[ "$(field .RestartCount)" = "$count" ]
	state_is exited
}

@test "rm -f while it waits" {
	skiff run -d --name "$C" --restart always busybox false >/dev/null
	wait_until restarts_are 2
	wait_until state_is restarting
	expect 0 skiff rm -f "$C"
	[ -z "$(skiff ps -aq)" ]
}

@test "the delay doubles" {
	skiff run -d --name "$C" --restart always busybox false >/dev/null
	wait_until restarts_are 3
	skiff stop "$C" >/dev/null
	doubled() { [ "$(cat "$SKIFF_ROOT/names/$C/backoff")" -ge 400 ]; }
	wait_until doubled
	# and begins anew when a person starts it
	skiff start "$C" >/dev/null
	first() { [ "$(cat "$SKIFF_ROOT/names/$C/backoff" 2>/dev/null)" = 100 ]; }
	wait_until first
}

@test "on-failure: not after 0; at most so often" {
	skiff run -d --name "$C" --restart on-failure busybox true >/dev/null
	skiff wait "$C" >/dev/null
	sleep 0.4
	[ "$(field .RestartCount)" = 0 ]
	state_is exited
	skiff rm "$C" >/dev/null
	skiff run -d --name "$C" --restart on-failure:2 busybox sh -c 'exit 4' >/dev/null
	finished() { restarts_are 2 && state_is exited; }
	wait_until finished
	sleep 0.6
	[ "$(field .RestartCount)" = 2 ]
	[ "$(field .State.ExitCode)" = 4 ]
	[ "$(field '.HostConfig.RestartPolicy | "\(.Name) \(.MaximumRetryCount)"')" = 'on-failure 2' ]
	# by hand, all begins anew
	skiff start "$C" >/dev/null
	wait_until finished
}

@test "no: it stays ended" {
	skiff run -d --name "$C" --restart no busybox false >/dev/null
	skiff wait "$C" >/dev/null
	sleep 0.3
	state_is exited
	[ "$(field '.HostConfig.RestartPolicy.Name')" = no ]
}

@test "killed by a person it stays, killed by another it comes back" {
	skiff run -d --name "$C" --restart unless-stopped busybox sleep 600 >/dev/null
	kill -KILL "$(field .State.Pid)"
	again() { restarts_are 1 && state_is running; }
	wait_until again
	expect 0 skiff kill "$C"
	sleep 0.4
	state_is exited
	expect 0 skiff start "$C"
	kill -KILL "$(field .State.Pid)"
	wait_until again
	# a signal that is not to end it leaves the policy as it is
	expect 0 skiff kill -s WINCH "$C"
	[ ! -e "$SKIFF_ROOT/names/$C/stopped" ]
}

@test "attached: the client leaves with the first status, the container goes on" {
	run -7 skiff run --name "$C" --restart always busybox sh -c 'echo once; sleep 0.2; exit 7'
	[ "$output" = once ]
	wait_until restarts_are 1
}

@test "the command cannot be found: no restarts" {
	expect 127 skiff run -d --name "$C" --restart always busybox /nonexistent
	sleep 0.3
	[ ! -e "$SKIFF_ROOT/names/$C/restarts" ]
}

@test "it vanishes between two runs: ended, with its status" {
	skiff run -d --name "$C" --restart always busybox sh -c 'rm -f /bin/true /bin/sh; exit 3' >/dev/null
	gone() { state_is exited && [ "$(field .State.ExitCode)" = 127 ]; }
	wait_until gone
}

@test "the one that waits is killed: exited, and can be started" {
	skiff run -d --name "$C" --restart always busybox sh -c 'test -e /ok && sleep 600' >/dev/null
	wait_until restarts_are 3
	wait_until state_is restarting
	local pid
	read -r pid _ <"$SKIFF_RUN/$(field .Id)/restarting"
	kill -KILL "$pid"
	wait_until state_is exited
	skiff check >/dev/null
	run skiff check
	[ -z "$output" ]
	expect 0 skiff start "$C"
}

@test "boot: always comes back, unless-stopped not if stopped, on-failure after a failure" {
	local n
	n=0
	for policy in no always unless-stopped on-failure on-failure:3; do
		n=$((n + 1))
		skiff run -d --name "$C-$n" --restart $policy busybox sh -c 'trap "exit 0" TERM; while :; do sleep 0.1; done' >/dev/null
	done
	skiff create --name "$C-never" --restart always busybox sleep 600 >/dev/null
	skiff stop "$C-1" "$C-2" "$C-3" "$C-4" >/dev/null
	skiff stop -t 0 -s KILL "$C-5" >/dev/null
	expect 0 skiff boot
	is() { [ "$(skiff inspect "$C-$1" | jq -r '.[0].State.Status')" = "$2" ] || fail "$1 is not $2"; }
	is 1 exited
	is 2 running
	is 3 exited
	is 4 exited
	is 5 running
	is never created
	expect 0 skiff start "$C-3"
	expect 0 skiff boot # harmless at any other time
	is 3 running
	skiff rm -f "$C"-{1,2,3,4,5,never} >/dev/null
}

@test "boot after the power went: those that ran run again" {
	skiff run -d --name "$C" --restart unless-stopped busybox sleep 600 >/dev/null
	local pid shim
	pid=$(field .State.Pid)
	read -r shim _ <"$SKIFF_RUN/$(field .Id)/shim"
	kill -KILL "$shim" "$pid"
	ended() { [ ! -e "/proc/$pid" ] || grep -q '^State:.Z' "/proc/$pid/status"; }
	wait_until ended
	rm -rf "${SKIFF_RUN:?}"
	expect 0 skiff boot
	state_is running
}

@test "wrong policies are refused, with Docker's words" {
	expect 125 skiff run --restart on-failed busybox true
	[[ $output = *"unknown policy 'on-failed'; use one of 'no', 'always', 'on-failure', or 'unless-stopped'"* ]]
	expect 125 skiff run --restart always:3 busybox true
	expect 125 skiff run --restart on-failure:x busybox true
	expect 125 skiff run --restart on-failure:-1 busybox true
	expect 125 skiff run --restart on-failure: busybox true
	expect 125 skiff run --restart always --rm busybox true
	[[ $output = *'conflicting options: cannot specify both --restart and --rm'* ]]
	[ -z "$(skiff ps -aq)" ]
}

@test "stop in the middle of a restart: it is over, and stays so" {
	local n
	for n in 1 2 3; do
		# The second run sleeps; it is stopped as soon as it is about to begin.
		skiff run -d --name "$C-$n" --restart always -v "$C-$n:/s" busybox \
			sh -c 'echo >>/s/runs; [ "$(wc -l </s/runs)" -gt 1 ] && exec sleep 100; exit 0' >/dev/null
		until [ "$(cat "$SKIFF_ROOT/names/$C-$n/restarts" 2>/dev/null)" = 1 ]; do :; done
		expect 0 skiff stop -t 0 "$C-$n"
		[ -z "${output#"$C-$n"}" ] || fail "$output"
	done
	sleep 0.5
	[ -z "$(skiff ps -q)" ] || fail "$(skiff ps)"
	skiff volume prune -af >/dev/null
}

@test "a start while the clean-up of the run before is at work waits for it, and comes instead of the next restart" {
	skiff run -d --name "$C" --restart always busybox sleep 1000 >/dev/null
	local dir=$SKIFF_ROOT/names/$C run
	run=$SKIFF_RUN/$(cat "$dir/id")
	echo 30000 >"$dir/backoff" # the next restart would be in a minute
	# The clean-up waits for the end of the health checks.
	mkdir "$dir/checks"
	exec 7<"$dir/checks"
	flock 7
	kill -KILL "$(cut -d ' ' -f 1 "$run/pid")"
	wait_until test ! -e "$run/shim"
	skiff start "$C" >out 2>&1 3>&- 7>&- &
	sleep 0.5
	exec 7>&-
	wait $! || fail "$(cat out)"
	[ "$(cat out)" = "$C" ]
	state_is running
	wait_until test ! -e "$run/restarting"
	[ "$(field .RestartCount)" = 0 ]
}

@test "several start or restart it at once: all of them succeed" {
	local n
	skiff create --name "$C" busybox sleep 1000 >/dev/null
	for n in 1 2 3 4; do skiff start "$C" >"out.$n" 2>&1 & done
	wait
	[ "$(cat out.*)" = "$C"$'\n'"$C"$'\n'"$C"$'\n'"$C" ] || fail "$(cat out.*)"
	for n in 1 2 3; do skiff restart -t 0 "$C" >"out.$n" 2>&1 & done
	wait
	[ "$(cat out.1 out.2 out.3)" = "$C"$'\n'"$C"$'\n'"$C" ] || fail "$(cat out.*)"
	[ "$(skiff ps -q | wc -l)" -eq 1 ]
}
