# Every block of every lesson is run, in order, in one shell, and what it prints is compared
# with the block of text after it. A line "..." there stands for any lines.

load helper

# run_lesson FILE: its "sh" blocks, and the "text" block that follows each.
run_lesson() {
	python3 - "$1" "$BATS_TEST_TMPDIR" <<-'END'
		import re, subprocess, sys
		text = open(sys.argv[1]).read()
		blocks = re.findall(r'```sh\n(.*?)```(?:\s*```text\n(.*?)```)?', text, re.S)
		if not blocks:
		    sys.exit(f'{sys.argv[1]}: no blocks')
		script = ''.join(f'{code}\necho "=== end of a block"\n' for code, _ in blocks)
		done = subprocess.run(['sh', '-e', '-c', script], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
		                      cwd=sys.argv[2], timeout=120)
		printed = done.stdout.split('=== end of a block\n')
		for (code, expected), output in zip(blocks, printed):
		    pattern = '(.*\n)*'.join(map(re.escape, expected.split('...\n'))) or '(.*\n)*'
		    if not re.fullmatch(pattern, output):
		        sys.exit(f'status {done.returncode}\n--- block\n{code}--- printed\n{output}--- expected\n{expected}')
		if done.returncode or len(printed) != len(blocks) + 1:
		    sys.exit(f'status {done.returncode} in the block\n{blocks[len(printed) - 1][0]}')
	END
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
	for file in *.pid; do [ ! -e "$file" ] || kill "$(cat "$file")" 2>/dev/null || true; done
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

@test "lesson 11: a container by hand" {
	run_lesson "$REPO/lessons/11-a-container-by-hand/README.md"
}

@test "lesson 12: what an image is made of" {
	run_lesson "$REPO/lessons/12-what-an-image-is-made-of/README.md"
}

@test "lesson 15: a network by hand" {
	run_lesson "$REPO/lessons/15-a-network-by-hand/README.md"
	left_nothing
}

@test "lesson 16: a published port" {
	run_lesson "$REPO/lessons/16-a-published-port/README.md"
	left_nothing
}

@test "lesson 17: volumes and owners" {
	run_lesson "$REPO/lessons/17-volumes-and-owners/README.md"
	left_nothing
}

@test "lesson 22: an image, built" {
	run_lesson "$REPO/lessons/22-an-image-built/README.md"
	left_nothing
}
