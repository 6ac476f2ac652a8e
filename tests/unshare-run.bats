#!/usr/bin/env bats
# shellcheck shell=bash
# unshare-run: namespaces, id maps, roots, and the ways out of them that must be shut.

load helper

DEFAULTS=mounts,devices,mask,readonly
MAP=0:1073741824:65536

setup() {
	in_time
	cd "$BATS_TEST_TMPDIR" || return
	make_root root
}

teardown() {
	local file pid rest
	for file in "$BATS_TEST_TMPDIR"/*.pid; do
		[ -e "$file" ] || continue
		read -r pid rest <"$file"
		: "$rest"
		kill -KILL "$pid" 2>/dev/null || true
	done
	[ -z "${group:-}" ] || [ ! -e "$group" ] || wait_until rmdir "$group" 2>/dev/null
	! mountpoint -q "$BATS_TEST_TMPDIR/cgroup2" || umount "$BATS_TEST_TMPDIR/cgroup2"
}

# make_root DIR: a small root with busybox in it.
make_root() {
	mkdir -p "$1/bin" "$1/proc" "$1/sys" "$1/dev" "$1/etc"
	cp /bin/busybox "$1/bin/busybox"
	applets "$1/bin" sh cat ls true id ps hostname stat touch mkdir mount umount sleep tty readlink grep ifconfig wc kill
}

# box OPTION... COMMAND...: a container with all defaults, in a user namespace.
box() {
	unshare-run --all --map "$MAP" --root root --defaults "$DEFAULTS" "$@"
}

# plain OPTION... COMMAND...: the same without a user namespace.
plain() {
	unshare-run -m -u -i -n -p -C --root root --defaults "$DEFAULTS" "$@"
}

# start_box NAME OPTION...: a container that runs on, with NAME.pid.
start_box() {
	local name=$1
	shift
	box --pid-file "$name.pid" "$@" sleep 600 </dev/null >/dev/null 2>&1 3>&-
}

process_of() {
	cut -d' ' -f1 "$1.pid"
}

# ---- command line ----

@test "help is printed, mistakes are refused with 125" {
	expect 0 unshare-run -h
	[[ $output == usage:* ]]
	expect 125 unshare-run
	expect 125 unshare-run --nonsense true
	expect 125 unshare-run --root root true
	[[ $output == *--mount* ]]
	expect 125 unshare-run --hostname x true
	expect 125 unshare-run --map 0:0:1 true
	expect 125 unshare-run -m --bind onlysource
	expect 125 unshare-run -m --bind /etc / true
	expect 125 unshare-run -m --bind /etc relative true
	expect 125 unshare-run -m --tmpfs '' true
	expect 125 unshare-run -m --defaults mounts,everything true
	expect 125 unshare-run -m --propagation sideways true
	expect 125 unshare-run --net=/nonexistent true
}

@test "id maps are parsed strictly" {
	local map
	for map in 0:1 0:1:0 0:1:1:1 -1:0:1 0:4294967296:1 ' 0:0:1' 0:0:1a ''; do
		expect 125 unshare-run -U --map "$map" true
	done
	expect 0 unshare-run -U --map 0:100000:10 --map 10:200000:5 cat /proc/self/uid_map
	[[ $output =~ 0\ +100000\ +10.*10\ +200000\ +5 ]]
	expect 0 unshare-run -U --uid-map 0:7:1 --gid-map 0:8:1 cat /proc/self/gid_map
	[[ $output =~ 0\ +8\ +1 ]]
}

@test "exit status: the command's own, 126, 127, 128+n" {
	expect 7 box sh -c 'exit 7'
	expect 127 box nonesuch
	expect 126 box /etc
	expect 127 box --carry nonesuch
	expect 137 unshare-run -U sh -c 'kill -KILL $$'
	expect 143 unshare-run -U sh -c 'kill -TERM $$'
	expect 7 unshare-run -u sh -c 'exit 7'
}

@test "signals are passed on while we wait" {
	unshare-run -U sh -c 'trap "exit 9" TERM; echo ready; while :; do sleep 0.1; done' >out 3>&- &
	local pid=$! got=0
	wait_until grep -q ready out
	kill -TERM "$pid"
	wait "$pid" || got=$?
	[ "$got" -eq 9 ]
}

@test "killed, it takes the command with it" {
	unshare-run -U -p sh -c 'echo; exec sleep 600' >out 3>&- &
	local pid=$! child
	wait_until test -s out
	child=$(pgrep -P "$pid")
	kill -KILL "$pid"
	wait_until test ! -d "/proc/$child"
}

# ---- namespaces ----

@test "each namespace is made alone, and all together" {
	local kind ours
	for kind in mount:mnt uts:uts ipc:ipc net:net pid:pid user:user cgroup:cgroup time:time; do
		ours=$(readlink "/proc/self/ns/${kind#*:}")
		expect 0 unshare-run "--${kind%:*}" readlink "/proc/self/ns/${kind#*:}"
		[ "$output" != "$ours" ] || fail "$kind is the host's"
	done
	# shellcheck disable=SC2016
	expect 0 unshare-run --all sh -c 'for n in mnt uts ipc net pid user cgroup time; do readlink /proc/self/ns/$n; done'
	[ "$(printf '%s\n' "$output" | grep -cvxFf <(readlink /proc/self/ns/*))" -eq 8 ] || fail "$output"
}

@test "the same as util-linux unshare" {
	# shellcheck disable=SC2016
	local script='echo $$; id -u; hostname; echo /proc/[0-9]*'
	unshare -mpuinCf --mount-proc -R root /bin/sh -c "$script" >theirs
	unshare-run -m -p -u -i -n -C --root root --defaults mounts sh -c "$script" >ours
	diff theirs ours
}

@test "a namespace is joined by file or descriptor" {
	start_box one
	local there
	there=$(readlink "/proc/$(process_of one)/ns/net")
	[ "$(unshare-run --net="/proc/$(process_of one)/ns/net" readlink /proc/self/ns/net)" = "$there" ]
	[ "$(unshare-run --net=fd:9 readlink /proc/self/ns/net 9<"/proc/$(process_of one)/ns/net")" = "$there" ]
	# By its process, if that is still the same one.
	local process
	process=$(tr ' ' : <one.pid)
	[ "$(unshare-run --net="$process" readlink /proc/self/ns/net)" = "$there" ]
	[ "$(unshare-run --uts --user="$process" cat /proc/self/uid_map)" = "$(cat "/proc/${process%:*}/uid_map")" ]
	expect 125 unshare-run --net="${process%:*}:1" true
	[[ $output == *"net namespace of process ${process%:*}:1: No such process"* ]]
	# With a user namespace of its own the container shares only the network.
	[ "$(box --net="/proc/$(process_of one)/ns/net" readlink /proc/self/ns/net)" = "$there" ]
	expect 0 box --net="/proc/$(process_of one)/ns/net" sh -c 'ls /sys/class/net; ! touch /sys/x'
}

@test "lo is up in a new network namespace" {
	expect 0 box ifconfig lo
	[[ $output == *127.0.0.1*UP* ]]
}

@test "a process is joined, if it is still the same one" {
	start_box one --hostname inside
	expect 0 unshare-run --join "$(tr ' ' : <one.pid)" sh -c 'id -u; hostname; ps | grep -c "[s]leep 600"; pwd; cat /proc/self/uid_map'
	[[ $output == 0*inside*1*/*1073741824* ]] || fail "$output"
	expect 125 unshare-run --join "$(process_of one):1" true
	[[ $output == *"process $(process_of one):1 has ended"* ]]
	expect 125 unshare-run --join 4194303 true
}

@test "hostname and sysctls of namespaces" {
	expect 0 box --hostname boat --sysctl net.ipv4.ip_forward=1 --sysctl kernel.msgmax=1234 \
		sh -c 'hostname; cat /proc/sys/net/ipv4/ip_forward /proc/sys/kernel/msgmax /proc/sys/net/ipv4/ip_unprivileged_port_start'
	[ "$output" = $'boat\n1\n1234\n0' ]
	expect 0 plain cat /proc/sys/net/ipv4/ping_group_range
	[[ $output =~ ^0.*2147483647$ ]]
}

@test "CVE-2022-0811: sysctls of the host are refused" {
	local key before
	before=$(cat /proc/sys/kernel/core_pattern)
	for key in kernel.core_pattern=x kernel.shm_rmid_forced+kernel.core_pattern=x \
		net/../kernel/core_pattern=x net..kernel=x $'net.x\nkernel.core_pattern=x' \
		kernel.domainname=x vm.swappiness=1 net; do
		expect 125 box --sysctl "$key" true
	done
	[ "$(cat /proc/sys/kernel/core_pattern)" = "$before" ]
	# A namespace that is shared is not ours to change.
	expect 125 unshare-run -m --root root --defaults mounts --sysctl net.ipv4.ip_forward=1 true
}

# ---- chain ----

@test "pid file and start fifo: ready, waiting, then running" {
	box --pid-file one.pid --start start sh -c 'echo >/started; exec sleep 600' </dev/null >/dev/null 2>&1 3>&-
	[ -p start ] && [ "$(stat -c %a start)" = 600 ]
	local pid time
	read -r pid time <one.pid
	[ "$time" = "$(sed 's/.*) //' "/proc/$pid/stat" | cut -d' ' -f20)" ]
	[ "$(readlink "/proc/$pid/root")" = / ] && [ "$(readlink "/proc/$pid/cwd")" = / ]
	[ ! -e root/started ]
	: >start
	wait_until test -e root/started
}

@test "a set-up that fails leaves no pid file" {
	expect 125 box --pid-file one.pid --bind /nonexistent /x true
	[[ $output == *nonexistent* ]]
	expect 125 box --pid-file one.pid --bind /etc /etc/../bin/busybox true
	expect 127 box --pid-file one.pid nonesuch
	[ ! -e one.pid ]
	touch plainfile
	expect 125 box --start plainfile true
}

@test "a command that is not there: 127, however early the child has ended" {
	local n
	for n in $(seq 60); do expect 127 unshare-run -u --pid-file one.pid nonesuch; done
}

@test "a command that cannot run once it may start: 127 all the same" {
	shim -f -r run unshare-run -u --pid-file run/pid --start run/start nonesuch 3>&- 4>&- &
	local shim=$! status=0
	wait_until test -e run/pid
	: >run/start
	wait "$shim" || status=$?
	[ "$status" -eq 127 ] || fail "status $status"
}

@test "a v1 hierarchy that somebody unmounts meanwhile is left out" {
	[ "$(stat -f -c %T /sys/fs/cgroup)" = tmpfs ] || skip 'a pure v2 host'
	mkdir both
	# shellcheck disable=SC2016
	unshare -m sh -c 'umount -l -R /sys/fs/cgroup; while mount -t cgroup -o net_cls,perf_event none both; do umount both; done' \
		>/dev/null 2>&1 3>&- 4>&- &
	local mounter=$! n
	for n in $(seq 40); do box true || break; done
	rmdir both # it may be mounted in the other namespace only
	wait "$mounter" || true
	[ "$n" -eq 40 ]
}

@test "nothing is left waiting if the pid file cannot be written" {
	local status=0
	box --pid-file nonesuch/pid --start start true </dev/null >out 2>&1 3>&- || status=$?
	[ "$status" -eq 125 ]
	grep -q nonesuch/pid out
	# Nobody reads the fifo, says open(2).
	wait_until eval '! dd of=start oflag=nonblock count=0 2>/dev/null'
}

@test "an early writer of the start fifo is not missed" {
	mkfifo -m 600 start
	box --start start sh -c 'echo ran' >out 3>&- &
	local pid=$!
	: >start
	wait "$pid"
	grep -q ran out
}

@test "descriptors handed on reach the command, ours do not" {
	# shellcheck disable=SC2016
	expect 0 box --carry /bin/busybox sh -c 'cat <&8; ls -l /proc/self/fd | grep -v "pipe:\|/dev/null\|/proc/" | grep -c "^l"' 8<<<hello
	[[ $output == hello* ]]
	[[ $output != *"$BATS_TEST_TMPDIR/root"* ]]
}

# ---- the control group ----

# v2_group: $group, a new directory in the v2 hierarchy, which is mounted if need be.
v2_group() {
	local mount
	mount=$(findmnt -n -t cgroup2 -o TARGET | head -n 1)
	if [ -z "$mount" ]; then
		mount=$BATS_TEST_TMPDIR/cgroup2
		mkdir "$mount"
		mount -t cgroup2 cgroup2 "$mount"
	fi
	group=$mount/${BATS_TEST_TMPDIR##*/}-$$
	mkdir "$group"
}

@test "--cgroup-fd: begins in the group, the root of its cgroup namespace; so does who joins" {
	v2_group
	start_box one --cgroup-fd 9 9<"$group"
	local pid
	pid=$(process_of one)
	grep -qx "$pid" "$group/cgroup.procs"
	grep -qx 0::/ "/proc/$pid/root/proc/1/cgroup" || [ "$(unshare-run --join "$pid" grep ^0 /proc/1/cgroup)" = 0::/ ]
	# shellcheck disable=SC2016
	local script='grep ^0 /proc/self/cgroup; ls -l /proc/self/fd'
	for options in "--join $pid" "--all --map $MAP" -muinpC -uC "-p --cgroup=/proc/$pid/ns/cgroup --mount"; do
		# shellcheck disable=SC2086
		expect 0 unshare-run $options --cgroup-fd 9 sh -c "$script" 9<"$group"
		[ "${lines[0]}" = 0::/ ] || fail "$options: $output"
		[[ $output != *"${group##*/}"* ]] || fail "$options: it is still open: $output"
	done
	# Who joins root's own user namespace starts again from memory, and still has it.
	plain --pid-file two.pid sleep 600 </dev/null >/dev/null 2>&1 3>&-
	expect 0 unshare-run --join "$(process_of two)" --cgroup-fd 9 --carry /bin/busybox grep ^0 /proc/self/cgroup 9<"$group"
	[[ $output == 0::*"/${group##*/}" ]] || fail "$output"
	# A kernel that cannot, or does not want to, make processes in a group.
	expect 0 strace -f -o /dev/null -e trace=clone3 -e inject=clone3:error=E2BIG:when=1 \
		unshare-run --all --map "$MAP" --cgroup-fd 9 grep ^0 /proc/self/cgroup 9<"$group"
	[ "$output" = 0::/ ] || fail "$output"
}

@test "--cgroup-fd: what is no v2 group has no effect, one that is gone is an error" {
	v2_group
	expect 0 unshare-run --all --map "$MAP" --cgroup-fd 9 true 9</dev/null
	exec 9<"$group"
	rmdir "$group"
	for option in -p -u; do
		expect 125 unshare-run $option --cgroup-fd 9 true
		[[ $output == *'enter the control group: No such'* ]] || fail "$output"
	done
	exec 9<&-
	expect 125 unshare-run --all --cgroup-fd 9 true
}

# ---- the root ----

@test "default mounts, as Docker has them" {
	expect 0 box cat /proc/mounts
	local line
	for line in 'proc /proc proc rw,nosuid,nodev,noexec' 'tmpfs /dev tmpfs rw,nosuid,size=65536k,mode=755' \
		'devpts /dev/pts devpts rw,nosuid,noexec' 'sysfs /sys sysfs ro,nosuid,nodev,noexec' \
		'mqueue /dev/mqueue mqueue rw,nosuid,nodev,noexec' 'tmpfs /dev/shm tmpfs rw,nosuid,nodev,noexec,relatime,size=65536k'; do
		[[ $output == *"$line"* ]] || fail "missing: $line in $output"
	done
	[[ $output == *$'\n'*" /sys/fs/cgroup "*" ro,"* ]]
	# CVE-2023-25809
	if printf '%s\n' "$output" | grep -E '^cgroup2? .* rw,'; then fail 'writable cgroup'; fi
	chmod 0700 root/dev
	expect 0 box stat -c '%a %t' /dev /dev/shm
	[ "$output" = $'755 0\n1777 0' ]
}

@test "default devices and links, with and without a user namespace" {
	local run
	for run in box plain; do
		# shellcheck disable=SC2016
		expect 0 $run sh -c 'cd /dev; stat -c "%n %t:%T %a" null zero full random urandom tty
			for l in fd stdin stdout stderr ptmx; do readlink $l; done'
		[ "$output" = 'null 1:3 666
zero 1:5 666
full 1:7 666
random 1:8 666
urandom 1:9 666
tty 5:0 666
/proc/self/fd
/proc/self/fd/0
/proc/self/fd/1
/proc/self/fd/2
pts/ptmx' ] || fail "$run: $output"
		expect 0 $run sh -c 'echo x >/dev/null && ! [ -e /dev/sda ]'
	done
	# Root inside may change its own nodes, never the host's.
	unshare-run -m --root root --defaults devices,mounts -p sh -c 'busybox chmod 600 /dev/null'
	[ "$(stat -c %a /dev/null)" = 666 ]
}

@test "masked and read-only paths; each protection can be left out" {
	expect 0 box sh -c 'cat /proc/keys /proc/timer_list /proc/interrupts; ls /sys/firmware /proc/acpi'
	[ "$output" = $'/proc/acpi:\n\n/sys/firmware:' ] || fail "$output"
	expect 0 box sh -c '! touch /sys/firmware/x && ! echo 1 >/proc/sys/kernel/domainname'
	expect 0 plain sh -c '! echo x >/proc/sys/kernel/hostname; ! mkdir /sys/fs/cgroup/x'
	# Without them the attack works.
	expect 0 unshare-run -m -u -p --root root --defaults mounts sh -c 'echo x >/proc/sys/kernel/hostname'
	expect 0 unshare-run -m -p --root root --defaults mounts sh -c 'cat /proc/timer_list | wc -c'
	[ "$output" -gt 0 ]
}

@test "files keep their owners: binds and root are idmapped" {
	mkdir vol
	touch vol/f
	chown 5:6 vol/f
	expect 0 box --bind vol /data sh -c 'stat -c %u:%g /data/f /bin; touch /data/new /new'
	[ "$output" = $'5:6\n0:0' ]
	[ "$(stat -c %u:%g vol/new root/new)" = $'0:0\n0:0' ]
}

@test "a file system without idmaps is bound with a warning" {
	expect 0 box --bind /sys/class /data ls /data
	[[ $output == *"cannot map ids"* ]]
}

@test "binds: file and directory, read-only recursively, targets made" {
	mkdir -p vol/sub
	echo content >vol/f
	# A mount below the source must be read-only, too.
	expect 0 unshare-run -m sh -c "mount -t tmpfs t vol/sub && unshare-run -m -p --root root --defaults mounts \
		--ro-bind vol /deep/er --bind vol/f /etc/f sh -c '! touch /deep/er/x && ! touch /deep/er/sub/x && cat /etc/f'"
	[[ $output == *content* ]]
	[ "$(stat -c %a root/deep root/deep/er)" = $'755\n755' ]
	expect 125 box --bind vol /etc/f true
	[[ $output == *"onto a file"* ]]
	expect 125 box --bind vol/f /bin true
}

@test "bind of a descriptor, tmpfs, mkdir, dockerenv, read-only root, shm size" {
	mkdir vol
	touch vol/seen
	expect 0 box --bind fd:9 /v --tmpfs /t:size=64k,mode=700 --tmpfs /u:exec --mkdir /w/d --dockerenv \
		--read-only --shm-size 1m sh -c 'ls /v; ls -d /w/d /.dockerenv; cat /proc/mounts; ! touch /x && touch /t/x /dev/shm/x' 9<vol
	[[ $output == *seen* && $output == */w/d* && $output == */.dockerenv* ]]
	[[ $output == *'/t tmpfs rw,nosuid,nodev,noexec,relatime,size=64k,mode=700'* ]]
	[[ $output == *'/u tmpfs rw,nosuid,nodev,relatime'* ]]
	[[ $output == *'/dev/shm tmpfs rw,nosuid,nodev,noexec,relatime,size=1024k'* ]]
	expect 125 box --tmpfs /t:nonsense=1 true
}

@test "a user's mount replaces a default one" {
	mkdir vol
	touch vol/mine
	expect 0 box --bind vol /dev/shm sh -c 'ls /dev/shm; grep -c " /dev/shm " /proc/mounts'
	[ "$output" = $'mine\n1' ]
	expect 0 box --bind vol /dev sh -c 'ls /dev; grep -c " /dev" /proc/mounts'
	[ "$output" = $'mine\n1' ]
}

@test "devices: named, renamed, in the user's order; all of them when asked" {
	expect 0 box --device /dev/fuse --device /dev/kmsg:/dev/log/k:rw stat -c %t:%T /dev/fuse /dev/log/k
	[ "$output" = $'a:e5\n1:b' ]
	expect 0 plain --all-devices stat -c %t:%T /dev/kmsg /dev/null
	[ "$output" = $'1:b\n1:3' ]
	expect 125 box --device /etc/passwd true
	expect 125 box --device /dev/kmsg:/dev/k:rwx true
}

@test "a detached mount is taken as the root" {
	# fd 8 from the inner unshare-run's own --bind: an O_PATH descriptor of a directory.
	expect 0 box --root fd:8 ls / 8<root
	[[ $output == *bin* ]]
}

@test "the image's own command runs, or the host's with --carry" {
	printf '#!/bin/sh\necho image\n' >root/bin/which
	mkdir host
	cp /bin/busybox host/which
	chmod 755 root/bin/which
	[ "$(box which)" = image ]
	# shellcheck disable=SC2016
	expect 0 env "PATH=$BATS_TEST_TMPDIR/host:$PATH" "$(command -v unshare-run)" --all --map "$MAP" --root root \
		--defaults "$DEFAULTS" --carry which sh
	[[ $output == */sh ]]
}

@test "unprivileged: one's own id, no idmap, still a whole root" {
	chmod 755 "$BATS_RUN_TMPDIR" "$BATS_FILE_TMPDIR" "$BATS_TEST_TMPDIR" 2>/dev/null || true
	chown -R 1000:1000 root
	cp "$(command -v unshare-run)" ./tool
	expect 3 setpriv --reuid 1000 --regid 1000 --clear-groups ./tool --all --root root --defaults "$DEFAULTS" \
		sh -c 'id -u; stat -c %u /bin; cat /proc/self/setgroups; exit 3'
	[ "$output" = $'0\n0\ndeny' ] || fail "$output"
	expect 125 setpriv --reuid 1000 --regid 1000 --clear-groups ./tool --mount true
	[[ $output == *--user* ]]
}

# ---- ways out ----

@test "CVE-2019-19921, CVE-2023-27561, CVE-2026-41579: /proc, /sys, /dev as links" {
	local name
	mkdir bad
	for name in proc sys dev; do
		rmdir "root/$name"
		ln -s "$BATS_TEST_TMPDIR/bad" "root/$name"
		expect 125 box true
		[[ $output == *"/$name"*"ordinary directory"* ]] || fail "$output"
		ln -sfn bin "root/$name"
		expect 125 box true
		rm "root/$name"
		mkdir "root/$name"
	done
	[ -z "$(ls bad)" ]
}

@test "CVE-2019-16884: nothing is mounted over /proc" {
	local target
	mkdir vol
	ln -s proc root/link
	for target in /proc /proc/ /proc/self/attr /proc/sys /link /bin/../proc //proc/fs; do
		expect 125 box --bind vol "$target" true
		[[ $output == *"in /proc"* ]] || fail "$target: $output"
	done
	expect 125 box --tmpfs /proc true
	echo 'MemTotal: 1 kB' >meminfo
	[ "$(box --bind meminfo /proc/meminfo cat /proc/meminfo)" = 'MemTotal: 1 kB' ]
}

@test "CVE-2021-30465, CVE-2024-45310: targets behind links stay in the root" {
	mkdir canary vol
	touch vol/f
	ln -s "$BATS_TEST_TMPDIR/canary" root/out
	ln -s "../../../../../../../..$BATS_TEST_TMPDIR/canary" root/up
	# What a path lookup on the host would do:
	mkdir root/out/naive && [ -d canary/naive ] && rmdir canary/naive
	expect 0 box --bind vol /out/a --bind vol /up/b --mkdir /out/c --bind vol/f /up/d --tmpfs /out/e true
	[ -z "$(ls canary)" ]
	[ -d "root$BATS_TEST_TMPDIR/canary/a" ]
	# A link to what is missing leads to where it says, inside.
	ln -s ../run/resolve/stub root/etc/resolv.conf
	echo nameserver >resolv
	[ "$(box --bind resolv /etc/resolv.conf cat /run/resolve/stub)" = nameserver ]
	ln -s loop root/loop
	expect 125 box --bind vol /loop/x true
}

@test "CVE-2021-30465: a target that is swapped for a link meanwhile" {
	mkdir -p root/vol/real canary vol
	touch vol/marker
	python3 -c '
import ctypes, os, sys
libc = ctypes.CDLL(None)
os.symlink(sys.argv[2], sys.argv[1] + "/swap")
while os.path.exists(sys.argv[1]):
    libc.renameat2(-100, (sys.argv[1] + "/real").encode(), -100, (sys.argv[1] + "/swap").encode(), 2)
' root/vol "$BATS_TEST_TMPDIR/canary" 3>&- &
	local racer=$! i
	for ((i = 0; i < 100; i++)); do
		box --bind vol /vol/real/deep ls /vol/real/deep >/dev/null 2>&1 || true
	done
	kill "$racer"
	wait "$racer" || true
	[ -z "$(ls canary)" ]
	expect 1 grep "$BATS_TEST_TMPDIR" /proc/self/mountinfo
}

@test "CVE-2025-31133, CVE-2026-88265: the image's /dev/null is never used" {
	echo secret >canary
	chmod 640 canary
	ln -s /proc/sys/kernel/core_pattern root/dev/null
	expect 0 unshare-run -m -p --root root --defaults mounts,mask,readonly sh -c 'cat /proc/keys; stat -c %t:%T /proc/keys'
	[ "$output" = 1:3 ]
	# Devices onto an image's own /dev: links there are refused.
	expect 125 unshare-run -m --root root --defaults devices true
	[[ $output == *null* ]]
	[ "$(stat -c %a:%u canary)" = 640:0 ]
}

@test "CVE-2025-52881: sysctls are written to a procfs of our own" {
	mkdir -p fake/sys/net/ipv4
	echo canary >fake/sys/net/ipv4/ip_forward
	rmdir root/proc
	cp -r fake root/proc
	expect 0 unshare-run -m -n -p --root root --defaults mask --sysctl net.ipv4.ip_forward=1 cat /proc/sys/net/ipv4/ip_forward
	[ "$output" = canary ]
}

@test "CVE-2019-5736: inside, the running program is a sealed copy" {
	# shellcheck disable=SC2016
	expect 0 plain --carry /bin/busybox sh -c 'readlink /proc/$$/exe; ! (echo x >/proc/$$/exe)'
	[[ $output == /memfd:* ]]
	cp /bin/busybox host-tool
	local before
	before=$(sha256sum <host-tool)
	# shellcheck disable=SC2016
	plain --carry ./host-tool sh -c 'exec 9</proc/$$/exe; while kill -0 $$ && ! echo X >/proc/self/fd/9; do exit; done' 2>/dev/null || true
	[ "$(sha256sum <host-tool)" = "$before" ]
}

@test "CVE-2016-9962: who joins cannot be looked into from inside" {
	start_box one
	mkfifo -m 600 start
	unshare-run --join "$(tr ' ' : <one.pid)" --pid-file two.pid --start start sleep 600 </dev/null >/dev/null 2>&1 3>&-
	# PID 2 inside waits at the fifo, with descriptors of the host.
	# shellcheck disable=SC2016
	expect 0 unshare-run --join "$(tr ' ' : <one.pid)" sh -c '
		for p in /proc/[0-9]*; do [ "$(cat $p/comm)" = unshare-run ] && w=$p; done
		echo "found $w"; ! ls $w/fd && ! readlink $w/exe && ! cat $w/environ'
	[[ $output == *"found /proc/"* && $output == *denied* ]] || fail "$output"
}

@test "--propagation, --recursive and --subpath are of the next bind only" {
	mkdir -p src/part/sub root
	mount --bind src src
	mount --make-shared src
	mount -t tmpfs tmpfs src/part/sub
	touch src/part/sub/below src/part/file
	ln -s / src/out
	ln -s /part src/in
	run unshare-run -m --propagation rslave --recursive no --subpath part --bind src /tmp --bind src /mnt sh -c '
		ls /tmp /tmp/sub /mnt/part/sub; grep -E " /(tmp|mnt) " /proc/self/mountinfo'
	local first=$output
	run unshare-run -m --subpath /in/sub/../.. --bind src /tmp --recursive writable --ro-bind src /mnt sh -c '
		ls /tmp; touch /mnt/part/sub/new && ! touch /mnt/new 2>/dev/null'
	local second=$output result=$status
	run unshare-run -m --subpath out --bind src /tmp ls /tmp
	local third=$output
	expect 125 unshare-run -m --subpath nothing --bind src /tmp true
	expect 125 unshare-run -m --recursive maybe --bind src /tmp true
	umount -R src
	[[ $first = $'/mnt/part/sub:\nbelow\n\n/tmp:\nfile\nsub\n\n/tmp/sub:\n'*'/part /tmp '*' master:'*'/src /mnt '* ]] || fail "$first"
	[[ $first != *master*master* ]]
	[ "$second" = $'in\nout\npart' ] || fail "$second"
	[ "$result" -eq 0 ]
	[ "$third" = $'in\nout\npart' ]
	[ ! -e src/nothing ]
}

@test "the old root is gone" {
	# shellcheck disable=SC2016
	expect 0 box sh -c 'ls -d /../etc/. ; ! grep -q "'"$BATS_TEST_TMPDIR"'" /proc/self/mountinfo; wc -l </proc/mounts; pwd'
	expect 1 box sh -c "ls $BATS_TEST_TMPDIR"
}

# ---- terminal ----

# tty_box OPTION...: run it with fd 7 a socket, read what the terminal says.
tty_box() {
	python3 -c '
import array, os, socket, subprocess, sys
ours, theirs = socket.socketpair()
os.dup2(theirs.fileno(), 7)
child = subprocess.Popen(sys.argv[1:], pass_fds=[7], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
theirs.close(); os.close(7)
byte, control, _, _ = ours.recvmsg(1, 64)
assert byte == b"t", byte
master = array.array("i", control[0][2])[0]
text = b""
try:
    while chunk := os.read(master, 4096):
        text += chunk
except OSError:
    pass
sys.stdout.write(text.decode().replace("\r", ""))
sys.exit(child.wait())' "$@"
}

@test "a terminal of the container's own devpts" {
	expect 4 tty_box "$(command -v unshare-run)" --all --map "$MAP" --root root --defaults "$DEFAULTS" --tty fd:7 --stderr 2 \
		sh -c 'tty; stat -c "%t" /dev/console; tty <&2; echo x >/dev/tty; ! ls /proc/self/fd/7; exit 4'
	[[ $output == $'/dev/pts/0\n88\n/dev/pts/0\nx'* ]] || fail "$output"
}

@test "a terminal in a container that is joined; CVE-2025-52565: not if /dev/pts was replaced" {
	start_box one
	expect 0 tty_box "$(command -v unshare-run)" --join "$(tr ' ' : <one.pid)" --tty fd:7 tty
	[ "$output" = /dev/pts/0 ]
	expect 0 unshare-run --join "$(tr ' ' : <one.pid)" mount -t tmpfs evil /dev/pts
	expect 125 unshare-run --join "$(tr ' ' : <one.pid)" --tty fd:7 true 7</dev/null
	[[ $output == *"not a devpts"* ]]
}

@test "CVE-2026-88264: /dev/console as a link" {
	mkdir vol
	ln -s /etc/target vol/console
	mkdir vol/pts
	expect 125 unshare-run -m -p --root root --defaults mounts --bind vol /dev --bind /dev/pts /dev/pts --tty fd:7 true 7</dev/null
	[[ $output == *console* ]] || fail "$output"
	[ ! -e root/etc/target ]
}

@test "--seal: a copy that can be read from the start and not be written to" {
	printf hello >file
	run -1 bash -c 'unshare-run --uts --seal 5 sh -c "read -r line <&5; echo \$line; echo x >>/proc/self/fd/5" 5<file'
	[ "${lines[0]}" = hello ]
	[ "$(cat file)" = hello ]
	run -0 bash -c 'unshare-run --uts --seal 5 sh -c "wc -c <&5" 5</dev/null'
	[ "$output" = 0 ]
	expect 125 unshare-run --uts --seal 77 true
	expect 125 unshare-run --uts --seal 2 true
}
