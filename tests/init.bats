# shellcheck shell=bash disable=SC2016 # what is in single quotes is for inner shells
# init: signals go on, orphans are waited for, the exit status is the command's.

load helper
bats_require_minimum_version 1.5.0

# By its path: when it is missing, the system's own init must not be found in its place.
init=${SKIFF_BIN:-$REPO/bin}/init

setup() {
	in_time
	[ -x "$init" ] || fail "no $init"
	cd "$BATS_TEST_TMPDIR" || return
}

# namespaced COMMAND...: as process 1 of a PID namespace with a /proc of its own.
namespaced() {
	unshare --pid --fork --mount-proc --kill-child "$@"
}

@test "exit status is the command's; 128+n for signal n" {
	expect 0 "$init" true
	expect 7 "$init" sh -c 'exit 7'
	expect 137 "$init" sh -c 'kill -KILL $$'
	expect 143 namespaced "$init" sh -c 'kill -TERM $$'
	run -127 "$init" no-such-command
	expect 126 "$init" /etc
}

@test "process 1 that does not handle SIGTERM ignores it; under init it ends by it" {
	expect 3 namespaced sh -c 'kill -TERM $$; exit 3'
	expect 143 namespaced "$init" sh -c 'kill -TERM 1; while :; do sleep 0.05; done'
	expect 5 namespaced "$init" sh -c 'trap "exit 5" USR1; kill -USR1 1; while :; do sleep 0.05; done'
}

@test "each signal is sent on, real-time ones too" {
	for signal in HUP INT QUIT ABRT USR1 USR2 ALRM TERM WINCH CONT RTMIN RTMAX; do
		# A shell cannot trap what it found ignored, as INT and QUIT are in what was started with "&".
		expect 9 timeout 20 env --default-signal "$init" \
			bash -c "trap 'exit 9' $signal; kill -s $signal \$PPID; while :; do sleep 0.01; done"
	done
}

@test "orphans are waited for: as process 1 and as any other" {
	# The subshell ends and leaves its child behind, whose parent then is init.
	orphan='(sh -c "echo \$\$ >orphan; exec sleep 0.05" &) ; until [ -s orphan ]; do :; done
		n=0; while [ -d /proc/$(cat orphan) ]; do n=$((n + 1)); [ $n -lt 200 ] || exit 1; sleep 0.05; done'
	expect 0 namespaced "$init" sh -c "$orphan"
	rm orphan
	expect 0 "$init" sh -c "$orphan"
	# Without init the zombie stays: this shell does not wait for strangers.
	rm orphan
	expect 1 namespaced python3 -c 'import subprocess, sys, time
sys.exit(subprocess.call(["sh", "-c", sys.argv[1]]))' "${orphan//200/10}"
}

@test "a signal that comes before init is ready is not lost if it is blocked" {
	# (As process 1 the kernel throws away what is neither handled nor blocked.)
	expect 3 namespaced sh -c 'kill -TERM $$; exec "$0" sh -c "exit 3"' "$init"
	expect 143 namespaced env --block-signal=TERM sh -c 'kill -TERM $$; exec "$0" sleep 100' "$init"
}

@test "the command starts without blocked signals, as a group of its own" {
	local before
	before=$(grep -E '^Sig(Blk|Ign)' /proc/self/status)
	expect 0 "$init" grep -E '^Sig(Blk|Ign)' /proc/self/status
	[ "$output" = "$before" ] || fail "$output, not $before"
	expect 0 "$init" sh -c '[ "$(ps -o pgid= -p $$ | tr -d " ")" = $$ ]'
}

@test "on a terminal the command is the foreground group" {
	expect 0 script -qec "$init sh -c 'ps -o pgid=,tpgid= -p \$\$'" /dev/null
	read -r group foreground <<<"${output//$'\r'/}"
	[ "$group" = "$foreground" ]
}

@test "in the background it leaves the terminal to the shell" {
	local way
	printf '#!/bin/sh\necho begun\nexec sleep 20\n' >sleeper
	chmod +x sleeper
	for way in '' 'unshare --pid --fork'; do
		expect 0 env WAY="$way" INIT="$init" PS1='ready> ' expect -c '
			set timeout 10
			proc await {text} { expect $text {} timeout { exit 1 } eof { exit 2 } }
			spawn -noecho bash --norc --noprofile -i
			await "ready> "
			send "$env(WAY) $env(INIT) ./sleeper &\r"
			await begun
			sleep 0.3
			send "echo st\"\"ill; kill -KILL \\$!; exit\r"
			await still'
	done
}

@test "command line" {
	expect 0 "$init" -h
	[ "${#lines[@]}" -le 40 ]
	expect 125 "$init"
	[[ $output == "init: no command specified"* ]]
	expect 125 "$init" -x true
	expect 0 "$init" -- echo -h
	[ "$output" = -h ]
}
