#!/usr/bin/env bats
# docs/docker.md: all flags and verbs of Docker are in it, and what it says of them is so.
# shellcheck shell=bash

load helper

PAGE=$REPO/docs/docker.md

# flags KIND: lines "VERB <tab> FLAG" of the page; KIND is taken or refused. FLAG is as --all or -a.
flags() {
	awk -v want="$1" '
		function tell(text, count, i, word) {
			gsub(/[`,]/, " ", text)
			count = split(text, word, " ")
			for (i = 1; i <= count; i++)
				if (word[i] ~ /^-/)
					for (v = 1; v <= verbs; v++) print verb[v] "\t" word[i]
		}
		/^### / { verbs = split(substr($0, 5), verb, ", "); kind = ""; next }
		!verbs { next }
		/^Same: / { kind = "taken" }
		/^\| flag \| differs/ { kind = "taken"; next }
		/^\| flag \| not there/ { kind = "refused"; next }
		/^$/ { kind = "" }
		kind != want || /^\|---/ { next }
		/^\|/ { split($0, cell, "|"); tell(cell[2]); next }
		{ tell($0) }' "$PAGE"
}

# value VERB FLAG: one that passes for it: 1 is a number, a name, and yes.
value() {
	case "$1 $2" in
	'search '*-f*) echo is-official=true && return ;;
	'builder prune --filter') echo until=1h && return ;;
	'network create '*-d*) echo bridge && return ;;
	esac
	case $2 in
	-a | --attach) echo stdout ;; # of run; elsewhere a flag
	--allow) echo network.host ;;
	--change | -c) echo 'CMD x' ;;
	--dns | --ip) echo 10.0.0.1 ;;
	--ip6) echo fd00::1 ;;
	--link-local-ip) echo 169.254.0.1 ;;
	--mac-address) echo 02:00:00:00:00:01 ;;
	--add-host) echo name:10.0.0.1 ;;
	--filter | -f) echo label=x ;;
	--ipc | --pid | --uts | --cgroupns | --userns) echo host ;;
	--gpus) echo all ;;
	--sysctl) echo net.core.somaxconn=1 ;;
	--ulimit) echo nofile=1 ;;
	--storage-opt) echo size=1 ;;
	--label | -l | --log-opt | --opt | -o | --build-arg | --annotation) echo max-size=1m ;;
	--log-driver) echo none ;;
	--pull) echo always ;;
	--restart) echo always ;;
	--security-opt) echo no-new-privileges ;;
	--volume | -v) echo /x ;;
	--progress) echo plain ;;
	--secret) echo id=x,env=HOME ;;
	--ssh) echo x=/etc/passwd ;;
	--output) echo x ;;
	--type) echo container ;;
	--driver | -d) echo local ;;
	--health-retries) echo 1 ;;
	--health-*) echo 1s ;;
	*) echo 1 ;;
	esac
}

# try VERB FLAG: give it to skiff, with a value and without; it prints its help if it has taken the flag.
try() {
	local with
	case $2 in
	--*) with="$2=$(value "$1" "$2")" ;;
	*) with=$2$(value "$1" "$2") ;;
	esac
	# shellcheck disable=SC2086 # a verb may be two words
	{ skiff $1 "$with" --help >said 2>&1 && grep -q '^Usage: skiff' said; } ||
		{ skiff $1 "$2" --help >said 2>&1 && grep -q '^Usage: skiff' said; }
}

setup() {
	in_time
	cd "$BATS_TEST_TMPDIR" || return
}

# docker_version: skip unless docker is here, in a version that the page is about.
docker_version() {
	local major
	command -v docker >/dev/null || skip 'docker is not installed'
	major=$(docker --version | sed -n 's/^Docker version \([0-9]*\)[.].*/\1/p')
	[ "${major:-0}" -ge 20 ] && [ "$major" -le 28 ] || skip "docker $major is none of the versions that the page is about"
}

@test "a flag that skiff does not have is refused, or the other tests would see nothing" {
	! try run --no-such-flag
	grep -q 'unknown flag: --no-such-flag' said
	! try ps -Z
	grep -q 'unknown shorthand flag: -Z' said
}

@test "what the page calls the same, or the same but for something, skiff takes" {
	[ "$(flags taken | wc -l)" -gt 200 ]
	while IFS=$'\t' read -r verb flag; do
		try "$verb" "$flag" || fail "skiff $verb $flag: $(head -n 1 said)"
	done < <(flags taken)
}

@test "what it says is not there, skiff refuses" {
	[ "$(flags refused | wc -l)" -gt 40 ]
	while IFS=$'\t' read -r verb flag; do
		! try "$verb" "$flag" || fail "skiff $verb $flag is there"
	done < <(flags refused)
}

@test "a verb that is Docker's and not there says so" {
	sed -n '/^## Verbs that are not there/,/^## Flags/s/^| \([a-z, -]*\) |.*/\1/p' "$PAGE" | tr ',' '\n' |
		sed -n 's/^ *\([a-z]*\)$/\1/p' | grep -vx -e verb -e buildx -e completion >absent
	[ "$(wc -l <absent)" -ge 11 ]
	while read -r verb; do
		expect 1 skiff "$verb"
		[[ $output == *"unknown command: $verb: "*docs/docker.md* ]] || fail "$output"
	done <absent
}

@test "no such verb: 1; no such flag: 125; as in Docker" {
	local words
	for words in frobnicate Run ../run 'container frobnicate' 'volume frobnicate x' 'container on-exit' 'help frobnicate' 'images a b' 'image diff a'; do
		# shellcheck disable=SC2086
		expect 1 skiff $words
		[[ $output == *See*--help* ]] || fail "$words: $output"
	done
	for words in '' 'run x' $'ps\n'; do
		expect 1 skiff "$words"
		expect 1 skiff container "$words"
		[[ $output == *'unknown command: container'* ]] || fail "$output"
	done
	for words in --frobnicate -Z 'ps --frobnicate' 'container ps --frobnicate'; do
		# shellcheck disable=SC2086
		expect 125 skiff $words
	done
	expect 0 skiff
	expect 0 skiff container
	expect 0 skiff container --help
}

@test "every flag that docker's help prints is in the page" {
	docker_version
	{ flags taken; flags refused; } | sort -u >known
	sed -n 's/^### //p' "$PAGE" | tr ',' '\n' | sed 's/^ //' >verbs
	[ "$(wc -l <verbs)" -gt 50 ]
	while read -r verb; do
		# shellcheck disable=SC2086 # a verb may be two words
		docker $verb --help 2>/dev/null </dev/null |
			sed -nE 's/^ {2,6}((-[A-Za-z0-9]), )?(--[a-z0-9-]+).*/\2 \3/p' | tr ' ' '\n' | sed '/^$/d; /^--help$/d' >printed
		while read -r flag; do
			grep -qxF "$verb"$'\t'"$flag" known || fail "docker $verb $flag is not in the page"
		done <printed
	done <verbs
}

@test "every verb that docker's help prints is in the page" {
	docker_version
	sed -n 's/^### //p' "$PAGE" | tr ',' '\n' | sed 's/^ //' >verbs
	sed -n '/^## Verbs that are not there/,/^## Flags/s/^| \([a-z, -]*\) |.*/\1/p' "$PAGE" | tr ',' '\n' | sed 's/^ //' >absent
	listed() { sed -nE 's/^  ([a-z]+)\*? +[A-Z].*/\1/p'; }
	docker --help | listed >top
	[ "$(wc -l <top)" -gt 40 ]
	while read -r verb; do
		case $verb in
		container | image | volume | network | system | manifest | builder)
			docker "$verb" --help | sed -n '/Commands:/,$p' | listed | while read -r word; do
				case "$verb $word" in 'container ls' | 'image ls' | 'image rm' | *' inspect') word="$verb $word" ;; esac
				grep -qxE "$word|$verb $word" verbs absent || skiff help "$verb" | grep -q "^  ${word##* } " ||
					fail "docker $verb $word is not in the page"
			done
			;;
		*) grep -qxE "$verb( .*)?" verbs || grep -qE "^$verb(,.*)?( .*)?$" absent || fail "docker $verb is not in the page" ;;
		esac
	done <top
}
