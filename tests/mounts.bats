#!/usr/bin/env bats
# -v, --mount and --tmpfs: what is understood, what is refused, and where a mount may lead.
# shellcheck shell=bash disable=SC2016

load helper
load container

teardown() {
	skiff rm -fv "$C" "$C-2" >/dev/null 2>&1 || true
	skiff volume prune -af >/dev/null
	[ -z "$(ls -A "$SKIFF_ROOT/volumes")" ]
	[ ! -d shared ] || ! mountpoint -q shared || umount -R shared
}

in_container() {
	skiff run --rm "$@"
}

data() {
	printf '%s' "$SKIFF_ROOT/volumes/$1/_data"
}

@test "-v: what is refused, in one line, and nothing is made" {
	local before spec
	before=$(find "$SKIFF_ROOT" ! -name events | sort)
	while read -r spec; do
		expect 125 in_container -v "$spec" busybox true
		[ "${#lines[@]}" -le 2 ] || fail "$spec: $output"
	done <<-'END'
		x
		:
		:/x
		vv:
		vv:x
		vv:/
		vv:/..
		/x:rw
		v:/x
		x/y:/z
		vv:/x:
		vv::ro
		vv:/x:ro:z
		vv:/x:sideways
		vv:/x:ro,rw
		vv:/x:ro,ro
		vv:/x:rslave
		/tmp:/x:rslave,rshared
		/tmp:/x:nocopy
		/tmp:x
		/tmp:/
		../../x y:x
	END
	expect 125 in_container -v '' busybox true
	expect 125 in_container -v vv:/x -v ww:/x/ busybox true
	[[ $output = *'Duplicate mount point: /x' ]]
	expect 125 in_container -v vv:/x --tmpfs /y/../x busybox true
	expect 125 in_container -v vv:/x --mount type=tmpfs,target=/x busybox true
	[ "$(find "$SKIFF_ROOT" ! -name events | sort)" = "$before" ]
}

@test "--mount: what is refused, with Docker's messages" {
	local before spec text
	before=$(find "$SKIFF_ROOT" ! -name events | sort)
	expect 125 in_container --mount '' busybox true
	while IFS='|' read -r spec text; do
		expect 125 in_container --mount "$spec" busybox true
		[[ $output = *"$text"* ]] || fail "$spec: $output"
	done <<-'END'
		x|invalid field 'x' must be a key=value pair
		type=volume|target is required
		type=foo,target=/x|invalid mount config for type "foo": mount type unknown
		type=bind,target=/x|invalid mount config for type "bind": field Source must not be empty
		type=bind,source=/nonexistent,target=/x|bind source path does not exist: /nonexistent
		type=bind,source=rel,target=/x|invalid mount path: 'rel' mount path must be absolute
		type=tmpfs,target=/x,source=vv|invalid mount config for type "tmpfs": field Source must not be specified
		type=volume,target=x|invalid mount config for type "volume": invalid mount path: 'x' mount path must be absolute
		type=volume,source=vv,target=/|destination can't be '/'
		type=volume,source=v,target=/x|create v: volume name is too short
		type=volume,source=a/b,target=/x|includes invalid characters for a local volume name
		type=volume,target=/x,foo=bar|unexpected key 'foo' in 'foo=bar'
		target=/x, source=vv|unexpected key ' source' in ' source=vv'
		type=volume,target=/x,readonly=maybe|invalid value for readonly: maybe
		type=bind,source=/tmp,target=/x,volume-nocopy|cannot mix 'volume-*' options with mount type 'bind'
		type=volume,target=/x,bind-propagation=rslave|cannot mix 'bind-*' options with mount type 'volume'
		type=volume,target=/x,tmpfs-size=1m|cannot mix 'tmpfs-*' options with mount type 'volume'
		type=tmpfs,target=/x,tmpfs-size=abc|invalid value for tmpfs-size: abc
		type=tmpfs,target=/x,tmpfs-mode=9|invalid value for tmpfs-mode: 9
		type=bind,source=/tmp,target=/x,bind-propagation=foo|invalid propagation mode: foo
		type=bind,source=/tmp,target=/x,bind-recursive=foo|invalid value for bind-recursive: foo (must be "enabled", "disabled", "writable", or "readonly")
		type=bind,source=/tmp,target=/x,bind-recursive=readonly|requires 'readonly' to be specified
		type=bind,source=/tmp,target=/x,bind-recursive=readonly,readonly|requires 'bind-propagation=rprivate' to be specified
		type=bind,source=/tmp,target=/x,bind-recursive=writable|requires 'readonly' to be specified
		type=volume,source=vv,target=/x,volume-nocopy=foo|invalid value for volume-nocopy: foo
		type=volume,source=vv,target=/x,volume-driver=foo|plugin "foo" not found
		type=volume,source=vv,target=/x,volume-opt=x|must be a key=value pair
		type=volume,source=vv,target=/x,volume-opt=x=y|invalid option: "x"
		type=volume,source=vv,target=/x,volume-subpath=../x|invalid volume subpath
		type=volume,source=vv,target=/x,volume-subpath=/x|invalid volume subpath
		type=bind,source="/tmp,target=/x|bare " in non-quoted-field
		"type=bind,source=/tmp,target=/x|missing " in quoted-field
		"type=bind"x,source=/tmp,target=/x|missing " in quoted-field
		,target=/x|invalid field '' must be a key=value pair
	END
	[ "$(find "$SKIFF_ROOT" ! -name events | sort)" = "$before" ]
}

@test "--mount: what is understood" {
	mkdir 'a,b' 'q"q'
	echo comma >'a,b/x'
	echo quote >'q"q/x'
	[ "$(in_container --mount "type=bind,\"source=$PWD/a,b\",target=/x" busybox cat /x/x)" = comma ]
	[ "$(in_container --mount "type=bind,\"src=$PWD/q\"\"q\",\"dst=/x,y\"" busybox cat /x,y/x)" = quote ]
	expect 0 in_container --mount type=TMPFS,Destination=/x,tmpfs-size=1m,tmpfs-mode=1700 busybox sh -c 'grep " /x " /proc/mounts; stat -c %a /x'
	[[ $output = *nosuid,nodev,noexec*size=1024k*1700 ]]
	expect 0 in_container --mount type=tmpfs,target=/x,ro busybox sh -c 'stat -c %a /x; touch /x/y 2>/dev/null || echo refused'
	[[ $output = 1777*refused ]]
	expect 0 in_container --mount "source=$V,target=/x,volume-label=a=b,volume-label=c,consistency=cached" busybox touch /x/y
	[ "$(skiff volume inspect "$V" | jq -c '.[0].Labels')" = '{"a":"b","c":""}' ]
	expect 0 in_container --mount "source=$V,target=/x,readonly=false" --mount "source=$V,target=/y,ro=true" busybox sh -c 'touch /x/z; touch /y/w 2>/dev/null || echo refused'
	[[ $output = *refused ]]
	expect 0 in_container --mount "type=bind,source=$PWD/new/one,target=/x,bind-create-src" busybox touch /x/y
	[ -e new/one/y ]
}

@test "binds: made when missing, relative, single files, live both ways" {
	mkdir d
	expect 0 in_container -v ./d:/x -v "$PWD/d/../d//:/y/" busybox sh -c 'echo text >/x/file; cat /y/file'
	[ "$output" = text ]
	expect 0 in_container -v "$PWD/missing/one:/m" busybox touch /m/y
	[ -e missing/one/y ]
	echo config >d/config
	skiff run -d --name "$C" -v "$PWD/d/config:/etc/passwd" -v ./d/config:/new/deep/file:ro -v "$PWD/d:/d" busybox sleep 600 >/dev/null
	[ "$(skiff exec "$C" cat /etc/passwd /new/deep/file)" = $'config\nconfig' ]
	echo changed >d/config
	[ "$(skiff exec "$C" cat /etc/passwd)" = changed ]
	skiff exec "$C" sh -c 'echo inside >/d/new; ! echo x >/new/deep/file' 2>/dev/null
	[ "$(cat d/new)" = inside ]
	expect 125 in_container -v "$PWD/d/config:/bin" busybox true
	[[ $output = *'a file cannot be mounted onto a directory'* ]]
}

@test "those nearer the root come first, in whatever order they are given" {
	mkdir -p a b
	echo b >b/x
	expect 0 in_container --tmpfs /a/b/c -v "$PWD/b:/a/b" --mount "source=$V,target=/a" busybox sh -c 'cat /a/b/x; touch /a/b/c/y; awk "\$5 ~ \"^/a\" { print \$5 }" /proc/self/mountinfo'
	[ "$output" = $'b\n/a\n/a/b\n/a/b/c' ]
	[ "$(ls "$(data "$V")")" = b ]
	[ -z "$(ls b/c)" ]
}

@test "read-only, with what is mounted below; and the ways to have it otherwise" {
	mkdir shared
	mount --bind shared shared
	mkdir shared/{sub,plain}
	mount -t tmpfs tmpfs shared/sub
	touch shared/sub/there
	local try='touch /x/plain/y 2>/dev/null && echo outer; touch /x/sub/y 2>/dev/null && echo inner; ls /x/sub/there 2>/dev/null; true'
	[ "$(in_container -v "$PWD/shared:/x" busybox sh -c "$try")" = $'outer\ninner\n/x/sub/there' ]
	[ "$(in_container -v "$PWD/shared:/x:ro" busybox sh -c "$try")" = /x/sub/there ]
	m() { in_container --mount "type=bind,source=$PWD/shared,target=/x,$1" busybox sh -c "$try"; }
	[ "$(m readonly)" = /x/sub/there ]
	[ "$(m readonly,bind-recursive=readonly,bind-propagation=rprivate)" = /x/sub/there ]
	[ "$(m readonly,bind-recursive=writable)" = $'inner\n/x/sub/there' ]
	[ "$(m bind-recursive=disabled)" = $'outer\ninner' ]
	[ "$(m bind-nonrecursive,readonly)" = '' ]
	umount shared/sub
}

@test "propagation" {
	mkdir shared
	mount --bind shared shared
	mount --make-private shared
	expect 125 in_container -v "$PWD/shared:/x:rslave" busybox true
	[[ $output = *"path $PWD/shared is mounted on $PWD/shared but it is not a shared or slave mount" ]]
	mount --make-shared shared
	skiff run -d --name "$C" -v "$PWD/shared:/slave:rslave" -v "$PWD/shared:/private" \
		--mount "type=bind,source=$PWD/shared,target=/mount,bind-propagation=rslave" busybox sleep 600 >/dev/null
	[ "$(skiff inspect "$C" | jq -c '[.[0].Mounts[] | {(.Destination): .Propagation}] | add')" = \
		'{"/slave":"rslave","/private":"rprivate","/mount":"rslave"}' ]
	mkdir shared/sub
	mount -t tmpfs tmpfs shared/sub
	touch shared/sub/seen
	expect 0 skiff exec "$C" sh -c 'ls /slave/sub /mount/sub /private/sub'
	[ "$(grep -c seen <<<"$output")" -eq 2 ]
	umount shared/sub
	[ -z "$(skiff exec "$C" ls /slave/sub)" ]
}

@test "sub-paths: in the volume only, whatever links are there" {
	skiff volume create "$V" >/dev/null
	local d
	d=$(data "$V")
	mkdir -p "$d/a/b"
	echo in >"$d/a/b/file"
	ln -s b "$d/a/link"
	ln -s / "$d/root"
	ln -s ../../../../../../.. "$d/up"
	ln -s /a "$d/absolute"
	sub() { in_container --mount "source=$V,target=/x,volume-subpath=$1" busybox sh -c "${2:-cat /x/file}"; }
	[ "$(sub a/b)" = in ]
	[ "$(sub a/link)" = in ]
	[ "$(sub absolute/b)" = in ]
	[ "$(sub a/b/file 'cat /x')" = in ]
	[ "$(sub root 'ls /x')" = "$(ls "$d")" ]
	[ "$(sub up 'ls /x')" = "$(ls "$d")" ]
	expect 125 sub nothing
	[[ $output = *"nothing in "*"No such file"* ]]
	[ ! -e "$d/nothing" ]
	expect 125 sub root/etc
	# another container swaps it for a link while we mount
	skiff run -d --name "$C" -v "$V:/v" busybox sh -c 'cd /v; while :; do mv a c; ln -s / a; rm a; mv c a; done' >/dev/null
	for _ in $(seq 8); do
		run sub a 'ls /x/etc /x/bin'
		[[ $output != *busybox* && $output != *passwd* ]] || fail "$output"
	done
	skiff rm -f "$C" >/dev/null
}

@test "CVE-2021-30465, CVE-2024-45310: mount points through links that are swapped meanwhile" {
	local n
	skiff run -d --name "$C" -v "$V:/v" busybox sh -c "
		cd /v; mkdir -p d; while :; do mv d e; ln -s / d; rm d; ln -s ../../../../../..$PWD d; rm d; mv e d; done" >/dev/null
	mkdir source
	for n in $(seq 12); do
		run in_container -v "$V:/v" -v "$PWD/source:/v/d/canary-$BATS_SUITE_TEST_NUMBER/$n" busybox true
	done
	skiff rm -f "$C" >/dev/null
	! compgen -G "/canary-$BATS_SUITE_TEST_NUMBER*" && ! compgen -G "$PWD/canary*"
	! grep canary- /proc/self/mountinfo
}

@test "targets in /proc, through links, and with .. in them: contained or refused" {
	local target
	mkdir -p host
	for target in /proc /proc/self/attr /proc/sys //proc /x/../proc; do
		expect 125 in_container -v "$V:$target" busybox true
		[[ $output = *'nothing may be mounted in /proc'* ]] || fail "$target: $output"
		expect 125 in_container --mount "source=$V,target=$target" busybox true
	done
	expect 0 in_container -v "$V:/../../../$PWD/host/made" busybox sh -c "touch $PWD/host/made/x"
	[ -z "$(ls host)" ]
	[ -e "$(data "$V")/x" ]
	# a link of the image that leads to it
	mkdir tree
	cp -a "$BATS_FILE_TMPDIR/tree/." tree
	ln -s /proc tree/link
	ln -s "$PWD/host" tree/out
	tar -C tree -c . | skiff import - links >/dev/null
	expect 125 in_container -v "$V:/link" links true
	expect 125 in_container -v "$V:/link/sys" links true
	expect 0 in_container -v "$V:/out/sub" links touch /out/sub/y
	[ -z "$(ls host)" ]
	[ -e "$(data "$V")/y" ]
	# over a default mount it takes its place
	expect 0 in_container -v "$V:/dev/shm" busybox sh -c 'touch /dev/shm/z'
	[ -e "$(data "$V")/z" ]
}

@test "odd paths: blanks, quotes, colons in --mount, a newline and a tab refused" {
	local d=$'a b"$(id)\\\'*'
	mkdir "$d"
	expect 0 in_container -v "$PWD/$d:/x y/$d" --mount "type=bind,\"source=$PWD/${d//\"/\"\"}\",target=/c:d" busybox sh -c 'touch "/c:d/one"; ls /x*/*'
	[ "$output" = one ]
	expect 125 in_container -v "$PWD:/x"$'\n'y busybox true
	expect 125 in_container --mount "type=bind,source=$PWD,target=/x"$'\t' busybox true
	skiff create --name "$C" -v "$V:/with blank  and more" busybox true >/dev/null
	[ "$(skiff inspect "$C" | jq -r '.[0].Mounts[0].Destination')" = '/with blank  and more' ]
}

@test "--explain: the commands, and they work; nothing is made" {
	local before
	before=$(find "$SKIFF_ROOT" ! -name events | sort)
	expect 0 skiff run --explain --rm -v "$V:/home" -v /anon --mount type=tmpfs,target=/t busybox ls /home
	[ "$(find "$SKIFF_ROOT" ! -name events | sort)" = "$before" ]
	printf '%s\n' "$output" >script
	grep -q "^layerfs stack --fd 8 .* -- sh .*fill.sh" script || fail "$output"
	expect 0 timeout -s KILL 20 dash script 3>&- 4>&- </dev/null
	[ "$output" = ann ] || fail "$output"
	[ -d "$(data "$V")/ann" ]
}
