#!/usr/bin/env bats
# The same Dockerfiles built by skiff, by docker (its classic builder, and BuildKit) and by buildah: the same files,
# config and behaviour, but for what docs/docker.md lists. All is compared in skiff's store, by one pair of eyes.
# shellcheck shell=bash
# shellcheck disable=SC2016 # what expands is in the Dockerfile
load helper

setup_file() {
	skiff_setup_file
	cd "$BATS_FILE_TMPDIR" || return
	mkdir -p ctx/dir/sub ctx/skipped ours
	echo hello >ctx/hello
	echo f >ctx/dir/f
	echo s >ctx/dir/sub/s
	ln -s f ctx/dir/link
	touch ctx/skipped/x ctx/dir/gone.tmp
	chmod 750 ctx/dir/sub
	chmod 600 ctx/dir/f
	chown 7:7 ctx/hello
	tar -C ctx -cf ctx/a.tar hello
	printf '%s\n' skipped '**/*.tmp' >ctx/.dockerignore
	cat >ctx/many <<-'END_OF_FILE'
		ARG BASE=busybox
		FROM ${BASE} AS made
		ARG VERSION
		ENV NAME="a b" V=${VERSION:-1.0} W=${VERSION:+set}
		LABEL one=1 "two words"="x y"
		RUN mkdir -p /made/in && echo "$NAME $V $W" >/made/in/said && ln -s said /made/in/link && \
			ln /made/in/said /made/in/twin && chmod 4755 /made/in/said && chown -R 5:6 /made/in
		RUN ["/bin/sh", "-c", "echo exec >/made/exec"]
		WORKDIR /srv
		WORKDIR app
		RUN pwd >where
		COPY hello .
		COPY dir /copied
		COPY dir/sub/s hello /two/
		COPY --chown=1000:1000 hello /owned
		ADD a.tar /unpacked/
		RUN rm -r /home && mkdir /home && rm /etc/group && echo new:x:1: >/etc/group
		CMD cat /srv/app/where; ls -ln /two
	END_OF_FILE
	cat ctx/many - >ctx/stages <<-'END_OF_FILE'

		FROM ${BASE}
		COPY --from=made /made /made
		COPY --from=0 /srv/app/where /where
		ENV MORE=1 PATH=/usr/local/bin:/bin
		SHELL ["/bin/sh", "-ec"]
		RUN echo "$PATH" >/path
		EXPOSE 80 53/udp
		VOLUME /data
		WORKDIR /work
		USER 1000:1000
		STOPSIGNAL SIGINT
		HEALTHCHECK --interval=3s --retries=2 CMD test -f /path
		ONBUILD RUN echo triggered >/triggered
		LABEL last="done"
		ENTRYPOINT ["/bin/sh", "-c"]
		CMD ["cat /made/in/said; id -u; pwd; echo $MORE"]
	END_OF_FILE
	skiff save -o base.tar busybox
	for file in many stages; do
		skiff build -q --network none --build-arg VERSION=2 -t "ours-$file" -f "ctx/$file" ctx >/dev/null
		look "ours-$file" ours
	done
}

teardown_file() {
	[ ! -e "$BATS_FILE_TMPDIR/docker.pid" ] || end_docker
	skiff_teardown_file
}

# look IMAGE DIRECTORY: its files, config, and what a container of it says, as files below DIRECTORY.
look() {
	local id
	id=$(skiff create "$1") || return
	skiff export "$id" >export.tar
	skiff rm "$id" >/dev/null
	python3 - >"$2/files.${1##*-}" <<-'PYTHON'
		import hashlib, tarfile
		tar = tarfile.open("export.tar")
		for m in sorted(tar.getmembers(), key=lambda m: m.name):
		    data = hashlib.sha256(tar.extractfile(m).read()).hexdigest()[:16] if m.isreg() else ""
		    print(m.name, m.type.decode(), oct(m.mode), m.uid, m.gid, m.linkname, data)
	PYTHON
	skiff inspect "$1" | jq -S '.[0].Config' >"$2/config.${1##*-}"
	skiff run --rm "$1" >"$2/said.${1##*-}"
}

# same ENGINE: what it has built is what we have built, but for what $files_differ, a pattern, and $config_differs, a
# filter of jq, say.
same() {
	local file
	for file in many stages; do
		look "$1-$file" "$1"
		diff <(grep -vE "$files_differ" "ours/files.$file") <(grep -vE "$files_differ" "$1/files.$file") ||
			fail "$file: < skiff, > $1"
		diff <(jq -S "$config_differs" "ours/config.$file") <(jq -S "$config_differs" "$1/config.$file") ||
			fail "$file: < skiff, > $1"
		diff "ours/said.$file" "$1/said.$file" || fail "$file: < skiff, > $1"
	done
	[ "$(wc -l <"$1/files.stages")" -gt 200 ] # it is not the filter that makes them equal
	grep -q '^made/in/said 0 0o755 5 6 ' "$1/files.stages"
	[ "$(jq -c .ExposedPorts "$1/config.stages")" = '{"53/udp":{},"80/tcp":{}}' ]
}

# Empty directories and files that an engine has mounted on, in its layers: we leave them out.
stubs='^(dev|proc|sys|run|etc/hostname|etc/hosts|etc/resolv.conf) '
# Fields of Docker that say nothing of an image, or only what they are by default.
nothing='with_entries(select(.value | . != "" and . != false and . != null and . != [] and . != {})) | del(.Hostname, .Image, .ArgsEscaped)'

start_docker() {
	command -v dockerd >/dev/null && command -v docker >/dev/null || skip 'docker is not installed'
	export DOCKER_HOST=unix://$BATS_FILE_TMPDIR/s
	[ ! -e docker.pid ] || return 0
	dockerd --data-root "$PWD/d" --exec-root "$PWD/e" -H "$DOCKER_HOST" --pidfile "$PWD/docker.pid" \
		--bridge=none --iptables=false >docker.log 2>&1 3>&- 4>&- &
	local job=$!
	wait_until eval "docker version >/dev/null 2>&1 || ! kill -0 $job 2>/dev/null"
	docker version >/dev/null 2>&1 || skip "dockerd does not start here: $(tail -n 1 docker.log)"
	docker load -q -i base.tar >/dev/null
}

end_docker() {
	kill "$(cat "$BATS_FILE_TMPDIR/docker.pid")" && wait_until test ! -e "$BATS_FILE_TMPDIR/docker.pid"
}

# docker_builds ENGINE DOCKER: both files, and into our store.
docker_builds() {
	mkdir -p "$1"
	for file in many stages; do
		"$2" build -q --network none --build-arg VERSION=2 -t "$1-$file" -f "ctx/$file" ctx >said 2>&1 || fail "$(cat said)"
		docker save "$1-$file" | skiff load -q >/dev/null
		# What runs is the same, too.
		[ "$(docker run --rm --network none "$1-$file")" = "$(cat "ours/said.$file")" ]
	done
}

setup() { in_time && cd "$BATS_FILE_TMPDIR" || return; }

@test "docker's classic builder: the same files, config and behaviour" {
	start_docker
	DOCKER_BUILDKIT=0 docker_builds classic docker
	files_differ=$stubs config_differs=$nothing same classic
	# The history is the same but for names in place of digests, and how ARG, EXPOSE and HEALTHCHECK are written.
	steps() { skiff history --no-trunc --format '{{.CreatedBy}} {{.Size}}' "$1" | sed -E 's/ (COPY|ADD) .*/ \1/; s/ (ARG|EXPOSE|HEALTHCHECK) .*/ \1/'; }
	diff <(steps ours-stages) <(steps classic-stages)
	diff <(steps ours-many) <(steps classic-many)
}

@test "BuildKit: the same files, config and behaviour" {
	start_docker
	for client in /usr/bin/docker docker; do # Debian's, which needs no plugin, if that is there
		! DOCKER_BUILDKIT=1 "$client" build --help 2>&1 | grep -q -- --secret || break
		client=''
	done
	[ -n "$client" ] || skip 'this docker has no BuildKit'
	DOCKER_BUILDKIT=1 docker_builds kit "$client"
	files_differ=$stubs config_differs=$nothing same kit
}

@test "buildah: the same files, config and behaviour" {
	command -v buildah >/dev/null || skip 'buildah is not installed'
	run_buildah() { BUILDAH_RUNTIME=runc buildah --root "$PWD/b" --runroot "$PWD/br" --storage-driver overlay "$@"; }
	run_buildah pull -q docker-archive:base.tar >/dev/null
	mkdir -p buildah
	for file in many stages; do
		run_buildah bud -q --format docker --pull-never --network none --build-arg VERSION=2 --build-arg BASE=localhost/busybox \
			-t "buildah-$file" -f "ctx/$file" ctx >said 2>&1 || fail "$(cat said)"
		run_buildah push -q "buildah-$file" "docker-archive:buildah.tar:buildah-$file"
		skiff load -q -i buildah.tar >/dev/null
		rm buildah.tar
	done
	# It makes a last WORKDIR only when a container starts, and says who made the image.
	files_differ="$stubs|^work " config_differs="$nothing | del(.Labels[\"io.buildah.version\"])" same buildah
	umount -R "$PWD/b" 2>/dev/null || true
}
