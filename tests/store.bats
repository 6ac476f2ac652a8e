#!/usr/bin/env bats
# The image store: names and their removal, what is shared and what goes, crashes, races, and
# check --deep. The images come from registry.py: v1, v2 and v3 have a layer of their own each
# on the same base.
# shellcheck shell=bash disable=SC2016

load helper

setup_file() {
	skiff_setup_file
	cd "$BATS_FILE_TMPDIR" || return
	mkdir -p served small/bin
	cp tree/bin/busybox small/bin
	for applet in sh cat echo head ls sleep true; do ln -s busybox "small/bin/$applet"; done
	python3 "$REPO/tests/registry.py" served 3>&- 4>&- &
	echo $! >registry.pid
	disown
	wait_until test -e served/port
	echo "127.0.0.1:$(cat served/port)" >host
	BASE=$(serve_layer small)
	for i in 1 2 3; do
		mkdir "x$i"
		head -c 50000 /dev/urandom >"x$i/f$i"
		serve_image "v$i" "$BASE" "$(serve_layer "x$i")"
	done
}

teardown_file() {
	kill "$(cat "$BATS_FILE_TMPDIR/registry.pid")"
	skiff_teardown_file
}

# serve_layer DIRECTORY: a layer at the registry; prints its digest's digits.
serve_layer() {
	local digest
	tar -C "$1" -cf served/layer .
	digest=$(sha256sum <served/layer | cut -d ' ' -f 1)
	mv served/layer "served/sha256:$digest"
	echo "$digest"
}

# serve_image TAG LAYER...: an image x:TAG at the registry.
serve_image() {
	local oci=application/vnd.oci.image tag=$1 ids='' layers='' config layer
	shift
	for layer in "$@"; do
		ids="$ids,\"sha256:$layer\""
		layers="$layers,{\"mediaType\":\"$oci.layer.v1.tar\",\"digest\":\"sha256:$layer\",\"size\":$(stat -c %s "served/sha256:$layer")}"
	done
	printf '{"os":"linux","architecture":"%s","config":{"Env":["PATH=/bin","TAG=%s"],"Cmd":["true"]},"rootfs":{"type":"layers","diff_ids":[%s]}}' \
		"$(dpkg --print-architecture)" "$tag" "${ids#,}" >served/config
	config=$(sha256sum <served/config | cut -d ' ' -f 1)
	mv served/config "served/sha256:$config"
	printf '{"schemaVersion":2,"mediaType":"%s","config":{"mediaType":"%s","digest":"sha256:%s","size":%s},"layers":[%s]}' \
		$oci.manifest.v1+json $oci.config.v1+json "$config" "$(stat -c %s "served/sha256:$config")" "${layers#,}" >"served/$tag"
	echo $oci.manifest.v1+json >"served/$tag.type"
	config=$(sha256sum <"served/$tag" | cut -d ' ' -f 1)
	cp "served/$tag" "served/sha256:$config"
	cp "served/$tag.type" "served/sha256:$config.type"
}

# Each test has a store of its own; SHARED is that of the file, with the image busybox.
setup() {
	in_time
	cd "$BATS_TEST_TMPDIR" || return
	H=$(cat "$BATS_FILE_TMPDIR/host")
	TREE=$BATS_FILE_TMPDIR/small
	SERVED=$BATS_FILE_TMPDIR/served
	export SKIFF_ROOT=$BATS_TEST_TMPDIR/root SKIFF_RUN=$BATS_TEST_TMPDIR/run
}

teardown() {
	local ids
	ids=$(skiff ps -aq --no-trunc)
	# shellcheck disable=SC2086
	[ -z "$ids" ] || skiff rm -f $ids >/dev/null
	[ ! -e "$SKIFF_ROOT/cgroup" ] || GROUP=$(cat "$SKIFF_ROOT/cgroup") nothing_left
}

import() { # NAME [OPTION...]
	tar -C "$TREE" -c . | skiff import "${@:2}" - "$1"
}

id_of() {
	skiff images -q --no-trunc "$1" | head -n 1
}

# said LINE...: the output of the last command consists of these lines; * in them is anything.
said() {
	local i=0
	[ ${#lines[@]} -eq $# ] || fail "$# lines expected: $output" || return
	for line in "$@"; do
		# shellcheck disable=SC2053
		[[ ${lines[i]} == $line ]] || fail "'$line' expected: ${lines[i]}" || return
		i=$((i + 1))
	done
}

# empty_store: no image, and nothing of one.
empty_store() {
	local left
	left=$(find "$SKIFF_ROOT"/{images,layers,refs,blobs/sha256} -mindepth 1)
	[ -z "$left" ] || fail "left: $left"
}

# whole: nothing to repair, even when all is read.
whole() {
	expect 0 skiff check --deep
	[ -z "$output" ] || fail "$output"
}

# chains IMAGE: the names of its layers, the top one first.
chains() {
	tac "$SKIFF_ROOT/images/${1#sha256:}/layers"
}

# ---- tag ---------------------------------------------------------------------

@test "tag: a second name for the same image; latest is what is left out" {
	local id
	id=$(import one)
	expect 0 skiff tag one team/app:v1
	[ -z "$output" ]
	expect 0 skiff image tag "${id:7:12}" localhost:5000/app
	[ "$(id_of team/app:v1) $(id_of localhost:5000/app:latest)" = "$id $id" ]
	expect 0 skiff run --rm team/app:v1 true
	[ "$(cut -f 2-5 "$SKIFF_ROOT/events" | grep '^image' | tail -n 2)" = "image	tag	$id	name=team/app:v1
image	tag	$id	name=localhost:5000/app:latest" ] || fail "$(cat "$SKIFF_ROOT/events")"
}

@test "tag: a name that moves leaves the other image without one" {
	local one two
	one=$(import x -m one)
	two=$(import y -m two)
	skiff tag y x
	[ "$(id_of x)" = "$two" ]
	skiff image inspect x | jq -e '.[0].RepoTags == ["x:latest", "y:latest"] and .[0].RepoDigests == []'
	skiff images | grep -q "^<none> *<none> *${one:7:12} "
	expect 0 skiff run --rm "$one" true
}

@test "tag: what is refused" {
	import one >/dev/null
	local zeros
	zeros=$(printf '0%.0s' {1..64})
	expect 1 skiff tag nope x
	said 'skiff tag: No such image: nope:latest'
	expect 1 skiff tag one 'Bad Name'
	said 'skiff tag: invalid reference format*'
	expect 1 skiff tag one "x@sha256:$zeros"
	said 'skiff tag: refusing to create a tag with a digest reference*'
	expect 1 skiff tag one sha256:abc
	said 'skiff tag: refusing to create an ambiguous tag*'
	expect 1 skiff tag one "$zeros"
	expect 1 skiff tag one ../../escape
	expect 1 skiff tag one
	[ "$(find "$SKIFF_ROOT/refs" -type f | wc -l)" = 1 ]
}

# ---- rmi ---------------------------------------------------------------------

@test "rmi: Docker's lines; nothing of the image is left on the disk" {
	skiff pull "$H/x:v1" >/dev/null
	local id top base
	id=$(id_of "$H/x:v1")
	top=$(chains "$id" | head -n 1) base=$(chains "$id" | tail -n 1)
	expect 0 skiff rmi "$H/x:v1"
	said "Untagged: $H/x:v1" "Untagged: $H/x@sha256:$(sha256sum <"$SERVED/v1" | cut -d ' ' -f 1)" \
		"Deleted: $id" "Deleted: sha256:$top" "Deleted: sha256:$base"
	empty_store
	cut -f 2-5 "$SKIFF_ROOT/events" >events
	grep -qxF "image	untag	$id	name=$H/x:v1" events
	grep -qxF "image	delete	$id	name=$id" events
}

@test "rmi: what another image has stays, and goes with the last" {
	skiff pull -q "$H/x:v1" >/dev/null
	skiff pull -q "$H/x:v2" >/dev/null
	local base blobs
	base=$(chains "$(id_of "$H/x:v1")" | tail -n 1)
	[ "$(find "$SKIFF_ROOT/layers" -mindepth 1 -maxdepth 1 | wc -l)" = 3 ]
	expect 0 skiff rmi "$H/x:v1"
	[[ $output != *$base* ]]
	[ -d "$SKIFF_ROOT/layers/$base" ]
	blobs=$(find "$SKIFF_ROOT/blobs/sha256" -type f | wc -l)
	[ "$blobs" = 4 ] || fail "$blobs blobs"
	expect 0 skiff run --rm "$H/x:v2" ls /f2
	whole
	expect 0 skiff rmi "$H/x:v2"
	[[ $output = *"Deleted: sha256:$base" ]]
	empty_store
}

@test "rmi: several names; by ID only with -f" {
	local id
	id=$(import one)
	skiff tag one one:2
	skiff tag one other/app
	expect 0 skiff rmi one
	said 'Untagged: one:latest'
	expect 1 skiff rmi "$id"
	said "skiff rmi: conflict: unable to delete ${id:7:12} (must be forced) - image is referenced in multiple repositories"
	expect 0 skiff rmi -f "${id:7:6}"
	said 'Untagged: one:2' 'Untagged: other/app:latest' "Deleted: $id" 'Deleted: sha256:*'
	empty_store
	# Of one name, the ID is as good.
	id=$(import one)
	expect 0 skiff image remove --no-prune "${id#sha256:}"
	said 'Untagged: one:latest' "Deleted: $id" 'Deleted: sha256:*'
}

@test "rmi: by digest" {
	local digest id
	digest=sha256:$(sha256sum <"$SERVED/v1" | cut -d ' ' -f 1)
	skiff pull -q "$H/x@$digest" >/dev/null
	id=$(id_of "$H/x@$digest")
	expect 0 skiff rmi "$H/x@$digest"
	said "Untagged: $H/x@$digest" "Deleted: $id" 'Deleted: *' 'Deleted: *'
	# The digest that goes with a tag is a name as well; the tag stays.
	skiff pull -q "$H/x:v1" >/dev/null
	skiff tag "$H/x:v1" "$H/x:again"
	expect 0 skiff run --rm "$H/x@$digest" true
	expect 0 skiff rmi "$H/x@$digest"
	[ "${lines[0]}" = "Untagged: $H/x@$digest" ] || fail "$output"
	[ "$(id_of "$H/x:v1") $(id_of "$H/x:again")" = "$id $id" ]
	expect 1 skiff rmi "$H/x@$digest"
	said "skiff rmi: No such image: $H/x@$digest"
	# With the last tag of a repository go its digests.
	skiff pull -q "$H/x:v1" >/dev/null
	skiff pull -q "$H/x@$digest" >/dev/null
	expect 0 skiff rmi "$H/x:again"
	said "Untagged: $H/x:again"
	expect 0 skiff rmi "$H/x:v1"
	said "Untagged: $H/x:v1" "Untagged: $H/x@$digest" "Deleted: $id" 'Deleted: *' 'Deleted: *'
	empty_store
}

@test "rmi: each in turn, failures in the exit status; all at once" {
	import one >/dev/null
	import two -m two >/dev/null
	expect 1 skiff rmi one nope two 'Bad Name' "$(printf '0%.0s' {1..64})"
	[[ $output = *'Untagged: one:latest'*'No such image: nope:latest'*'Untagged: two:latest'*'invalid reference'*'No such image: 000'* ]] || fail "$output"
	empty_store
	expect 1 skiff rmi
	import one >/dev/null
	import two -m two >/dev/null
	# shellcheck disable=SC2046
	expect 0 skiff image rm $(skiff image ls -q) -f
	empty_store
	expect 1 skiff rmi ../../etc
	# With -f it is all the same if one is gone, as in Docker.
	expect 0 skiff rmi -f nope
	said 'skiff rmi: No such image: nope:latest'
	expect 1 skiff rmi -f 'Bad Name'
	# The ID of an image of two names is listed twice.
	import one >/dev/null
	skiff tag one other
	# shellcheck disable=SC2046
	expect 0 skiff rmi -f $(skiff images -q)
	empty_store
}

@test "rmi: refused while a container uses the image, until the last is removed" {
	local id c d
	id=$(import one)
	c=$(skiff run -d one sleep 100)
	expect 1 skiff rmi one
	said "skiff rmi: conflict: unable to remove repository reference \"one\" (must force) - container ${c:0:12} is using its referenced image ${id:7:12}"
	expect 1 skiff rmi -f "$id"
	said "skiff rmi: conflict: unable to delete ${id:7:12} (cannot be forced) - image is being used by running container ${c:0:12}"
	skiff stop -t 0 "$c" >/dev/null
	d=$(skiff create one true)
	expect 1 skiff rmi one
	expect 1 skiff rmi "$id"
	[[ $output = *"(must be forced) - image is being used by stopped container"* ]]
	expect 1 skiff rmi -f "$id"
	skiff rm "$c" >/dev/null
	# The name can go, the image stays.
	expect 0 skiff rmi -f one
	said 'Untagged: one:latest'
	skiff images | grep -q "^<none> *<none> *${id:7:12} "
	expect 0 skiff start -a "$d"
	expect 1 skiff rmi "$id"
	skiff rm "$d" >/dev/null
	expect 0 skiff rmi "$id"
	said "Deleted: $id" 'Deleted: *'
	empty_store
}

# ---- prune -------------------------------------------------------------------

@test "image prune: dangling ones; with -a all that no container uses" {
	local one two c
	one=$(import x -m one)
	two=$(import x -m two)
	import z -m three -c 'LABEL keep=yes' >/dev/null
	expect 0 skiff image prune -f
	said 'Deleted Images:' "deleted: $one" 'Total reclaimed space: 0B'
	c=$(skiff create x true)
	expect 0 skiff image prune -a -f --filter label!=keep
	said 'Total reclaimed space: 0B'
	expect 0 skiff image prune -af --filter until=1h
	said 'Total reclaimed space: 0B'
	expect 0 skiff image prune -af --filter "until=$(($(date +%s) + 60))" --filter label=keep=yes
	[[ $output = *'untagged: z:latest'* ]] || fail "$output"
	[ "$(id_of x)" = "$two" ]
	skiff rm "$c" >/dev/null
	expect 0 skiff image prune -af
	said 'Deleted Images:' 'untagged: x:latest' "deleted: $two" 'deleted: sha256:*' 'Total reclaimed space: *MB'
	empty_store
}

@test "image prune: asks; bad filters" {
	import x -m one >/dev/null
	import x -m two >/dev/null
	for answer in '' n no; do
		echo "$answer" >answer
		expect 0 skiff image prune <answer
		[ "$output" = 'WARNING! This will remove all dangling images.
Are you sure you want to continue? [y/N] ' ] || fail "$output"
	done
	[ "$(find "$SKIFF_ROOT/images" -mindepth 1 -maxdepth 1 | wc -l)" = 2 ]
	echo y >answer
	expect 0 skiff image prune <answer
	[ "$(find "$SKIFF_ROOT/images" -mindepth 1 -maxdepth 1 | wc -l)" = 1 ]
	expect 0 skiff image prune -a </dev/null
	[[ $output = 'WARNING! This will remove all images without at least one container associated to them.'* ]]
	expect 125 skiff image prune --filter color=red
	expect 1 skiff image prune -f --filter dangling=maybe
	expect 0 skiff image prune -f --filter dangling=true
	said 'Total reclaimed space: 0B'
	expect 0 skiff image prune -f --filter dangling=false
	[[ $output = *'untagged: x:latest'* ]]
	expect 1 skiff image prune --filter until=tomorrow
}

@test "image prune: what interrupted pulls have left, but not beside a pull" {
	import x >/dev/null
	echo lost >lost
	local hex
	hex=$(sha256sum <lost | cut -d ' ' -f 1)
	cp lost "$SKIFF_ROOT/blobs/sha256/$hex"
	echo part >"$SKIFF_ROOT/blobs/sha256/.$(printf '1%.0s' {1..64}).part"
	mkdir -p "$SKIFF_ROOT/layers/$hex/fs"
	expect 0 skiff check # they are good for the next pull, for a day
	[ -z "$output" ]
	expect 0 flock -s "$SKIFF_ROOT/blobs/sha256" skiff image prune -f
	[ -e "$SKIFF_ROOT/blobs/sha256/$hex" ]
	expect 0 skiff image prune -f
	said 'Deleted Images:' "deleted: sha256:$hex" "deleted: sha256:$hex" 'Total reclaimed space: *'
	[ "$(find "$SKIFF_ROOT/blobs/sha256" "$SKIFF_ROOT/layers" -mindepth 1 -maxdepth 1 | wc -l)" = 4 ]
	whole
}

@test "system df: what is shared counts once" {
	skiff pull -q "$H/x:v1" >/dev/null
	skiff pull -q "$H/x:v2" >/dev/null
	local c base
	skiff volume create idle
	head -c 100 /dev/zero >"$SKIFF_ROOT/volumes/idle/_data/file"
	c=$(skiff run -d -v used:/used "$H/x:v1" sh -c 'head -c 300 /dev/zero >/used/file; head -c 5000 /dev/zero >/new; sleep 100')
	wait_until test -s "$SKIFF_ROOT/containers/$c/rw/upper/new"
	base=$(cat "$SKIFF_ROOT/layers/$(chains "$(id_of "$H/x:v1")" | tail -n 1)/size")
	expect 0 skiff system df --format '{{.Type}}|{{.TotalCount}}|{{.Active}}|{{.Size}}|{{.Reclaimable}}'
	said "Images|2|1|*MB|50kB (*%)" 'Containers|1|1|5kB|0B (0%)' 'Local Volumes|2|1|400B|100B (25%)' 'Build Cache|0|0|0B|0B'
	expect 0 skiff system df
	[ "${lines[0]}" = 'TYPE            TOTAL     ACTIVE    SIZE      RECLAIMABLE' ]
	expect 0 skiff system df -v
	[[ $output = *'Images space usage:'*"$H/x "*v2*50kB*0*'Containers space usage:'*"${c:0:12}"*5kB*Up*'Local Volumes space usage:'*'idle '*0*100B*'used '*1*300B*'Build cache usage: 0B'* ]] || fail "$output"
	[ "$base" -gt 1000000 ]
}

# ---- check --deep ------------------------------------------------------------

@test "check --deep: all kinds of damage, repaired from what is whole" {
	skiff pull -q "$H/x:v1" >/dev/null
	local image layer what
	image=$SKIFF_ROOT/images/$(id_of "$H/x:v1" | cut -d : -f 2)
	layer=$SKIFF_ROOT/layers/$(tail -n 1 "$image/layers")
	whole
	for what in 'echo x >>LAYER/fs/f1' 'chmod 4755 LAYER/fs/f1' 'chown 7 LAYER/fs/f1' 'touch -d 2001-01-01 LAYER/fs/f1' \
		'rm LAYER/fs/f1' 'mknod LAYER/fs/new c 0 0' 'setfattr -n user.x -v y LAYER/fs/f1' 'mkdir LAYER/fs/d' \
		'rm -r LAYER' 'echo 1 >LAYER/size' 'echo 1 >LAYER/diff-id'; do
		sh -c "${what//LAYER/$layer}"
		expect 0 skiff check --deep
		[[ $output = *"layer ${layer##*/}: "*': repaired' ]] || fail "$what: $output"
		cmp "$layer/fs/f1" "$BATS_FILE_TMPDIR/x1/f1"
	done
	for what in 'echo x >>IMAGE/env' 'rm IMAGE/cmd' 'echo >IMAGE/layers' 'echo 3 >IMAGE/size' ': >IMAGE/blobs'; do
		sh -c "${what//IMAGE/$image}"
		expect 0 skiff check --deep
		[[ $output = *"image ${image##*/}: "*': repaired' ]] || fail "$what: $output"
	done
	echo x >"$image/user"
	expect 1 skiff check --deep -n
	expect 0 skiff check --deep
	whole
	echo x >"$SKIFF_ROOT/refs/$H/x:bad"
	echo "sha256:${image##*/}" >"$SKIFF_ROOT/refs/$H/x:short"
	expect 0 skiff check --deep
	[ ! -e "$SKIFF_ROOT/refs/$H/x:bad" ]
	[ ! -e "$SKIFF_ROOT/refs/$H/x:short" ]
	expect 0 skiff run --rm "$H/x:v1" true
}

@test "check --deep: a damaged blob goes, and pull fetches just that" {
	skiff pull -q "$H/x:v1" >/dev/null
	local image blob document
	image=$SKIFF_ROOT/images/$(id_of "$H/x:v1" | cut -d : -f 2)
	blob=$(cat "$SKIFF_ROOT/layers/$(tail -n 1 "$image/layers")/blob")
	for document in "${blob#*:}" "${image##*/}"; do
		chmod u+w "$SKIFF_ROOT/blobs/sha256/$document"
		printf x | dd of="$SKIFF_ROOT/blobs/sha256/$document" bs=1 seek=9 conv=notrunc 2>/dev/null
		expect 1 skiff check --deep
		[[ $output = *"blob sha256:$document: damaged"*"(skiff pull $H/x:v1 fetches it again)"* ]] || fail "$output"
		[ ! -e "$SKIFF_ROOT/blobs/sha256/$document" ]
		expect 0 skiff run --rm "$H/x:v1" true
		: >"$SERVED/log"
		expect 0 skiff pull -q "$H/x:v1"
		[ "$(grep -c 'GET .*/blobs/' "$SERVED/log")" = 1 ] || fail "$(cat "$SERVED/log")"
		whole
	done
}

@test "check --deep: a layer on which a container runs is left alone" {
	import x >/dev/null
	local c layer
	c=$(skiff run -d x sleep 100)
	layer=$(echo "$SKIFF_ROOT"/layers/*)
	echo x >"$layer/fs/new"
	expect 1 skiff check --deep
	[[ $output = *'containers that run use it'* ]] || fail "$output"
	skiff stop -t 0 "$c" >/dev/null
	expect 0 skiff check --deep
	[[ $output = *repaired ]]
	[ ! -e "$layer/fs/new" ]
	expect 0 skiff start "$c"
}

# ---- crashes and races -------------------------------------------------------

@test "a remover that was killed: set aside comes back, half removed goes" {
	local id hex
	id=$(import x)
	hex=${id#sha256:}
	mv "$SKIFF_ROOT/images/$hex" "$SKIFF_ROOT/images/.$hex.removed.4194999"
	expect 0 skiff check
	said "image $hex: set aside: repaired"
	expect 0 skiff run --rm x true
	mv "$SKIFF_ROOT/images/$hex" "$SKIFF_ROOT/images/.gone.$hex.4194999"
	expect 0 skiff check
	[[ $output = *"image $hex: half removed: repaired"* ]] || fail "$output"
	empty_store
}

@test "run waits while a remover makes up his mind" {
	local id hex pid
	id=$(import x)
	hex=${id#sha256:}
	mv "$SKIFF_ROOT/images/$hex" "$SKIFF_ROOT/images/.$hex.removed.$BASHPID"
	skiff run --rm --pull never x echo ran >out 2>&1 3>&- 4>&- &
	pid=$!
	sleep 0.3
	kill -0 $pid
	[ ! -s out ]
	mv "$SKIFF_ROOT/images/.$hex.removed.$BASHPID" "$SKIFF_ROOT/images/$hex"
	wait $pid
	[ "$(cat out)" = ran ]
	mv "$SKIFF_ROOT/images/$hex" "$SKIFF_ROOT/images/.$hex.removed.$BASHPID"
	skiff run --rm --pull never x echo ran >out 2>&1 3>&- 4>&- &
	pid=$!
	sleep 0.2
	mv "$SKIFF_ROOT/images/.$hex.removed.$BASHPID" gone
	! wait $pid
	grep -q 'No such image: x' out
}

@test "a run that pulled does not keep the lock" {
	local c
	c=$(skiff run -d "$H/x:v1" sleep 100 2>/dev/null)
	expect 0 flock -n "$SKIFF_ROOT/blobs/sha256" true
	expect 0 flock -n "$SKIFF_ROOT/images" true
	skiff rm -f "$c" >/dev/null
}

# again UNTIL FILE COMMAND...: over and over until that second; what fails is in FILE.
again() {
	local until=$1 file=$2
	shift 2
	while [ "$(date +%s)" -lt "$until" ]; do
		"$@" 2>said."$file" >/dev/null || cat said."$file" >>"$file"
	done 3>&- 4>&-
}

@test "a storm of pulls, runs, saves and removals: no error but that there is none" {
	local end i jobs=''
	end=$(($(date +%s) + 6))
	skiff pull -q "$H/x:v1" >/dev/null
	skiff save -o keep.tar "$H/x:v1"
	for i in 1 2 3; do
		again $end pull$i skiff pull -q "$H/x:v$i" &
		jobs="$jobs $!"
	done
	again $end rmi sh -c 'skiff rmi -f $(skiff images -q)' &
	jobs="$jobs $!"
	again $end ran skiff run --rm "$H/x:v2" cat /f2 &
	jobs="$jobs $!"
	again $end never skiff run --rm --pull never "$H/x:v1" ls /f1 &
	jobs="$jobs $!"
	again $end save skiff save -o saved.tar "$H/x:v3" &
	jobs="$jobs $!"
	again $end prune skiff image prune -af &
	jobs="$jobs $!"
	again $end load skiff load -i keep.tar &
	jobs="$jobs $!"
	again $end check skiff check &
	# shellcheck disable=SC2086
	wait $jobs $!
	! grep -hvE 'No such image|conflict: |Unable to find image|requires at least 1|--help|: Pulling from|: Already exists|: Pull complete|^Digest: |^Status: |^127|more than one ID' \
		pull[123] rmi ran never save prune load check >wrong 2>/dev/null || fail "$(sort wrong | uniq -c)"
	[ ! -e pull1 ] && [ ! -e pull2 ] && [ ! -e pull3 ] && [ ! -e load ] && [ ! -e check ] || fail "$(cat pull[123] load check 2>&1)"
	whole
	skiff image prune -af >/dev/null
	empty_store
}

@test "killed at any point: check puts it right, and nothing is lost" {
	local n left
	tar -C "$TREE" -cf tree.tar .
	skiff pull -q "$H/x:v1" >/dev/null
	skiff save -o keep.tar "$H/x:v1"
	for n in {1..24}; do
		case $((n % 6)) in
		0) set -- skiff pull -q "$H/x:v1" ;;
		1) set -- skiff load -i keep.tar ;;
		2) set -- skiff rmi "$H/x:v1" ;;
		3) set -- skiff import tree.tar imported ;;
		4) set -- skiff image prune -af ;;
		5) set -- skiff tag "$H/x:v1" "$H/x:v9" ;;
		esac
		setsid "$@" >/dev/null 2>&1 3>&- 4>&- &
		sleep "0.$(printf %03d $((RANDOM % 120)))"
		kill -9 -- -$! 2>/dev/null || true
		wait $! || true
		expect 0 skiff check
		left=$(find "$SKIFF_ROOT"/{images,layers,refs} -maxdepth 1 -name '.*')
		[ -z "$left" ] || fail "after $*: $left"
		[ $((n % 12)) -ne 0 ] || whole
	done
	expect 0 skiff pull -q "$H/x:v1"
	expect 0 skiff run --rm "$H/x:v1" ls /f1
	skiff image prune -af >/dev/null
	empty_store
}
