#!/usr/bin/env bats
# Completion in bash: what <Tab> offers behind "skiff".
# shellcheck shell=bash

load helper

COMPLETION=$REPO/src/skiff/completion.bash

setup_file() {
	skiff_setup_file
	skiff volume create goods >/dev/null
	skiff run -d --name runs busybox sleep 1000 >/dev/null
	skiff run -d --name rests busybox sleep 1000 >/dev/null
	skiff pause rests >/dev/null
	skiff create --name waits busybox true >/dev/null
	skiff tag busybox quay.example/team/box:v1
	skiff network create --subnet 10.213.77.0/24 seaside >/dev/null
}

teardown_file() {
	skiff unpause rests >/dev/null
	skiff network rm seaside >/dev/null
	skiff volume rm -f goods >/dev/null
	skiff_teardown_file
}

# offers TEXT...: what is offered behind TEXT, a line each. Bash parts the line; here it is done by
# the characters that it does it at, too.
offers() {
	# shellcheck disable=SC2016 # of the other shell
	bash --norc -c '
		. "$1"
		files() { printf "(%s)\n" "$*"; }
		compopt() { files "$@"; } # there is no line to complete
		COMP_LINE=$2 COMP_POINT=${#2} COMP_WORDS=() part=""
		rest=$2
		while [ -n "$rest" ]; do
			letter=${rest:0:1} rest=${rest:1}
			case $letter in
			" ") [ -z "$part" ] || COMP_WORDS+=("$part"); part="" ;;
			[:=]) case $part in [:=]* | "") ;; *) COMP_WORDS+=("$part"); part="" ;; esac; part+=$letter ;;
			*) case $part in *[:=]) COMP_WORDS+=("$part"); part="" ;; esac; part+=$letter ;;
			esac
		done
		case $part$2 in " "* | *" ") COMP_WORDS+=("") ;; *) COMP_WORDS+=("$part") ;; esac
		COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
		_skiff skiff
		[ ${#COMPREPLY[@]} -eq 0 ] || printf "%s\n" "${COMPREPLY[@]}"
	' bash "$COMPLETION" "$1" | sort
}

# expect_offers TEXT WORD...: exactly these.
expect_offers() {
	local got want
	got=$(offers "$1" | tr '\n' ' ')
	want=$([ $# -eq 1 ] || printf '%s\n' "${@:2}" | sort | tr '\n' ' ')
	[ "$got" = "$want" ] || fail "'$1' offers '$got', not '$want'"
}

@test "verbs, groups and the verbs of a group" {
	expect_offers 'skiff vol' volume
	expect_offers 'skiff re' rename restart
	expect_offers 'skiff volume ' create inspect ls prune rm
	expect_offers 'skiff -x network di' disconnect
	expect_offers 'skiff --ver' --version
	expect_offers 'skiff nothing '
	for verb in run ps build exec; do offers 'skiff ' | grep -qx "$verb" || fail "no $verb"; done
	! offers 'skiff ' | grep -q -- '-'
}

@test "all options of each verb, and no other" {
	cd "$BATS_TEST_TMPDIR"
	for file in "$REPO"/src/skiff/verbs/*; do
		verb=${file##*/}
		case $verb in help | on-*) continue ;; esac
		words=$verb
		case $verb in container-* | image-* | volume-* | network-* | manifest-* | builder-* | system-*) words=${verb/-/ } ;; esac
		skiff "$verb" --help | sed -nE 's/^  (-[a-zA-Z0-9], |    )--([a-z0-9-]+).*/--\2/p' | sort >want
		offers "skiff $words --" | sort | diff want - || fail "options of $verb"
	done
	[ "$(wc -l <want)" -gt 0 ]
	expect_offers 'skiff run --interact' --interactive
	expect_offers 'skiff container run --interact' --interactive
	offers 'skiff ps -' | grep -qx -- -a
}

@test "containers, by what can be done with them" {
	expect_offers 'skiff start ' waits
	expect_offers 'skiff stop ' runs rests
	expect_offers 'skiff container stop r' runs rests
	expect_offers 'skiff stop -t 3 ru' runs
	expect_offers 'skiff exec ' runs
	expect_offers 'skiff unpause ' rests
	expect_offers 'skiff rm ' runs rests waits
	expect_offers 'skiff rm runs ' runs rests waits
	expect_offers 'skiff rm -f w' waits
	expect_offers 'skiff rename waits '
	expect_offers 'skiff run --network container:'
	id=$(skiff inspect waits | jq -r '.[0].Id')
	expect_offers "skiff start ${id:0:5}" "${id:0:12}"
	expect_offers 'skiff run --volumes-from wa' waits
}

@test "what stands behind an image, or a container of exec, belongs to the command" {
	expect_offers 'skiff exec runs --'
	expect_offers 'skiff exec runs ls r'
	expect_offers 'skiff run busybox --'
	expect_offers 'skiff run -- --'
	expect_offers 'skiff run -it --name x bus' busybox busybox:latest
}

@test "images, and what bash takes for other words" {
	expect_offers 'skiff rmi q' quay.example/team/box:v1
	expect_offers 'skiff rmi quay.example/team/box:' v1
	expect_offers 'skiff rmi busybox:' latest
	expect_offers 'skiff image rm busybox:la' latest
	expect_offers 'skiff history bus' busybox busybox:latest
	expect_offers 'skiff inspect bu' busybox busybox:latest
	expect_offers 'skiff inspect w' waits
}

@test "networks, volumes and words that an option may have" {
	expect_offers 'skiff network rm sea' seaside
	expect_offers 'skiff network connect seaside wai' waits
	expect_offers 'skiff run --network se' seaside
	expect_offers 'skiff run --network=se' seaside
	expect_offers 'skiff run --network no' none
	expect_offers 'skiff volume inspect ' goods
	expect_offers 'skiff run -v g' goods
	expect_offers 'skiff run --pull=mi' missing
	expect_offers 'skiff run --restart un' unless-stopped
	expect_offers 'skiff kill -s HU' HUP
	expect_offers 'skiff show --format ' json
	expect_offers 'skiff ps --format ' json table
	expect_offers 'skiff run -iv g' goods
	expect_offers 'skiff run -vg busyb' busybox busybox:latest
}

@test "files are for the shell to complete" {
	expect_offers 'skiff run --env-file ' '(-o default)'
	expect_offers 'skiff build ' '(-o default)'
	mkdir -p stages
	printf '%s\n' 'FROM a AS one' 'from --platform=linux/arm64 b as two' 'FROM c' >stages/Dockerfile
	expect_offers 'skiff build stages --target ' 'one two'
	expect_offers 'skiff build -f stages/Dockerfile --target=t' 'two'
	expect_offers 'skiff build --target '
	expect_offers 'skiff run -v /t' '(-o default)'
	expect_offers 'skiff run --hostname '
	# cp: of a container, or of this machine
	expect_offers 'skiff cp wa' '(-o default)' '(-o nospace)' waits:
	expect_offers 'skiff cp ./' '(-o default)'
}

@test "a name is never run" {
	cd "$BATS_TEST_TMPDIR"
	# No verb makes such names, but who can write to the store, or be unpacked into it, could.
	store=$BATS_TEST_TMPDIR/store
	# shellcheck disable=SC2016 # that is the point
	mkdir -p "$store/volumes/\$(touch ran)" "$store/volumes/\`touch ran\`;x" "$store/refs/host/\$(touch ran)" \
		"$store/volumes/"$'escape\e[31m' "$store/volumes/*" "$store/volumes/.hidden"
	# shellcheck disable=SC2016
	: >"$store/refs/host/\$(touch ran)/x:1"
	SKIFF_ROOT=$store offers 'skiff volume rm ' >out
	# shellcheck disable=SC2016
	printf '%s\n' '\$\(touch\ ran\)' '\`touch\ ran\`\;x' '\*' | sort | diff - out
	SKIFF_ROOT=$store offers 'skiff rmi ' | grep -F 'host/\$\(touch\ ran\)/x:1'
	# shellcheck disable=SC2016
	offers 'skiff $(touch${IFS}ran) '
	# shellcheck disable=SC2016
	offers 'skiff run -v $(touch${IFS}ran)'
	[ ! -e ran ]
}

@test "a real shell completes a real line" {
	cd "$BATS_TEST_TMPDIR"
	cat >type.exp <<-'END'
		set timeout 20
		spawn -noecho env PS1=ready> TERM=dumb bash --norc --noprofile
		expect ready>
		send ". $env(COMPLETION); bind 'set bell-style none'; set -u; IFS=,\r"
		expect ready>
		send "skiff st\t\t"
		expect stop {} timeout { exit 1 }
		send "op run\t"
		expect "runs " {} timeout { exit 2 }
		send "\025echo one; skiff rmi quay.ex\t# two\r"
		expect "box:v1 # two" {} timeout { exit 3 }
		expect ready>
		send "exit\r"
		expect eof
	END
	COMPLETION=$COMPLETION run timeout 60 expect type.exp
	[ "$status" -eq 0 ] || fail "$status: $output"
}

@test "it takes less than 50 ms" {
	# before all others, the best of ten: the machine has other things to do
	for line in 'skiff ' 'skiff container ' 'skiff run --' 'skiff rm ' 'skiff run --network '; do
		# shellcheck disable=SC2016 # of the other shell
		took=$(nice -n -20 bash --norc -c '
			. "$1"
			compopt() { :; }
			COMP_LINE=$2
			read -ra COMP_WORDS <<<"$2"
			case $2 in *" ") COMP_WORDS+=("") ;; esac
			COMP_CWORD=$((${#COMP_WORDS[@]} - 1)) best=1000000
			for i in 1 2 3 4 5 6 7 8 9 10; do
				from=${EPOCHREALTIME/./}
				_skiff skiff
				took=$((${EPOCHREALTIME/./} - from))
				[ $took -ge $best ] || best=$took
			done
			[ ${#COMPREPLY[@]} -eq 0 ] || echo $best' bash "$COMPLETION" "$line")
		echo "$line: $took microseconds"
		[ -n "$took" ] && [ "$took" -lt $((50000 * ${SLOW:-1})) ]
	done
}

@test "make install puts it where bash-completion looks" {
	make -s -C "$REPO" install DESTDIR="$BATS_TEST_TMPDIR" PREFIX=/usr >/dev/null
	cmp "$COMPLETION" "$BATS_TEST_TMPDIR/usr/share/bash-completion/completions/skiff"
	[ ! -e "$BATS_TEST_TMPDIR/usr/lib/skiff/completion.bash" ]
	make -s -C "$REPO" uninstall DESTDIR="$BATS_TEST_TMPDIR" PREFIX=/usr
	[ -z "$(find "$BATS_TEST_TMPDIR/usr" -type f)" ]
}
