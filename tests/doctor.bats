#!/usr/bin/env bats
# skiff doctor: what it says of a machine is so, and the condition is made for real each time.
# shellcheck shell=bash disable=SC2016

load helper
load container

teardown() {
	local left
	left=$(find "$BATS_FILE_TMPDIR" -name '.skiff-doctor.*' -prune -print)
	[ -z "$left" ] || fail "left behind: $left" || return
	left=$(find /sys/fs/cgroup -mindepth 1 -maxdepth 3 -name 'skiff-doctor-*')
	for group in $left; do # of others that run at this moment
		[ -d "/proc/${group##*-}" ] || fail "left behind: $group" || return
	done
}

# doctor STATUS COMMAND...: run it, which is to print rows; the table into $output.
doctor() {
	local want=$1
	shift
	expect "$want" "$@"
	[[ $output == *STATUS*CHECK*RESULT* ]] || fail "no table: $output"
}

# says STATUS CHECK TEXT: there is such a row. says_not STATUS CHECK: there is none.
says() {
	grep -E "^$1 +$2 .*" <<<"$output" | grep -qF -- "$3" || fail "no '$1 $2 ... $3' in: $output"
}

says_not() {
	! grep -qE "^$1 +$2 " <<<"$output" || fail "'$1 $2' in: $output"
}

# elsewhere SCRIPT: in a mount and a network namespace of its own.
elsewhere() {
	unshare -m -n sh -euc "$1" elsewhere "${@:2}"
}

@test "this machine, where containers run: 0, nothing missing" {
	expect 0 skiff run --rm busybox true
	doctor 0 skiff doctor
	says_not missing '[a-zA-Z]+.*'
	for check in machine kernel jq flock ip nft root namespaces 'user namespaces' seccomp 'control groups' store overlayfs \
		'idmapped mounts' container 'joining a container' network; do
		says ok "$check" ''
	done
	[[ $output == *"$(uname -r)"* && $output == *"$SKIFF_ROOT"* ]]
	expect 0 skiff doctor --help
	expect 125 skiff doctor --nonsense
	expect 1 skiff doctor operand
}

@test "rows: json, a template, only what is not well" {
	expect 0 skiff doctor --format json
	[ "$(jq -rs 'map(select(.Check == "container")) | .[0] | [.Status, .Consequence, .Remedy] | @csv' <<<"$output")" = '"ok","",""' ]
	[ "$(jq -r .Status <<<"$output" | sort -u | grep -cvx 'ok\|warning')" -eq 0 ]
	expect 0 skiff doctor -q --format '{{.Check}}={{.Status}}'
	[ -z "$output" ] || ! grep -v '=warning$' <<<"$output" || fail "$output"
	# each that is not well says what follows and what to do
	expect 0 unshare -m sh -c 'mount -t tmpfs -o size=2m,nr_inodes=99 tmpfs /mnt; SKIFF_ROOT=/mnt/store skiff doctor -q --format json'
	[ "$(jq -s 'map(select(.Consequence == "" or .Remedy == "")) | length' <<<"$output")" -eq 0 ] || fail "$output"
	[ "$(jq -s 'map(select(.Check == "inodes in the store")) | length' <<<"$output")" -eq 1 ] || fail "$output"
}

@test "the store on tmpfs; too few inodes; not enough room" {
	doctor 0 unshare -m sh -c 'mount -t tmpfs -o size=64m,nr_inodes=5000 tmpfs /mnt; SKIFF_ROOT=/mnt/a/store skiff doctor; ls -A /mnt'
	says warning store 'on tmpfs'
	says warning 'room in the store' '64 MB free'
	says warning 'inodes in the store' '49'
	says ok overlayfs ''
	says ok container ''
	[[ $output != *.skiff-doctor* ]] # and no store was made
}

@test "a full disk" {
	doctor 1 unshare -m sh -c 'mount -t tmpfs -o size=1m tmpfs /mnt; mkdir /mnt/store
		dd if=/dev/zero of=/mnt/fill bs=4k 2>/dev/null; SKIFF_ROOT=/mnt/store skiff doctor'
	says missing 'writing to the store' 'No space left on device'
	says_not '[a-z]+' overlayfs
}

@test "a read-only place for the store" {
	doctor 1 unshare -m sh -c 'mount -t tmpfs -o ro tmpfs /mnt; SKIFF_ROOT=/mnt/store skiff doctor'
	says missing 'writing to the store' 'Read-only file system'
}

@test "the store on an overlay: no container runs, and what is to be done is right" {
	mkdir lower upper work merged
	cat >script <<-'END'
		mount -t overlay overlay -o lowerdir=lower,upperdir=upper,workdir=work merged
		export SKIFF_ROOT=$PWD/merged/store
		skiff doctor && echo status 0 || echo status 1
		tar -C /bin -c busybox | skiff import - busybox >/dev/null
		skiff run --rm --network none busybox /busybox true && echo ran || echo did not run
		mount -t tmpfs tmpfs "$SKIFF_ROOT"
		skiff doctor -q --format '{{.Check}} {{.Status}}'
		tar -C /bin -c busybox | skiff import - busybox >/dev/null
		skiff run --rm --network none busybox /busybox true && echo ran now
	END
	export SKIFF_RUN=$BATS_TEST_TMPDIR/run
	doctor 0 unshare -m sh script
	says missing overlayfs "mount -t tmpfs tmpfs $PWD/merged/store"
	says missing container ''
	[[ $output == *$'status 1\n'*'did not run'*'store warning'*'ran now' ]] || fail "$output"
	[[ ${output##*did not run} != *missing* ]]
}

@test "limits of user namespaces" {
	# In a user namespace that has all IDs, whose limits are its own.
	cat >script <<-'END'
		echo 0 >/proc/sys/user/max_user_namespaces
		skiff doctor --format '{{.Status}} {{.Check}}: {{.Result}} {{.Consequence}} {{.Remedy}}'
		echo 12 >/proc/sys/user/max_user_namespaces
		unshare-run --user true && echo 'one was made'
		skiff doctor --format '{{.Status}} {{.Check}}: {{.Result}} {{.Remedy}}' | grep 'number of namespaces'
	END
	expect 0 unshare-run --user --map 0:0:4294967295 --mount sh script
	grep -q '^warning user namespaces: .*--userns=host only.*sysctl -w user.max_user_namespaces=10000$' <<<"$output" || fail "$output"
	[[ $output == *'one was made'* ]]
	grep -q '^warning number of namespaces: user.max_user_namespaces=12 sysctl' <<<"$output" || fail "$output"
}

@test "a user namespace without the IDs" {
	expect 1 unshare-run --user --map 0:0:1 --mount skiff doctor --format '{{.Status}} {{.Check}}: {{.Remedy}}'
	grep -q '^warning user namespaces: start skiff outside this user namespace' <<<"$output" || fail "$output"
}

@test "where its programs lie in a directory that is root's alone" {
	mkdir -m 700 alone
	doctor 0 unshare -m sh -c 'mkdir alone/tree; mount --bind "$1" alone/tree; mount --bind "$2" alone/tree/bin; alone/tree/bin/skiff doctor' \
		sh "$REPO" "${SKIFF_BIN:-$REPO/bin}"
	says ok 'user namespaces' ''
}

@test "a chroot" {
	doctor 1 unshare -m sh -c 'for directory in bin dev etc lib lib64 proc sys tmp usr "${1#/}"; do
			[ ! -d "/$directory" ] || { mkdir -p "tree/$directory"; mount --rbind "/$directory" "tree/$directory"; }
		done; SKIFF_ROOT=/store chroot tree "$1/bin/skiff" doctor' sh "$REPO"
	says missing 'root directory' 'a chroot'
}

@test "sysctls that bar ordinary users" {
	# Ubuntu's is not on every kernel; the value is put where it would be.
	mkdir kernel
	echo 1 >kernel/apparmor_restrict_unprivileged_userns
	doctor 0 unshare -m sh -c 'mount --bind kernel /proc/sys/kernel; skiff doctor'
	says warning 'user namespaces of users' 'sysctl -w kernel.apparmor_restrict_unprivileged_userns=0'
}

@test "programs that are not there, or do not run" {
	printf '#!/bin/sh\necho it is broken >&2\nexit 1\n' >broken
	chmod +x broken
	# (Not by PATH: skiff looks in /usr/sbin and /sbin, too.)
	doctor 0 unshare -m sh -c 'for name in nft dnsmasq; do mount --bind /dev/null "$(command -v $name)"; done
		mount --bind broken "$(command -v conntrack)"; skiff doctor'
	says warning nft 'apt-get install nftables'
	says_not '[a-z]+' network
	says warning dnsmasq 'do not find each other by name'
	says warning conntrack 'does not run: it is broken'
	says ok container ''
	doctor 1 unshare -m sh -c 'for name in jq layerfs; do mount --bind /dev/null "$(command -v $name)"; done; skiff doctor'
	says missing jq 'apt-get install jq'
	says missing 'tools of skiff' ' layerfs'
}

@test "rights that are missing" {
	doctor 1 setpriv --bounding-set=-sys_admin --inh-caps=-all skiff doctor
	says missing root 'without the capabilities SYS_ADMIN'
	says missing container ''
	doctor 0 setpriv --bounding-set=-net_admin --inh-caps=-all skiff doctor
	says warning network 'without the capability NET_ADMIN'
	says ok container ''
	doctor 0 setpriv --bounding-set=-sys_ptrace --inh-caps=-all skiff doctor
	says ok container ''
	says warning 'joining a container' SYS_PTRACE
	expect 125 unshare -n -m setpriv --bounding-set=-sys_ptrace --inh-caps=-all skiff run --rm --network bridge busybox true
	expect 0 unshare -n -m setpriv --bounding-set=-sys_ptrace --inh-caps=-all skiff run --rm --network none busybox true
	expect 0 unshare -n -m skiff run --rm --network bridge busybox true
	doctor 0 setpriv --bounding-set=-sys_resource --inh-caps=-all skiff doctor
	says warning 'right to raise limits' SYS_RESOURCE
	cp -r "$REPO/bin" "$REPO/src" . # where nobody may read it
	chmod 755 . .. "$BATS_RUN_TMPDIR" "$BATS_FILE_TMPDIR" "$BATS_FILE_TMPDIR"/.. 2>/dev/null || true
	doctor 1 setpriv --reuid=65534 --regid=65534 --clear-groups "$PWD/bin/skiff" doctor
	says missing root 'sudo skiff doctor'
	says_not '[a-z]+' store
}

@test "descriptors: a hard limit of 1024 leaves none for ports" {
	doctor 0 sh -c 'ulimit -n 1024; skiff doctor'
	says warning descriptors 'cannot be published'
	expect 125 sh -c 'ulimit -n 1024; reserve --port "any 0 80/tcp" true'
	doctor 0 sh -c 'ulimit -n 4096; skiff doctor'
	says ok descriptors 4096
}

@test "control groups: read-only, and none" {
	doctor 1 unshare -m sh -c 'for at in $(grep -o " /sys/fs/cgroup[^ ]*" /proc/self/mountinfo); do
		mount -o remount,bind,ro "$at"; done; skiff doctor'
	says missing 'control groups' 'Read-only file system'
	doctor 1 unshare -m sh -c 'umount -R /sys/fs/cgroup; skiff doctor'
	says missing 'control groups' 'no control group file system'
}

@test "firewalls of others: named, and the remedy mends it" {
	elsewhere 'nft add table ip filter
		nft add chain ip filter FORWARD "{ type filter hook forward priority 0; policy drop; }"
		skiff doctor --format "{{.Check}}|{{.Status}}|{{.Result}}|{{.Remedy}}" | grep "^firewalls.*|chain" >before
		sed "s/.*|nft //; s/^.//; s/.$//" before | nft -f -
		skiff doctor --format "{{.Check}}|{{.Status}}" | grep ^firewalls >after'
	[[ $(cat before) == 'firewalls of others|warning|chain FORWARD of table ip filter|nft '* ]] || fail "$(cat before)"
	[ "$(cat after)" = 'firewalls of others|ok' ] || fail "$(cat after)"
}

@test "forwarding that is off, and cannot be turned on" {
	doctor 0 elsewhere 'echo 0 >/proc/sys/net/ipv4/ip_forward; skiff doctor'
	says ok forwarding off
	doctor 0 elsewhere 'echo 0 >/proc/sys/net/ipv4/ip_forward; mount --bind -o ro /proc/sys /proc/sys; skiff doctor'
	says warning forwarding 'net.ipv4.ip_forward=1'
}

@test "WSL: the second is a Linux, the first is none" {
	echo 'Linux version 5.15.167.4-microsoft-standard-WSL2 (root@f9c826d3017f)' >two
	echo 'Linux version 4.4.0-19041-Microsoft (Microsoft@Microsoft.com)' >one
	doctor 0 unshare -m sh -c 'mount --bind two /proc/version; skiff doctor'
	says ok machine WSL2
	doctor 1 unshare -m sh -c 'mount --bind one /proc/version; skiff doctor'
	says missing machine 'wsl --set-version'
}

@test "inside a container: what it lacks; with all rights, it can" {
	mkdir -p tree/{usr,etc,proc,sys,dev,tmp,var/lib,run,work}
	for name in bin sbin lib lib64; do [ ! -L /$name ] || ln -s "usr/$name" "tree/$name"; done
	tar -C tree -c . | skiff import - debian >/dev/null
	inside() {
		skiff run --rm -v /usr:/usr:ro -v /etc/alternatives:/etc/alternatives:ro -v "$REPO:/work:ro" -v "$PWD/store:/store" \
			-e SKIFF_ROOT=/store/skiff -e SKIFF_RUN=/run/skiff -e PATH=/usr/sbin:/usr/bin "$@"
	}
	doctor 1 inside debian /work/bin/skiff doctor
	says ok machine 'inside a container'
	says missing root SYS_ADMIN
	says missing namespaces 'run this container with --privileged'
	says missing 'control groups' ''
	says missing overlayfs 'run this container with --privileged'
	says missing container ''
	# With cgroup v2 its processes are in the root of its groups: see what doctor says of that in v2.bats.
	doctor 0 inside --privileged --userns host debian sh -euc 'if [ -e /sys/fs/cgroup/cgroup.controllers ]; then
		mkdir /sys/fs/cgroup/all
		while read -r process; do echo "$process" >/sys/fs/cgroup/all/cgroup.procs; done </sys/fs/cgroup/cgroup.procs
	fi; /work/bin/skiff doctor'
	says_not missing '[a-zA-Z]+.*'
	says ok container ''
}

@test "a /proc that is covered in part: no container has a user namespace" {
	doctor 0 unshare -m sh -c 'mount -t tmpfs -o ro tmpfs /proc/acpi 2>/dev/null || mount -t tmpfs -o ro tmpfs /proc/scsi 2>/dev/null ||
		mount --bind /dev/null /proc/keys; skiff doctor'
	says warning container 'none with its own user namespace'
	[[ $output == *systempaths=unconfined* || $output == *'unmount what is mounted over'* ]]
}

@test "killed, it leaves a directory that the next one takes away" {
	sleep 1000 3>&- &
	gone=$!
	kill "$gone"
	wait "$gone" 2>/dev/null || true
	mkdir "$SKIFF_ROOT/.skiff-doctor.$gone" "$SKIFF_ROOT/.skiff-doctor.$$"
	doctor 0 skiff doctor
	[ ! -e "$SKIFF_ROOT/.skiff-doctor.$gone" ]
	rmdir "$SKIFF_ROOT/.skiff-doctor.$$"
}
