# Every block of every lesson is run, and every checker on a right and a wrong answer; see lesson.py.

load helper

# lesson NAME: one of them, in an empty directory, which is empty again afterwards.
lesson() {
	[ -e "$REPO/lessons/$1" ] || skip 'not written yet'
	(cd "$BATS_TEST_TMPDIR" && python3 "$REPO/tests/lesson.py" "$REPO/lessons/$1")
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
		for file in /proc/[0-9]*/cwd; do readlink "$file"; done 2>/dev/null | grep -Fx "$BATS_TEST_TMPDIR"
		processes_of_store
	) || true
	[ -z "$left" ] || fail "left behind: $left"
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
