# shellcheck shell=bash
# seccomp-compile, and what the default profile lets through.

load helper

setup_file() {
	PROBE=$BATS_FILE_TMPDIR/seccomp-probe
	FILTER=$BATS_FILE_TMPDIR/default.bpf
	DEFAULT=$REPO/src/lockdown/default.seccomp
	export PROBE FILTER DEFAULT
	# The 32-bit call pushes onto the stack.
	cc -O1 -static -mno-red-zone -o "$PROBE" "$REPO/tests/seccomp-probe.c"
	seccomp-compile "$DEFAULT" >"$FILTER"
}

setup() {
	in_time
	cd "$BATS_TEST_TMPDIR" || return
	[ "$(uname -m)" = x86_64 ] || skip "the lists in this file are those of x86-64"
}

# refused FILTER 64|32 [ERRNO]: the names of all that FILTER refuses, one a line, sorted.
refused() {
	"$PROBE" "$1" "$2" 0 450 |
		awk -v errno="${3-}" 'NR == FNR { name[$3] = substr($2, 6); next }
			($1 in name) && (errno == "" || $2 == errno) { print name[$1] }' \
			"/usr/include/x86_64-linux-gnu/asm/unistd_$2.h" - | sort
}

# compile LINE...: a profile of these lines, and the default that nothing else is refused.
compile() {
	printf '%s\n' "default allow" "$@" | seccomp-compile /dev/stdin
}

# answers FILTER 64|32|x32 NUMBER [ARG...]: the errno of one call, nothing if it is allowed.
answers() {
	local filter=$1 table=$2 number=$3
	shift 3
	"$PROBE" "$filter" "$table" "$number" "$number" "$@" | cut -d' ' -f2
}

@test "the default profile refuses exactly these 67 of 362 system calls" {
	tr ' ' '\n' >want <<-'EOF'
		_sysctl acct add_key afs_syscall bpf clock_settime clone3 create_module delete_module
		fanotify_init finit_module fsconfig fsmount fsopen fspick get_kernel_syms get_mempolicy getpmsg
		init_module io_uring_enter io_uring_register io_uring_setup ioperm iopl kcmp kexec_file_load
		kexec_load keyctl lookup_dcookie mbind migrate_pages mount mount_setattr move_mount move_pages
		nfsservctl open_by_handle_at open_tree perf_event_open pidfd_getfd pivot_root process_madvise
		putpmsg query_module quotactl quotactl_fd reboot request_key security set_mempolicy
		set_mempolicy_home_node setdomainname sethostname setns settimeofday swapoff swapon sysfs syslog
		tuxcall umount2 unshare uselib userfaultfd ustat vhangup vserver
	EOF
	[ "$(wc -l <want)" -eq 67 ]
	refused "$FILTER" 64 >got
	diff <(sort want) got
}

@test "only clone3 is refused with ENOSYS, so that libraries fall back to clone" {
	expect 0 refused "$FILTER" 64 38
	[ "$output" = clone3 ]
}

@test "a filter that allows everything refuses nothing: the probe tells them apart" {
	compile >all
	expect 0 refused all 64
	[ -z "$output" ]
}

@test "of newer system calls the known ones are decided, the others do not exist" {
	expect 0 "$PROBE" "$FILTER" 64 451 500
	[ "${lines[0]} ${lines[1]} ${lines[2]} ${lines[3]}" = "459 1 460 1 461 1 467 1" ]
	[ "${lines[4]}" = "468 38" ]
	[ "${lines[36]}" = "500 38" ]
}

@test "sockets: AF_ALG and AF_VSOCK are refused, whatever the high half of the argument" {
	for family in 38 40 0x100000026 0xffffffff00000028; do
		[ "$(answers "$FILTER" 64 41 "$family")" = 1 ] || fail "family $family"
		[ "$(answers "$FILTER" 32 359 "$family")" = 1 ] || fail "32 bit: family $family"
	done
	for family in 1 2 10 16 17 37 39 41 45; do
		[ -z "$(answers "$FILTER" 64 41 "$family")" ] || fail "family $family"
	done
}

@test "clone: any flag for a new namespace is refused, threads and processes are not" {
	for flag in 0x00020000 0x02000000 0x04000000 0x08000000 0x10000000 0x20000000 0x40000000 \
		0x10000011 0x7e020000; do
		[ "$(answers "$FILTER" 64 56 "$flag")" = 1 ] || fail "flag $flag"
		[ "$(answers "$FILTER" 32 120 "$flag")" = 1 ] || fail "32 bit: flag $flag"
	done
	for flag in 0x11 0x3d0f00 0x01200011 0x4111; do
		[ -z "$(answers "$FILTER" 64 56 "$flag")" ] || fail "flag $flag"
	done
}

@test "personality: 0, 8, 0x20000, 0x20008 and the question only" {
	for value in 0 8 0x20000 0x20008 0xffffffff; do
		[ -z "$(answers "$FILTER" 64 135 "$value")" ] || fail "personality $value"
	done
	for value in 1 4 0x40000 0x0400000 0x20009 0x60008; do
		[ "$(answers "$FILTER" 64 135 "$value")" = 1 ] || fail "personality $value"
	done
}

@test "the 32-bit entry is filtered by its own table" {
	refused "$FILTER" 32 >got
	for name in mount umount umount2 unshare setns keyctl bpf reboot init_module stime settimeofday \
		clock_settime64 io_uring_setup vm86 uselib pivot_root; do
		grep -qx "$name" got || fail "allowed: $name"
	done
	for name in read write open execve socketcall ipc socket semget shmat recvmmsg sendmmsg waitpid \
		mmap2 fstat64 clock_gettime64 futex_time64 set_thread_area getuid32; do
		! grep -qx "$name" got || fail "refused: $name"
	done
	# Number 165 is mount for 64-bit programs, getresuid for 32-bit ones.
	[ "$(answers "$FILTER" 64 165)" = 1 ]
	[ -z "$(answers "$FILTER" 32 165)" ]
}

@test "the x32 entry does not exist, not even for a filter that allows all else" {
	compile "errno 5 getpid" >one.bpf
	[ "$(answers one.bpf x32 39)" = 38 ]
	[ "$(answers one.bpf x32 1000)" = 38 ]
	expect 0 "$PROBE" "$FILTER" x32 0 600
	[ "${#lines[@]}" -eq 601 ]
	! grep -qv ' 38$' <<<"$output" || fail "$output"
}

@test "a capability opens the calls that it is for, and no others" {
	local all
	while read -r capability opened; do
		seccomp-compile --cap-add "$capability" "$DEFAULT" >with.bpf
		all=$(comm -23 <(refused "$FILTER" 64) <(refused with.bpf 64) | tr '\n' ' ')
		[ "$all" = "$opened " ] || fail "$capability opens '$all', expected '$opened '"
	done <<-'EOF'
		DAC_READ_SEARCH open_by_handle_at
		CAP_SYS_BOOT reboot
		sys_module delete_module finit_module init_module
		SYS_PACCT acct
		SYS_PTRACE kcmp pidfd_getfd process_madvise
		SYS_RAWIO ioperm iopl
		SYS_TIME clock_settime settimeofday
		SYS_TTY_CONFIG vhangup
		SYS_NICE get_mempolicy mbind set_mempolicy set_mempolicy_home_node
		SYSLOG syslog
		BPF bpf
		PERFMON perf_event_open
		SYS_ADMIN bpf clone3 fanotify_init fsconfig fsmount fsopen fspick lookup_dcookie mount mount_setattr move_mount open_tree perf_event_open quotactl quotactl_fd setdomainname sethostname setns syslog umount2 unshare
	EOF
	[ -z "$(answers with.bpf 64 56 0x10000000)" ] # clone with CLONE_NEWUSER
	expect 0 "$PROBE" with.bpf 64 457 467
	[ -z "$output" ]
}

@test "without CAP_SYS_CHROOT chroot is refused; with ALL some stay so" {
	seccomp-compile --cap-drop sys_chroot "$DEFAULT" >without.bpf
	[ "$(comm -13 <(refused "$FILTER" 64) <(refused without.bpf 64))" = chroot ]
	seccomp-compile --cap-drop ALL "$DEFAULT" >none.bpf
	[ "$(comm -13 <(refused "$FILTER" 64) <(refused none.bpf 64))" = chroot ]
	seccomp-compile --cap-add all "$DEFAULT" >all.bpf
	for name in keyctl io_uring_setup kexec_load userfaultfd pivot_root; do
		refused all.bpf 64 | grep -qx "$name" || fail "allowed: $name"
	done
}

@test "comparisons of 32 and of 64 bits" {
	# getpid is number 39; a condition that holds is an error 5.
	while read -r condition values; do
		condition=${condition//_/ }
		compile "errno 5 getpid if $condition" >one.bpf
		for value in $values; do
			[ "$(answers one.bpf 64 39 "${value#!}")" = "$([ "${value#!}" != "$value" ] || echo 5)" ] ||
				fail "$condition for $value"
		done
	done <<-'EOF'
		int0_==_7 7 0x100000007 !8
		int0_!=_7 !7 !0x100000007 8
		int0_>_7 8 0xffffffff !7 !0x100000007
		int0_>=_7 7 8 !6 !0x100000006
		int0_<_7 6 0 0x100000006 !7 !0xffffffff
		int0_<=_7 7 0x100000007 !8
		int0_&_0xf0_==_0x10 0x10 0x1f 0x110 !0x20 !0
		arg0_==_7 7 !0x100000007 !8
		arg0_!=_7 !7 0x100000007 8
		arg0_>_7 8 0x100000000 0x100000007 !7 !0
		arg0_>=_0x100000007 0x100000007 0x200000000 !0x100000006 !8
		arg0_<_0x100000007 8 0xffffffff 0x100000006 !0x100000007 !0x200000000
		arg0_<=_0x100000007 0x100000007 0xffffffff !0x100000008 !0x200000000
		arg0_&_0xf00000000_==_0x100000000 0x100000000 0x1ffffffff !0 !0x300000000
	EOF
}

@test "conditions with 'and', several lines for one call: the first that holds" {
	compile "errno 5 getpid if int0 == 1 and int1 == 2" "errno 6 getpid if arg0 == 1" \
		"allow getpid if int0 == 3" "errno 7 getpid" "errno 8 getpid" >one.bpf
	[ "$(answers one.bpf 64 39 1 2)" = 5 ]
	[ "$(answers one.bpf 64 39 1 3)" = 6 ]
	[ -z "$(answers one.bpf 64 39 3 0)" ]
	[ "$(answers one.bpf 64 39 4 0)" = 7 ]
}

@test "many conditions: jumps over more than 255 instructions" {
	for i in $(seq 200); do echo "errno 5 getpid if int0 == $i"; done >lines
	compile "$(cat lines)" "errno 6 fork" "errno 7 read" >long.bpf
	[ "$(stat -c %s long.bpf)" -gt 2400 ]
	[ "$(answers long.bpf 64 39 1)$(answers long.bpf 64 39 200)$(answers long.bpf 64 39 201)" = 55 ]
	[ "$(answers long.bpf 64 57)$(answers long.bpf 64 0)$(answers long.bpf 64 1)" = 67 ]
	for i in $(seq 2000); do echo "errno 5 getpid if int0 == $i"; done >lines
	expect 125 compile "$(cat lines)"
	[[ $output == *"longer than 4096"* ]]
}

@test "kill, trap, log" {
	compile "kill getppid" "trap getpgrp" "log getsid" >one.bpf
	expect 159 "$PROBE" one.bpf 64 110 110
	expect 159 "$PROBE" one.bpf 64 111 111
	[ -z "$(answers one.bpf 64 124)" ]
}

@test "errors name the line and the word" {
	while IFS='|' read -r line message; do
		expect 125 compile "# first" "$line"
		[[ $output == "seccomp-compile: /dev/stdin:3: $message"* ]] || fail "$line: $output"
	done <<-'EOF'
		alow read|unknown action: 'alow'
		allow|no system call: 'end of line'
		allow personality int0 == 0|not the name of a system call: '=='
		errno EWHAT read|unknown error: 'EWHAT'
		errno 4096 read|unknown error: '4096'
		errno|unknown error: 'end of line'
		allow read if|not an argument, arg0 to arg5 or int0 to int5: 'end of line'
		allow read if arg6 == 1|not an argument, arg0 to arg5 or int0 to int5: 'arg6'
		allow read if arg0 = 1|not a comparison: '='
		allow read if arg0 == x|not a number: 'x'
		allow read if arg0 == 0x|not a number: '0x'
		allow read if arg0 == -1|not a number: '-1'
		allow read if arg0 == 0x10000000000000000|number too large: '0x10000000000000000'
		allow read if int0 == 0x100000000|more than 32 bits are compared with an int
		allow read if arg0 == 1 or arg1 == 1|neither 'and' nor the end of the line: 'or'
		with|no capability after: 'with'
		with SYS_ADMIN|unknown action: 'end of line'
		default|unknown action: 'end of line'
	EOF
	expect 125 compile "with SYS_NONE allow read"
	[[ $output == *"unknown capability: 'SYS_NONE'"* ]]
}

@test "a profile needs a default; unknown system calls are left out, with a warning" {
	run seccomp-compile /dev/stdin <<<"allow read"
	[ "$status" -eq 125 ]
	[[ $output == *"no line 'default ACTION'"* ]]
	expect 0 compile "errno 5 getpid no_such_call"
	[[ $output == *"unknown system call: no_such_call: left out"* ]]
	run seccomp-compile /dev/stdin <<<"default errno 5"
	[ "$status" -eq 0 ]
}

@test "command line" {
	expect 0 seccomp-compile -h
	[ "${#lines[@]}" -le 40 ]
	expect 125 seccomp-compile
	expect 125 seccomp-compile a b
	expect 125 seccomp-compile --no-such-option "$DEFAULT"
	expect 125 seccomp-compile /no/such/file
	[[ $output == *"/no/such/file: No such file or directory"* ]]
	run bash -c 'seccomp-compile "$DEFAULT" >/dev/full'
	[ "$status" -eq 125 ]
	[[ $output == *"No space left on device"* ]]
}

# json ENTRIES: compile a JSON profile with these entries that else allows everything.
json() {
	printf '{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [%s]}' "$1" |
		jq -r --arg arch amd64 -f "$REPO/src/seccomp-compile/from-json.jq" >json.seccomp || return
	seccomp-compile "${@:2}" json.seccomp >json.bpf
}

@test "JSON: names, errors, arguments, alternatives" {
	json '{"names": ["getpid", "getppid"], "action": "SCMP_ACT_ERRNO", "errnoRet": 5},
		{"names": ["getsid"], "action": "SCMP_ACT_ERRNO",
			"args": [{"index": 0, "op": "SCMP_CMP_EQ", "value": 3},
				{"index": 1, "op": "SCMP_CMP_GT", "value": 4}]},
		{"names": ["socket"], "action": "SCMP_ACT_ERRNO", "errnoRet": 6,
			"args": [{"index": 0, "op": "SCMP_CMP_EQ", "value": 38},
				{"index": 0, "op": "SCMP_CMP_EQ", "value": 40}]},
		{"names": ["clone"], "action": "SCMP_ACT_ERRNO", "args": [{"index": 0,
			"op": "SCMP_CMP_MASKED_EQ", "value": 240, "valueTwo": 16}]}'
	[ "$(answers json.bpf 64 39)$(answers json.bpf 64 110)" = 55 ]
	[ "$(answers json.bpf 64 124 3 5)$(answers json.bpf 64 124 3 4)" = 1 ]
	[ "$(answers json.bpf 64 41 38)$(answers json.bpf 64 41 0x100000028)" = 66 ]
	[ -z "$(answers json.bpf 64 41 39)" ]
	[ "$(answers json.bpf 64 56 0x11)$(answers json.bpf 64 56 0x21)" = 1 ]
}

@test "JSON: includes and excludes" {
	entries='{"names": ["getpid"], "action": "SCMP_ACT_ERRNO", "includes": {"arches": ["arm64"]}},
		{"names": ["getppid"], "action": "SCMP_ACT_ERRNO", "excludes": {"arches": ["amd64"]}},
		{"names": ["getpgrp"], "action": "SCMP_ACT_ERRNO", "excludes": {"caps": ["CAP_SYS_ADMIN"]}},
		{"names": ["getsid"], "action": "SCMP_ACT_ERRNO", "includes": {"caps": ["CAP_SYS_ADMIN"]}},
		{"names": ["fork"], "action": "SCMP_ACT_ERRNO", "includes": {"minKernel": "4.8"}}'
	json "$entries"
	[ "$(refused json.bpf 64 | tr '\n' ' ')" = "fork getpgrp " ]
	json "$entries" --cap-add SYS_ADMIN
	[ "$(refused json.bpf 64 | tr '\n' ' ')" = "fork getsid " ]
}

@test "JSON: what cannot be said is refused, names cannot smuggle lines in" {
	run json '{"names": ["getpid"], "action": "SCMP_ACT_NOTIFY"}'
	[ "$status" -ne 0 ]
	[[ $output == *"SCMP_ACT_NOTIFY cannot be compiled"* ]]
	run json '{"names": ["getpid\nallow mount"], "action": "SCMP_ACT_ERRNO"}'
	[ "$status" -ne 0 ]
	[[ $output == *"not a name"* ]]
	run json '{"names": ["getpid"], "action": "SCMP_ACT_ERRNO",
		"args": [{"index": 0, "op": "SCMP_CMP_EQ", "value": 18446744073709551615}]}'
	[ "$status" -ne 0 ]
}

@test "JSON: the profile that Debian's containers-common brings" {
	[ -f /usr/share/containers/seccomp.json ] || skip "golang-github-containers-common is not installed"
	jq -r --arg arch amd64 -f "$REPO/src/seccomp-compile/from-json.jq" /usr/share/containers/seccomp.json >c.seccomp
	seccomp-compile c.seccomp >c.bpf
	refused c.bpf 64 >got
	for name in kexec_load init_module bpf finit_module; do
		grep -qx "$name" got || fail "allowed: $name"
	done
	! grep -qx read got || fail 'refused: read'
	[ "$(answers c.bpf 64 135 0x40000)" = 38 ]
}

# oci LINE...: the profile as JSON for an OCI runtime.
oci() {
	printf '%s\n' "$@" | seccomp-compile --oci /dev/stdin
}

# judge FILE NAME [ARG...]: what a runtime makes of it: the one rule that holds, or the default. Two that hold are wrong.
judge() {
	python3 - "$@" <<-'PYTHON'
		import json, sys
		profile, name = json.load(open(sys.argv[1])), sys.argv[2]
		args = [int(word, 0) for word in sys.argv[3:]] + [0] * 6
		compare = {'SCMP_CMP_EQ': lambda arg, rule: arg == rule['value'],
		           'SCMP_CMP_MASKED_EQ': lambda arg, rule: arg & rule['value'] == rule['valueTwo']}
		found = [f"{rule['action'][9:]}{rule.get('errnoRet', '')}" for rule in profile['syscalls'] if name in rule['names']
		         and all(compare[arg['op']](args[arg['index']], arg) for arg in rule.get('args', []))]
		for rule in profile['syscalls']:
		    indices = [arg['index'] for arg in rule.get('args', [])]
		    assert len(indices) == len(set(indices)), rule
		print(*found or [f"{profile['defaultAction'][9:]}{profile.get('defaultErrnoRet', '')}"])
	PYTHON
}

@test "OCI: comparisons, of the low 32 bits" {
	while read -r condition values; do
		oci 'default allow' "errno 5 getpid if ${condition//_/ }" >one.json
		for value in $values; do
			[ "$(judge one.json getpid "${value#!}")" = "$([ "${value#!}" != "$value" ] && echo ALLOW || echo ERRNO5)" ] ||
				fail "$condition for $value"
		done
	done <<-'EOF'
		int0_==_7 7 0x100000007 !8 !0
		int0_!=_7 !7 !0x100000007 8 0 0xffffffff
		int0_>_7 8 0xffffffff !7 !0x100000007
		int0_>=_7 7 8 !6 !0x100000006
		int0_<_7 6 0 0x100000006 !7 !0xffffffff
		int0_<=_7 7 0x100000007 !8
		int0_>_0xffffffff !0xffffffff !0
		int0_>=_0 0xffffffff 0
		int0_&_0xf0_==_0x10 0x10 0x1f 0x110 !0x20 !0
		int0_&_0xf0_!=_0x10 !0x10 !0x1f !0x110 0x20 0
		int0_&_0xf0_>_0x11 0x20 0x2f !0x1f !0x10 !0
		int0_&_0xf0_<=_0x11 0x10 0x1f 0 !0x20 !0x2f
		int0_&_0xf0_==_0x11 !0x10 !0x11 !0x1f
		int0_!=_38_and_int0_!=_40 0 39 41 !38 !40 !0x100000026 !0xffffffff00000028
		int0_>_3_and_int0_<_9_and_int1_==_0 4 8 !3 !9
		arg0_==_7 7 !0x100000007 !8
		arg0_&_1_!=_0 1 3 !2
	EOF
}

@test "OCI: of several lines the first that holds, and never two rules; capabilities; the default" {
	oci 'default errno EPERM' 'errno 5 getpid if int0 == 1 and int1 == 2' 'errno 6 getpid if int0 == 1' \
		'allow getpid if int0 == 3' 'kill getpid if int1 > 7' 'errno 7 getpid' 'allow getpid read' \
		'with SYS_ADMIN allow mount' 'without SYS_ADMIN trap umount2' 'log read' 'errno 1 keyctl' \
		'errno 5 no_such_call' >one.json 2>messages
	grep -q 'no_such_call: left out' messages
	[ "$(judge one.json getpid 1 2)" = ERRNO5 ]
	[ "$(judge one.json getpid 1 3)" = ERRNO6 ]
	[ "$(judge one.json getpid 1 9)" = ERRNO6 ]
	[ "$(judge one.json getpid 3 9)" = ALLOW ]
	[ "$(judge one.json getpid 4 8)" = KILL_PROCESS ]
	[ "$(judge one.json getpid 4 7)" = ERRNO7 ]
	[ "$(judge one.json read)$(judge one.json mount)$(judge one.json umount2)$(judge one.json write)" = ALLOWERRNO1TRAPERRNO1 ]
	# those refused anyway are named: the runtime learns how new the profile is
	jq -e '[.syscalls[].names[]] | contains(["keyctl", "mount"])' one.json
	jq -e '.architectures == ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86"]' one.json
}

@test "OCI: what a runtime cannot be told is refused" {
	for condition in 'arg0 != 7' 'arg0 > 7' 'arg0 == 0x100000007' 'arg0 & 0x100000000 == 0'; do
		expect 125 oci 'default errno EPERM' "allow getpid if $condition"
		[[ $output == *"getpid: an OCI runtime cannot be told how to compare 64 bits of arg0"* ]] || fail "$condition: $output"
	done
	for i in $(seq 5); do echo "allow getpid if int0 != $i and int1 != $i and int2 != $i"; done >lines
	expect 125 oci 'default errno EPERM' "$(cat lines)"
	[[ $output == *"too many for an OCI runtime"* ]]
}
