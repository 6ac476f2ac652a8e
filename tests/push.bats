#!/usr/bin/env bats
# push, the tool and the verb: to real registries, read back by skopeo, umoci and buildah, and
# to registry.py, which lies as told.
# shellcheck shell=bash disable=SC2016,SC2030,SC2031

load helper
load registries

setup_file() {
	skiff_setup_file
	cd "$BATS_FILE_TMPDIR" || return
	OPEN=$(real_registry open) CLOSED=$(closed_registry closed)
	export OPEN CLOSED
	make_images >make.log 2>&1 || { cat make.log >&2; return 1; }
}

# team/app:v1 has three layers, gzip by umoci, and is pulled; team/multi an index of it and its
# arm64 twin; team/second:v1 has one layer more.
make_images() {
	set -e
	umoci init --layout layout
	umoci new --image layout:a
	for n in 1 2 3; do
		head -c 200000 /dev/urandom >"file$n"
		tar -cf layer.tar "file$n"
		umoci raw add-layer --image layout:a layer.tar
	done
	umoci config --image layout:a --architecture amd64
	skopeo copy --dest-tls-verify=false oci:layout:a "docker://$OPEN/team/app:v1"
	tar -cf layer.tar --transform s/make.log/more/ make.log
	umoci raw add-layer --image layout:a --tag b layer.tar
	skopeo copy --dest-tls-verify=false oci:layout:b "docker://$OPEN/team/second:v1"
	skiff pull -q "$OPEN/team/app:v1"
	skiff pull -q "$OPEN/team/second:v1"
}

teardown_file() {
	end_registries
	skiff_teardown_file
}

setup() {
	in_time
	cd "$BATS_TEST_TMPDIR" || return
	REG=$BATS_TEST_TMPDIR/registry
	export REG DOCKER_CONFIG=$BATS_TEST_TMPDIR/docker
	mkdir "$REG" "$DOCKER_CONFIG"
	unset SKIFF_REGISTRY_MIRROR SKIFF_INSECURE_REGISTRIES SSL_CERT_FILE SSL_CERT_DIR SKIFF_CERTS_DIR
	STORE=$SKIFF_ROOT/blobs/sha256
}

teardown() {
	end_served
}

digest_of() { # REFERENCE
	skopeo inspect --raw --tls-verify=false "docker://$1" | sha256sum | sed 's/^/sha256:/; s/ .*//'
}

forget() {
	rm -f "$SKIFF_ROOT/refs/$1"
}

parts_of() { # REFERENCE: the digests of its config and layers, from the store
	local manifest
	manifest=$(sed -n 3p "$SKIFF_ROOT/refs/$1")
	jq -r '.config.digest, .layers[].digest' "$STORE/${manifest#sha256:}"
}

log_in() {
	printf '{"auths":{"%s":{"auth":"%s"}}}' "$CLOSED" "$(printf alice:secret | base64)" >"$DOCKER_CONFIG/config.json"
}

# blob_file SIZE: a file of random bytes, its digest into $DIGEST.
blob_file() {
	head -c "$1" /dev/urandom >bytes
	DIGEST=sha256:$(sha256sum <bytes | cut -d ' ' -f 1)
}

served() { # REGEX: how many requests to registry.py there were
	grep -Ec "$1" "$REG/log"
}

# ---- the tool ----

@test "blobs and a manifest: what skopeo reads is what was sent, byte for byte" {
	local ref=$OPEN/tool/app manifest
	parts_of "$OPEN/team/app:v1" >wanted
	manifest=$(sed -n 3p "$SKIFF_ROOT/refs/$OPEN/team/app:v1")
	push blob -d "$STORE" "$ref" <wanted >printed
	diff <(sed 's/$/ uploaded/' wanted | sort) <(sort printed)
	expect 0 push manifest "$ref:v1" "$STORE/${manifest#sha256:}"
	[ "$output" = "$manifest" ]
	[ "$(digest_of "$ref:v1")" = "$manifest" ]
	skopeo copy -q --src-tls-verify=false "docker://$ref:v1" dir:copy
	while read -r digest; do
		cmp "$STORE/${digest#sha256:}" "copy/${digest#sha256:}"
	done <wanted
	# once more: all is there
	push blob -d "$STORE" "$ref" <wanted >printed
	diff <(sed 's/$/ exists/' wanted | sort) <(sort printed)
	[ "$(requests open "PUT /v2/tool/app/blobs")" = 4 ]
	# by digest, and on standard input
	expect 0 push manifest "$OPEN/tool/app@$manifest" <"$STORE/${manifest#sha256:}"
	expect 125 push manifest "$OPEN/tool/app@sha256:${manifest:8}0" <"$STORE/${manifest#sha256:}"
	[[ $output == *"refused: the bytes hash to $manifest"* ]]
}

@test "blob -m: the manifest behind its blobs" {
	local manifest
	manifest=$(digest_of "$OPEN/team/app:v1")
	expect 0 push blob -d "$STORE" -m "$STORE/${manifest#sha256:}" "$OPEN/tool/whole:v1" < <(parts_of "$OPEN/team/app:v1")
	[ "${lines[4]}" = "$manifest manifest $(stat -c %s "$STORE/${manifest#sha256:}")" ] || fail "$output"
	[ "$(digest_of "$OPEN/tool/whole:v1")" = "$manifest" ]
	# it is looked at before anything is sent, and not sent if a blob is not there
	before=$(requests open '(HEAD|POST|PUT)')
	expect 125 push blob -d "$STORE" -m /dev/null "$OPEN/tool/whole:v2" "$manifest"
	expect 125 push blob -n -m "$STORE/${manifest#sha256:}" "$OPEN/tool/whole:v2" "$manifest"
	[ "$(requests open '(HEAD|POST|PUT)')" = "$before" ]
	expect 125 push blob -d . -m "$STORE/${manifest#sha256:}" "$OPEN/tool/whole:v2" "$manifest"
	expect 125 push blob -d "$STORE" -m "$STORE/${manifest#sha256:}" "$OPEN/tool/whole@sha256:$(printf %064d 0)" "$manifest"
	[[ $output == *'refused: the bytes hash to'* ]]
	[ "$(requests open 'PUT /v2/tool/whole/manifests/')" = 1 ]
}

@test "blobs by the names of their files; one given twice is sent once" {
	blob_file 100000
	cp bytes again
	: >empty
	expect 0 push blob "$OPEN/tool/files" bytes again empty
	[ "$(sort <<<"$output")" = "$(printf '%s uploaded\n' "$DIGEST" \
		sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 | sort)" ]
	pull blob "$OPEN/tool/files" "$DIGEST" | cmp - bytes
}

@test "a blob is mounted from the first repository that has it" {
	blob_file 50000
	push blob "$OPEN/tool/has-it" bytes
	expect 0 push blob -f "$OPEN/tool/has-not" -f "$OPEN/tool/has-it" "$OPEN/tool/mounts" bytes
	[ "$output" = "$DIGEST mounted tool/has-it" ]
	expect 0 push blob -d . "$OPEN/tool/line" <<<"bytes $OPEN/tool/has-it"
	[ "$output" = "$DIGEST mounted tool/has-it" ]
	[ "$(requests open 'PUT /v2/tool/(mounts|line)/')" = 0 ]
	# nowhere to be had: sent
	expect 0 push blob -f "$OPEN/tool/has-not" "$OPEN/tool/gets" bytes
	[ "$output" = "$DIGEST uploaded" ]
	expect 125 push blob -f a.example/x "$OPEN/tool/gets" bytes
	[[ $output == *"not at $OPEN"* ]]
}

@test "-n sends nothing, and says what is missing" {
	blob_file 50000
	expect 0 push blob -n "$OPEN/tool/dry" "$DIGEST" # no file is needed
	[ "$output" = "$DIGEST missing" ]
	push blob "$OPEN/tool/wet" bytes
	expect 0 push blob -n -f "$OPEN/tool/wet" "$OPEN/tool/dry" "$DIGEST"
	[ "$output" = "$DIGEST mounted tool/wet" ]
	expect 0 push blob -n "$OPEN/tool/dry" "$DIGEST"
	[ "$output" = "$DIGEST exists" ]
}

@test "a closed registry takes blobs from those who have logged in" {
	blob_file 3000000
	expect 125 push blob "$CLOSED/tool/x" bytes
	[[ $output == *"wants a user name and a password"* ]]
	log_in
	expect 0 push blob "$CLOSED/tool/x" bytes
	[ "$output" = "$DIGEST uploaded" ]
	sed -i 's/"auth":".*"/"auth":"YWxpY2U6d3Jvbmc="/' "$DOCKER_CONFIG/config.json"
	expect 125 push blob "$CLOSED/tool/y" bytes
	[[ $output == *"unauthorized: incorrect username or password"* && $output != *wrong* ]]
}

@test "a token is asked for once: to write here, and to read where to mount from" {
	serve
	blob_file 1000
	echo '{"token":"T1"}' >"$REG/token"
	rule "* /v2/ auth Bearer+T1 Bearer realm=\"http://$HOST/token\",service=s,scope=\"repository:x:pull\""
	echo '{"schemaVersion":2,"manifests":[]}' >manifest
	expect 0 push blob -f "$HOST/a" -f "$HOST/b" -m manifest "$HOST/x" bytes
	[ "$(served 'GET /token')" = 1 ]
	# one that expires in the middle is renewed, and the same upload goes on
	head -c 2000 /dev/urandom >bytes
	echo '{"token":"T2"}' >"$REG/token2"
	printf '%s\n' "1 GET./token header A:B" "1 GET./token file token2" "1 PUT auth Bearer+T2 Bearer realm=\"http://$HOST/token\",service=s" \
		"1 PUT header X:Y" "* /v2/ auth Bearer+T1 Bearer realm=\"http://$HOST/token\",service=s" >"$REG/rules"
	expect 0 push blob "$HOST/x" bytes
	[[ $output == *uploaded ]]
	[ "$(served ^POST) $(served ^PUT)" = "3 4" ] # (two asked to mount what they have not)
	grep -q 'GET /token?service=s&scope=repository%3ax%3apull%2cpush&scope=repository%3aa%3apull&scope=repository%3ab%3apull ' "$REG/log"
}

@test "the address of an upload: relative, with a query, at another host without the token" {
	serve
	blob_file 1000
	expect 0 push blob "$HOST/x" bytes
	grep -qE "PUT /v2/x/blobs/uploads/upload1\?state=a%3Db&digest=sha256(:|%3[aA])${DIGEST#*:} " "$REG/log"
	cmp bytes "$REG/$DIGEST"
	rm "$REG/$DIGEST"
	here=$HOST here_dir=$REG REG=$BATS_TEST_TMPDIR/other
	serve
	other=$HOST there=$REG HOST=$here REG=$here_dir
	printf '{"auths":{"%s":{"auth":"%s"}}}' "$HOST" "$(printf a:b | base64)" >"$DOCKER_CONFIG/config.json"
	rule '1 HEAD status 404'
	rule "1 HEAD status 404"
	rule "1 POST auth Basic+YTpi Basic realm=x"
	rule "1 POST header Location:http://$other/v2/x/blobs/uploads/there"
	expect 0 push blob "$HOST/x" bytes
	grep -q 'POST .*auth=Basic+YTpi ' "$REG/log"
	grep -q 'PUT /v2/x/blobs/uploads/there?digest=.* auth=- ' "$there/log"
	cmp bytes "$there/$DIGEST"
}

@test "in chunks only where the registry demands them" {
	serve
	blob_file 9000000
	rule '1 POST header OCI-Chunk-Min-Length:1000'
	expect 0 push blob "$HOST/x" bytes
	[ "$output" = "$DIGEST uploaded" ]
	grep -o '^PATCH.*' "$REG/log" | grep -oE 'range=[^ ]*' >ranges
	# no crumbs
	diff ranges - <<-'END'
		range=0-4194303
		range=4194304-8388607
		range=8388608-8999999
	END
	cmp bytes "$REG/$DIGEST"
	rm "$REG/$DIGEST"
	# a blob that one chunk would hold goes at once
	rule '1 POST header OCI-Chunk-Min-Length:99999999'
	expect 0 push blob "$HOST/x" bytes
	[ "$(served ^PATCH)" = 3 ]
	cmp bytes "$REG/$DIGEST"
}

@test "an upload that breaks off is begun anew" {
	serve
	blob_file 3000000
	rule '1 PUT cut 1000'
	rule '1 PUT status 503'
	rule '1 PUT status 404'
	expect 0 push blob "$HOST/x" bytes
	[ "$(served ^POST)" = 4 ]
	cmp bytes "$REG/$DIGEST"
	# in chunks as well, from the first
	rm "$REG/$DIGEST"
	blob_file 9000000
	rule '3 POST header OCI-Chunk-Min-Length:1000'
	rule '1 PATCH header X:Y'
	rule '1 PATCH cut 1000'
	expect 0 push blob "$HOST/x" bytes
	cmp bytes "$REG/$DIGEST"
}

@test "a registry in trouble is asked again, five times; what it says is passed on" {
	serve
	blob_file 1000
	rule '* POST status 503 Retry-After:0'
	expect 125 push blob "$HOST/x" bytes
	[[ $output == *"HTTP status 503"* ]]
	[ "$(served ^POST)" = 5 ]
	rm "$REG/rules" "$REG/log"
	rule '1 POST error 429 slow down'
	rule '1 PUT error 400 too large'
	expect 125 push blob "$HOST/x" bytes
	[[ $output == *"unexpected HTTP status 400 (too large)"* ]]
	rule '1 PUT error 403 read only'
	expect 125 push manifest "$HOST/x:v1" <<<'{"schemaVersion":2,"manifests":[]}'
	[[ $output == *"denied (read only)"* ]]
}

@test "a registry that lies is not believed" {
	serve
	blob_file 1000
	local other=sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef line
	# it took the bytes for another blob, mounted another, or gives no address
	while read -r line; do
		rule "$line"
		run -125 push blob -f "$HOST/from" "$HOST/x" bytes
		[[ $output == *"took it for another"* || $output == *"no URL"* ||
			$output == *"unexpected HTTP status"* || $output == *"OCI-Chunk-Min-Length"* ]] || fail "$line: $output"
		rm -f "$REG/rules" "$REG/$DIGEST"
	done <<-END
		1 PUT header Docker-Content-Digest:$other
		1 POST status 201 Docker-Content-Digest:$other
		1 POST status 202
		1 POST header Location:ftp://127.0.0.1/x
		1 POST header Location:http://
		1 POST header OCI-Chunk-Min-Length:many
		1 POST status 200
		1 POST status 204
		1 PUT status 200
		1 PUT status 202
	END
	# what it mounts without being asked to is not there
	rule '1 POST status 201'
	expect 125 push blob "$HOST/x" bytes
	rule "1 manifests header Docker-Content-Digest:$other"
	expect 125 push manifest "$HOST/x:v1" <<<'{"schemaVersion":2,"manifests":[]}'
	[[ $output == *"took it for another"* ]]
	rule "1 PUT.*manifests status 200"
	expect 125 push manifest "$HOST/x:v1" <<<'{"schemaVersion":2,"manifests":[]}'
	[[ $output == *"unexpected HTTP status 200"* ]]
}

@test "from https nothing leads to http" {
	authority
	serve 127.0.0.1 server.pem
	blob_file 1000
	rule "1 POST header Location:http://$HOST/upload"
	expect 125 push blob "$HOST/x" bytes
	[[ $output == *"from https to http refused"* ]]
}

@test "a damaged blob is not sent whole" {
	serve
	blob_file 300000
	mkdir store
	head -c 299999 bytes >"store/${DIGEST#sha256:}"
	printf x >>"store/${DIGEST#sha256:}"
	expect 125 push blob -d store "$HOST/x" "$DIGEST"
	[[ $output == *"store/${DIGEST#sha256:} is damaged"* ]]
	[ ! -e "$REG/$DIGEST" ]
	expect 125 push blob -d store "$OPEN/tool/damaged" "$DIGEST"
	expect 0 push blob -n "$OPEN/tool/damaged" "$DIGEST"
	[ "$output" = "$DIGEST missing" ]
}

@test "what is no manifest is refused before anything is sent" {
	serve
	local text
	for text in '' x '[]' '{}' '{"schemaVersion":2}' '{"schemaVersion":1,"fsLayers":[]}' \
		'{"schemaVersion":2,"layers":[],"manifests":[]}' '{"schemaVersion":2,"mediaType":"a/b","manifests":[]}' \
		'{"schemaVersion":2,"config":{"digest":"sha256:../../x","size":1},"layers":[]}' \
		'{"schemaVersion":2,"manifests":[]} x'; do
		expect 125 push manifest "$HOST/x:v1" <<<"$text"
	done
	head -c 4194305 /dev/zero | tr '\0' ' ' >large
	expect 125 push manifest "$HOST/x:v1" large
	[ ! -e "$REG/log" ]
	# the type is the document's own, or else that of its shape
	push manifest "$HOST/x:v1" <<<'{"schemaVersion":2,"manifests":[]}'
	[ "$(cat "$REG/v1.type")" = application/vnd.oci.image.index.v1+json ]
}

@test "wrong command lines are refused" {
	local words
	: >bytes
	while read -r words; do
		# shellcheck disable=SC2086
		expect 125 push $words
	done <<-END

		frobnicate a
		blob
		blob --no-such-option a bytes
		blob Alpine bytes
		blob 127.0.0.1:1/a none
		blob 127.0.0.1:1/a .
		blob 127.0.0.1:1/a sha256:abc
		blob -d . 127.0.0.1:1/a sha256:../../etc/passwd
		blob 127.0.0.1:1/a sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
		blob -P 0 127.0.0.1:1/a bytes
		blob --progress loud 127.0.0.1:1/a bytes
		blob -f a/../b 127.0.0.1:1/a bytes
		manifest
		manifest a none
		manifest a bytes bytes
	END
	expect 0 push -h
	[[ $output == usage:* ]]
	expect 0 push blob --help
	expect 125 sh -c "echo bytes | push blob $OPEN/tool/full >/dev/full"
	[[ $output == *"standard output"* ]]
}

@test "the shell lines of the page do the same" {
	head -c 1000 /dev/urandom >layer
	awk '$2 == "EQUIVALENT" { on = 1 } $2 == "SEE" { on = 0 } on && (/^\$ / || /^    /) { sub(/^\$ /, ""); print }' \
		"$REPO/src/push/push.1" | sed "s/\\\\e/\\\\/g; s/localhost:5000/$OPEN/" >lines
	[ "$(wc -l <lines)" = 5 ]
	sh -eu lines
	expect 0 push blob -n "$OPEN/team/app" "sha256:$(sha256sum <layer | cut -d ' ' -f 1)"
	[[ $output == *exists ]]
}

@test "progress on a terminal, and none elsewhere" {
	blob_file 100000
	push blob "$OPEN/tool/progress" bytes >printed 2>said
	[ ! -s said ]
	push blob --progress plain "$OPEN/tool/plain" bytes >printed 2>said
	said said "${DIGEST:7:12}: Preparing" "${DIGEST:7:12}: Pushed"
	script -qec "push blob $OPEN/tool/progress bytes >printed" /dev/null >said
	grep -q "${DIGEST:7:12}: Layer already exists" said
}

# ---- the verb ----

@test "skiff push: Docker's lines; the digest is the one that was pulled" {
	log_in
	skiff tag "$OPEN/team/app:v1" "$CLOSED/team/app:v1"
	manifest=$(digest_of "$OPEN/team/app:v1")
	skiff push "$CLOSED/team/app:v1" >out 2>err
	[ ! -s err ]
	size=$(skopeo inspect --raw --tls-verify=false "docker://$OPEN/team/app:v1" | wc -c)
	sed -E 's/^[0-9a-f]{12}/LAYER/' out >lines
	diff lines - <<-END
		The push refers to repository [$CLOSED/team/app]
		LAYER: Preparing
		LAYER: Preparing
		LAYER: Preparing
		LAYER: Pushed
		LAYER: Pushed
		LAYER: Pushed
		v1: digest: $manifest size: $size
	END
	diff <(parts_of "$OPEN/team/app:v1" | sed -n '2,$s/sha256:\(.\{12\}\).*/\1/p' | sort) \
		<(sed -n 's/: Pushed$//p' out | sort)
	# others read it
	skopeo inspect --tls-verify=false --creds alice:secret --format '{{.Digest}}' "docker://$CLOSED/team/app:v1" >digest
	[ "$(cat digest)" = "$manifest" ]
	skopeo copy -q --src-tls-verify=false --src-creds alice:secret "docker://$CLOSED/team/app:v1" oci:layout:app
	umoci unpack --image layout:app bundle >/dev/null 2>&1
	cmp "$BATS_FILE_TMPDIR/file2" bundle/rootfs/file2
	buildah --root "$PWD/b" --runroot "$PWD/r" --storage-driver vfs pull -q --tls-verify=false \
		--creds alice:secret "docker://$CLOSED/team/app:v1"
	# again: nothing is sent
	before=$(requests closed 'PUT /v2/team/app/blobs')
	skiff push "$CLOSED/team/app:v1" >out
	[ "$(grep -c ': Layer already exists$' out)" = 3 ]
	[ "$(requests closed 'PUT /v2/team/app/blobs')" = "$before" ]
	skiff push -q "$CLOSED/team/app:v1" >out
	said out "$CLOSED/team/app:v1"
	tail -n 1 "$SKIFF_ROOT/events" | cut -f 2- >last
	printf 'image\tpush\t%s\tname=%s\n' "$CLOSED/team/app:v1" "$CLOSED/team/app" | diff - last
}

@test "skiff push: layers are mounted from the repositories that have them" {
	skiff tag "$OPEN/team/second:v1" "$OPEN/team/mounts:v1"
	# (jq would take longer than all the rest.)
	mkdir shadow
	printf '#!/bin/sh\n: >%q\nexec /usr/bin/jq "$@"\n' "$PWD/jq-ran" >shadow/jq
	chmod +x shadow/jq
	PATH=$PWD/shadow:$PATH skiff push "$OPEN/team/mounts:v1" >out
	[ ! -e jq-ran ]
	[ "$(grep -cE ': Mounted from team/(app|second)$' out)" = 4 ]
	[ "$(digest_of "$OPEN/team/mounts:v1")" = "$(digest_of "$OPEN/team/second:v1")" ]
	# (The config is small, and sent.)
	[ "$(requests open 'PUT /v2/team/mounts/blobs')" -le 1 ]
}

@test "skiff push: an imported image, and what is pushed runs elsewhere" {
	skiff tag busybox "$OPEN/own/busybox:latest"
	skiff push "$OPEN/own/busybox" >out
	said out 'Using default tag: latest' "The push refers to repository *$OPEN/own/busybox*" '*: Preparing' \
		'*: Pushed' 'latest: digest: sha256:* size: *'
	export SKIFF_ROOT=$BATS_TEST_TMPDIR/root SKIFF_RUN=$BATS_TEST_TMPDIR/run
	expect 0 skiff run --rm "$OPEN/own/busybox" echo here
	[ "${lines[-1]}" = here ]
}

@test "a pull is an event, by whatever verb" {
	manifest=$(digest_of "$OPEN/team/app:v1")
	export SKIFF_ROOT=$BATS_TEST_TMPDIR/root SKIFF_RUN=$BATS_TEST_TMPDIR/run
	skiff pull -q "$OPEN/team/app:v1"
	skiff pull -q "$OPEN/team/app@$manifest"
	skiff create "$OPEN/team/second:v1" x
	skiff pull -qa "$OPEN/team/second"
	awk -F '\t' '$2 == "image" && $3 == "pull" { print $4, $5 }' "$SKIFF_ROOT/events" >events
	diff events - <<-END
		$OPEN/team/app:v1 name=$OPEN/team/app
		$OPEN/team/app@$manifest name=$OPEN/team/app
		$OPEN/team/second:v1 name=$OPEN/team/second
		$OPEN/team/second:v1 name=$OPEN/team/second
	END
}

@test "skiff push: a tag is overwritten, the older image stays by its digest" {
	skiff tag "$OPEN/team/app:v1" "$OPEN/team/moving:v1"
	skiff push -q "$OPEN/team/moving:v1"
	first=$(digest_of "$OPEN/team/moving:v1")
	skiff tag "$OPEN/team/second:v1" "$OPEN/team/moving:v1"
	skiff push -q "$OPEN/team/moving:v1"
	second=$(digest_of "$OPEN/team/moving:v1")
	[ "$first" != "$second" ]
	export SKIFF_ROOT=$BATS_TEST_TMPDIR/root SKIFF_RUN=$BATS_TEST_TMPDIR/run
	skiff pull "$OPEN/team/moving@$first" >out
	grep -qx "Digest: $first" out
	skiff pull "$OPEN/team/moving:v1" >out
	grep -qx "Digest: $second" out
	[ -e "$SKIFF_ROOT/layers/$(tail -n 1 "$SKIFF_ROOT/images/$(sed -n '1s/sha256://p' \
		"$SKIFF_ROOT/refs/$OPEN/team/moving:v1")/layers")/fs/more" ]
}

@test "skiff push -a: every tag of the repository" {
	for tag in a b c; do skiff tag "$OPEN/team/app:v1" "$OPEN/team/all:$tag"; done
	skiff tag "$OPEN/team/app:v1" "$OPEN/team/all/below:x"
	skiff push -a "$OPEN/team/all" >out
	[ "$(grep -c '^The push refers' out)" = 1 ]
	[ "$(sed -n 's/: digest: .*//p' out | xargs)" = 'a b c' ]
	[ "$(pull tags "$OPEN/team/all" | sort | xargs)" = 'a b c' ]
	skiff image push -aq "$OPEN/team/all" >out
	said out "$OPEN/team/all"
}

@test "skiff push: a blob that never came, as its layer was here, is fetched from where it is" {
	# the same files with another compression: same layer, another blob
	local oci=application/vnd.oci.image
	gzip -dc "$STORE/$(parts_of "$OPEN/team/app:v1" | sed -n '2s/sha256://p')" >tar
	zstd -q <tar >layer
	printf '{"os":"linux","architecture":"amd64","rootfs":{"type":"layers","diff_ids":["sha256:%s"]}}' \
		"$(sha256sum <tar | cut -d ' ' -f 1)" >config
	push blob "$OPEN/team/zstd" config layer | sed 's/ .*//' >digests
	printf '{"schemaVersion":2,"config":{"mediaType":"%s","digest":"%s","size":%s},"layers":[{"mediaType":"%s","digest":"%s","size":%s}]}' \
		$oci.config.v1+json "sha256:$(sha256sum <config | cut -d ' ' -f 1)" "$(stat -c %s config)" \
		$oci.layer.v1.tar+zstd "sha256:$(sha256sum <layer | cut -d ' ' -f 1)" "$(stat -c %s layer)" |
		push manifest "$OPEN/team/zstd:v1"
	skiff pull -q "$OPEN/team/zstd:v1"
	layer=$(parts_of "$OPEN/team/zstd:v1" | tail -n 1)
	rm -f "$STORE/${layer#sha256:}"
	log_in
	skiff tag "$OPEN/team/zstd:v1" "$CLOSED/team/zstd:v1"
	skiff push "$CLOSED/team/zstd:v1" >out
	grep -q ': Pushed$' out
	[ -e "$STORE/${layer#sha256:}" ]
	# where nobody has it, it says so
	rm "$STORE/${layer#sha256:}"
	export REG DOCKER_CONFIG=$BATS_TEST_TMPDIR
	serve
	skiff tag "$CLOSED/team/zstd:v1" "$HOST/zstd:v1"
	forget "$CLOSED/team/zstd:v1"
	forget "$OPEN/team/zstd:v1"
	expect 1 skiff push "$HOST/zstd:v1"
	[[ $output == *"${layer#sha256:}: No such file"* ]]
	forget "$HOST/zstd:v1"
}

@test "skiff push: an image that is here and was loaded again, compressed otherwise" {
	local oci=application/vnd.oci.image name
	echo twice >twice
	tar -cf tar twice
	printf '{"os":"linux","architecture":"amd64","rootfs":{"type":"layers","diff_ids":["sha256:%s"]}}' \
		"$(sha256sum <tar | cut -d ' ' -f 1)" >config
	of() { # FILE TYPE: a descriptor; the file becomes a blob of the layout $name
		printf '"mediaType":"%s.%s","digest":"sha256:%s","size":%s' $oci "$2" "$(sha256sum <"$1" | cut -d ' ' -f 1)" "$(stat -c %s "$1")"
		cp "$1" "$name/blobs/sha256/$(sha256sum <"$1" | cut -d ' ' -f 1)"
	}
	for name in gzip zstd; do
		mkdir -p $name/blobs/sha256
		$name -c <tar >layer
		printf '{"schemaVersion":2,"config":{%s},"layers":[{%s}]}' \
			"$(of config config.v1+json)" "$(of layer layer.v1.tar+$name)" >manifest
		printf '{"schemaVersion":2,"manifests":[{%s,"annotations":{"io.containerd.image.name":"%s"}}]}' \
			"$(of manifest manifest.v1+json)" "$OPEN/team/twice:$name" >$name/index.json
		echo '{"imageLayoutVersion":"1.0.0"}' >$name/oci-layout
		skiff load -i $name
	done
	for name in gzip zstd; do
		expect 0 skiff push "$OPEN/team/twice:$name"
	done
	cmp "$SKIFF_ROOT/refs/$OPEN/team/twice:gzip" "$SKIFF_ROOT/refs/$OPEN/team/twice:zstd"
}

@test "skiff push: one that came in an index is pushed as its platform's manifest" {
	skopeo inspect --raw --tls-verify=false "docker://$OPEN/team/app:v1" >m
	printf '{"schemaVersion":2,"mediaType":"%s","manifests":[{"mediaType":"%s","digest":"%s","size":%s,"platform":{"os":"linux","architecture":"amd64"}}]}' \
		application/vnd.oci.image.index.v1+json application/vnd.oci.image.manifest.v1+json \
		"$(digest_of "$OPEN/team/app:v1")" "$(stat -c %s m)" | push manifest "$OPEN/team/app:index"
	skiff pull -q "$OPEN/team/app:index"
	skiff tag "$OPEN/team/app:index" "$OPEN/team/of-index:v1"
	skiff push "$OPEN/team/of-index:v1" >out
	[ "$(digest_of "$OPEN/team/of-index:v1")" = "$(digest_of "$OPEN/team/app:v1")" ]
	skiff inspect "$OPEN/team/of-index:v1" >/dev/null
	[ "$(sed -n 2p "$SKIFF_ROOT/refs/$OPEN/team/of-index:v1")" = "$(digest_of "$OPEN/team/app:v1")" ]
}

@test "skiff push: what cannot be" {
	local words status text
	while IFS='|' read -r words status text; do
		# shellcheck disable=SC2086
		expect "$status" skiff push $words
		[[ $output == *"$text"* ]] || fail "$words: $output"
	done <<-END
		|1|requires 1 argument
		a b|1|requires 1 argument
		--frobnicate a|125|unknown flag
		Alpine|1|invalid reference format
		../../x|1|invalid reference format
		a@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef|1|cannot push a digest reference
		-a $OPEN/team/app:v1|1|tag can't be used with --all-tags/-a
		$OPEN/team/none:v1|1|An image does not exist locally with the tag: $OPEN/team/none:v1
		-a $OPEN/team/none|1|An image does not exist locally with the tag: $OPEN/team/none
		nosuch|1|An image does not exist locally with the tag: nosuch
	END
	# nobody there, and nobody who lets us in
	skiff tag "$OPEN/team/app:v1" 127.0.0.1:1/x:v1
	expect 1 skiff push 127.0.0.1:1/x:v1
	[[ $output == *"127.0.0.1:1"*"cannot push"* ]]
	forget 127.0.0.1:1/x:v1
	skiff tag "$OPEN/team/app:v1" "$CLOSED/team/denied:v1"
	expect 1 skiff push "$CLOSED/team/denied:v1"
	[[ $output == *"log in first"*"cannot push $CLOSED/team/denied:v1" ]]
	[ "$(cut -f 2-4 "$SKIFF_ROOT/events" | grep -c 'push.*denied' || true)" = 0 ]
	# a manifest that is not in the store any more
	skiff tag "$OPEN/team/app:v1" "$OPEN/team/gone:v1"
	sed -i '3s/.*/sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef/' \
		"$SKIFF_ROOT/refs/$OPEN/team/gone:v1"
	expect 1 skiff push "$OPEN/team/gone:v1"
	[[ $output == *"is not in the store"* ]]
	forget "$OPEN/team/gone:v1"
}

@test "skiff push killed at any point: the next one finishes it" {
	head -c 4000000 /dev/urandom >big
	tar -c big | skiff import - "$OPEN/team/killed:v1" >/dev/null
	local n
	for n in 03 08 12 20 35; do
		setsid skiff push "$OPEN/team/killed:v1" >/dev/null 2>&1 3>&- 4>&- &
		sleep "0.$n"
		kill -KILL -- "-$!" 2>/dev/null || true
		wait "$!" || true
		expect 0 skiff check -n
		[ -z "$output" ] || fail "$n: $output"
	done 2>/dev/null
	skiff push "$OPEN/team/killed:v1" >out
	skopeo copy -q --src-tls-verify=false "docker://$OPEN/team/killed:v1" dir:copy
}

@test "build --push, and --pull: a moved base is seen with it, and not without; FROM what is not here, and by digest" {
	mkdir -p push
	skiff tag busybox "$OPEN/build/base:v1"
	skiff push -q "$OPEN/build/base:v1"
	printf 'FROM %s/build/base:v1\nLABEL one=1\n' "$OPEN" >push/Dockerfile
	skiff rmi "$OPEN/build/base:v1" >/dev/null
	expect 0 skiff build -q --network none --push -t "$OPEN/build/made:v1" -t "$OPEN/build/made:v2" push # the base is pulled
	expect 0 skopeo inspect --tls-verify=false "docker://$OPEN/build/made:v1"
	[ "$(jq -r .Labels.one <<<"$output")" = 1 ]
	expect 0 skopeo inspect --tls-verify=false "docker://$OPEN/build/made:v2"
	# Somebody moves the tag: another image has it now.
	printf 'FROM busybox\nLABEL moved=yes\n' | skiff build -q --push -t "$OPEN/build/base:v1" - >/dev/null
	skiff rmi "$OPEN/build/base:v1" >/dev/null
	skiff tag busybox "$OPEN/build/base:v1"
	skiff build -q -t t push >/dev/null
	[ "$(skiff inspect -f '{{.Config.Labels.moved}}' t)" = '<no value>' ]
	skiff build -q --pull -t t push >/dev/null
	[ "$(skiff inspect -f '{{.Config.Labels.moved}}' t)" = yes ]
	digest=$(skopeo inspect --tls-verify=false "docker://$OPEN/build/made:v1" | jq -r .Digest)
	skiff rmi "$OPEN/build/made:v1" "$OPEN/build/made:v2" >/dev/null
	printf 'FROM %s/build/made@%s\n' "$OPEN" "$digest" | skiff build -q -t t - >/dev/null
	[ "$(skiff inspect -f '{{.Config.Labels.one}}' t)" = 1 ]
	expect 1 skiff build -q --push push # without a name
	[[ $output = *'a tag is needed'* ]] || fail "$output"
	expect 1 skiff build -q --push -t "$CLOSED/build/made" push # not logged in
}
