#!/usr/bin/env bats
# skiff manifest inspect, create, annotate, push and rm; and a pull beside one who pushes.
# shellcheck shell=bash disable=SC2016,SC2030,SC2031

load helper
load registries

setup_file() {
	export SKIFF_ROOT=$BATS_FILE_TMPDIR/root SKIFF_RUN=$BATS_FILE_TMPDIR/run
	cd "$BATS_FILE_TMPDIR" || return
	OPEN=$(real_registry open) CLOSED=$(closed_registry closed)
	export OPEN CLOSED
	make_images >make.log 2>&1 || { cat make.log >&2; return 1; }
}

OCI=application/vnd.oci.image

# image HOST/REPOSITORY:TAG OS ARCHITECTURE FILE: an image of one layer with FILE in it; more
# members of the config in $MORE. Prints its digest.
image() {
	tar -cf layer.tar "$4"
	printf '{"os":"%s","architecture":"%s"%s,"rootfs":{"type":"layers","diff_ids":["sha256:%s"]}}' \
		"$2" "$3" "${MORE-}" "$(sha256sum <layer.tar | cut -d ' ' -f 1)" >config.json
	push blob -q "${1%:*}" config.json layer.tar >/dev/null
	printf '{"schemaVersion":2,"mediaType":"%s","config":{"mediaType":"%s","digest":"sha256:%s","size":%s},"layers":[{"mediaType":"%s","digest":"sha256:%s","size":%s}]}' \
		$OCI.manifest.v1+json $OCI.config.v1+json "$(sha256sum <config.json | cut -d ' ' -f 1)" \
		"$(stat -c %s config.json)" $OCI.layer.v1.tar "$(sha256sum <layer.tar | cut -d ' ' -f 1)" \
		"$(stat -c %s layer.tar)" | push manifest "$1"
}

make_images() {
	set -e
	for arch in amd64 arm64; do
		echo "$arch" >which
		image "$OPEN/team/app:$arch" linux $arch which
		image "$OPEN/other/$arch:v1" linux $arch which
	done
	# Docker's own types
	skopeo copy -q --format v2s2 --src-tls-verify=false --dest-tls-verify=false \
		"docker://$OPEN/team/app:amd64" "docker://$OPEN/docker/app:amd64"
	skopeo copy -q --format v2s2 --src-tls-verify=false --dest-tls-verify=false \
		"docker://$OPEN/team/app:arm64" "docker://$OPEN/docker/app:arm64"
	MORE=',"os.version":"10.0.17763.1","variant":"v8"' image "$OPEN/team/app:windows" windows amd64 which
}

teardown_file() {
	end_registries
}

setup() {
	in_time
	cd "$BATS_TEST_TMPDIR" || return
	REG=$BATS_TEST_TMPDIR/registry
	export REG DOCKER_CONFIG=$BATS_TEST_TMPDIR/docker
	mkdir "$REG" "$DOCKER_CONFIG"
	export SKIFF_ROOT=$BATS_TEST_TMPDIR/root SKIFF_RUN=$BATS_TEST_TMPDIR/run
	unset SKIFF_REGISTRY_MIRROR SKIFF_INSECURE_REGISTRIES
}

teardown() {
	end_served
}

raw() { # REFERENCE
	skopeo inspect --raw --tls-verify=false "docker://$1"
}

digest_of() {
	raw "$1" | sha256sum | sed 's/^/sha256:/; s/ .*//'
}

@test "create and push: a pull picks this machine's image, skopeo reads the list" {
	skiff manifest create "$OPEN/team/app:v1" "$OPEN/team/app:amd64" "$OPEN/team/app:arm64" >out
	said out "Created manifest list $OPEN/team/app:v1"
	skiff manifest inspect "$OPEN/team/app:v1" >before
	expect 125 pull resolve "$OPEN/team/app:v1" # it is here alone
	skiff manifest push "$OPEN/team/app:v1" >out
	digest=$(digest_of "$OPEN/team/app:v1")
	said out "Pushed ref $OPEN/team/app@$(digest_of "$OPEN/team/app:amd64") with digest: $(digest_of "$OPEN/team/app:amd64")" \
		"Pushed ref $OPEN/team/app@$(digest_of "$OPEN/team/app:arm64") with digest: $(digest_of "$OPEN/team/app:arm64")" \
		"$digest"
	# what is there is what was shown, byte for byte
	raw "$OPEN/team/app:v1" | cmp before -
	[ "$(jq -r .mediaType before)" = $OCI.index.v1+json ]
	for arch in amd64 arm64; do
		[ "$(skopeo inspect --tls-verify=false --override-arch $arch "docker://$OPEN/team/app:v1" | jq -r .Architecture)" = $arch ]
		skiff pull -q --platform linux/$arch "$OPEN/team/app:v1" >/dev/null
		[ "$(skiff inspect "$OPEN/team/app:v1" | jq -r '.[0].Architecture')" = $arch ]
	done
	if [ "$(uname -m)" = x86_64 ]; then
		skiff pull "$OPEN/team/app:v1" >out
		grep -qx "Digest: $digest" out
		[ "$(cat "$SKIFF_ROOT"/layers/"$(cat "$SKIFF_ROOT/images/$(sed -n '1s/sha256://p' \
			"$SKIFF_ROOT/refs/$OPEN/team/app:v1")/layers")"/fs/which)" = amd64 ]
	fi
	# a platform that is not in it
	expect 1 skiff pull --platform linux/s390x "$OPEN/team/app:v1"
	[[ $output == *"no image for linux/s390x"* ]]
}

@test "images of other repositories come along: mounted, or fetched and sent" {
	skiff manifest create "$OPEN/new/app:v1" "$OPEN/other/amd64:v1" "$OPEN/other/arm64:v1" >out
	skiff manifest push "$OPEN/new/app:v1" >out
	[ "$(requests open 'PUT /v2/new/app/blobs')" = 0 ]
	skopeo copy -q --all --src-tls-verify=false "docker://$OPEN/new/app:v1" dir:copy
	# a registry that mounts nothing
	serve
	for arch in amd64 arm64; do
		skopeo copy -q --src-tls-verify=false "docker://$OPEN/other/$arch:v1" dir:one
		for file in one/*; do cp "$file" "$REG/sha256:$(sha256sum <"$file" | cut -d ' ' -f 1)"; done
		cp one/manifest.json "$REG/$arch"
		echo $OCI.manifest.v1+json >"$REG/$arch.type"
	done
	rule '* HEAD./v2/new/ status 404'
	skiff manifest create "$HOST/new:v1" "$HOST/src:amd64" "$HOST/src:arm64" >/dev/null
	skiff manifest push "$HOST/new:v1" >out
	[ "$(grep -c 'POST /v2/new/blobs/uploads/?mount=sha256:.*&from=src ' "$REG/log")" = 4 ]
	[ "$(grep -c 'PUT /v2/new/blobs/uploads/' "$REG/log")" = 4 ]
	[ "$(tail -n 1 out)" = "sha256:$(sha256sum <"$REG/v1" | cut -d ' ' -f 1)" ]
	[ "$(cat "$REG/v1.type")" = $OCI.index.v1+json ]
	expect 1 skiff manifest create "$HOST/new:v2" "$OPEN/other/none:v1"
	# another registry
	skiff manifest create "$HOST/new:v2" "$OPEN/other/amd64:v1" >/dev/null
	expect 1 skiff manifest push "$HOST/new:v2"
	[[ $output == *"cannot use source images from a different registry than the target image: $OPEN != $HOST"* ]]
}

@test "Docker's images make Docker's list; others, and both, OCI's" {
	skiff manifest create "$OPEN/docker/app:v1" "$OPEN/docker/app:amd64" "$OPEN/docker/app:arm64" >/dev/null
	skiff manifest push "$OPEN/docker/app:v1" >/dev/null
	[ "$(raw "$OPEN/docker/app:v1" | jq -r .mediaType)" = application/vnd.docker.distribution.manifest.list.v2+json ]
	skopeo inspect --tls-verify=false --override-arch arm64 "docker://$OPEN/docker/app:v1" >/dev/null
	skiff manifest create "$OPEN/docker/app:v2" "$OPEN/docker/app:amd64" "$OPEN/team/app:arm64" >/dev/null
	skiff manifest push "$OPEN/docker/app:v2" >/dev/null
	[ "$(raw "$OPEN/docker/app:v2" | jq -r .mediaType)" = $OCI.index.v1+json ]
	expect 0 pull resolve -p linux/arm64 "$OPEN/docker/app:v2"
}

@test "inspect: a line for each architecture and os, without a pull" {
	skiff manifest create "$OPEN/team/app:all" "$OPEN/team/app:amd64" "$OPEN/team/app:arm64" "$OPEN/team/app:windows" >/dev/null
	skiff manifest push -p "$OPEN/team/app:all" >/dev/null
	rm -r "$SKIFF_ROOT"
	skiff manifest inspect "$OPEN/team/app:all" >out
	[ ! -e "$SKIFF_ROOT" ]
	[ "$(grep -c '"architecture": ' out)" = 3 ]
	[ "$(grep -c '"os": ' out)" = 3 ]
	grep -q '"os.version": "10.0.17763.1"' out
	[ "$(grep -c 'architecture\|os' out)" = 7 ]
	diff <(jq -S . out) <(raw "$OPEN/team/app:all" | jq -S .)
	# one image, as Docker indents it
	skiff manifest inspect "$OPEN/team/app:amd64" >out
	grep -q $'^\t"schemaVersion": 2,$' out
	diff <(jq -S . out) <(raw "$OPEN/team/app:amd64" | jq -S .)
	skiff manifest inspect "$OPEN/team/app@$(digest_of "$OPEN/team/app:arm64")" | jq -S . |
		diff - <(raw "$OPEN/team/app:arm64" | jq -S .)
}

@test "inspect -v: each manifest with its name and platform" {
	skiff manifest create "$OPEN/team/app:verbose" "$OPEN/team/app:amd64" "$OPEN/docker/app:arm64" >/dev/null
	skiff manifest inspect -v "$OPEN/team/app:verbose" >here
	[ "$(jq -r '.[].Ref' here | xargs)" = "$OPEN/team/app:amd64 $OPEN/docker/app:arm64" ]
	[ "$(jq -r '.[].Descriptor.platform.architecture' here | xargs)" = 'amd64 arm64' ]
	diff <(jq -S '.[0].OCIManifest' here) <(raw "$OPEN/team/app:amd64" | jq -S .)
	diff <(jq -S '.[1].SchemaV2Manifest' here) <(raw "$OPEN/docker/app:arm64" | jq -S .)
	jq -r '.[0].Raw' here | base64 -d | cmp - <(raw "$OPEN/team/app:amd64")
	skiff manifest push -p "$OPEN/team/app:verbose" >/dev/null
	skiff manifest inspect --verbose "$OPEN/team/app:verbose" >there
	[ "$(jq -r '.[0].Ref' there)" = "$OPEN/team/app:verbose@$(digest_of "$OPEN/team/app:amd64")" ]
	diff <(jq 'map(del(.Ref))' here) <(jq 'map(del(.Ref))' there)
	skiff manifest inspect -v "$OPEN/team/app:windows" >one
	[ "$(jq -c '.Descriptor.platform' one)" = '{"architecture":"amd64","os":"windows","variant":"v8"}' ]
	[ "$(jq -r '.Descriptor.digest' one)" = "$(digest_of "$OPEN/team/app:windows")" ]
}

@test "annotate changes what is said of one image" {
	local list=$OPEN/team/app:annotated
	skiff manifest create "$list" "$OPEN/team/app:amd64" "$OPEN/team/app:arm64" >/dev/null
	skiff manifest annotate "$list" "$OPEN/team/app:arm64" --os linux --arch arm --variant v7 \
		--os-version 1.2 --os-features a,b --os-features c
	skiff manifest inspect "$list" >out
	[ "$(jq -cS '.manifests[1].platform' out)" = \
		'{"architecture":"arm","os":"linux","os.features":["a","b","c"],"os.version":"1.2","variant":"v7"}' ]
	[ "$(jq -cS '.manifests[0].platform' out)" = '{"architecture":"amd64","os":"linux"}' ]
	skiff manifest inspect "$list" "$OPEN/team/app:arm64" | jq -S . | diff - <(raw "$OPEN/team/app:arm64" | jq -S .)
	skiff manifest push "$list" >/dev/null
	expect 0 pull resolve -p linux/arm/v7 "$list"
	local words text
	while IFS='|' read -r words text; do
		# shellcheck disable=SC2086
		expect 1 skiff manifest annotate $words
		[[ $output == *"$text"* ]] || fail "$words: $output"
	done <<-END
		--arch foo $list $OPEN/team/app:arm64|unsupported architecture: 'foo'
		--os dos $list $OPEN/team/app:arm64|unsupported operating system: 'dos'
		--variant v/8 $list $OPEN/team/app:arm64|not a word for --variant
		--os-features a\"b $list $OPEN/team/app:arm64|not features
		$list $OPEN/team/app:none|does not exist in $list
		$OPEN/team/app:nolist $OPEN/team/app:arm64|does not exist in $OPEN/team/app:nolist
		$list Alpine|invalid reference format
	END
	expect 1 skiff manifest annotate --os-version $'1\n2' "$list" "$OPEN/team/app:arm64"
	expect 1 skiff manifest annotate --os-version $'1\t2' "$list" "$OPEN/team/app:arm64"
	skiff manifest inspect "$list" | cmp out -
}

@test "create --amend adds and renews; without it a list is not touched" {
	local list=$OPEN/team/app:amended
	skiff manifest create "$list" "$OPEN/team/app:amd64" >/dev/null
	expect 1 skiff manifest create "$list" "$OPEN/team/app:arm64"
	[[ $output == *"refusing to amend an existing manifest list with no --amend flag" ]]
	[ "$(skiff manifest inspect "$list" | jq '.manifests | length')" = 1 ]
	skiff manifest create -a "$list" "$OPEN/team/app:arm64" >/dev/null
	skiff manifest create --amend "$list" "$OPEN/team/app:amd64" "$OPEN/team/app:arm64" >/dev/null
	[ "$(skiff manifest inspect "$list" | jq -r '.manifests[].platform.architecture' | xargs)" = 'amd64 arm64' ]
	# one that fails changes nothing
	expect 1 skiff manifest create -a "$list" "$OPEN/team/app:windows" "$OPEN/team/app:none"
	[ "$(skiff manifest inspect "$list" | jq '.manifests | length')" = 2 ]
	# two at a time
	skiff manifest create -a "$list" "$OPEN/team/app:windows" >/dev/null &
	skiff manifest create -a "$list" "$OPEN/docker/app:arm64" >/dev/null &
	wait
	[ "$(skiff manifest inspect "$list" | jq '.manifests | length')" = 4 ]
	skiff manifest create -a "$OPEN/team/app:fresh" "$OPEN/team/app:arm64" >/dev/null
	skiff manifest rm "$list" "$OPEN/team/app:fresh"
	[ -z "$(find "$SKIFF_ROOT/manifests" -type f)" ]
	[ "$(stat -c %a "$SKIFF_ROOT/manifests")" = 700 ]
}

@test "a list whose images say no platform is not pushed" {
	serve
	echo '{"rootfs":{"type":"layers","diff_ids":[]}}' >config
	config=sha256:$(sha256sum <config | cut -d ' ' -f 1)
	cp config "$REG/$config"
	printf '{"schemaVersion":2,"config":{"mediaType":"%s","digest":"%s","size":%s},"layers":[]}' \
		$OCI.config.v1+json "$config" "$(stat -c %s config)" >"$REG/odd"
	cp "$REG/odd" "$REG/sha256:$(sha256sum <"$REG/odd" | cut -d ' ' -f 1)"
	skiff manifest create "$HOST/x:v1" "$HOST/x:odd" >/dev/null
	expect 1 skiff manifest push "$HOST/x:v1"
	[[ $output == *"does not say for which platform"* ]]
	skiff manifest annotate --os linux --arch amd64 "$HOST/x:v1" "$HOST/x:odd"
	expect 0 skiff manifest push "$HOST/x:v1"
	# what is no word is none: nothing of a config becomes a column or a line
	printf '{"os":"li\\tnux","architecture":"am\\nd64","variant":["v8"],"os.features":["a\\"b","win32k",7]}' >"$REG/$config.new"
	config=sha256:$(sha256sum <"$REG/$config.new" | cut -d ' ' -f 1)
	mv "$REG"/*.new "$REG/$config"
	printf '{"schemaVersion":2,"config":{"mediaType":"%s","digest":"%s","size":%s},"layers":[]}' \
		$OCI.config.v1+json "$config" "$(stat -c %s "$REG/$config")" >"$REG/odd"
	cp "$REG/odd" "$REG/sha256:$(sha256sum <"$REG/odd" | cut -d ' ' -f 1)"
	skiff manifest create "$HOST/x:v2" "$HOST/x:odd" >/dev/null
	[ "$(skiff manifest inspect "$HOST/x:v2" | jq -c '.manifests[0].platform')" = \
		'{"architecture":"","os":"","os.features":["win32k"]}' ]
}

@test "a closed registry, and --insecure" {
	expect 1 skiff manifest inspect "$CLOSED/x:v1"
	[[ $output == *"log in first"*"no such manifest: $CLOSED/x:v1" ]]
	printf 'alice\nsecret' | credential store "$CLOSED" >/dev/null
	skopeo copy -q --src-tls-verify=false --dest-tls-verify=false --dest-creds alice:secret \
		"docker://$OPEN/team/app:amd64" "docker://$CLOSED/x:amd64"
	skiff manifest create "$CLOSED/x:v1" "$CLOSED/x:amd64" >/dev/null
	skiff manifest push "$CLOSED/x:v1" >/dev/null
	expect 0 skiff manifest inspect "$CLOSED/x:v1"
	# plain http, not on loopback: only when allowed
	cp "$BATS_FILE_TMPDIR/config.json" .
	raw "$OPEN/team/app:amd64" >"$REG/v1"
	export REG
	plain() {
		rm -f "$REG/port"
		elsewhere sh -euc 'python3 "$REPO/tests/registry.py" "$REG" 192.0.2.1:5000 3>&- 4>&- & trap "kill $!" EXIT
			until [ -e "$REG/port" ]; do sleep 0.05; done
			"$@"' - "$@"
	}
	expect 1 plain skiff manifest inspect 192.0.2.1:5000/x:v1
	expect 0 plain skiff manifest inspect --insecure 192.0.2.1:5000/x:v1
}

@test "what cannot be" {
	local words status text
	while IFS='|' read -r words status text; do
		# shellcheck disable=SC2086
		expect "$status" skiff manifest $words
		[[ $output == *"$text"* ]] || fail "$words: $output"
	done <<-END
		|0|Usage: skiff manifest VERB
		frobnicate|1|unknown command
		inspect|1|requires at least 1 and at most 2
		inspect a b c|1|requires at least 1 and at most 2
		inspect --frobnicate a|125|unknown flag
		inspect Alpine|1|invalid reference format
		inspect ../../x|1|invalid reference format
		inspect $OPEN/team/none|1|no such manifest: $OPEN/team/none
		inspect $OPEN/team/app:v9 $OPEN/team/app:amd64|1|No such manifest: $OPEN/team/app:amd64
		create a|1|requires at least 2 argument
		create ../x $OPEN/team/app:amd64|1|invalid reference format
		create $OPEN/x ../../x|1|invalid reference format
		create $OPEN/x $OPEN/team/none|1|no such manifest: $OPEN/team/none
		create $OPEN/x@$(digest_of "$OPEN/team/app:amd64") $OPEN/team/app:amd64|1|a list has a tag
		push $OPEN/team/nolist:v1|1|No such manifest: $OPEN/team/nolist:v1
		push|1|requires 1 argument
		rm|1|requires at least 1 argument
		rm $OPEN/team/nolist:v1|1|No such manifest: $OPEN/team/nolist:v1
	END
	skiff manifest create "$OPEN/team/app:nested" "$OPEN/team/app:amd64" >/dev/null
	skiff manifest push "$OPEN/team/app:nested" >/dev/null
	expect 1 skiff manifest create "$OPEN/x:v1" "$OPEN/team/app:nested"
	[[ $output == *"$OPEN/team/app:nested is a manifest list" ]]
	# each that is there is removed all the same
	expect 1 skiff manifest rm "$OPEN/team/none:v1" "$OPEN/team/app:nested"
	[ -z "$(find "$SKIFF_ROOT/manifests" -type f)" ]
	# what was killed at work on a list is found
	touch "$SKIFF_ROOT/manifests/.4194305"
	expect 0 skiff check
	[[ $output == *"unfinished manifests/.4194305: repaired"* ]]
}

@test "a tag that is moved while it is pulled: one image or the other, never both" {
	serve
	skopeo copy -q --src-tls-verify=false "docker://$OPEN/team/app:amd64" dir:a
	echo second >which
	image "$OPEN/team/second:v1" linux amd64 which >/dev/null
	skopeo copy -q --src-tls-verify=false "docker://$OPEN/team/second:v1" dir:b
	for file in a/* b/*; do cp "$file" "$REG/sha256:$(sha256sum <"$file" | cut -d ' ' -f 1)"; done
	cp a/manifest.json "$REG/first"
	cp b/manifest.json "$REG/second"
	cp b/manifest.json "$REG/v1"
	for name in first second v1; do echo $OCI.manifest.v1+json >"$REG/$name.type"; done
	a=sha256:$(sha256sum <a/manifest.json | cut -d ' ' -f 1) b=sha256:$(sha256sum <b/manifest.json | cut -d ' ' -f 1)
	# moved between the question for the digest and that for the manifest
	rule "1 HEAD./v2/x/manifests/v1 header Docker-Content-Digest:$a"
	skiff pull "$HOST/x:v1" >out
	grep -qx "Digest: $b" out
	[ "$(cat "$SKIFF_ROOT"/layers/*/fs/which)" = second ]
	# moved between the manifest and the blobs: those of the manifest come
	rm -r "$SKIFF_ROOT"
	rule '1 GET./v2/x/manifests/v1 file first'
	skiff pull "$HOST/x:v1" >out
	grep -qx "Digest: $a" out
	[ "$(cat "$SKIFF_ROOT"/layers/*/fs/which)" = amd64 ]
	# moved, and the old blobs are gone: nothing half
	rm -r "$SKIFF_ROOT"
	rm "$REG/sha256:$(jq -r '.layers[0].digest' a/manifest.json | cut -d : -f 2)"
	rule '1 GET./v2/x/manifests/v1 file first#' # (another line, to count anew)
	cp "$REG/first" "$REG/first#"
	cp "$REG/first.type" "$REG/first#.type"
	expect 1 skiff pull "$HOST/x:v1"
	[[ $output == *"not found"* ]]
	[ -z "$(find "$SKIFF_ROOT/refs" "$SKIFF_ROOT/images" -mindepth 1 ! -type d)" ]
	skiff pull "$HOST/x:v1" >out
	grep -qx "Digest: $b" out
}
