# skiff stats, and cgset table under it: figures that are right, quickly.

load helper

setup_file() { skiff_setup_file; }
teardown_file() { skiff_teardown_file; }

setup() {
	in_time
	cd "$BATS_TEST_TMPDIR" || return
	C=s$BATS_TEST_NUMBER
}

teardown() { skiff rm -f "$C" "$C-b" >/dev/null 2>&1 || :; }

@test "one look: columns, limits, processes; a busy one is seen to be" {
	skiff run -d --name "$C" -m 64m busybox sh -c 'sleep 600 & while :; do :; done' >/dev/null
	skiff run -d --name "$C-b" busybox sleep 600 >/dev/null
	skiff create --name other busybox true >/dev/null
	expect 0 skiff stats --no-stream
	[[ ${lines[0]} =~ ^'CONTAINER ID'\ +NAME\ +'CPU %'\ +'MEM USAGE / LIMIT'\ +'MEM %'\ +'NET I/O'\ +'BLOCK I/O'\ +PIDS$ ]]
	[ "${#lines[@]}" -eq 3 ]
	# newest first, as docker ps has them
	[[ ${lines[1]} =~ ^[0-9a-f]{12}\ +$C-b\ +[0-9.]+%\ +[0-9.]+[KM]iB\ /\ [0-9.]+GiB\ .*\ 0B\ /\ 0B\ .*\ 1$ ]] || fail "$output"
	[[ ${lines[2]} =~ ^[0-9a-f]{12}\ +$C\ +([0-9]+)\.[0-9]{2}%\ +[0-9.]+[KM]iB\ /\ 64MiB\ .*\ 2$ ]] || fail "$output"
	[ "${BASH_REMATCH[1]}" -ge 5 ] || fail "$output"

	expect 0 skiff container stats -a --no-stream --no-trunc
	[ "${#lines[@]}" -eq 4 ]
	[[ ${lines[1]} =~ ^[0-9a-f]{64}\ +other\ +0\.00%\ +0B\ /\ 0B\ +0\.00%\ +0B\ /\ 0B\ +0B\ /\ 0B\ +0$ ]] || fail "$output"
	skiff rm other >/dev/null
}

@test "those named, in any state; one that is not there is an error, and nothing is printed" {
	skiff create --name "$C" busybox true >/dev/null
	expect 0 skiff stats --no-stream "$C"
	[ "${#lines[@]}" -eq 2 ]
	expect 1 skiff stats --no-stream "$C" nothing-like-it
	[ "${#lines[@]}" -eq 1 ]
	[[ $output = *'No such container: nothing-like-it'* ]]
	expect 125 skiff stats --bogus
}

@test "live: again and again on the same place, ended by its reader" {
	skiff run -d --name "$C" busybox sleep 600 >/dev/null
	skiff stats "$C" | head -n 6 >out
	[ "$(grep -c "$C" out)" -ge 2 ] || fail "$(cat -v out)"
	[ "$(grep -c $'\033\[H' out)" -ge 2 ]
}

@test "--format: templates, json" {
	skiff run -d --name "$C" busybox sleep 600 >/dev/null
	expect 0 skiff stats --no-stream --format '{{.Name}} {{.ID}} {{.PIDs}}' "$C"
	[ "$output" = "$C $(cut -c 1-12 "$SKIFF_ROOT/names/$C/id") 1" ]
	run -0 --separate-stderr skiff stats --no-stream --format json "$C"
	[ "$(jq -r .MemPerc <<<"$output")" != null ]
}

@test "a hundred at once" {
	local n
	for n in $(seq 100); do skiff create --name "many$n" busybox sleep 600 >/dev/null; done
	# shellcheck disable=SC2046
	skiff start $(seq -f 'many%g' 100) >/dev/null
	expect 0 skiff stats --no-stream
	[ "${#lines[@]}" -eq 101 ]
	[ "$(grep -c '%.* 1$' <<<"$output")" -eq 100 ]
	# few processes, however many containers
	strace -f -qq -e trace=execve -e signal=none -o trace skiff stats --no-stream >/dev/null
	[ "$(grep -c 'execve.* = 0$' trace)" -lt 20 ] || fail "$(wc -l <trace) processes"
	# shellcheck disable=SC2046
	skiff rm -f $(seq -f 'many%g' 100) >/dev/null
}

@test "cgset table: a line a group, unknown ones left out, unknown figures refused" {
	skiff run -d --name "$C" -m 32m busybox sleep 600 >/dev/null
	local id
	id=$(cat "$SKIFF_ROOT/names/$C/id")
	printf '%s\n' "$GROUP/$id" "$GROUP/none-such" >groups
	run -0 bash -c 'cgset table pids.current memory.max <groups'
	[ "$output" = "$GROUP/$id"$'\t1\t33554432' ]
	run -125 bash -c 'cgset table pids.current nonsense <groups'
	run -125 bash -c 'cgset table <groups'
	run -125 bash -c 'echo ../.. | cgset table pids.current'
	[[ $output = *'not the name of a group'* ]]
}
