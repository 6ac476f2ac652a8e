#!/usr/bin/env bats
# Images, layers and containers that want out, end to end: what is in them is data. A canary
# stands for the host: whatever an attack would have done to the host, it would show there.
# shellcheck shell=bash disable=SC2016

load helper

setup_file() {
	skiff_setup_file
	export REG=$BATS_FILE_TMPDIR/registry
	mkdir "$REG"
	python3 "$REPO/tests/registry.py" "$REG" >/dev/null 2>&1 3>&- 4>&- &
	echo $! >"$BATS_FILE_TMPDIR/registry.pid"
	wait_until test -s "$REG/port"
	PORT=$(cat "$REG/port")
	export PORT
	tar -C "$BATS_FILE_TMPDIR/tree" -c . >"$BATS_FILE_TMPDIR/base.tar"
}

teardown_file() {
	kill "$(cat "$BATS_FILE_TMPDIR/registry.pid")"
	skiff_teardown_file
}

setup() {
	in_time
	C=c$BATS_TEST_NUMBER
	cd "$BATS_TEST_TMPDIR" || return
	CANARY=$PWD/canary
	mkdir layer
}

teardown() {
	skiff rm -f "$C" >/dev/null 2>&1 || true
}

# blob FILE: into the registry; prints its descriptor but for the type.
blob() {
	local digest
	digest=$(sha256sum <"$1")
	cp "$1" "$REG/sha256:${digest%% *}"
	printf '"digest":"sha256:%s","size":%s' "${digest%% *}" "$(stat -c %s "$1")"
}

# image CONFIG: an image in the registry, of busybox and the tree in layer/, with the "config"
# CONFIG (JSON); its reference into $image.
image() {
	local type=application/vnd.oci.image
	tar -C layer -c . >layer.tar
	jq -n --argjson config "$1" --arg one "sha256:$(sha256sum <"$BATS_FILE_TMPDIR/base.tar" | cut -d' ' -f1)" \
		--arg two "sha256:$(sha256sum <layer.tar | cut -d' ' -f1)" \
		'{os: "linux", architecture: "amd64", config: $config, rootfs: {type: "layers", diff_ids: [$one, $two]}}' >config.json
	printf '{"schemaVersion":2,"mediaType":"%s","config":{"mediaType":"%s",%s},"layers":[{"mediaType":"%s",%s},{"mediaType":"%s",%s}]}' \
		$type.manifest.v1+json $type.config.v1+json "$(blob config.json)" \
		$type.layer.v1.tar "$(blob "$BATS_FILE_TMPDIR/base.tar")" $type.layer.v1.tar "$(blob layer.tar)" >manifest
	local tag=t${RANDOM}x$RANDOM # a new one each time, or run would take the old image
	printf '%s\n' $type.manifest.v1+json >"$REG/$tag.type"
	mv manifest "$REG/$tag"
	image=127.0.0.1:$PORT/evil/image:$tag
	skiff pull -q "$image" >/dev/null 2>&1 || true # what is refused is refused again by run
}

# untouched PATH...: what of it an attack could change.
untouched() {
	# (Not the times of directories: others work in /tmp.)
	find "$@" -maxdepth 1 -type d -printf '%p %u %g %m\n' -o -printf '%p %u %g %m %s %y %T@\n' 2>/dev/null |
		grep -v '^/etc/docker ' | sort # (which a test of certificates may make)
}

@test "commands in variables, labels and arguments are text" {
	image "$(jq -n --arg run "\$(touch $CANARY)" --arg tick "\`touch $CANARY\`" '{
		Env: ["A=\($run)", "B=\($tick)", "C=one\ntwo", "-rf=x", "D=\u001b[2J", "%n=%s%n", "X;touch=y", "PATH=/bin"],
		Labels: {($run): $tick, "a\nb": "c\nd", "privileged": "true", "--privileged": ""},
		Entrypoint: ["sh", "-c", "printf \"%s|\" \"$A\" \"$B\" \"$C\" \"$D\" \"$@\"; echo; tr \"\\0\" \"\\n\" </proc/1/environ; true", $run],
		Cmd: [$tick, "--rm", "-v", "/:/host", "a\nb", "\u001b]0;title\u0007", ""]}')"
	expect 0 skiff run --name "$C" "$image"
	[[ $output = *"\$(touch $CANARY)|\`touch $CANARY\`|one"$'\n'"two|"$'\e[2J|'"\`touch $CANARY\`|--rm|-v|/:/host|a"$'\n'b\|* ]] || fail "$output"
	[[ $output = *$'\n-rf=x\n'* && $output = *$'\n%n=%s%n\n'* ]]
	[ ! -e "$CANARY" ]
	! skiff ps -a --no-trunc | grep -q $'\e'
	[ "$(skiff ps -aq | wc -l)" -eq 1 ]
	[ "$(skiff ps -a --no-trunc | wc -l)" -eq 2 ]
	skiff inspect "$C" | jq -e '.[0] | (.HostConfig.Privileged | not) and .Config.Labels["a\nb"] == "c\nd"' >/dev/null
	skiff inspect "$image" | jq -e length >/dev/null
	skiff start -a "$C" >/dev/null
	skiff rm "$C" >/dev/null
	expect 0 skiff create --name "$C" "$image"
	skiff run --explain --rm "$image" >script
	timeout -s KILL 20 dash script >out
	grep -qF "\$(touch $CANARY)|" out
	[ ! -e "$CANARY" ]
}

@test "users, directories and signals that are none are refused, and never run" {
	local config
	for config in '{User: $x}' '{WorkingDir: $x}' '{User: "a\nb"}' '{WorkingDir: "/a\nb"}' '{StopSignal: "a\nb"}' \
		'{User: "4294967296"}' '{User: "-1"}' '{User: "0:4294967295"}' '{User: "1a"}' '{User: "--privileged"}' \
		'{WorkingDir: "relative"}' '{Env: "text"}' '{Env: [1]}' '{Cmd: {}}' '{Cmd: ["a\u0000b"]}' '{Env: ["A=\u0000"]}' '{Labels: []}' '{Volumes: 7}'; do
		# who is root if the number counts as a name, or wraps
		mkdir -p layer/etc
		printf '%s\n' root:x:0:0::/:/bin/sh 4294967296:x:0:0::/:/bin/sh -1:x:0:0::/:/bin/sh 1a:x:0:0::/:/bin/sh >layer/etc/passwd
		image "$(jq -n --arg x "\$(touch $CANARY)" "$config")"
		run skiff run --rm "$image" sh -c 'echo ran as $(id -u) in $(pwd)'
		[ "$status" -ne 0 ] || [[ $config = *1a* ]] || fail "$config: $output"
		[[ $output != *'ran as'* ]] || [[ $config = *1a* ]] || fail "$config: $output"
		[ ! -e "$CANARY" ] || fail "$config was executed"
	done
	# A stop signal of an image that is none: the container still stops.
	image '{"StopSignal": "$(id)"}'
	run skiff run -d --name "$C" "$image" sleep 600
	[ "$status" -ne 0 ] || expect 0 skiff stop -t 1 "$C"
}

@test "volumes of an image are not the host's directories" {
	local before
	before=$(untouched /etc /)
	echo secret >"$CANARY"
	ln -s "$PWD" layer/link
	image '{"Volumes": {"/proc": {}}}'
	expect 125 skiff run --rm "$image" true
	image '{"Volumes": {"/../../etc": {}, "/link": {}, "../x": {}, "$(id)": {}, "/a:/b": {}}}'
	run skiff run --rm "$image" sh -c 'echo ran; cat /etc/shadow /link/canary; ls -a /link/'
	[[ $output = ran* && $output != *root:* && $output != *secret* ]] || fail "$output"
	! grep -qx canary <<<"$output" || fail "listed: $output"
	# the attack works where it is allowed: the same link, with the host's directory behind it
	expect 0 skiff run --rm -v "$PWD:$PWD" "$image" cat /link/canary
	[ "$output" = secret ]
	[ "$(untouched /etc /)" = "$before" ]
}

@test "CVE-2019-16884: no volume on /proc, not on parts of it either" {
	local target
	mkdir v
	for target in /proc /proc/self/attr /proc/sys /./proc //proc /tmp/../proc; do
		run skiff run --rm -v "$PWD/v:$target" busybox echo ran
		[ "$status" -ne 0 ] || fail "$target: $output"
		[[ $output != *ran ]]
	done
}

@test "CVE-2024-21626: a working directory by way of a descriptor; leaked descriptors" {
	local n
	exec 9</ 8<"$BATS_TEST_TMPDIR"
	expect 0 skiff run --rm busybox ls /proc/self/fd
	[ "$output" = $'0\n1\n2\n3' ] # 3 is the directory
	skiff run -d --name "$C" busybox sleep 600 >/dev/null
	expect 0 skiff exec "$C" ls /proc/self/fd /proc/1/fd
	[ "$(grep -E '^[0-9]+$' <<<"$output" | tr '\n' ' ')" = '0 1 2 0 1 2 3 ' ] || fail "$output"
	for n in 3 4 5 6 7 8 9 10 11 12 13; do
		run skiff run --rm -w "/proc/self/fd/$n" busybox sh -c 'pwd; ls -d ../../../../../root/.ssh ./bats-run-* ../etc/shadow'
		[ "$status" -ne 0 ] || [[ $output = /* ]] || fail "descriptor $n: $output"
		[[ $output != *unreachable* && $output != *$'\n./bats'* && $output != *$'\n../etc/shadow' ]] || fail "descriptor $n: $output"
		run skiff exec -w "/proc/self/fd/$n" "$C" ls ../../../../../etc/shadow
		[ "$status" -ne 0 ] || fail "exec, descriptor $n: $output"
	done
	image '{"WorkingDir": "/proc/self/fd/8/"}'
	run skiff run --rm "$image" sh -c 'ls -d layer.tar'
	[ "$status" -ne 0 ]
	exec 9<&- 8<&-
}

@test "CVE-2022-2989: groups that take rights away stay; the primary group is among them" {
	mkdir -p layer/etc
	printf '%s\n' root:x:0: banned:x:55:ann >layer/etc/group
	echo text >layer/file
	chown 0:55 layer/file
	chmod 0604 layer/file
	image '{"User": "ann"}'
	run skiff run --rm "$image" cat /file
	[ "$status" -ne 0 ] || fail "read: $output"
	expect 0 skiff run --rm "$image" sh -c 'id -G; id -g'
	[ "$output" = $'1000 55\n1000' ]
	expect 0 skiff run --rm -u 1234 "$image" cat /file
	# exec takes the same
	skiff run -d --name "$C" "$image" sleep 600 >/dev/null
	run skiff exec "$C" cat /file
	[ "$status" -ne 0 ]
}

@test "CVE-2019-19921, CVE-2026-41579: /proc, /sys and /dev as links" {
	local name target=$BATS_TEST_TMPDIR/target before
	mkdir target
	before=$(untouched /etc "$target")
	for name in proc sys dev; do
		for link in /etc "$target" ../../../../../../../../.."$target" /proc/1/root"$target" /tmp; do
			rm -rf layer
			mkdir layer
			ln -s "$link" "layer/$name"
			image '{}'
			run skiff run --rm "$image" sh -c "[ ! -L /$name ] && echo fine"
			[ "$status" -ne 0 ] || [ "$output" = fine ] || fail "$name -> $link: $output"
			[ "$status" -eq 0 ] || [[ $output = */$name* ]] || fail "$name -> $link: the message does not say which: $output"
			[ "$(untouched /etc "$target")" = "$before" ] || fail "$name -> $link: the host was touched"
		done
	done
}

@test "CVE-2025-31133, CVE-2026-88264: /dev/null, /dev/console and /dev/pts of the image" {
	local pattern null
	pattern=$(cat /proc/sys/kernel/core_pattern) null=$(stat -c '%u %g %a' /dev/null)
	mkdir -p layer/dev/pts
	ln -s /proc/sys/kernel/core_pattern layer/dev/null
	ln -s "$CANARY" layer/dev/console
	ln -s "$CANARY" layer/dev/pts/0
	image '{}'
	for options in '' '-u 1000' '--read-only' '--userns=host' '--userns=host -u 1000'; do
		# shellcheck disable=SC2086
		expect 0 skiff run --rm $options "$image" sh -c 'stat -c "%F %t %T" /dev/null; cat /proc/keys /proc/timer_list; echo x 2>/dev/null >/proc/timer_list || true'
		[ "$output" = 'character special file 1 3' ] || fail "$options: $output"
		[ "$(cat /proc/sys/kernel/core_pattern)" = "$pattern" ]
		[ "$(stat -c '%u %g %a' /dev/null)" = "$null" ]
	done
	skiff run -d -u 1000 --name "$C" "$image" sleep 600 >/dev/null
	[ "$(stat -c '%u %g %a' /dev/null)" = "$null" ]
	skiff run --rm -dit "$image" true >/dev/null
	[ ! -e "$CANARY" ]
}

@test "mount points by way of links stay in the root" {
	mkdir -p layer/etc v
	echo old >"$CANARY"
	ln -s "../../../../../../../..$CANARY" layer/etc/hosts
	ln -s "$CANARY" layer/etc/resolv.conf
	ln -s "$CANARY" layer/.dockerenv
	ln -s / layer/host
	image '{}'
	run skiff run --rm -v "$PWD/v:/host$PWD/made" --tmpfs "/host$PWD/made2" -w "/host$PWD/made3" "$image" sh -c 'grep -c localhost /etc/hosts; echo x >>/etc/hosts; ls -d /host/bin/busybox'
	[ "$(cat "$CANARY")" = old ]
	[ ! -e made ] && [ ! -e made2 ] && [ ! -e made3 ]
	! grep -q "$PWD" /proc/self/mountinfo
}

@test "CVE-2019-5736: programs of the engine cannot be written from inside" {
	local sums
	sums() { (cd "${SKIFF_BIN:-$REPO/bin}" && sha256sum ./*); }
	sums=$(sums)
	# As the real root, without a filter: what is left is that there is nothing to write to.
	skiff run -d --name "$C" --privileged busybox sh -c '
		while :; do for p in /proc/[0-9]*; do
			exe=$(readlink $p/exe) || continue
			case $exe in /bin/busybox | "") continue ;; esac
			echo "saw $exe"
			(echo overwritten >$p/exe) 2>/dev/null && echo "wrote $exe"
		done; done' >/dev/null
	for n in $(seq 15); do
		skiff exec "$C" true
		skiff exec "$C" /proc/self/exe >/dev/null 2>&1 || true
	done
	[[ $(skiff logs "$C") != *wrote* ]] || fail "$(skiff logs "$C" | sort | uniq -c)"
	# What it can see of ours is the sealed copy in memory.
	! skiff logs "$C" | grep saw | grep -v -e memfd: -e '(deleted)' || fail "a file of the host is in sight"
	skiff rm -f "$C" >/dev/null
	run skiff run --rm --privileged --entrypoint /proc/self/exe busybox -h
	mkdir -p layer/bin
	printf '#!/proc/self/exe\n' >layer/bin/evil
	chmod 755 layer/bin/evil
	image '{"Entrypoint": ["/bin/evil"]}'
	skiff run -d --name "$C" --privileged "$image" >/dev/null # runs itself for ever
	skiff rm -f "$C" >/dev/null
	[ "$(sums)" = "$sums" ]
}

@test "CVE-2016-9962: a joining process does not bring the host's root along" {
	echo secret >"$CANARY"
	# As the real root, which may look into every process: none may have the host in it.
	skiff run -d --name "$C" --userns=host --cap-add SYS_PTRACE busybox sh -c '
		echo watching
		while :; do for p in /proc/[0-9]*; do
			for way in root cwd fd/9/../../../../../../..; do
				[ ! -e "$p/$way$0" ] || { echo "by $way: $(cat "$p/$way$0")"; echo written >"$p/$way$0"; }
			done
		done; done 2>/dev/null' "$CANARY" >/dev/null
	wait_until eval '[ -n "$(skiff logs "$C")" ]'
	for n in $(seq 40); do skiff exec "$C" true; done
	[ "$(skiff logs "$C")" = watching ] || fail "$(skiff logs "$C" | sort | uniq -c | head -n 20)"
	[ "$(cat "$CANARY")" = secret ]
}

@test "CVE-2016-9962: a joining process cannot be looked into" {
	skiff run -d --name "$C" --cap-add SYS_PTRACE busybox sh -c '
		while :; do for p in /proc/[0-9]*; do
			case $p in /proc/1 | /proc/$$) continue ;; esac
			case $(cat $p/comm 2>/dev/null) in unshare-run | lockdown) 
				# by now it may be the application
				ls -l $p/fd | grep " -> /" | grep -v /dev/null
				readlink $p/exe | grep -v /bin/busybox ;;
			esac
		done; done 2>/dev/null' >/dev/null
	for n in $(seq 15); do skiff exec "$C" true; done
	[ -z "$(skiff logs "$C" 2>/dev/null)" ] || fail "$(skiff logs "$C" | head -n 20)"
}

@test "CVE-2022-0492, CVE-2023-25809: control groups are read-only; none of the host's in sight" {
	expect 0 skiff run --rm busybox sh -c 'grep cgroup /proc/mounts; for d in /sys/fs/cgroup /sys/fs/cgroup/*; do [ ! -d $d ] || mkdir $d/x; done 2>&1 | grep -vc -i "read-only" || true'
	! grep -E '^[^ ]+ [^ ]+ (cgroup2?|tmpfs) rw' <<<"$output"
	[ "${lines[-1]}" = 0 ]
	expect 0 skiff run --rm busybox cat /proc/self/cgroup
	! grep -v ':/$' <<<"$output"
}

@test "CVE-2022-29162: no inheritable capabilities, in run and exec" {
	skiff run -d --name "$C" --cap-add SYS_ADMIN busybox sleep 600 >/dev/null
	for command in 'exec' 'exec --privileged' 'exec -u ann'; do
		# shellcheck disable=SC2086
		expect 0 skiff $command "$C" grep -E '^Cap(Inh|Amb)' /proc/self/status
		[ "$(awk '{ print $2 }' <<<"$output" | sort -u)" = 0000000000000000 ]
	done
	expect 0 skiff run --rm --privileged -u ann busybox grep -E '^Cap(Inh|Eff|Amb)' /proc/self/status
	[ "$(awk '{ print $2 }' <<<"$output" | sort -u)" = 0000000000000000 ]
	expect 0 skiff exec -u 4242:17 "$C" id
	for user in -1 4294967295 4294967296 2147483648 1a ' 1'; do
		run skiff exec "--user=$user" "$C" id -u
		[ "$status" -eq 126 ] || fail "exec -u '$user': $output"
	done
}

@test "the store is closed to others; no socket is in the abstract namespace" {
	[[ $(stat -c %a "$SKIFF_ROOT" "$SKIFF_RUN" | tr '\n' ' ') =~ ^(700|710)\ (700|710)\ $ ]]
	skiff run -d --name "$C" busybox sleep 600 >/dev/null
	! grep -E '@.*(skiff|shim|attach)' /proc/net/unix
	local id
	id=$(skiff ps -q --no-trunc)
	[ "$(stat -c %a "$SKIFF_RUN/$id")" = 700 ]
	[ -z "$(find "$SKIFF_RUN/$id" "$SKIFF_ROOT/containers/$id/log" -perm /007 -type f -name 'log*')" ]
	setpriv --reuid 65534 --regid 65534 --clear-groups ls "$SKIFF_ROOT/layers" 2>/dev/null && fail "nobody can list layers"
	true
}

@test "nothing of the host is in sight: processes, mounts, kernel" {
	expect 0 skiff run --rm busybox sh -c 'ls /proc | grep -c "^[0-9]"; dmesg 2>&1; cat /proc/kcore 2>&1 | head -c 10; ls /proc/1/root/; mknod /tmp/d b 254 0 && cat /tmp/d 2>&1 | head -c 100; true'
	[[ $output = *'Operation not permitted'* ]]
	# propagation: what is mounted inside, or on the host, stays there
	skiff run -d --name "$C" --cap-add SYS_ADMIN busybox sh -c 'mount -t tmpfs inside-only /tmp && sleep 600' >/dev/null
	! grep inside-only /proc/self/mountinfo
}

@test "System V and POSIX objects are not shared" {
	local id
	id=$(ipcmk -M 4096 | sed 's/.*: //')
	grep -q " $id " /proc/sysvipc/shm
	expect 0 skiff run --rm busybox cat /proc/sysvipc/shm
	ipcrm -m "$id"
	[ "${#lines[@]}" -eq 1 ]
	skiff run -d --name "$C" busybox sh -c 'echo x >/dev/shm/inside; sleep 600' >/dev/null
	[ ! -e /dev/shm/inside ]
}
