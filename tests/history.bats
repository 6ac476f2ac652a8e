#!/usr/bin/env bats
# skiff history: the steps of an image, against a config that is known, and against docker's form.
# shellcheck shell=bash disable=SC2016

load helper

setup_file() {
	skiff_setup_file
	cd "$BATS_FILE_TMPDIR" || return
	mkdir one two
	head -c 1234567 /dev/zero >one/zeros
	head -c 52 /dev/zero >two/zeros
	tar -C one -cf one.tar .
	tar -C two -cf two.tar .
	offer steps '[
		{"created":"2020-01-01T00:00:00.123456789Z","created_by":"/bin/sh -c #(nop) ADD file:1 in / "},
		{"created":"2020-01-01T02:00:00+01:00","created_by":"/bin/sh -c #(nop)  ENV A=b","empty_layer":true},
		{"created":"2020-01-02T00:00:00Z","created_by":"/bin/sh -c echo this is a rather long command line that will be cut","comment":"a comment"},
		{"created_by":"a\tb\u001b[2Jc\u202ed","empty_layer":true,"comment":"two\nlines"}]' one.tar two.tar
	offer bare null one.tar two.tar
	offer short '[{"created_by":"first"}]' one.tar two.tar
	offer many '[{"created_by":"first"},{"created_by":"second"},{"created_by":"third"}]' one.tar
	offer none '[]'
}

# offer NAME HISTORY LAYER...: load an image with that history.
offer() {
	local ids='' names='' file
	for file in "${@:3}"; do
		ids="$ids,\"sha256:$(sha256sum <"$file" | cut -d ' ' -f 1)\""
		names="$names,\"$file\""
	done
	printf '{"os":"linux","architecture":"amd64","rootfs":{"type":"layers","diff_ids":[%s]},"history":%s}' "${ids#,}" "$2" >"$1.json"
	printf '[{"Config":"%s.json","RepoTags":["%s:v1"],"Layers":[%s]}]' "$1" "$1" "${names#,}" >manifest.json
	tar -c manifest.json "$1.json" "${@:3}" | skiff load >/dev/null
}

teardown_file() {
	skiff_teardown_file
}

setup() {
	in_time
	cd "$BATS_TEST_TMPDIR" || return
	ID=$(skiff images -q --no-trunc steps:v1)
}

@test "history: columns as docker has them, newest first" {
	expect 0 skiff history steps:v1
	[ "${lines[0]}" = 'IMAGE          CREATED       CREATED BY                                      SIZE      COMMENT' ] || fail "$output"
	[[ ${lines[1]} =~ ^${ID:7:12}\ {3}'N/A           a b [2Jc d '\ +'0B        two lines' ]] || fail "$output"
	[[ ${lines[2]} =~ ^'<missing>      '[0-9]+' years ago   /bin/sh -c echo this is a rather long comman…   52B       a comment' ]] || fail "$output"
	[[ ${lines[3]} = '<missing> '*' years ago   /bin/sh -c #(nop)  ENV A=b  '*' 0B '* ]] || fail "$output"
	[[ ${lines[4]} = '<missing> '*' years ago   /bin/sh -c #(nop) ADD file:1 in / '*' 1.23MB '* ]] || fail "$output"
	[ ${#lines[@]} = 5 ]
	expect 0 skiff image history "${ID:7:5}"
	[ ${#lines[@]} = 5 ]
}

@test "history: --no-trunc, -q, --human" {
	expect 0 skiff history --no-trunc steps:v1
	[[ ${lines[1]} = "$ID "* ]]
	[[ $output = *'echo this is a rather long command line that will be cut '* ]]
	expect 0 skiff history -q steps:v1
	[ "$output" = "${ID:7:12}
<missing>
<missing>
<missing>" ] || fail "$output"
	[ "$(skiff history -q --no-trunc steps:v1 | head -n 1)" = "$ID" ]
	expect 0 skiff history -H=false steps:v1
	[[ ${lines[0]} = 'IMAGE          CREATED AT '* ]]
	[[ ${lines[3]} = *'2020-01-01T01:00:00Z'*' 0 '* ]] || fail "$output"
	[[ ${lines[4]} = *'2020-01-01T00:00:00Z'*' 1234567 '* ]] || fail "$output"
}

@test "history: --format" {
	expect 0 skiff history --format '{{.ID}}|{{.Size}}|{{.Comment}}' steps:v1
	[ "${lines[0]}" = "${ID:7:12}|0B|two lines" ]
	[ "${lines[3]}" = '<missing>|1.23MB|' ]
	expect 0 skiff history --format json steps:v1
	[ "$(jq -r '[.CreatedAt, .CreatedBy, .ID, .Size] | join("|")' <<<"${lines[2]}")" = \
		'2020-01-01T01:00:00Z|/bin/sh -c #(nop)  ENV A=b|<missing>|0B' ] || fail "${lines[2]}"
	expect 0 skiff history --format 'table {{.Size}}\t{{.ID}}' steps:v1
	[[ ${lines[0]} = 'SIZE '*IMAGE ]]
	run skiff history --format '{{.Nothing}}' steps:v1
	[ "$status" -ne 0 ]
}

@test "history: the sizes add up to that of the image, whatever the config tells" {
	for image in steps bare short many none busybox:latest; do
		case $image in *:*) ;; *) image=$image:v1 ;; esac
		sum=$(skiff history -H=false --format '{{.Size}}' "$image" | awk '{ n += $1 } END { print n + 0 }')
		[ "$sum" = "$(cat "$SKIFF_ROOT/images/$(skiff images -q --no-trunc "$image" | cut -d : -f 2)/size")" ] || fail "$image: $sum"
	done
	[ "$(skiff history -q bare:v1 | wc -l)" = 2 ]
	[ "$(skiff history -q short:v1 | wc -l)" = 2 ]
	[ "$(skiff history -q many:v1 | wc -l)" = 3 ]
	expect 0 skiff history none:v1
	[ "${#lines[@]}" = 1 ]
}

@test "history: what is refused" {
	expect 1 skiff history nope
	[ "$output" = 'skiff history: No such image: nope:latest' ]
	expect 1 skiff history
	expect 1 skiff history steps:v1 bare:v1
}
