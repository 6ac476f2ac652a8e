# shellcheck shell=bash disable=SC2016 # what is in single quotes is for inner shells
# lockdown: what a process may still do, and what it becomes.

load helper
bats_require_minimum_version 1.5.0

DEFAULT_MASK=00000000a80425fb

setup_file() {
	ROOT=$BATS_FILE_TMPDIR/root
	PROBE=$BATS_FILE_TMPDIR/seccomp-probe
	export ROOT PROBE
	# A root directory of a container: a static shell and files of its own.
	mkdir -p "$ROOT/bin" "$ROOT/etc" "$ROOT/proc" "$ROOT/dev" "$ROOT/home/ann" "$ROOT/tmp"
	cp "$(command -v lockdown)" "$ROOT/bin/lockdown"
	cp "$(command -v busybox)" "$ROOT/bin/busybox"
	applets "$ROOT/bin" sh id env cat ls pwd grep echo true kill stat sleep readlink printf
	chmod 1777 "$ROOT/tmp"
	cat >"$ROOT/etc/passwd" <<-'EOF'
		root:x:0:0:root:/root:/bin/sh
		ann:x:1000:1000:Ann:/home/ann:/bin/sh
		nohome:x:1001:1001:::
		relative:x:1002:1002::home:/bin/sh
		short:x:1003
		# a comment
		4294967296:x:0:0::/:/bin/sh
		-1:x:0:0::/:/bin/sh
		 1:x:0:0::/:/bin/sh
		toolarge:x:4294967296:0::/:/bin/sh
		toolargegroup:x:5:4294967296::/:/bin/sh
		negative:x:-1:0::/:/bin/sh
		text:x:abc:0::/:/bin/sh
		empty:x:::::
		twice:x:2001:2001::/first:/bin/sh
		twice:x:0:0::/second:/bin/sh
		%n$(touch /pwned):x:2002:2002::/:/bin/sh
	EOF
	cat >"$ROOT/etc/group" <<-'EOF'
		root:x:0:
		wheel:x:10:root,ann
		ann:x:1000:
		staff:x:50:bob,ann
		staff2:x:50:ann
		other:x:60:annie
		broken:x:abc:ann
		negative:x:-5:ann
		short
	EOF
}

setup() {
	in_time
	cd "$BATS_TEST_TMPDIR" || return
}

# let_others_in: other users can reach the test's directory.
let_others_in() {
	chmod 755 "$BATS_RUN_TMPDIR" "$BATS_RUN_TMPDIR/test" "$BATS_TEST_TMPDIR"
}

# inside ARGUMENT...: lockdown in that root directory.
inside() {
	chroot "$ROOT" /bin/lockdown "$@"
}

# ids USER [OPTION...]: "uid gid groups" that lockdown gives for it.
ids() {
	inside --user "$@" sh -c 'echo "$(id -u) $(id -g) $(id -G)"'
}

# capabilities OPTION...: the line of /proc/self/status for the effective set.
capabilities() {
	lockdown "$@" sed -n 's/^CapEff:\t//p' /proc/self/status
}

# ---- capabilities ----

@test "by default Docker's 14 capabilities: permitted, effective, bounding; no others" {
	expect 0 lockdown grep Cap /proc/self/status
	[ "$output" = "CapInh:	0000000000000000
CapPrm:	$DEFAULT_MASK
CapEff:	$DEFAULT_MASK
CapBnd:	$DEFAULT_MASK
CapAmb:	0000000000000000" ] || fail "$output"
}

@test "inheritable and ambient sets that we start with are emptied (CVE-2022-24769)" {
	expect 0 setpriv --inh-caps +chown,+net_raw --ambient-caps +chown grep Cap /proc/self/status
	[[ $output == *"CapAmb:	0000000000000001"* ]]
	expect 0 setpriv --inh-caps +chown,+net_raw --ambient-caps +chown \
		lockdown grep Cap /proc/self/status
	[[ $output == *"CapInh:	0000000000000000"* ]]
	[[ $output == *"CapAmb:	0000000000000000"* ]]
	expect 0 setpriv --inh-caps +chown --ambient-caps +chown \
		lockdown --user 1000 --cap-add ALL grep -E 'Cap(Inh|Prm|Eff|Amb)' /proc/self/status
	[ "$(cut -f2 <<<"$output" | sort -u)" = 0000000000000000 ]
}

@test "--cap-add and --cap-drop: names with and without CAP_, any case, ALL" {
	local held
	held=$(sed -n 's/^CapPrm:\t//p' /proc/self/status)
	[ "$(capabilities --cap-drop ALL)" = 0000000000000000 ]
	[ "$(capabilities --cap-drop all --cap-add Net_Admin)" = 0000000000001000 ]
	[ "$(capabilities --cap-drop ALL --cap-add CAP_CHOWN --cap-add cap_kill)" = 0000000000000021 ]
	[ "$(capabilities --cap-drop MKNOD)" = 00000000a00425fb ]
	[ "$(capabilities --cap-add SYS_ADMIN)" = 00000000a82425fb ]
	[ "$(capabilities --cap-add ALL)" = "$held" ]
	[ "$(capabilities --privileged)" = "$held" ]
	[ "$((0x$(capabilities --cap-add ALL --cap-drop SYS_ADMIN)))" -eq $((0x$held & ~(1 << 21))) ]
}

@test "unknown capabilities are refused" {
	for name in NO_SUCH "" CAP_ cap_cap_chown 5 CAP_5 "CHOWN,KILL" " CHOWN"; do
		expect 125 lockdown --cap-add "$name" true
		[ "$output" = "lockdown: unknown capability: '$name'" ] || fail "$output"
		expect 125 lockdown --cap-drop "$name" true
	done
}

@test "a capability that is not held: a warning if named, silence for ALL" {
	expect 0 setpriv --bounding-set -sys_time lockdown --cap-add SYS_TIME --cap-add SYS_NICE \
		sed -n 's/^CapEff:\t//p' /proc/self/status
	[ "${lines[0]}" = "lockdown: cap_sys_time: cannot be given: it is not held here" ]
	[ "${lines[1]}" = 00000000a88425fb ]
	expect 0 setpriv --bounding-set -sys_time lockdown --privileged true
	[ -z "$output" ]
}

@test "a user other than root has none, and set-user-ID programs only the bounding set" {
	expect 0 lockdown --user 1000 --cap-add SYS_ADMIN grep Cap /proc/self/status
	[[ $output == *"CapPrm:	0000000000000000
CapEff:	0000000000000000
CapBnd:	00000000a82425fb"* ]] || fail "$output"
	cp "$(command -v grep)" suid-grep
	chmod 4755 suid-grep
	let_others_in
	expect 0 lockdown --user 1000 ./suid-grep CapEff /proc/self/status
	[ "$output" = "CapEff:	$DEFAULT_MASK" ]
	expect 0 lockdown --user 1000 --no-new-privs ./suid-grep -E 'CapEff|NoNewPrivs' /proc/self/status
	[ "$output" = "CapEff:	0000000000000000
NoNewPrivs:	1" ] || fail "$output"
}

@test "the rights count when the command is looked for: not root's for another user" {
	mkdir "$ROOT/bin/private"
	cp "$ROOT/bin/busybox" "$ROOT/bin/private/true"
	chmod 700 "$ROOT/bin/private"
	expect 0 inside /bin/private/true
	expect 126 inside --user ann /bin/private/true
}

@test "without CAP_SETPCAP it says what is missing" {
	expect 125 setpriv --reuid 1000 --clear-groups lockdown true
	[[ $output == *"bounding set: Operation not permitted"*"CAP_SETPCAP"* ]]
}

# ---- users and groups ----

@test "users by name and number" {
	[ "$(ids root)" = "0 0 0 10" ]
	[ "$(ids 0)" = "0 0 0 10" ]
	[ "$(ids ann)" = "1000 1000 10 50 1000" ] || [ "$(ids ann)" = "1000 1000 1000 10 50" ]
	[ "$(ids 1000)" = "$(ids ann)" ]
	[ "$(ids 0001000)" = "$(ids ann)" ]
	[ "$(ids nohome)" = "1001 1001 1001" ]
	[ "$(ids 4242)" = "4242 0 0" ]
	[ "$(ids 2147483647)" = "2147483647 0 0" ]
	[ "$(ids twice)" = "2001 2001 2001" ]
}

@test "with a group there are no supplementary ones but that" {
	[ "$(ids ann:staff)" = "1000 50 50" ]
	[ "$(ids ann:7)" = "1000 7 7" ]
	[ "$(ids 1:1)" = "1 1 1" ]
	[ "$(ids 1000:0)" = "1000 0 0" ]
	[ "$(ids root:wheel)" = "0 10 10" ]
}

@test "--group-add: names and numbers; the primary group stays in the list (CVE-2022-2989)" {
	[ "$(ids 4242:4243 --group-add staff --group-add 77 --group-add 77)" = "4242 4243 4243 50 77" ] ||
		[ "$(ids 4242:4243 --group-add staff --group-add 77)" = "4242 4243 50 77 4243" ]
	expect 125 inside --group-add 77 true
	expect 125 inside --user ann --group-add nope true
	[[ $output == *"unable to find group nope: no matching entries in group file"* ]]
}

@test "numbers that are no ids are never names (CVE-2024-40635, CVE-2026-30892, CVE-2026-46680)" {
	for user in -1 +1 4294967295 4294967296 2147483648 18446744073709551616 0-1; do
		expect 125 inside --user "$user" id
		[[ $output == *"user $user: ids are numbers from 0 to 2147483647"* ]] || fail "$user: $output"
		expect 125 inside --user "ann:$user" id
	done
}

@test "users that do not exist" {
	for user in nobody 1a a1 "ann " 0x0 1.0 an 'ann\n' root:x "#" short; do
		expect 125 inside --user "$user" id
		[[ $output == *"unable to find "* ]] || fail "$user: $output"
	done
	expect 125 inside --user nobody id
	[ "$output" = "lockdown: unable to find user nobody: no matching entries in passwd file" ]
	for user in "" : ::; do
		expect 125 inside --user "$user" id
	done
	# a part that is empty was not given, as in Docker
	[[ $(inside --user :1 id 2>/dev/null) == 'uid=0(root) gid=1'* ]]
	[[ $(inside --user 12: id 2>/dev/null) == 'uid=12 gid=0'* ]]
}

@test "entries with impossible ids are refused, not taken as 0" {
	for user in toolarge toolargegroup negative text empty; do
		expect 125 inside --user "$user" id
		[[ $output == *"user $user: no valid ids in /etc/passwd"* ]] || fail "$output"
	done
	for group in broken negative; do
		expect 125 inside --user "ann:$group" id
	done
}

@test "names are data: neither formats nor commands, and printed safely" {
	[ "$(ids '%n$(touch /pwned)')" = "2002 2002 2002" ]
	expect 125 inside --user $'x\e]0;evil\a\n' id
	[ "$output" = 'lockdown: unable to find user x\x1b]0;evil\x07\x0a: no matching entries in passwd file' ]
}

@test "an image without passwd and group files" {
	mkdir -p bare/bin
	cp "$ROOT/bin/busybox" bare/bin/id
	cp "$ROOT/bin/lockdown" bare/bin/lockdown
	expect 0 chroot bare /bin/lockdown --user 5:6 /bin/id
	[ "$output" = "uid=5 gid=6 groups=6" ]
	expect 125 chroot bare /bin/lockdown --user root /bin/id
	# A passwd that cannot be one must neither block nor be read.
	mkdir bare/etc bare/dev
	mkfifo bare/etc/passwd
	expect 125 timeout 10 chroot bare /bin/lockdown --user root /bin/id
	[[ $output == *"/etc/passwd: not a regular file"* ]]
	rm bare/etc/passwd
	mknod bare/dev/zero c 1 5
	ln -s /dev/zero bare/etc/passwd
	expect 125 timeout 10 chroot bare /bin/lockdown --user root /bin/id
	[[ $output == *"/etc/passwd: not a regular file"* ]]
	rm bare/etc/passwd
	truncate -s 5M bare/etc/passwd
	expect 125 chroot bare /bin/lockdown --user root /bin/id
	[[ $output == *"/etc/passwd: more than 4194304 bytes"* ]]
	rm bare/etc/passwd
	ln -s ../../../etc/passwd2 bare/etc/passwd
	expect 125 chroot bare /bin/lockdown --user root /bin/id
	[[ $output == *"unable to find user root"* ]]
	# Descriptors of the host cannot be read through /proc as a passwd file.
	rm bare/etc/passwd
	mkdir bare/proc
	ln -s /proc/self/fd/9 bare/etc/passwd
	expect 125 unshare -m sh -c 'mount -t proc proc bare/proc && exec 9</etc/passwd &&
		exec chroot bare /bin/lockdown --user root /bin/id'
	[[ $output == *"/etc/passwd: "* ]]
}

@test "very many groups: once each, and an end" {
	mkdir -p many/bin many/etc
	cp "$ROOT/bin/busybox" many/bin/id
	cp "$ROOT/bin/lockdown" many/bin/lockdown
	echo "ann:x:1000:1000::/:" >many/etc/passwd
	seq 1 3000 | sed 's/.*/g&:x:&:ann\nh&:x:&:ann/' >many/etc/group
	expect 0 chroot many /bin/lockdown --user ann /bin/id -G
	[ "$(wc -w <<<"$output")" -eq 3000 ]
	seq 1 70000 | sed 's/.*/g&:x:&:ann/' >many/etc/group
	expect 125 chroot many /bin/lockdown --user ann /bin/id -G
	[[ $output == *"more than 65536 supplementary groups"* ]]
}

# changed_namespace PID: it is in another user namespace than we are.
changed_namespace() {
	[ "$(readlink "/proc/$1/ns/user")" != "$(readlink /proc/self/ns/user)" ]
}

@test "an id that the user namespace does not have is named" {
	unshare --user sleep 60 &
	namespace=$!
	wait_until changed_namespace $namespace
	echo 0 100000 10 >/proc/$namespace/uid_map
	echo 0 100000 10 >/proc/$namespace/gid_map
	exec 9<"$(command -v lockdown)" # by its path it may be out of reach: below a home directory, say
	within() { nsenter -t $namespace -U -S 0 -G 0 /proc/self/fd/9 "$@"; }
	[ "$(within --user 5:6 sh -c 'echo "$(id -u) $(id -g)"')" = "5 6" ]
	expect 125 within --user 11:5 true
	[[ $output == *"user 11: not mapped in this user namespace"* ]] || fail "$output"
	expect 125 within --user 5:11 true
	[[ $output == *" 11: not mapped in this user namespace"* ]] || fail "$output"
	exec 9<&-
	kill $namespace
}

# ---- environment, command, directory ----

@test "--env replaces the environment; later entries win; what is no NAME=VALUE goes" {
	printf 'A=1\0B=x=y\0nothing\0=empty\0A=2\0\0LINES=a\nb\0E=\0A=3' >env1
	printf 'C=4\0B=z' >env2
	export SECRET=1
	expect 0 lockdown --env env1 --env fd:3 env -0 3<env2
	lockdown --env env1 --env fd:3 env -0 3<env2 | sort -z >got
	printf '%s\0' A=3 B=z C=4 E= HOME=/root $'LINES=a\nb' \
		PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin | sort -z >want
	cmp got want
}

@test "HOME is that of the container's passwd, / if there is none; a given one stays" {
	: >empty
	home() {
		inside --user "$1" --env fd:3 sh -c 'echo $HOME' 3<"${2-empty}"
	}
	[ "$(home ann)" = /home/ann ]
	[ "$(home root)" = /root ]
	[ "$(home nohome)$(home relative)$(home 4242)" = /// ]
	[ "$(inside --env fd:3 sh -c 'echo $HOME' 3<empty)" = /root ]
	printf 'HOME=/x\0PATH=/bin\0' >given
	[ "$(home ann given)" = /x ]
	[ "$(HOME=/unchanged lockdown sh -c 'echo $HOME')" = /unchanged ]
}

@test "a very long environment takes no time" {
	seq 1 60000 | sed 's/.*/V&=x/' | tr '\n' '\0' >long
	expect 0 timeout 20 lockdown --env long sh -c 'cat /proc/self/environ | tr "\0" "\n" | wc -l'
	[ "$output" -ge 60000 ]
}

@test "--argv appends arguments as they are" {
	printf 'a b\0\0$(x)\n\0-n' >argv
	lockdown --argv argv printf '[%s]' >got
	printf '[a b][][$(x)\n][-n]' >want
	cmp got want
	printf 'sh\0-c\0exit 9' >argv
	expect 9 lockdown --argv fd:4 4<argv
	: >argv
	expect 125 lockdown --argv argv
	[ "$output" = "lockdown: no command specified" ]
	expect 125 lockdown
	[ "$output" = "lockdown: no command specified" ]
}

@test "--cwd" {
	mkdir "$ROOT/work" "$ROOT/onlyann" "$ROOT/onlyroot"
	chown 1000 "$ROOT/onlyann"
	chmod 700 "$ROOT/onlyann" "$ROOT/onlyroot"
	[ "$(inside --cwd /work pwd)" = /work ]
	[ "$(inside --cwd /onlyann --user ann pwd)" = /onlyann ]
	[ "$(inside --cwd /onlyroot --user ann pwd)" = /onlyroot ]
	[ "$(inside --cwd ../../../.. pwd)" = / ]
	# Root without the right to pass: then the user's own right counts.
	expect 0 setpriv --bounding-set -dac_override,-dac_read_search \
		chroot "$ROOT" /bin/lockdown --cwd /onlyann --user ann pwd
	[ "$output" = /onlyann ]
	expect 125 inside --cwd /missing pwd
	[ "$output" = "lockdown: working directory: /missing: No such file or directory" ]
	expect 125 inside --cwd /etc/passwd pwd
	[[ $output == *"/etc/passwd: Not a directory"* ]]
}

@test "a working directory outside the root is refused (CVE-2024-21626)" {
	escape='mount -t proc proc "$ROOT/proc" && exec 9</etc && exec chroot "$ROOT" /bin/'
	# The attack works where nobody looks:
	expect 0 unshare -m sh -c "$escape"'sh -c "cd /proc/self/fd/9 && cat hostname"'
	[ "$output" = "$(cat /etc/hostname)" ]
	expect 125 unshare -m sh -c "$escape"'lockdown --cwd /proc/self/fd/9 cat hostname'
	[[ $output == "lockdown: working directory: outside the root directory:"* ]] || fail "$output"
	expect 125 unshare -m sh -c "$escape"'lockdown --cwd /proc/self/fd/9/.. true'
	expect 125 unshare -m sh -c "$escape"'lockdown --cwd /proc/self/fd/9 --user ann true'
	# And when we are there from the start:
	expect 125 unshare -m sh -c "cd /; $escape"'sh -c "cd /proc/self/fd/9; exec lockdown true"'
}

@test "nothing but 0, 1, 2 stays open" {
	exec 9</etc/passwd 17</
	expect 0 lockdown ls /proc/self/fd
	[ "${lines[*]}" = "0 1 2 3" ] # 3 is ls's own
	exec 9<&- 17<&-
}

# ---- the command ----

@test "exit status is the command's; signals and dispositions are reset" {
	expect 0 lockdown true
	expect 7 lockdown sh -c 'exit 7'
	expect 143 lockdown sh -c 'kill -TERM $$'
	(
		trap '' TERM INT HUP PIPE USR1
		expect 0 lockdown grep -E '^Sig(Ign|Blk)' /proc/self/status
		[ "$(cut -f2 <<<"$output" | sort -u)" = 0000000000000000 ] || fail "$output"
	)
	expect 0 env --block-signal=USR1 lockdown grep -E '^Sig(Ign|Blk)' /proc/self/status
	[ "$(cut -f2 <<<"$output" | sort -u)" = 0000000000000000 ] || fail "$output"
	# All that can be, but the two of the C library's own.
	expect 0 lockdown --block-signals grep ^SigBlk /proc/self/status
	[[ $output = *fffffffe7ffbfeff ]] || fail "$output"
}

@test "127: not found; a missing interpreter or loader is named as such" {
	run -127 lockdown no-such-command
	[ "$output" = 'lockdown: exec: "no-such-command": executable file not found in $PATH' ]
	run -127 lockdown ""
	[ "$output" = 'lockdown: exec: "": executable file not found in $PATH' ]
	run -127 lockdown /no/such/command
	[ "$output" = 'lockdown: exec: "/no/such/command": No such file or directory' ]
	run -127 lockdown /etc/passwd/x
	printf '#!/no/interpreter\n' >stray
	chmod +x stray
	run -127 lockdown ./stray
	[ "$output" = 'lockdown: exec: "./stray": its interpreter or loader is missing: No such file or directory' ]
	PATH=$PATH:$PWD run -127 lockdown stray
	[[ $output == *"stray\": its interpreter or loader is missing"* ]]
	ln -s nowhere dangling
	PATH=$PATH:$PWD run -127 lockdown dangling
	[[ $output == *"executable file not found"* ]]
}

@test "126: there, but it cannot run; no shell steps in for a file without #!" {
	expect 126 lockdown /etc
	[ "$output" = 'lockdown: exec: "/etc": Is a directory' ]
	expect 126 lockdown /etc/passwd
	[ "$output" = 'lockdown: exec: "/etc/passwd": Permission denied' ]
	echo 'touch ran' >text
	chmod +x text
	expect 126 lockdown ./text
	[[ $output == *'exec: "./text": Exec format error'*"no program for $(uname -m)"* ]]
	PATH=$PATH:$PWD expect 126 lockdown text
	[ ! -e ran ]
}

@test "the command is found along the container's PATH, relative to its directory" {
	mkdir -p one two dir/tool
	printf '#!/bin/sh\necho two' >two/tool
	printf '#!/bin/sh\necho one' >one/tool
	chmod +x two/tool
	printf 'PATH=%s/dir:%s/one:%s/two\0' "$PWD" "$PWD" "$PWD" >vars
	[ "$(lockdown --env vars tool)" = two ]
	chmod +x one/tool
	[ "$(lockdown --env vars tool)" = one ]
	printf 'PATH=/none:two\0' >vars
	[ "$(lockdown --env vars --cwd "$PWD" tool)" = two ]
	printf 'PATH=/none:\0' >vars
	[ "$(lockdown --env vars --cwd "$PWD/two" tool)" = two ]
	printf 'PATH=/none\0' >vars
	run -127 lockdown --env vars tool
	# There, but in no directory executable: that is worth another message.
	chmod -x one/tool two/tool
	printf 'PATH=%s/dir:%s/one\0' "$PWD" "$PWD" >vars
	expect 126 lockdown --env vars tool
	[[ $output == *"one/tool\": Permission denied" ]]
	printf 'PATH=%s/dir\0' "$PWD" >vars
	run -127 lockdown --env vars tool
	printf 'X=\0' >vars
	expect 0 lockdown --env vars true
}

@test "--stderr: messages go where they went, the application's errors to the other" {
	lockdown --stderr 6 sh -c 'echo application >&2' 2>messages 6>errors
	[ "$(cat errors)" = application ] && [ ! -s messages ]
	run -127 bash -c 'lockdown --stderr 6 no-such-command 2>messages 6>errors'
	[[ $(cat messages) == *"executable file not found"* ]] && [ ! -s errors ]
	run bash -c 'lockdown --stderr 6 --user nobody-at-all true 2>messages 6>errors'
	[ "$status" -eq 125 ]
	[[ $(cat messages) == *"unable to find user"* ]] && [ ! -s errors ]
	expect 125 lockdown --stderr 77 true
	[[ $output == *"standard error 77: Bad file descriptor"* ]]
}

@test "--stderr: the old one closes as the application starts" {
	mkfifo go messages
	lockdown --stderr 6 cat go 6>&2 2>messages &
	# Ends only when nobody holds the fifo any more, and the application still waits.
	expect 0 timeout 10 cat messages
	[ -z "$output" ]
	: >go
	wait $!
}

# as_user COMMAND...: become it, as user 1000; for a subshell or the background.
as_user() {
	exec setpriv --reuid 1000 --regid 1000 --clear-groups "$@"
}

# sleeps PID NAME: the process has become NAME and waits for something.
sleeps() {
	[[ $(readlink "/proc/$1/exe") == */$2 ]] && grep -q '^State:.S' "/proc/$1/status"
}

@test "whoever shares its user cannot look into it (CVE-2016-9962)" {
	let_others_in
	mkfifo -m 666 hold
	as_user cat hold &
	wait_until sleeps $! cat
	(as_user ls "/proc/$!/fd")
	kill $!
	as_user lockdown --env hold true &
	wait_until sleeps $! lockdown
	run ! as_user ls "/proc/$!/fd"
	[[ $output == *"Permission denied"* ]]
	kill $!
}

# ---- limits ----

@test "--ulimit" {
	expect 0 lockdown --ulimit nofile=100:200 --ulimit core=0 --ulimit nproc=50 sh -c 'ulimit -Sn; ulimit -Hn; ulimit -c; cat /proc/self/limits'
	[ "${lines[0]} ${lines[1]} ${lines[2]}" = "100 200 0" ]
	[[ $output == *"Max processes             50                   50"* ]]
	expect 0 bash -c 'ulimit -Hc unlimited; lockdown --ulimit core=-1 sh -c "ulimit -c"; lockdown --ulimit core=5:unlimited sh -c "ulimit -Hc"'
	[ "${lines[*]}" = "unlimited unlimited" ]
	for name in as cpu data fsize locks memlock msgqueue nice rss rtprio rttime sigpending stack; do
		expect 0 lockdown --ulimit "$name=$(("$(ulimit -Hs | grep -qx unlimited && echo 1)" + 0))" --help
	done
}

@test "--ulimit beyond our rights: the highest possible, with a warning" {
	expect 0 bash -c 'ulimit -Sn 300; ulimit -Hn 500; exec setpriv --bounding-set -sys_resource lockdown --ulimit nofile=400:90000 sh -c "ulimit -Sn; ulimit -Hn"'
	[ "${lines[0]}" = "lockdown: limit: nofile: not permitted above 500, which is used instead" ] || fail "$output"
	[ "${lines[1]} ${lines[2]}" = "400 500" ]
	expect 0 bash -c 'ulimit -n 500; exec setpriv --bounding-set -sys_resource lockdown --ulimit nofile=90000 sh -c "ulimit -Sn"'
	[ "${lines[1]}" = 500 ]
}

@test "--ulimit: what is refused" {
	for limit in nofile nofile= nofile=x nofile=5:x nofile=5:4 =5 files=5 nofile=-2 nofile=unlimited:5 \
		nofile=5:6:7 NOFILE=5; do
		expect 125 lockdown --ulimit "$limit" true
		[[ $output == "lockdown: "* ]]
	done
}

@test "--oom-score-adj" {
	[ "$(lockdown --oom-score-adj 500 cat /proc/self/oom_score_adj)" = 500 ]
	for value in 1001 -1001 x "" - 1x; do
		expect 125 lockdown --oom-score-adj "$value" true
	done
	# Lower than where the parent was takes CAP_SYS_RESOURCE: a warning.
	expect 0 sh -c 'echo 100 >/proc/self/oom_score_adj
		exec setpriv --bounding-set -sys_resource lockdown --oom-score-adj -500 true'
}

# ---- seccomp ----

# filter LINE...: a compiled profile that allows all but these lines.
filter() {
	printf '%s\n' "default allow" "$@" | seccomp-compile /dev/stdin
}

@test "--seccomp with and without --no-new-privs, for root and for a user" {
	filter "errno 5 getpriority" >bpf
	for options in "" --no-new-privs "--user 1000" "--user 1000 --no-new-privs" "--cap-drop ALL" --privileged; do
		# shellcheck disable=SC2086 # several options
		expect 0 lockdown --seccomp bpf $options grep -E '^(Seccomp|NoNewPrivs)' /proc/self/status
		[[ $output == *"Seccomp:	2
Seccomp_filters:	"* ]] || fail "$options: $output"
		[[ $options == *new-privs* ]] || [[ $output == "NoNewPrivs:	0"* ]] || fail "$options: $output"
		[[ $options != *new-privs* ]] || [[ $output == "NoNewPrivs:	1"* ]] || fail "$options: $output"
	done
	run ! lockdown --seccomp fd:5 --user 1000 nice 5<bpf
	[[ $output == *"Input/output error"* ]]
}

@test "the default filter: shells and mounts" {
	seccomp-compile "$REPO/src/lockdown/default.seccomp" >bpf
	expect 0 lockdown --seccomp bpf sh -c 'echo "$(id -u)" | cat'
	[ "$output" = 0 ]
	expect 0 unshare -m lockdown --cap-add SYS_ADMIN mount -t tmpfs x /mnt
	expect 32 unshare -m lockdown --cap-add SYS_ADMIN --seccomp bpf mount -t tmpfs x /mnt
	expect 1 lockdown --cap-add SYS_ADMIN --seccomp bpf unshare --user true
	expect 1 lockdown --user 1000 --seccomp bpf unshare --user true
}

@test "a filter that is none is refused" {
	: >empty
	printf 1234567 >odd
	head -c 16 /dev/zero >zeros
	head -c 40000 /dev/zero >long
	expect 125 lockdown --seccomp empty true
	[[ $output == *"empty: not a compiled filter"* ]]
	expect 125 lockdown --seccomp odd true
	expect 125 lockdown --seccomp zeros true
	[[ $output == *"the kernel does not take this filter"* ]]
	expect 125 lockdown --seccomp long true
	expect 125 lockdown --seccomp fd:77 true
	expect 125 lockdown --seccomp /no/such/file true
}

@test "a filter that refuses what lockdown itself needs stops it: never less than asked" {
	filter "errno EPERM capset" >bpf
	expect 125 lockdown --seccomp bpf true
	expect 0 lockdown --seccomp bpf --no-new-privs true
	filter "errno EPERM execve" >bpf
	expect 126 lockdown --seccomp bpf /bin/true
}

# ---- standard streams ----

@test "a user can open /dev/stdout and /dev/stderr when they are pipes" {
	run bash -c 'setpriv --reuid 1000 --clear-groups sh -c "echo x >/proc/self/fd/1" 2>/dev/null | cat'
	[ "$output" = "" ]
	run bash -c 'lockdown --user 1000 sh -c "echo x >/proc/self/fd/1" | cat'
	[ "$output" = x ]
	run bash -c 'lockdown --user 1000 --stderr 6 sh -c "echo x >/proc/self/fd/2" 6>&1 2>/dev/null | cat'
	[ "$output" = x ]
	# Not when it has a name, and thus an owner, of its own.
	mkfifo named
	exec 8<>named
	lockdown --user 1000 true <&8
	exec 8<&-
	[ "$(stat -c %u named)" = 0 ]
	touch file
	lockdown --user 1000 true <file
	[ "$(stat -c %u file)" = 0 ]
	lockdown --tty --user 1000 true </dev/null
	[ "$(stat -c %u /dev/null)" = 0 ]
}

@test "--tty gives the terminal to the user" {
	[ "$(script -qec 'lockdown --user 1000 stat -L -c %u /proc/self/fd/0' /dev/null | tr -d '\r')" = 0 ]
	[ "$(script -qec 'lockdown --tty --user 1000 stat -L -c %u /proc/self/fd/0' /dev/null | tr -d '\r')" = 1000 ]
}

@test "setpriv as the manual page gives it leaves the same" {
	setpriv --reuid 1000 --regid 50 --groups 50 --inh-caps -all --ambient-caps -all \
		--bounding-set -all --no-new-privs \
		grep -E '^(Cap|NoNewPrivs|Groups|Uid|Gid)' /proc/self/status >plain
	lockdown -u 1000:50 --cap-drop ALL -n \
		grep -E '^(Cap|NoNewPrivs|Groups|Uid|Gid)' /proc/self/status >ours
	diff plain ours
}

@test "command line" {
	expect 0 lockdown -h
	[ "${#lines[@]}" -le 40 ]
	expect 125 lockdown --no-such-option true
	[[ $output == *"try 'lockdown -h'"* ]]
	expect 125 lockdown -u
	# Options of the command are not ours.
	expect 0 lockdown echo -h --user x
	[ "$output" = "-h --user x" ]
	expect 0 lockdown -- echo -- x
	[ "$output" = "-- x" ]
	expect 125 lockdown --stderr x true
	expect 125 lockdown --env /no/such/file true
}
