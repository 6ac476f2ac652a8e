#!/usr/bin/env bats
# Every file that appears in the store is in skiff-files(5), and what that page lists appears.
# shellcheck shell=bash disable=SC2016

load helper
load network

PAGE=$REPO/src/skiff/skiff-files.5

setup_file() {
	skiff_setup_file
	machine host
	cd "$BATS_FILE_TMPDIR" || return
	python3 "$REPO/tests/registry.py" "$BATS_FILE_TMPDIR" 3>&- 4>&- &
	echo $! >registry.pid
	disown
	wait_until test -e port
	everything >log 2>&1
}

teardown_file() {
	kill "$(cat "$BATS_FILE_TMPDIR/registry.pid")" "$(cat "$BATS_FILE_TMPDIR/host.pid")"
	skiff_teardown_file
}

# offer: an image x:v1 of one layer at registry.py.
offer() {
	local oci=application/vnd.oci.image layer config
	echo more >tree/more # another layer than that of the import
	tar -C tree -cf layer .
	layer=$(sha256sum <layer | cut -d ' ' -f 1)
	printf '{"os":"linux","architecture":"amd64","config":{"Entrypoint":["sh"],"Cmd":["-c","true"],"Labels":{"a":"b"}},"rootfs":{"type":"layers","diff_ids":["sha256:%s"]}}' \
		"$layer" >config
	config=$(sha256sum <config | cut -d ' ' -f 1)
	mv layer "sha256:$layer"
	mv config "sha256:$config"
	printf '{"schemaVersion":2,"mediaType":"%s","config":{"mediaType":"%s","digest":"sha256:%s","size":%s},"layers":[{"mediaType":"%s","digest":"sha256:%s","size":%s}]}' \
		$oci.manifest.v1+json $oci.config.v1+json "$config" "$(stat -c %s "sha256:$config")" \
		$oci.layer.v1.tar "$layer" "$(stat -c %s "sha256:$layer")" >v1
	echo $oci.manifest.v1+json >v1.type
	LAYER=$layer
}

# note: remember the files that are there now.
note() {
	find "$SKIFF_ROOT" -mindepth 1 \( -path '*/fs/*' -o -path '*/rw/upper/*' -o -path '*/rw/work/*' -o -path '*/_data/*' -o -path '*/mounts/*/*' \) -prune \
		-o \( ! -type d -o -path '*/rw*' -o -name fs \) -printf '%P%y\n' | sed -E 's/d$/\//;s/[fslp]$//' >>seen
	find "$SKIFF_RUN" -mindepth 1 ! -type d -printf 'RUN/%P\n' >>seen
}

# everything: use all that makes files, and note them on the way.
everything() {
	offer
	local host id part
	host=127.0.0.1:$(cat port)
	# a pull that is interrupted while the layer comes
	echo "1 GET.*/blobs/sha256:$LAYER stall 500000" >rules
	setsid skiff pull "$host/x:v1" 3>&- 4>&- &
	local pid=$!
	part=$SKIFF_ROOT/blobs/sha256/.$LAYER.part
	wait_until test -s "$part"
	note
	kill -9 -- -$pid
	wait $pid || true
	skiff pull "$host/x:v1"
	skiff pull "$host/x@sha256:$(sha256sum <v1 | cut -d ' ' -f 1)"
	cp v1 "sha256:$(sha256sum <v1 | cut -d ' ' -f 1)"
	skiff manifest create "$host/x:list" "$host/x:v1"
	skiff check
	skiff boot
	note

	mkdir host
	skiff volume create --label a=b -o type=tmpfs -o device=tmpfs memory
	skiff create --name idle --rm -it -m 64m --init --log-opt max-size=1k -v "$PWD/host:/mnt" -v /anonymous --tmpfs /t \
		-l a=b -e A=b -u ann -w /tmp --stop-signal INT --stop-timeout 3 busybox sh
	skiff run -d --name up -i -v memory:/memory --cap-drop ALL -m 20m --log-opt max-size=1k --log-opt max-file=3 busybox sh -c '
		i=0; while [ $i -lt 100 ]; do i=$((i + 1)); echo $i $i $i $i $i; done; sleep 100'
	skiff run -d --name shared --network container:up --entrypoint sleep busybox 100
	skiff run --name host --network host --userns host "$host/x:v1" -c 'echo x >/new; exit 3' || true
	skiff run --name bad busybox /nonexistent || true
	skiff run --name hungry -m 8m busybox sh -c 'a=x; while :; do a=$a$a; done' || true
	skiff run --name apart --network none --userns host --pid host --ipc host --uts host --cgroupns host --annotation a=b --log-driver none busybox true
	skiff run --name known --network none --domainname example.test busybox true
	skiff exec up true
	skiff exec -d -e A=b up sleep 100
	again
	id=$(skiff inspect up | jq -r '.[0].Id')
	wait_until test -e "$SKIFF_ROOT/containers/$id/log.1"
	skiff pause up
	note
	kept
	waiting
	skiff stop -t 0 up
	skiff start up
	note
	if command -v runc >/dev/null; then
		# (not in a user namespace, as that cannot reach a private directory)
		skiff run --name foreign --runtime runc --userns host --oom-score-adj 7 busybox true
		skiff run --name missing --runtime runc --userns host busybox /nonexistent || true
		note
	fi
	mkdir context
	printf 'FROM busybox AS a\nRUN --mount=type=cache,target=/c touch /c/x /x\nFROM scratch\nCOPY --from=a /x /\n' >context/Dockerfile
	skiff build --network none context
	note
	networks
	sort -u -o seen seen
}

# kept: what a restart makes that takes its time; and an rm -f.
kept() {
	skiff run -d --rm --name slow busybox sh -c 'trap "" TERM; sleep 100'
	skiff restart -t 60 slow 3>&- 4>&- &
	wait_until test -e "$SKIFF_RUN/$(cat "$SKIFF_ROOT/names/slow/id")/kept"
	note
	skiff kill slow
	wait $! || true
	skiff rm -f slow
	local run
	run=$SKIFF_RUN/$(skiff run -d --name slow busybox sleep 100)
	kill -STOP "$(cut -d ' ' -f 1 "$run/shim")"
	skiff rm -f slow 3>&- 4>&- &
	wait_until test -e "$run/doomed"
	note
	kill -CONT "$(cut -d ' ' -f 1 "$run/shim")"
	wait $!
}

# waiting: what there is of a container whose processes wait to be let go.
waiting() {
	skiff create --name waits busybox true
	skiff start --explain waits | grep -v '^attach ' >script
	timeout -s KILL 20 dash script 3>&- 4>&-
	note
	skiff rm -f waits
}

# again: what a restart policy and a health check make.
again() {
	skiff run -d --name again --restart always --health-cmd true --health-interval 50ms busybox sleep 1.5
	local id
	id=$(skiff inspect again | jq -r '.[0].Id')
	wait_until test -e "$SKIFF_ROOT/containers/$id/checks/result.4"
	wait_until test -e "$SKIFF_ROOT/containers/$id/restarts"
	wait_until note_restarting
	skiff stop -t 0 again
	mkdir -p "$SKIFF_ROOT/."
	truncate -s 17M "$SKIFF_ROOT/events"
	skiff check
	skiff run --rm --health-cmd true --health-interval 50ms --name changes busybox sleep 0.5
	note
}

note_restarting() {
	note
	grep -q '/restarting$' seen
}

# networks: on a machine of its own.
networks() {
	local MACHINE=host
	on host ip link add name wire0 up type bridge
	printf 'nameserver 10.9.0.2\n' >resolv.conf
	on host mount --bind resolv.conf /etc/resolv.conf
	skiff network create --ipv6 --internal --label a=b -o mtu=1400 -o com.docker.network.bridge.enable_icc=false --subnet 10.5.0.0/24 --ip-range 10.5.0.0/25 net
	skiff network ls
	skiff run -d --name linked --network net --network bridge busybox sleep 100
	skiff run -d --name open --network bridge -p 8080:80 --dns 10.9.0.2 --add-host a:1.2.3.4 --link linked busybox sleep 100
	note
	skiff rm -f linked open
	skiff network rm net
	on host netup down "$SKIFF_ROOT/networks/bridge"
}

# patterns SECTION: the paths of a section of the page as regular expressions, a line each.
patterns() {
	awk -v section="$1" '$1 == ".Sh" { on = $2 == section }
		on && $1 == ".It" && $2 == "Pa" { $1 = $2 = ""; gsub(/ , /, "\n"); sub(/^ +/, ""); print }' "$PAGE" |
		sed -E 's/\./\\./g
			s/HEX|CHAIN/[0-9a-f]{64}/g;s/UUID/[0-9a-f]{8}/g;s/ADDRESS/[0-9a-f.:]+/;s/PID/[0-9]+/g
			s/\bID\b/[0-9a-f]{64}/g;s/HOST/[A-Za-z0-9.:-]+/
			s/REPOSITORY/[a-z0-9._\/-]+/;s/:TAG/:[A-Za-z0-9_.-]+/;s/NAME/[A-Za-z0-9_.-]+/;s/\bN\b/[0-9]+/'
}

setup() {
	in_time
	cd "$BATS_FILE_TMPDIR" || return
	{
		patterns STATE
		patterns RUNTIME | sed 's/^/RUN\//'
	} >expressions
	[ "$(wc -l <expressions)" -gt 80 ]
}

@test "every file is documented" {
	[ "$(wc -l <seen)" -gt 150 ]
	# What is being made, in a directory of its own, is nobody else's business.
	aside=$(grep '/\\\..*/$' expressions | paste -sd '|')
	grep -v '/$' seen | grep -vE "^($aside)" | grep -vxE "$(paste -sd '|' expressions)" >undocumented || true
	[ ! -s undocumented ] || fail "not in skiff-files(5): $(cat undocumented)"
}

@test "every documented file appears" {
	missing=''
	while read -r pattern; do
		case $pattern in
		*/ | */storage-size) continue ;; # the latter needs another file system
		# only while something is at work, or has failed in a way that is hard to bring about
		destroying | refs/\\.* | manifests/\\.* | volumes/*content* | RUN/*/copying | RUN/*/ports | RUN/*/secret* | RUN/*/ssh* | RUN/*exec*/finished | RUN/*exec*/exit | RUN/*exec*/error | RUN/*exec*/started*) continue ;;
		esac
		grep -qxE "$pattern" seen || missing="$missing $pattern"
	done <expressions
	[ -z "$missing" ] || fail "never seen:$missing"
}

@test "formats: values have one line, times are times, processes are two numbers" {
	for name in id name image image-id command created stop-signal stop-timeout network; do
		for file in "$SKIFF_ROOT"/containers/*/"$name"; do
			[ "$(wc -l <"$file")" -eq 1 ] || fail "$file: $(cat "$file")"
		done
	done
	for file in "$SKIFF_ROOT"/containers/*/created "$SKIFF_ROOT"/containers/*/started \
		"$SKIFF_ROOT"/containers/*/finished; do
		grep -qxE '[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\.[0-9]{9}Z' "$file" || fail "$file: $(cat "$file")"
	done
	for file in "$SKIFF_RUN"/*/pid "$SKIFF_RUN"/*/shim; do
		read -r pid start rest <"$file"
		[ -z "$rest" ]
		[ "$start" = "$(sed 's/.*) //' "/proc/$pid/stat" 2>/dev/null | cut -d ' ' -f 20)" ] || [ ! -e "/proc/$pid" ]
	done
	for file in "$SKIFF_ROOT"/containers/*/argv "$SKIFF_ROOT"/containers/*/env; do
		[ "$(tail -c 1 "$file" | od -An -tx1)" = ' 00' ] || fail "$file"
	done
	for file in "$SKIFF_ROOT"/blobs/sha256/[0-9a-f]*; do
		[ "$(sha256sum <"$file" | cut -d ' ' -f 1)" = "${file##*/}" ]
	done
	for file in "$SKIFF_ROOT"/refs/*/*:*; do
		[ ! -f "$file" ] || [ "$(grep -cxE 'sha256:[0-9a-f]{64}' "$file")" = 3 ]
	done
	for file in "$SKIFF_ROOT"/containers/*/log; do
		! grep -vE '^[0-9-]{10}T[0-9:.]+Z (stdout|stderr) [FP]( |$)' "$file" || fail "$file"
	done
}

@test "nobody but root enters" {
	for place in "$SKIFF_ROOT" "$SKIFF_ROOT"/*/ "$SKIFF_RUN" "$SKIFF_RUN"/*/; do
		[ "$(stat -c '%a %U' "$place")" = '700 root' ] || fail "$place: $(stat -c '%a %U' "$place")"
	done
}

@test "docs/files.md is the page" {
	command -v mandoc >/dev/null || skip "mandoc is not installed (make lint checks this too)"
	mandoc -T markdown "$PAGE" | diff "$REPO/docs/files.md" -
}
