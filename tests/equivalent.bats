#!/usr/bin/env bats
# What a manual page gives as the EQUIVALENT of a tool does the same as the tool. (cgset, lockdown, netup, veth, push,
# lend-agent and containers have that among their own tests.)
# shellcheck shell=bash

load helper

setup() {
	in_time
	cd "$BATS_TEST_TMPDIR" || return
	LONG=8231.$BASHPID # seconds that no other sleep has
}

teardown() {
	pkill -KILL -x -f "sleep $LONG" || true
}

# equivalent TOOL: the lines of the section, as one would type them.
equivalent() {
	awk '/^\.Sh/ { on = $2 == "EQUIVALENT"; next } /^\.Bd/ { block = 1; next } /^\.Ed/ { block = 0 }
		on && block' "$REPO/src/$1/$1.1" | sed 's/^[#$] //; s/\\e/\\/g; s/\\(aq/'\''/g'
}

# tree DIR: some files.
tree() {
	mkdir -p "$1/sub dir"
	echo one >"$1/one"
	echo two >"$1/sub dir/two"
	chmod 640 "$1/one"
	ln -s one "$1/link"
}

@test "every tool has examples in its page, and the same in plain commands" {
	for page in "$REPO"/src/*/*.1; do
		name=$(basename "$page" .1)
		grep -q '^\.Sh EXAMPLES' "$page" || fail "$name: no EXAMPLES"
		case $name in skiff | lesson) continue ;; esac # compositions of the others; the course is its own
		[ -n "$(equivalent "$name")" ] || fail "$name: no EQUIVALENT"
	done
}

@test "init" {
	equivalent init | sed 's/unshare --pid --fork/exec &/' >plain.sh
	# Each as process 1; TERM from outside ends the command, and is the status.
	sed "s/sleep 9/sleep $LONG/" plain.sh >one.sh
	echo "exec unshare --pid --fork --mount-proc init sleep $LONG" >two.sh
	for script in one two; do
		sh $script.sh 3>&- 4>&- &
		job=$!
		wait_until pgrep -x -f "sleep $LONG" >pid
		# The shell has set its trap by now, and init is no shell.
		kill -TERM "$(ps -o ppid= -p "$(cat pid)" | tr -d ' ')"
		result=0
		wait "$job" || result=$?
		[ "$result" -eq 143 ] || fail "$script: $result"
		! pgrep -x -f "sleep $LONG"
	done
	# and a status of its own is kept; an orphan does not stay as a zombie.
	sed 's/sleep 9/sh -c "(true \&) ; sleep 0.2; ! ps -eo stat= | grep -q Z \&\& exit 7"/' plain.sh >one.sh
	expect 7 sh one.sh
	expect 7 unshare --pid --fork --mount-proc init sh -c '(true &) ; sleep 0.2; ! ps -eo stat= | grep -q Z && exit 7'
}

@test "reserve" {
	port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
	equivalent reserve | sed "s/8080/$port/; s/sleep 3600/sh try/" >plain.sh
	cat >try <<-END
		for n in 1 2 3 4 5 6 7 8 9 10; do
			python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", $port))' 2>taken || break
			sleep 0.2
		done
		grep -o 'Address already in use' taken
	END
	expect 0 sh plain.sh 3>&- 4>&-
	grep -qx 'Address already in use' <<<"$output" || fail "$output" # (some socat say that they end, too)
	expect 0 reserve -p "any $port 80/tcp" sh try
	[ "$output" = "Address already in use" ] || fail "$output"
}

@test "seccomp-compile" {
	[ "$(uname -m)" = x86_64 ] || skip 'the filter in the page is for x86-64'
	equivalent seccomp-compile >plain.sh
	sh plain.sh
	printf '%s\n' 'default allow' 'errno EPERM rmdir' | cat >keep.seccomp
	seccomp-compile keep.seccomp >ours.bpf
	for filter in keep ours; do
		mkdir -p dir
		expect 1 lockdown --seccomp $filter.bpf rmdir dir
		[[ $output == *'Operation not permitted'* ]]
		[ -d dir ]
		expect 0 lockdown --seccomp $filter.bpf sh -c 'echo x >file && rm file'
	done
}

@test "shim and crilog" {
	run=$BATS_TEST_TMPDIR/plain
	equivalent shim | sed "s|/run/job|$run|g" >plain.sh
	sh plain.sh 3>&- 4>&-
	shim --run ours --log ours/log sh -c 'echo hello; exit 7' 3>&- 4>&- </dev/null
	wait_until test -e plain/finished
	flock ours/lock true
	[ "$(cat plain/exit)" = "$(cat ours/exit)" ]
	for file in started finished; do
		for dir in plain ours; do grep -qE '^[0-9-]{10}T[0-9:]{8}\.[0-9]{9}Z$' $dir/$file || fail "$dir/$file"; done
	done
	# The plain one has no times in its log.
	cp ours/log job.log
	equivalent crilog >plain.sh
	[ "$(sh plain.sh)" = "$(cat plain/log)" ]
	[ "$(crilog job.log)" = "$(sh plain.sh)" ]
}

@test "entry" {
	equivalent entry >plain.sh
	for way in plain entry; do
		mkdir $way
		echo x >$way/new
		echo x >$way/gone
	done
	(cd plain && sh ../plain.sh)
	(cd entry && entry mkdir box symlink ../box names rename new box/old unlink gone)
	diff -r --no-dereference plain entry
	[ -L plain/names ] && [ -e plain/box/old ] && [ ! -e plain/gone ]
}

@test "journal" {
	equivalent journal >plain.sh
	sh plain.sh
	journal diary start web
	[ "$(cut -f 2- diary)" = "$(printf 'start\tweb\n%.0s' 1 2)" ]
	! cut -f 1 diary | grep -vE '^[0-9-]{10}T[0-9:]{8}\.[0-9]{9}Z$'
}

@test "discard" {
	equivalent discard >plain.sh
	awk '/^discard/ { on = 1 } on && /^\.Ed/ { exit } on' "$REPO/src/discard/discard.1" | sed 's/\\e$/\\/' >ours.sh
	for script in plain ours; do
		mkdir -p jobs/one jobs/two
		echo one | tee jobs/one/job >jobs/one/lock
		sh $script.sh
		[ "$(ls jobs)" = two ] || fail "$script"
	done
	[ "$(cut -f 2 events)" = "$(printf 'job one removed\n%.0s' 1 2)" ]
}

@test "attach" {
	shim --run job sh -c 'trap "exit 9" INT; while :; do sleep 0.1; done' 3>&- 4>&- </dev/null
	equivalent attach | grep signal | sed "s|/run/job|$BATS_TEST_TMPDIR/job|" >plain.sh
	sh plain.sh
	flock job/lock cat job/exit | grep -qx 9
}

@test "health" {
	sleep "$LONG" 3>&- 4>&- &
	pid=$!
	printf '%s %s\n' "$pid" "$(cut -d ' ' -f 22 /proc/$pid/stat)" >alive
	equivalent health | sed 's/sleep 30/sleep 0.2/; s/\<check\>/sh check/' >plain.sh
	{ echo "pid=$pid"; cat plain.sh; } >loop.sh
	echo 'echo fine' >check
	sh loop.sh 2>/dev/null 3>&- 4>&- &
	health --dir ours --while "./alive" --interval 200ms sh "$PWD/check" 3>&- 4>&-
	for status in healthy unhealthy; do
		wait_until grep -qx $status status
		wait_until grep -qx $status ours/status
		echo 'exit 1' >check
	done
	kill $pid
	wait || true # for the loop as well: it ends with the process
}

@test "format" {
	equivalent format >both
	plain=$(sed 's/ # .*//' both)
	ours=$(sed 's/.* # //' both)
	[ "$(sh -c "$plain")" = "$(printf 'a\tb\n' | sh -c "$ours")" ]
	[ "$(sh -c "$plain")" = 'a: b' ]
}

@test "describe" {
	export SKIFF_ROOT=$BATS_TEST_TMPDIR/store SKIFF_RUN=$BATS_TEST_TMPDIR/run
	busybox_tree box
	tar -C box -c . | skiff import - busybox >/dev/null
	expect 4 skiff run --name container --network none busybox sh -c 'exit 4'
	id=$(cat store/names/container/id)
	equivalent describe | sed "s|/var/lib/skiff|$SKIFF_ROOT|" >plain.sh
	id=$id sh plain.sh | jq -S -c . >want
	skiff inspect container | jq -S -c '.[0].State | {ExitCode, StartedAt}' | diff want -
	skiff rm container
	cgset remove "$(cat store/cgroup)"
}

@test "context" {
	tree src
	equivalent context >both
	head -n 1 both | sh | tar -tv --numeric-owner | sed 's/ [0-9:-]* [0-9:]* / /' >ours
	tail -n 1 both | sh | tar -tv --numeric-owner | sed 's/ [0-9:-]* [0-9:]* / /' >plain
	for list in ours plain; do sed -E 's|\./||; s|/$||; / $/d' $list | awk '{ $4 = $5 = ""; print }' | sort >$list.sorted; done
	diff ours.sorted plain.sorted
}

@test "credential" {
	echo '{"auths": {}}' >config.json
	printf secret >password
	equivalent credential >plain.sh
	sh plain.sh | jq -r '.auths["registry.example:5000"].auth' | base64 -d | grep -qx 'ann:secret'
}

@test "dockerfile" {
	printf '%s\n' '# a comment' 'FROM busybox' '' "RUN one \\" '  two' 'CMD ["sh"]' >Dockerfile
	equivalent dockerfile >plain.sh
	sh plain.sh >plain
	[ "$(wc -l <plain)" -eq 3 ]
	# The instructions are the same ones, in the same order.
	cut -d ' ' -f 1 plain >want
	dockerfile Dockerfile | jq -r 'select(.instruction) | .instruction | ascii_upcase' | diff want - ||
		fail "$(dockerfile Dockerfile)"
}

@test "plain-tar" {
	tree src
	tar -C src -cJf files.tar.xz .
	equivalent plain-tar >plain.sh
	sh plain.sh | tar -tv >want
	plain-tar <files.tar.xz | tar -tv | diff want -
}

@test "root-tar" {
	busybox_tree rootfs
	tree rootfs/data
	equivalent root-tar >both
	root=$(sed -n 1p both) plain=$(sed -n 2p both)
	[ "$(sh -c "$root" | sed 's|^/*||' | sort)" = "$(sh -c "$plain" | sort)" ]
	tree more
	tar -C more -cf files.tar .
	cp -a rootfs other
	sh -c "$(sed -n 4p both)"
	sh -c "$(sed -n 5p both | sed 's/rootfs/other/')"
	diff -r --no-dereference rootfs other
	[ "$(stat -c '%a %U' rootfs/one)" = "$(stat -c '%a %U' other/one)" ]
}

@test "unshare-run" {
	busybox_tree rootfs
	equivalent unshare-run >both
	# What the command sees: its number, the processes, what is mounted on /proc.
	cat >rootfs/look <<-'END'
		echo $$ /proc/[0-9]*
		grep ' /proc ' /proc/mounts | cut -d ' ' -f 2,3
	END
	ours=$(sh -c "$(sed -n '1s/ sh$/ sh \/look/p' both)") plain=$(sh -c "$(sed -n '2s/ sh$/ sh \/look/p' both)")
	[ "$ours" = "$plain" ] || fail "$ours -- $plain"
	[ "${ours%%"
"*}" = '1 /proc/1' ]
	cat >look <<-'END'
		for kind in mnt uts ipc net pid; do readlink /proc/self/ns/$kind; done
	END
	unshare -mpuinf --mount-proc sleep "$LONG" 3>&- 4>&- &
	job=$!
	wait_until pgrep -x -f "sleep $LONG" >pid
	for line in 3 4; do
		sh -c "$(sed -n "${line}s|1234 sh|$(cat pid) sh $PWD/look|p" both)" >"seen$line"
	done
	[ "$(wc -l <seen3)" -eq 5 ] || fail "$(cat seen3 seen4)"
	diff seen3 seen4
	! sh look | grep -qxF -f seen3 || fail 'they are ours'
	kill -KILL "$(cat pid)"
	wait "$job" || true
}

@test "layerfs" {
	tree base
	mkdir app root
	echo changed >app/one
	equivalent layerfs >both
	sed -n '/^mkdir/,/overlay root$/p' both >plain.sh
	[ "$(wc -l <plain.sh)" -eq 3 ]
	# (overlayfs wants a file system that can be an upper directory.)
	sh -e plain.sh || skip 'no overlay on this file system'
	(cd root && find . -type f -exec sha256sum {} + | sort) >want
	umount root
	layerfs stack --at root --upper upper --work work base app
	(cd root && find . -type f -exec sha256sum {} + | sort) >got
	umount root
	diff want got
	grep -q one want
	tar -C base -czf layer.tar.gz .
	diff_id=$(sh -c "$(grep ^zcat both)" | cut -d ' ' -f 1)
	layerfs unpack copy <layer.tar.gz | grep -qx "diff-id sha256:$diff_id"
}
