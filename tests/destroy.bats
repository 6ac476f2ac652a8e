#!/usr/bin/env bats
# skiff system destroy: nothing of a store is left, and nothing of another is touched.
# shellcheck shell=bash disable=SC2016

load helper
load network

setup_file() {
	network_setup_file
	on host sysctl -qw net.ipv4.ip_forward=0
	on host nft add table inet filter # as a host has it that has a firewall
	busybox_tree "$BATS_FILE_TMPDIR/tree"
	tar -C "$BATS_FILE_TMPDIR/tree" -c . >"$BATS_FILE_TMPDIR/image.tar"
}

teardown_file() {
	network_teardown_file
}

setup() {
	in_time
	cd "$BATS_TEST_TMPDIR" || return
}

teardown() {
	local name
	for name in one two three; do
		if [ -e "$PWD/$name/root/cgroup" ]; then in_store "$name" skiff system destroy -f || true; fi
	done
}

in_store() { # NAME COMMAND...
	SKIFF_ROOT=$PWD/$1/root SKIFF_RUN=$PWD/$1/run "${@:2}"
}

# full_store NAME PORT: one with something of everything.
full_store() {
	export SKIFF_ROOT=$PWD/$1/root SKIFF_RUN=$PWD/$1/run
	skiff import -c 'CMD ["sh"]' - busybox <"$BATS_FILE_TMPDIR/image.tar" >/dev/null
	skiff network create --ipv6 net >/dev/null
	skiff network create --internal apart >/dev/null
	skiff volume create db >/dev/null
	skiff volume create -o type=tmpfs -o device=tmpfs memory >/dev/null
	mkdir -p "$PWD/$1/of-host"
	echo precious >"$PWD/$1/of-host/file"
	skiff volume create -o type=none -o o=bind -o "device=$PWD/$1/of-host" link >/dev/null
	skiff run -d --name web --network net --network apart --restart always -p "$2:80" -v db:/db -v link:/link busybox sh -c \
		'echo kept >/db/file; exec nc -ll -p 80 -e echo "here is $0"' "$1" >/dev/null
	skiff run -d --name paused -v memory:/memory --health-cmd true --health-interval 1s busybox sleep 1000 >/dev/null
	skiff pause paused >/dev/null
	skiff run -d --name again --network none --restart always busybox false >/dev/null
	skiff run --name ended --network net busybox true
	skiff create --name made busybox >/dev/null
	GROUP=$(cat "$SKIFF_ROOT/cgroup")
}

# traces NAME GROUP: what there is of that store.
traces() {
	[ ! -e "$PWD/$1/root" ] || find "$PWD/$1/root" -maxdepth 2
	[ ! -e "$PWD/$1/run" ] || find "$PWD/$1/run" -maxdepth 2
	in_store "$1" processes_of_store
	grep -sl -e "--pid-file=$PWD/$1/" /proc/[0-9]*/cmdline || true
	on host nft list tables | grep "$2\$" || true
	find /sys/fs/cgroup -name "$2"
	on host cat /proc/self/mountinfo | grep " $PWD/$1/" || true
}

works() { # NAME PORT
	[ "$(ask lan "10.9.0.1:$2")" = "here is $1" ]
	in_store "$1" skiff exec web grep -q kept /db/file
	in_store "$1" skiff exec web cat /link/file
	[ "$(in_store "$1" skiff inspect -f '{{.State.Paused}}' paused)" = true ]
	[ -z "$(in_store "$1" skiff check -n)" ]
}

@test "two stores side by side: one goes and leaves nothing, the other does not notice" {
	full_store one 8001
	one=$GROUP
	full_store two 8002
	two=$GROUP
	wait_until works one 8001
	wait_until works two 8002
	on host ip -br link | wc -l >before
	expect 0 in_store one skiff system destroy -f
	[ "$output" = "Destroyed: $PWD/one/root" ] || fail "$output"
	[ -z "$(traces one "$one")" ] || fail "$(traces one "$one")"
	[ "$(cat one/of-host/file)" = precious ]
	refused ask lan 10.9.0.1:8001
	works two 8002
	[ "$(on host cat /proc/sys/net/ipv4/ip_forward)" -eq 1 ]
	refused ask lan 10.8.0.2:9 # what the first has noted, the second keeps up
	on host nft list set inet "$two" strangers | grep -q wire0
	# again; and the other one, by its own verb
	expect 0 in_store one skiff system destroy -f
	[ "$output" = "There is no store $PWD/one/root" ] || fail "$output"
	expect 0 in_store two skiff system destroy -f
	[ -z "$(traces two "$two")" ] || fail "$(traces two "$two")"
	[ "$(on host cat /proc/sys/net/ipv4/ip_forward)" -eq 0 ]
	[ "$(on host cat /proc/sys/net/ipv6/conf/all/forwarding)" -eq 0 ]
	[ "$(on host ip -br link | grep -cv '^lo\|^wire')" -eq 0 ] || fail "$(on host ip -br link)"
}

@test "it asks, and says what goes; what is no store is refused, what is not of it stays" {
	mkdir -p one/root one/run
	export SKIFF_ROOT=$PWD/one/root SKIFF_RUN=$PWD/one/run
	expect 1 skiff system destroy -f
	[[ $output == *"is no store"* ]] || fail "$output"
	for name in ../../etc 'skiff-0000000g' 'user.slice' ''; do
		echo "$name" >one/root/cgroup
		mkdir -p one/root/layers/mine
		expect 1 skiff system destroy -f
		[ -d one/root/layers/mine ]
	done
	rm -r one/root
	skiff import - busybox <"$BATS_FILE_TMPDIR/image.tar" >/dev/null
	skiff volume create letters >/dev/null
	skiff create --name cc --network none busybox true >/dev/null
	expect 0 skiff system destroy </dev/null
	[[ $output == *'1 containers'*'1 images'*'1 volumes WITH ALL DATA IN THEM: letters'*'[y/N]'* ]] || fail "$output"
	[ -d one/root/volumes/letters ] && [ ! -e one/root/destroying ]
	echo mine >one/root/note
	# as of a container of another engine, with skiff in it: the path is the same, the directory is not
	unshare -m sh -c 'mount -t tmpfs tmpfs one && mkdir -p "$0/networks" &&
		exec timeout 60 dnsmasq -k --conf-file=/dev/null --port=0 --user=root --pid-file="$0/networks/net"' "$SKIFF_ROOT" 3>&- 4>&- &
	wait_until test -e "/proc/$!/root$SKIFF_ROOT/networks/net"
	expect 0 skiff system destroy <<<y
	kill $! || fail 'it is dead'
	[[ $output == *"$SKIFF_ROOT stays: something else is in it"* ]] || fail "$output"
	[ "$(find one -type f -o -name run)" = one/root/note ] || fail "$(find one)"
}

@test "one that has been copied is not destroyed as long as the other has containers that run" {
	export SKIFF_ROOT=$PWD/one/root SKIFF_RUN=$PWD/one/run
	skiff import - busybox <"$BATS_FILE_TMPDIR/image.tar" >/dev/null
	skiff run -d --name runs --network none busybox sleep 1000 >/dev/null
	cp -a one/root one/copy
	SKIFF_ROOT=$PWD/one/copy SKIFF_RUN=$PWD/one/run2 expect 1 skiff system destroy -f
	[[ $output == *"of the store $SKIFF_ROOT"*"same control group"* ]] || fail "$output"
	[ "$(skiff inspect -f '{{.State.Status}}' runs)" = running ]
	skiff rm -f runs >/dev/null
	SKIFF_ROOT=$PWD/one/copy SKIFF_RUN=$PWD/one/run2 expect 0 skiff system destroy -f
	[ ! -e one/copy ]
}

@test "a copy gets a control group and networks of its own from check, before anything of it starts; a moved store goes on" {
	export SKIFF_ROOT=$PWD/one/root SKIFF_RUN=$PWD/one/run
	skiff import - busybox <"$BATS_FILE_TMPDIR/image.tar" >/dev/null
	mkdir tree
	skiff create --name keeps --network none -v data:/data -v "$PWD/tree:$SKIFF_ROOT/volumes/inside" \
		busybox sh -c 'echo more >>/data/lines; wc -l </data/lines' >/dev/null
	skiff run -d --name runs --network none busybox sleep 1000 >/dev/null
	in_store one skiff network create net >/dev/null
	inside=$SKIFF_ROOT/volumes/inside # a path of the container
	group=$(cat one/root/cgroup)
	mkdir two
	cp -a one/root two/root
	export SKIFF_ROOT=$PWD/two/root SKIFF_RUN=$PWD/two/run
	for verb in 'start keeps' 'rm -f runs' 'network rm net' 'run --rm busybox true' 'volume rm data' 'cp keeps:/etc/passwd .'; do
		# shellcheck disable=SC2086 # words
		run skiff $verb
		[ "$status" -ne 0 ] && [[ $output == *"two/root is a copy of the store $PWD/one/root"* ]] || fail "$verb: $output"
	done
	[ "$(skiff ps -a --format '{{.Names}}' | wc -l)" -eq 2 ]
	expect 0 skiff system df
	SKIFF_RUN=$PWD/one/run expect 0 skiff port runs
	expect 1 skiff check -n
	[ "$(cat two/root/cgroup)" = "$group" ]
	command=$(sed -n "s/.*rules: '\(.*\)' gives it its own/\1/p" <<<"$(skiff start keeps 2>&1)")
	expect 0 sh -c "$command"
	[ "$(cat two/root/cgroup)" != "$group" ] && [ "$(cat one/root/cgroup)" = "$group" ]
	for file in bridge table id; do
		refused cmp -s one/root/networks/net/$file two/root/networks/net/$file
	done
	[ "$(skiff start -a keeps)" = 1 ]
	[ ! -s one/root/volumes/data/_data/lines ] || fail 'it wrote to the volume of the original'
	skiff rm -f runs >/dev/null
	mv two three
	export SKIFF_ROOT=$PWD/three/root SKIFF_RUN=$PWD/three/run
	skiff inspect keeps >/dev/null
	skiff run --explain --rm --network none busybox true >/dev/null
	[ "$(head -n 1 three/root/home)" = "$PWD/two/root" ] || fail 'who looks only is at home there'
	[ "$(skiff start -a keeps)" = 2 ]
	[ "$(cat three/root/home)" = "$SKIFF_ROOT"$'\n'"$SKIFF_RUN" ]
	grep -qx "$inside" three/root/containers/*/unshare-run
	expect 1 skiff volume rm data # it is in use
	[ "$(SKIFF_ROOT=$PWD/one/root SKIFF_RUN=$PWD/one/run skiff inspect -f '{{.State.Status}}' runs)" = running ]
	expect 0 skiff check
	[ -z "$output" ] || fail "$output"
	expect 0 skiff system destroy -f
}

@test "a copy with the SKIFF_RUN of the original: check does not give it its own, and boot starts nothing of it" {
	export SKIFF_ROOT=$PWD/one/root SKIFF_RUN=$PWD/one/run
	skiff import - busybox <"$BATS_FILE_TMPDIR/image.tar" >/dev/null
	id=$(skiff run -d --restart always --network none busybox sleep 1000)
	refuses() {
		SKIFF_ROOT=$PWD/one/copy expect 1 skiff "$1"
		[[ $output == *"SKIFF_RUN=$SKIFF_RUN is that of $PWD/one/root: a store needs one of its own"* ]] || fail "$output"
		cmp one/root/cgroup one/copy/cgroup
	}
	cp -a one/root one/copy
	for verb in check boot; do refuses $verb; done
	[ "$(skiff inspect -f '{{.State.Status}}' "$id")" = running ]
	# the power goes, and nothing in SKIFF_RUN tells of the original any more
	kill -KILL "$(cut -d ' ' -f 1 "$SKIFF_RUN/$id/shim")"
	cgset kill "$(cat one/root/cgroup)/$id"
	rm -r one/run one/copy
	expect 0 skiff check # it is recorded that it ended
	rm -rf one/run
	cp -a one/root one/copy
	for verb in check boot; do
		refuses $verb
		[ ! -e "$SKIFF_RUN/$id" ]
	done
	# one that was made before this was noted has the directories of the containers
	sed -i 2d one/copy/home
	mkdir -p "$SKIFF_RUN/$id"
	refuses check
	rm -r one/copy
	skiff boot
	[ "$(skiff inspect -f '{{.State.Status}}' "$id")" = running ]
}

@test "nobody starts a container while its store is destroyed" {
	export SKIFF_ROOT=$PWD/one/root SKIFF_RUN=$PWD/one/run
	skiff import - busybox <"$BATS_FILE_TMPDIR/image.tar" >/dev/null
	skiff create --name late --network none busybox sleep 1000 >/dev/null
	group=$(cat one/root/cgroup)
	# It looks for name servers when it has ended all containers.
	mkdir slow
	printf '#!/bin/sh\n[ "$1" != dnsmasq ] || { : >%s/at && until [ -e %s/on ]; do sleep 0.1; done; }\nexec %s "$@"\n' \
		"$PWD" "$PWD" "$(command -v pidof)" >slow/pidof
	chmod +x slow/pidof
	PATH=$PWD/slow:$PATH env skiff system destroy -f 3>&- &
	wait_until test -e at
	run skiff start late
	: >on
	wait $!
	[ "$status" -ne 0 ] || fail "$output"
	expect 125 cgset path "$group"
	[ ! -e one/root ]
}

# nothing_of NAME GROUP: after "destroy".
nothing_of() {
	expect 0 in_store "$1" skiff system destroy -f
	[ -z "$(traces "$1" "$2")" ] || fail "$(traces "$1" "$2")"
	[ "$(on host ip -br link | grep -cv '^lo\|^wire')" -eq 0 ] || fail "$(on host ip -br link)"
	[ "$(cat "$1/of-host/file")" = precious ]
}

@test "half of it is gone already" {
	local part
	for part in containers networks run shims 'networks run containers names idmaps events'; do
		full_store one 8003
		if [ "$part" = shims ]; then
			cat "$SKIFF_RUN"/*/shim | cut -d ' ' -f 1 | xargs kill -KILL
		else # "again" may be just starting
			for name in $part; do
				until rm -rf "${SKIFF_ROOT:?}/$name" "$SKIFF_ROOT/../$name" 2>/dev/null; do :; done
			done
		fi
		nothing_of one "$GROUP"
	done
}

@test "killed at any point: nothing new is made meanwhile, and the next one takes the rest" {
	RANDOM=${SEED:-42}
	local n delay
	for n in 1 2 3; do
		full_store one 8004
		background host setsid env "PATH=$PATH" "SKIFF_ROOT=$SKIFF_ROOT" "SKIFF_RUN=$SKIFF_RUN" skiff system destroy -f
		wait_until test -e "$SKIFF_ROOT/destroying"
		delay=00$((RANDOM % 500))
		sleep "0.${delay: -3}"
		! pkill -KILL -s "$!" || [ ! -e "$SKIFF_ROOT/destroying" ] || {
			expect 125 skiff run --rm busybox true
			[[ $output == *'is being destroyed'* ]] || fail "$output"
		}
		nothing_of one "$GROUP"
	done
}

@test "what somebody is just starting is ended; links to the directories are followed, and stay" {
	local id left
	mkdir -p store running one slow # the chain waits, as on a busy machine
	ln -s ../store one/root
	ln -s ../running one/run
	printf '#!/bin/sh\nsleep 1\nexec "%s" "$@"\n' "$(command -v choom)" >slow/choom
	chmod +x slow/choom
	export SKIFF_ROOT=$PWD/one/root SKIFF_RUN=$PWD/one/run
	skiff import - busybox <"$BATS_FILE_TMPDIR/image.tar" >/dev/null
	id=$(skiff create --name late --network none --oom-score-adj 1 busybox sleep 1000)
	group=$(cat one/root/cgroup)
	PATH=$PWD/slow:$PATH skiff start late >out 2>&1 &
	wait_until test -s "one/run/$id/shim"
	expect 0 skiff system destroy -f
	[[ $output == *"$SKIFF_RUN stays: it is a symbolic link"*"$SKIFF_ROOT stays: it is a symbolic link"* ]] || fail "$output"
	wait $! || true
	[ -z "$(find store running -mindepth 1)" ] || fail "$(find store running)"
	left=$(traces one "$group" | grep -v '/one/r[a-z]*$' || true)
	[ -z "$left" ] || fail "$left"
}
