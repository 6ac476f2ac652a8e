# Listing verbs: ps, images, inspect, version, info; --format and --filter.
load helper

setup_file() {
	skiff_setup_file
	cd "$BATS_FILE_TMPDIR" || return
	sleep 1.1 # the times of images are in whole seconds
	tar -C tree -c bin etc home | skiff import -c 'CMD ["sh"]' -c 'LABEL tier=web tier.x=1' -c 'EXPOSE 80/tcp' - team/app:v1 >/dev/null
	# as if made from busybox without another layer
	tar -C tree -c . | skiff import -c 'CMD ["true"]' - child >/dev/null
	# five containers: made in this order; "up" runs, and three has ended
	skiff create --name one --label kind=a --label kind=b --label "note=two words, a comma" busybox true >/dev/null
	skiff create --name two -v "$BATS_FILE_TMPDIR:/data" team/app:v1 sh -c 'echo a command longer than twenty' >/dev/null
	skiff run --name three --label kind=a busybox sh -c 'echo 12345 >/file; ln /file /link; exit 3' || [ $? -eq 3 ]
	skiff run -d --name up --label kind=b busybox sleep 1000 >/dev/null
	skiff create --name web-5 --network host child true >/dev/null
}

teardown_file() {
	skiff_teardown_file
}

setup() {
	in_time
	cd "$BATS_TEST_TMPDIR" || return
}

# names ARG...: the names that ps lists, on one line.
names() {
	skiff ps --format '{{.Names}}' "$@" | xargs
}

# refused STATUS WORDS COMMAND...: it ends so, with these words on standard error and nothing on standard output.
refused() {
	local want=$1 words=$2
	shift 2
	run --separate-stderr skiff "$@"
	# shellcheck disable=SC2154
	[ "$status" -eq "$want" ] && [ -z "$output" ] && [[ $stderr == *"$words"* ]] || fail "$*: $status: $output: $stderr"
}

@test "ps: the columns are docker's, newest first" {
	skiff ps -a >out
	[[ $(sed -n 1p out) =~ ^'CONTAINER ID   IMAGE         COMMAND                  CREATED'\ +'STATUS'\ +'PORTS     NAMES'$ ]]
	[ "$(awk 'NR > 1 { print $NF }' out | xargs)" = 'web-5 up three two one' ]
	[[ $(grep ' two$' out) =~ ^[0-9a-f]{12}\ +team/app:v1\ +"\"sh -c 'echo a comma…\""\ +.*\ ago\ +Created\ +two$ ]] ||
		fail "$(grep ' two$' out)"
	[[ $(grep ' up$' out) =~ \ 'Up '.* ]]
	[[ $(grep ' three$' out) =~ \ 'Exited (3) '.*' ago ' ]]
	skiff ps -as >out
	[[ $(sed -n 1p out) == *'NAMES     SIZE' ]]
	# the hard link counts once
	[[ $(grep three out) =~ \ '6B (virtual '[0-9.]+MB\)$ ]] || fail "$(cat out)"
	[[ $(grep one out) =~ \ '0B (virtual '[0-9.]+MB\)$ ]]
	[[ $(skiff ps -as --format json --filter name=three | jq -r .Size) == '6B (virtual '* ]]
	[ "$(skiff ps -a --format '{{.Size}}' --filter name=three)" = 6B ]
	same_table() { [ "$(skiff ps --format table)" = "$(skiff ps)" ]; }
	wait_until same_table # the one may be asked a second later than the other
}

@test "ps: every field" {
	local id
	id=$(skiff ps -aq --no-trunc --filter name=one)
	skiff ps -a --filter name=one --format '{{.ID}}|{{.Image}}|{{.Command}}|{{.State}}|{{.Status}}|{{.Size}}|{{.Names}}|{{.Networks}}|{{.LocalVolumes}}|{{.Ports}}' >out
	[ "$(cat out)" = "${id:0:12}|busybox|\"true\"|created|Created|0B|one|none|0|" ] || fail "$(cat out)"
	[ "$(skiff ps -a --no-trunc --filter name=one --format '{{.ID}}')" = "$id" ]
	skiff ps -a --filter name=one --format '{{.CreatedAt}}|{{.RunningFor}}' >out
	[[ $(cat out) =~ ^20[0-9]{2}-[0-9]{2}-[0-9]{2}\ [0-9]{2}:[0-9]{2}:[0-9]{2}\ \+0000\ UTC\|.*\ ago$ ]] || fail "$(cat out)"
	# the later of two labels with one name counts
	[ "$(skiff ps -a --filter name=one --format '{{.Labels}}|{{.Label "kind"}}|{{.Label "note"}}|{{.Label "none"}}')" = \
		'kind=b,note=two words, a comma|b|two words, a comma|' ]
	[ "$(skiff ps -a --filter name=two --format '{{.Mounts}}' --no-trunc)" = "$BATS_FILE_TMPDIR" ]
	[ "$(skiff ps -a --filter name=web-5 --format '{{.Networks}}')" = host ]
	skiff ps -a --format json >out
	[ "$(jq -r .Names out | xargs)" = 'web-5 up three two one' ]
	[ "$(sed -n 1p out | jq -r 'keys_unsorted | join(" ")')" = \
		'Command CreatedAt ID Image Labels LocalVolumes Mounts Names Networks Ports RunningFor Size State Status' ]
	[ "$(sed -n 5p out | jq -r .Labels)" = 'kind=b,note=two words, a comma' ]
	skiff ps -a --format 'table {{.Names}}\t{{.Label "com.example.some-kind"}}|{{upper .State}}' >out
	[ "$(sed -n 1p out)" = 'NAMES     some kind|STATE' ]
	[ "$(sed -n 3p out)" = 'up        |RUNNING' ]
}

@test "ps: -q, -n, -l, and that which two of them mean" {
	[ "$(skiff ps -q | wc -l)" -eq 1 ]
	[ "$(skiff ps -q)" = "$(skiff ps --format '{{.ID}}')" ]
	[ "$(names -n 2)" = 'web-5 up' ]
	[ "$(names -l)" = web-5 ]
	[ "$(names -l -n 3)" = 'web-5 up three' ]
	[ "$(names -n -1)" = up ]
	[ "$(names -n -5)" = up ]
	[ "$(names -n 1 --filter name=one)" = one ] # the filter comes first
	run --separate-stderr skiff ps -aq --format '{{.Names}}'
	[[ ${lines[0]} =~ ^[0-9a-f]{12}$ ]]
	[[ $stderr == *'Ignoring custom format'* ]]
}

@test "ps: filters" {
	local id options want
	id=$(skiff ps -aq --filter name=two)
	while IFS='|' read -r options want; do
		# shellcheck disable=SC2086
		[ "$(names $options)" = "$want" ] || fail "$options: $(names $options), expected $want"
	done <<-END
		-a -f id=$id|two
		-a -f id=${id:2}|
		-a --filter name=t|three two
		-a --filter name=^/one\$|one
		-a --filter name=/one|one
		-a --filter name=on. --filter name=^up|up one
		-a --filter name=nothing|
		-a --filter label=kind|up three one
		-a --filter label=kind=b|up one
		-a --filter label=kind=a|three
		-a --filter label=kind --filter label=note|one
		-a --filter label=kin|
		-a --filter label=tier=web|two
		-a --filter exited=3|three
		--filter exited=3|
		-a --filter exited=0|
		--filter status=exited|three
		--filter status=created --filter status=running|web-5 up two one
		--filter status=paused|
		-a --filter ancestor=busybox|web-5 up three one
		-a --filter ancestor=team/app:v1|two
		-a --filter ancestor=child|web-5
		-a --filter ancestor=child --filter ancestor=team/app:v1|web-5 two
		-a --filter ancestor=nosuch|
		-a --filter before=three|two one
		-a --filter since=three|web-5 up
		-a --filter since=one --filter before=up|three two
		-a --filter label=before=x|
		-a --filter volume=/data|two
		-a --filter volume=$BATS_FILE_TMPDIR|two
		-a --filter volume=/dat|
		-a --filter network=host|web-5
		-a --filter network=none|up three two one
		-a --filter expose=80|two
		-a --filter expose=79-81/tcp|two
		-a --filter expose=80/udp|
		-a --filter publish=80|
		-a --filter health=none|web-5 up three two one
		-a --filter health=healthy|
		-a --filter is-task=false|web-5 up three two one
		-a --filter is-task=true|
	END
	[ "$(skiff ps --filter status=dead)" = 'CONTAINER ID   IMAGE     COMMAND   CREATED   STATUS    PORTS     NAMES' ]
}

@test "ps: what is wrong is refused before any output" {
	refused 125 "invalid filter 'colour'" ps -a --filter colour=red
	refused 125 "invalid filter 'name'" ps -a --filter name
	refused 1 "invalid filter 'status=asleep'" ps --filter status=asleep
	refused 1 "invalid filter 'exited=x'" ps --filter exited=x
	refused 1 "invalid filter 'exited='" ps --filter exited=
	refused 1 "invalid filter 'health=fine'" ps --filter health=fine
	refused 1 "invalid filter 'is-task=x'" ps --filter is-task=x
	refused 1 "invalid filter 'publish=http'" ps --filter publish=http
	refused 1 "invalid filter 'publish=90-80'" ps --filter publish=90-80
	refused 1 "invalid filter 'name=a['" ps --filter 'name=a['
	refused 1 'No such container: nosuch' ps -a --filter before=nosuch
	refused 1 'template parsing error: template: :1: unclosed action' ps -a --format '{{.ID'
	refused 1 'unclosed action' ps -a --format 'table {{.ID'
	refused 1 'function "foo" not defined' ps -a --format '{{foo .ID}}'
	refused 1 'key "Foo"' ps -a --format '{{.Foo}}'
	refused 125 'invalid argument "x"' ps -n x
	refused 1 '' ps extra
}

@test "ps: hostile names are data: labels, commands, images" {
	skiff create --name evil --label 'x=$(touch pwned)`touch pwned`{{.ID}}' --label $'tab=a\tb\nc\037d=e' \
		--label $'esc=\e[31m\302\233\342\200\256' busybox $'a\e[31m"{{.ID}}\t' '$(touch pwned)' >/dev/null
	skiff ps -a --no-trunc --filter name=evil --format '{{.Command}}|{{.Label "x"}}|{{.Label "tab"}}|{{.Label "d"}}|{{.Label "esc"}}' >out
	skiff rm evil >/dev/null
	[ "$(cat out)" = '"a?[31m"{{.ID}}? '\''$(touch pwned)'\''"|$(touch pwned)`touch pwned`{{.ID}}|a?b?c?d=e||?[31m??' ] || fail "$(cat out)"
	[ ! -e pwned ]
	[ "$(names -a --filter 'label=x=$(touch pwned)')" = '' ]
	[ "$(names -a --filter "name='; touch pwned'")" = '' ]
	[ ! -e pwned ]
}

@test "ps: an entry that is no container, one that is being made, one without files" {
	mkdir "$SKIFF_ROOT/containers/$(printf 'a%.0s' {1..64})" "$SKIFF_ROOT/containers/.x"
	skiff ps -as >out
	skiff ps -a --filter label=kind --format json >>out
	rmdir "$SKIFF_ROOT/containers/aaa"* "$SKIFF_ROOT/containers/.x"
	[ "$(wc -l <out)" -eq 9 ]
	! grep -q aaaa out
	# an empty store
	[ "$(SKIFF_ROOT=$PWD/none SKIFF_RUN=$PWD/none-run skiff ps -a)" = 'CONTAINER ID   IMAGE     COMMAND   CREATED   STATUS    PORTS     NAMES' ]
	[ -z "$(SKIFF_ROOT=$PWD/none SKIFF_RUN=$PWD/none-run skiff ps -a --format json --filter label=x --filter name=y)" ]
	[ ! -e none ]
}

# images_of ARG...: the names that images lists, on one line.
images_of() {
	skiff images --format '{{.Repository}}:{{.Tag}}' "$@" | xargs
}

@test "images: every field, filters, patterns" {
	local id options want
	sleep 1.1
	tar -C "$BATS_FILE_TMPDIR/tree" -c etc | skiff import - other/app >/dev/null
	id=$(skiff images -q --no-trunc team/app)
	skiff images --format '{{.ID}}|{{.Repository}}|{{.Tag}}|{{.Size}}' team/app >out
	[[ $(cat out) =~ ^${id:7:12}\|team/app\|v1\|[0-9.]+MB$ ]] || fail "$(cat out)"
	skiff images --format '{{.CreatedAt}}|{{.CreatedSince}}|{{.Digest}}' team/app >out
	[[ $(cat out) =~ ^20[0-9-]{8}\ [0-9:]{8}\ \+0000\ UTC\|.*\ ago\|(sha256:[0-9a-f]{64}|'<none>')$ ]] || fail "$(cat out)"
	[ "$(skiff images --format '{{.Size}}' | wc -l)" -eq 4 ]
	[ "$(skiff images --format json team/app | jq -r '.ID, .Repository, .Tag' | xargs)" = "${id:7:12} team/app v1" ]
	skiff images --format 'table {{.Repository}}\t{{.Tag}}' >out
	[ "$(sed -n 1,2p out)" = "REPOSITORY   TAG
other/app    latest" ]
	while IFS='|' read -r options want; do
		# shellcheck disable=SC2086
		[ "$(images_of $options | tr ' ' '\n' | sort | xargs)" = "$want" ] || fail "$options: $(images_of $options), expected $want"
	done <<-'END'
		--filter reference=*:latest|busybox:latest child:latest
		--filter=reference=*/*:latest|other/app:latest
		--filter reference=*/app|other/app:latest team/app:v1
		--filter reference=b[tu]sy*|busybox:latest
		--filter reference=team/app --filter reference=busybox|busybox:latest team/app:v1
		--filter reference=app|
		*/app|other/app:latest team/app:v1
		*/app:v?|team/app:v1
		--filter label=tier|team/app:v1
		--filter label=tier=web|team/app:v1
		--filter label=tier=db|
		--filter label=tier --filter label=nope|
		--filter since=child|other/app:latest
		--filter before=other/app|busybox:latest child:latest team/app:v1
		--filter dangling=false|busybox:latest child:latest other/app:latest team/app:v1
		--filter dangling=true|
		--filter until=1h|
		--filter until=2100-01-01|busybox:latest child:latest other/app:latest team/app:v1
	END
	rm "$SKIFF_ROOT/refs/docker.io/other/app:latest"
	[ "$(images_of --filter dangling=true)" = '<none>:<none>' ]
	[ "$(images_of -f dangling=1 -f reference='*')" = '' ]
	[ "$(images_of | wc -w)" -eq 4 ]
}

@test "images: what is wrong is refused before any output" {
	refused 125 "invalid filter 'colour'" images --filter colour=red
	refused 1 "invalid filter 'dangling=x'" images --filter dangling=x
	refused 1 'syntax error in pattern' images --filter 'reference=a['
	refused 1 'invalid reference format' images --filter 'reference=a b'
	refused 1 'invalid reference format' images '*; touch x'
	refused 1 'No such image: nosuch:latest' images --filter since=nosuch
	refused 1 'failed to parse value' images --filter until=yesterday
	refused 1 'unclosed action' images --format '{{.ID'
	refused 1 'key "Foo"' images --format '{{.Foo}}'
}

@test "a template that does not parse: status 1, as docker's, whatever is listed" {
	local verb
	for verb in images ps 'history busybox' 'image layers busybox' 'network ls' 'volume ls' 'system df' 'stats --no-stream'; do
		# shellcheck disable=SC2086 # words
		refused 1 'unclosed action' $verb --format '{{.ID'
	done
}

@test "inspect: templates, types, sizes; an error of one leaves the others" {
	local id
	id=$(skiff inspect -f '{{.Id}}' one)
	[[ $id =~ ^[0-9a-f]{64}$ ]]
	[ "$(skiff container inspect --format '{{.ID}} {{.State.Status}} {{.State.Running}}' one)" = "$id created false" ]
	[ "$(skiff inspect -f '{{.Name}} {{.State.ExitCode}}' three up)" = "/three 3
/up 0" ]
	[ "$(skiff inspect -f '{{index .Config.Labels "kind"}}|{{.Config.Labels.none}}|{{index .Config.Labels "none"}}|{{if .State.Health}}h{{else}}n{{end}}' one)" = 'b|<no value>||n' ]
	[ "$(skiff inspect -f '{{range .HostConfig.CapAdd}}{{println .}}{{end}}{{range .Config.Cmd}}{{println .}}{{end}}{{len .Config.Env}}' one | tail -n 1)" = 0 ]
	[ "$(skiff inspect -f '{{json .State}}' three | jq -c '[.Status, .ExitCode]')" = '["exited",3]' ]
	[ "$(skiff inspect -f json one two | jq -r '.[].Name' | xargs)" = '/one /two' ]
	[ "$(skiff inspect -f json one | wc -l)" = 1 ]
	[ "$(skiff inspect -s -f '{{.SizeRw}}' three)" = 6 ]
	[ "$(skiff image inspect -f '{{index .Config.Labels "tier"}} {{.Os}} {{len .RepoTags}}' team/app:v1)" = 'web linux 1' ]
	[ "$(skiff inspect --type image -f '{{.RepoTags}}' team/app:v1)" = '[team/app:v1]' ]
	# JSON without a template is still JSON
	[ "$(skiff inspect one | jq -r '.[0].Id')" = "$id" ]
	refused 64 'template parsing error: template: :1: unclosed action' inspect -f '{{.Id' one
	refused 64 'function "foo" not defined' inspect -f '{{foo}}' one
	refused 1 'key "Foo"' inspect -f '{{.Foo}}' one
	refused 1 'No such image: one' image inspect -f '{{.Id}}' one
	run --separate-stderr skiff inspect -f '{{.State.Status}}' busybox one nosuch
	[ "$status" -eq 1 ] && [ "$output" = created ]
	[[ $stderr == *'No such object: nosuch'*'key "State"'* ]]
}

@test "version and info: sections, templates, JSON" {
	read -r version <"$REPO/src/skiff/VERSION"
	skiff version >out
	[ "$(sed -n 1,2p out)" = "Client:
 Version:           $version" ]
	grep -q '^ OS/Arch:           linux/' out
	grep -q '^Server:' out
	[ "$(skiff version -f '{{.Client.Version}} {{.Server.Version}}')" = "$version $version" ]
	[ "$(skiff version --format json | jq -r .Client.Version)" = "$version" ]
	[ "$(skiff -v)" = "skiff version $version" ]
	refused 64 'unclosed action' version -f '{{'
	refused 1 'key "Foo"' version -f '{{.Foo}}'
	[ "$(skiff info -f '{{.Containers}} {{.ContainersRunning}} {{.ContainersStopped}} {{.Driver}}')" = '5 1 4 overlay' ]
	skiff info >out
	grep -qx 'Containers: 5' out
	grep -qx ' Running: 1' out
	grep -qx "Root Dir: $SKIFF_ROOT" out
	[ "$(skiff system info --format json | jq .NCPU)" = "$(nproc)" ]
	refused 64 'unclosed action' info -f '{{'
}
