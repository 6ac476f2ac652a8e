#!/usr/bin/env bats
# containers: what containers of a store there are, a row each.
# shellcheck shell=bash

load helper

setup() {
	in_time
	cd "$BATS_TEST_TMPDIR" || return
	mkdir -p store/containers run store/images/i
	tool=$(command -v containers)
	made=0
}

# container NAME [FILE=VALUE...]: one more in the store, in $dir and $run; each a second newer. Its ID
# begins with $made.
container() {
	made=$((made + 1))
	id=$(printf '%d%063d' $made 0)
	dir=$PWD/store/containers/$id run=$PWD/run/$id
	mkdir -p "$dir/rw/upper" "$dir/rw/work/work" "$run" || return
	echo "$1" >"$dir/name"
	shift
	local word
	for word in "$@"; do printf '%s\n' "${word#*=}" >"$dir/${word%%=*}"; done
	date -u -d "@$(($(date +%s) - 1000 + made))" +%Y-%m-%dT%H:%M:%S.000000001Z >"$dir/created"
}

# process_of PID: as files have it.
process_of() {
	printf '%s %s\n' "$1" "$(sed 's/.*) //' "/proc/$1/stat" | cut -d ' ' -f 20)"
}

# running NAME [FILE=VALUE...]: a container with this very shell in it.
running() {
	container "$@" "started=$(date -u -d '5 minutes ago' +%Y-%m-%dT%H:%M:%S.000000000Z)" || return
	process_of $$ >"$run/pid"
}

# column NUMBER ARG...: that one of all rows, a line each. (12 are the labels.)
column() {
	local number=$1
	shift
	"$tool" "$@" store run | cut -f "$number"
}

# names ARG...: the names on one line.
names() {
	column 11 "$@" | xargs
}

@test "columns are in order, newest first, and empty if nobody wants them" {
	container old image=busybox command='sh -c echo a command longer than twenty' network=host
	container new command=1234567890123456789é
	[ "$("$tool" -a store run | awk -F '\t' '{ print NF }' | xargs)" = '15 15' ]
	[ "$(names -a)" = 'new old' ]
	[ -z "$("$tool" store run)" ]
	read -r time <"$dir/created"
	[ "$("$tool" -a -n 1 store run | sed 's/[0-9]* minutes/N minutes/')" = "$(printf '%s\t%s\t\t"1234567890123456789é"\t%s +0000 UTC\tN minutes ago\t\tcreated\tCreated\t0B\tnew\t\t\tnone\t0' \
		"$time" "${id:0:12}" "$(echo "${time%.*}" | tr T ' ')")" ] || fail "$("$tool" -a -n 1 store run)"
	[ "$(column 4 -a | tail -n 1)" = '"sh -c echo a comman…"' ]
	[ "$(column 4 -a --no-trunc | tail -n 1)" = '"sh -c echo a command longer than twenty"' ]
	[ "$("$tool" -a -o '{{.Names}} {{.ID}}' store run | tail -n 1 | cut -f 2-)" = "$(printf '100000000000\t\t\t\t\t\t\t\t\told\t\t\t\t')" ]
	[ "$("$tool" -a -o json store run)" = "$("$tool" -a store run)" ]
	[ "$("$tool" -aq store run | xargs)" = '200000000000 100000000000' ]
	[ "$("$tool" -aq --no-trunc -n 1 store run)" = "$id" ]
	# the equivalent of the manual
	[ "$("$tool" -aq --no-trunc store run)" = "$(cd store/containers && grep -H . ./*/created | sort -t : -k 2 -r | cut -d / -f 2)" ]
}

@test "state: by processes, and by what the shim has noted" {
	local ended
	ended=$(date -u -d '90 minutes ago' +%Y-%m-%dT%H:%M:%S.000000000Z)
	running up
	running paused
	echo true >"$run/paused"
	running healthy
	mkdir "$dir/checks"
	echo healthy >"$dir/checks/status"
	running starting
	mkdir "$dir/checks"
	echo starting >"$dir/checks/status"
	running reused # another process has its number
	echo "$$ 1" >"$run/pid"
	running shim
	echo "$$ 1" >"$run/pid"
	process_of $$ >"$run/shim"
	container exited exit=7 "finished=$ended" started=x
	container again exit=1 "finished=$ended"
	process_of $$ >"$run/restarting"
	container waits # for its start
	process_of $$ >"$run/pid"
	container empty created=
	: >"$dir/created"
	column 8,9,11 -a | sort >out
	diff out - <<-'END'
		created	Created	waits
		dead	Dead (see skiff check)	reused
		exited	Exited (7) 2 hours ago	exited
		paused	Up 5 minutes (Paused)	paused
		restarting	Restarting (1) 2 hours ago	again
		running	Up 5 minutes	shim
		running	Up 5 minutes	up
		running	Up 5 minutes (health: starting)	starting
		running	Up 5 minutes (healthy)	healthy
	END
	[ "$(names)" = 'again shim starting healthy paused up' ]
}

@test "state: a zombie is no process" {
	mkfifo end
	python3 -c 'import os
pid = os.fork()
if pid == 0: os._exit(0)
os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
with open("zombie.new", "w") as f: f.write(f"{pid}\n")
os.rename("zombie.new", "zombie")
open("end").read()' 3>&- 4>&- &
	wait_until test -s zombie
	running c
	[ "$(column 8)" = running ]
	process_of "$(cat zombie)" >"$run/pid"
	[ "$(column 8 -a)" = dead ] || fail "$(column 8 -a)"
	: >end
	wait
}

@test "ages are in docker's words" {
	local age words
	while IFS='|' read -r age words; do
		rm -rf store/containers/*
		made=0
		container c exit=0 "finished=$(date -u -d "$age ago" +%Y-%m-%dT%H:%M:%S.0Z)"
		[ "$(column 9 -a)" = "Exited (0) $words ago" ] || fail "$age: $(column 9 -a)"
	done <<-'END'
		30 seconds|30 seconds
		90 seconds|About a minute
		121 seconds|2 minutes
		3590 seconds|59 minutes
		5300 seconds|About an hour
		5500 seconds|2 hours
		47 hours|47 hours
		13 days|13 days
		15 days|2 weeks
		59 days|8 weeks
		61 days|2 months
		729 days|24 months
		731 days|2 years
	END
	rm -rf store/containers/*
	container future exit=0 finished=2200-01-01T00:00:00.0Z
	[ "$(column 9 -a)" = 'Exited (0) Less than a second ago' ]
}

@test "ports: ranges by the port inside, what moves comes last, then none of a stopped one" {
	running c exposed=$'22/tcp\n80/tcp\n81/tcp\n82/tcp\n82/udp\n9000/tcp' \
		ports=$'0.0.0.0 8080 80/tcp\n0.0.0.0 81 81/tcp\n:: 81 81/tcp\n0.0.0.0 82 82/tcp\n127.0.0.1 5 443/udp'
	[ "$(column 7)" = '22/tcp, 0.0.0.0:81-82->81-82/tcp, :::81->81/tcp, 82/udp, 9000/tcp, 0.0.0.0:8080->80/tcp, 127.0.0.1:5->443/udp' ] ||
		fail "$(column 7)"
	echo '1.2.3.4 2 3/tcp' >"$dir/ports"
	: >"$dir/exposed"
	[ "$(column 7)" = '1.2.3.4:2->3/tcp' ]
	rm "$run/pid"
	[ -z "$(column 7 -a)" ]
}

@test "sizes: hard links once, the work directory and directories not, decimal units" {
	container c image-id=i
	echo 4000000 >store/images/i/size
	head -c 999 /dev/zero >"$dir/rw/upper/file"
	ln "$dir/rw/upper/file" "$dir/rw/upper/link"
	mkdir -p "$dir/rw/upper/work"
	head -c 5000 /dev/zero >"$dir/rw/work/work/not"
	[ "$(column 10 -a)" = 0B ]
	[ "$(column 10 -as)" = '999B (virtual 4MB)' ]
	[ "$(column 10 -a -o Size)" = 999B ]
	printf x >"$dir/rw/upper/work/counts"
	[ "$(column 10 -a -o Size)" = 1kB ]
	truncate -s 1234567 "$dir/rw/upper/link"
	[ "$(column 10 -a -o Size)" = 1.23MB ]
	truncate -s 99960000 "$dir/rw/upper/link"
	[ "$(column 10 -a -o Size)" = 100MB ]
	rm -r "$dir/rw"
	[ "$(column 10 -as)" = '0B (virtual 4MB)' ]
	# deeper than a path can be
	mkdir -p "$dir/rw/upper"
	(
		cd "$dir/rw/upper" || exit
		name=$(printf 'd%.0s' {1..200})
		for _ in {1..40}; do mkdir "$name" && cd -P "$name" || exit; done
		echo 12345 >file
	)
	[ "$(column 10 -a -o Size)" = 6B ]
}

@test "labels, mounts, networks" {
	container c unshare-run="$(printf '%s\n' --bind /a/b /data --read-only --ro-bind "store/volumes/vol/_data" /v --bind /a/very/long/path /p --bind)" \
		networks=$'one,alias=x\ntwo' network=one
	printf 'a=1\0b\0a=2=3\0c=\0t\tx=1\n2\0373\0' >"$dir/labels"
	[ "$(column 12 -a | tr '\037' '|')" = 'a=2=3|b=|c=|t?x=1?2?3' ] || fail "$(column 12 -a | cat -v)"
	[ "$(column 13 -a)" = '/a/b,vol,/a/very/long/p…' ] || fail "$(column 13 -a)"
	[ "$(column 13 -a --no-trunc)" = /a/b,vol,/a/very/long/path ]
	[ "$(column 14 -a)" = one,two ]
	[ "$(column 15 -a)" = 1 ]
	# many, as an image may have
	seq 1 200000 | sed 's/.*/x&=y/' | tr '\n' '\0' >"$dir/labels"
	[ "$(column 12 -a | tr '\037' '\n' | wc -l)" -eq 200000 ]
}

@test "filters" {
	local options want
	running web ports='0.0.0.0 8080 80/tcp' exposed=80/tcp image-id=aa networks=back,x network=back
	mkdir "$dir/checks"
	echo healthy >"$dir/checks/status"
	printf 'k=1\0k=2\0' >"$dir/labels"
	container db exit=3 finished=x image-id=bb unshare-run=$'--bind\nstore/volumes/vol/_data\n/data'
	printf 'k=1\0l=\0' >"$dir/labels"
	local time
	read -r time <"$dir/created"
	container web-2 exposed=$'53/udp\n8000/tcp'
	while IFS='|' read -r options want; do
		# shellcheck disable=SC2086
		[ "$(names $options)" = "$want" ] || fail "$options: $(names $options), expected $want"
	done <<-END
		-a -f id=20|db
		-a -f name=web|web-2 web
		-a -f name=/web\$|web
		-a -f name=^/d|db
		-a -f name=|web-2 db web
		-a -f label=k|db web
		-a -f label=k=1|db
		-a -f label=k -f label=l|db
		-a -f label=l=|db
		-a -f label=k=1 -f label=k=2|
		-f status=exited|db
		-f status=exited -f status=created|web-2 db
		-f exited=3|
		-a -f exited=3 -f exited=4|db
		-a -f ancestor=aa -f ancestor=bb|db web
		-a -f ancestor=a|
		-a -f ancestor=|
		-a -f before=$time|web
		-a -f since=$time|web-2
		-a -f volume=vol|db
		-a -f volume=/data|db
		-a -f network=back|web
		-a -f network=none|web-2 db
		-a -f publish=80|web
		-a -f publish=8080|
		-a -f expose=53/udp -f expose=79-80|web-2 web
		-a -f expose=53|
		-a -f health=healthy|web
		-a -f health=none|web-2 db
		-a -f is-task=0|web-2 db web
		-a -f is-task=true|
		-n 1 -f label=k|db
	END
}

@test "what is wrong is refused; a store with nothing in it is not" {
	local filter
	container c
	for filter in status=asleep exited= exited=x health=x is-task=x publish=90-80 publish=80/icmp expose=123456 expose=1-2-3 'name=a['; do
		run --separate-stderr "$tool" -a -f "$filter" store run
		# shellcheck disable=SC2154
		[ "$status" -eq 125 ] && [ -z "$output" ] && [ "$stderr" = "containers: invalid filter '$filter'" ] ||
			fail "$filter: $status $output $stderr"
	done
	for filter in colour=red name nam=x =x; do expect 125 "$tool" -f "$filter" store run; done
	expect 125 "$tool" store
	expect 125 "$tool" -n 0 store run
	expect 125 "$tool" -x store run
	expect 125 "$tool" store/containers/*/created run
	expect 0 "$tool" -a none none
	expect 0 "$tool" -a run run
	expect 125 sh -c '"$0" -a store run >/dev/full' "$tool"
}

@test "hostile: names that are no IDs, files that are none, a row that vanishes" {
	container c
	mkdir -p store/containers/{.x,abc,"$(printf 'A%.0s' {1..64})"}
	for file in store/containers/{.x,abc,A*}; do echo 2026-11-24T10:00:00.0Z >"$file/created"; done
	[ "$(names -a)" = c ]
	mkfifo "$dir/command" # nobody waits for it
	rm "$dir/name" && mkdir "$dir/name"
	printf 'a\tb\37c\0d\n' >"$dir/image"
	[ "$(LIMIT=5 timeout 5 "$tool" -a store run | cut -f 3,4,11)" = "$(printf 'a?b?c\t""\t')" ]
	# removed and made again while it is read: each row has all of it, or is not there
	rm -r "$dir"
	(
		for n in {1..200}; do
			mkdir "$dir" && echo img >"$dir/image" && echo cmd >"$dir/command" && echo name >"$dir/name" &&
				echo "2026-11-24T10:00:00.${n}Z" >"$dir/created" || exit
			rm "$dir/created" && rm -r "$dir"
		done
	) 3>&- 4>&- &
	local writer=$! seen=0 row
	while kill -0 $writer 2>/dev/null; do
		row=$("$tool" -a store run | cut -f 3,4,11)
		[ -z "$row" ] || { seen=$((seen + 1)) && [ "$row" = "$(printf 'img\t"cmd"\tname')" ]; } || fail "$row"
	done
	wait $writer
	[ $seen -gt 0 ]
}
