#!/usr/bin/env bats
# Images through the front end: pull, import, images, image inspect. The images are made by
# buildah, the registry is Debian's docker-registry, the witness is skopeo; registry.py
# misbehaves as told.
# shellcheck shell=bash disable=SC2016

load helper

setup_file() {
	skiff_setup_file
	export REAL=$BATS_FILE_TMPDIR/real
	mkdir "$REAL"
	registry_begin 0
	HUB=127.0.0.1:$(cat "$REAL/port")
	export HUB
	make_images >"$REAL/make.log" 2>&1 || { cat "$REAL/make.log" >&2; return 1; }
}

teardown_file() {
	registry_end
	skiff_teardown_file
}

# registry_begin PORT: the registry; with port 0 at any.
registry_begin() {
	printf '%s\n' 'version: 0.1' 'log: {level: info}' "http: {addr: \"127.0.0.1:$1\"}" \
		"storage: {filesystem: {rootdirectory: $REAL/data}}" >"$REAL/config.yml"
	docker-registry serve "$REAL/config.yml" >"$REAL/log" 2>&1 3>&- 4>&- &
	echo $! >"$REAL/pid"
	disown
	wait_until grep -q 'listening on' "$REAL/log"
	sed -n 's/.*listening on 127.0.0.1:\([0-9]*\).*/\1/p' "$REAL/log" | head -n 1 >"$REAL/port"
}

registry_end() {
	kill "$(cat "$REAL/pid")"
	wait_until is_gone "$(cat "$REAL/pid")"
}

is_gone() {
	! kill -0 "$1" 2>/dev/null
}

bud() {
	buildah --root "$REAL/store" --runroot "$REAL/run" --storage-driver vfs "$@" 3>&- 4>&-
}

publish() { # IMAGE NAME
	bud push -q --tls-verify=false "$1" "docker://$HUB/$2"
}

# base (1 layer), app (3 layers on it, one deletes), other (1 more on base), hello (from
# scratch), multi (an index of app and its arm64 twin), arm (an index of that alone).
make_images() {
	set -e
	printf '#include <unistd.h>\nint main(void) { return write(1, "Hello from scratch\\n", 19) != 19; }\n' \
		>"$REAL/hello.c"
	mkdir "$REAL/hello"
	cc -static -O -o "$REAL/hello/hello" "$REAL/hello.c"

	local c limits=(--ulimit nofile=1024:1024 --ulimit nproc=1024:1024) # what buildah 1.39 sets by itself takes CAP_SYS_RESOURCE
	c=$(bud from scratch)
	bud copy -q "$c" "$BATS_FILE_TMPDIR/tree" /
	bud config --cmd sh --env PATH=/bin --env TEST=from-base "$c"
	bud commit -q "$c" base
	c=$(bud from "${limits[@]}" base)
	bud run --isolation chroot "$c" -- sh -c 'echo one >/one; echo gone >/gone'
	bud commit -q "$c" app1
	c=$(bud from "${limits[@]}" app1)
	bud run --isolation chroot "$c" -- sh -c 'rm /gone; ln -s one /two; mkdir -m 1777 /sticky'
	bud config --entrypoint '["/bin/cat"]' --cmd /one --workingdir /srv --label 'say=it is "here"' \
		--port 80 --volume /data --stop-signal INT --user ann "$c"
	bud commit -q "$c" app2
	c=$(bud from app2)
	head -c 3000000 /dev/urandom >"$REAL/big"
	bud copy -q "$c" "$REAL/big" /big
	bud commit -q "$c" app
	c=$(bud from base)
	bud copy -q "$c" "$REAL/hello.c" /hello.c
	bud commit -q "$c" other
	c=$(bud from scratch)
	bud copy -q "$c" "$REAL/hello" /
	bud config --cmd /hello "$c"
	bud commit -q "$c" hello
	c=$(bud from app)
	bud config --arch arm64 "$c"
	bud commit -q "$c" twin
	bud manifest create multi app twin
	bud manifest create arm twin

	publish base team/base:v1
	publish app team/app:v1
	publish app team/app:latest
	publish other team/app:other
	publish hello library/hello-world:latest
	publish hello some/deeper/path/of/hello:v1.5
	bud manifest push -q --all --tls-verify=false multi "docker://$HUB/team/multi:v1"
	bud manifest push -q --all --tls-verify=false arm "docker://$HUB/team/arm:v1"
}

setup() {
	in_time
	cd "$BATS_TEST_TMPDIR" || return
	export DOCKER_CONFIG=$BATS_TEST_TMPDIR
	echo '{}' >config.json
	unset SKIFF_REGISTRY_MIRROR
}

teardown() {
	local pid
	for pid in "$BATS_TEST_TMPDIR"/*.pid; do
		[ ! -e "$pid" ] || kill -9 "$(cat "$pid")" 2>/dev/null || true
	done
}

# own_store: a store for this test alone, empty.
own_store() {
	export SKIFF_ROOT=$BATS_TEST_TMPDIR/root SKIFF_RUN=$BATS_TEST_TMPDIR/run
}

digest_of() { # NAME [OPTION...]: what skopeo says
	skopeo inspect --tls-verify=false --format '{{.Digest}}' "${@:2}" "docker://$HUB/$1"
}

# said FILE LINE...: FILE consists of these lines; * in them is anything.
said() {
	local file=$1 lines i
	shift
	mapfile -t lines <"$file"
	[ ${#lines[@]} -eq $# ] || fail "$# lines expected: $(cat "$file")" || return
	for ((i = 0; i < ${#lines[@]}; i++)); do
		# shellcheck disable=SC2053
		[[ ${lines[i]} == $1 ]] || fail "'$1' expected: ${lines[i]}" || return
		shift
	done
}

# layer_lines NAME WORDS: what a pull says of its layers, by skopeo's manifest.
layer_lines() {
	skopeo inspect --raw --tls-verify=false "docker://$HUB/$1" |
		jq -r --arg words "${2-}" '.layers[] | "\(.digest[7:19]): \($words)"'
}

blob_requests() {
	grep -c '"GET /v2/[^"]*/blobs/.* "skiff"' "$REAL/log" || true
}

# store_state: all that others can see of a store.
store_state() {
	(cd "$SKIFF_ROOT" && find refs images layers -mindepth 1 -maxdepth 5 ! -path 'layers/*/fs/*' | sort)
}

# one_line_error STATUS COMMAND...: it fails, says so, and nothing changes.
one_line_error() {
	store_state >before
	expect "$@"
	store_state | diff before - || fail "the store changed"
	[ -n "$output" ] || fail "not a word"
}

# ---- pull --------------------------------------------------------------------

@test "pull: Docker's lines, a line for each layer, skopeo's digest" {
	own_store
	skiff pull "$HUB/team/app" >out 2>err
	mapfile -t layers < <(layer_lines team/app:latest 'Pull complete')
	[ ${#layers[@]} -ge 4 ]
	said out 'Using default tag: latest' 'latest: Pulling from team/app' "${layers[@]}" \
		"Digest: $(digest_of team/app:latest)" \
		"Status: Downloaded newer image for $HUB/team/app:latest" "$HUB/team/app:latest"
	[ ! -s err ]
}

@test "pull again: up to date, no layer line, no blob asked for" {
	own_store
	skiff pull "$HUB/team/app:v1" >out
	! grep -q 'default tag' out
	before=$(blob_requests)
	[ "$before" -ge 5 ]
	skiff pull "$HUB/team/app:v1" >out
	said out 'v1: Pulling from team/app' "Digest: $(digest_of team/app:v1)" \
		"Status: Image is up to date for $HUB/team/app:v1" "$HUB/team/app:v1"
	[ "$(blob_requests)" = "$before" ]
}

@test "a layer that is here is not fetched again" {
	own_store
	skiff pull "$HUB/team/base:v1" >out
	before=$(blob_requests)
	skiff pull "$HUB/team/app:other" >out
	mapfile -t have < <(layer_lines team/base:v1 'Already exists')
	mapfile -t fetched < <(layer_lines team/app:other 'Pull complete')
	said out 'other: Pulling from team/app' "${have[@]}" "${fetched[@]:${#have[@]}}" \
		Digest:* Status:* "$HUB/*"
	[ $(($(blob_requests) - before)) -eq 2 ] # the config, and one layer
}

@test "the defaults: docker.io, library, latest; the mirror is asked" {
	own_store
	export SKIFF_REGISTRY_MIRROR=http://$HUB
	skiff pull hello-world >out
	said out 'Using default tag: latest' 'latest: Pulling from library/hello-world' \
		'????????????: Pull complete' "Digest: $(digest_of library/hello-world:latest)" \
		'Status: Downloaded newer image for hello-world:latest' docker.io/library/hello-world:latest
	expect 0 skiff run --rm hello-world
	[ "$output" = 'Hello from scratch' ]
	skiff pull team/app:v1 >out
	said out 'v1: Pulling from team/app' '*: Pull complete' '*: Pull complete' '*: Pull complete' \
		'*: Pull complete' Digest:* 'Status: Downloaded newer image for team/app:v1' docker.io/team/app:v1
	skiff images >out
	said out 'REPOSITORY *' 'hello-world * latest *' 'team/app * v1 *'
}

@test "a pulled image is what its maker made, and runs" {
	own_store
	skiff pull -q "$HUB/team/app:v1" >out
	said out "$HUB/team/app:v1"
	expect 0 skiff run --rm "$HUB/team/app:v1"
	[ "$output" = one ]
	expect 0 skiff run --rm --entrypoint sh "$HUB/team/app:v1" -c \
		'id -u; pwd; echo $TEST; ls -d /gone 2>&1; readlink /two; stat -c %a /sticky /tmp; md5sum </big'
	[ "$output" = "1000
/srv
from-base
ls: /gone: No such file or directory
one
1777
1777
$(md5sum <"$REAL/big")" ]
	# file by file what umoci unpacks from the same registry
	skopeo copy -q --src-tls-verify=false "docker://$HUB/team/app:v1" oci:layout:app
	umoci unpack --image layout:app bundle >/dev/null 2>&1
	skiff run --rm -u 0 --entrypoint sh "$HUB/team/app:v1" -c \
		'cd / && find bin etc home one two sticky tmp big -exec stat -c "%n %F %a %u %g %s" {} + | sort' >ours
	(cd bundle/rootfs && find bin etc home one two sticky tmp big -exec stat -c '%n %F %a %u %g %s' {} + |
		sort) >theirs
	[ "$(wc -l <ours)" -gt 250 ]
	# /etc holds the files that every container gets
	diff <(grep -v -e '^etc ' -e '^etc/host' -e '^etc/resolv' ours) \
		<(grep -v -e '^etc ' -e '^etc/host' -e '^etc/resolv' theirs)
}

@test "image inspect says what the registry's config says" {
	own_store
	skiff pull -q "$HUB/team/app:v1" >out
	skiff image inspect "$HUB/team/app:v1" >inspect.json
	skopeo inspect --config --tls-verify=false "docker://$HUB/team/app:v1" >config
	skopeo inspect --raw --tls-verify=false "docker://$HUB/team/app:v1" >manifest
	diff <(jq .rootfs.diff_ids config) <(jq '.[0].RootFS.Layers' inspect.json)
	[ "$(jq -r '.[0].RootFS.Type' inspect.json)" = layers ]
	diff <(jq -S .config config) <(jq -S '.[0].Config' inspect.json)
	diff <(jq '[.created, .docker_version // "", .author // "", .architecture, .os]' config) \
		<(jq '.[0] | [.Created, .DockerVersion, .Author, .Architecture, .Os]' inspect.json)
	[ "$(jq -r '.[0].Id' inspect.json)" = "$(jq -r .config.digest manifest)" ]
	[ "$(jq -r '.[0].RepoDigests[0]' inspect.json)" = "$HUB/team/app@$(digest_of team/app:v1)" ]
	[ "$(jq -r '.[0].RepoTags[0]' inspect.json)" = "$HUB/team/app:v1" ]
	[ "$(jq -r '.[0].Config.Cmd[0], .[0].Config.Entrypoint[0]' inspect.json)" = $'/one\n/bin/cat' ]
	diff inspect.json <(skiff inspect "$HUB/team/app:v1")
	# by ID, and a leading part of it
	id=$(jq -r '.[0].Id' inspect.json)
	diff inspect.json <(skiff inspect "$id")
	diff inspect.json <(skiff inspect "${id:7:6}")
	expect 1 skiff image inspect "$HUB/team/none"
	[[ $output == *"No such image: $HUB/team/none"* ]]
}

@test "pull by digest: that image, though the tag has moved" {
	own_store
	publish base team/moving:v1
	digest=$(digest_of team/moving:v1)
	publish other team/moving:v1
	[ "$(digest_of team/moving:v1)" != "$digest" ]
	skiff pull "$HUB/team/moving@$digest" >out
	said out "$HUB/team/moving@$digest: Pulling from team/moving" '*: Pull complete' "Digest: $digest" \
		"Status: Downloaded newer image for $HUB/team/moving@$digest" "$HUB/team/moving@$digest"
	expect 1 skiff run --rm "$HUB/team/moving@$digest" ls /hello.c
	expect 0 skiff run --rm "$HUB/team/moving:v1" ls /hello.c
	skiff images --digests >out
	said out "REPOSITORY *TAG *DIGEST *IMAGE ID *CREATED *SIZE" "$HUB/team/moving *v1 *sha256:*" \
		"$HUB/team/moving *<none> *$digest *"
	# the digest decides, a tag beside it does not
	skiff pull -q "$HUB/team/moving:nosuchtag@$digest" >out
	said out "$HUB/team/moving@$digest"
	skiff pull "$HUB/team/moving:v1" >out
	grep -qx "Status: Image is up to date for $HUB/team/moving:v1" out
	# One that came by its tag is here by its digest too, and that is no row of its own.
	digest=$(digest_of team/moving:v1)
	skiff pull "$HUB/team/moving@$digest" >out
	grep -qx "Status: Image is up to date for $HUB/team/moving@$digest" out
	[ "$(skiff images --digests "$HUB/team/moving" | grep -c "$digest")" -eq 1 ]
}

@test "a tag that moved is pulled again, and the old image stays, by its digest" {
	own_store
	publish base team/moved:v1
	skiff pull -q "$HUB/team/moved:v1" >/dev/null
	old=$(digest_of team/moved:v1)
	publish other team/moved:v1
	skiff pull "$HUB/team/moved:v1" >out
	said out v1:* '*: Already exists' '*: Pull complete' "Digest: $(digest_of team/moved:v1)" \
		'Status: Downloaded newer*' '*'
	skiff images >out
	said out REPOSITORY* "$HUB/team/moved *v1 *" "$HUB/team/moved *<none> *"
	[ "$(skiff images -f dangling=true --digests --format '{{.Digest}}')" = "$old" ]
	[ "$(skiff images -f dangling=false --format '{{.Tag}}')" = v1 ]
	expect 0 skiff run --rm "$HUB/team/moved@$old" true
	# a tag of another repository keeps it from being pruned
	skiff tag "$HUB/team/moved@$old" kept
	[ -z "$(skiff images -qf dangling=true)" ]
	skiff image prune -f >out
	said out 'Total reclaimed space: 0B'
	skiff rmi kept >out
	said out 'Untagged: kept:latest'
	skiff image prune -f >out
	said out 'Deleted Images:' "untagged: $HUB/team/moved@$old" 'deleted: *' '' 'Total *'
	skiff images --format '{{.Tag}}' >out
	said out v1
}

@test "an index: this machine's entry, or that of --platform" {
	own_store
	skiff pull "$HUB/team/multi:v1" >out
	grep -qx "Digest: $(skopeo inspect --raw --tls-verify=false "docker://$HUB/team/multi:v1" |
		sha256sum | sed 's/^/sha256:/; s/ .*//')" out
	[ "$(skiff inspect "$HUB/team/multi:v1" | jq -r '.[0].Architecture')" = amd64 ]
	expect 0 skiff run --rm "$HUB/team/multi:v1"
	skiff pull --platform linux/arm64 "$HUB/team/multi:v1" >out
	grep -q '^Status: Downloaded newer' out
	[ "$(skiff inspect "$HUB/team/multi:v1" | jq -r '.[0].Architecture')" = arm64 ]
	skiff pull --platform linux/arm64 "$HUB/team/multi:v1" >out
	grep -q '^Status: Image is up to date' out
	# run asks for this machine's when told so
	expect 0 skiff run --rm --platform linux/amd64 --entrypoint '' "$HUB/team/multi:v1" cat /one
	[[ $output == *one ]]
	# in docker's other words
	skiff pull -q --platform ARM64 "$HUB/team/multi:v1"
	[ "$(skiff inspect "$HUB/team/multi:v1" | jq -r '.[0].Architecture')" = arm64 ]
	expect 0 skiff run --rm --platform Linux/x86_64 --entrypoint '' "$HUB/team/multi:v1" cat /one
	skiff pull -q --platform aarch64 "$HUB/team/multi:v1"
	skiff pull -q --platform linux "$HUB/team/multi:v1"
	[ "$(skiff inspect "$HUB/team/multi:v1" | jq -r '.[0].Architecture')" = amd64 ]
	one_line_error 1 skiff pull --platform linux//arm64 "$HUB/team/multi:v1"
	[[ $output == *'"linux//arm64" is an invalid platform'* ]] || fail "$output"
	one_line_error 1 skiff pull --platform linux/riscv64 "$HUB/team/multi:v1"
	[[ $output == *riscv64* ]]
	one_line_error 1 skiff pull "$HUB/team/arm:v1"
	[[ $output == *amd64* ]]
}

@test "-a pulls all tags, and stops at one that cannot be" {
	own_store
	skiff pull -a "$HUB/team/app" >out
	# a block for each tag, in the registry's order; then one status
	for tag in $(skopeo list-tags --tls-verify=false "docker://$HUB/team/app" | jq -r '.Tags[]'); do
		printf '%s\n' "$tag: Pulling from team/app" "Digest: $(digest_of "team/app:$tag")"
	done >blocks
	printf '%s\n' "Status: Downloaded newer image for $HUB/team/app" "$HUB/team/app" >>blocks
	grep -vE '^[0-9a-f]{12}: (Pull complete|Already exists)$' out | diff blocks -
	# each layer comes once, and v1 and latest are one image: its layers have one line each
	{ layer_lines team/app:latest; layer_lines team/app:other; } | cut -d : -f 1 | sort -u >layers
	sed -n 's/: Pull complete$//p' out | sort | diff layers -
	[ "$(grep -c 'Already exists$' out)" -le "$(layer_lines team/app:other | wc -l)" ]
	[ "$(skiff images | awk 'NR > 1 { print $2 }' | sort | xargs)" = 'latest other v1' ]
	skiff pull -a "$HUB/team/app" >out
	sed 's/^Status: .* image/Status: Image is up to date/' blocks | diff - out
	skiff pull -a -q "$HUB/team/app" >out
	said out "$HUB/team/app"
	one_line_error 1 skiff pull -a "$HUB/team/app:v1"
	one_line_error 1 skiff pull -a "$HUB/team/arm"
}

@test "a repository path of many levels" {
	own_store
	skiff pull "$HUB/some/deeper/path/of/hello:v1.5" >out
	said out 'v1.5: Pulling from some/deeper/path/of/hello' '*' '*' '*' "$HUB/some/deeper/path/of/hello:v1.5"
	skiff images >out
	said out REPOSITORY* "$HUB/some/deeper/path/of/hello * v1.5 *"
}

# ---- what goes wrong ---------------------------------------------------------

@test "names that are none, and images that are not there" {
	for name in '' Alpine 'a b' 'a:' "$HUB/a:" http://a/b ../a "$HUB/../a" -- -x a@sha256:1; do
		store_state >before
		run skiff pull "$name"
		[ "$status" -ne 0 ] || fail "pulled '$name'"
		[[ $output == *"invalid reference format"* || $output == *"See 'skiff"* ]] || fail "$output"
		store_state | diff before -
	done
	one_line_error 1 skiff pull "$HUB/team/app:nosuchtag"
	[[ $output == *team/app:nosuchtag* ]]
	one_line_error 1 skiff pull "$HUB/no/such/repository"
	one_line_error 1 skiff pull "$HUB/team/app@sha256:$(printf '0%.0s' {1..64})"
	one_line_error 125 skiff run --rm "$HUB/team/app:nosuchtag" true
	one_line_error 125 skiff run --rm 'no name' true
}

@test "a registry that is down" {
	own_store
	skiff pull -q "$HUB/team/base:v1" >/dev/null
	registry_end
	one_line_error 1 skiff pull "$HUB/team/base:v1"
	registry_begin "${HUB##*:}"
	[[ $output == *"$HUB"* ]]
	# what is here needs no registry
	expect 0 skiff run --rm "$HUB/team/base:v1" true
}

# serve: registry.py with an image x:v1 whose config is standard input and whose one
# layer is file `layer`; sets HOST.
serve() {
	REG=$BATS_TEST_TMPDIR/reg
	mkdir -p "$REG"
	python3 "$REPO/tests/registry.py" "$REG" 3>&- 4>&- &
	echo $! >"$REG.pid"
	disown
	wait_until test -e "$REG/port"
	HOST=127.0.0.1:$(cat "$REG/port")
}

keep() { # standard input becomes a blob; its digest and size
	cat >"$REG/new"
	digest=sha256:$(sha256sum <"$REG/new" | cut -d ' ' -f 1) size=$(stat -c %s "$REG/new")
	mv "$REG/new" "$REG/$digest"
}

OCI=application/vnd.oci.image

# offer FILE...: x:v1 is an image with the config on standard input and these layers.
offer() {
	local config list='' file
	keep
	config="{\"mediaType\":\"$OCI.config.v1+json\",\"digest\":\"$digest\",\"size\":$size}"
	for file; do
		keep <"$file"
		list="$list${list:+,}{\"mediaType\":\"$OCI.layer.v1.tar\",\"digest\":\"$digest\",\"size\":$size}"
	done
	keep < <(printf '{"schemaVersion":2,"mediaType":"%s","config":%s,"layers":[%s]}' \
		"$OCI.manifest.v1+json" "$config" "$list")
	cp "$REG/$digest" "$REG/v1"
	echo "$OCI.manifest.v1+json" >"$REG/v1.type"
}

# config_of FILE... [-- JQ]: a good config for these layers, changed by JQ.
config_of() {
	local ids='' filter=.
	while [ $# -gt 0 ] && [ "$1" != -- ]; do
		ids="$ids${ids:+,}\"sha256:$(sha256sum <"$1" | cut -d ' ' -f 1)\""
		shift
	done
	[ $# -eq 0 ] || filter=$2
	printf '{"os":"linux","architecture":"amd64","config":{"Cmd":["/bin/sh"]},"rootfs":{"type":"layers","diff_ids":[%s]}}' \
		"$ids" | jq -c "$filter"
}

@test "content that does not hash to its digest is refused" {
	own_store
	skiff pull -q "$HUB/team/base:v1" >/dev/null
	serve
	tar -C "$BATS_FILE_TMPDIR/tree" -cf layer bin
	config_of layer | offer layer
	# the manifest by a digest that is not its own
	echo '{}' >"$REG/sha256:$(printf '1%.0s' {1..64})"
	one_line_error 1 skiff pull "$HOST/x@sha256:$(printf '1%.0s' {1..64})"
	# one byte of the layer
	keep <layer
	printf X | dd of="$REG/$digest" bs=1 seek=1000 conv=notrunc status=none
	one_line_error 1 skiff pull "$HOST/x:v1"
	[[ $output == *"${digest#sha256:}"* ]] || fail "$output"
	# one of the config
	keep <layer
	config_of layer -- '.author = "A"' | offer layer
	sed -i 's/amd64/amd65/' "$REG"/"$(jq -r .config.digest "$REG/v1")"
	one_line_error 1 skiff pull "$HOST/x:v1"
}

@test "a layer that is not what the config says is refused" {
	own_store
	skiff pull -q "$HUB/team/base:v1" >/dev/null
	serve
	tar -C "$BATS_FILE_TMPDIR/tree" -cf layer bin
	tar -C "$BATS_FILE_TMPDIR/tree" -cf other etc
	config_of other | offer layer
	one_line_error 1 skiff pull "$HOST/x:v1"
	[[ $output == *"$(sha256sum <other | cut -c 1-64)"* ]] || fail "$output"
	config_of layer other | offer layer
	one_line_error 1 skiff pull "$HOST/x:v1"
	config_of layer | offer layer other
	one_line_error 1 skiff pull "$HOST/x:v1"
	# the right one is taken, in the end
	config_of layer | offer layer
	expect 0 skiff pull "$HOST/x:v1"
}

@test "hostile configs are refused, and images still lists the others" {
	serve
	tar -C "$BATS_FILE_TMPDIR/tree" -cf layer etc
	while read -r filter; do
		config_of layer -- "$filter" | offer layer
		one_line_error 1 skiff pull "$HOST/x:v1" || fail "$filter"
		[[ $output == *"image config sha256:"* ]] || fail "$filter: $output"
	done <<-'END'
		.config.Cmd = "sh"
		.config.Cmd = ["a\u0000b"]
		.config.Env = ["A=\u0000"]
		.config.Env = {"A": "b"}
		.config.User = "root\nevil"
		.config.User = 0
		.config.WorkingDir = "/a\n--privileged"
		.config.StopSignal = "TERM\nkill"
		.config.Labels = ["a"]
		.config.Labels = {"a": 1}
		.config.Volumes = {"/a\nb": {}}
		.config.ExposedPorts = {"80\n81": {}}
		.config = []
		.created = "x"
		.created = "1970-01-01T00:00:00Z[$(reboot)]"
		.created = "2020-01-01T00:00:00Z\n"
		.created = "2020-99-99T99:99:99Z"
		.created = 5
		.os = "linux\n"
		.architecture = ["amd64"]
		.rootfs.diff_ids = ["../../../etc"]
		.rootfs.diff_ids[0] |= . + "\n"
		.rootfs.diff_ids[0] |= ascii_upcase
		[.]
	END
	for text in '' '{' '{"config":' 'null' '"x"' '{}{}'; do
		printf '%s' "$text" | offer layer
		one_line_error 1 skiff pull "$HOST/x:v1"
	done
	expect 0 skiff images
	[[ $output == *busybox* ]]
	[ -z "$(find "$SKIFF_ROOT/images" "$SKIFF_ROOT/layers" -maxdepth 1 -name '.*')" ] || fail "half images are left"
	# odd, but allowed
	config_of layer -- '.created = "0001-01-01T00:00:00Z" | .config.Cmd = ["a\u001b[2J\u009b2J", ""] | .config.Env = ["X=\n$(reboot)`'"'"'"]' |
		offer layer
	skiff pull -q "$HOST/x:v1"
	skiff create --name odd "$HOST/x:v1"
	skiff ps -a --no-trunc >out
	skiff rm odd
	! grep -q $'[\001-\010\013-\037]' out
	! grep -q $'\302[\200-\237]' out
	skiff images | grep "$HOST/x"
}

@test "pull killed at any point: nothing half, and the next one goes on" {
	own_store
	serve
	head -c 3000000 /dev/urandom >big
	tar -C "$BATS_FILE_TMPDIR/tree" -cf layer1 .
	tar -cf layer2 big
	config_of layer1 layer2 | offer layer1 layer2
	digest=sha256:$(sha256sum <layer2 | cut -d ' ' -f 1)
	echo "1 GET.*/blobs/$digest stall 2000000" >"$REG/rules"
	# the whole session is killed, as by a crash
	setsid -w skiff pull "$HOST/x:v1" >out 2>&1 3>&- 4>&- &
	pid=$!
	# the blob is more than half there
	wait_until part_of_blob "${digest#sha256:}" 1900000
	kill -9 -- -$pid
	wait $pid || true
	wait_until nobody_pulls
	[ -z "$(find "$SKIFF_ROOT/images" -mindepth 1 -maxdepth 1 ! -name '.*')" ]
	for layer in "$SKIFF_ROOT"/layers/*; do
		[ ! -e "$layer" ] || [ -e "$layer/blob" ] || fail "half a layer: $layer"
	done
	[ ! -e "$SKIFF_ROOT/blobs/sha256/${digest#sha256:}" ]
	skiff images >out
	said out REPOSITORY*
	: >"$REG/log"
	expect 0 skiff pull "$HOST/x:v1"
	grep "/blobs/$digest" "$REG/log" | grep -q 'range=bytes=[1-9]' || fail "$(cat "$REG/log")"
	expect 0 skiff run --rm "$HOST/x:v1" md5sum /big
	[[ $output == "$(md5sum <big | cut -c 1-32)"* ]]
	expect 0 skiff check
	[ -z "$(find "$SKIFF_ROOT/images" "$SKIFF_ROOT/layers" "$SKIFF_ROOT/refs" -maxdepth 1 -name '.*')" ]
}

# three_layers: files layer1 to layer3, of which each needs those below: parents, a link as a
# parent, a hard link to a file below, a whiteout, an opaque directory. layer1 is large.
three_layers() {
	mkdir -m 1777 tree tree/sticky
	chmod 755 tree
	mkdir tree/real tree/opaque
	echo one | tee tree/real/one tree/opaque/one >tree/gone
	ln -s real tree/link
	head -c 3000000 /dev/urandom >tree/zz-big
	tar --sort=name -C tree -cf layer1 .
	python3 "$REPO/tests/mklayer.py" 'file sticky/two data=two' 'file link/two data=two' \
		'link hard to=real/one' 'file .wh.gone' 'file .wh.nothing' >layer2
	python3 "$REPO/tests/mklayer.py" 'file opaque/.wh..wh..opq' 'file link/three data=three' \
		'link hard3 to=hard' 'file real/.wh.two' >layer3
	layer1=sha256:$(sha256sum <layer1 | cut -d ' ' -f 1) layer3=sha256:$(sha256sum <layer3 | cut -d ' ' -f 1)
}

files_of() {
	(cd "$1" && find . -printf '%P %y %m %U:%G %n %l\n' | sort && find . -type f -exec sha256sum {} + | sort)
}

@test "layers that arrive in any order give the same image" {
	own_store
	serve
	three_layers
	config_of layer1 layer2 layer3 | offer layer1 layer2 layer3
	echo 'timeout 1' >settings
	# the lowest comes last, after a silence
	echo "1 GET.*/blobs/$layer1 cut 1000000" >"$REG/rules"
	expect 0 skiff pull "$HOST/x:v1"
	[ "$(grep -c 'Pull complete' <<<"$output")" = 3 ]
	store_state >before
	mapfile -t chains <"$SKIFF_ROOT"/images/*/layers
	tree2=$SKIFF_ROOT/layers/${chains[1]}/fs tree3=$SKIFF_ROOT/layers/${chains[2]}/fs
	[ "$(stat -c %a "$tree2/sticky")" = 1777 ]
	[ "$(cat "$tree2/real/two")" = two ]
	[ ! -e "$tree2/link" ]
	[ "$(cat "$tree2/hard")" = one ]
	[ "$(stat -c '%F %t' "$tree2/gone")" = 'character special file 0' ]
	[ ! -e "$tree2/nothing" ]
	[ "$(cat "$tree3/real/three" "$tree3/hard3")" = threeone ]
	[ "$(stat -c '%F %t' "$tree3/real/two")" = 'character special file 0' ]
	[ "$(getfattr --only-values -n trusted.overlay.opaque "$tree3/opaque")" = y ]
	# as when one came after the other: blobs that are here already, one at a time
	mv "$SKIFF_ROOT" other
	own_store
	skiff images >/dev/null
	lowers=()
	for n in 1 2 3; do
		layerfs unpack -f layer$n "${lowers[@]}" one$n >/dev/null
		lowers+=(-l "one$n")
		diff <(files_of "one$n") <(files_of "other/layers/${chains[n - 1]}/fs")
	done
}

# nothing_added: no layer, visible or begun, no process.
nothing_added() {
	[ -z "$(find "$SKIFF_ROOT/layers" "$SKIFF_ROOT/images" -mindepth 1 -maxdepth 1)" ] ||
		fail "left: $(ls -A "$SKIFF_ROOT/layers" "$SKIFF_ROOT/images")" || return
	! pgrep -f "$SKIFF_ROOT/layers/" >/dev/null || fail "$(pgrep -af "$SKIFF_ROOT/layers/")"
}

@test "a blob that is wrong at its very end is refused after it was unpacked whole" {
	own_store
	serve
	three_layers
	gzip -n -k layer1 layer2
	config_of layer1 layer2 | offer layer1.gz layer2.gz
	# Another time in the header of gzip: the same layer, by its DiffID, in other bytes.
	digest=sha256:$(sha256sum <layer2.gz | cut -d ' ' -f 1)
	printf X | dd of="$REG/$digest" bs=1 seek=5 conv=notrunc status=none
	expect 1 skiff pull "$HOST/x:v1"
	[[ $output == *"${digest#sha256:}: refused: the bytes do not hash to this"* ]] || fail "$output"
	rm -rf "$SKIFF_ROOT/layers/${layer1#sha256:}" # if it was done before that
	nothing_added
	[ -z "$(find "$SKIFF_ROOT/blobs" -name "*${digest#sha256:}*" -size +0)" ]
	# and garbage after the last member, though blob and DiffID are right
	{ cat layer2.gz; echo garbage and more; } >garbage.gz
	config_of layer1 layer2 | offer layer1.gz garbage.gz
	expect 1 skiff pull "$HOST/x:v1"
	[[ $output == *'not gzip, or damaged'* ]] || fail "$output"
	rm -r "$SKIFF_ROOT/layers/${layer1#sha256:}"
	nothing_added
}

@test "a part that was wrong is fetched again, and the layer with it" {
	own_store
	serve
	three_layers
	config_of layer1 layer2 | offer layer1 layer2
	mkdir -p "$SKIFF_ROOT/blobs/sha256"
	{ head -c 1000000 layer1; head -c 1000000 /dev/zero; } >"$SKIFF_ROOT/blobs/sha256/.${layer1#sha256:}.part"
	expect 0 skiff pull "$HOST/x:v1"
	cmp tree/zz-big "$SKIFF_ROOT/layers/${layer1#sha256:}/fs/zz-big"
	[[ $output != *layerfs:* ]] || fail "$output"
	# so is a blob that is damaged
	rm -r "$SKIFF_ROOT"/{layers,images,refs}/*
	printf X | dd of="$SKIFF_ROOT/blobs/sha256/${layer1#sha256:}" bs=1 seek=1000000 conv=notrunc status=none
	expect 0 skiff pull "$HOST/x:v1"
	cmp tree/zz-big "$SKIFF_ROOT/layers/${layer1#sha256:}/fs/zz-big"
}

@test "one layer that cannot be had ends the work on all" {
	own_store
	serve
	three_layers
	config_of layer1 layer2 layer3 | offer layer1 layer2 layer3
	echo "* GET.*/blobs/$layer1 error 404 gone" >"$REG/rules"
	expect 1 skiff pull "$HOST/x:v1"
	nothing_added
	# the registry lies about what the middle one is
	rm "$REG/rules"
	tar -cf other -C tree real
	config_of layer1 other layer3 | offer layer1 layer2 layer3
	expect 1 skiff pull "$HOST/x:v1"
	[[ $output == *'DiffID is'* ]] || fail "$output"
	[ "$(ls -A "$SKIFF_ROOT/layers")" = "${layer1#sha256:}" ]
}

@test "pull interrupted or killed while layers are unpacked: nothing goes on" {
	own_store
	serve
	three_layers
	config_of layer1 layer2 layer3 | offer layer1 layer2 layer3
	for signal in INT TERM KILL; do
		rm -f "$SKIFF_ROOT"/blobs/sha256/.*.part
		echo "1 GET.*/blobs/$layer1 stall 2000000 $signal" >"$REG/rules"
		# (What a shell starts in the background ignores SIGINT.)
		setsid -w env --default-signal=INT skiff pull "$HOST/x:v1" >out 2>&1 3>&- 4>&- &
		pid=$!
		wait_until eval '[ -s "$(echo "$SKIFF_ROOT"/layers/.*/fs/zz-big)" ]'
		if [ $signal = KILL ]; then
			# the shell that has them as children, as the kernel would when memory is short
			kill -KILL "$(ps -o ppid= -p "$(pgrep -o -f "layerfs unpack.*$SKIFF_ROOT/layers/")" | tr -d ' ')"
		else
			kill -$signal -- -$pid
		fi
		wait_until nobody_unpacks || fail "$signal: $(pgrep -af layerfs)"
		[ $signal = KILL ] || wait_until eval '[ -z "$(ls -A "$SKIFF_ROOT/layers")" ]' # it cleans up
		kill -KILL -- -$pid 2>/dev/null || true
		wait $pid || true
	done
	wait_until nobody_pulls
	expect 0 skiff check
	[ -z "$(ls -A "$SKIFF_ROOT/layers")" ]
	expect 0 skiff pull "$HOST/x:v1"
}

nobody_unpacks() {
	! pgrep -f "layerfs.*$SKIFF_ROOT/layers/" >/dev/null
}

nobody_pulls() {
	! pgrep -f "pull.* $HOST/x:v1" >/dev/null
}

part_of_blob() { # HEX SIZE: has so much of it come?
	local file
	for file in "$SKIFF_ROOT"/blobs/sha256/*"$1"* "$SKIFF_ROOT"/blobs/sha256/.*"$1"*; do
		[ ! -e "$file" ] || [ "$(stat -c %s "$file")" -lt "$2" ] || return 0
	done
	return 1
}

@test "two pulls of one image at a time" {
	own_store
	skiff pull "$HUB/team/app:v1" >one 2>&1 &
	skiff pull "$HUB/team/app:latest" >two 2>&1 || fail "$(cat two)"
	wait $! || fail "$(cat one)"
	[ "$(skiff images -q | sort -u | wc -l)" = 1 ]
	expect 0 skiff run --rm "$HUB/team/app:v1"
	[ -z "$(find "$SKIFF_ROOT/images" "$SKIFF_ROOT/layers" "$SKIFF_ROOT/refs" -maxdepth 1 -name '.*')" ]
}

# ---- run and pull ------------------------------------------------------------

@test "run pulls what is missing, with all words on standard error" {
	own_store
	skiff run --rm "$HUB/team/app" >out 2>err
	said out one
	said err "Unable to find image '$HUB/team/app:latest' locally" 'Using default tag: latest' \
		'latest: Pulling from team/app' '*: Pull complete' '*: Pull complete' '*: Pull complete' \
		'*: Pull complete' Digest:* 'Status: Downloaded newer*' "$HUB/team/app:latest"
	skiff run --rm "$HUB/team/app" >out 2>err
	said out one
	[ ! -s err ]
}

@test "run --quiet and create -q do not tell how pulling goes" {
	own_store
	skiff run --rm --quiet "$HUB/team/app" >out 2>err
	said out one
	[ ! -s err ] || fail "$(cat err)"
	skiff create -q --name xx "$HUB/team/base:v1" >out 2>err
	[ "$(wc -l <out)" = 1 ]
	[ ! -s err ] || fail "$(cat err)"
	skiff rm xx
	expect 125 skiff run --rm -q "$HUB/team/nothing"
	[[ $output == *'cannot pull'* ]]
}

@test "--pull never, always and missing" {
	own_store
	expect 125 skiff run --rm --pull never "$HUB/team/base:v1" true
	[[ $output == *"No such image: $HUB/team/base:v1" ]]
	expect 0 skiff create --pull missing --name xx "$HUB/team/base:v1"
	[[ $output == *'Status: Downloaded newer image'* ]]
	skiff rm xx
	expect 0 skiff run --rm --pull always "$HUB/team/base:v1" true
	[[ $output == *'Status: Image is up to date'* ]]
	expect 0 skiff run --rm --pull=never "$HUB/team/base:v1" true
	expect 125 skiff run --rm --pull sometimes "$HUB/team/base:v1" true
}

# ---- import ------------------------------------------------------------------

@test "import: plain, gzip, zstd, xz and bzip2 archives, files and standard input" {
	own_store
	tar -C "$BATS_FILE_TMPDIR/tree" -cf tree.tar .
	gzip -k tree.tar
	zstd -q tree.tar
	xz -k -0 tree.tar
	bzip2 -k -1 tree.tar
	diff_id=sha256:$(sha256sum <tree.tar | cut -d ' ' -f 1)
	for file in tree.tar tree.tar.gz tree.tar.zst tree.tar.xz tree.tar.bz2; do
		expect 0 skiff import -m "from $file" "$file" "try:$file"
		[[ $output =~ ^sha256:[0-9a-f]{64}$ ]]
		skiff image inspect "try:$file" >inspect.json
		[ "$(jq -r '.[0].Id' inspect.json)" = "$output" ]
		[ "$(jq -r '.[0].RootFS.Layers[0]' inspect.json)" = "$diff_id" ]
		[ "$(jq -r '.[0].Comment' inspect.json)" = "from $file" ]
		expect 0 skiff run --rm "try:$file" echo "$file"
		[ "$output" = "$file" ]
	done
	[ "$(find "$SKIFF_ROOT/layers" -mindepth 1 -maxdepth 1 | wc -l)" = 1 ]
	expect 0 skiff import - <tree.tar.gz
	skiff images >out
	grep -q '^<none> *<none> ' out
	expect 0 skiff run --rm "${output#sha256:}" true
}

@test "import: --change and --platform" {
	own_store
	tar -C "$BATS_FILE_TMPDIR/tree" -c . >tree.tar
	skiff import --change 'CMD ["sh", "-c", "echo $A $B; id -un; pwd"]' \
		-c 'ENV A=1 B="two words"' -c 'env C three  words' -c 'WORKDIR /home/ann' -c 'USER ann' \
		-c 'LABEL a="b c" d=e' -c 'EXPOSE 80 53/udp' -c 'VOLUME ["/data"]' -c 'STOPSIGNAL USR1' \
		tree.tar changed >out
	expect 0 skiff run --rm changed
	[ "$output" = $'1 two words\nann\n/home/ann' ]
	skiff inspect changed | jq -c '.[0].Config | [.Env, .Labels, .ExposedPorts, .Volumes, .StopSignal]' >out
	said out '["A=1","B=two words","C=three  words"],{"a":"b c","d":"e"},{"80/tcp":{},"53/udp":{}},{"/data":{}},"USR1"]' ||
		grep -qxF '[["A=1","B=two words","C=three  words"],{"a":"b c","d":"e"},{"80/tcp":{},"53/udp":{}},{"/data":{}},"USR1"]' out
	skiff import -c 'ENTRYPOINT echo shell form' tree.tar shell >/dev/null
	expect 0 skiff run --rm shell
	[ "$output" = 'shell form' ]
	skiff import --platform linux/arm/v7 tree.tar arm >/dev/null
	[ "$(skiff inspect arm | jq -r '.[0] | .Architecture + .Variant')" = armv7 ]
	for change in 'FROM x' 'CMD' 'RUN ls' 'nonsense'; do
		one_line_error 1 skiff import -c "$change" tree.tar bad
	done
}

@test "import: what is no archive, no file or no name" {
	head -c 1000 /dev/urandom >noise
	tar -C "$BATS_FILE_TMPDIR/tree" -c . | head -c 700000 >cut.tar
	one_line_error 1 skiff import noise bad
	one_line_error 1 skiff import cut.tar bad
	one_line_error 1 skiff import no-such-file bad
	one_line_error 1 skiff import noise 'Bad Name'
	one_line_error 1 skiff import noise "a@sha256:$(printf '0%.0s' {1..64})"
	one_line_error 1 skiff import
	python3 "$REPO/tests/mklayer.py" 'file ../../escaped data=x' >escape.tar
	one_line_error 1 skiff import escape.tar bad
	[ ! -e "$SKIFF_ROOT/escaped" ]
	[ -z "$(find "$SKIFF_ROOT/layers" -maxdepth 1 -name '.*')" ] || fail "half a layer is left"
}

@test "an imported image goes to others: skopeo reads the blobs" {
	read -r image _ manifest <<<"$(xargs <"$SKIFF_ROOT/refs/docker.io/library/busybox:latest")"
	mkdir layout layout/blobs
	ln -s "$SKIFF_ROOT/blobs/sha256" layout/blobs/sha256
	echo '{"imageLayoutVersion":"1.0.0"}' >layout/oci-layout
	printf '{"schemaVersion":2,"manifests":[{"mediaType":"%s","digest":"%s","size":%s}]}' \
		$OCI.manifest.v1+json "$manifest" "$(stat -c %s "$SKIFF_ROOT/blobs/sha256/${manifest#sha256:}")" \
		>layout/index.json
	skopeo copy -q --preserve-digests --dest-tls-verify=false oci:layout "docker://$HUB/team/imported:v1"
	skiff pull "$HUB/team/imported:v1" >out
	grep -qx "Digest: $manifest" out
	[ "$(skiff images -q --no-trunc "$HUB/team/imported")" = "$image" ]
}

# ---- listing -----------------------------------------------------------------

@test "images: columns, sizes, ages, filters" {
	own_store
	expect 0 skiff images
	[ "$output" = 'REPOSITORY   TAG       IMAGE ID   CREATED   SIZE' ]
	expect 0 skiff image ls
	[ "$output" = 'REPOSITORY   TAG       IMAGE ID   CREATED   SIZE' ]
	[ ! -e "$SKIFF_ROOT/refs" ]
	skiff pull -q "$HUB/team/app:v1" >/dev/null
	skiff pull -q "$HUB/team/app" >/dev/null
	skiff pull -q "$HUB/team/base:v1" >/dev/null
	skiff images >out
	diff out <(skiff image ls)
	id=$(skiff image inspect "$HUB/team/app" | jq -r '.[0].Id')
	said out 'REPOSITORY * TAG * IMAGE ID * CREATED * SIZE' \
		"$HUB/team/app * latest * ${id:7:12} * ago * [45].??MB" \
		"$HUB/team/app * v1 * ${id:7:12} * ago * [45].??MB" "$HUB/team/base * v1 * ago * [12].??MB"
	# columns are aligned: TAG begins where the tags begin
	[ "$(awk 'NR > 1 { print index($0, $2) }' out | sort -u)" = "$(awk 'NR == 1 { print index($0, "TAG") }' out)" ]
	skiff images "$HUB/team/app" | awk 'NR > 1 { print $2 }' >out
	said out latest v1
	skiff images "$HUB/team/app:v1" | awk 'NR > 1 { print $2 }' >out
	said out v1
	skiff images nothing >out
	said out REPOSITORY*
	[ "$(skiff images -q "$HUB/team/app" | xargs)" = "${id:7:12} ${id:7:12}" ]
	[ "$(skiff images -q --no-trunc "$HUB/team/app" | uniq)" = "$id" ]
	skiff images -q --digests >out
	said out '????????????' '????????????' '????????????'
	expect 1 skiff images 'no name'
	expect 125 skiff images a b
	expect 125 skiff images --frobnicate
	# the sum of the sizes of the files
	size=$(skiff inspect "$HUB/team/base:v1" | jq '.[0].Size')
	[ "$size" = "$(find "$BATS_FILE_TMPDIR/tree" -type f -printf '%s\n' | awk '{ n += $1 } END { print n }')" ]
}

# ---- names -------------------------------------------------------------------

@test "names mean to the shell what they mean to pull" {
	hex=0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
	long=$(printf 'a%.0s' {1..250})
	printf '%s\n' alpine Alpine a/B a:-x a: a@ a@b a..b a/ /a a//b -a a- _a a_ a___b 'a b' $hex \
		$hex:x $hex/a a/$hex a@sha256:abc "a@sha256:${hex^^}" a@sha256:$hex a:1@sha256:$hex a:@sha256:$hex \
		a@sha512:$hex a@sha256:$hex@sha256:$hex https://docker.io/a a.b:port/c a.b:/c -a.b/c a-.b/c \
		a..b/c a.-b/c a.b-/c '[::1/a' '[::1]:5000/a' '[::1]/a' '[]/a' '[::1]x/a' '[x]/a' 'a[/b' UPPER/a localhost localhost/a \
		localhost:5000 localhost:5000/a:1 index.docker.io/alpine docker.io/alpine docker.io/a/b docker.io docker.io/ \
		DOCKER.IO/a docker.io/a.b/c docker.io/localhost/c docker.io/a.b library/alpine docker.io/library/alpine docker.io/library/a/b a:A-._z a:.x a.b a.b. a.b/ a.b:5/ \
		a.b:5/c: a.b:5:6/c a:b:c a.b:99999999/c "a.b/$long" "a.b/${long}a" "a.b/${long}aa" "$long$long" \
		"a:$(printf 'x%.0s' {1..128})" "a:$(printf 'x%.0s' {1..129})" ../a a/../b a/./b a%2fb ü a@@b a--b \
		a-_b a._b a__b a.-b a_-b a/b/c/d 1 0/0 a:latest:latest sha256:$hex - '*' '$x' '`a`' 'a\b' "'a'" >names
	awk 'BEGIN { srand(7); split("a b 0 9 . _ - : / @ A [ ] x", c, " "); for (i = 0; i < 400; i++) { s = ""
		for (n = 1 + int(rand() * 8); n > 0; n--) s = s c[1 + int(rand() * 14)]; print s } }' >>names
	for shell in dash 'bash --posix'; do
		$shell -c 'set -euf; . "$REPO/src/skiff/image.sh"
			while IFS= read -r name; do
				if canonical "$name"; then familiar "$canonical"; echo "$canonical $familiar"; else echo bad; fi
			done' <names >ours
		while IFS= read -r name; do
			if long=$(pull name -- "$name" 2>/dev/null); then
				echo "$long $(pull name --familiar -- "$name")"
			else
				echo bad
			fi
		done <names >theirs
		paste -d ' ' names ours >a
		paste -d ' ' names theirs | diff a - || fail "$shell differs"
	done
	[ "$(grep -vc '^bad' ours)" -gt 60 ]
	[ "$(grep -c '^bad' ours)" -gt 60 ]
}
