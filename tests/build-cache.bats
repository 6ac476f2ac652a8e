# The cache of skiff build: what is used again, and when; pruning; the same image twice.
load helper

setup_file() { skiff_setup_file; }
teardown_file() { skiff_teardown_file; }

setup() {
	in_time
	cd "$BATS_TEST_TMPDIR" || return
	skiff rmi -f t >/dev/null 2>&1 || true
	skiff builder prune -a -f >/dev/null
	skiff image prune -f >/dev/null
	mkdir ctx
	echo 1 >ctx/file
	echo 1 >ctx/other
}

# build ARGUMENT...: of ctx, its lines in $output.
build() {
	expect "${STATUS:-0}" skiff build --network none -t t "$@" ctx
}

layer_count() { find "$SKIFF_ROOT/layers" -mindepth 1 -maxdepth 1 | wc -l; }
id() { skiff inspect -f '{{.Id}}' t; }
cached() { grep -c CACHED <<<"$output" || true; }

dockerfile() {
	printf '%s\n' "$@" >ctx/Dockerfile
}

@test "cache: nothing has changed: the same image, nothing is run" {
	dockerfile 'FROM busybox' 'RUN cat /proc/sys/kernel/random/uuid >/x' 'WORKDIR /w' 'COPY file /' 'CMD ["a"]'
	build
	[ "$(cached)" = 0 ]
	one=$(id)
	touch ctx/file
	build
	[ "$(cached)" = 3 ]
	[ "$(id)" = "$one" ]
	build --no-cache
	[ "$(cached)" = 0 ]
	[ "$(id)" != "$one" ]
}

@test "cache: what changes is made again, and what comes after it" {
	dockerfile 'FROM busybox' 'RUN echo 1' 'COPY file /' 'RUN echo 2' 'COPY other /'
	build
	echo 2 >ctx/other
	build
	[ "$(cached)" = 3 ]
	echo 2 >ctx/file
	build
	[ "$(cached)" = 1 ]
	chmod 600 ctx/other
	build
	[ "$(cached)" = 3 ]
	dockerfile 'FROM busybox' 'ENV A=1' 'RUN echo 1' 'COPY file /'
	build
	[ "$(cached)" = 0 ]
	dockerfile 'FROM busybox' 'RUN echo 1' 'LABEL a=b' 'COPY file /'
	build
	[ "$(cached)" = 2 ]
}

@test "cache: build arguments count from their ARG on" {
	dockerfile 'FROM busybox' 'RUN echo before' 'ARG V=1' "RUN echo \$V >/v" 'COPY file /'
	build
	build --build-arg V=2
	[ "$(cached)" = 1 ]
	[ "$(skiff run --rm t cat /v)" = 2 ]
	build --build-arg V=1
	[ "$(cached)" = 3 ]
	build --build-arg W=1
	[ "$(cached)" = 3 ]
	[[ $output = *'[W] were not consumed'* ]]
}

@test "cache: secrets do not count, and are nowhere" {
	dockerfile 'FROM busybox' 'RUN --mount=type=secret,id=s cat /run/secrets/s >/dev/null'
	echo wunderlich >secret
	build --secret id=s,src=secret
	echo anders >secret
	build --secret id=s,src=secret
	[ "$(cached)" = 1 ]
	expect 1 grep -rqsE 'wunderlich' "$SKIFF_ROOT" "$SKIFF_RUN"
}

@test "cache: a stage that gives the same files leaves those after it as they are" {
	dockerfile 'FROM busybox AS a' 'COPY other /o' 'RUN echo same >/x' 'FROM busybox' 'COPY --from=a /x /' 'RUN echo 2'
	build
	echo 2 >ctx/other
	build
	[ "$(cached)" = 2 ]
}

@test "cache: two Dockerfiles with the same first steps share their layers" {
	dockerfile 'FROM busybox' 'RUN date +%N >/x' 'RUN echo 1 >/y'
	build
	layers=$(skiff inspect t | jq -c '.[0].RootFS.Layers[:2]')
	dockerfile 'FROM busybox' 'RUN date +%N >/x' 'RUN echo 2 >/y'
	build
	[ "$(skiff inspect t | jq -c '.[0].RootFS.Layers[:2]')" = "$layers" ]
}

@test "cache: SOURCE_DATE_EPOCH: the same image twice, without the cache" {
	dockerfile 'FROM busybox' 'WORKDIR /w' 'RUN mkdir d; echo x >d/y; ln d/y d/z' 'COPY . .' 'ENV A=1'
	SOURCE_DATE_EPOCH=1700000000 build
	one=$(id)
	[ "$(skiff inspect -f '{{.Created}}' t)" = 2023-11-14T22:13:20Z ]
	sleep 1.1
	touch ctx/file
	SOURCE_DATE_EPOCH=1700000000 build --no-cache
	[ "$(cached)" = 0 ]
	[ "$(id)" = "$one" ]
	skiff builder prune -a -f >/dev/null
	cp -R ctx elsewhere
	expect 0 skiff build -q --network none --build-arg SOURCE_DATE_EPOCH=1700000000 elsewhere
	[ "$output" = "$one" ]
	SOURCE_DATE_EPOCH='then' STATUS=1 build
}

@test "cache: what is kept survives rmi; builder prune takes it" {
	dockerfile 'FROM busybox' 'RUN head -c 100000 /dev/zero >/x' 'RUN --mount=type=cache,target=/c echo >/c/x'
	build
	layers=$(layer_count)
	[[ $(skiff builder prune -f) = *--mount=type=cache*'Total reclaimed'* ]]
	[ "$(layer_count)" = "$layers" ] # an image has them
	skiff rmi t >/dev/null
	[ "$(layer_count)" = "$layers" ]
	[[ $(skiff system df) = *'Build Cache     2 '*100kB* ]] || fail "$(skiff system df)"
	skiff image prune -f >/dev/null
	expect 0 skiff check -n
	build
	[ "$(cached)" = 2 ]
	skiff rmi t >/dev/null
	skiff builder prune -f --filter until=1h >/dev/null
	[ -n "$(ls "$SKIFF_ROOT/build/cache")" ]
	[[ $(skiff builder prune -f) = *'Total reclaimed space: 100kB' ]]
	[ "$(layer_count)" = $((layers - 2)) ]
	[ -z "$(ls "$SKIFF_ROOT/build/cache")" ]
	expect 0 skiff check -n
}

@test "cache: system prune takes what is of no image" {
	dockerfile 'FROM busybox' 'RUN echo 1 >/x'
	build
	skiff rmi t >/dev/null
	skiff system prune -f >/dev/null
	[ -z "$(ls "$SKIFF_ROOT/build/cache")" ]
}

@test "cache: a layer that is gone is made again" {
	dockerfile 'FROM busybox' 'RUN echo 1 >/x' 'COPY file /'
	build
	skiff rmi t >/dev/null
	chain=$(cut -d ' ' -f 1 "$SKIFF_ROOT"/build/cache/* | grep -xm 1 '[0-9a-f]*')
	rm -r "$SKIFF_ROOT/layers/$chain"
	build
	skiff run --rm t cat /x /file
	expect 0 skiff check --deep -n
}

@test "cache: four builds of the same at the same time" {
	dockerfile 'FROM busybox' 'RUN echo 1 >/x' 'COPY file /' 'RUN echo 2 >/y'
	for n in 1 2 3 4; do
		skiff build --network none -q -t "t$n" ctx >"out$n" 2>&1 3>&- &
	done
	wait
	for n in 1 2 3 4; do
		[[ $(cat "out$n") = sha256:* ]] || fail "$(cat "out$n")"
		skiff run --rm "t$n" cat /x /y /file
	done
}

@test "cache: prune beside builds does no harm" {
	dockerfile 'FROM busybox' 'RUN echo 1 >/x' 'RUN sleep 0.2' 'COPY file /' 'RUN cat /x /file'
	for _ in 1 2; do
		skiff build --network none -q -t t ctx >out 2>&1 3>&- &
		job=$!
		for _ in 1 2 3; do skiff builder prune -a -f >/dev/null; skiff image prune -f >/dev/null; done
		wait $job || fail "$(cat out)"
		skiff run --rm t cat /x /file
	done
	expect 0 skiff check --deep -n
}

@test "cache: what changes while a build runs is not remembered" {
	dockerfile 'FROM busybox' 'RUN sleep 1' 'COPY f /f'
	echo good >ctx/f
	skiff build --network none -q -t t ctx >out 2>&1 3>&- &
	job=$!
	sleep 0.6
	echo bad >ctx/f
	wait $job
	echo good >ctx/f
	build
	[ "$(skiff run --rm t cat /f)" = good ]
	expect 0 skiff build --network none -q --add-host foo:1.1.1.1 -t t ctx
}
