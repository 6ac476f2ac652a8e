#!/usr/bin/env bats
# --runtime: the same container by an OCI runtime, here runc (and crun, where it can).
# shellcheck shell=bash disable=SC2016,SC2054

load helper

setup_file() {
	skiff_setup_file
	# runc's half in the user namespace goes down to the root file system by its path.
	SKIFF_RUN=$(mktemp -d /run/skiff-test.XXXXXX)
	PROBE=$BATS_FILE_TMPDIR/seccomp-probe
	export SKIFF_RUN PROBE
	cc -O1 -static -mno-red-zone -o "$PROBE" "$REPO/tests/seccomp-probe.c"
}

teardown_file() {
	skiff_teardown_file
	rmdir "$SKIFF_RUN"
	# runc makes the group above that of the container in named v1 hierarchies, too, and leaves it.
	! find /sys/fs/cgroup -name "$GROUP" 2>/dev/null | grep . || fail "groups are left"
}

setup() {
	in_time
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
		cat /mnt/file; cat /proc/sys/kernel/msgmax /proc/sys/net/ipv4/ip_unprivileged_port_start; cat /proc/self/uid_map | wc -l; hostname; env | sort
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

# filter_of PID: the system call filter of a process, as seccomp-probe reads it; ptrace(2), PTRACE_SECCOMP_GET_FILTER.
filter_of() {
	python3 - "$1" <<-'PYTHON'
		import ctypes, os, sys
		pid, ptrace = int(sys.argv[1]), ctypes.CDLL(None, use_errno=True).ptrace
		ptrace.argtypes, ptrace.restype = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p], ctypes.c_long
		def call(request, address, data):
		    result = ptrace(request, pid, address, data)
		    return result if result >= 0 else sys.exit(f"ptrace {request:#x}: {os.strerror(ctypes.get_errno())}")
		call(0x4206, None, None)  # PTRACE_SEIZE, then PTRACE_INTERRUPT
		call(0x4207, None, None)
		os.waitpid(pid, 0x40000000)
		program = ctypes.create_string_buffer(8 * call(0x420c, 0, None))
		call(0x420c, 0, program)
		os.write(1, program.raw)
	PYTHON
}

# probe FILTER: what it answers to every call of 64-bit and 32-bit programs, and to those whose arguments count.
probe() {
	local table value
	for table in 64 32; do
		"$PROBE" "$1" $table 0 450
		for value in 0 2 38 40 0x100000026 0x100000028 41 0xffffffffffffffff; do
			"$PROBE" "$1" 64 41 41 $value # socket
		done
		for value in 0 0x10000000 0x20000 0x40000000 0x80000000 0x11 0x110000011; do
			"$PROBE" "$1" 64 56 56 $value # clone
		done
		for value in 0 1 8 9 0x20000 0x20008 0x40000 0xffffffff 0xffffffffffffffff; do
			"$PROBE" "$1" 64 135 135 $value # personality
		done
	done
}

@test "the system calls that our chain refuses are refused, and no others" {
	local options table
	for options in '' '--cap-add SYS_ADMIN' '--cap-drop ALL' '--security-opt no-new-privileges'; do
		# shellcheck disable=SC2086
		skiff run -d --name "$C" --runtime runc $options busybox sleep 600 >id
		read -r pid _ <"$SKIFF_RUN/$(cat id)/pid"
		grep -qx 'Seccomp:	2' "/proc/$pid/status" || fail "$options: no filter"
		filter_of "$pid" >theirs.bpf
		skiff rm -f "$C"
		case $options in --cap*) gating=$options ;; *) gating='' ;; esac
		# shellcheck disable=SC2086
		seccomp-compile $gating "$REPO/src/lockdown/default.seccomp" >ours.bpf
		probe ours.bpf >ours
		probe theirs.bpf >theirs
		diff ours theirs || fail "$options: not the same"
	done
}

@test "seccomp: a filter by default, one of one's own, none; in what exec starts, too" {
	probe='grep Seccomp: /proc/self/status; unshare -U true || echo refused'
	expect 0 by_runc -- sh -c "$probe"
	[[ $output = *Seccomp:*2*refused* ]]
	expect 0 by_runc -u 1000 -- sh -c "$probe"
	[[ $output = *Seccomp:*2*refused* ]]
	expect 0 by_runc --security-opt seccomp=unconfined -- sh -c 'grep Seccomp: /proc/self/status; unshare -U true && echo done'
	[[ $output = *Seccomp:*0*done* ]]
	expect 0 by_runc --cap-add SYS_ADMIN -- sh -c 'mount -t tmpfs x /tmp && echo mounted'
	[ "$output" = mounted ]
	run by_runc -- mount -t tmpfs x /tmp
	[ "$status" -ne 0 ]
	printf '%s\n' 'default allow' 'errno EXDEV unlink unlinkat rmdir' 'errno ERANGE mkdir mkdirat' >own
	expect 0 by_runc --security-opt "seccomp=$PWD/own" -- sh -c 'touch /f; rm -f /f; mkdir /d; true'
	[[ $output = *'Invalid cross-device link'* && $output = *'out of range'* ]] || fail "$output"
	echo '{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["rmdir"], "action": "SCMP_ACT_ERRNO", "errnoRet": 18},
		{"names": ["mkdir"], "action": "SCMP_ACT_ERRNO", "excludes": {"caps": ["CAP_SYS_ADMIN"]}}]}' >docker.json
	expect 0 by_runc --security-opt "seccomp=$PWD/docker.json" -- sh -c 'rmdir /tmp; mkdir /d; true'
	[[ $output = *'Invalid cross-device link'* && $output = *'not permitted'* ]] || fail "$output"
	skiff run -d --name "$C" --runtime runc busybox sleep 60
	expect 0 skiff exec "$C" sh -c "$probe"
	[[ $output = *Seccomp:*2*refused* ]]
	# the profile is the container's: lost, it is not left out
	rm "$SKIFF_ROOT/containers/$(skiff inspect "$C" | jq -r '.[0].Id')/seccomp.json"
	skiff kill "$C"
	wait_until has_ended
	expect 1 skiff start "$C"
	[[ $output = *seccomp.json* ]]
}

@test "what is read-only is so with all that is mounted below; masked is what our chain masks" {
	mkdir -p host/below
	mount -t tmpfs below host/below
	probe='(: >/mnt/below/x) 2>/dev/null && echo wrote; awk "\$2 ~ /^\\/sys/ && \$2 !~ /^\\/sys\\/fs\\/cgroup\$/ && / rw[, ]/" /proc/mounts'
	for options in '' '--userns host'; do
		# shellcheck disable=SC2086
		run by_runc $options --network host -v "$PWD/host:/mnt:ro" -- sh -c "$probe"
		[ "$output" = '' ] || break
	done
	umount host/below
	[ "$output" = '' ] || fail "$output"
	skiff create --name "$C" --runtime runc busybox true >id
	skiff start -a "$C"
	# each path that unshare-run has in its lists
	jq -r '.linux | .maskedPaths[], .readonlyPaths[]' "$SKIFF_ROOT/containers/$(cat id)/bundle/config.json" | sort >theirs
	grep -Eo "/(proc|sys)/[a-z0-9_/%-]+" "$REPO/src/unshare-run/masks.c" |
		sed s/cpu%ld/cpu0/ | sort -u >ours
	[ -s ours ]
	[ -z "$(comm -23 ours theirs)" ] || fail "$(comm -23 ours theirs)"
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
	expect 0 skiff run --rm --runtime crun busybox sh -c 'grep Seccomp: /proc/self/status; unshare -U true || echo refused'
	[[ $output = *Seccomp:*2*refused* ]] || fail "$output"
}
