#!/usr/bin/env bats
# search: against registry.py as the hub.
# shellcheck shell=bash disable=SC2016,SC2030,SC2031

load helper
load registries

setup() {
	in_time
	cd "$BATS_TEST_TMPDIR" || return
	REG=$BATS_TEST_TMPDIR/hub
	export REG DOCKER_CONFIG=$BATS_TEST_TMPDIR/docker
	mkdir "$REG"
	unset SKIFF_REGISTRY_MIRROR SKIFF_INSECURE_REGISTRIES
	serve
	# not in the order of stars; the file is that of /v1/search
	cat >"$REG/search" <<-'END'
		{"num_results":4,"query":"alpine","results":[
		{"name":"mhart/alpine-node","description":"Minimal Node.js built on Alpine Linux","star_count":485,"is_official":false,"is_automated":false},
		{"name":"alpine","description":"A minimal Docker image based on Alpine Linux with a complete package index and only 5 MB in size!","star_count":9989,"is_official":true,"is_automated":false},
		{"name":"user/alpine-ü","description":"äöü äöü äöü äöü äöü äöü äöü äöü äöü äöü äöü ä","star_count":3,"is_official":false,"is_automated":true},
		{"name":"quiet/alpine","description":"","star_count":0,"is_official":false,"is_automated":true}
		]}
	END
}

teardown() {
	end_served
}

@test "the columns, most stars first, long descriptions cut, flags as [OK]" {
	skiff search "$HOST/alpine" >out 2>err
	[ ! -s err ]
	cat >want <<-'END'
		NAME                DESCRIPTION                                     STARS     OFFICIAL   AUTOMATED
		alpine              A minimal Docker image based on Alpine Linux…   9989      [OK]
		mhart/alpine-node   Minimal Node.js built on Alpine Linux           485
		user/alpine-ü       äöü äöü äöü äöü äöü äöü äöü äöü äöü äöü äöü ä   3                    [OK]
		quiet/alpine                                                        0                    [OK]
	END
	diff want <(sed 's/ *$//' out)
	grep -qF 'GET /v1/search?q=alpine&n=25 auth=- ' "$REG/log"
	skiff search --no-trunc "$HOST/alpine" >out
	grep -q 'complete package index and only 5 MB in size!  *9989' out
}

@test "filters, before and behind the term; any number of them" {
	names() {
		skiff search --format '{{.Name}}' "$@" | xargs
	}
	[ "$(names "$HOST/alpine" --filter is-official=true)" = alpine ]
	[ "$(names "$HOST/alpine" --filter "is-official=1")" = alpine ]
	[ "$(names -f is-automated=true "$HOST/alpine")" = 'user/alpine-ü quiet/alpine' ]
	[ "$(names -f is-automated=false "$HOST/alpine")" = 'alpine mhart/alpine-node' ]
	[ "$(names -f is-official=false -f is-automated=false "$HOST/alpine")" = mhart/alpine-node ]
	[ "$(names -f stars=3 "$HOST/alpine")" = 'alpine mhart/alpine-node user/alpine-ü' ]
	[ "$(names -f stars=3 -f stars=485 "$HOST/alpine")" = 'alpine mhart/alpine-node' ]
	[ "$(names -f stars=486 -f is-official=false "$HOST/alpine")" = '' ]
	skiff search -f stars=99999 "$HOST/alpine" >out
	[ "$(xargs <out)" = 'NAME DESCRIPTION STARS OFFICIAL AUTOMATED' ]
}

@test "--format: names of fields, tables, json" {
	skiff search --format '{{.Name}}: {{.StarCount}} {{.IsOfficial}}{{.IsAutomated}}' "$HOST/alpine" >out
	[ "$(head -n 2 out)" = $'alpine: 9989 [OK]\nmhart/alpine-node: 485 ' ]
	skiff search --format 'table {{.Name}}\t{{.StarCount}}' "$HOST/alpine" >out
	[ "$(head -n 1 out | xargs)" = 'NAME STARS' ]
	skiff search --format '{{json .}}' "$HOST/alpine" | jq -es '.[0] | .Name == "alpine" and .StarCount == "9989"'
	expect 1 skiff search --format '{{.Nme}}' "$HOST/alpine"
	expect 1 skiff search --format '{{' "$HOST/alpine"
}

@test "--limit: 25, 1 to 100" {
	printf '{"results":[%s]}' "$(for n in $(seq 120); do printf '%s{"name":"n%s","star_count":1}' "${c-}" "$n"; c=,; done)" \
		>"$REG/search"
	# a server that gives more than it was asked for
	[ "$(skiff search "$HOST/n" | wc -l)" = 26 ]
	[ "$(skiff search --limit 100 "$HOST/n" | wc -l)" = 101 ]
	[ "$(skiff search --limit=1 "$HOST/n" | wc -l)" = 2 ]
	grep -q 'n=100 ' "$REG/log"
	local n
	for n in 0 101 1000 00; do
		expect 1 skiff search --limit "$n" "$HOST/n"
		[ "$output" = "skiff search: Limit $n is outside the range of [1, 100]" ]
	done
	for n in -1 x 1.5 ''; do
		expect 125 skiff search --limit="$n" "$HOST/n"
	done
}

@test "nothing found, a term with odd characters, credentials of a closed one" {
	echo '{"results":null}' >"$REG/search"
	[ "$(skiff search "$HOST/none" | wc -l)" = 1 ]
	echo '{"results":[]}' >"$REG/search"
	[ "$(skiff search "$HOST/none" | wc -l)" = 1 ]
	[ "$(skiff search "$HOST/a b/c&n=1?#%" | wc -l)" = 1 ]
	grep -qF 'GET /v1/search?q=a%20b%2Fc%26n%3D1%3F%23%25&n=25 ' "$REG/log"
	rule "* /v1/ auth Basic+$(printf a:b | base64) Basic realm=x"
	expect 1 skiff search "$HOST/none"
	[[ $output == *"wants a user name"* ]]
	mkdir "$DOCKER_CONFIG"
	printf '{"auths":{"%s":{"auth":"%s"}}}' "$HOST" "$(printf a:b | base64)" >"$DOCKER_CONFIG/config.json"
	expect 0 skiff search "$HOST/none"
}

@test "the hub: its mirror is asked first, and official names have no library/" {
	export SKIFF_REGISTRY_MIRROR=http://$HOST
	skiff search library/alpine >out
	grep -q '^alpine ' out
	grep -qF 'GET /v1/search?q=alpine&n=25 ' "$REG/log"
	# then the hub itself, by its name
	unset SKIFF_REGISTRY_MIRROR
	expect 1 unshare -n skiff search alpine
	[[ $output == *"index.docker.io"* ]]
}

@test "hostile answers drive no terminal and make no column" {
	printf '{"results":[{"name":"a\\u001b[31m\\tb","description":"x\\ny\\u009b1m\\r\\tz","star_count":7,"is_official":"yes"}]}' >"$REG/search"
	skiff search --format '{{.Name}}|{{.Description}}|{{.StarCount}}|{{.IsOfficial}}|' "$HOST/a" >out
	[ "$(cat out)" = 'a [31m b|x y1m  z|7||' ]
	local text
	for text in '' x '[]' '{}' '{"results":7}' '{"results":[7]}' '{"results":[{}]}' '{"results":[{"name":7}]}' \
		'{"results":[{"name":"a","description":[]}]}'; do
		echo "$text" >"$REG/search"
		expect 1 skiff search "$HOST/a"
		[[ $output == *"pull: $HOST: "* ]] || fail "$text: $output"
	done
	head -c 100000 /dev/zero >"$REG/search"
	rule '* /v1/ endless'
	expect 1 skiff search "$HOST/a"
	[[ $output == *"answer of more than"* ]]
}

@test "what cannot be" {
	local words status text
	while IFS='|' read -r words status text; do
		# shellcheck disable=SC2086
		expect "$status" skiff search $words
		[[ $output == *"$text"* ]] || fail "$words: $output"
	done <<-END
		|1|requires 1 argument
		a b|1|requires 1 argument
		--frobnicate a|125|unknown flag
		-f foo=1 a|1|invalid filter 'foo=1'
		-f is-official a|1|invalid filter
		-f is-official=maybe a|1|invalid filter 'is-official=maybe'
		-f stars=x a|1|invalid filter 'stars=x'
		-f stars=-1 a|1|invalid filter
		-f stars=99999999999999999999 a|1|invalid filter
		$HOST/|1|nothing to search for
		a..b/x|1|not a host
		127.0.0.1:1/x|1|127.0.0.1:1
	END
	expect 125 pull search -n 0 a
	expect 125 pull search -n 101 a
	expect 125 pull search
	expect 125 pull search a b
}
