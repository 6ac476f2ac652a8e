# A whole container where there is nothing but cgroup v2: make test-v2 runs this file in a
# virtual machine with Debian's own kernel. Elsewhere it is skipped, unless the
# machine happens to be like that.

load helper

setup_file() {
	[ "$(stat -f -c %T /sys/fs/cgroup)" = cgroup2fs ] || return 0
	skiff_setup_file
}

setup() {
	in_time
	[ "$(stat -f -c %T /sys/fs/cgroup)" = cgroup2fs ] || skip "not a pure cgroup v2 machine"
}

teardown_file() {
	[ "$(stat -f -c %T /sys/fs/cgroup)" = cgroup2fs ] || return 0
	skiff_teardown_file
}

@test "a container runs in its own group, with its own user namespace, and goes without a trace" {
	expect 7 skiff run --rm busybox sh -c 'cat /proc/self/cgroup /proc/self/uid_map; exit 7'
	[[ $output == *'0::/'* ]] || fail "$output"
	[[ $output != *'0          0 4294967295'* ]] || fail "$output"
	[ -z "$(skiff ps -aq)" ] || fail "left: $(skiff ps -a)"
}

@test "inside, the groups are read-only" {
	expect 0 skiff run --rm busybox sh -c 'grep cgroup /proc/mounts; ! mkdir /sys/fs/cgroup/x'
	[[ $output == *'cgroup2 ro,nosuid,nodev,noexec'* ]] || fail "$output"
}

@test "a container of 64 MB that takes 200 MB is killed by the kernel, and inspect says so" {
	skiff run --name hog -m 64m --memory-swap 64m busybox sh -c 'head -c 200m /dev/zero | tail -c 200m >/dev/null; echo $?' || :
	[ "$(skiff inspect hog | jq '.[0].State.OOMKilled')" = true ] || fail "$(skiff inspect hog)"
	skiff rm hog
}

@test "limits are in the files of the group" {
	skiff run -d --name limited -m 64m --cpus 0.5 --pids-limit 50 busybox sleep 100
	id=$(cat "$SKIFF_ROOT/names/limited/id")
	[ "$(cat "/sys/fs/cgroup/$GROUP/$id/memory.max")" = 67108864 ]
	[ "$(cat "/sys/fs/cgroup/$GROUP/$id/cpu.max")" = '50000 100000' ]
	[ "$(cat "/sys/fs/cgroup/$GROUP/$id/pids.max")" = 50 ]
}

@test "exec joins the group; stop ends it and the group is gone" {
	id=$(cat "$SKIFF_ROOT/names/limited/id")
	expect 0 skiff exec limited sh -c 'cat /proc/self/cgroup; ps'
	[[ $output == *'0::/'* ]] || fail "$output"
	expect 0 skiff stop -t 0 limited
	[ ! -e "/sys/fs/cgroup/$GROUP/$id" ]
	expect 0 skiff wait limited
	[ "$output" = 137 ] || fail "$output"
	skiff rm limited
}

@test "a device that was not given is refused" {
	expect 1 skiff run --rm --userns=host busybox sh -c 'mknod /tmp/mem c 1 1 && cat /tmp/mem'
	[[ $output == *'Operation not permitted'* ]] || fail "$output"
}

@test "doctor: where the group of a container has processes, it says what to do, and that helps" {
	cd "$BATS_TEST_TMPDIR"
	mkdir /sys/fs/cgroup/outer
	echo '+pids' >/sys/fs/cgroup/cgroup.subtree_control
	cat >script <<-'END'
		umount -R /sys/fs/cgroup
		mount -t cgroup2 cgroup2 /sys/fs/cgroup
		skiff doctor --format '{{.Check}}|{{.Status}}|{{.Remedy}}' | grep '^control groups: pids|missing' | tee said
		! cgset run --pids 5 one true 2>/dev/null || echo 'it could already'
		sed 's/.*|missing|//; s/; or run this.*//' said | sh -eu
		cgset run --pids 5 one true && echo 'now it can'
		cgset remove one
	END
	LIMIT=600 expect 0 sh -c 'echo $$ >/sys/fs/cgroup/outer/cgroup.procs; exec unshare -m -C sh script'
	[[ $output == *'|missing|mkdir /sys/fs/cgroup/all'* ]] || fail "$output"
	[[ $output != *'it could already'* && $output == *'now it can' ]] || fail "$output"
	rmdir /sys/fs/cgroup/outer/all /sys/fs/cgroup/outer
}
