#!/usr/bin/env bats
# What --explain prints makes the same container, in any shell; what -x prints is the same text.
# shellcheck shell=bash disable=SC2016,SC1003,SC2012

load helper

setup_file() {
	skiff_setup_file
	export PROBE=$BATS_FILE_TMPDIR/probe
	cat >"$PROBE" <<-'END'
		echo "-- arguments"; for word; do printf '<%s>\n' "$word"; done
		echo "-- environment"; env | sort
		echo "-- mounts"; cut -d ' ' -f 4- /proc/self/mountinfo
		echo "-- rights"; grep -E '^(Uid|Gid|Groups|Cap|NoNewPrivs|Seccomp)' /proc/self/status
		cat /proc/self/limits /proc/self/uid_map /proc/self/gid_map /proc/self/oom_score_adj
		echo "-- namespaces"; cd /proc/1/ns && for ns in *; do readlink $ns; done; cd "$OLDPWD"
		echo "-- files"; hostname; pwd; ls -l /dev /etc; cat /etc/hosts /etc/resolv.conf
		cat /proc/sys/net/ipv4/ip_unprivileged_port_start /proc/sys/kernel/msgmax
		exit 7
	END
}

teardown_file() {
	skiff_teardown_file
}

setup() {
	in_time
	cd "$BATS_TEST_TMPDIR" || return
	mkdir 'a dir'
	export FROM_HERE="it's
	\$(two) lines"
	printf '%s\n' '# a comment' 'IN_FILE=`x` "y"' FROM_HERE >variables
}

# normal: standard input; replaced is what differs from one container to the next.
normal() {
	local ns sed=''
	for ns in /proc/self/ns/*; do sed="$sed;s/$(readlink "$ns" | sed 's/[][]/\\&/g')/the host's/"; done
	sed -E "$sed;s/:\[[0-9]+\]/:[its own]/
		s/[0-9a-f]{64}/ID/g;s/\b[0-9a-f]{12}\b/SHORT/g
		s/^( *0 +)[0-9]+( +65536)\$/\1BASE\2/;s/0:[0-9]{10}:65536/0:BASE:65536/;s/([ug]id=)1[0-9]{9}/\1BASE/g
		s/shared:[0-9]+|master:[0-9]+/PEER/g;s/(idmapped.*)/\1/
		s/[A-Z][a-z]{2} +[0-9]+ +[0-9:]{4,5} /TIME /"
}

# limits_of NAME: what the control group of a waiting container says.
limits_of() {
	local id dir file
	id=$(skiff inspect "$1" | jq -r '.[0].Id')
	for dir in $(cgset path "$GROUP/$id"); do
		for file in memory.limit_in_bytes memory.memsw.limit_in_bytes memory.max memory.swap.max pids.max \
			cpu.cfs_quota_us cpu.shares cpu.max cpu.weight cpuset.cpus devices.list; do
			[ ! -e "$dir/$file" ] || printf '%s %s\n' "$file" "$(xargs <"$dir/$file")"
		done
	done | sort
}

# same_container SHELL OPTION... -- ARGUMENT...: once by run, once by what it explains.
same_container() {
	local shell=$1 status options=()
	shift
	while [ "$1" != -- ]; do
		options+=("$1")
		shift
	done
	shift
	status=0
	skiff run --rm "${options[@]}" busybox sh -c "$(cat "$PROBE")" "$@" >one 2>one.err || status=$?
	[ $status -eq 7 ] || fail "run: $status $(cat one.err)" || return
	skiff run --explain --rm "${options[@]}" busybox sh -c "$(cat "$PROBE")" "$@" >script 2>explain.err
	[ ! -s explain.err ] || fail "$(cat explain.err)" || return
	explained "$shell" >two 2>two.err || status=$?
	[ $status -eq 7 ] || fail "script: $status $(cat two.err)" || return
	diff <(normal <one) <(normal <two)
	diff <(normal <one.err) <(normal <two.err)
	[ "$(wc -l <one)" -gt 60 ]
}

# explained SHELL: run the script as if in a terminal of somebody else's: no store in the
# environment, another umask, another directory on PATH first.
explained() {
	env -u SKIFF_ROOT -u SKIFF_RUN PATH=/usr/bin:/bin:/usr/sbin:/sbin \
		timeout -s KILL 30 "$1" -c 'umask 077; exec '"$1"' "$0"' "$PWD/script" 3>&- 4>&-
}

@test "a plain container, in dash and in bash" {
	same_container dash -- a b
	same_container bash -- a b
	[ -z "$(skiff ps -aq)" ]
}

@test "words that a shell would change" {
	same_container dash -e 'A=it'\''s $HOME `id` "x" \' -e FROM_HERE -e 'B=*' -e C= -e 'D=%s\n%d' \
		--env-file variables -l 'x=~/[a]' -- '' ' ' '$x' "it's" '"' '\' '\\n' '*' '~' '-n' '--' '#' '!!' '%s' ';' '&' \
		$'two\nlines\n' $'\t' 'ü' lockdown cgset ';;' '>x' $'\e[1m'
	grep -q "^<two\$" one
	grep -qF 'A=it'\''s $HOME `id` "x" \' one
	same_container bash -e 'A=it'\''s $HOME `id` "x" \' -- '!!' '$x' "a'b'c"
}

@test "mounts, rights, limits, settings" {
	same_container dash -m 64m --cpus 0.5 --pids-limit 33 --cpu-shares 512 -v "$PWD/a dir:/mnt/x y" \
		-v "$PWD/a dir:/srv:ro" --tmpfs /scratch:size=1m --read-only --cap-drop ALL --cap-add net_bind_service \
		--ulimit nofile=99:100 --security-opt no-new-privileges -w /tmp -h boat --shm-size 1m \
		--sysctl kernel.msgmax=1234 --oom-score-adj 17 -- x
	grep -q '^boat$' one
	grep -q '^1234$' one
}

@test "users, devices, init, privileges, the host's namespaces" {
	same_container dash -u ann --group-add crew --init --device /dev/zero:/dev/nil --entrypoint '' -- x
	same_container bash --privileged -- x
	same_container dash --network host --userns host --security-opt seccomp=unconfined -- x
	skiff run -d --name other busybox sleep 60 >/dev/null
	same_container dash --network container:other -- x
	skiff rm -f other
}

@test "limits of the control group, of a container that stays" {
	options=(-m 64m --memory-swap 128m --cpus 0.5 --pids-limit 33 --cpuset-cpus 0 --device /dev/fuse:r)
	skiff run -d --name one "${options[@]}" busybox sleep 60 >/dev/null
	skiff run -d --explain --name two --cidfile "$PWD/cid" "${options[@]}" busybox sleep 60 >script
	expect 1 skiff inspect two
	[ ! -e cid ]
	explained dash
	diff <(limits_of one) <(limits_of two)
	[ "$(limits_of one | wc -l)" -ge 4 ]
	[ "$(cat cid)" = "$(skiff inspect two | jq -r '.[0].Id')" ]
	# to skiff it is as good as any
	diff <(skiff inspect one | normalised) <(skiff inspect two | normalised)
	expect 0 skiff exec two ps
	pid=$(skiff inspect two | jq .[0].State.Pid)
	[ "$(tr '\0' ' ' <"/proc/$pid/cmdline")" = 'sleep 60 ' ]
	expect 0 skiff stop -t 0 two
	expect 0 skiff start two
	expect 0 skiff rm -f one two
}

normalised() {
	normal | jq 'del(.[0].Created, .[0].Name, .[0].State, .[0].HostConfig.IDMapping)'
}

@test "a directory with a blank and a quote in its name" {
	export SKIFF_ROOT="$PWD/it's a root" SKIFF_RUN="$PWD/a \$run"
	tar -C "$BATS_FILE_TMPDIR/tree" -c . | skiff import - busybox >/dev/null
	same_container dash -e FROM_HERE --cap-add sys_nice -- x
	nothing_left
}

@test "explain changes nothing, and makes nothing" {
	find "$SKIFF_ROOT" -printf '%p %T@ %C@ %s\n' | sort >before
	ls -A "$SKIFF_RUN" >before.run
	export TMPDIR=$PWD/tmp
	mkdir tmp
	skiff run --explain --name x1 -d -v "$PWD/new:/new" --cidfile "$PWD/cid" busybox true >script
	skiff create --explain --cap-drop ALL busybox true >script2
	skiff create --explain busybox true | grep -q '^shim' && fail "create starts"
	[ "$(grep -c '^shim ' script)" = 1 ]
	[ -z "$(ls -A tmp)" ]
	[ ! -e new ]
	[ ! -e cid ]
	find "$SKIFF_ROOT" -printf '%p %T@ %C@ %s\n' | sort | diff before -
	ls -A "$SKIFF_RUN" | diff before.run -
	expect 125 skiff run --explain no-such-image true
	[[ $output == *'skiff pull no-such-image'* ]]
	skiff run -d --name there busybox sleep 60 >/dev/null
	find "$SKIFF_ROOT" "$SKIFF_RUN" -printf '%p %T@ %C@ %s\n' | sort >before
	skiff exec --explain -e A=b there true >script
	expect 125 skiff run --explain --name there busybox true
	find "$SKIFF_ROOT" "$SKIFF_RUN" -printf '%p %T@ %C@ %s\n' | sort | diff before -
	skiff rm -f there
}

@test "start --explain, and exec --explain: the scripts do it" {
	skiff create --name later busybox sh -c 'echo started; sleep 60' >/dev/null
	skiff start --explain later >script
	[ "$(skiff inspect later | jq -r .[0].State.Status)" = created ]
	explained dash
	[ "$(skiff inspect later | jq -r .[0].State.Status)" = running ]
	skiff exec --explain -u ann -w /tmp -e "A=it's" later sh -c 'id -un; pwd; echo "$A"; exit 5' >script
	expect 5 explained bash
	[ "$output" = $'ann\n/tmp\nit'\''s' ]
	skiff rm -f later
}

@test "-x prints what --explain prints, as it does it" {
	skiff run --explain --rm -m 64m -e A="it's" --cap-drop ALL -v "$PWD/a dir:/mnt" busybox echo hi >script
	skiff -x run --rm -m 64m -e A="it's" --cap-drop ALL -v "$PWD/a dir:/mnt" busybox echo hi >out 2>trace
	[ "$(cat out)" = hi ]
	grep -v -e '^umask' -e '^PATH=' -e '^export ' -e '^SKIFF_' -e '^[CRL]=' script |
		sed "s|\$C|$SKIFF_ROOT/containers/ID|g;s|\$R|$SKIFF_RUN/ID|g;s|\$L|$SKIFF_ROOT/layers|g" | alike >one
	sed 's/^+ //' trace | alike >two
	diff one two
	[ "$(wc -l <one)" -gt 20 ]
}

# alike: without what differs from one run to the next: IDs, names, times, processes.
alike() {
	normal | sed -E "s|name=[a-z]+_[a-z]+[0-9]*|name=NAME|;s|names/[a-z_0-9]+|names/NAME|;s|'[a-z]+_[a-z]+[0-9]*'|NAME|;s|[a-z]+_[a-z]+[0-9]* (>.*/name)\$|NAME \1|
		s|'[0-9]+ [0-9]+' >|PROCESS >|;s|[0-9-]{10}T[0-9:.]+Z|TIME|;s|idmaps/[0-9]+|idmaps/SLOT|"
}
