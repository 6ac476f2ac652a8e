#!/usr/bin/env bats
# docs/where.md: skiff where students are: a class behind one address, a machine without internet.
# shellcheck shell=bash disable=SC2016

load helper
load registries

# One namespace is the class room: the teacher's machine at 192.0.2.9, and nothing beyond.
setup_file() {
	skiff_setup_file
	HUB=$(real_registry hub)
	export HUB
	skiff tag busybox "$HUB/library/busybox:1"
	skiff push -q "$HUB/library/busybox:1"
	tar -C "$BATS_FILE_TMPDIR/tree" -c ./etc | skiff import - other >/dev/null
	skiff tag other "$HUB/library/other:1"
	skiff push -q "$HUB/library/other:1"
}

teardown_file() {
	end_registries
	skiff_teardown_file
}

setup() {
	in_time
	cd "$BATS_TEST_TMPDIR" || return
}

# student NAME COMMAND...: with a store of his own.
student() {
	local name=$1
	shift
	SKIFF_ROOT=$PWD/$name/root SKIFF_RUN=$PWD/$name/run "$@"
}

@test "a mirror for a class: what one has pulled the others get from it, when the hub is away, too" {
	mirror=$(real_registry mirror "proxy: {remoteurl: 'http://$HUB'}")
	export SKIFF_REGISTRY_MIRROR=http://$mirror
	expect 0 student ann skiff run --rm busybox:1 echo ran
	[ "${lines[-1]}" = ran ]
	first=$(requests hub 'GET /v2/library/busybox/blobs/')
	[ "$first" -ge 1 ]
	expect 0 student bob skiff pull busybox:1
	[ "$(requests hub 'GET /v2/library/busybox/blobs/')" -eq "$first" ]
	[ "$(requests mirror 'GET /v2/library/busybox/blobs/')" -ge 4 ]
	kill "$(cat "$BATS_FILE_TMPDIR/hub/registry.pid")"
	wait_until eval '! curl -s -o /dev/null "http://$HUB/v2/"'
	expect 0 student cat skiff pull busybox:1
	run student cat skiff pull other:1 # which nobody has pulled
	[ "$status" -ne 0 ]
	# up again, for end_registries
	docker-registry serve "$BATS_FILE_TMPDIR/hub/config.yml" >/dev/null 2>&1 3>&- 4>&- &
	echo $! >"$BATS_FILE_TMPDIR/hub/registry.pid"
	disown
}

@test "the mirror of docs/where.md: its file, at another machine's address; later without a hub" {
	sed -n '/^    version: 0.1$/,/^$/s/^    //p' "$REPO/docs/where.md" | sed "s|/srv/mirror|$PWD/data|; s|https://registry-1.docker.io|http://127.0.0.1:5555|" >mirror.yml
	grep -q remoteurl mirror.yml
	sed "s|127.0.0.1:0|127.0.0.1:5555|" "$BATS_FILE_TMPDIR/hub/config.yml" >hub.yml
	grep -v ^proxy: mirror.yml >alone.yml # as the page says
	cat >script <<-'END'
		trap 'kill $hub $mirror 2>/dev/null || :' EXIT
		answers() { curl -s -o /dev/null --retry 50 --retry-delay 1 --retry-connrefused --max-time 10 "$1/v2/"; }
		student() { SKIFF_ROOT=$PWD/$1/root SKIFF_RUN=$PWD/$1/run skiff pull busybox:1; }
		export SKIFF_REGISTRY_MIRROR=http://192.0.2.9:5000
		ip link set lo up
		ip address add 192.0.2.9/32 dev lo
		docker-registry serve hub.yml >/dev/null 2>&1 & hub=$!
		answers http://127.0.0.1:5555
		docker-registry serve mirror.yml >/dev/null 2>&1 & mirror=$!
		answers $SKIFF_REGISTRY_MIRROR
		student ann
		kill $hub $mirror
		wait
		docker-registry serve alone.yml >/dev/null 2>&1 & mirror=$!
		answers $SKIFF_REGISTRY_MIRROR
		student bob
	END
	expect 0 timeout -s KILL 40 unshare -n sh -eu script 3>&- 4>&-
	[ "$(grep -c 'Downloaded newer image for busybox:1' <<<"$output")" -eq 2 ] || fail "$output"
}

@test "without internet: make demo's script needs none" {
	expect 0 student demo unshare -n sh -c 'ip link set lo up; sh "$1/docs/demo.sh"' demo "$REPO"
	[[ $output == *'I am PID 1 on'* ]]
}

@test "without internet: images as files, from docker's and skiff's save, and from a tree" {
	skiff save -o class.tar busybox other
	expect 0 student ann unshare -n skiff load -i class.tar
	expect 0 student ann unshare -n skiff run --rm --network none busybox echo ran
	[ "$output" = ran ]
	[ "$(student ann skiff images -q | wc -l)" -eq 2 ]
	expect 0 student bob unshare -n sh -c 'tar -C "$1" -c . | skiff import - mine && skiff run --rm --network none mine echo mine ran' bob "$BATS_FILE_TMPDIR/tree"
	[ "${lines[-1]}" = 'mine ran' ]
}
