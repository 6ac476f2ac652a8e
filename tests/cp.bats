#!/usr/bin/env bats
# skiff cp: docker's rules, both ways, running or not; and containers that mean harm.
# shellcheck shell=bash disable=SC2016

load helper

setup_file() {
	skiff_setup_file
	cd "$BATS_FILE_TMPDIR" || return
	mkdir -p tree/{data/sub,real,run}
	echo hello >tree/data/file
	chown 1000:2000 tree/data/file
	chmod 4751 tree/data/file
	ln -s file tree/data/link
	ln -s /real tree/abs
	ln -s /real/made tree/dangling
	rmdir tree/var && mkdir tree/var && ln -s /run tree/var/run
	tar -C tree -c . | skiff import -c 'CMD ["sleep", "600"]' - files >/dev/null
}

teardown_file() {
	skiff_teardown_file
}

setup() {
	in_time
	C=c$BATS_TEST_NUMBER V=v$BATS_TEST_NUMBER
	cd "$BATS_TEST_TMPDIR" || return
	echo one >f
	mkdir -p d/s
	echo two >d/s/g
	ln -s f lf
	ln -s d ld
	chown -R 1234:4321 f d
	OUTSIDE=$BATS_TEST_TMPDIR/outside
	mkdir "$OUTSIDE"
	echo secret >"$OUTSIDE/canary"
}

teardown() {
	touch go
	skiff rm -fv "$C" "$C-2" >/dev/null 2>&1 || true
	skiff volume prune -af >/dev/null
}

# in_it COMMAND...: in the container, which is started for that if it does not run.
in_it() {
	if [ "$(skiff inspect "$C" | jq -r '.[0].State.Running')" = true ]; then
		skiff exec "$C" "$@"
	else
		skiff start "$C" >/dev/null
		skiff exec "$C" "$@"
		skiff stop -t 0 "$C" >/dev/null
	fi
}

# refused TEXT OPERAND...: status 1, one line with TEXT.
refused() {
	local text=$1
	shift
	expect 1 skiff cp "$@"
	[[ $output = *"$text"* ]] || fail "$*: $output"
	[ "${#lines[@]}" -eq 1 ] || [[ $output = *'--help'* ]] || fail "$*: $output"
}

# into: what goes into the container.
into() {
	skiff cp f "$C:/new"
	skiff cp f "$C:/data"
	skiff cp f "$C:/data/"
	skiff cp f "$C:/data/file"
	skiff cp f "$C:/abs"
	skiff cp f "$C:/dangling"
	skiff cp d "$C:/newd"
	skiff cp d "$C:/newd2/"
	skiff cp d "$C:data"
	skiff cp d/. "$C:/data/sub"
	skiff cp d/. "$C:/newd3"
	skiff cp lf "$C:/l1"
	skiff cp -L lf "$C:/l2"
	skiff cp ld "$C:/l3"
	skiff cp --follow-link ld "$C:/l4"
	skiff cp ld/ "$C:/l5"
	skiff cp -a f "$C:/owned"
	skiff cp f "$C:/var/run/x"
	skiff cp f "$C:/vol/x"
	refused 'no such directory' f "$C:/nothing/"
	refused 'No such file' f "$C:/nothing/x"
	refused 'No such file' d "$C:/nothing/x"
	refused 'Not a directory' f "$C:/data/file/"
	refused 'Not a directory' f "$C:/data/file/x"
	refused 'cannot copy a directory to a file' d "$C:/data/file"
	refused 'No such file' nothing "$C:/x"
	refused 'Not a directory' f/ "$C:/x"
	refused 'Not a directory' f/. "$C:/x"
	refused 'Read-only file system' f "$C:/ro/x"
	refused 'is empty' f "$C:"
	expect 0 in_it sh -c 'cd / && cat new data/f data/file real/f real/made newd/s/g newd2/s/g data/d/s/g data/sub/s/g newd3/s/g l2 l4/s/g l5/s/g run/x vol/x
		stat -c "%n %u:%g %a" new newd newd/s/g owned vol/x; readlink l1; readlink l3; ls -d x* nothing* 2>/dev/null || true'
	[ "$output" = "one
one
one
one
one
two
two
two
two
two
one
two
two
one
one
new 0:0 644
newd 0:0 755
newd/s/g 0:0 644
owned 1234:4321 644
vol/x 0:0 644
f
d" ] || fail "$output"
}

# out_of: what comes out.
out_of() {
	local code
	skiff cp "$C:/data/file" out
	skiff cp "$C:/data/file" .
	skiff cp "$C:/data" outd
	skiff cp "$C:/data" outd
	skiff cp "$C:/data/." outd2
	skiff cp "$C:/data/link" .
	skiff cp -L "$C:/data/link" followed
	skiff cp "$C:/abs" .
	skiff cp "$C:/abs/" reald
	skiff cp -a "$C:/data/file" owned
	skiff cp "$C:/data/file" lf
	skiff cp "$C:/var/run/../run/." run
	skiff cp "$C:/vol/kept" kept
	for code in out file outd/file outd/data/file outd2/file followed f; do
		[ "$(cat $code)" = hello ] || fail "$code"
	done
	[ "$(stat -c '%u:%g %a' out owned outd)" = $'0:0 751\n1000:2000 751\n0:0 755' ]
	[ "$(readlink link abs)" = $'file\n/real' ]
	[ -d reald ] && [ ! -L reald ] && [ -d run ]
	[ "$(cat kept)" = kept ]
	refused 'No such file' "$C:/nothing" .
	refused 'Not a directory' "$C:/data/file/" .
	refused 'no such directory' "$C:/data/file" new/
	refused "invalid output path: directory \"$PWD/nodir\" does not exist" "$C:/data/file" nodir/x
	refused 'cannot copy a directory to a file' "$C:/data" out
	refused 'is empty' "$C:" .
	[ ! -e new ] && [ ! -e nothing ]
}

# streams: archives in and out.
streams() {
	[ "$(skiff cp "$C:/data/file" - | tar -tv)" = "$(skiff cp "$C:/data/file" - | tar -tv | grep -E '^-rwsr-x--x 1000/2000 .* file$')" ]
	[ "$(skiff cp "$C:/data" - | tar -t)" = $'data/\ndata/file\ndata/link\ndata/sub/' ]
	[ "$(skiff cp "$C:/data/." - | tar -t)" = $'./\n./file\n./link\n./sub/' ]
	[ "$(skiff cp "$C:/abs" - | tar -t)" = abs ]
	[ "$(skiff cp "$C:/data/sub/.." - | tar -t | head -n 1)" = data/ ]
	local filter
	for filter in cat gzip zstd xz bzip2; do
		tar -c d f | $filter | skiff cp - "$C:/real"
		tar -c f | $filter | skiff cp -a - "$C:/var/run"
		expect 0 in_it sh -c 'cat /real/f /real/d/s/g; stat -c %u /real/f /run/f; rm -rf /real/* /run/*'
		[ "$output" = $'one\ntwo\n0\n1234' ] || fail "$filter: $output"
	done
	local to
	for to in nothing data/file; do
		tar -c f >x.tar
		run bash -c "skiff cp - $C:/$to <x.tar"
		[ "$status" -eq 1 ]
	done
	[[ $output = *'must be a directory' ]]
	run bash -c "echo junk | skiff cp - $C:/"
	[ "$status" -eq 1 ]
	run bash -c "skiff cp $C:/nothing - >x.tar"
	[ "$status" -ne 0 ]
}

@test "a running container, with volumes" {
	skiff run -d --name "$C" -v "$V:/vol" -v "$V:/ro:ro" files >/dev/null
	skiff exec "$C" sh -c 'echo kept >/vol/kept'
	out_of
	rm f && echo one >f && chown 1234:4321 f
	streams
	into
	# by a leading part of its ID, while it is paused; what is mounted over a file
	local id
	id=$(skiff inspect "$C" | jq -r '.[0].Id')
	skiff pause "$C" >/dev/null
	expect 0 skiff container cp f "${id:0:12}:/etc/hosts"
	skiff unpause "$C" >/dev/null
	[ "$(skiff exec "$C" cat /etc/hosts)" = one ]
	[ "$(cat "$SKIFF_ROOT/containers/$id/hosts")" = one ]
}

@test "a container that was never started, with volumes" {
	skiff create --name "$C" -v "$V:/vol" -v "$V:/ro:ro" files >/dev/null
	echo kept >"$SKIFF_ROOT/volumes/$V/_data/kept"
	out_of
	rm f && echo one >f && chown 1234:4321 f
	into
	! grep "$SKIFF_ROOT" /proc/self/mountinfo
	[ ! -e "$SKIFF_RUN/$(skiff inspect "$C" | jq -r '.[0].Id')/copying" ]
}

@test "one that has ended; without a user namespace; read-only" {
	skiff run -d --name "$C" --userns host files sh -c 'echo made >/made; sleep 600' >/dev/null
	made() { skiff exec "$C" test -e /made; }
	wait_until made
	skiff stop -t 0 "$C" >/dev/null
	skiff cp "$C:/made" .
	[ "$(cat made)" = made ]
	streams
	skiff cp f "$C:/x"
	[ "$(in_it cat /x)" = one ]
	skiff start "$C" >/dev/null
	skiff run -d --name "$C-2" --userns host --read-only --tmpfs /t files >/dev/null
	skiff cp f "$C-2:/t/x"
	skiff cp "$C-2:/t/x" back
	cmp f back
	refused 'Read-only file system' f "$C-2:/x"
	skiff stop -t 0 "$C-2" >/dev/null
	refused 'Read-only file system' f "$C-2:/x"
}

@test "wrong operands" {
	skiff create --name "$C" files >/dev/null
	refused 'must specify at least one container source' f g
	refused 'must specify at least one container source' - -
	refused 'must specify at least one container source' f :x
	refused 'must specify at least one container source' "./$C:x" /tmp
	refused 'copying between containers is not supported' "$C:/a" "$C:/b"
	refused 'No such container: nothing' nothing:/x .
	refused 'No such container: nothing' f nothing:/x
	refused 'can not be empty' '' "$C:/x"
	refused 'can not be empty' "$C:/x" ''
	# who reads is not heard, but who refuses to write is
	mkdir many
	head -c 1000000 /dev/zero >many/a
	echo >one
	skiff cp one "$C:/one"
	refused '/one: cannot copy a directory to a file' many "$C:/one"
	expect 1 skiff cp f
	expect 1 skiff cp a b c
	expect 125 skiff cp -x f "$C:/x"
	expect 0 skiff cp -h
}

@test "what is said: nothing, or on a terminal how much" {
	skiff create --name "$C" files >/dev/null
	expect 0 skiff cp f "$C:/x"
	[ -z "$output" ]
	expect 0 script -qec "skiff cp f $C:/x" /dev/null
	[[ $output = "Successfully copied 3."*"kB to $C:/x"* ]] || fail "$output"
	expect 0 script -qec "skiff cp -q f $C:/x" /dev/null
	[ -z "$output" ]
	expect 0 skiff cp --quiet=false "$C:/data/file" out
	[[ $output = "Successfully copied "*"B to out" ]]
	expect 0 skiff -x cp f "$C:/x"
	[[ $output = *'+ layerfs stack'*'root-tar put --copy'* ]] || fail "$output"
}

@test "a start waits for a copy, and copies for each other" {
	skiff create --name "$C" files >/dev/null
	(
		tar -c f
		while [ ! -e go ]; do sleep 0.05; done
	) | skiff cp - "$C:/real" 3>&- 4>&- &
	local copying
	copying=$SKIFF_RUN/$(skiff inspect "$C" | jq -r '.[0].Id')/copying
	wait_until test -e "$copying"
	skiff start "$C" >started 2>&1 3>&- 4>&- &
	skiff cp "$C:/real/f" second 3>&- 4>&- &
	sleep 0.3
	[ ! -s started ] && [ ! -e second ]
	expect 0 skiff check
	[ -z "$output" ]
	touch go
	wait
	[ "$(cat started)" = "$C" ]
	[ "$(skiff exec "$C" cat /real/f)" = one ]
	cmp f second
	# killed: nothing is in the way of anybody
	skiff stop -t 0 "$C" >/dev/null
	mkfifo never
	exec 5<>never
	setsid skiff cp - "$C:/real" <never 3>&- 4>&- 5>&- &
	wait_until test -e "$copying"
	kill -KILL -- -$!
	wait $! || true
	expect 0 skiff start "$C"
	! grep "$SKIFF_ROOT" /proc/self/mountinfo
}

# ---- containers that mean harm -----------------------------------------------

@test "CVE-2018-15664: directories swapped for links to / while files are copied" {
	local n loop
	loop='mkdir -p /d /e; while :; do mv /d /x; ln -s / /d; rm /d; ln -s '"$OUTSIDE"' /d; rm /d; mv /x /d; done'
	skiff run -d --name "$C" --userns host files sh -c "$loop" >/dev/null
	mkdir got
	for n in $(seq 8); do
		skiff cp f "$C:/d/canary" >/dev/null 2>&1 || true
		skiff cp d "$C:/d/" >/dev/null 2>&1 || true
		tar -c f | skiff cp - "$C:/d" >/dev/null 2>&1 || true
		skiff cp "$C:/d/canary" "got/$n" >/dev/null 2>&1 || true
		skiff cp "$C:/d/." "got/d$n" >/dev/null 2>&1 || true
	done
	[ "$(ls "$OUTSIDE")" = canary ] && [ "$(cat "$OUTSIDE/canary")" = secret ]
	[ ! -e /canary ] && [ ! -e /f ]
	! grep -rl secret got
	! compgen -G 'got/*/work'
	# (the attack works on who resolves a name and uses it later)
	local root
	root=/proc/$(skiff inspect "$C" | jq -r '.[0].State.Pid')/root
	leads() { [ "$(readlink "$root/d")" = / ]; }
	n=0
	until leads; do n=$((n + 1)); [ $n -lt 3000 ] || fail 'never a link'; done
}

@test "CVE-2018-15664: a container that does not run, whose volume another one swaps" {
	local n
	skiff create --name "$C" -v "$V:/v" files >/dev/null
	skiff run -d --name "$C-2" -v "$V:/v" files sh -c \
		"cd /v; mkdir d; while :; do mv d x; ln -s / d; rm d; ln -s ../../../../../../..$OUTSIDE d; rm d; mv x d; done" >/dev/null
	mkdir got
	for n in $(seq 8); do
		skiff cp f "$C:/v/d/canary" >/dev/null 2>&1 || true
		skiff cp "$C:/v/d/canary" "got/$n" >/dev/null 2>&1 || true
		skiff cp "$C:/v/." "got/d$n" >/dev/null 2>&1 || true
	done
	[ "$(cat "$OUTSIDE/canary")" = secret ]
	! grep -rl secret got
	! grep "$SKIFF_ROOT" /proc/self/mountinfo
}

@test "links in a container lead nowhere else, in or out" {
	skiff run -d --name "$C" files sh -c "ln -s $OUTSIDE /out; ln -s $OUTSIDE/canary /file; ln -s ../../../../../..$OUTSIDE /up; mkdir -p /tree; ln -s $OUTSIDE /tree/d; ln -s $OUTSIDE/new /tree/f; touch /ready; sleep 600" >/dev/null
	ready() { skiff exec "$C" test -e /ready; }
	wait_until ready
	for to in /out/x /file/x /up/x; do
		run skiff cp f "$C:$to"
		[ "$status" -eq 1 ]
	done
	skiff cp f "$C:/file" 2>/dev/null || true
	run skiff cp -L "$C:/file" got
	[ ! -s got ]
	skiff cp "$C:/tree" .
	[ "$(readlink tree/d)" = "$OUTSIDE" ]
	# Once they are here, a second copy does not go through them.
	skiff exec "$C" sh -c 'rm /tree/d /tree/f; mkdir /tree/d; echo evil >/tree/d/canary; echo evil >/tree/f'
	expect 1 skiff cp "$C:/tree/." tree
	[ "$(cat "$OUTSIDE/canary")" = secret ] && [ ! -e "$OUTSIDE/new" ]
}

@test "CVE-2019-14271, CVE-2026-41567: libraries, locales and programs of the container are not used" {
	mkdir evil
	cp -a "$BATS_FILE_TMPDIR/tree/." evil
	mkdir -p evil/{lib,lib64,usr/lib/locale/C.utf8,usr/lib/x86_64-linux-gnu/gconv,usr/local/bin,vol}
	local file
	for file in lib/libnss_files.so.2 lib/libc.so.6 lib64/ld-linux-x86-64.so.2 etc/ld.so.preload etc/nsswitch.conf \
		usr/lib/x86_64-linux-gnu/gconv/gconv-modules usr/lib/locale/C.utf8/LC_CTYPE usr/lib/locale/locale-archive; do
		mkfifo "evil/$file" # who opens it hangs
	done
	for file in xz gzip unpigz zstd bzip2 tar; do
		rm -f "evil/bin/$file"
		printf '#!/bin/sh\ntouch /vol/ran\n' >"evil/bin/$file"
		chmod 755 "evil/bin/$file"
	done
	tar -C evil -c . | skiff import -c 'CMD ["sleep", "600"]' - evil >/dev/null
	skiff run -d --name "$C" -v "$PWD/outside:/vol" evil >/dev/null
	local filter
	touch "$(printf '\303\251\344\270\255')"
	for filter in gzip xz zstd bzip2; do
		tar -c ./*é* f | $filter | LIMIT=20 skiff cp - "$C:/data"
	done
	LIMIT=20 skiff cp f "$C:/data/x"
	LIMIT=20 skiff cp "$C:/data" out
	cmp f out/x
	[ ! -e "$OUTSIDE/ran" ]
	skiff exec "$C" xz # that is what it would have done
	[ -e "$OUTSIDE/ran" ]
}

@test "CVE-2026-41568, CVE-2026-42306: no mount points or files of the host are made" {
	mkdir -p tree
	cp -a "$BATS_FILE_TMPDIR/tree/." tree
	ln -s "$OUTSIDE" tree/out
	tar -C tree -c . | skiff import -c 'CMD ["sleep", "600"]' - linked >/dev/null
	skiff create --name "$C" -v "$V:/out/made/deep" linked >/dev/null
	skiff cp f "$C:/out/made/deep/x"
	skiff cp "$C:/out/made" got
	[ -f "$SKIFF_ROOT/volumes/$V/_data/x" ] && [ -f got/deep/x ]
	[ "$(ls "$OUTSIDE")" = canary ]
}

@test "what comes out gives nobody rights: set-user-ID bits, devices, capabilities, and hostile names" {
	skiff run -d --name "$C" --userns host files sh -c 'mkdir /x; cp /bin/busybox /x/su; chmod 6755 /x/su; mknod /x/kmem c 1 2; mkfifo /x/p
		touch "/x/$(printf "\033[31m")" "/x/-rf"; touch /ready; sleep 600' >/dev/null
	ready() { skiff exec "$C" test -e /ready; }
	wait_until ready
	expect 0 skiff cp -a "$C:/x" .
	[ "$(stat -c %a x/su)" = 755 ]
	[ ! -e x/kmem ] && [ -p x/p ] && [ -e x/-rf ]
	[[ $output = *'kmem: a device, left out'* && $output != *$'\033'* ]]
	[[ $(skiff cp "$C:/x" - | tar -tv) = *-rwsr-sr-x* ]] # the archive is as it is
	expect 1 skiff cp "$C:/proc/version" .
	[[ $output = *'shows the kernel'* ]]
	skiff cp "$C:/" all
	[ -z "$(ls -A all/proc)$(ls -A all/sys)" ]
	[ -f all/data/file ]
	# nobody in the container sees who copies
	(while [ ! -e stop ]; do skiff cp d "$C:/"; done) 3>&- 4>&- &
	for _ in $(seq 20); do
		skiff exec "$C" sh -c 'ps' >>seen
	done
	touch stop
	wait
	! grep root-tar seen
}
