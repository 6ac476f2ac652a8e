#!/usr/bin/env bats
# --runtime: the same container by an OCI runtime, here runc (and crun, where it can).
# shellcheck shell=bash disable=SC2016,SC2054

load helper

setup_file() {
	skiff_setup_file
	# runc's half in the user namespace goes down to the root file system by its path.
	SKIFF_RUN=$(mktemp -d /run/skiff-test.XXXXXX)
	export SKIFF_RUN
}

teardown_file() {
	skiff_teardown_file
	rmdir "$SKIFF_RUN"
}

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	C=c$BATS_TEST_NUMBER-runtime
}

teardown() {
	skiff rm -f "$C" >/dev/null 2>&1 || true
}

by_runc() { # [OPTION...] -- COMMAND...: run it to its end
	local options=()
	while [ "$1" != -- ]; do
		options+=("$1")
		shift
	done
	shift
	skiff run --rm --runtime runc "${options[@]}" busybox "$@"
}

@test "exit statuses, streams, arguments as they are" {
	expect 7 by_runc -- sh -c 'exit 7'
	expect 137 by_runc -- sh -c 'kill -KILL $$; sleep 1; exit 137'
	by_runc -e 'A=it'\''s "$x"' -- sh -c 'echo out; echo err >&2; printf "<%s>" "$A" "$@"' 0 '' 'a b' '$y' $'two\nlines' >out 2>err
	printf 'out\n<it'\''s "$x"><><a b><$y><two\nlines>' | cmp - out
	[ "$(cat err)" = err ]
	[ "$(echo through | by_runc -i -- cat)" = through ]
	expect 127 by_runc -- /no/such/command
	expect 127 by_runc -- nosuch
	expect 126 by_runc -- /etc/passwd
}

@test "it is runc's container, and skiff's" {
	skiff run -d --name "$C" --runtime runc -h boat busybox sh -c 'echo up; trap "exit 5" TERM; while :; do sleep 0.1; done' >id
	id=$(cat id)
	runc --root "$SKIFF_ROOT/containers/$id/bundle/state" state "$id" | jq -e '.status == "running"'
	[ "$(skiff inspect "$C" | jq -r '.[0].HostConfig.Runtime')" = runc ]
	pid=$(skiff inspect "$C" | jq '.[0].State.Pid')
	for ns in pid mnt uts ipc net user cgroup; do
		[ "$(readlink "/proc/$pid/ns/$ns")" != "$(readlink "/proc/self/ns/$ns")" ] || fail "$ns"
	done
	[ "$(ps -o ppid= -p "$pid" | tr -d ' ')" = "$(cut -d ' ' -f 1 "$SKIFF_RUN/$id/shim")" ]
	# no runtime beside it, nothing mounted for all to see
	! pgrep -f "^runc .*$id" || fail "runc is still there"
	! grep "$SKIFF_RUN/root" /proc/self/mountinfo
	expect 0 skiff exec "$C" sh -c 'hostname; kill -0 1 && echo sees'
	[ "$output" = $'boat\nsees' ]
	expect 3 skiff exec "$C" sh -c 'exit 3'
	[ "$(skiff logs "$C")" = up ]
	expect 1 skiff rm "$C"
	expect 0 skiff stop "$C"
	[ "$(skiff inspect "$C" | jq '.[0].State.ExitCode')" = 5 ]
	# again: the same files
	expect 0 skiff start "$C"
	[ "$(skiff inspect "$C" | jq -r '.[0].State.Status')" = running ]
	expect 0 skiff kill "$C"
	wait_until has_ended
	[ "$(skiff inspect "$C" | jq '.[0].State.ExitCode')" = 137 ]
	expect 0 skiff rm "$C"
	nothing_left "$id"
}

has_ended() {
	[ "$(skiff inspect "$C" | jq -r '.[0].State.Status')" = exited ]
}

@test "limits, mounts, users, rights: as without runc" {
	mkdir host
	echo hello >host/file
	chmod 755 . .. host
	options=(-m 64m --pids-limit 33 --cpus 0.5 -v "$PWD/host:/mnt:ro" --tmpfs /scratch:size=1m --shm-size 1m -w /var/new
		--cap-drop ALL --cap-add net_bind_service,chown --ulimit nofile=99:100 --security-opt no-new-privileges
		--read-only --sysctl kernel.msgmax=1234 -h boat)
	options=("${options[@]/net_bind_service,chown/net_bind_service}")
	probe='grep -E "^(Cap(Inh|Prm|Eff|Bnd)|NoNew)" /proc/self/status; grep "open files" /proc/self/limits; pwd; id
		cat /mnt/file; cat /proc/sys/kernel/msgmax; cat /proc/self/uid_map | wc -l; hostname; env | sort
		for f in /x /mnt/x /sys/x /proc/sys/kernel/msgmax; do (: >$f) 2>/dev/null && echo "wrote $f"; done
		echo 1 >/scratch/x && cat /scratch/x; df -k /dev/shm /scratch | awk "NR > 1 { print \$2, \$6 }"
		cat /proc/kcore 2>/dev/null | wc -c; ls /sys/firmware | wc -l; ls /proc/self/fd'
	skiff run --rm "${options[@]}" busybox sh -c "$probe" >ours 2>&1 || fail "$(cat ours)"
	by_runc "${options[@]}" -- sh -c "$probe" >theirs 2>&1 || fail "$(cat theirs)"
	diff ours theirs
	grep -qx hello theirs
	# the kernel's limits are those of the group
	skiff run -d --name "$C" --runtime runc -m 64m --pids-limit 33 busybox sleep 60 >id
	for dir in $(cgset path "$(cgroup_of "$(cat id)")"); do
		[ ! -e "$dir/memory.limit_in_bytes" ] || [ "$(cat "$dir/memory.limit_in_bytes")" = 67108864 ]
		[ ! -e "$dir/pids.max" ] || [ "$(cat "$dir/pids.max")" = 33 ]
	done
	expect 137 by_runc -m 8m -- sh -c 'a=x; while :; do a=$a$a; done'
}

cgroup_of() { # ID: the group that its main process is in
	local pid
	read -r pid _ <"$SKIFF_RUN/$1/pid"
	sed -n 's/^[0-9]*:pids:\///p;s/^0::\/\(.*'"$1"'\)/\1/p' "/proc/$pid/cgroup" | head -n 1
}

@test "users by name and number" {
	for user in ann 1000 ann:crew 1000:7 5 5:6 0 root ann:ann; do
		expect 0 by_runc -u "$user" --group-add 77 -- sh -c 'grep -E "^(Uid|Gid|Groups|Cap)" /proc/self/status'
		theirs=$output
		expect 0 skiff run --rm -u "$user" --group-add 77 busybox sh -c 'grep -E "^(Uid|Gid|Groups|Cap)" /proc/self/status'
		[ "$theirs" = "$output" ] || fail "$user: $theirs -- $output"
	done
	expect 125 by_runc -u ann:nosuch -- true
	expect 125 by_runc -u nosuch -- true
	[[ $output == *"'nosuch'"* ]]
	# a link is not followed to a file of the host
	tar -C "$BATS_FILE_TMPDIR/tree" -cf tree.tar --exclude ./etc/passwd .
	python3 "$REPO/tests/mklayer.py" 'sym etc/passwd to=/etc/passwd' >link.tar
	tar -Af tree.tar link.tar
	skiff import tree.tar evil >/dev/null
	expect 125 skiff run --rm --runtime runc -u daemon evil true
	[[ $output == *"no such user"* ]]
}

@test "the user namespace can be left out; files of volumes have their owners then" {
	mkdir host
	chown 1000:1000 host
	expect 0 by_runc --userns host --network host -v "$PWD/host:/mnt" -- sh -c 'stat -c %u /mnt; wc -l </proc/self/uid_map; cat /proc/self/uid_map'
	[[ $output == 1000* ]]
	[[ $output == *4294967295 ]]
}

@test "what a runtime cannot be told is refused, with nothing left" {
	expect 125 by_runc -t -- true
	expect 125 by_runc --privileged -- true
	expect 125 by_runc --network container:x -- true
	expect 125 by_runc --cap-add ALL -- true
	expect 125 skiff run --rm --runtime no-such-runtime busybox true
	expect 125 skiff run --rm --runtime ../bin/sh busybox true
	nothing_left
}

@test "--explain prints it, and what it prints works" {
	skiff run --explain --rm --runtime runc busybox sh -c 'exit 9' >script
	grep -q '/oci.sh runc' script
	expect 9 timeout -s KILL 20 dash script
}

@test "crun does the same" {
	command -v crun >/dev/null || skip "crun is not installed"
	run skiff run --rm --runtime crun busybox sh -c 'exit 7'
	[[ $output != *'hybrid mode not supported'* ]] || skip "crun refuses hosts with both cgroup v1 and v2"
	[ "$status" -eq 7 ] || fail "$output"
}
