#!/usr/bin/env bats
# The journal of events, and skiff events that reads it.
# shellcheck shell=bash

load helper

setup_file() {
	skiff_setup_file
	rm -f "$SKIFF_ROOT/events"
	write 2026-01-01T10:00:00.000000001Z container create aaaa1111 image=busybox name=web color=blue
	write 2026-01-01T10:00:01.000000000Z container start aaaa1111 image=busybox name=web color=blue
	write 2026-01-01T10:00:02.500000000Z image pull busybox:latest name=busybox
	write 2026-01-01T10:00:03.000000000Z container die bbbb2222 image=alpine:3 name=db exitCode=7
	write 2026-01-01T10:00:04.000000000Z volume create data driver=local
	write 2026-01-01T10:00:05.000000000Z network create cccc3333 name=net type=bridge
	write 2026-01-01T10:00:06.000000000Z container 'health_status: healthy' aaaa1111 image=busybox 'name=web' 'odd="q\x'
}

teardown_file() {
	skiff_teardown_file
}

setup() {
	in_time
	cd "$BATS_TEST_TMPDIR" || return
}

write() {
	local IFS=$'\t'
	printf '%s\n' "$*" >>"$SKIFF_ROOT/events"
}

past() { # OPTION...: what happened that day
	skiff events --since 2026-01-01T00:00:00Z --until 2026-01-02T00:00:00Z "$@"
}

@test "a line for each event, in order" {
	run past
	[ "${#lines[@]}" -eq 7 ]
	[ "${lines[0]}" = '2026-01-01T10:00:00.000000001Z container create aaaa1111 (color=blue, image=busybox, name=web)' ] # by their names
	[[ ${lines[6]} = *'health_status: healthy aaaa1111 '* ]]
}

@test "since and until, to the nanosecond" {
	count() { skiff events --since "$1" --until "$2" | wc -l; }
	[ "$(count 2026-01-01T10:00:01Z 2026-01-01T10:00:03Z)" -eq 3 ]
	[ "$(count 2026-01-01T10:00:00.000000001Z 2026-01-01T10:00:00.000000001Z)" -eq 1 ]
	[ "$(count 2026-01-01T10:00:00.000000002Z 2026-01-01T10:00:00.5Z)" -eq 0 ]
	[ "$(count 1767261602 1767261604)" -eq 3 ]
	[ "$(count 2026-01-01T12:00:01+02:00 2026-01-01T10:00:03Z)" -eq 3 ]
	[ "$(count 2026-01-01 2026-01-02)" -eq 7 ]
}

@test "filters: any of one key, all of different keys" {
	count() { past "$@" | wc -l; }
	[ "$(count -f type=container)" -eq 4 ]
	[ "$(count -f container=web)" -eq 3 ]
	[ "$(count -f container=aaaa)" -eq 3 ]
	[ "$(count -f container=web -f container=db)" -eq 4 ]
	[ "$(count -f container=web -f event=start)" -eq 1 ]
	[ "$(count -f event=health_status)" -eq 1 ]
	[ "$(count -f 'event=health_status: healthy')" -eq 1 ]
	[ "$(count -f image=busybox)" -eq 4 ]
	[ "$(count -f image=alpine)" -eq 1 ]
	[ "$(count -f label=color)" -eq 2 ]
	[ "$(count -f label=color=blue)" -eq 2 ]
	[ "$(count -f label=color=red)" -eq 0 ]
	[ "$(count -f volume=data)" -eq 1 ]
	[ "$(count -f network=net)" -eq 1 ]
	[ "$(count -f scope=local)" -eq 7 ]
	[ "$(count -f scope=swarm)" -eq 0 ]
}

@test "new events as they happen; the reader may leave" {
	"$REPO/bin/skiff" events >seen 3>&- 4>&- &
	local reader=$!
	sleep 0.5
	write 2026-01-03T00:00:00.000000000Z container start dddd4444 image=x name=new
	wait_until grep -q dddd4444 seen
	! grep -q aaaa1111 seen
	kill $reader
	wait $reader || true
	# The end of head is seen with the next events.
	bash -c '"$0" events --since 2026-01-01 | head -n 1' "$REPO/bin/skiff" >first 3>&- 4>&- &
	wait_until grep -q aaaa1111 first
	none() {
		write 2026-01-03T00:00:01.000000000Z container stop dddd4444 image=x name=new
		! pgrep -f "tail .* $SKIFF_ROOT/events" >/dev/null # also that of the reader killed
	}
	wait_until none
}

@test "it follows when a new journal is begun" {
	cp "$SKIFF_ROOT/events" keep
	"$REPO/bin/skiff" events >seen 3>&- 4>&- &
	local reader=$!
	sleep 0.5
	mv "$SKIFF_ROOT/events" "$SKIFF_ROOT/events.1"
	write 2026-01-03T00:00:00.000000000Z container start eeee5555 image=x name=new
	wait_until grep -qa eeee5555 seen
	kill $reader
	wait $reader || true
	mv keep "$SKIFF_ROOT/events"
	rm "$SKIFF_ROOT/events.1"
}

@test "a journal of 17 MB is put aside, and still read" {
	cp "$SKIFF_ROOT/events" keep
	yes 2026-01-03T00:00:00.000000000Z$'\tcontainer\tstart\tffff5555\tname=many' | head -c 17000000 >>"$SKIFF_ROOT/events"
	skiff check
	[ ! -s "$SKIFF_ROOT/events" ]
	[ "$(past | wc -l)" -eq 7 ]
	mv keep "$SKIFF_ROOT/events"
	rm "$SKIFF_ROOT/events.1"
}

@test "labels that are longer than an argument can be" {
	cp "$SKIFF_ROOT/events" keep
	long=$(head -c 60000 /dev/zero | tr '\0' x)
	id=$(skiff create --name long --label "a=$long" --label "b=$long" --label "c=$long" busybox true)
	expect 0 skiff rename long longer
	# Told though a file of it stays, as it is no container any more.
	mkdir "$SKIFF_ROOT/containers/$id/mounted"
	mount --bind /mnt "$SKIFF_ROOT/containers/$id/mounted"
	run skiff rm longer
	umount "$SKIFF_ROOT/containers/$id/mounted"
	rm -r "$SKIFF_ROOT/containers/$id"
	[ "$status" -ne 0 ] || fail "$output"
	for action in create rename destroy; do
		[ "$(skiff events --until "$(date +%s.%N)" -f "container=$id" -f event=$action --format '{{.Actor.Attributes.c}}')" = "$long" ] ||
			fail "$action"
	done
	mv keep "$SKIFF_ROOT/events"
}

@test "--until in the future ends by itself" {
	expect 0 timeout 20 env skiff events --until "$(date -d '+1 second' +%s)"
}

@test "as JSON" {
	past --format json >events.json
	local first
	first=$(jq -c '[.Type, .Action, .Actor.ID, .Actor.Attributes.name, .time, .timeNano]' events.json | sed -n 1p)
	# (jq 1.6 rounds what it reads, 1.7 does not.)
	[[ $first = '["container","create","aaaa1111","web",1767261600,176726160000000000'[01]']' ]] || fail "$first"
	[ "$(jq -r 'select(.Actor.Attributes.odd) | .Actor.Attributes.odd' events.json)" = '"q\x' ]
	[ "$(past --format '{{.Type}} {{.Actor.Attributes.name}}' | head -n 1)" = 'container web' ]
}

@test "wrong options" {
	expect 125 skiff events --since yesterday-ish
	expect 125 skiff events --until ''
	expect 125 skiff events -f nonsense=1
	expect 125 skiff events -f type
	expect 1 skiff events extra
}
