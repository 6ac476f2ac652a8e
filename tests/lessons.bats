# Every block of every lesson is run, and every checker on a right and a wrong answer; see lesson.py.

load helper

# lesson NAME: one of them, in an empty directory, which is empty again afterwards.
lesson() {
	[ -e "$REPO/lessons/$1" ] || skip 'not written yet'
	local before
	before=$(host_state)
	(cd "$BATS_TEST_TMPDIR" && python3 "$REPO/tests/lesson.py" "$REPO/lessons/$1")
	[ "$(host_state)" = "$before" ] || fail "was: $before; is: $(host_state)"
	! grep -qx '## Reset' "$REPO/lessons/$1/README.md" || left_nothing
}

# What a lesson that failed has left; the others remove it themselves.
teardown() {
	cd "$BATS_TEST_TMPDIR" || return
	export SKIFF_ROOT=$PWD/store SKIFF_RUN=$PWD/run
	local file
	if [ -e store/cgroup ]; then
		skiff ps -aq | while read -r id; do skiff rm -fv "$id"; done
		for file in store/networks/*/bridge; do
			[ ! -e "$file" ] || ./on host netup down "${file%/bridge}" || true
		done
		cgset remove "$(cat store/cgroup)" || true
	fi
	for file in *.pid; do [ ! -e "$file" ] || kill -KILL "$(cat "$file")" 2>/dev/null || true; done
	for file in root at; do ! mountpoint -q "$file" || umount "$file"; done
}

# left_nothing: no file, mount, process or control group of the lesson.
left_nothing() {
	local left
	export SKIFF_RUN=$BATS_TEST_TMPDIR/run
	left=$(
		ls -A "$BATS_TEST_TMPDIR"
		grep -F "$BATS_TEST_TMPDIR" /proc/self/mountinfo
		readlink /proc/[0-9]*/cwd 2>/dev/null | grep -Fx "$BATS_TEST_TMPDIR"
		processes_of_store
	) || true
	[ -z "$left" ] || fail "left behind: $left"
}

# each_lesson FUNCTION: FUNCTION DIRECTORY for each that is there; it prints what is wrong with it.
each_lesson() {
	local directory said
	said=$(for directory in "$REPO"/lessons/[0-9]*/; do "$1" "${directory%/}"; done)
	[ -z "$said" ] || fail "$said"
}

# form DIRECTORY: what every lesson has.
form() {
	local name=${1##*/} file=$1/README.md part checker count=0
	for part in '^\*\*Predict:\*\*\|[.?)] \*\*Predict:\*\*' '^\*\*Break it\|^## .*Break it' '^## Exercises$' '^1\. ' '^2\. ' '^## Reset$' '^Further reading: '; do
		grep -q "$part" "$file" || echo "$name: has no line $part"
	done
	[ "$(sed -n '/^## Reset$/,$p' "$file" | grep -c '^```sh$')" = 1 ] || echo "$name: its reset is not one block"
	for checker in "$1"/check/[0-9]; do
		[ -e "$checker" ] || continue
		count=$((count + 1))
		for part in "$checker" "$checker.right" "$checker.wrong"; do
			[ -x "$part" ] || echo "$name: ${part##*/} is no program"
		done
		sed -n '/^## Exercises$/,$p' "$file" | grep -q "^${checker##*/}\. " || echo "$name: no exercise ${checker##*/}"
	done
	[ "$count" -ge 2 ] || echo "$name: $count exercises can be checked"
	grep -qxF "@test \"lesson $name\" { lesson $name; }" "$BATS_TEST_FILENAME" || echo "$name: is not tested"
	grep -q "^- ${name%%-*} \[$(sed -n '1s/^# //p' "$file")\]($name/README.md): ." "$REPO/lessons/README.md" ||
		echo "$name: is not in the index by its title"
}

@test "every lesson has its parts, and a line in the index" {
	each_lesson form
	grep -o '^- [0-9][0-9] ' "$REPO/lessons/README.md" >"$BATS_TEST_TMPDIR/index"
	LC_ALL=C sort -cu "$BATS_TEST_TMPDIR/index"
}

@test "lesson 01-what-a-container-is-not" { lesson 01-what-a-container-is-not; }
@test "lesson 02-chroot" { lesson 02-chroot; }
@test "lesson 03-mounts-and-pivot-root" { lesson 03-mounts-and-pivot-root; }
@test "lesson 04-process-one" { lesson 04-process-one; }
@test "lesson 05-hostname-ipc-time" { lesson 05-hostname-ipc-time; }
@test "lesson 06-user-namespaces" { lesson 06-user-namespaces; }
@test "lesson 07-capabilities" { lesson 07-capabilities; }
@test "lesson 08-seccomp" { lesson 08-seccomp; }
@test "lesson 09-control-groups" { lesson 09-control-groups; }
@test "lesson 10-copy-on-write" { lesson 10-copy-on-write; }
@test "lesson 11-a-container-by-hand" { lesson 11-a-container-by-hand; }
@test "lesson 12-what-an-image-is-made-of" { lesson 12-what-an-image-is-made-of; }
@test "lesson 13-images-as-files" { lesson 13-images-as-files; }
@test "lesson 14-registries" { lesson 14-registries; }
@test "lesson 15-a-network-by-hand" { lesson 15-a-network-by-hand; }
@test "lesson 16-a-published-port" { lesson 16-a-published-port; }
@test "lesson 17-volumes-and-owners" { lesson 17-volumes-and-owners; }
@test "lesson 18-the-shim" { lesson 18-the-shim; }
@test "lesson 19-life-cycle" { lesson 19-life-cycle; }
@test "lesson 20-hostile-images" { lesson 20-hostile-images; }
@test "lesson 21-parts-to-swap" { lesson 21-parts-to-swap; }
@test "lesson 22-an-image-built" { lesson 22-an-image-built; }
@test "lesson 23-run-in-twenty-lines" { lesson 23-run-in-twenty-lines; }
