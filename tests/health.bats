#!/usr/bin/env bats
# health: checks at intervals, results in files, for as long as a process lives; and the health
# checks of containers.
# shellcheck shell=bash

load helper
load container

teardown() {
	[ -z "${watched:-}" ] || kill "$watched" 2>/dev/null || true
	skiff rm -f "$C" >/dev/null 2>&1 || true
}

# watch ARG...: health beside a process of its own, in the background.
watch() {
	sleep 1000 3>&- 4>&- &
	watched=$!
	health --dir dir --while $watched --interval 20ms "$@" 3>&- 4>&-
}

status_is() {
	[ "$(cat "${2:-dir}/status")" = "$1" ]
}

health_of() {
	skiff inspect "$C" | jq -r ".[0].State.Health$1"
}

container_is() {
	[ "$(health_of .Status)" = "$1" ]
}

# ---- the tool ----

@test "-h prints the usage, wrong command lines are refused" {
	expect 0 health -h
	[[ $output = 'usage: health '* ]]
	expect 125 health
	expect 125 health -d dir -w $$
	expect 125 health -w $$ true
	expect 125 health -d dir true
	expect 125 health -d dir -w $$ --nonsense true
	for bad in '' 1 x 1x 1d -1s 1.2.3s 1m30 99999h; do
		expect 125 health -d dir -w $$ -i "$bad" true
		[[ $output = *'--interval'* ]] || fail "$bad: $output"
	done
	expect 125 health -d dir -w $$ -r 0 true
	expect 125 health -d dir -w $$ -x true
	expect 125 health -d /nonexistent/dir -w $$ true
	expect 125 health -d dir -w 0 true
	[ ! -e dir ]
}

@test "healthy, unhealthy after so many failures, and back" {
	watch -r 3 -x sh -c "echo \"\$1\" >>changes" x ';' sh -c "echo said; test -e $PWD/ok"
	status_is starting
	wait_until status_is unhealthy
	[ "$(cat dir/streak)" -ge 3 ]
	touch ok
	wait_until status_is healthy
	[ "$(cat dir/streak)" -eq 0 ]
	rm ok
	wait_until status_is unhealthy
	# (on-change runs in /: the relative path above was its own)
	kill $watched
}

@test "the last five results are kept, with times, status and output" {
	watch sh -c 'echo out; echo err >&2; exit 3'
	wait_until test -e dir/result.4
	sleep 0.2
	[ "$(find dir -name 'result.*' | wc -l)" -eq 5 ]
	read -r begun ended code <dir/result.0
	[[ $begun = 20??-*Z && $ended = 20??-*Z && ! $begun > $ended ]]
	[ "$code" = 3 ]
	[ "$(tail -n +2 dir/result.0)" = "$(printf 'out\nerr')" ]
}

@test "output is cut at 4096 bytes, whatever it is" {
	watch sh -c 'head -c 1000000 /dev/zero; printf "\033[2J"'
	wait_until test -e dir/result.0
	[ "$(tail -n +2 dir/result.0 | wc -c)" -eq 4096 ]
	wait_until status_is healthy
}

@test "a check that takes too long is killed with all that it started" {
	watch -t 100ms -r 1 sh -c "sleep 1234.5 & sleep 1234.5"
	wait_until status_is unhealthy
	grep -q ' -1$' dir/result.0
	grep -q 'exceeded timeout (100 ms)' dir/result.0
	kill $watched
	left() { ! pgrep -f 'sleep 1234\.5' >/dev/null; }
	wait_until left
}

@test "a background process that holds the output does not hold up the check" {
	watch -t 20s sh -c 'sleep 5 & echo done'
	wait_until status_is healthy
}

@test "in the start period failures do not count; a success ends it" {
	watch -p 1h -I 20ms -r 1 sh -c "test -e $PWD/ok"
	wait_until test -e dir/result.4
	status_is starting
	[ "$(cat dir/streak)" = 0 ]
	touch ok
	wait_until status_is healthy
	rm ok
	wait_until status_is unhealthy
}

@test "no check while the file of --unless exists" {
	touch paused
	watch -u "$PWD/paused" touch "$PWD/checked"
	sleep 0.2
	[ ! -e checked ]
	rm paused
	wait_until test -e checked
}

@test "it ends with the process, and does not begin for another with its number" {
	watch true
	wait_until status_is healthy
	! flock -n dir true
	kill $watched
	wait_until flock -n dir true
	expect 0 health -d dir2 -w "$$:12345" true
	[ ! -e dir2/status ]
	expect 0 health -d dir2 -w "$$:$(cut -d ' ' -f 22 /proc/$$/stat)" -f false &
	wait_until test -e dir2/status
	kill %% || true
}

@test "one at a time in a directory" {
	watch true
	expect 125 health -d dir -w $$ true
	[[ $output = *'another health'* ]]
}

@test "files given by descriptor are read anew by each check" {
	echo text >file
	exec 5<file
	watch sh -c 'read -r line <&5; echo "$line"' || return
	exec 5<&-
	wait_until test -e dir/result.4
	grep -q text dir/result.4
}

# ---- containers ----

@test "a container: starting, unhealthy, healthy; ps, inspect, the journal" {
	skiff run -d --name "$C" --health-cmd 'echo I am $(id -u); test -e /ok' --health-interval 50ms \
		--health-retries 2 busybox sleep 600 >/dev/null
	wait_until container_is unhealthy
	[[ $(skiff ps) = *'(unhealthy)'* ]]
	[ "$(health_of '.Log[0].Output')" = 'I am 0' ]
	[ "$(health_of '.Log[0].ExitCode')" = 1 ]
	[ "$(health_of '.Log | length')" -le 5 ]
	skiff exec "$C" touch /ok
	wait_until container_is healthy
	[[ $(skiff ps) = *'(healthy)'* ]]
	[ "$(health_of .FailingStreak)" = 0 ]
	grep -q "health_status: unhealthy.*name=$C" "$SKIFF_ROOT/events"
	grep -q "health_status: healthy.*name=$C" "$SKIFF_ROOT/events"
	[ "$(skiff inspect "$C" | jq -c '.[0].Config.Healthcheck | [.Interval, .Retries]')" = '[50000000,2]' ]
	# started again it begins anew
	skiff stop -t 0 "$C"
	wait_until flock -n "$SKIFF_ROOT/names/$C/checks" true
	local before
	before=$(date -u +%Y-%m-%dT%H:%M:%S)
	sleep 1
	skiff start "$C"
	wait_until container_is healthy
	[[ $(health_of '.Log[0].Start') > $before ]]
}

@test "before the first check it is starting" {
	skiff run -d --name "$C" --health-cmd true busybox sleep 600 >/dev/null
	[[ $(skiff ps) = *'(health: starting)'* ]]
	container_is starting
}

@test "a check runs inside: namespaces, user, environment, rights, control group" {
	skiff run -d --name "$C" -u ann -e A=b --health-interval 50ms \
		--health-cmd 'echo "$(id -un) $A $(hostname) $(cat /proc/1/comm)"; grep CapEff /proc/self/status;
			kill -0 1; cat /proc/self/cgroup' busybox sleep 600 >/dev/null
	wait_until container_is healthy
	run health_of '.Log[0].Output'
	[ "${lines[0]}" = "ann b $(skiff exec "$C" hostname) sleep" ]
	[[ ${lines[1]} = *0000000000000000 ]]
	[[ $output != *skiff* ]] || fail "the group is seen from outside: $output"
}

@test "a check can end the container, and the restart policy brings it back" {
	skiff run -d --name "$C" --restart always --health-cmd 'kill 1' --health-interval 100ms busybox \
		sh -c 'trap "exit 3" TERM; while :; do sleep 0.05; done' >/dev/null
	came_back() { [ "$(skiff inspect "$C" | jq '.[0].RestartCount')" -ge 1 ]; }
	wait_until came_back
}

@test "an unhealthy container is left running; a hung one without a check is not noticed" {
	skiff run -d --name "$C" --health-cmd false --health-interval 20ms --health-retries 1 busybox sleep 600 >/dev/null
	wait_until container_is unhealthy
	[ "$(skiff inspect "$C" | jq -r '.[0].State.Status')" = running ]
}

@test "the check of the image; options change it; --no-healthcheck turns it off" {
	config='{"os":"linux","architecture":"amd64","config":{"Healthcheck":{"Test":["CMD","cat","/etc/passwd"],"Interval":3600000000000,"Retries":7}},
		"rootfs":{"type":"layers","diff_ids":["sha256:'$(cat "$SKIFF_ROOT"/layers/*/diff-id | cut -d: -f2 | head -n 1)'"]}}'
	split() { jq -r -L "$REPO/src/skiff" 'include "config"; parts'; }
	split <<<"$config" >parts
	decode() { printf %b "$(sed -n "/^$1\$/{n;p}" parts)" | tr '\0' ' '; }
	[ "$(decode health-test)" = 'cat /etc/passwd ' ]
	[ "$(decode health | tr '\n' ' ')" = '--interval 3600000ms --retries 7 ' ]
	for bad in '{"Test":"x"}' '{"Test":["WHAT"]}' '{"Test":["CMD","x"],"Interval":"x"}' '{"Test":["CMD","x"],"Interval":-1}' '{"Test":["CMD","x"],"Interval":1e308}' \
		'{"Test":["CMD","x"],"Retries":-1}' '{"Test":["CMD","\u0000"]}' '[]'; do
		! split <<<"{\"rootfs\":{\"diff_ids\":[]},\"config\":{\"Healthcheck\":$bad}}" >/dev/null 2>&1 ||
			fail "taken: $bad"
	done
	local dir
	dir=$(find "$SKIFF_ROOT/images" -mindepth 1 -maxdepth 1)
	printf 'cat\0/etc/passwd\0' >"$dir/health-test"
	printf '%s\n' --interval 50ms >"$dir/health"
	skiff run -d --name "$C" busybox sleep 600 >/dev/null
	wait_until container_is healthy
	[[ $(health_of '.Log[0].Output') = root:* ]]
	skiff rm -f "$C" >/dev/null
	skiff run -d --name "$C" --no-healthcheck busybox sleep 600 >/dev/null
	[ "$(health_of '')" = null ]
	skiff rm -f "$C" >/dev/null
	skiff create --name "$C" --health-interval 2s busybox sleep 600 >/dev/null
	[ "$(skiff inspect "$C" | jq '.[0].Config.Healthcheck.Interval')" = 2000000000 ]
	: >"$dir/health-test"
	: >"$dir/health"
}

@test "wrong options are refused, nothing is made" {
	expect 125 skiff create --health-interval x busybox
	expect 125 skiff create --health-interval 1 busybox
	expect 125 skiff create --health-timeout -1s busybox
	expect 125 skiff create --health-retries x busybox
	expect 125 skiff create --health-retries -1 busybox
	expect 1 skiff create --no-healthcheck --health-cmd true busybox
	[[ $output = *'--no-healthcheck conflicts with --health-* options'* ]]
	[ -z "$(skiff ps -aq)" ]
}

@test "the timer killed: check tells and starts another" {
	skiff run -d --name "$C" --health-cmd true --health-interval 50ms busybox sleep 600 >/dev/null
	wait_until container_is healthy
	pkill -KILL -f "^health --dir $SKIFF_ROOT/" # (each test file has a store of its own)
	wait_until flock -n "$SKIFF_ROOT/names/$C/checks" true
	rm "$SKIFF_ROOT/names/$C/checks/status"
	run skiff check
	[[ $output = *'nobody checks its health any more: repaired'* ]] || fail "$output"
	wait_until container_is healthy
	run skiff check
	[ -z "$output" ] || fail "$output"
}

@test "--explain prints the timer as well" {
	skiff run --explain --name "$C" --health-cmd true --health-interval 2s busybox sleep 1 >explained
	grep -q '^health --dir' explained
	grep -q -- '--interval 2s' explained
	[ -z "$(skiff ps -aq)" ]
}
