#!/usr/bin/env bats
# Namespaces that a container has in common with another one, or with the host: --pid, --ipc, --uts,
# --cgroupns.
# shellcheck shell=bash

load helper
load container

# namespace CONTAINER KIND: the inode of one that its main process is in.
namespace() {
	readlink "/proc/$(field "$1" .State.Pid)/ns/$2"
}

# same_as_host CONTAINER KIND
same_as_host() {
	[ "$(namespace "$1" "$2")" = "$(readlink "/proc/self/ns/$2")" ]
}

@test "without these options each container has all of its own, and inspect says so" {
	skiff run -d --name "$C" busybox sleep 1000
	for kind in pid ipc uts cgroup; do ! same_as_host "$C" "$kind" || fail "$kind"; done
	[ "$(field "$C" '.HostConfig | [.PidMode, .IpcMode, .UTSMode, .CgroupnsMode] | join(",")')" = ,private,,private ]
	skiff rm -f "$C"
	expect 0 skiff run --rm --pid private --ipc private --cgroupns private busybox true
}

@test "--pid container:NAME: each sees the processes of the other, and none of the host" {
	skiff run -d --name "$C" busybox sleep 1234
	skiff run -d --name "$C-beside" --pid "container:$C" busybox sleep 2345
	[ "$(namespace "$C" pid)" = "$(namespace "$C-beside" pid)" ]
	[ "$(namespace "$C" user)" = "$(namespace "$C-beside" user)" ]
	[ "$(namespace "$C" net)" != "$(namespace "$C-beside" net)" ]
	[ "$(namespace "$C" mnt)" != "$(namespace "$C-beside" mnt)" ]
	skiff exec "$C" ps | grep 'sleep 2345'
	skiff exec "$C-beside" ps | grep 'sleep 1234'
	! skiff exec "$C-beside" ps | grep -e bats -e shim
	[ "$(field "$C-beside" .HostConfig.PidMode)" = "container:$(field "$C" .Id)" ]
	# It can be stopped and started alone,
	skiff stop -t 0 "$C-beside"
	! skiff exec "$C" ps | grep 'sleep 2345'
	skiff start "$C-beside"
	wait_until skiff exec "$C" sh -c 'ps | grep "[s]leep 2345"'
	# but not outlive the one whose processes it shares, nor start without it.
	skiff stop -t 0 "$C"
	[ "$(skiff wait "$C-beside")" = 137 ]
	expect 1 skiff start "$C-beside"
	[[ $output == *'is not running'* ]]
	# A start that fails leaves nothing, also where its commands are shown.
	expect 125 skiff -x run --rm --name "$C-shown" --pid "container:$C" busybox true
	[[ $output == *'is not running'* ]]
	expect 1 skiff inspect "$C-shown"
	skiff rm "$C-beside" "$C"
}

@test "--pid container: root there sees what sets up the container beside it, and cannot look into it" {
	skiff run -d --name "$C" --cap-add SYS_PTRACE busybox sleep 1000
	skiff create --name "$C-beside" --pid "container:$C" busybox sleep 1000
	# All but the last step: what sets it up waits, with files of the host open.
	skiff start --explain "$C-beside" | grep -v ^attach >begin
	sh -e begin 3>&- 4>&-
	cat >look <<-'END'
		for p in /proc/[0-9]*; do
			read -r name <$p/comm
			[ "$name" = "$1" ] || continue
			echo "seen"
			for what in exe root cwd; do ! readlink $p/$what || echo "looked into $what"; done
			! ls $p/fd/ || echo 'looked into fd'
			! cat $p/environ || echo 'looked into environ'
			! head -c 1 $p/mem || echo 'looked into mem'
		done
	END
	[ "$(skiff exec -i "$C" sh -s unshare-run <look 2>/dev/null)" = seen ]
	# It can with what is its own: this capability is good for something.
	skiff start "$C-beside"
	skiff exec -i "$C" sh -s sleep <look 2>/dev/null | grep -q 'looked into fd'
	skiff rm -f "$C-beside" "$C"
}

@test "--pid host: refused in a user namespace, and with --userns host all is seen" {
	expect 125 skiff run --rm --pid host busybox true
	[[ $output == *'--userns host'* ]]
	[ -z "$(skiff ps -aq)" ]
	skiff run -d --name "$C" --pid host --userns host busybox sleep 1000
	same_as_host "$C" pid
	skiff exec "$C" ls -d "/proc/$$"
	# What it cannot do all the same, without CAP_SYS_PTRACE: look into a process of the host.
	! skiff exec "$C" ls -l "/proc/$$/root/" || fail 'it can look into us'
	! skiff exec "$C" cat "/proc/$$/environ" || fail 'it can read our environment'
	skiff rm -f "$C"
}

@test "what such a container has started ends with it" {
	# The output is closed, too: nothing waits for the process that is left.
	run skiff run --rm --pid host --userns host busybox sh -c 'sleep 4321 & echo begun'
	[ "$output" = begun ]
	! pgrep -f '^sleep 4321$' || fail 'a process is left'
	skiff run -d --name "$C" busybox sleep 1000
	run skiff run --rm --pid "container:$C" busybox sh -c 'sleep 4321 & echo begun'
	[ "$output" = begun ]
	! skiff exec "$C" ps | grep 'sleep 4321'
	skiff rm -f "$C"
	# When the shim was killed, check does it.
	skiff run -d --name "$C" --pid host --userns host busybox sh -c 'sleep 4321 & exec sleep 1000'
	id=$(field "$C" .Id)
	read -r shim _ <"$SKIFF_RUN/$id/shim"
	kill -KILL "$shim" "$(field "$C" .State.Pid)"
	wait_until sh -c "! kill -0 $shim 2>/dev/null"
	skiff check
	! pgrep -f '^sleep 4321$' || fail 'a process is left'
	skiff rm "$C"
}

@test "--pid container: with --network container: of the same, and not of another" {
	skiff run -d --name "$C" busybox sleep 1000
	skiff run -d --name "$C-other" busybox sleep 1000
	skiff run -d --name "$C-beside" --pid "container:$C" --network "container:$C" busybox sleep 1000
	[ "$(namespace "$C" net)" = "$(namespace "$C-beside" net)" ]
	expect 125 skiff run --rm --pid "container:$C" --network "container:$C-other" busybox true
	[[ $output == *'different user namespaces'* ]]
	expect 125 skiff run --rm --pid container:nobody busybox true
	[[ $output == *'No such container: nobody'* ]]
	skiff run -d --name "$C-root" --userns host busybox sleep 1000
	expect 125 skiff run --rm --pid "container:$C-root" busybox true
	[[ $output == *'no user namespace'* ]]
	skiff rm -f "$C-beside" "$C-other" "$C-root" "$C"
}

@test "a range of IDs is nobody else's as long as one of those who share it is there" {
	skiff run -d --name "$C" --network none busybox sleep 1000
	skiff run -d --name "$C-beside" --network "container:$C" busybox sleep 1000
	skiff run -d --name "$C-third" --network "container:$C-beside" busybox sleep 1000
	map=$(cat "$SKIFF_ROOT/containers/$(field "$C" .Id)/idmap") rest=${map#*:}
	lease=$SKIFF_ROOT/idmaps/$(((${rest%:*} - 1073741824) / 65536))
	[ "$(cat "$lease")" = "$(field "$C" .Id)" ]
	skiff rm -f "$C"
	[ "$(cat "$lease")" = "$(field "$C-beside" .Id)" ] || [ "$(cat "$lease")" = "$(field "$C-third" .Id)" ]
	skiff rm -f "$C-beside"
	[ "$(cat "$lease")" = "$(field "$C-third" .Id)" ]
	expect 0 skiff check
	skiff rm -f "$C-third"
	[ ! -e "$lease" ]
}

@test "--ipc host: queues and shared memory of this machine" {
	queue=$(ipcmk -Q -p 600 | grep -o '[0-9]*$')
	file=/dev/shm/skiff-$$
	echo 'of the host' >"$file"
	skiff run -d --name "$C" --ipc host busybox sleep 1000
	same_as_host "$C" ipc
	skiff exec "$C" awk -v id="$queue" '$2 == id { found = 1 } END { exit !found }' /proc/sysvipc/msg
	[ "$(skiff exec "$C" cat "$file")" = 'of the host' ]
	[ "$(field "$C" .HostConfig.IpcMode)" = host ]
	[ "$(field "$C" '.Mounts | length')" = 0 ]
	ipcrm -q "$queue"
	rm "$file"
	skiff rm -f "$C"
	skiff run -d --name "$C" busybox sleep 1000
	! skiff exec "$C" ls "$file"
	skiff rm -f "$C"
	expect 125 skiff run --rm --ipc shareable busybox true
	expect 125 skiff run --rm --ipc container:x busybox true
	expect 125 skiff run --rm --ipc host --sysctl kernel.msgmax=1 busybox true
	[[ $output == *'not ours alone'* ]]
}

@test "--uts host: the host's name, and no way to change it" {
	expect 0 skiff run --rm --uts host busybox sh -c 'uname -n; cat /etc/hostname; echo other 2>/dev/null >/proc/sys/kernel/hostname || echo refused'
	name=$(cat /proc/sys/kernel/hostname)
	[ "$output" = "$name
$name
refused" ] || fail "$output"
	[ "$(cat /proc/sys/kernel/hostname)" = "$name" ]
	expect 125 skiff run --rm --uts host --hostname x busybox true
	[[ $output == *'conflicting options: hostname and the UTS mode'* ]]
	expect 125 skiff run --rm --uts container:x busybox true
}

@test "--cgroupns host: the names of its control groups as the host has them, still read-only" {
	skiff run -d --name "$C" --cgroupns host busybox sleep 1000
	same_as_host "$C" cgroup
	skiff exec "$C" cat /proc/1/cgroup | grep "/$(field "$C" .Id)"
	! skiff exec "$C" sh -c 'mkdir /sys/fs/cgroup/x || mkdir /sys/fs/cgroup/*/x'
	skiff rm -f "$C"
	! skiff run --rm busybox cat /proc/1/cgroup | grep "$GROUP"
}

@test "an OCI runtime is not told of them" {
	for option in --pid=host --ipc=host --uts=host --cgroupns=host; do
		expect 125 skiff run --rm --userns host --runtime runc "$option" busybox true
		[[ $output == *'not with --pid'* ]]
	done
}
