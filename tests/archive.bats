#!/usr/bin/env bats
# Images and containers as archives: save, load, export, import. The witnesses are skopeo,
# buildah, podman, umoci and, where it starts, docker.
# shellcheck shell=bash disable=SC2016

load helper

setup_file() {
	skiff_setup_file
	cd "$BATS_FILE_TMPDIR" || return
	# Two layers, the upper one compressed and deleting something: pulled from nowhere, by load.
	mkdir upper
	echo new >upper/new
	: >upper/.wh.home
	tar -C tree -cf lower.tar .
	tar -C upper -cf upper.tar new .wh.home
	gzip -n <upper.tar >upper.tar.gz
	mkdir little
	head -c 20000 /dev/urandom >little/file
	tar -C little -cf little.tar .
	mkdir -p two/blobs/sha256
	layout two lower.tar upper.tar.gz
	echo "$MANIFEST" >manifest
	skiff load -i two >load.out
	skiff tag "$(sed -n 's/Loaded image ID: //p' load.out)" two:v1
	for tool in umoci skopeo buildah; do
		command -v $tool >/dev/null || return
	done
}

teardown_file() {
	skiff_teardown_file
}

setup() {
	in_time
	cd "$BATS_TEST_TMPDIR" || return
	SHARED=$BATS_FILE_TMPDIR
	MANIFEST=$(cat "$SHARED/manifest")
	STORE=$SKIFF_ROOT
}

# own_store: a store for this test alone, empty.
own_store() {
	export SKIFF_ROOT=$BATS_TEST_TMPDIR/root SKIFF_RUN=$BATS_TEST_TMPDIR/run
}

# add_blob DIRECTORY FILE: into the layout; its digest into $digest, its size into $size.
add_blob() {
	digest=sha256:$(sha256sum <"$2" | cut -d ' ' -f 1) size=$(stat -c %s "$2")
	cp "$2" "$1/blobs/sha256/${digest#*:}"
}

# layout DIRECTORY LAYER...: an OCI layout with one image; $CONFIG and $MANIFEST are its digests.
layout() {
	local oci=application/vnd.oci.image dir=$1 ids='' layers='' type layer
	shift
	mkdir -p "$dir/blobs/sha256"
	for layer in "$@"; do
		type=$oci.layer.v1.tar
		[ "${layer%.gz}" = "$layer" ] || type=$type+gzip
		ids="$ids,\"sha256:$(zcat -f "$layer" | sha256sum | cut -d ' ' -f 1)\""
		add_blob "$dir" "$layer"
		layers="$layers,{\"mediaType\":\"$type\",\"digest\":\"$digest\",\"size\":$size}"
	done
	printf '{"os":"linux","architecture":"%s","config":{"Env":["PATH=/bin"],"Cmd":["cat","/new"]},"rootfs":{"type":"layers","diff_ids":[%s]}}' \
		"$(dpkg --print-architecture)" "${ids#,}" >config
	add_blob "$dir" config
	CONFIG=$digest
	printf '{"schemaVersion":2,"mediaType":"%s","config":{"mediaType":"%s","digest":"%s","size":%s},"layers":[%s]}' \
		$oci.manifest.v1+json $oci.config.v1+json "$digest" "$size" "${layers#,}" >manifest.oci
	add_blob "$dir" manifest.oci
	MANIFEST=$digest
	printf '{"schemaVersion":2,"manifests":[{"mediaType":"%s","digest":"%s","size":%s}]}' \
		$oci.manifest.v1+json "$digest" "$size" >"$dir/index.json"
	printf '{"imageLayoutVersion":"1.0.0"}' >"$dir/oci-layout"
	rm config manifest.oci
}

bud() {
	buildah --root "$BATS_TEST_TMPDIR/store" --runroot "$BATS_TEST_TMPDIR/run-b" --storage-driver vfs "$@" 3>&- 4>&-
}

digest_in() { # SOURCE: what skopeo says
	skopeo inspect --format '{{.Digest}}' "$1"
}

id_of() {
	skiff images -q --no-trunc "$1" | head -n 1
}

# whole: nothing to repair, even when all is read.
whole() {
	expect 0 skiff check --deep
	[ -z "$output" ] || fail "$output"
}

# files_of DIRECTORY: its state without what a load that fails may change.
files_of() {
	find "$1" \( -path '*/fs/*' -o -name events \) -prune -o -printf '%P %s\n' | sort
}

# ---- save --------------------------------------------------------------------

@test "save: an OCI layout that docker reads; the same bytes each time" {
	skiff save two:v1 >one.tar
	sleep 1
	expect 0 skiff save -o two.tar two:v1
	[ -z "$output" ]
	cmp one.tar two.tar
	tar -xf one.tar
	[ "$(cat oci-layout)" = '{"imageLayoutVersion":"1.0.0"}' ]
	[ "$(jq -c '.manifests[] | [.digest, .annotations["io.containerd.image.name"], .annotations["org.opencontainers.image.ref.name"]]' index.json)" \
		= "[\"$MANIFEST\",\"docker.io/library/two:v1\",\"v1\"]" ]
	[ "$(jq -r '.[].RepoTags[]' manifest.json)" = two:v1 ]
	for file in blobs/sha256/*; do
		[ "$(sha256sum <"$file" | cut -d ' ' -f 1)" = "${file##*/}" ]
		cmp "$file" "$STORE/$file"
	done
	[ "$(jq -r '.[] | .Config, .Layers[]' manifest.json | sort | uniq | xargs ls | wc -l)" = 3 ]
	[ "$(find blobs -type f | wc -l)" = 4 ]
	[ -z "$(find "$STORE/images" -name '.save*')" ]
}

@test "save: several, by tag, repository, ID and digest; formats" {
	skiff tag two:v1 many:a
	skiff tag two:v1 many:b
	skiff save many busybox >all.tar
	[ "$(tar -xOf all.tar manifest.json | jq -c '[.[].RepoTags]')" = '[["many:a","many:b"],["busybox:latest"]]' ]
	[ "$(tar -xOf all.tar index.json | jq '.manifests | length')" = 3 ]
	skiff save "$(id_of two:v1)" | tar -xO manifest.json | jq -e '.[0].RepoTags == null and (.[0].Layers | length) == 2'
	skiff image save --format oci-archive many:a | tar -t >names
	grep -qx index.json names
	! grep -x manifest.json names
	expect 0 skiff save --format oci-dir -o layout many:a
	[ "$(digest_in oci:layout:a)" = "$MANIFEST" ]
	skiff rmi many:a many:b
	# The store's own blobs serve, too.
	mkdir small
	skiff save two:v1 | tar -x -C small oci-layout index.json
	[ "$(skopeo inspect --shared-blob-dir "$STORE/blobs" --format '{{.Digest}}' oci:small:v1)" = "$MANIFEST" ]
}

@test "save: what is refused" {
	expect 1 skiff save two:v1 nope
	[[ $output = *'No such image: nope:latest'* ]]
	expect 1 skiff save -o there/x two:v1
	[[ $output = *'invalid output path: directory "there" does not exist'* ]]
	expect 1 skiff save
	expect 125 skiff save --format zip two:v1
	expect 125 skiff save --format oci-dir two:v1
	expect 1 script -qec 'skiff save two:v1' /dev/null
	[[ $output = *'cowardly refusing to save to a terminal'* ]]
	expect 1 skiff save -o /dev/full two:v1
	[[ $output = *'cannot write /dev/full'* ]]
	mkdir full
	touch full/x
	expect 1 skiff save --format oci-dir -o full two:v1
	[ -z "$(find . -name '*.part')" ]
	[ -z "$(find "$STORE/images" -name '.*')" ]
}

@test "save | load: another store has the same image, digests and all" {
	skiff save two:v1 busybox | zstd -q >moved.tar.zst
	local config
	config=$(id_of two:v1)
	own_store
	expect 0 skiff load -i moved.tar.zst
	[ "$output" = 'Loaded image: two:v1
Loaded image: busybox:latest' ] || fail "$output"
	[ "$(id_of two:v1)" = "$config" ]
	[ "$(skiff run --rm two:v1)" = new ]
	expect 1 skiff run --rm two:v1 ls /home
	whole
	cmp "$SKIFF_ROOT/images/${config#*:}/layers" "$STORE/images/${config#*:}/layers"
	skiff save two:v1 | cmp - <(SKIFF_ROOT=$STORE skiff save two:v1)
	grep -qF "	image	load	$config" "$SKIFF_ROOT/events"
}

# ---- load --------------------------------------------------------------------

@test "load: Docker's words, from a pipe and from a file, plain or compressed" {
	skiff save two:v1 >two.tar
	local id old
	id=$(id_of two:v1)
	own_store
	[ "$(skiff load -q < <(cat two.tar))" = 'Loaded image: two:v1' ]
	[ "$(skiff load <two.tar)" = 'Loaded image: two:v1' ]
	for program in gzip xz bzip2 'zstd -q'; do
		[ "$($program -c <two.tar | skiff image load --quiet)" = 'Loaded image: two:v1' ]
	done
	# A name that is taken is not taken in silence.
	old=$(tar -C "$SHARED/upper" -c . | skiff import - two:v1)
	expect 0 skiff load --input two.tar
	[ "$output" = "The image two:v1 already exists, renaming the old one with ID $old to empty string
Loaded image: two:v1" ] || fail "$output"
	skiff images | grep -q "^<none> *<none> *${old:7:12} "
	[ "$(id_of two:v1)" = "$id" ]
	skiff save -o plain.tar "$id" 
	[ "$(skiff load -i plain.tar)" = "Loaded image ID: $id" ]
}

@test "load: several layers are unpacked at a time" {
	own_store
	strace -f -qq -o trace -e trace=execve,rename,renameat,renameat2 skiff load -i "$SHARED/two" >/dev/null 3>&- 4>&-
	# Both unpackers are there before the first layer has its place.
	grep -oE 'execve\("[^"]*/layerfs", \["layerfs", "unpack", "--follow"|rename.*/layers/[^.][^/]*"' trace | sed 's/[(].*//' >order
	[ "$(xargs <order)" = 'execve execve renameat2 renameat2' ] || fail "$(cat order)"
	whole
}

@test "load: docker save as it was before version 25" {
	own_store
	local a b c
	a=$(printf 'a%.0s' {1..64}) b=$(printf 'b%.0s' {1..64}) c=$(printf 'c%.0s' {1..64})
	mkdir -p "old/$a" "old/$b" "old/$c"
	cp "$SHARED/lower.tar" "old/$a/layer.tar"
	zcat "$SHARED/upper.tar.gz" >"old/$b/layer.tar"
	ln -s "../$b/layer.tar" "old/$c/layer.tar" # a layer that is there twice
	printf '{"os":"linux","architecture":"amd64","config":{"Cmd":["cat","/new"],"Env":["PATH=/bin"]},"rootfs":{"type":"layers","diff_ids":["sha256:%s","sha256:%s","sha256:%s"]}}' \
		"$(sha256sum <"old/$a/layer.tar" | cut -d ' ' -f 1)" "$(sha256sum <"old/$b/layer.tar" | cut -d ' ' -f 1)" \
		"$(sha256sum <"old/$b/layer.tar" | cut -d ' ' -f 1)" >old/config.json
	printf '[{"Config":"config.json","RepoTags":["old:1","team/old:2"],"Layers":["%s/layer.tar","%s/layer.tar","%s/layer.tar"]}]' \
		"$a" "$b" "$c" >old/manifest.json
	echo '{}' >old/repositories
	tar -C old -c . | skiff load >out
	[ "$(cat out)" = 'Loaded image: old:1
Loaded image: team/old:2' ]
	[ "$(id_of old:1)" = "sha256:$(sha256sum <old/config.json | cut -d ' ' -f 1)" ]
	[ "$(skiff run --rm old:1)" = new ]
	whole
	# Two images in one archive: each has a manifest of its own.
	cp old/config.json old/other.json
	echo >>old/other.json
	jq -c '. + [.[0] | .Config = "other.json" | .RepoTags = ["other:1"]]' old/manifest.json >x
	mv x old/manifest.json
	skiff rmi -f "$(id_of old:1)" >/dev/null
	[ "$(tar -C old -c . | skiff load)" = 'Loaded image: old:1
Loaded image: team/old:2
Loaded image: other:1' ]
	[ "$(id_of other:1)" = "sha256:$(sha256sum <old/other.json | cut -d ' ' -f 1)" ]
	whole
	# A compressed layer, by whatever program, has a name of OCI when it is here.
	rm -r "old/$a" "old/$c"
	xz "old/$b/layer.tar"
	mv "old/$b/layer.tar.xz" "old/$b/layer.tar"
	printf '{"os":"linux","architecture":"amd64","rootfs":{"type":"layers","diff_ids":["sha256:%s"]}}' \
		"$(zcat "$SHARED/upper.tar.gz" | sha256sum | cut -d ' ' -f 1)" >old/config.json
	printf '[{"Config":"config.json","RepoTags":null,"Layers":["%s/layer.tar"]}]' "$b" >old/manifest.json
	tar -C old -c . | skiff load | sed -n 's/Loaded image ID: //p' >id
	skiff save "$(cat id)" | tar -x
	cmp "$(jq -r '.[].Layers[]' manifest.json)" <(zcat "$SHARED/upper.tar.gz")
}

@test "load: an index for several platforms" {
	own_store
	layout multi "$SHARED/lower.tar"
	local mine=$MANIFEST arch
	arch=$(dpkg --print-architecture)
	jq -c --arg arch "$arch" '.manifests = [
		(.manifests[0] + {platform: {os: "linux", architecture: "s390x"}, digest: ("sha256:" + "0" * 64)}),
		(.manifests[0] + {platform: {os: "unknown", architecture: "unknown"}, digest: ("sha256:" + "1" * 64)}),
		(.manifests[0] + {platform: {os: "linux", architecture: $arch}})]' multi/index.json >inner
	add_blob multi inner
	printf '{"schemaVersion":2,"manifests":[{"mediaType":"application/vnd.oci.image.index.v1+json","digest":"%s","size":%s,"annotations":{"org.opencontainers.image.ref.name":"multi:v7"}}]}' \
		"$digest" "$size" >multi/index.json
	expect 0 skiff load -i multi
	[ "$output" = 'Loaded image: multi:v7' ] || fail "$output"
	[ "$(cat "$SKIFF_ROOT/images/$(id_of multi:v7 | cut -d : -f 2)/manifest")" = "$mine" ]
	expect 1 skiff load -i multi --platform linux/riscv64
	[[ $output = *'no image for linux/riscv64'* ]]
	expect 1 skiff load -i multi --platform S390X
	[[ $output = *'has no'*0000* ]] || fail "$output"
}

# refused MESSAGE ARCHIVE: nothing of it gets in, nothing outside is touched.
refused() {
	local before message=$1
	before=$(files_of "$SKIFF_ROOT")
	expect 1 skiff load -i "$2"
	[[ $output = *$message* ]] || fail "'$message' expected: $output"
	[ "$(files_of "$SKIFF_ROOT")" = "$before" ] || fail "$message: changed: $(diff <(echo "$before") <(files_of "$SKIFF_ROOT"))"
	[ "$(cat canary/file)" = canary ] && [ "$(ls canary)" = file ] || fail "$message: the canary has changed"
}

@test "load: hostile archives" {
	own_store
	skiff images >/dev/null
	tar -C "$SHARED/upper" -c . | skiff import - x >/dev/null
	mkdir canary
	echo canary >canary/file
	layout good "$SHARED/little.tar"
	local hex=${MANIFEST#*:} evil n=0
	# evil SCRIPT MESSAGE: the good layout, changed by a script
	evil() {
		rm -rf bad
		cp -r good bad
		(cd bad && eval "$1")
		refused "$2" bad
	}
	evil 'echo x >>blobs/sha256/'"$hex" 'do not hash'
	evil 'echo x >>blobs/sha256/'"${CONFIG#*:}" 'do not hash'
	evil 'for f in blobs/sha256/*; do [ $(stat -c %s $f) -lt 10000 ] || echo x >>$f; done' 'do not hash'
	evil 'rm blobs/sha256/'"$hex" 'it has no file'
	evil 'rm index.json' 'neither index.json nor manifest.json'
	evil 'echo "{" >index.json' index.json
	evil 'echo "[]" >index.json' 'not an object'
	evil 'echo "{\"manifests\":[]}" >index.json' 'no image in it'
	evil 'echo "{\"manifests\":[{\"digest\":\"sha256:../../../../canary\",\"size\":1}]}" >index.json' 'not a sha256 digest'
	evil 'echo "{\"manifests\":[{\"digest\":\"md5:00\",\"size\":1}]}" >index.json' 'not a sha256 digest'
	evil 'jq -c ".layers = []" index.json >x; mv x index.json' 'both an index and a manifest'
	evil 'head -c 5000000 /dev/zero | tr "\\0" " " >>index.json' 'too large'
	evil 'jq -c ".manifests[0].annotations = {\"io.containerd.image.name\": \"../../../x\"}" index.json >x; mv x index.json' 'invalid reference'
	evil 'jq -c ".manifests[0].annotations = {\"io.containerd.image.name\": \"a\\nb\"}" index.json >x; mv x index.json' 'a bad name'
	# Links that lead out, to what would hash right.
	evil 'cp blobs/sha256/'"$hex"' ../outside; ln -sf ../../../outside blobs/sha256/'"$hex" 'it has no file'
	evil 'cp index.json ../outside; ln -sf ../outside index.json' 'neither index.json'
	evil 'mv blobs ../blobs.out; ln -s ../blobs.out blobs' 'it has no file'
	rm -rf blobs.out
	# An image whose config lies about its layers.
	printf '{"os":"linux","architecture":"amd64","rootfs":{"type":"layers","diff_ids":["sha256:%064d"]}}' 0 >config
	rm -rf bad
	mkdir bad
	cp config "$SHARED/little.tar" bad
	for layers in '["little.tar"]' '[]' '["little.tar","little.tar"]' '["/etc/passwd"]' '["../canary/file"]' '["a/../../canary/file"]' '[7]' '"little.tar"'; do
		printf '[{"Config":"config","RepoTags":["a:b"],"Layers":%s}]' "$layers" >bad/manifest.json
		case $layers in
		'["little.tar"]')
			refused DiffID bad
			[[ $output == *"skiff load: cannot unpack sha256:"* ]] || fail "$output"
			;;
		*little.tar\",* | '[]') refused 'differ in their layers' bad ;;
		'"'*) refused 'not a list' bad ;;
		*) refused 'bad path' bad ;;
		esac
	done
	for config in ../canary/file /etc/passwd x/../../canary/file config/ 'con fig'; do
		printf '[{"Config":"%s","Layers":[]}]' "$config" >bad/manifest.json
		refused 'bad path' bad
	done
	printf '{"os":"linux","architecture":"amd64","rootfs":{"type":"layers","diff_ids":[]}}' >bad/config
	for tag in '../x' 'A B' '-rf' 'x@sha256:00' 'sha256:1' '$(touch canary/x)'; do
		jq -n -c --arg tag "$tag" '[{Config: "config", RepoTags: [$tag], Layers: []}]' >bad/manifest.json
		expect 1 skiff load -i bad
		[ "$(skiff images -q | sort -u | wc -l)" -le 2 ]
	done
	[ "$(ls canary)" = file ]
	[ ! -e "$SKIFF_ROOT/x" ] && [ ! -e "$BATS_TEST_TMPDIR/x" ]
}

@test "load: tar archives that are none, are cut off or climb out" {
	own_store
	skiff images >/dev/null
	tar -C "$SHARED/upper" -c . | skiff import - x >/dev/null
	mkdir canary
	echo canary >canary/file
	layout good "$SHARED/little.tar"
	tar -C good -cf good.tar .
	head -c 15000 good.tar >cut.tar
	head -c 5000 /dev/urandom >noise
	: >empty
	refused 'cannot read the archive' cut.tar
	refused 'cannot read the archive' noise
	refused 'cannot read the archive' empty
	refused 'no such file or directory' nothing
	tar -P -cf climb.tar --transform 's|^good|../../../../../../..'"$BATS_TEST_TMPDIR"'/canary|' good
	refused '' climb.tar
	python3 - <<-'PYTHON'
		import io, tarfile
		for out in "links.tar", "climbs.tar":
		  with tarfile.open(out, "w") as tar:
		    def add(name, kind=tarfile.REGTYPE, target="", data=b""):
		        entry = tarfile.TarInfo(name)
		        entry.type, entry.linkname, entry.size = kind, target, len(data)
		        tar.addfile(entry, io.BytesIO(data))
		    if out == "climbs.tar":
		        add("canary", tarfile.SYMTYPE, "../../../../canary")
		        add("canary/new", data=b"x")
		    add("a/layer.tar", tarfile.SYMTYPE, "../../../../canary/file")
		    add("b", tarfile.SYMTYPE, "/etc")
		    add("c/layer.tar", tarfile.SYMTYPE, "../b/passwd")
		    add("manifest.json", data=b'[{"Config":"a/layer.tar","Layers":["c/layer.tar"]}]')
	PYTHON
	refused 'it has no file a/layer.tar' links.tar
	refused 'cannot read the archive' climbs.tar
	expect 1 script -qec 'skiff load' /dev/null
	[[ $output = *'requested load from stdin, but stdin is empty'* ]]
	expect 1 skiff load operand
}

@test "load: a full disk" {
	DISK=$BATS_TEST_TMPDIR/disk
	mkdir "$DISK"
	truncate -s 80M disk.img
	mkfs.ext4 -q -F -O ^has_journal disk.img
	mount -o loop disk.img "$DISK"
	local SKIFF_ROOT=$DISK/root SKIFF_RUN=$DISK/run before
	tar -C "$SHARED/upper" -c . | skiff import - x >/dev/null
	mkdir big
	head -c 90000000 /dev/urandom >big/file
	tar -C big -cf big.tar .
	layout huge big.tar
	before=$(files_of "$SKIFF_ROOT")
	expect 1 skiff load -i huge
	[[ $output = *'disk is full'* || $output = *'No space'* ]] || fail "$output"
	[ "$(files_of "$SKIFF_ROOT")" = "$before" ] || fail "$(diff <(echo "$before") <(files_of "$SKIFF_ROOT"))"
	umount "$DISK"
}

teardown() {
	[ ! -d "$BATS_TEST_TMPDIR/disk" ] || umount -q "$BATS_TEST_TMPDIR/disk" || true
	[ ! -e "$BATS_TEST_TMPDIR/docker.pid" ] || end_docker
}

# ---- others ------------------------------------------------------------------

@test "skopeo, buildah, podman and umoci read what skiff saves; the digests are the same" {
	skiff save -o two.tar two:v1
	skiff save --format oci-archive -o oci.tar two:v1
	skiff save --format oci-dir -o dir two:v1
	local config
	config=$(id_of two:v1)
	[ "$(digest_in oci-archive:oci.tar)" = "$MANIFEST" ]
	[ "$(digest_in oci:dir:v1)" = "$MANIFEST" ]
	[ "$(digest_in oci-archive:two.tar)" = "$MANIFEST" ]
	[ "$(skopeo inspect --config --raw docker-archive:two.tar | sha256sum | cut -d ' ' -f 1)" = "${config#*:}" ]
	for source in docker-archive:two.tar oci-archive:oci.tar oci:dir:v1; do
		[ "$(bud pull -q "$source" 2>/dev/null)" = "${config#*:}" ] || fail "$source"
	done
	umoci unpack --image dir:v1 bundle
	[ "$(cat bundle/rootfs/new)" = new ] && [ ! -e bundle/rootfs/home ]
	command -v podman >/dev/null || skip "podman is not installed; the others were tried"
	podman --root "$BATS_TEST_TMPDIR/store" --runroot "$BATS_TEST_TMPDIR/run-b" --storage-driver vfs load -q -i two.tar 3>&- 4>&- |
		grep -q 'Loaded image'
}

@test "skiff loads what skopeo, buildah and umoci save" {
	skiff save -o two.tar two:v1
	local config source
	config=$(id_of two:v1)
	own_store
	for source in docker-archive:a.tar oci-archive:b.tar oci:c; do
		skopeo copy -q docker-archive:../*/two.tar "$source:sk/opeo:v1" 2>/dev/null ||
			skopeo copy -q docker-archive:two.tar "$source:sk/opeo:v1"
		source=${source#*:}
		expect 0 skiff load -i "$source"
		[ "${lines[-1]}" = 'Loaded image: sk/opeo:v1' ] || fail "$output"
		[ "$(skiff run --rm sk/opeo:v1)" = new ]
	done
	bud pull -q docker-archive:two.tar >/dev/null 2>&1
	for source in docker-archive:d.tar:bu/ild:v2 oci-archive:e.tar:bu/ild:v2; do
		bud push -q two:v1 "$source"
		source=${source#*:}
		expect 0 skiff load -i "${source%%:*}"
		[[ $output = *'Loaded image: bu/ild:v2'* ]] || fail "$output"
		[ "$(skiff run --rm bu/ild:v2)" = new ]
	done
	umoci init --layout u
	umoci new --image u:v3
	umoci unpack --image u:v3 bundle
	cp "$SHARED/upper/new" bundle/rootfs/inserted
	umoci repack --image u:v3 bundle
	expect 0 skiff load -i u
	[[ $output = 'Loaded image ID: sha256:'* ]]
	whole
}

start_docker() {
	command -v dockerd >/dev/null && command -v docker >/dev/null || skip 'docker is not installed'
	dockerd --data-root "$PWD/d" --exec-root "$PWD/e" -H "unix://$PWD/s" --pidfile "$PWD/docker.pid" \
		--bridge=none --iptables=false >docker.log 2>&1 3>&- 4>&- &
	DOCKER_PID=$!
	export DOCKER_HOST=unix://$PWD/s
	wait_until docker_answers || skip "dockerd does not start here: $(tail -n 1 docker.log)"
}

docker_answers() {
	docker version >/dev/null 2>&1 || ! kill -0 $DOCKER_PID
	docker version >/dev/null 2>&1
}

end_docker() {
	kill "$(cat "$BATS_TEST_TMPDIR/docker.pid")" && wait_until test ! -e "$BATS_TEST_TMPDIR/docker.pid"
}

@test "docker loads what skiff saves, and the other way round" {
	start_docker
	skiff save -o two.tar two:v1
	local config
	config=$(id_of two:v1)
	[ "$(docker load -i two.tar)" = 'Loaded image: two:v1' ]
	[ "$(docker images -q --no-trunc two:v1)" = "$config" ]
	docker tag two:v1 from/docker:v9
	docker save -o docker.tar from/docker:v9 two:v1
	own_store
	[ "$(skiff load -i docker.tar | sort)" = 'Loaded image: from/docker:v9
Loaded image: two:v1' ]
	[ "$(id_of from/docker:v9)" = "$config" ]
	[ "$(skiff run --rm two:v1)" = new ]
}

# ---- export ------------------------------------------------------------------

@test "export: a container that runs, has ended, or never ran" {
	local c
	c=$(skiff run -d --name exported -v "$SHARED/upper:/mnt" busybox sh -c \
		'echo changed >/new; rm -r /home; mkdir -m 1777 /sticky; chown 5:6 /new; ln /new /link; sleep 100')
	wait_until test -e "$SKIFF_ROOT/containers/$c/rw/upper/link"
	skiff export exported >running.tar
	skiff stop -t 0 exported >/dev/null
	expect 0 skiff container export -o ended.tar exported
	[ -z "$output" ]
	for archive in running.tar ended.tar; do
		rm -rf x
		mkdir x
		tar -C x -xpf $archive
		[ "$(cat x/new)" = changed ] && [ "$(stat -c '%u:%g' x/new)" = 5:6 ] && [ x/new -ef x/link ]
		[ "$(stat -c %a x/sticky) $(stat -c %a x/tmp)" = '1777 1777' ]
		[ ! -e x/home ]
		[ -d x/mnt ] && [ -z "$(find x/mnt x/proc -mindepth 1)" ] # not what is mounted
		cmp x/bin/busybox "$SHARED/tree/bin/busybox"
		[ "$(stat -c %u x/bin/busybox)" = 0 ]
	done
	skiff create --name never busybox true >/dev/null
	skiff export never | tar -t | sed 's|^\./||;s|/$||;/^$/d' | sort >names
	(cd "$SHARED/tree" && find . -mindepth 1 -printf '%P\n' | sort) | cmp - names
	# An image of it
	skiff export exported | skiff import -c 'CMD ["cat", "/new"]' - flat >/dev/null
	[ "$(skiff run --rm flat)" = changed ]
	skiff rm exported never >/dev/null
	skiff rmi flat >/dev/null
	! grep "$SKIFF_ROOT" /proc/self/mountinfo
}

@test "export: what is refused; a file appears when it is whole" {
	expect 1 skiff export nope
	[[ $output = *'No such container: nope'* ]]
	skiff create --name refused busybox true >/dev/null
	expect 1 skiff export -o there/x refused
	[[ $output = *'invalid output path: directory "there" does not exist'* ]]
	expect 1 skiff export -o /dev/full refused
	[ -z "$(find . -mindepth 1)" ]
	expect 1 script -qec 'skiff export refused' /dev/null
	[[ $output = *'cowardly refusing to export to a terminal'* ]]
	expect 1 skiff export
	skiff rm refused >/dev/null
}

# ---- import ------------------------------------------------------------------

@test "import: --message, and layers in a form that OCI has a name for" {
	tar -C "$SHARED/upper" -c . >plain.tar
	xz -k plain.tar
	bzip2 -k plain.tar
	gzip -k plain.tar
	own_store
	for file in plain.tar.gz plain.tar.xz plain.tar.bz2; do
		skiff import --message "from $file" "$file" imported >/dev/null
		expect 0 skiff history --format '{{.Comment}}' imported
		[ "$output" = "from $file" ]
		rm -rf layout
		skiff save --format oci-dir -o layout imported
		expect 0 skopeo inspect --raw oci:layout:latest
		case $file in
		*.gz) [ "$(jq -r '.layers[].mediaType' <<<"$output")" = application/vnd.oci.image.layer.v1.tar+gzip ] ;;
		*) [ "$(jq -r '.layers[].mediaType' <<<"$output")" = application/vnd.oci.image.layer.v1.tar ] ;;
		esac
		umoci unpack --image layout:latest "bundle.$file"
		[ "$(cat "bundle.$file/rootfs/new")" = new ]
	done
}
