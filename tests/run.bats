#!/usr/bin/env bats
# run and create: every option, exit statuses through every verb, isolation, limits.
# shellcheck shell=bash disable=SC2016

load helper
load container

teardown() {
	skiff rm -f "$C" "$C-2" >/dev/null 2>&1 || true
}

# in_container [OPTION...] -- COMMAND...: run it to its end in a container of busybox.
in_container() {
	local options=()
	while [ "$1" != -- ]; do
		options+=("$1")
		shift
	done
	shift
	skiff run --rm "${options[@]}" busybox "$@"
}

@test "output goes to the terminal's streams, words replace the command of the image" {
	skiff run --rm busybox sh -c 'echo out; echo error >&2' >out 2>err
	[ "$(cat out)" = out ]
	[ "$(cat err)" = error ]
	expect 0 in_container -- ls -a /
	for entry in bin etc .dockerenv dev proc sys; do
		[[ $'\n'$output$'\n' = *$'\n'$entry$'\n'* ]] || fail "no $entry in $output"
	done
}

@test "-d prints the ID alone and returns at once; the container goes on" {
	expect 0 skiff run -d --name "$C" busybox sleep 600
	[[ $output =~ ^[0-9a-f]{64}$ ]]
	[ "$(field "$C" .State.Running)" = true ]
	[ "$(skiff exec "$C" hostname)" = "${output::12}" ] || [ "$(skiff exec "$C" hostname)" = "$(field "$C" .Id | cut -c 1-12)" ]
}

@test "exit statuses through run, wait, inspect, ps and start -a" {
	local row
	for row in '0 true' '7 exit 7' '125 exit 125' '137 sh -c "kill -9 \$\$"; exit $?' \
		'143 sh -c "kill -15 \$\$"; exit $?' '126 /etc' '126 /etc/passwd' '127 nothing-like-it' '127 /nothing/like/it'; do
		local want=${row%% *} words=("${row#* }") shown="Exited (${row%% *})"
		case $want in 126 | 127) shown=Created ;; esac # it has never run
		case $row in *exit*) words=(sh -c "${row#* }") ;; esac
		expect "$want" skiff run --name "$C" busybox "${words[@]}"
		[ "$(skiff wait "$C")" = "$want" ] || fail "wait after $row: $(skiff wait "$C")"
		[ "$(field "$C" .State.ExitCode)" = "$want" ] || fail "inspect after $row"
		skiff ps -a | grep -qF "$shown" || fail "ps after $row: $(skiff ps -a)"
		expect "$want" skiff start -a "$C"
		skiff rm "$C" >/dev/null
	done
}

@test "exit statuses of the main process killed by a signal" {
	skiff run -d --name "$C" busybox sleep 600 >/dev/null
	skiff kill "$C" >/dev/null
	[ "$(skiff wait "$C")" = 137 ]
	skiff start "$C" >/dev/null
	# sleep, as PID 1, has no handler of SIGTERM: the kernel ignores it. A shell with a trap has.
	skiff run -d --name "$C-2" --init busybox sleep 600 >/dev/null
	skiff kill -s TERM "$C-2" >/dev/null
	[ "$(skiff wait "$C-2")" = 143 ]
}

@test "exit statuses through exec" {
	skiff run -d --name "$C" busybox sleep 600 >/dev/null
	expect 0 skiff exec "$C" true
	expect 7 skiff exec "$C" sh -c 'exit 7'
	expect 126 skiff exec "$C" /etc
	expect 127 skiff exec "$C" nothing-like-it
	expect 137 skiff exec "$C" sh -c 'kill -9 $$'
	expect 143 skiff exec "$C" sh -c 'kill -15 $$'
	expect 125 skiff exec "$C" sh -c 'exit 125'
	# What is wrong before there is a command: 126, with or without somebody who waits for it.
	local more
	for more in '-w /no/such/dir' '-w /etc/passwd' '-w rel' '-u nosuchuser' '-u 0:nosuchgroup' '-u -1' '-u 99999999999'; do
		# shellcheck disable=SC2086
		expect 126 skiff exec $more "$C" true
		# shellcheck disable=SC2086
		expect 126 skiff exec -d $more "$C" true
	done
	[ "$(field "$C" .State.Running)" = true ]
	[ -z "$(ls -A "$SKIFF_RUN/$(field "$C" .Id)/exec")" ] || fail "an exec left its directory"
}

@test "a command that cannot run leaves a container that says so; with --rm none" {
	expect 127 skiff run --name "$C" busybox nothing-like-it
	[[ $output = *nothing-like-it* ]]
	local state='.State | [.Status, .ExitCode, .StartedAt, .FinishedAt] | join(" ")' never=0001-01-01T00:00:00Z
	[ "$(skiff inspect "$C" | jq -r ".[0]$state")" = "created 127 $never $never" ]
	[[ $(field "$C" .State.Error) = *'"nothing-like-it": executable file not found in $PATH'* ]]
	[ "$(skiff ps -a --filter "name=$C" --format '{{.Status}}')" = Created ]
	[ "$(skiff ps -aq --filter "name=$C" --filter exited=127)" = '' ]
	[ "$(skiff wait "$C")" = 127 ]
	expect 1 skiff start "$C"
	expect 1 skiff restart "$C"
	[ "$(skiff inspect "$C" | jq -r ".[0]$state")" = "created 127 $never $never" ]
	expect 127 in_container --name "$C-2" -- nothing-like-it
	expect 1 skiff inspect "$C-2"
	expect 127 skiff run -d --name "$C-2" busybox nothing-like-it
	expect 126 in_container -- /etc/passwd
}

@test "inspect tells what run was attached to, and what is covered" {
	local streams='.Config | [.AttachStdin, .AttachStdout, .AttachStderr]' path
	skiff run -d -i --name "$C" busybox cat >/dev/null
	[ "$(skiff inspect "$C" | jq -c ".[0]$streams")" = '[false,false,false]' ]
	skiff run -i -a stdin --name "$C-2" busybox cat >/dev/null </dev/null
	[ "$(skiff inspect "$C-2" | jq -c ".[0]$streams")" = '[true,false,false]' ]
	# True are those paths: each is mounted on, or not there.
	for path in $(field "$C" '.HostConfig | .MaskedPaths[], .ReadonlyPaths[]'); do
		skiff exec "$C" sh -c "[ ! -e $path ] || grep -q ' $path ' /proc/self/mountinfo" || fail "$path is not covered"
	done
}

@test "a start that fails leaves when the last run was" {
	skiff run --name "$C" busybox sh -c 'rm /bin/sh; exit 3' || :
	local times before
	times='.State | [.Status, .StartedAt, .FinishedAt] | join(" ")'
	before=$(skiff inspect "$C" | jq -r ".[0]$times")
	expect 1 skiff start "$C"
	[ "$(skiff inspect "$C" | jq -r ".[0]$times")" = "$before" ]
	[[ $before = exited* ]]
	[ "$(field "$C" .State.ExitCode)" = 127 ]
	[[ $(field "$C" .State.Error) = *'"sh"'* ]]
	[[ $(skiff ps -a --filter "name=$C" --format '{{.Status}}') = 'Exited (127)'* ]]
}

@test "a start that fails before there is a process says why in inspect, too" {
	touch file
	skiff create --name "$C" -v "$PWD/file:/f" busybox true >/dev/null
	rm file
	expect 1 skiff start "$C"
	[ "$(field "$C" .State.Status)" = created ]
	[ "$(field "$C" .State.ExitCode)" = 125 ]
	[[ $(field "$C" .State.Error) = *"$PWD/file"* ]]
}

@test "--rm removes in the foreground and with -d" {
	expect 3 skiff run --rm --name "$C" busybox sh -c 'exit 3'
	expect 1 skiff inspect "$C"
	expect 0 skiff run -d --rm --name "$C" busybox sleep 0.3
	gone() { ! skiff inspect "$C" >/dev/null 2>&1; }
	wait_until gone
	skiff run -d --rm --name "$C" busybox sleep 600 >/dev/null
	expect 0 skiff stop -t 0 "$C"
	wait_until gone
}

@test "names: given, generated, unique, checked" {
	expect 0 skiff create --name "$C" busybox true
	expect 125 skiff run --rm --name "$C" busybox echo no
	[[ $output = *"Conflict. The container name \"/$C\" is already in use by container"* ]]
	[[ $output != *$'\nno' ]]
	expect 1 skiff create --name "$C" busybox true
	local id name
	for name in x -x .x 'x y' 'a/b' ../../x 'a$b' $'a\nb' 'a;b' ''; do
		[ -n "$name" ] || continue
		run skiff run --rm "--name=$name" busybox true
		[ "$status" -eq 125 ] || fail "name '$name' taken: $output"
	done
	id=$(skiff create busybox true)
	[[ $(field "$id" .Name) =~ ^/[a-z]+_[a-z]+[0-9]*$ ]]
	skiff rm "$id"
	[ "$(skiff ps -aq | wc -l)" -eq 1 ]
}

@test "wrong usage changes nothing" {
	local before
	before=$(find "$SKIFF_ROOT" | sort)
	expect 125 skiff run --it busybox sh
	[[ $output = *"unknown flag: --it"* ]]
	expect 1 skiff run -dit --rm --name ubuntu
	[[ $output = *"requires at least 1 argument"* ]]
	expect 125 skiff run -Q busybox
	expect 125 skiff run --name
	[[ $output = *"flag needs an argument: --name"* ]]
	expect 125 skiff kill --signal
	[[ $output = *"flag needs an argument: --signal"* ]]
	expect 125 skiff run --rm=maybe busybox
	expect 1 skiff cotainer rm x
	expect 1 skiff container frobnicate
	expect 1 skiff ../../bin/sh
	expect 125 skiff run --network nothing busybox true
	expect 125 skiff run --userns keep-id busybox true
	expect 125 skiff run --workdir relative busybox true
	expect 125 skiff run --hostname 'a b' busybox true
	expect 125 skiff run --hostname -x busybox true
	expect 125 skiff run --security-opt nonsense busybox true
	expect 125 skiff run --pull sometimes busybox true
	expect 125 skiff run --stop-signal NOSUCH busybox true
	expect 125 skiff run --stop-timeout soon busybox true
	expect 125 skiff run --log-opt max-size busybox true
	expect 125 skiff run --pull never nothing-like-it true
	expect 125 skiff run --pull never 'UPPER CASE' true
	expect 125 skiff run --env =x busybox true
	expect 125 skiff run --env-file none busybox true
	expect 125 skiff run --volume x busybox true
	expect 125 skiff run --volume /tmp:x busybox true
	expect 125 skiff run --volume /tmp:/ busybox true
	expect 125 skiff run --volume /tmp:/x:nonsense busybox true
	expect 125 skiff run --device /etc/passwd busybox true
	expect 125 skiff run --device /dev/zero:/z:x busybox true
	[ "$(find "$SKIFF_ROOT" | sort)" = "$before" ]
}

@test "values that only a link of the chain can judge are refused, and --rm leaves nothing" {
	local before option
	before=$(find "$SKIFF_ROOT" | sort)
	for option in --memory=much --memory=-1 --cpus=x --cpus=-1 --pids-limit=x --cpuset-cpus=999 --user=4294967296 --user=nobody-like-it \
		--cap-add=NO_SUCH --ulimit=nofile=x --tmpfs=relative --tmpfs=/x:nonsense=1 --sysctl=kernel.core_pattern=x \
		--oom-score-adj=5000 --group-add=-1 --shm-size=x --blkio-weight=x --device-read-bps=/none:1m; do
		run skiff run --rm "$option" busybox echo never
		[ "$status" -eq 125 ] || fail "$option: status $status, $output"
		[[ $output != *never* ]] || fail "$option: ran"
	done
	[ "$(find "$SKIFF_ROOT" | sort)" = "$before" ]
}

@test "short flags combine; options take every form; words after the image are the command's" {
	expect 0 skiff run --rm -iehello=world busybox sh -c 'echo $hello'
	[ "$output" = world ]
	expect 0 skiff run --rm=true -e hello=you --env=there=too busybox sh -c 'echo $hello $there'
	[ "$output" = 'you too' ]
	expect 0 skiff run --rm busybox echo --rm -it -- -x --help
	[ "$output" = '--rm -it -- -x --help' ]
	expect 0 skiff run --rm -- busybox echo a
	[ "$output" = a ]
}

@test "each form of a verb: run, container run" {
	expect 0 skiff container run --rm busybox echo a
	[ "$output" = a ]
	expect 0 skiff container create --name "$C" busybox true
	expect 0 skiff container ls -aq
	[ -n "$output" ]
	expect 0 skiff container rm "$C"
}

@test "--env, --env-file: order, inheritance, odd values, HOME and PATH" {
	printf '%s\n' '# comment' '' 'FILE=in a file' 'INHERITED' 'BOTH=file' >variables
	INHERITED='as is' LATE=yes expect 0 skiff run --rm --env-file variables -e BOTH=flag -e LATE -e MISSING \
		-e 'ODD=$(touch /pwn) `id` "q" %s \n' -e EMPTY= busybox env
	for line in 'FILE=in a file' 'INHERITED=as is' 'LATE=yes' 'BOTH=flag' 'ODD=$(touch /pwn) `id` "q" %s \n' EMPTY= HOME=/root; do
		grep -qxF "$line" <<<"$output" || fail "no $line in $output"
	done
	! grep -q -e ^MISSING -e ^TERM= <<<"$output"
	[ "$(grep -c ^BOTH= <<<"$output")" -eq 1 ]
	[[ $output =~ HOSTNAME=[0-9a-f]{12} ]]
	run skiff run --rm -e "NL=a
b" busybox sh -c 'echo "$NL"'
	[ "$output" = $'a\nb' ]
	# What the caller's environment has does not come in unasked.
	SECRET=x run skiff run --rm busybox env
	[[ $output != *SECRET* ]]
}

@test "--user: names and numbers, HOME, groups; -1 and the like are refused" {
	expect 0 in_container --user ann -- sh -c 'id -u; id -g; id -G; echo $HOME'
	[ "$output" = $'1000\n1000\n1000 2000\n/home/ann' ]
	expect 0 in_container --user 1:2 -- sh -c 'echo $(id -u) $(id -g) $(id -G)'
	[ "$output" = '1 2 2' ]
	expect 0 in_container -u 0001 --group-add crew --group-add 77 -- sh -c 'id -u; id -G'
	[ "$output" = $'1\n0 77 2000' ]
	for user in -1 4294967295 4294967296 2147483648 ' 1' 1a 0x0; do
		run in_container "--user=$user" -- id -u
		[ "$status" -eq 125 ] || fail "user '$user': $status $output"
	done
}

@test "--workdir is made; --entrypoint and the command" {
	expect 0 in_container -w /made/here -- pwd
	[ "$output" = /made/here ]
	expect 0 skiff run --rm --entrypoint echo busybox a b
	[ "$output" = 'a b' ]
	expect 125 skiff run --rm --entrypoint '' busybox
	expect 0 skiff run --rm --entrypoint '' busybox echo c
	[ "$output" = c ]
}

@test "hostname: 12 digits of the ID, or as given; in /etc/hostname, not on the host" {
	local host
	host=$(hostname)
	skiff run -d --name "$C" busybox sleep 600 >/dev/null
	[ "$(skiff exec "$C" hostname)" = "$(skiff ps -q | head -n 1)" ]
	expect 0 in_container --hostname little.boat -- sh -c 'hostname; cat /etc/hostname; echo $HOSTNAME'
	[ "$output" = $'little.boat\nlittle.boat\nlittle.boat' ]
	expect 0 in_container --cap-add SYS_ADMIN -- sh -c 'hostname changed && hostname'
	[ "$output" = changed ]
	[ "$(hostname)" = "$host" ]
}

@test "--domainname: in the kernel, in /etc/hosts, in inspect" {
	C=c$BATS_TEST_NUMBER
	cd "$BATS_TEST_TMPDIR"
	expect 0 skiff run --rm --hostname boat --domainname sea.example busybox sh -c 'uname -n; cat /proc/sys/kernel/domainname'
	[ "$output" = "boat
sea.example" ]
	expect 0 skiff run --rm --network bridge --hostname boat --domainname sea.example busybox sh -c 'cat /etc/hosts; hostname -f'
	grep -qE '^[0-9.]+[[:space:]]boat\.sea\.example boat$' <<<"$output"
	[ "${lines[-1]}" = boat.sea.example ]
	skiff create --name "$C" --domainname sea.example busybox
	[ "$(skiff inspect "$C" | jq -r '.[0].Config.Domainname')" = sea.example ]
	skiff rm "$C"
	for name in -x 'a b' "$(printf '%065d' 1)"; do expect 125 skiff run --rm "--domainname=$name" busybox true; done
	expect 125 skiff run --rm --uts host --domainname x busybox true
	[ "$(unshare-run --uts --domainname sea.example cat /proc/sys/kernel/domainname)" = sea.example ]
	expect 125 unshare-run --domainname sea.example true
}

@test "--annotation: in inspect, and in the bundle of an OCI runtime" {
	C=c$BATS_TEST_NUMBER
	skiff create --name "$C" --annotation org.example.a='b=c d' --annotation empty busybox
	[ "$(skiff inspect "$C" | jq -c '.[0].HostConfig.Annotations')" = '{"org.example.a":"b=c d","empty":""}' ]
	skiff rm "$C"
	expect 125 skiff run --rm --annotation =x busybox true
	skiff run -d --name "$C" --runtime runc --userns host --annotation org.example.a=b busybox sleep 1000
	id=$(skiff inspect "$C" | jq -r '.[0].Id')
	[ "$(jq -r '.annotations["org.example.a"]' "$SKIFF_ROOT/containers/$id/bundle/config.json")" = b ]
	skiff rm -f "$C"
}

@test "--volume: bind, ro, made when missing, nested, files keep their owners" {
	mkdir -p v/sub
	echo text >v/file
	chown 1000:1000 v/file
	expect 0 in_container -v "$PWD/v:/v" -- sh -c 'stat -c %u:%g /v/file; cat /v/file; echo new >/v/new; stat -c %u /v'
	[ "$output" = $'1000:1000\ntext\n0' ]
	[ "$(stat -c %u:%g v/new)" = 0:0 ]
	run in_container -v "$PWD/v:/v:ro" -- sh -c 'echo x >/v/new'
	[ "$status" -ne 0 ]
	[ "$(cat v/new)" = new ]
	expect 0 in_container -v "$PWD/missing:/m" -- sh -c 'echo x >/m/y'
	[ -f missing/y ]
	# The outer one is mounted first, in whatever order they are given.
	echo inner >inner
	expect 0 in_container -v "$PWD/inner:/a/b/c" -v "$PWD/v:/a" -- cat /a/b/c /a/file
	[ "$output" = $'inner\ntext' ]
	expect 0 in_container -v "$PWD/v:/with space" -- cat '/with space/file'
	# a link in the image does not lead out
	expect 0 in_container -v "$PWD/v:/tmp/../v2" -- cat /v2/file
}

@test "--tmpfs, --shm-size, --read-only" {
	expect 0 in_container --tmpfs /t:size=1m,mode=700 -- sh -c 'grep " /t " /proc/mounts; stat -c %a /t; dd if=/dev/zero of=/t/x bs=64k count=32'  || true
	[[ $output = *size=1024k* ]] || fail "$output"
	[[ $output = *$'\n700\n'* ]]
	[[ $output = *'No space left'* ]]
	expect 0 in_container --shm-size 3m -- sh -c 'df -k /dev/shm | tail -n 1; stat -c %a /dev/shm'
	[[ $output = *3072*1777 ]]
	run in_container --read-only -- touch /x
	[ "$status" -ne 0 ]
	expect 0 in_container --read-only --tmpfs /t -- sh -c 'touch /t/x /dev/shm/y && ! touch /etc/z 2>/dev/null'
}

@test "the container's writes are its own: the layer, and others, do not see them" {
	skiff run --name "$C" busybox sh -c 'echo changed >/etc/passwd; rm /etc/group; echo x >/new'
	expect 0 in_container -- sh -c 'head -n 1 /etc/passwd; ls /etc/group; ! ls /new 2>/dev/null'
	[[ $output = root:* ]]
	expect 0 skiff start "$C"
}

@test "user namespaces: ranges are disjoint, and no file of the store changes its owner" {
	local owners ranges
	owners=$(find "$SKIFF_ROOT/layers" -printf '%P %U %G %m\n' | sort)
	skiff run -d --name "$C" busybox sh -c 'touch /made /root/x; chown 1000 /root/x; sleep 600' >/dev/null
	skiff run -d --name "$C-2" busybox sleep 600 >/dev/null
	made() { [ -e "$SKIFF_ROOT/containers/$(field "$C" .Id)/rw/upper/root/x" ]; }
	wait_until made
	ranges="$(field "$C" .HostConfig.IDMapping) $(field "$C-2" .HostConfig.IDMapping)"
	[[ $ranges =~ ^0:([0-9]+):65536\ 0:([0-9]+):65536$ ]]
	[ "${BASH_REMATCH[1]}" -ne "${BASH_REMATCH[2]}" ]
	[ $((BASH_REMATCH[1] % 65536)) -eq 0 ]
	[ $((BASH_REMATCH[2] % 65536)) -eq 0 ]
	# outside, root is that range
	[ "$(stat -c %u "/proc/$(field "$C" .State.Pid)")" -eq "${BASH_REMATCH[1]}" ]
	settled() { [ "$(stat -c %u "$SKIFF_ROOT/containers/$(field "$C" .Id)/rw/upper/root/x")" = 1000 ]; }
	wait_until settled
	[ "$(find "$SKIFF_ROOT" -uid +70000 -o -gid +70000)" = '' ]
	[ "$(find "$SKIFF_ROOT/layers" -printf '%P %U %G %m\n' | sort)" = "$owners" ]
	expect 0 in_container --userns host -- cat /proc/self/uid_map
	[[ $output =~ ^\ *0\ +0\ +4294967295$ ]]
}

@test "namespaces: each of its own, none of the host" {
	skiff run -d --name "$C" busybox sleep 600 >/dev/null
	skiff run -d --name "$C-2" busybox sleep 600 >/dev/null
	local one two ns
	one=$(field "$C" .State.Pid) two=$(field "$C-2" .State.Pid)
	for ns in pid mnt uts ipc net cgroup user time; do
		[ "$(readlink "/proc/$one/ns/$ns")" != "$(readlink /proc/self/ns/$ns)" ] || fail "$ns is the host's"
		[ "$(readlink "/proc/$one/ns/$ns")" != "$(readlink "/proc/$two/ns/$ns")" ] || fail "$ns is shared"
	done
	run skiff exec "$C" kill -0 "$two" # the host's number means nothing inside
	[ "$status" -ne 0 ]
	[ "$(awk '/^NSpid/ { print $NF }' "/proc/$one/status") $(awk '/^NSpid/ { print $NF }' "/proc/$two/status")" = '1 1' ]
	expect 0 in_container -- ps -o pid,args
	[ "$(wc -l <<<"$output")" -eq 2 ]
	[[ $output = *" 1 "* ]]
}

@test "capabilities: Docker's 14, added, dropped, all; none is inheritable" {
	expect 0 in_container -- grep -E '^Cap' /proc/self/status
	[[ $output = *CapInh:*0000000000000000*CapEff:*00000000a80425fb*CapAmb:*0000000000000000* ]]
	expect 0 in_container --cap-drop ALL --cap-add chown -- grep -E '^Cap(Inh|Eff|Bnd)' /proc/self/status
	[ "$(tr -s '\n\t' ' ' <<<"$output")" = 'CapInh: 0000000000000000 CapEff: 0000000000000001 CapBnd: 0000000000000001 ' ]
	run in_container -- date -s 2001-01-01
	[[ $output = *'Operation not permitted'* ]]
	[ "$(date +%Y)" -gt 2001 ]
	expect 0 in_container --security-opt no-new-privileges -- grep NoNewPrivs /proc/self/status
	[[ $output = *1 ]]
	expect 0 in_container -- grep NoNewPrivs /proc/self/status
	[[ $output = *0 ]]
}

@test "seccomp: a filter by default, one of one's own, none" {
	expect 0 in_container -- sh -c 'grep Seccomp: /proc/self/status; unshare -U true || echo refused'
	[[ $output = *Seccomp:*2*refused* ]]
	expect 0 in_container --security-opt seccomp=unconfined -- sh -c 'grep Seccomp: /proc/self/status; unshare -U true && echo done'
	[[ $output = *Seccomp:*0*done* ]]
	expect 0 in_container --cap-add SYS_ADMIN -- sh -c 'mount -t tmpfs x /tmp && echo mounted'
	[ "$output" = mounted ]
	run in_container -- mount -t tmpfs x /tmp
	[ "$status" -ne 0 ]
	sed 's/^default .*/&/' "${SKIFF_BIN:-$REPO/bin}/default.seccomp" >own
	expect 0 in_container --security-opt "seccomp=$PWD/own" -- grep Seccomp: /proc/self/status
	[[ $output = *2 ]]
	expect 125 in_container --security-opt "seccomp=$PWD/none" -- true
}

@test "--privileged: all capabilities, devices, no filter, no user namespace" {
	expect 0 in_container --privileged -- sh -c 'grep -E "^(CapEff|Seccomp:)" /proc/self/status; cat /proc/self/uid_map; ls /dev | wc -l; mount -t tmpfs x /mnt 2>/dev/null || mount -t tmpfs x /tmp; echo $?; touch /sys/x 2>&1'  || true
	local all
	all=$(sed -n 's/^CapBnd:\t*//p' /proc/self/status)
	[[ $output = *"$all"* ]] || fail "$output, not $all"
	[[ $output = *Seccomp:*0*4294967295* ]]
	[[ $output != *'Read-only'* ]]
}

# quota_store: a store in $PWD/disk, on xfs with project quotas. False if this kernel has none.
quota_store() {
	truncate -s 400M disk.img
	mkfs.xfs -q disk.img && mkdir disk && mount -o loop,pquota disk.img disk || return
	export SKIFF_ROOT=$PWD/disk/root SKIFF_RUN=$PWD/run
	tar -C "$BATS_FILE_TMPDIR/tree" -c . | skiff import -c 'CMD ["sh"]' - busybox >/dev/null
}

@test "--storage-opt: size of the writable layer on xfs with pquota, else refused" {
	expect 125 in_container --storage-opt size=10m -- true
	[[ $output == *"--storage-opt is supported only for overlay over xfs with 'pquota' mount option: $SKIFF_ROOT is on "* ]] || fail "$output"
	expect 125 in_container --storage-opt x=10m -- true
	expect 125 in_container --storage-opt size=-1 -- true
	expect 125 in_container --storage-opt size= -- true
	command -v mkfs.xfs >/dev/null || skip 'the rest: xfsprogs is not installed'
	quota_store || skip 'the rest: no xfs with project quotas'
	run in_container --storage-opt size=10MB -- dd if=/dev/zero of=/big bs=1M count=20
	small=$status:$output
	run in_container --storage-opt size=30m -- sh -c 'dd if=/dev/zero of=/big bs=1M count=20 && df -m / | tail -n 1'
	large=$status:$output
	run skiff create --storage-opt size=50m --cidfile "$PWD/nowhere/cid" busybox true
	failed=$status:$output
	limits=$(xfs_quota -x -c 'report -pn' disk)
	cgset remove "$(cat "$SKIFF_ROOT/cgroup")"
	umount disk
	[[ $small == 1:*'No space left on device'* ]] || fail "$small"
	[[ $large == 0:*' 30 '* ]] || fail "$large"
	[[ $failed == 125:*'nowhere/cid'* ]] || fail "$failed"
	! grep -E '(10240|30720|51200)' <<<"$limits" || fail "left: $limits"
}

@test "--device of a directory gives all that is in it" {
	nodes=$(mktemp -d /dev/skiff-test.XXXXXX)
	chmod 755 "$nodes"
	mkdir "$nodes/sub"
	mknod -m 666 "$nodes/null" c 1 3
	mknod -m 666 "$nodes/sub/zero" c 1 5
	run in_container --device "$nodes:/dev/more:rw" -- sh -c 'head -c 1 /dev/more/sub/zero | od -An -tx1; echo >/dev/more/null; find /dev/more -type c | sort'
	rm -r "$nodes"
	[ "$status:$output" = $'0: 00\n/dev/more/null\n/dev/more/sub/zero' ] || fail "$status:$output"
	mkdir none
	expect 125 in_container --device "$PWD/none" -- true
	[[ $output == *"there is no device in $PWD/none"* ]] || fail "$output"
}

@test "--gpus and --device KIND=NAME: what a CDI file says; without one Docker's error" {
	[ ! -e /dev/nvidiactl ] || skip 'this machine has a GPU'
	expect 125 in_container --gpus all -- true
	[[ $output == *'could not select device driver "" with capabilities: [[gpu]]'* ]] || fail "$output"
	for bad in x -2 0 '' device= 'device=0,1' driver=other; do
		expect 125 in_container --gpus "$bad" -- true
	done
	mkdir -p /var/run/cdi lib
	echo 1 >lib/libgpu.so.1.2
	ln -s libgpu.so.1.2 lib/libgpu.so.1
	local file=/var/run/cdi/skiff-test-$$.json
	cat >"$file" <<-END
		{"cdiVersion": "0.6.0", "kind": "nvidia.com/gpu",
		 "containerEdits": {"env": ["GPUS=some"],
		  "mounts": [{"hostPath": "$PWD/lib/libgpu.so.1.2", "containerPath": "/usr/lib/libgpu.so.1.2", "options": ["ro", "bind"]}]},
		 "devices": [
		  {"name": "0", "containerEdits": {"deviceNodes": [{"path": "/dev/gpu0", "hostPath": "/dev/zero"}]}},
		  {"name": "1", "containerEdits": {"deviceNodes": [{"path": "/dev/gpu1", "hostPath": "/dev/zero", "permissions": "r"}]}}]}
	END
	# one test, as the file is for the whole machine
	look='ls /dev | grep gpu; cat /usr/lib/libgpu.so.1; echo $GPUS; ! echo 2>/dev/null >>/usr/lib/libgpu.so.1; exec 3</dev/gpu1'
	run in_container --gpus all -- sh -c "$look"
	all=$status:$output
	run in_container --gpus '"device=1"' -- sh -c "$look"
	one=$status:$output
	run in_container --device nvidia.com/gpu=1 -e GPUS=mine -- sh -c "$look"
	named=$status:$output
	run in_container --gpus 1 -- sh -c 'ls /dev | grep gpu'
	first=$status:$output
	run in_container --gpus 3 -- true
	many=$status:$output
	echo 'not JSON {' >"${file%.json}-broken.json"
	run in_container --gpus 1 -- true
	broken=$status:$output
	rm "${file%.json}-broken.json"
	sed 's/"name": "0"/"name": "2"/' "$file" >"${file%.json}-more.json" # has 1, too
	run in_container --device nvidia.com/gpu=1 -- true
	conflict=$status:$output
	run in_container --device nvidia.com/gpu=0 --device nvidia.com/gpu=2 -- sh -c 'ls /dev | grep gpu'
	both=$status:$output
	printf '%s\n' '# comment' 'kind: "nvidia.com/gpu"' 'devices: [{name: "9"}]' >"${file%.json}.yaml"
	run in_container --device nvidia.com/gpu=9 -- true
	mixed=$status:$output
	rm "${file%.json}.yaml"
	sed 's/"name": "1"/"name": "0"/' "$file" >"${file%.json}-more.json"
	mv "${file%.json}-more.json" "$file" # one device twice in one file
	run in_container --device nvidia.com/gpu=0 -- true
	twice=$status:$output
	rm "$file"
	printf '%s\n' '# not nvidia.com/gpu' 'kind: "nvidia.com/gpu-other"' >"${file%.json}-other.yaml"
	run in_container --device nvidia.com/gpu=9 -- true
	other_yaml=$status:$output
	rm "${file%.json}-other.yaml"
	printf '%s\n' '---' 'kind: nvidia.com/gpu' >"${file%.json}.yaml"
	run in_container --gpus all -- true
	yaml=$status:$output
	run in_container --device nvidia.com/gpu=9 -- true
	named_yaml=$status:$output
	rm "${file%.json}.yaml"
	[[ $conflict == '125:'*"conflict: nvidia.com/gpu=1 is in several files: "*-more.json* ]] || fail "$conflict"
	[ "$twice" = 0: ] || fail "$twice"
	[[ $other_yaml == '125:'* && $other_yaml != *'only JSON'* ]] || fail "$other_yaml"
	[[ $both == '0:'*$'gpu0' ]] || fail "$both"
	local it
	for it in "$mixed" "$yaml" "$named_yaml"; do
		[[ $it == '125:'*"${file%.json}.yaml is about nvidia.com/gpu, but only JSON is read"* ]] || fail "$it"
		[[ $it != *unresolvable* && $it != *'could not select'* ]] || fail "$it"
	done
	[ "$all" = $'0:gpu0\ngpu1\n1\nsome' ] || fail "$all"
	[ "$one" = $'0:gpu1\n1\nsome' ] || fail "$one"
	[ "$named" = $'0:gpu1\n1\nmine' ] || fail "$named"
	[ "$first" = 0:gpu0 ] || fail "$first"
	[[ $broken == '0:'*'-broken.json: not JSON, left out' ]] || fail "$broken"
	[[ $many == '125:'*'unresolvable CDI devices nvidia.com/gpu=2'* ]] || fail "$many"
	expect 125 in_container --device nvidia.com/gpu=0 -- true
}

@test "devices: the usual ones only, --device adds one" {
	expect 0 in_container -- sh -c 'ls /dev | sort | tr "\n" " "; cat /dev/kmsg 2>&1 | head -n 1'
	[[ ${output#core } = 'fd full mqueue null ptmx pts random shm stderr stdin stdout tty urandom zero'* ]] || fail "$output"
	run in_container --cap-add MKNOD -- sh -c 'mknod /tmp/kmsg c 1 11 && cat /tmp/kmsg'
	[ "$status" -ne 0 ]
	expect 0 in_container --device /dev/fuse:/dev/other:r -- stat -c '%t %T' /dev/other
	[ "$output" = 'a e5' ]
	run in_container --device /dev/fuse:/dev/other:r -- sh -c 'exec 3>/dev/other'
	[ "$status" -ne 0 ]
}

@test "--memory: a process that takes too much is killed, and OOMKilled says so" {
	expect 137 skiff run --name "$C" --memory 64m --memory-swap 64m busybox \
		sh -c 'exec dd if=/dev/zero of=/dev/null bs=200M count=1'
	[ "$(field "$C" .State.OOMKilled)" = true ]
	[ "$(field "$C" .HostConfig.Memory)" = 67108864 ]
	expect 0 skiff run --name "$C-2" --memory 64m busybox true
	[ "$(field "$C-2" .State.OOMKilled)" = false ]
	skiff rm "$C-2" >/dev/null
	# The main process survives the death of another: that is told too.
	skiff run --name "$C-2" --memory 64m --memory-swap 64m busybox \
		sh -c 'dd if=/dev/zero of=/dev/null bs=200M count=1; true'
	[ "$(field "$C-2" .State.ExitCode) $(field "$C-2" .State.OOMKilled)" = '0 true' ]
	# Below what the engine allows.
	expect 125 in_container --memory 4m -- true
}

@test "--pids-limit: a fork bomb ends, the host does not" {
	run skiff run --name "$C" --pids-limit 20 busybox sh -c 'i=0; while [ $i -lt 60 ]; do sleep 5 & i=$((i+1)); done; wait'
	[[ $output = *"can't fork"* ]]
	skiff run -d --name "$C-2" --pids-limit 30 busybox sh -c 'b() { b | b & }; b & exec sleep 600' >/dev/null # (for exec nobody has to fork)
	local id
	id=$(field "$C-2" .Id)
	[ "$(cgset path "$GROUP/$id" | xargs -I{} find {} -maxdepth 0 -exec cat {}/pids.max ';' 2>/dev/null)" = 30 ]
	expect 0 skiff rm -f "$C-2"
	# Without the option there is a limit all the same.
	skiff run -d --name "$C-2" busybox sleep 600 >/dev/null
	[ "$(field "$C-2" .HostConfig.PidsLimit)" = 2048 ]
	expect 0 skiff exec "$C-2" true
}

@test "--cpus: CPU time stays below the quota; other limits reach the group" {
	skiff run -d --name "$C" --cpus 0.1 --cpu-shares 512 --cpuset-cpus 0 --ulimit nofile=77:99 --oom-score-adj 300 \
		busybox sh -c 'while :; do :; done' >/dev/null
	local id pid before after began ended
	id=$(field "$C" .Id) pid=$(field "$C" .State.Pid)
	used() { awk '{ print $14 + $15 }' "/proc/$pid/stat"; }
	before=$(used) began=$(date +%s%N)
	sleep 2
	after=$(used) ended=$(date +%s%N)
	# ticks of 10 ms: 10% of the time, and some room
	[ $(((after - before) * 10)) -le $(((ended - began) * 15 / 100000000 + 30)) ] ||
		fail "$(((after - before) * 10)) ms in $(((ended - began) / 1000000))"
	grep -q '^Cpus_allowed_list:.0$' "/proc/$pid/status"
	grep -q 'Max open files *77 *99 ' "/proc/$pid/limits"
	[ "$(cat "/proc/$pid/oom_score_adj")" = 300 ]
	[ "$(field "$C" .HostConfig.NanoCpus)" = 100000000 ]
	[ "$(field "$C" .HostConfig.CpuShares)" = 512 ]
	[ "$(cat "/sys/fs/cgroup/cpu/$GROUP/$id/cpu.shares" 2>/dev/null || echo 512)" = 512 ]
}

@test "network: none has lo alone, host is the host's, container:X is X's" {
	expect 0 in_container -- sh -c 'ls /sys/class/net; ip -o link | wc -l'
	[ "$output" = $'lo\n1' ]
	expect 0 in_container --network host -- readlink /proc/self/ns/net
	[ "$output" = "$(readlink /proc/self/ns/net)" ]
	skiff run -d --name "$C" --hostname boat busybox nc -l -p 80 -e echo hello >/dev/null
	listens() { skiff exec "$C" netstat -ltn | grep -q :80; }
	wait_until listens
	# its ports below 1024, its name, and rights over it
	expect 0 in_container --network "container:$C" --cap-add NET_ADMIN -- sh -c 'nc 127.0.0.1 80; hostname; ip link set lo down && echo done'
	[ "$output" = $'hello\nboat\ndone' ]
	expect 125 in_container --network "container:$C" --hostname other -- true
	expect 125 in_container --network container:nothing-like-it -- true
	skiff stop -t 0 "$C" >/dev/null
	run in_container --network "container:$C" -- true
	[ "$status" -eq 125 ]
}

@test "--init: PID 1 reaps and forwards" {
	expect 0 in_container --init -- sh -c 'echo $$; cat /proc/1/comm'
	[ "${lines[0]}" != 1 ]
	# Without it a signal that comes before init handles it would be lost.
	expect 0 skiff run --explain --init busybox true
	[[ $output = *' lockdown '*' --block-signals '* ]] || fail "$output"
	skiff run -d --name "$C" --init busybox sh -c '(sleep 0.1 &) ; trap "exit 9" TERM; while :; do sleep 0.1; done' >/dev/null
	no_zombie() { ! skiff exec "$C" ps -o stat | grep -q Z; }
	wait_until no_zombie
	skiff stop "$C" >/dev/null
	[ "$(skiff wait "$C")" = 9 ]
}

@test "--attach: only the streams that are named; without output, the ID" {
	cd "$BATS_TEST_TMPDIR"
	both='echo to stdout; echo to stderr >&2; cat; exit 3'
	for streams in 'stdout:to stdout:' 'stderr::to stderr' 'STDOUT -a stderr:to stdout:to stderr'; do
		IFS=: read -r names out err <<<"$streams"
		result=0
		# shellcheck disable=SC2086 # several options
		skiff run --rm -a $names busybox sh -c "$both" >out 2>err </dev/null || result=$?
		[ "$result" -eq 3 ]
		[ "$(cat out)" = "$out" ] || fail "$names: $(cat out)"
		[ "$(cat err)" = "$err" ] || fail "$names: $(cat err)"
	done
	result=0
	echo input | skiff run --name said -i -a stdin busybox sh -c "$both" >out 2>err || result=$?
	[ "$result" -eq 3 ]
	[ ! -s err ]
	[ "$(cat out)" = "$(skiff inspect said | jq -r '.[0].Id')" ]
	[ "$(skiff logs said 2>/dev/null)" = "to stdout
input" ]
	skiff rm said
	# The input is left to others.
	(sleep 1 | skiff run --rm --name said -i -a stdout busybox cat >out) 3>&- 4>&- &
	wait_until skiff inspect said >/dev/null 2>&1
	wait_until sh -c 'skiff inspect said | grep -q "\"Running\": true"'
	echo 'from another' | timeout 20 skiff attach said >/dev/null 3>&- 4>&- &
	wait_until grep -q 'from another' out
	skiff rm -f said
	wait
	# Errors of the set-up are nobody's output.
	expect 127 skiff run --rm -a stdout busybox no-such-program
	[[ $output == *no-such-program* ]]
	expect 125 skiff run -d -a stdout busybox true
	expect 125 skiff run -a stdall busybox true
	[[ $output == *'valid streams are STDIN, STDOUT and STDERR'* ]]
	expect 0 skiff create --name said -a stdout busybox true
	skiff rm said
}

@test "--log-driver: none keeps no log; json-file and local are the one that there is" {
	expect 0 skiff run --name said --log-driver none busybox echo words
	[ "$output" = words ]
	expect 1 skiff logs said
	[[ $output == *'configured logging driver does not support reading' ]]
	id=$(skiff inspect said | jq -r '.[0].Id')
	[ ! -e "$SKIFF_ROOT/containers/$id/log" ]
	[ "$(skiff inspect said | jq -r '.[0] | "\(.LogPath) \(.HostConfig.LogConfig.Type)"')" = ' none' ]
	expect 0 skiff start -a said
	[ "$output" = words ]
	skiff rm said
	for driver in local json-file; do
		skiff run --name said --log-driver $driver --log-opt max-size=1m busybox echo words
		[ "$(skiff logs said)" = words ]
		[ "$(skiff inspect said | jq -c '.[0].HostConfig.LogConfig')" = '{"Type":"cri","Config":{"max-size":"1m"}}' ]
		skiff rm said
	done
	expect 125 skiff run --rm --log-driver syslog busybox true
}

@test "--cidfile, --label, --label-file, --stop-signal, --stop-timeout" {
	printf '%s\n' 'from=file' '# no' flag >labels
	skiff run -d --name "$C" --cidfile id --label 'a=b=c' -l 'odd=$(id) "x"' -l bare --label-file labels --stop-signal USR1 --stop-timeout 3 \
		busybox sh -c 'trap "echo got it; exit 5" USR1; while :; do sleep 0.1; done' >/dev/null
	[ "$(cat id)" = "$(field "$C" .Id)" ]
	[ "$(field "$C" '.Config.Labels|tojson')" = '{"a":"b=c","odd":"$(id) \"x\"","bare":"","from":"file","flag":""}' ]
	[ "$(field "$C" '.Config|"\(.StopSignal) \(.StopTimeout)"')" = 'USR1 3' ]
	expect 125 skiff run --cidfile id busybox true
	skiff stop "$C" >/dev/null
	[ "$(skiff wait "$C")" = 5 ]
	[ "$(skiff logs "$C")" = 'got it' ]
}

@test "-i carries input to its end; without it there is none" {
	[ "$(printf 'a\nb\n' | skiff run --rm -i busybox cat)" = $'a\nb' ]
	[ "$(echo x | skiff run --rm busybox wc -c)" -eq 0 ]
	head -c 3000000 /dev/urandom >big
	[ "$(skiff run --rm -i busybox sha256sum <big)" = "$(sha256sum <big)" ]
	skiff run --rm busybox head -c 3000000 /dev/zero | cmp - <(head -c 3000000 /dev/zero)
	# -d -i: open, though nobody is attached
	skiff run -d -i --name "$C" busybox cat >/dev/null
	[ "$(field "$C" .State.Running)" = true ]
	expect 1 skiff run --rm -it busybox true </dev/null
	[[ $output = *'the input device is not a TTY'* ]]
}

@test "--sysctl: those of the container's namespaces" {
	expect 0 in_container --sysctl net.ipv4.ip_forward=1 --sysctl kernel.msgmax=9999 -- \
		cat /proc/sys/net/ipv4/ip_forward /proc/sys/kernel/msgmax
	[ "$output" = $'1\n9999' ]
}

@test "--security-opt systempaths=unconfined; masked paths otherwise" {
	expect 0 in_container -- sh -c 'wc -c </proc/keys; ls /sys/firmware | wc -l; echo 1 2>/dev/null >/proc/sys/vm/drop_caches || echo no'
	[ "$output" = $'0\n0\nno' ] || fail "$output"
	expect 0 in_container --security-opt systempaths=unconfined -- sh -c 'grep -c " /proc/keys " /proc/mounts || true'
	[ "$output" = 0 ]
}

@test "a TERM of the client reaches the container, and its status comes back" {
	skiff run --rm --name "$C" busybox sh -c 'trap "echo bye; exit 4" TERM; echo up; while :; do sleep 0.1; done' >out 3>&- 4>&- &
	local client=$!
	is_up() { grep -q up out; }
	wait_until is_up
	kill -TERM "$(pgrep -P "$client" -x attach || pgrep -P "$(pgrep -P "$client")" -x attach)"
	local status=0
	wait "$client" || status=$?
	[ "$status" -eq 4 ]
	grep -q bye out
}

@test "--explain prints commands that, in a shell, make the same container; and does nothing" {
	local before
	before=$(find "$SKIFF_ROOT" | sort)
	skiff run --explain --rm -e 'ODD=it'\''s $x' busybox sh -c 'echo "$ODD"; exit 6' >script
	[ "$(find "$SKIFF_ROOT" | sort)" = "$before" ]
	expect 6 timeout -s KILL 20 dash script
	[ "$output" = 'it'\''s $x' ]
}

@test "create, then start; inspect is JSON from the first moment" {
	expect 0 skiff create --name "$C" busybox sh -c 'echo once'
	[[ $output =~ ^[0-9a-f]{64}$ ]]
	[ "$(field "$C" .State.Status)" = created ]
	expect 0 skiff start -a "$C"
	[ "$output" = once ]
	[ "$(field "$C" .State.Status)" = exited ]
}

@test "an image can name itself by ID, and by a leading part of it" {
	local id
	id=$(skiff images -q --no-trunc)
	expect 0 skiff run --rm "$id" echo a
	expect 0 skiff run --rm "${id#sha256:}" echo a
	id=${id#sha256:}
	expect 0 skiff run --rm "${id:0:8}" echo a
	[ "$output" = a ]
}

@test "closed standard streams are no obstacle" {
	expect 0 bash -c 'timeout -s KILL 20 skiff run --rm busybox echo heard <&- 3>&- 4>&-'
	[ "$output" = heard ]
	expect 0 bash -c 'timeout -s KILL 20 skiff run --rm busybox true >&- 2>&- 3>&- 4>&-'
}

@test "a masked file of /proc is no way to the host's /dev/null" {
	before=$(stat -c '%a %u %g %Y' /dev/null)
	run skiff run --rm --userns host busybox sh -c 'chmod 600 /proc/keys; touch -d 2001-01-01 /proc/keys'
	[[ $output == *'Read-only file system'* ]] || fail "$output"
	[ "$(stat -c '%a %u %g %Y' /dev/null)" = "$before" ]
}

@test "a store has one control group, whatever path leads to it" {
	skiff run -d --name "$C" busybox sleep 600
	ln -s "$SKIFF_ROOT" "$BATS_TEST_TMPDIR/link"
	SKIFF_ROOT=$BATS_TEST_TMPDIR/link expect 0 skiff stop -t 0 "$C"
	expect 0 skiff rm "$C"
	SKIFF_ROOT=$BATS_TEST_TMPDIR/other SKIFF_RUN=$BATS_TEST_TMPDIR/run expect 0 skiff boot
	[ "$(cat "$BATS_TEST_TMPDIR/other/cgroup")" != "$GROUP" ]
}

@test "application output through /dev/stdout and /dev/stderr, root or not" {
	for user in 0 1000; do
		expect 0 skiff run --rm -u "$user" busybox sh -c 'echo out >/dev/stdout; echo err >/dev/stderr'
		[[ $output == *out* && $output == *err* ]] || fail "$user: $output"
	done
}
