# skiff build: instructions, stages, errors.
# shellcheck disable=SC2016,SC2119,SC2120 # what expands is in the Dockerfile
load helper

setup_file() { skiff_setup_file; }
teardown_file() {
	[ ! -d "$SKIFF_ROOT/networks/bridge" ] || netup down "$SKIFF_ROOT/networks/bridge"
	skiff_teardown_file
}

setup() {
	in_time
	cd "$BATS_TEST_TMPDIR" || return
	mkdir ctx
	echo hello >ctx/hello
}

# build ARGUMENT...: of the Dockerfile on standard input and the context ctx; quietly, as image "t".
build() {
	skiff build --network none -q -t t -f - "$@" ctx
}

# runs: does a container?
runs() { ls "$SKIFF_RUN"/*/pid >/dev/null 2>&1; }

config() { skiff inspect "$1" | jq -c ".[0].Config$2"; }
inside() { skiff run --rm "$@"; }

@test "build: each instruction has its effect" {
	echo two >ctx/two
	expect 0 build <<-'END'
		FROM busybox
		ARG WHO=world
		ENV GREETING="hello $WHO" B=2
		RUN echo "$GREETING $B" >/said
		WORKDIR /srv/app
		WORKDIR data
		COPY hello two ./
		ADD two /two.txt
		LABEL a=1 "b c"="d e"
		EXPOSE 80 53/udp
		VOLUME /vol
		USER ann
		RUN id -u >/tmp/uid
		STOPSIGNAL SIGINT
		HEALTHCHECK --interval=3s CMD true
		SHELL ["/bin/sh", "-ec"]
		ONBUILD RUN echo triggered >/triggered
		ENTRYPOINT ["cat"]
		CMD ["/said", "hello"]
	END
	[[ $output = sha256:* ]]
	[ "$(inside t)" = "hello world 2${BATS_NO_SUCH:-}"$'\n'hello ]
	[ "$(inside --entrypoint cat t /two.txt /tmp/uid)" = two$'\n'1000 ]
	[ "$(config t .WorkingDir)" = '"/srv/app/data"' ]
	[ "$(config t .Labels)" = '{"a":"1","b c":"d e"}' ]
	[ "$(config t .ExposedPorts)" = '{"53/udp":{},"80/tcp":{}}' ] || [ "$(config t .ExposedPorts)" = '{"80/tcp":{},"53/udp":{}}' ]
	[ "$(config t .Volumes)" = '{"/vol":{}}' ]
	[ "$(config t .User)" = '"ann"' ]
	[ "$(config t .StopSignal)" = '"SIGINT"' ]
	[ "$(config t .Healthcheck)" = '{"Test":["CMD-SHELL","true"],"Interval":3000000000}' ]
	[ "$(config t .OnBuild)" = '["RUN echo triggered >/triggered"]' ]
	[ "$(config t .Env)" = '["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin","GREETING=hello world","B=2"]' ]
}

@test "build: what an image has for ONBUILD is done, and is not there any more" {
	build <<<$'FROM busybox\nONBUILD RUN echo triggered >/triggered' >/dev/null
	skiff tag t parent
	expect 0 build <<<'FROM parent'
	[ "$(inside t cat /triggered)" = triggered ]
	[ "$(config t .OnBuild)" = null ]
}

@test "build: history tells each step, in Docker's words; only what changes files is a layer" {
	build <<<$'FROM busybox\nENV A=1\nRUN echo x >/x\nCMD ["a", "b"]' >/dev/null
	expect 0 skiff history --no-trunc --format '{{.CreatedBy}}|{{.Size}}' t
	[ "${lines[0]}" = '/bin/sh -c #(nop)  CMD ["a" "b"]|0B' ]
	[ "${lines[1]}" = '/bin/sh -c echo x >/x|2B' ]
	[ "${lines[2]}" = '/bin/sh -c #(nop)  ENV A=1|0B' ]
	[ "$(skiff inspect t | jq '.[0].RootFS.Layers | length')" = 2 ]
}

@test "build: a later stage copies from an earlier one, by name and number, and from images" {
	expect 0 build <<-'END'
		FROM busybox AS first
		RUN mkdir /d && echo one >/d/one && chown 5:6 /d/one && ln -s one /d/link
		FROM scratch
		COPY --from=first /d /d
		COPY --from=0 /d/one /one
		COPY --from=busybox /bin/busybox /bin/
		COPY --chown=7:8 --chmod=640 hello /h
	END
	expect 0 inside t busybox ls -ln /d /h /one
	[[ $output = *' 7 '*' 8 '*/h* ]] || fail "$output"
	[[ $output = *' 5 '*' 6 '*one* && $output = *'link -> one'* && $output = *rw-r-----*/h* ]] || fail "$output"
	expect 1 inside t busybox ls /hello
}

@test "build: stages that nobody needs are not built; --target ends at one" {
	expect 0 build --target two <<-'END'
		FROM busybox AS one
		RUN false
		FROM busybox AS two
		RUN echo 2 >/n
		FROM one
		RUN false
	END
	[ "$(inside t cat /n)" = 2 ]
	expect 1 build --target four <<<'FROM busybox'
	[[ $output = *'target stage "four" could not be found'* ]] || fail "$output"
}

@test "build: independent stages run at the same time" {
	expect 0 build <<-'END'
		FROM busybox AS a
		RUN --mount=type=cache,target=/c,id=meet touch /c/a; n=0; until [ -e /c/b ] || [ $n = 100 ]; do n=$((n+1)); sleep 0.1; done; [ -e /c/b ] && touch /a
		FROM busybox AS b
		RUN --mount=type=cache,target=/c,id=meet touch /c/b; n=0; until [ -e /c/a ] || [ $n = 100 ]; do n=$((n+1)); sleep 0.1; done; [ -e /c/a ] && touch /b
		FROM busybox
		COPY --from=a /a /
		COPY --from=b /b /
	END
	inside t ls /a /b
}

@test "build: a stage that fails ends the others at once" {
	SECONDS=0
	expect 1 build <<-'END'
		FROM busybox AS a
		RUN sleep 60
		FROM busybox AS b
		RUN exit 9
		FROM busybox
		COPY --from=a /bin/sh /a
		COPY --from=b /bin/sh /b
	END
	[[ $output = *'exit code: 9'* ]] || fail "$output"
	[ $SECONDS -lt 30 ]
	[ -z "$(ls "$SKIFF_ROOT/containers")" ]
	expect 0 skiff check -n
}

@test "build: COPY puts things where Docker does" {
	mkdir -p ctx/dir/sub ctx/odd
	echo f >ctx/dir/f
	echo s >ctx/dir/sub/s
	echo '*' >'ctx/odd/[a].txt'
	ln -s f ctx/dir/link
	expect 0 build <<-'END'
		FROM busybox
		RUN mkdir /there && ln -s there /way
		COPY hello /new/name
		COPY hello /new/dir/
		COPY hello /there
		COPY hello /way/w
		COPY dir /contents
		COPY dir/* /globbed/
		COPY odd/[[]a].txt /odd
		COPY --parents dir/./sub/s /parents/
		COPY <<one <<two /here/
		first $HOME
		one
		second
		two
	END
	expect 0 inside t sh -c 'cat /new/name /new/dir/hello /there/hello /there/w /contents/f /contents/sub/s /globbed/f /globbed/s /parents/sub/s
		cat /odd /here/two; readlink /contents/link'
	[ "$output" = "$(printf '%s\n' hello hello hello hello f s f s s '*' second f)" ] || fail "$output"
}

@test "build: what is changed and deleted by a step is so in the layers above" {
	expect 0 build <<-'END'
		FROM busybox
		RUN rm -r /home && echo new >/etc/group && mkdir /home
		COPY hello /home/
		RUN rm /etc/passwd
	END
	expect 0 inside t sh -c 'ls /home /etc; cat /etc/group'
	[[ $output = */home:*hello* && $output != *ann* && $output != *passwd* && $output = *new ]] || fail "$output"
}

@test "build: ADD unpacks archives of the context, and only these" {
	tar -C ctx -czf ctx/a.tar.gz hello
	gzip -c ctx/hello >ctx/plain.gz
	expect 0 build <<-'END'
		FROM busybox
		ADD a.tar.gz /unpacked/
		ADD plain.gz /
		COPY a.tar.gz /copied.tar.gz
	END
	[ "$(inside t cat /unpacked/hello)" = hello ]
	[ "$(inside t sh -c 'zcat /plain.gz')" = hello ]
	inside t tar -tzf /copied.tar.gz
}

@test "build: an added archive is no layer: names of whiteouts are left out, with a warning; --exclude is for the context" {
	mkdir -p tree/etc/.wh.d/e tree/gone
	touch tree/etc/.wh.d/f tree/etc/.wh.d/e/f tree/.wh.bin tree/etc/.wh.passwd tree/.wh.gone tree/keep tree/gone/x
	tar -C tree -cf ctx/a.tar .
	tar -C ctx -cf ctx/b.tar hello
	expect 0 build --no-cache <<-'END'
		FROM busybox
		ADD --exclude=keep --exclude=b* *.tar /
	END
	[[ $output = *'.wh.bin: such a name means a whiteout in a layer, left out'* ]] || fail "$output"
	[ "$(grep -c 'etc/[.]wh[.]d.*: such a name' <<<"$output")" = 1 ] || fail "$output"
	expect 0 inside t ls /bin/sh /etc/passwd /keep /gone/x
	expect 1 inside t ls /hello
	[ "$(inside t find / -xdev -name '.wh.*')" = '' ]
}

@test "build: COPY --chmod: octal, and as chmod has it" {
	mkdir -p ctx/d/e
	touch ctx/d/plain ctx/d/program
	chmod 700 ctx/d ctx/d/e ctx/d/program
	chmod 600 ctx/d/plain
	expect 0 build --build-arg GO=go <<-'END'
		FROM busybox
		ARG GO
		COPY --chmod=u=rwX,${GO}=rX d /d
		ADD --chmod=g+w,o= hello /h
		COPY --chmod=4755 hello /s
	END
	[ "$(inside t stat -c '%a %n' /d/e /d/plain /d/program /h /s)" = "$(printf '%s\n' '755 /d/e' '644 /d/plain' '755 /d/program' '660 /h' '4755 /s')" ] ||
		fail "$(inside t stat -c '%a %n' /d/e /d/plain /d/program /h /s)"
	for mode in 8 u=rwq ,r 77777; do
		expect 1 build <<<$'FROM busybox\nCOPY --chmod='"$mode"' hello /'
		[[ $output = *'>>> COPY'*'failed to solve'* ]] || fail "$mode: $output"
	done
}

@test "build: a whole root file system from an archive, on nothing" {
	tar -C "$BATS_FILE_TMPDIR/tree" -cJf ctx/root.tar.xz .
	expect 0 build <<<$'FROM scratch\nADD root.tar.xz /\nCMD ["echo", "base"]'
	[ "$(inside t)" = base ]
}

@test "build: RUN --mount: bind, cache, tmpfs, secret" {
	echo ungeheuer >key
	expect 0 build --secret id=key,src=key <<-'END'
		FROM busybox AS from
		RUN mkdir /d && echo there >/d/f && ln -s / /root-link
		FROM busybox
		RUN --mount=type=bind,from=from,source=/d,target=/b --mount=type=bind,target=/ctx \
			cat /b/f /ctx/hello >/got; ! touch /b/x 2>/dev/null
		RUN --mount=type=bind,from=from,source=/root-link,target=/b,rw ls /b >/b-root; touch /b/x
		RUN --mount=type=cache,target=/cache echo 1 >>/cache/n
		RUN --mount=type=cache,target=/cache cat /cache/n >/n
		RUN --mount=type=tmpfs,target=/t touch /t/gone; mount | grep ' /t ' >/t-mount
		RUN --mount=type=secret,id=key wc -c </run/secrets/key >/length
		RUN --mount=type=secret,id=key,env=KEY echo ${#KEY} >>/length
		RUN --mount=type=secret,id=none ! ls /run/secrets/none 2>/dev/null
	END
	expect 0 inside t sh -c 'cat /got /n /length; ls /b /ctx /t /cache /run/secrets 2>&1; cat /b-root'
	[[ $output = there$'\n'hello$'\n'1$'\n'10* ]] || fail "$output"
	[[ $output != *gone* && $output != *key* && $output = *root-link* ]] || fail "$output"
	[ ! -e /x ]
	expect 1 grep -rqs ungeheuer "$SKIFF_ROOT" # the secret is nowhere
	expect 1 build <<<$'FROM busybox\nRUN --mount=type=secret,id=none,required=true true'
	[[ $output = *'secret none: not found'* ]] || fail "$output"
}

@test "build: the name of a cache leads nowhere" {
	expect 0 build <<<$'FROM busybox\nRUN --mount=type=cache,id=../../../escaped,target=/c touch /c/x'
	[ "$(find "$SKIFF_ROOT/build/mounts" -name x | wc -l)" -ge 1 ]
	[ -z "$(find "$BATS_FILE_TMPDIR" -name escaped)" ]
}

@test "build: RUN in the exec form, with here-documents, and with a script" {
	expect 0 build <<-'END'
		FROM busybox
		RUN ["sh", "-c", "echo exec $0 >/e", "a b"]
		RUN <<EOF
		echo one >/h
		echo two >>/h
		EOF
		RUN cat <<EOF >/c
		from $0
		EOF
		RUN <<EOF
		#!/bin/awk -f
		BEGIN { print "awk" >"/w" }
		EOF
	END
	[ "$(inside t cat /e /h /w)" = "$(printf '%s\n' 'exec a b' one two awk)" ]
}

@test "build: a RUN has the isolation of a container, and the limits that were asked for" {
	expect 0 build --ulimit nofile=77:77 --add-host box:10.1.2.3 <<-'END'
		FROM busybox
		RUN ulimit -n >/n; cat /proc/self/uid_map >/map; grep box /etc/hosts >/h; ls /sys/class/net >/net
	END
	expect 0 inside t cat /n /h /net /map
	[[ $output = 77$'\n'10.1.2.3*box*$'\n'lo$'\n'*65536* ]] || fail "$output"
	expect 1 build <<<$'FROM busybox\nRUN --network=host true'
	[[ $output = *'network.host is not allowed'* ]] || fail "$output"
	expect 1 build <<<$'FROM busybox\nRUN --security=insecure true'
}

@test "build: a RUN has the network of skiff run" {
	printf '%s\n' 'FROM busybox' 'RUN ls /sys/class/net >/net' 'RUN --network=none ls /sys/class/net >/none' >ctx/Dockerfile
	expect 0 skiff build -q -t t --network bridge ctx
	[[ $(inside t cat /net) = *eth0* ]]
	[ "$(inside t cat /none)" = lo ]
}

@test "build: a failing command: its status, its output, its line" {
	expect 1 build <<<$'FROM busybox\nENV A=1\nRUN echo before; echo reason >&2; exit 7'
	[[ $output = *reason* && $output = *'did not complete successfully: exit code: 7'* && $output = *'Dockerfile:3'* && $output = *'>>> RUN echo before'* ]] || fail "$output"
	expect 1 build <<<$'FROM busybox\nRUN ["/no/such"]'
	[[ $output = *'exec: "/no/such": No such file'*'exit code: 127'* ]] || fail "$output"
	expect 1 build <<<$'FROM busybox\nRUN printf part; exit 1'
	[[ $output = *'RUN printf part; exit 1:'$'\n'part$'\n'------$'\n'* ]] || fail "$output"
	expect 1 build <<<$'FROM busybox\nRUN --mount=type=tmpfs,target=/etc/passwd true'
	[[ $output = *'cannot be mounted onto a file'*'Dockerfile:2'*'failed to solve'* ]] || fail "$output"
	expect 1 build <<<$'FROM busybox\nRUN sh -c "kill -9 \\$\\$; true"; exit $?'
	[[ $output = *'exit code: 137'* ]] || fail "$output"
}

@test "build: bad input" {
	local file
	while IFS='|' read -r file message; do
		printf '%b' "$file" >ctx/Dockerfile
		expect 1 skiff build -q ctx
		[[ $output = *$message* ]] || fail "$file: $output"
	done <<-'END'
		FROM busybox\nFOO bar|Dockerfile:2
		FROM busybox\nCOPY nothing /|COPY failed: file not found in build context or excluded by .dockerignore: stat nothing: file does not exist
		FROM busybox\nCOPY ../../../etc/passwd /x|COPY failed
		FROM busybox\nCOPY --from=later /a /\nFROM busybox AS later|later
		FROM no/such/image:here|no/such/image:here: not found
		FROM busybox\nCOPY --chown=nobody-here hello /|unable to find user nobody-here
		FROM busybox\nRUN --mount=type=cache,target=/c,source=x true|from and source are not supported
		FROM busybox\nRUN --mount=type=cache,target=/c,from=busybox true|from and source are not supported
		FROM busybox\nRUN true\nCOPY hello hello /two|line 3: when using COPY with more than one source file, the destination must be a directory
		|no
		ARG A|no
	END
	expect 1 skiff build "$BATS_TEST_TMPDIR/none"
	[[ $output = *'path "'*'" not found'* ]] || fail "$output"
	rm ctx/Dockerfile
	expect 1 skiff build ctx
	[[ $output = *'failed to read dockerfile: open Dockerfile: no such file or directory'* ]] || fail "$output"
	expect 1 skiff build
	expect 125 skiff build --no-such-flag ctx
	expect 1 build -t 'two names' <<<'FROM busybox'
	expect 1 build -t Bad <<<'FROM busybox'
	expect 1 build --output type=image,name=Bad <<<$'FROM busybox\nRUN sleep 60'
	[[ $output = *'invalid reference format'* ]] || fail "$output"
	[ -z "$(ls "$SKIFF_ROOT/containers")" ]
	expect 0 skiff check -n
}

@test "build: the tag moves, the older image stays without a name" {
	build <<<$'FROM busybox\nENV A=1' >/dev/null
	old=$(skiff inspect -f '{{.Id}}' t)
	build <<<$'FROM busybox\nENV A=2' >/dev/null
	[ "$(skiff inspect -f '{{.Id}}' t)" != "$old" ]
	[[ $(skiff images -a --no-trunc) = *'<none>'*"$old"* ]] || fail "$(skiff images)"
}

@test "build: several names, --iidfile, --label, other names of the verb" {
	printf 'FROM busybox\n' >ctx/Dockerfile
	expect 0 skiff image build --iidfile id -t one:1 -t two --label x=y --label z ctx
	[[ $output = *'naming to docker.io/library/one:1'* ]] || fail "$output"
	[ "$(skiff inspect -f '{{.Id}}' one:1)" = "$(cat id)" ]
	[ "$(skiff inspect -f '{{.Id}}' two)" = "$(cat id)" ]
	[ "$(config two .Labels)" = '{"x":"y","z":""}' ]
	expect 0 skiff buildx build -q ctx
	expect 0 skiff builder build -q ctx
}

@test "build: --output: a directory, a tar, OCI and docker archives" {
	printf 'FROM busybox\nCOPY hello /out\n' >ctx/Dockerfile
	expect 0 skiff build -q -o dir ctx
	[ "$(cat dir/out)" = hello ]
	skiff build -q -o - ctx | tar -t >list
	grep -q '^\./out$' list
	expect 0 skiff build -q -o type=oci,dest=oci.tar -t named ctx
	tar -tf oci.tar | grep -q '^oci-layout$'
	expect 0 skopeo inspect "oci-archive:oci.tar"
	expect 0 skiff build -q -o type=docker,dest=docker.tar ctx
	tar -tf docker.tar | grep -q '^manifest.json$'
	expect 1 skiff build -q -o type=nothing,dest=x ctx
}

@test "build: for another platform, what needs no execution is built" {
	expect 0 build --platform linux/arm/v7 <<-'END'
		FROM scratch
		ARG TARGETARCH
		LABEL arch=$TARGETARCH
		COPY hello /
	END
	[ "$(skiff inspect -f '{{.Os}} {{.Architecture}} {{.Variant}}' t)" = 'linux arm v7' ]
	[ "$(config t .Labels)" = '{"arch":"arm"}' ]
	expect 1 build --platform windows/amd64 <<<'FROM scratch'
}

@test "build: several platforms make an index" {
	printf 'FROM scratch\nARG TARGETARCH\nLABEL arch=$TARGETARCH\nCOPY hello /\n' >ctx/Dockerfile
	expect 1 skiff build --platform linux/amd64,linux/arm64 ctx
	expect 0 skiff build --platform linux/amd64,linux/arm64,linux/arm/v7 -t multi -o type=oci,dest=multi.tar ctx
	skopeo inspect --raw oci-archive:multi.tar | jq -c '[.manifests[].platform | "\(.os)/\(.architecture)/\(.variant)"]' >platforms
	[ "$(cat platforms)" = '["linux/amd64/null","linux/arm64/null","linux/arm/v7"]' ] || fail "$(cat platforms)"
	[ "$(skopeo --override-arch arm64 inspect oci-archive:multi.tar | jq -r .Labels.arch)" = arm64 ]
	skiff rmi multi >/dev/null
	skiff load --platform linux/arm/v7 -i multi.tar
	[ "$(skiff inspect -f '{{.Architecture}}' multi)" = arm ]
}

@test "build: a hostile archive and hostile links stay in the image" {
	canary=$BATS_TEST_TMPDIR/canary
	mkdir "$canary"
	echo safe >"$canary/file"
	python3 - "$canary" <<'PYTHON'
import io, sys, tarfile
canary = sys.argv[1]
for name, members in {
    "dots": [("f", "../../../../../../../../" + canary + "/file", None)],
    "link": [("l", "way", canary), ("f", "way/file", None)],
}.items():
    with tarfile.open(f"ctx/{name}.tar", "w") as tar:
        for kind, path, target in members:
            member = tarfile.TarInfo(path)
            if kind == "l":
                member.type, member.linkname = tarfile.SYMTYPE, target
                tar.addfile(member)
            else:
                member.size = 4
                tar.addfile(member, io.BytesIO(b"evil"))
PYTHON
	expect 1 build <<<$'FROM busybox\nADD dots.tar /'
	run -- build <<<$'FROM busybox\nADD link.tar /'
	run -- build <<END
FROM busybox
RUN ln -s $canary /evil && ln -s / /up
COPY hello /evil/file
COPY hello /up/../..$canary/file
WORKDIR /evil/made
END
	[ "$(cat "$canary/file")" = safe ]
	[ "$(ls "$canary")" = file ]
}

@test "build: a path to mount at may change under the mount, and the host stays as it is" {
	canary=$BATS_TEST_TMPDIR/canary
	mkdir "$canary" "$canary/b"
	expect 0 build <<END
FROM busybox
RUN --mount=type=tmpfs,target=/a/b mv /a /was; ln -s $canary /a; true
END
	[ -d "$canary/b" ]
}

@test "build: the work of an interrupted build goes" {
	printf 'FROM busybox\nRUN touch /x; sleep 100\n' >ctx/Dockerfile
	skiff build --network none ctx >out 2>&1 &
	job=$!
	wait_until grep -q 'RUN touch' out
	wait_until runs
	builder=$(pgrep -P "$job" -f 'skiff build' || echo "$job")
	kill -INT "$builder"
	wait "$job" || status=$?
	[ "$status" = 130 ]
	[ -z "$(ls "$SKIFF_ROOT/containers")" ]
	[ -z "$(find "$SKIFF_ROOT/build" "$SKIFF_ROOT/images" "$SKIFF_ROOT/layers" -maxdepth 1 -name '.*' -mindepth 1)" ]
}

@test "build: whoever reads its messages may go" {
	printf 'FROM busybox\nRUN for n in 1 2 3 4 5; do echo $n; sleep 0.1; done\nRUN echo 2\n' >ctx/Dockerfile
	skiff build --no-cache --network none ctx 2>&1 | head -n 4
	wait_until test -z "$(find "$SKIFF_ROOT/build" "$SKIFF_ROOT/images" -maxdepth 1 -name '.*' -mindepth 1)"
	[ -z "$(ls "$SKIFF_ROOT/containers")" ]
}

@test "build: killed at any moment, it leaves what check repairs" {
	printf 'FROM busybox AS a\nRUN echo $RANDOM >/x\nCOPY hello /\nFROM busybox\nCOPY --from=a /x /\nRUN sleep 0.2\n' >ctx/Dockerfile
	for after in 0.05 0.15 0.3 0.5; do
		setsid skiff build --no-cache --network none -t killed ctx >/dev/null 2>&1 &
		job=$!
		sleep "$after"
		kill -KILL -- "-$job" $(pgrep -g "$job") 2>/dev/null || :
		wait "$job" 2>/dev/null || :
		skiff check >/dev/null
		[ -z "$(ls "$SKIFF_ROOT/containers")" ]
		[ -z "$(find "$SKIFF_ROOT/build" "$SKIFF_ROOT/images" -maxdepth 1 -name '.*' -mindepth 1)" ]
	done
	expect 0 skiff check -n
	expect 0 skiff build --network none -q -t killed ctx
	skiff run --rm killed cat /x >/dev/null
}

@test "build: only its first process killed: the stages end after the step at hand" {
	printf 'FROM busybox\nRUN sleep 3\nRUN true\n' >ctx/Dockerfile
	env skiff build --network none --no-cache -t killed ctx >/dev/null 2>said 3>&- 4>&- & # not the function
	job=$!
	wait_until runs
	kill -KILL "$job"
	wait "$job" || true
	wait_until eval '! pgrep -f "skiff build --network none --no-cache -t killed" >/dev/null'
	[[ $(cat said) != *'RUN true'* ]] || fail "$(cat said)"
	[[ $(cat said) != *'cannot open'* ]] || fail "$(cat said)" # /proc/PID/stat of what is gone
	expect 0 skiff check
	[ -z "$(ls "$SKIFF_ROOT/containers")" ]
	expect 0 skiff check -n
}

@test "build: --explain prints a script that gives the same image, and does nothing" {
	export SOURCE_DATE_EPOCH=1700000000
	tar -C ctx -czf ctx/a.tgz hello
	cat >ctx/Dockerfile <<-'END'
		FROM busybox AS one
		ARG V=1
		RUN echo "it's $V" >/v
		WORKDIR /bin
		WORKDIR /new
		FROM scratch
		COPY --from=one / /
		COPY --chown=1:2 hello /h
		COPY <<E /e
		$0
		E
		ADD a.tgz /a/
		RUN --mount=type=bind,from=one,target=/b --mount=type=cache,target=/c ls /b >/ls
		CMD ["it's"]
	END
	build <<<'FROM scratch' >/dev/null # the directories for builds
	before=$(find "$SKIFF_ROOT" | sort | sha256sum)
	skiff build --network none --explain -t by-hand ctx >script
	[ "$(find "$SKIFF_ROOT" | sort | sha256sum)" = "$before" ] || fail "$(find "$SKIFF_ROOT" -newer ctx/Dockerfile)"
	expect 0 sh script
	skiff build --network none -q -t t ctx >/dev/null
	[ "$(skiff inspect -f '{{.Id}}' by-hand)" = "$(skiff inspect -f '{{.Id}}' t)" ]
	expect 0 skiff check -n
	[ -z "$(ls "$SKIFF_ROOT/containers")" ]
}

@test "build: --explain: a script that fails or is interrupted leaves nothing" {
	printf 'FROM busybox\nRUN false\n' >ctx/Dockerfile
	skiff build --explain -t by-hand ctx >script
	expect 1 sh script
	printf 'FROM busybox\nRUN sleep 100\n' >ctx/Dockerfile
	skiff build --network none --explain -t by-hand ctx >script
	sh script 3>&- 4>&- &
	job=$!
	wait_until runs
	expect 0 skiff check -n # and nobody takes it away meanwhile
	kill -TERM "$job"
	pkill -P "$job" attach
	wait "$job" || true
	[ -z "$(ls "$SKIFF_ROOT/containers")$(ls "$SKIFF_ROOT/idmaps")" ]
	expect 0 skiff check -n
}

@test "build: --explain of stages with the same base" {
	export SOURCE_DATE_EPOCH=1700000000
	cat >ctx/Dockerfile <<-'END'
		FROM busybox AS one
		ENV GREETING="hello  world"
		COPY hello /src/
		RUN echo "$GREETING" >/src/out
		FROM one AS two
		RUN rm /src/hello
		FROM busybox
		LABEL title="a b"
		COPY --from=two --chown=1000:1000 --chmod=0640 /src /data/
		USER 1000
		HEALTHCHECK --interval=1s CMD test -f /data/out
		ENTRYPOINT ["/bin/sh", "-c"]
		CMD ["cat /data/out"]
	END
	skiff build --network none --explain -t by-hand ctx >script
	expect 0 sh script
	skiff build --network none -q -t t ctx >/dev/null
	[ "$(skiff inspect -f '{{.Id}}' by-hand)" = "$(skiff inspect -f '{{.Id}}' t)" ]
	expect 0 skiff check -n
}

@test "build: fields of an image do not become others" {
	skiff import -c "USER 0$(printf '\037\037\037\037\037')'; touch PWNED; echo '" "$BATS_FILE_TMPDIR/tree.tar" evil >/dev/null ||
		tar -C "$BATS_FILE_TMPDIR/tree" -c . | skiff import -c "USER 0$(printf '\037\037\037\037\037')'; touch PWNED; echo '" - evil >/dev/null
	mkdir -p evil
	printf 'FROM evil\nRUN true\n' >evil/Dockerfile
	expect 1 skiff build --network none evil
	expect 1 skiff build --network none --explain evil
	[[ $output != *PWNED* ]] || fail "$output"
	skiff rmi evil >/dev/null
}

@test "build: why a RUN could not start; a cache named twice; a checksum of local files" {
	mkdir -p odd
	printf 'FROM busybox\nRUN --mount=type=tmpfs,target=/etc/passwd true\n' >odd/Dockerfile
	expect 1 skiff build --network none odd
	[[ $output == *'cannot be mounted onto a file'* ]] || fail "$output"
	printf 'FROM busybox\nRUN --mount=type=cache,id=a,sharing=locked,target=/x --mount=type=cache,id=a,sharing=locked,target=/y true\n' >odd/Dockerfile
	expect 0 skiff build --network none odd
	echo x >odd/f
	printf 'FROM busybox\nADD --checksum=sha256:%064d f /\n' 0 >odd/Dockerfile
	expect 1 skiff build --network none odd
}

@test "build: RUN --mount=type=ssh: an agent's keys sign inside, and stay as they are" {
	mkdir -p ssh/lib ssh/lib64
	cp "$(command -v ssh-add)" ssh/
	ldd ssh/ssh-add | grep -o '/lib[^ ]*' | while read -r file; do cp --parents "$file" ssh; done
	ssh-keygen -q -t ed25519 -N '' -C lent -f key
	ssh-keygen -q -t ed25519 -N secret -C closed -f closed
	cp key.pub ssh/
	cat >ssh/Dockerfile <<-'END_OF_FILE'
		FROM busybox
		COPY . /
		RUN --mount=type=ssh ls -l $SSH_AUTH_SOCK >/ls && /ssh-add -l >/keys && /ssh-add -T /key.pub && ! /ssh-add -D && ! /ssh-add -d /key.pub
		RUN --mount=type=ssh,id=files,target=/agent,mode=0660,uid=1000,gid=1000,required=true ls -ln /agent >/ls2 && \
			echo $SSH_AUTH_SOCK >>/ls2 && su ann -c '/ssh-add -T /key.pub'
		RUN --mount=type=ssh,id=none ! /ssh-add -l
		RUN --mount=type=ssh,id=none --mount=type=ssh,id=files SSH_AUTH_SOCK=/run/buildkit/ssh_agent.1 /ssh-add -T /key.pub
		RUN --mount=type=ssh,id=none true
		ENV SSH_AUTH_SOCK=/mine
		RUN --mount=type=ssh echo $SSH_AUTH_SOCK >/mine
	END_OF_FILE
	ssh-agent -a agent sleep 200 3>&- 4>&- & # and with it the agent ends, whatever becomes of the test
	agent=$!
	ssh-add() { SSH_AUTH_SOCK=agent command ssh-add "$@"; }
	chmod 600 key
	wait_until ssh-add -q key
	chmod 644 key # ssh-add alone would refuse it
	SSH_AUTH_SOCK=agent expect 0 skiff build --network none -t t --ssh default --ssh files=key ssh
	ssh-add -l | grep -q lent
	expect 0 inside t cat /ls /keys /ls2 /mine
	[[ $output = srw-------*root*/run/buildkit/ssh_agent.0*lent*srw-rw----*1000*1000*/agent$'\n'/agent$'\n'/mine ]] || fail "$output"
	expect 1 inside t ls /run/buildkit /agent
	expect 1 build --no-cache <<<$'FROM busybox\nRUN --mount=type=ssh,required=true true'
	[[ $output = *'unset ssh forward key default'* ]] || fail "$output"
	expect 1 build --no-cache --ssh files=closed <<<$'FROM busybox\nRUN --mount=type=ssh,id=files true'
	[[ $output = *'ssh files: its keys cannot be lent'* ]] || fail "$output"
	expect 1 build --ssh files=/no/such <<<'FROM busybox'
	expect 1 build --ssh files=key,agent <<<'FROM busybox'
	expect 1 build --ssh files=key --ssh files=agent <<<'FROM busybox'
	expect 1 env -u SSH_AUTH_SOCK skiff build --ssh default ssh
	kill "$agent"
	wait_until eval '! pgrep -f "$SKIFF_RUN/[0-9a-f]*/ssh[.]" >left'
}
