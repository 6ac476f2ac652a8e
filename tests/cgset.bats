# shellcheck shell=bash
# cgset on the kernel's own control groups: v1 and hybrid, and with "make test-v2" pure v2.
bats_require_minimum_version 1.5.0
load helper

setup() {
	in_time
	T=$BATS_TEST_TMPDIR
	G=cgset-test-$$-$BATS_TEST_NUMBER
	jobs=()
	# Pure v2 has the controllers where v1 would have hierarchies.
	if [ -e /sys/fs/cgroup/cgroup.controllers ]; then v2=1; else v2=; fi
}

teardown() {
	cgset kill "$G" 2>/dev/null || :
	cgset remove "$G"
	[ -z "$loop" ] || losetup -d "$loop"
}

# background GROUP COMMAND...: COMMAND (sh or sleep) in a group, once it runs; its number is in $pid.
background() {
	cgset run "$@" 3>&- &
	pid=$!
	jobs+=("$pid")
	running() { grep -Eqsx 'sh|dash|sleep' "/proc/$pid/comm" || ! kill -0 "$pid"; }
	wait_until running
}

# ended PID STATUS: the job ended with this status.
ended() {
	local status=0
	wait "$1" || status=$?
	[ "$status" -eq "$2" ] || fail "job ended with $status, expected $2"
}

# figure NAME [GROUP]: its value.
figure() {
	cgset stat "${2:-$G}" "$1" | cut -d' ' -f2
}

# file CONTROLLER NAME: the content of a control file of the group.
file() {
	if [ "$v2" ]; then cat "/sys/fs/cgroup/$G/$2"; else cat "/sys/fs/cgroup/$1/$G/$2"; fi
}

# absent [GROUP]: the group has no directory anywhere.
absent() {
	local found
	found=$(find /sys/fs/cgroup -type d -path "*/${1:-$G}" 2>/dev/null || true) # others come and go
	[ -z "$found" ] || fail "still there: $found"
}

says() {
	[[ $output == *"$1"* ]] || fail "expected '$1' in: $output"
}

# ---- command line ----

@test "help goes to standard output, for each verb" {
	expect 0 cgset -h
	says "usage: cgset set"
	[ "${#lines[@]}" -le 40 ]
	expect 0 cgset run --help
	says "--memory-swap"
}

@test "wrong command lines are refused" {
	for line in "" "frob x" "set" "run x" "stat" "kill" "set --frob x" "set -m" "kill -m 8m x" \
		"set --fd 9 x" "run --fd 1 x true" "set x y" "-x"; do
		# shellcheck disable=SC2086
		expect 125 cgset $line
	done
	expect 125 cgset set --frob "$G"
	says "cgset: set: --frob: no such option"
}

@test "names that are no plain relative paths are refused" {
	for name in "" / /x x/ x//y . .. x/.. ../x x/../y "x y" $'x\ny' $'x\033[2J' 'x*' "x\\y" \
		"$(printf 'x%.0s' {1..256})" "$(printf 'x/%.0s' {1..2000})x"; do
		expect 125 cgset set "$name"
		[[ $output != *$'\033'* ]]
		expect 125 cgset remove "$name"
	done
	says "cgset: group name too long"
	expect 125 cgset set -- '-'$'\t'
	says "not the name of a group: '-\\x09'"
	# U+009B is ESC [ to terminals, as a byte or in UTF-8; other letters stay as they are.
	expect 125 cgset run $'\xc2\x9b31m\x9b\xc3\x9b' true
	says $'\xc2\\x9b31m\\x9b\xc3\x9b'
}

@test "the kernel's own files are no groups" {
	for name in cgroup.procs cgroup.procs/x; do
		expect 125 cgset set "$name"
		expect 125 cgset run "$name" true
	done
}

@test "values that are no numbers, sizes, lists or rules are refused before anything is made" {
	while read -r option value; do
		expect 125 cgset set "$option" "$value" "$G"
		says "$option"
		absent
	done <<-'LIST'
		--memory 1x
		--memory -1
		--memory 5m
		--memory 9223372036854775807
		--memory-swap 64m
		--memory-swap x
		--memory-reservation -5
		--cpus 0
		--cpus 0.001
		--cpus x
		--cpus 1e3
		--cpus 0x1
		--cpus 1.2.3
		--cpus nan
		--cpu-quota 999
		--cpu-period 999
		--cpu-period 1000001
		--cpu-shares 262145
		--cpuset-cpus a
		--cpuset-mems 0;1
		--pids -2
		--pids 1k
		--blkio-weight 9
		--blkio-weight 1001
		--device x
		--device c
		--device c 1:3
		--device c 1:3 rwx
		--device c 1:3 rr
		--device c 1:3 r w
		--device c 1 rwm
		--device c -1:3 rwm
		--device c 4294967296:3 rwm
		--device a 1:3 rwm
		--device-read-bps /dev/null:1m
		--device-read-bps /nonexistent:1m
		--device-write-bps 1m
		--device-write-iops /dev/null:x
	LIST
}

@test "limits that contradict each other are refused" {
	expect 125 cgset set -m 64m --memory-swap 63m "$G"
	says "--memory-swap: less than --memory"
	expect 125 cgset set -m 64m --memory-reservation 65m "$G"
	expect 125 cgset set --cpus 1 --cpu-quota 1000 "$G"
	absent
}

@test "more CPUs than there are: the error says how many there are" {
	expect 125 cgset set --cpus 100000 "$G"
	says "this machine has $(getconf _NPROCESSORS_ONLN) CPUs"
}

# ---- set, run, remove ----

@test "set makes a group, remove removes it, in every hierarchy" {
	cgset set "$G"
	cgset path "$G" | while read -r dir; do [ -d "$dir" ]; done
	cgset remove "$G"
	absent
}

@test "set on a group that is there keeps it; remove of what is not there is no error" {
	cgset set "$G"
	cgset set "$G"
	cgset remove "$G" "$G"
	cgset remove "$G"
}

@test "run puts the command into the group and passes its status on" {
	expect 0 cgset run "$G" cat /proc/self/cgroup
	says "/$G"
	expect 7 cgset run "$G" sh -c 'exit 7'
	run -127 cgset run "$G" "$T/nothing"
	expect 126 cgset run "$G" "$T"
	expect 143 cgset run "$G" sh -c 'kill $$'
}

@test "run joins every hierarchy that limits or freezes" {
	cgset run "$G" cat /proc/self/cgroup >"$T/cgroup"
	if [ "$v2" ]; then
		grep -q "^0::.*/$G\$" "$T/cgroup"
	else
		for c in memory cpu cpuacct pids freezer devices blkio cpuset; do
			grep -Eq ":([^:]*,)?$c(,[^:]*)?:/$G\$" "$T/cgroup" || fail "not in $c"
		done
	fi
}

@test "options of the command are the command's" {
	expect 0 cgset run "$G" echo -m 64m
	[ "$output" = "-m 64m" ]
}

@test "run --fd leaves the v2 group open and unjoined" {
	cgset path "$G" >/dev/null 2>&1 || cgset set "$G"
	expect 0 cgset run --fd 9 "$G" sh -c 'readlink /proc/self/fd/9; cat /proc/self/cgroup'
	[ "${lines[0]}" = "$(cgset path "$G" | tail -n 1)" ]
	[[ ${lines[-1]} == 0::* && ${lines[-1]} != *"$G" ]]
	[ "$v2" ] || says ":/$G"
}

@test "sub-groups are made with their parents and removed with them" {
	cgset run "$G/a/b/c" true
	cgset set "$G/a/d"
	cgset remove "$G"
	absent
}

@test "remove waits for processes that are about to end, and refuses if they do not" {
	background "$G" sleep 300
	expect 125 cgset remove "$G"
	says "has 1 processes"
	says "cgset kill $G"
	[ "$(cgset procs "$G")" = "$pid" ]
	(sleep 0.3; kill "$pid") 3>&- &
	cgset remove "$G"
	absent
}

@test "remove, procs and kill reach groups nested deeper than descriptors and paths go" {
	cgset set "$G"
	dir=$(cgset path "$G" | grep -E "/(freezer|cgroup)/$G")
	# shellcheck disable=SC2016
	python3 -c 'import os, sys
os.chdir(sys.argv[1])
for i in range(1100):
    os.mkdir("nested")
    os.chdir("nested")' "$dir"
	ulimit -Sn 256
	[ "$(cgset procs "$G")" = "" ]
	cgset kill "$G"
	cgset remove "$G"
	absent
}

@test "remove takes away what a killed set or remove left in some hierarchies" {
	for dir in $(cgset set "$G" && cgset path "$G"); do
		cgset set "$G"
		rmdir "$dir"
		cgset remove "$G"
		absent
	done
}

@test "a failed limit removes the group that was made for it, and no other" {
	expect 125 cgset set --pids 5 --cpuset-mems 1023 "$G/a/b"
	says "cpuset.mems: '1023'"
	absent
	cgset set "$G"
	expect 125 cgset run --cpuset-cpus 4000 "$G" true
	cgset path "$G"
}

@test "20 groups made, joined and removed at once" {
	for i in {1..20}; do
		cgset run --pids 50 "$G/$i" sh -c 'cat /proc/self/cgroup' >"$T/$i" 3>&- &
		jobs+=($!)
	done
	for i in {1..20}; do
		ended "${jobs[i - 1]}" 0
		grep -q "/$G/$i\$" "$T/$i"
	done
	for i in {1..20}; do cgset remove "$G/$i" 3>&- & done
	wait
	cgset remove "$G"
	absent
}

@test "making below a parent that others keep removing" {
	(while [ ! -e "$T/stop" ]; do cgset remove "$G" 2>/dev/null; done) 3>&- &
	for i in {1..10}; do
		cgset set "$G/a/$i" || fail "lost the race"
	done
	touch "$T/stop"
	wait
}

# ---- limits at work ----

@test "memory: a hog is killed, and counted" {
	# What it is told to keep, tail keeps in memory.
	hog='head -c 60M /dev/zero | tail -c 50M >/dev/null'
	cgset run "$G" sh -c "$hog"
	expect 137 cgset run -m 20m --memory-swap 20m "$G" sh -c "$hog"
	[ "$(figure oom_kill)" -ge 1 ]
	[ "$(figure memory.max)" -eq $((20 << 20)) ]
}

@test "memory: swap follows, up and down" {
	for size in 64 32 128; do
		cgset set -m ${size}m --memory-swap ${size}m "$G"
		[ "$(figure memory.max)" -eq $((size << 20)) ]
	done
	if [ "$v2" ]; then
		[ "$(file memory memory.swap.max)" -eq 0 ]
		cgset set -m 64m "$G"
		[ "$(file memory memory.swap.max)" -eq $((64 << 20)) ]
		cgset set -m 64m --memory-swap -1 "$G"
		[ "$(file memory memory.swap.max)" = max ]
	elif [ -e "/sys/fs/cgroup/memory/$G/memory.memsw.limit_in_bytes" ]; then
		[ "$(file memory memory.memsw.limit_in_bytes)" -eq $((128 << 20)) ]
		cgset set -m 64m "$G"
		[ "$(file memory memory.memsw.limit_in_bytes)" -eq $((128 << 20)) ]
		cgset set -m 64m --memory-swap -1 "$G"
		[ "$(file memory memory.memsw.limit_in_bytes)" -gt $((1 << 60)) ]
	fi
	cgset set --memory-reservation 16m "$G"
	[ "$(file memory "$([ "$v2" ] && echo memory.low || echo memory.soft_limit_in_bytes)")" -eq $((16 << 20)) ]
}

@test "cpu: a quota throttles" {
	cgset set --cpus 0.1 "$G"
	[ "$(figure cpu.nr_throttled)" -eq 0 ]
	background "$G" sh -c 'while :; do :; done'
	throttled() { [ "$(figure cpu.nr_throttled)" -gt 0 ] && [ "$(figure cpu.throttled_usec)" -gt 0 ]; }
	wait_until throttled
	[ "$(figure cpu.usage_usec)" -gt 0 ]
}

@test "cpu: quota, period and shares are what the kernel then has" {
	cgset set --cpu-period 50000 --cpu-quota 20000 "$G"
	if [ "$v2" ]; then
		[ "$(file cpu cpu.max)" = "20000 50000" ]
		cgset set --cpu-period 100000 "$G"
		[ "$(file cpu cpu.max)" = "20000 100000" ]
		cgset set --cpu-quota -1 "$G"
		[ "$(file cpu cpu.max)" = "max 100000" ]
		while read -r shares weight; do
			cgset set -c "$shares" "$G"
			[ "$(file cpu cpu.weight)" -eq "$weight" ] || fail "$shares: $(file cpu cpu.weight)"
		done <<-'LIST'
			1 1
			2 1
			512 59
			1024 100
			2048 174
			262144 10000
		LIST
	else
		[ "$(file cpu cpu.cfs_quota_us) $(file cpu cpu.cfs_period_us)" = "20000 50000" ]
		cgset set --cpu-quota -1 "$G"
		[ "$(file cpu cpu.cfs_quota_us)" -eq -1 ]
		cgset set -c 512 "$G"
		[ "$(file cpu cpu.shares)" -eq 512 ]
	fi
}

@test "cpuset: the command sees only these CPUs" {
	expect 0 cgset run --cpuset-cpus 0 --cpuset-mems 0 "$G" grep Cpus_allowed_list /proc/self/status
	says $'Cpus_allowed_list:\t0'
	expect 125 cgset set --cpuset-cpus 3-1 "$G"
	expect 125 cgset set --cpuset-mems 1023 "$G"
	says "cpuset.mems: '1023'"
}

@test "pids: a fork bomb stops at the limit" {
	run cgset run --pids 5 "$G" sh -c 'for i in 1 2 3 4 5 6 7 8; do sleep 300 >/dev/null 2>&1 & done' 3>&-
	[ "$status" -ne 0 ]
	[ "$(figure pids.max)" -eq 5 ]
	[ "$(figure pids.current)" -le 5 ]
	[ "$(figure procs)" -ge 3 ]
	cgset set --pids -1 "$G"
	[ "$(figure pids.max)" = max ]
}

# try DEVICE: open it for reading in the group.
try() {
	cgset run "$G" dd if="$1" of="$T/out" count=0 status=none 2>&1
}

@test "devices: only what is allowed can be opened" {
	mknod "$T/null" c 1 3
	mknod "$T/zero" c 1 5
	cgset set "$G"
	try "$T/zero"
	cgset set --device 'c 1:3 rwm' "$G"
	try "$T/null"
	run try "$T/zero"
	says "Operation not permitted"
	expect 1 cgset run "$G" mknod "$T/full" c 1 7
	says "Operation not permitted"
}

@test "devices: a new set of rules replaces the old one" {
	cgset set --device 'c 1:3 rwm' "$G"
	cgset set --device 'c 1:5 rwm' "$G"
	try /dev/zero
	run ! try /dev/null
	cgset set --device a "$G"
	try /dev/null
}

@test "devices: reading, writing and making are told apart" {
	cgset set --device 'c 1:5 r' --device 'c 1:* m' "$G"
	try /dev/zero
	expect 1 cgset run "$G" dd if="$T/nothing" of=/dev/zero
	expect 1 cgset run "$G" tee -a /dev/zero
	says "Operation not permitted"
	cgset run "$G" mknod "$T/full" c 1 7
	expect 1 cgset run "$G" mknod "$T/loop" b 1 7
}

@test "devices: the default list" {
	cgset run --device default "$G" sh -c 'head -c 1 /dev/zero /dev/urandom && : >/dev/null' >"$T/out"
	cgset run "$G" mknod "$T/any" c 240 1
	cgset run "$G" mknod "$T/disk" b 8 0
	mknod "$T/mem" c 1 1
	for device in mem disk; do
		run try "$T/$device"
		says "Operation not permitted"
	done
}

@test "devices: sub-groups are bound too" {
	cgset set --device 'c 1:3 rwm' "$G"
	expect 1 cgset run "$G/sub" head -c 1 /dev/zero
	says "Operation not permitted"
}

@test "io: rates of a block device, and figures" {
	truncate -s 4M "$T/disk"
	loop=$(losetup --direct-io=on -f --show "$T/disk" 2>&1) || { loop=; skip "no loop device: $loop"; }
	cgset set --device-read-bps "$loop:1m" --device-write-iops "$loop:100" "$G"
	number=$(lsblk -dno MAJ:MIN "$loop" | tr -d ' ')
	if [ "$v2" ]; then
		[ "$(file io io.max)" = "$number rbps=1048576 wbps=max riops=max wiops=100" ]
	else
		[ "$(file blkio blkio.throttle.read_bps_device)" = "$number 1048576" ]
		[ "$(file blkio blkio.throttle.write_iops_device)" = "$number 100" ]
	fi
	cgset run "$G" dd if="$loop" of="$T/out" bs=64k count=2 iflag=direct status=none
	[ "$(figure io.rbytes)" -ge 131072 ]
	[ "$(figure io.rios)" -ge 2 ]
	cgset set --device-read-bps "$loop:0" --device-write-iops "$loop:0" "$G"
	[ -z "$(file io "$([ "$v2" ] && echo io.max)" 2>/dev/null)" ]
}

@test "io: a weight is set where the kernel has one, and else a warning" {
	expect 0 cgset set --blkio-weight 200 "$G"
	weights=$(cat /sys/fs/cgroup{,/blkio}/"$G"/{io.bfq.weight,io.weight,blkio.bfq.weight} 2>/dev/null || :)
	if [ "$weights" ]; then
		[[ $weights =~ (200|1920) ]]
	else
		says "no I/O weight"
	fi
}

# ---- figures ----

@test "stat: one name and value a line, the same names everywhere" {
	cgset run -m 64m --pids 9 "$G" true
	expect 0 cgset stat "$G"
	for name in memory.current memory.peak memory.max memory.swap.current oom_kill cpu.usage_usec \
		cpu.user_usec cpu.system_usec cpu.nr_throttled pids.current pids.max io.rbytes io.wbytes \
		procs populated frozen; do
		grep -Eq "^$name ([0-9]+|max)\$" <<<"$output" || fail "no $name"
	done
	run ! grep -Ev '^[a-z_.]+ ([0-9]+|max)$' <<<"$output"
	expect 0 cgset stat "$G" pids.max memory.max
	[ "$output" = $'pids.max 9\nmemory.max 67108864' ]
	expect 0 cgset stat "$G" populated
	[ "$output" = "populated 0" ]
}

@test "stat: what is unlimited is max" {
	cgset set "$G"
	[ "$(figure memory.max)" = max ]
	[ "$(figure pids.max)" = max ]
}

@test "stat, procs, path, freeze, thaw, kill: errors" {
	for verb in stat procs path freeze thaw kill; do
		expect 125 cgset $verb "$G"
		says "cgset: no such group: $G"
	done
	cgset set "$G"
	expect 125 cgset stat "$G" memory.max frob
	[ "${lines[0]}" = "memory.max max" ] || [ "${lines[1]}" = "memory.max max" ]
	says "cgset: no such figure: frob"
}

@test "a full disk is not success" {
	cgset set "$G"
	# shellcheck disable=SC2016
	expect 125 sh -c 'cgset stat "$1" >/dev/full' sh "$G"
	says "cgset: standard output: No space left on device"
}

@test "procs: those of the group and its sub-groups" {
	background "$G/a" sleep 300
	background "$G/a/b" sleep 300
	[ "$(cgset procs "$G" | sort)" = "$(printf '%s\n' "${jobs[@]}" | sort)" ]
	[ "$(cgset procs "$G/a/b")" = "$pid" ]
	[ "$(figure procs)" -eq 2 ]
	[ "$(figure populated)" -eq 1 ]
}

# ---- freeze, thaw, kill ----

@test "freeze stops, thaw goes on" {
	# shellcheck disable=SC2016
	background "$G/sub" sh -c 'while :; do echo tick >>"$1"; done' sh "$T/ticks"
	wait_until test -s "$T/ticks"
	cgset freeze "$G"
	[ "$(figure frozen)" -eq 1 ]
	[ "$(figure frozen "$G/sub")" -eq 1 ]
	before=$(stat -c %s "$T/ticks")
	sleep 0.3
	[ "$before" = "$(stat -c %s "$T/ticks")" ]
	cgset thaw "$G"
	[ "$(figure frozen)" -eq 0 ]
	moved() { [ "$(stat -c %s "$T/ticks")" -gt "$before" ]; }
	wait_until moved
}

@test "kill ends the whole tree, frozen or not, and whoever ignores signals" {
	background "$G/a" sh -c 'trap "" TERM INT HUP; while :; do sleep 300; done'
	background "$G/a/b" sleep 300
	background "$G/c" sleep 300
	cgset freeze "$G/a/b"
	cgset kill "$G"
	[ -z "$(cgset procs "$G")" ]
	for pid in "${jobs[@]}"; do ended "$pid" 137; done
	cgset remove "$G"
	absent
}

@test "kill ends a group that is frozen as a whole, and one that is empty" {
	background "$G" sleep 300
	cgset freeze "$G"
	cgset kill "$G"
	ended "$pid" 137
	[ "$(figure frozen)" -eq 0 ]
	cgset kill "$G"
}

@test "kill ends a fork bomb" {
	# shellcheck disable=SC2016
	cgset set --pids 40 "$G"
	background "$G" sh -c 'while :; do sh -c "sleep 300 & sleep 300 &" 2>/dev/null; done'
	many() { [ "$(figure pids.current)" -ge 20 ]; }
	wait_until many
	cgset kill "$G"
	[ -z "$(cgset procs "$G")" ]
}

@test "several groups: one that fails does not stop the others" {
	background "$G/a" sleep 300
	expect 125 cgset kill "$G/nothing" "$G/a"
	ended "$pid" 137
}

# ---- strange hosts ----

@test "someone who is not root is told so" {
	expect 125 setpriv --reuid 65534 --clear-groups "$(command -v cgset)" set "$G"
	says "only root"
	absent
}

@test "a read-only hierarchy is told of" {
	cgset set "$G"
	root=$(cgset path "$G" | head -n 1)
	# shellcheck disable=SC2016
	expect 125 unshare -m sh -c 'mount -o remount,bind,ro "$1" && cgset set "$2"' sh \
		"${root%/"$G"}" "$G/sub"
	says "read-only here"
}

@test "no control groups at all" {
	expect 125 unshare -m sh -c 'umount -l -R /sys/fs/cgroup && cgset set x'
	says "no control group file system is mounted"
}

@test "a hierarchy mounted elsewhere is found, blanks and all" {
	# shellcheck disable=SC2016
	expect 0 unshare -m sh -c 'umount -l -R /sys/fs/cgroup && mkdir "$1/a b" &&
		mount -t cgroup2 none "$1/a b" && cgset set "$2" && cgset path "$2" && cgset remove "$2"' \
		sh "$T" "$G"
	[ "$output" = "$T/a b/$G" ]
}

@test "a limit without its controller is an error" {
	[ -z "$v2" ] || skip "this host's v2 hierarchy has all controllers"
	# shellcheck disable=SC2016
	expect 125 unshare -m sh -c 'umount -l -R /sys/fs/cgroup && mkdir "$1/v2" &&
		mount -t cgroup2 none "$1/v2" && cgset set -m 64m "$2"' sh "$T" "$G"
	says "this host has no memory controller"
}

@test "v1 hierarchies of other controllers are left alone" {
	[ -z "$v2" ] || skip "a pure v2 host"
	# shellcheck disable=SC2016
	run unshare -m sh -c 'umount -l -R /sys/fs/cgroup && mkdir "$1/both" "$1/pids" &&
		mount -t cgroup -o pids none "$1/pids" || exit 1
		mount -t cgroup -o net_cls,perf_event none "$1/both" || exit 42
		cgset set --pids 5 "$2" && cgset path "$2" && cgset remove "$2"
		status=$?; umount "$1/both"; exit $status' sh "$T" "$G"
	[ "$status" -ne 42 ] || skip "net_cls or perf_event are in use"
	[ "$status" -eq 0 ]
	[ "$output" = "$T/pids/$G" ]
}

@test "v2: a group with processes cannot give controllers, and the error says what to do" {
	[ "$v2" ] || skip "v1 has no such rule"
	background "$G" sleep 300
	expect 125 cgset set -m 64m "$G/sub"
	says "cgroup.subtree_control: '+memory': Device or resource busy"
	says "has processes of its own"
	absent "$G/sub"
	expect 125 cgset set --pids 5 "$G/sub"
	# Without a limit it goes, and the group above does not become threaded.
	cgset run "$G/sub" true
	[ "$(cat "/sys/fs/cgroup/$G/cgroup.type")" = domain ]
}

@test "v2: a group with controllers below takes no process, and the error says so" {
	[ "$v2" ] || skip "v1 has no such rule"
	cgset set -m 64m "$G/sub"
	expect 125 cgset run "$G" true
	says "no internal processes"
}

@test "v2: in a namespace whose root has processes, nobody is moved" {
	[ "$v2" ] || skip "v1 has no such rule"
	# shellcheck disable=SC2016
	expect 125 cgset run "$G" unshare -Cm sh -c 'umount -l /sys/fs/cgroup &&
		mount -t cgroup2 none /sys/fs/cgroup && cgset set -m 64m lab; status=$?; cat /proc/self/cgroup; exit $status'
	says "/sys/fs/cgroup/cgroup.subtree_control: '+memory': Device or resource busy"
	says "0::/"
}

@test "v2: the plain shell lines of the manual do the same" {
	[ "$v2" ] || skip "they are for v2"
	# shellcheck disable=SC2016
	show='cat memory.max memory.swap.max pids.max; grep -c 0::.*/lab/one /proc/self/cgroup'
	cgset run -m 64m --pids 20 "$G/lab/one" sh -c "cd /sys/fs/cgroup/$G/lab/one && $show" >"$T/ours"
	cgset remove "$G"
	cgset set "$G"
	sh -e -c 'cd "/sys/fs/cgroup/$1"
		mkdir -p lab/one
		echo +memory +pids >cgroup.subtree_control
		echo +memory +pids >lab/cgroup.subtree_control
		echo 64M >lab/one/memory.max
		echo 64M >lab/one/memory.swap.max
		echo 20 >lab/one/pids.max
		echo $$ >lab/one/cgroup.procs
		cd lab/one && exec sh -c "$2"' sh "$G" "$show" >"$T/plain"
	diff "$T/ours" "$T/plain"
	background "$G/lab/one" sleep 300
	(cd "/sys/fs/cgroup/$G" && echo 1 >lab/one/cgroup.freeze && echo 1 >lab/one/cgroup.kill)
	ended "$pid" 137
	rmdir "/sys/fs/cgroup/$G/lab/one"
}

@test "check finds fault with limits and does nothing" {
	expect 0 cgset check -m 64m --memory-swap 128m --cpus 0.5 --pids 7
	[ -z "$output" ]
	expect 125 cgset check -m 1k
	expect 125 cgset check --memory-swap 1m -m 64m
	expect 125 cgset check -m 64m some/group
}
