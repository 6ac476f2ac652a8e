#!/usr/bin/env bats
# skiff volume, and volumes in containers: made, filled from the image, shared, kept, removed.
# shellcheck shell=bash disable=SC2016

load helper
load container

setup_file() {
	skiff_setup_file
	cd "$BATS_FILE_TMPDIR" || return
	# An image with something at its mount points.
	mkdir -p tree/data/sub tree/empty
	echo hello >tree/data/file
	chown 1000:2000 tree/data/file
	chmod 4750 tree/data/file
	setfattr -n user.note -v kept tree/data/file
	chown 1000:1000 tree/data/sub
	ln -s file tree/data/link
	chmod 2775 tree/data
	chown 1000:2000 tree/data
	ln -s "$PWD" tree/host
	ln -s /data tree/todata
	mknod -m 666 tree/data/disk b 8 0
	tar --xattrs -C tree -c . | skiff import - filled >/dev/null
	tar --xattrs -C tree -c . | skiff import -c 'VOLUME ["/data", "/todata/deep"]' - anonymous >/dev/null
}

teardown() {
	local names
	skiff ps -a | awk -v c="$C" '$NF ~ "^" c "(-|$)" { print $1 }' | while read -r id; do skiff rm -fv "$id"; done >/dev/null
	names=$(skiff volume ls -q)
	# shellcheck disable=SC2086
	[ -z "$names" ] || skiff volume rm $names >/dev/null
	[ -z "$(ls -A "$SKIFF_ROOT/volumes")" ]
	! grep "$SKIFF_ROOT" /proc/self/mountinfo || return
	[ ! -d "$SKIFF_RUN/volumes" ] || rmdir "$SKIFF_RUN/volumes"
}

data() {
	printf '%s' "$SKIFF_ROOT/volumes/$1/_data"
}

exists() {
	[ -d "$SKIFF_ROOT/volumes/$1" ]
}

in_container() {
	skiff run --rm --name "$C" "$@"
}

# ---- the verbs ---------------------------------------------------------------

@test "create, ls, inspect, rm" {
	expect 0 skiff volume create "$V"
	[ "$output" = "$V" ]
	expect 0 skiff volume create "$V" # it is there: that is what was wanted
	expect 0 skiff volume create
	[[ $output =~ ^[0-9a-f]{64}$ ]]
	local anonymous=$output
	expect 0 skiff volume create --label a=b --label c -d local lab
	expect 0 skiff volume ls
	[ "${lines[0]}" = 'DRIVER    VOLUME NAME' ]
	[ "${lines[3]}" = "local     $V" ]
	[ "$(skiff volume ls -q | sort)" = "$(printf '%s\n' "$anonymous" lab "$V" | sort)" ]
	[ "$(skiff volume list -q -f label=a)" = lab ]
	[ "$(skiff volume ls -q --filter label=c=x)" = '' ]
	[ "$(skiff volume ls -q --filter name='^v')" = "$V" ]
	[ "$(skiff volume ls -q --filter driver=nfs)" = '' ]
	[ "$(skiff volume ls --format '{{.Name}} {{.Labels}}' -f name=lab)" = 'lab a=b,c=' ]
	[ "$(skiff volume ls --format json -f name=lab | jq -r .Mountpoint)" = "$(data lab)" ]
	expect 0 skiff volume inspect lab "$V"
	[ "$(jq -c '.[0] | keys_unsorted' <<<"$output")" = '["CreatedAt","Driver","Labels","Mountpoint","Name","Options","Scope"]' ]
	[ "$(jq -c '.[0] | [.Driver, .Labels, .Mountpoint, .Name, .Options, .Scope]' <<<"$output")" = \
		"[\"local\",{\"a\":\"b\",\"c\":\"\"},\"$(data lab)\",\"lab\",null,\"local\"]" ]
	[ "$(jq -c '.[1].Labels' <<<"$output")" = null ]
	[[ $(jq -r '.[0].CreatedAt' <<<"$output") =~ ^20[0-9-]{8}T[0-9:]{8}(Z|[+-][0-9:]{5})$ ]]
	[ "$(skiff volume inspect -f '{{.Name}}={{.Scope}}' lab)" = lab=local ]
	expect 0 skiff volume rm lab "$anonymous"
	[ "$output" = "lab"$'\n'"$anonymous" ]
	[ "$(skiff volume ls -q)" = "$V" ]
}

@test "wrong names and options: a clear line, nothing made" {
	local name
	for name in a -x .x x/y ../x x:y 'x y' '' "$(printf 'n%.0s' $(seq 256))"; do
		run skiff volume create -- "$name"
		[ "$status" -ne 0 ] || fail "$name: $output"
		[ "${#lines[@]}" -le 2 ]
	done
	expect 1 skiff volume create a
	[[ $output = *'create a: volume name is too short'* ]]
	expect 1 skiff volume create x/y
	[[ $output = *'includes invalid characters for a local volume name, only "[a-zA-Z0-9][a-zA-Z0-9_.-]" are allowed. If you intended to pass a host directory, use absolute path' ]]
	expect 1 skiff volume create -d other "$V"
	[[ $output = *'plugin "other" not found' ]]
	for name in foo=bar device=x o=x type=tmpfs; do
		expect 1 skiff volume create -o "$name" "$V"
	done
	expect 1 skiff volume create --label =x "$V"
	expect 1 skiff volume create one two
	expect 125 skiff volume create -o x "$V"
	expect 1 skiff volume rm
	expect 1 skiff volume inspect
	expect 1 skiff volume ls x
	expect 125 skiff volume ls -f x=y
	expect 1 skiff volume ls -f dangling=maybe
	expect 1 skiff volume rm "$V"
	[[ $output = *"get $V: no such volume" ]]
	expect 0 skiff volume rm -f "$V"
	[ "$output" = "$V" ]
	run --separate-stderr skiff volume inspect nothing
	[ "$status" -eq 1 ]
	[ "$output" = '[]' ]
	for name in ../containers .. . '' /etc; do
		expect 1 skiff volume rm "$name"
		expect 1 skiff volume inspect "$name"
	done
	[ -z "$(skiff volume ls -q)" ]
	[ -d "$SKIFF_ROOT/containers" ]
}

@test "in use: told by whom, running or not; several at once" {
	local id
	id=$(skiff create --name "$C" -v "$V:/v" busybox true)
	skiff volume create other
	expect 1 skiff volume rm "$V" other
	[[ $output = *"remove $V: volume is in use - [$id]"* ]]
	! exists other
	expect 1 skiff volume rm -f "$V"
	[ "$(skiff volume ls -q -f dangling=true)" = '' ]
	[ "$(skiff volume ls -q -f dangling=false)" = "$V" ]
	skiff rm "$C" >/dev/null
	[ "$(skiff volume ls -q -f dangling=1)" = "$V" ]
	expect 0 skiff volume rm "$V"
}

@test "prune: the anonymous ones, with -a all, never those in use" {
	local anonymous
	skiff volume create "$V"
	skiff volume create --label keep=yes kept
	anonymous=$(skiff volume create)
	head -c 1500 /dev/zero >"$(data "$anonymous")/x"
	skiff create --name "$C" -v used:/v -v /anon busybox true >/dev/null
	expect 0 skiff volume prune </dev/null
	[[ $output = 'WARNING! This will remove anonymous local volumes not used by at least one container.'*'[y/N] ' ]]
	exists "$anonymous"
	expect 0 skiff volume prune <<<y
	[[ $output = *$'Deleted Volumes:\n'"$anonymous"$'\n\nTotal reclaimed space: 1.5kB' ]]
	expect 0 skiff volume prune -f
	[ "$output" = 'Total reclaimed space: 0B' ]
	expect 0 skiff volume prune -af --filter label!=keep
	! exists "$V" && exists kept
	expect 0 skiff volume prune -f --filter all=true --filter label=keep=no
	exists kept
	expect 0 skiff volume prune -f --filter all=true --filter label=keep
	! exists kept && exists used
	[ "$(skiff volume ls -q | wc -l)" -eq 2 ]
}

@test "events" {
	: >"$SKIFF_ROOT/events"
	in_container -v "$V:/v:ro" busybox true
	skiff volume rm "$V"
	[ "$(awk -F '\t' '$2 == "volume" { print $3, $4, $NF }' "$SKIFF_ROOT/events")" = "create $V driver=local
mount $V read/write=false
unmount $V driver=local
destroy $V driver=local" ] || fail "$(cat "$SKIFF_ROOT/events")"
}

# ---- in containers -----------------------------------------------------------

@test "named: made when missing, shared at once, apart from the layer, kept" {
	skiff run -d --name "$C" --mount "source=$V,target=/v" busybox sleep 600 >/dev/null
	expect 0 skiff run --rm -v "$V:/other" busybox sh -c 'echo text >/other/x; echo lost >/y'
	[ "$(skiff exec "$C" cat /v/x)" = text ]
	run skiff exec "$C" ls /y
	[ "$status" -ne 0 ]
	[ "$(cat "$(data "$V")/x")" = text ]
	[ ! -e "$SKIFF_ROOT/containers/$(skiff inspect "$C" | jq -r '.[0].Id')/rw/upper/v/x" ]
	skiff rm -fv "$C" >/dev/null
	exists "$V"
	[ "$(in_container -v "$V:/v" busybox cat /v/x)" = text ]
	expect 0 in_container --network none -v "$V:/v" --userns host busybox stat -c %u /v/x
	[ "$output" = 0 ]
}

@test "files keep their owners in a user namespace, and on the disk" {
	expect 0 in_container -v "$V:/v" busybox sh -c 'touch /v/a /v/b; chown 1000:7 /v/b; stat -c %u:%g /v/a /v/b /v'
	[ "$output" = $'0:0\n1000:7\n0:0' ]
	[ "$(stat -c %u:%g "$(data "$V")/b")" = 1000:7 ]
	expect 0 in_container -u 1000 -v "$V:/v" busybox sh -c 'echo x >/v/b; ! touch /v/c 2>/dev/null'
}

@test "a file system that cannot be idmapped: told, and what to do" {
	mkdir -p o/{lower,upper,work,merged}
	mount -t overlay -o "lowerdir=$PWD/o/lower,upperdir=$PWD/o/upper,workdir=$PWD/o/work" overlay o/merged
	run in_container -v "$PWD/o/merged:/v" busybox stat -c %u /v
	umount o/merged
	[ "$status" -eq 0 ]
	[[ $output = *'o/merged: this file system cannot map ids'*userns=host*65534 ]] || fail "$output"
}

@test "anonymous: gone with --rm and rm -v, kept by rm, and while another has it" {
	local name
	in_container -v /v busybox touch /v/x
	[ -z "$(skiff volume ls -q)" ]
	skiff create --name "$C" -v /v -v "$V:/w" busybox true >/dev/null
	name=$(skiff inspect "$C" | jq -r '.[0].Mounts[] | select(.Destination == "/v").Name')
	[[ $name =~ ^[0-9a-f]{64}$ ]]
	[ "$(skiff volume inspect "$name" | jq -c '.[0].Labels')" = '{"com.docker.volume.anonymous":""}' ]
	skiff create --name "$C-2" --volumes-from "$C" busybox true >/dev/null
	skiff rm -v "$C" >/dev/null
	exists "$name"
	skiff rm "$C-2" >/dev/null
	exists "$name"
	skiff create --name "$C" --mount target=/v busybox true >/dev/null
	skiff rm --volumes "$C" >/dev/null
	[ "$(skiff volume ls -q | sort)" = "$(printf '%s\n' "$name" "$V" | sort)" ]
	# one that is not made after all leaves none
	expect 125 in_container -v /v --device /etc/passwd busybox true
	expect 125 in_container -v /v -u nobody-like-that busybox true
	[ "$(skiff volume ls -q | wc -l)" -eq 2 ]
}

@test "the volumes of the image" {
	skiff run --name "$C" anonymous sh -c 'cat /data/file; stat -c %a /data; touch /data/deep/new'
	[ "$(skiff inspect "$C" | jq -c '[.[0].Mounts[] | [.Type, .Destination]] | sort')" = '[["volume","/data"],["volume","/todata/deep"]]' ]
	[ "$(skiff inspect "$C" | jq -c '.[0].Config.Volumes')" = '{"/data":{},"/todata/deep":{}}' ]
	[ "$(skiff volume ls -q | wc -l)" -eq 2 ]
	skiff rm -v "$C" >/dev/null
	# what the user mounts there takes their place
	skiff create --name "$C" -v "$V:/data/" --tmpfs /todata/deep anonymous true >/dev/null
	[ "$(skiff volume ls -q)" = "$V" ]
}

@test "inspect and --volumes-from" {
	mkdir bound
	skiff create --name "$C" -v "$V:/named:ro" -v "$PWD/bound:/bound" -v /anon busybox true >/dev/null
	[ "$(skiff inspect "$C" | jq -c '.[0].Mounts | sort_by(.Destination) | map([.Type, .Name // .Source, .Destination, .RW, .Propagation, .Mode])[1:]')" = \
		"[[\"bind\",\"$PWD/bound\",\"/bound\",true,\"rprivate\",\"\"],[\"volume\",\"$V\",\"/named\",false,\"\",\"ro\"]]" ]
	[ "$(skiff ps -aq --no-trunc -f "volume=$V" -f volume=/bound)" = "$(skiff ps -aq --no-trunc -f volume=/anon)" ]
	[[ $(skiff ps -a --no-trunc --format '{{.Mounts}} {{.LocalVolumes}}') = *"$V"*' 2' ]]
	[ "$(skiff inspect "$C" | jq -c '.[0].HostConfig.Binds | sort')" = "[\"$PWD/bound:/bound\",\"$V:/named:ro\"]" ]
	expect 0 skiff run --rm --volumes-from "$C" busybox sh -c 'touch /anon/x /bound/y && ! touch /named/z 2>/dev/null'
	[ -e bound/y ]
	run skiff run --rm --volumes-from "$C:ro" -v other:/named busybox sh -c 'touch /named/z; touch /anon/z || touch /bound/z'
	[ "$status" -eq 1 ] # what the user says himself takes the place
	[ -e "$(data other)/z" ] && [ ! -e bound/z ]
	expect 125 skiff run --rm --volumes-from nothing busybox true
	expect 125 skiff run --rm --volumes-from "$C:sideways" busybox true
}

# ---- first use ---------------------------------------------------------------

@test "first use: contents with owners, modes, links and attributes; not into what has some" {
	in_container -v "$V:/data" filled true
	local d
	d=$(data "$V")
	[ "$(stat -c '%n %a %u:%g' "$d" "$d"/*)" = "$d 2775 1000:2000
$d/file 4750 1000:2000
$d/link 777 0:0
$d/sub 755 1000:1000" ]
	[ ! -e "$d/disk" ] # which would work there, even in a user namespace
	[ "$(readlink "$d/link")" = file ]
	[ "$(getfattr --only-values -n user.note "$d/file")" = kept ]
	[ "$(ls -A "$SKIFF_ROOT/volumes/$V")" = $'_data\ncreated\ndriver' ]
	rm "$d/sub" -r
	in_container -v "$V:/data" filled true
	[ ! -e "$d/sub" ]
	# by way of a link of the image, into another place, and where nothing is
	in_container -v "second:/todata" filled true
	[ -f "$(data second)/file" ]
	in_container -v "third:/nothing" filled true
	[ -z "$(ls -A "$(data third)")" ]
	in_container -v "third:/data:nocopy" filled true
	in_container --mount source=third,target=/data,volume-nocopy filled true
	[ -z "$(ls -A "$(data third)")" ]
	mkdir bind
	in_container -v "$PWD/bind:/data" filled true
	[ -z "$(ls -A bind)" ]
	expect 125 in_container -v "third:/data/file" filled true
	# an anonymous one is filled too
	[ "$(in_container -v /data filled cat /data/file)" = hello ]
}

@test "CVE-2022-23648: a link of the image to a place of the host copies nothing of it" {
	echo secret >"$BATS_FILE_TMPDIR/canary"
	[ "$(cat "$BATS_FILE_TMPDIR/tree/host/canary")" = secret ] # that is where the link leads, on the host
	in_container -v "$V:/host" filled true
	[ -z "$(ls -A "$(data "$V")")" ]
	in_container -v "$V:/host/../../../../$BATS_FILE_TMPDIR" filled true
	[ -z "$(ls -A "$(data "$V")")" ]
}

@test "first use by several at a time: once, and whole" {
	local n
	for n in $(seq 8); do
		(skiff run --name "$C-$n" -v "$V:/bin" busybox sh -c 'ls /bin | wc -l; rm -f /bin/wget') >"out.$n" 2>&1 3>&- 4>&- &
	done
	wait
	n=$(find "$BATS_FILE_TMPDIR/tree/bin" -mindepth 1 | wc -l)
	# the first one to run may have removed one; nobody brings it back
	[ ! -e "$(data "$V")/wget" ]
	[ "$(find "$(data "$V")" -mindepth 1 | wc -l)" -eq $((n - 1)) ]
	! grep -vxE "$n|$((n - 1))" out.* || fail "$(cat out.*)"
	[ "$(ls -A "$SKIFF_ROOT/volumes/$V")" = $'_data\ncreated\ndriver' ]
}

@test "killed in the middle of the first use: then whole" {
	RANDOM=${SEED:-4711}
	local n all client delay
	all=$(find "$BATS_FILE_TMPDIR/tree/bin" -mindepth 1 | wc -l)
	for n in $(seq 8); do
		setsid skiff create -v "$V:/bin" busybox true >/dev/null 2>&1 3>&- 4>&- &
		client=$!
		delay=00$((RANDOM % 50))
		sleep "0.${delay: -3}"
		kill -KILL -- "-$client" 2>/dev/null || true
		wait "$client" || true
		find "$SKIFF_ROOT/containers" -mindepth 1 -maxdepth 1 -exec touch -d '-2 minutes' '{}' +
		[ $((n % 2)) -eq 0 ] || skiff check >>checked
		expect 0 in_container -v "$V:/bin" busybox sh -c 'ls /bin | wc -l'
		[ "$output" -eq "$all" ] || fail "$n: $output of $all"
		skiff check >>checked
		skiff ps -aq | xargs -r skiff rm >/dev/null
		skiff volume rm "$V" >/dev/null
	done
	expect 0 skiff check
	[ -z "$output" ] || fail "$output"
}

@test "half filled: a start, and check, go on where somebody was killed" {
	local d=$SKIFF_ROOT/volumes/$V
	skiff create --name "$C" -v "$V:/data" busybox sh -c 'cat /data/*' >/dev/null
	mkdir -p "$d/content" "$d/.content.99999999"
	echo one >"$d/content/one"
	echo old >"$d/content/two"
	echo new >"$d/_data/two" # moved already, and changed since
	chmod 700 "$d/content"
	expect 0 skiff start -a "$C"
	[ "$output" = $'one\nnew' ]
	[ "$(stat -c %a "$d/_data")" = 700 ]
	[ "$(ls -A "$d")" = $'_data\ncreated\ndriver' ]
	mkdir -p "$d/content"
	echo three >"$d/content/three"
	expect 0 skiff check
	[[ $output = *"volume $V: half filled: repaired" ]]
	[ "$(cat "$d/_data/three")" = three ]
	[ ! -e "$d/content" ]
	mkdir "$d/.content.99999999"
	expect 0 skiff check
	[ "$(ls -A "$d")" = $'_data\ncreated\ndriver' ]
}

# ---- options -----------------------------------------------------------------

@test "a volume in memory: mounted while it is used, and shared" {
	skiff volume create -o type=tmpfs -o device=tmpfs -o o=size=2m,mode=1770 "$V"
	[ "$(skiff volume inspect "$V" | jq -c '.[0].Options')" = '{"type":"tmpfs","device":"tmpfs","o":"size=2m,mode=1770"}' ]
	skiff run -d --name "$C" -v "$V:/v" busybox sleep 600 >/dev/null
	skiff run -d --name "$C-2" -v "$V:/v" busybox sleep 600 >/dev/null
	expect 0 skiff exec "$C" sh -c 'grep " /v " /proc/mounts; stat -c %a /v; echo text >/v/x'
	[[ $output = *tmpfs*size=2048k*1770 ]]
	[ "$(skiff exec "$C-2" cat /v/x)" = text ]
	[ "$(cat "$(data "$V")/x")" = text ]
	skiff rm -f "$C" >/dev/null
	[ "$(skiff exec "$C-2" cat /v/x)" = text ]
	expect 1 skiff volume rm "$V"
	skiff stop -t 0 "$C-2" >/dev/null
	! mountpoint -q "$(data "$V")"
	skiff start "$C-2" >/dev/null
	run skiff exec "$C-2" cat /v/x
	[ "$status" -ne 0 ]
}

@test "a directory of the host as a volume: its files are never removed" {
	local id pid shim
	mkdir host
	echo precious >host/file
	skiff volume create -o type=none -o o=bind -o "device=$PWD/host" "$V"
	[ "$(in_container -v "$V:/v" busybox cat /v/file)" = precious ]
	expect 0 skiff volume rm "$V"
	[ "$(cat host/file)" = precious ]
	# A mount that was left behind by killed processes.
	skiff volume create -o type=none -o o=bind -o "device=$PWD/host" "$V"
	id=$(skiff run -d --name "$C" -v "$V:/v" busybox sleep 600)
	read -r shim _ <"$SKIFF_RUN/$id/shim"
	read -r pid _ <"$SKIFF_RUN/$id/pid"
	kill -KILL "$shim" "$pid"
	wait_until skiff check
	skiff rm "$C" >/dev/null
	! mountpoint -q "$(data "$V")" || fail 'check has left it mounted'
	mount --bind host "$(data "$V")"
	expect 0 skiff volume rm "$V"
	[ "$(cat host/file)" = precious ]
	# The same, where the volume is anonymous and goes with its container.
	id=$(skiff run -d --rm --name "$C" --mount "target=/v,volume-opt=type=none,volume-opt=o=bind,volume-opt=device=$PWD/host" busybox sleep 600)
	read -r shim _ <"$SKIFF_RUN/$id/shim"
	read -r pid _ <"$SKIFF_RUN/$id/pid"
	kill -KILL "$shim" "$pid"
	gone() { skiff check >/dev/null && [ ! -d "$SKIFF_ROOT/containers/$id" ]; }
	wait_until gone
	[ -z "$(skiff volume ls -q)" ]
	[ "$(cat host/file)" = precious ]
	# It cannot be mounted: told, and nothing is left.
	skiff volume create -o type=ext4 -o device=/nonexistent "$V"
	expect 125 in_container -v "$V:/v" busybox true
	[[ $output = *"volume $V: cannot mount it" ]]
	[ -z "$(ls -A "$SKIFF_RUN/volumes")" ]
}

# ---- check -------------------------------------------------------------------

@test "check: volumes half made, half removed, set aside, mounted for nobody" {
	local d=$SKIFF_ROOT/volumes
	skiff volume create "$V"
	mkdir -p "$d/.half.99999999/_data" "$d/gone/_data"
	touch "$d/gone/_data/x"
	skiff create --name "$C" -v wanted:/v busybox true >/dev/null
	touch "$d/wanted/_data/x"
	mv "$d/wanted" "$d/.wanted.99999999"
	skiff volume create -o type=tmpfs -o device=tmpfs memory
	mount -t tmpfs tmpfs "$d/memory/_data"
	mkdir -p "$SKIFF_RUN/volumes/memory"
	id=$(skiff inspect "$C" | jq -r '.[0].Id')
	echo "$id" >"$SKIFF_RUN/volumes/memory/$id"
	gone=${id//?/0} # by a start that came just when the container was removed
	echo "$gone" >"$SKIFF_RUN/volumes/memory/$gone"
	touch -d '-2 minutes' "$SKIFF_RUN/volumes/memory/$id" "$SKIFF_RUN/volumes/memory/$gone"
	[ "$(skiff volume ls -q)" = $'memory\n'"$V" ]
	expect 1 skiff check -n
	expect 0 skiff check
	for text in 'unfinished volumes/.half.99999999' 'volume gone: half removed' 'volume wanted: set aside' \
		"volume memory: held by $id, which does not run" "volume memory: held by $gone, which does not run"; do
		[[ $output = *"$text: repaired"* ]] || fail "$text: $output"
	done
	[ "$(ls -A "$d")" = $'memory\n'"$V"$'\nwanted' ]
	[ -e "$d/wanted/_data/x" ]
	! mountpoint -q "$d/memory/_data"
	mount -t tmpfs tmpfs "$d/memory/_data"
	expect 0 skiff check
	[[ $output = *'volume memory: mounted for nobody: repaired' ]]
	expect 0 skiff check
	[ -z "$output" ]
	# A volume that somebody has removed by hand.
	rm -rf "$d/wanted"
	expect 1 skiff start "$C"
	[[ $output = *'volume wanted: no such volume'* ]]
}

@test "rm beside those who begin to use it: whoever has it, has it" {
	local n
	for n in $(seq 12); do
		skiff volume create "$V" >/dev/null
		(skiff volume rm "$V" >/dev/null 2>&1) 3>&- 4>&- &
		skiff create --name "$C" -v "$V:/v" busybox true >/dev/null
		wait
		expect 0 skiff start "$C"
		skiff rm -f "$C" >/dev/null
	done
	expect 0 skiff check
	[ -z "$output" ] || fail "$output"
}

@test "a file system's own process, as FUSE has one, keeps no lock" {
	mkdir bin
	# shellcheck disable=SC2016 # for the script
	printf '#!/bin/sh\n%s "$@" || exit\nsetsid sleep 1000 </dev/null >/dev/null 2>&1 3>&- &\necho $! >>"%s/stays"\n' \
		"$(command -v mount)" "$PWD" >bin/mount
	chmod +x bin/mount
	skiff volume create -o type=tmpfs -o device=tmpfs "$V"
	skiff create --name "$C" --network none -v "$V:/v" busybox true
	for _ in 1 2; do # the second one has the lock of the first
		PATH=$PWD/bin:$PATH skiff start "$C"
		ends() { timeout 20 flock -s "$SKIFF_RUN/$(field "$C" .Id)/lock" true; }
		ends || { xargs kill <stays; fail 'the clean-up does not end'; }
	done
	xargs kill <stays
	skiff rm "$C"
	! findmnt "$SKIFF_ROOT/volumes/$V/_data"
}
