#!/usr/bin/env bats
# lesson(1): with pipes, and with a terminal (expect).
# shellcheck shell=bash

load helper

setup() {
	in_time
	cd "$BATS_TEST_TMPDIR" || return
	unset SKIFF_ROOT SKIFF_RUN NO_COLOR COLUMNS
	export TERM=xterm
	mkdir -p lessons/05-five/check lessons/07-seven
	cat >lessons/05-five/README.md <<-'LESSON'
		# The **fifth**

		Words of the beginning, with a [link](../07-seven/README.md), enough of them that a narrow terminal has to break the line somewhere.

		## 1. One

		```sh
		name=skiff
		mkdir -p sub
		cd sub
		pwd | sed 's,.*/work/,,'
		```

		```text
		sub
		```

		**Predict:** what is left of it?

		```sh
		sleep 300 >/dev/null 2>&1 &
		job=$!
		cat <<MORE
		name $name
		MORE
		basename "$PWD"
		echo $job
		```

		```text
		name skiff
		sub
		...
		```

		## 2. Two

		```sh
		kill $job
		echo "$name" >../made
		false
		```

		The last words.

		## Exercises

		1. Make the file answer, with 42 in it.
		2. Another, which has a sentence that ends with the number of the other one, that is
		   42. Or not.
		3. The last.

		## Reset

		```sh
		rm -rf sub made answer
		```

		Further reading: none(1).
	LESSON
	cat >lessons/05-five/check/1 <<-'CHECK'
		#!/bin/sh
		[ "$(cat answer 2>&1)" = 42 ] || { echo 'there is no answer'; exit 1; }
		echo "yes: in ${SKIFF_ROOT##*/}"
	CHECK
	printf '#!/bin/sh\necho yes\n' >lessons/05-five/check/2
	chmod +x lessons/05-five/check/*
	printf '%s\n' '# The seventh' '```sh' 'true' '```' >lessons/07-seven/README.md
}

# What a test has started, and what the steps of its lessons have left running.
teardown() {
	[ ! -e ours ] || while read -r pid; do kill "$pid" 2>/dev/null || true; done <ours
	find /proc/[0-9]*/cwd -maxdepth 0 -lname "$BATS_TEST_TMPDIR/kept/*" 2>/dev/null | while IFS=/ read -r _ _ pid _; do
		kill "$pid" 2>/dev/null || true
	done
}

# lesson ARG...: those above, kept here.
lesson() {
	timeout -k 5 $((60 * ${SLOW:-1})) lesson -C "$PWD/kept" -l "$PWD/lessons" "$@" 3>&- 4>&-
}

# typed LINE... -- ARG...: lesson ARG... with those lines as input.
typed() {
	local lines=()
	while [ "$1" != -- ]; do
		lines+=("$1")
		shift
	done
	shift
	printf '%s\n' "${lines[@]}" >input
	lesson "$@" <input
}

# on_a_terminal SCRIPT: expect, with the program already started by "begin ARG...". "see TEXT" waits for it.
on_a_terminal() {
	{
		cat <<-END
			set timeout $((20 * ${SLOW:-1}))
			log_file -a -noappend screen
			proc begin args {
				global spawn_id tty
				eval spawn -noecho [list env --default-signal=INT "PATH=$PATH"] \$args
				set tty \$spawn_out(slave,name)
			}
			proc see text {
				expect {
					-ex \$text {}
					timeout { puts "\nnot seen: \$text"; exit 1 }
					eof { puts "\nended before: \$text"; exit 1 }
				}
			}
			proc ended {} {
				expect {
					eof {}
					timeout { puts "\ndid not end"; exit 1 }
				}
				exit [lindex [wait] 3]
			}
			set lesson [list lesson -C "$PWD/kept" -l "$PWD/lessons"]
		END
		cat
	} >script
	timeout -k 5 $((60 * ${SLOW:-1})) expect script 3>&- 4>&-
}

# ---- with pipes ------------------------------------------------------------------

@test "list: sorted, with what was done" {
	expect 0 lesson list
	[ "${lines[0]}" = '05  The **fifth**                        ' ]
	[[ ${lines[1]} = '07  The seventh'* ]]
	typed '' q -- 5 >/dev/null
	expect 0 lesson list
	[[ ${lines[0]} = *' 1 of 3 steps' ]]
	# A full disk or a crash can leave an empty one.
	find . -path '*/05/progress' -exec truncate -s 0 {} +
	expect 0 lesson list
	[ "${lines[0]}" = '05  The **fifth**                        ' ]
	[[ ${lines[1]} = '07  The seventh'* ]]
}

@test "step through: one shell keeps variables, the directory and jobs" {
	typed '' '' '' q -- 05 >out
	[ "$(grep -c '(as expected)' out)" = 2 ] || fail "$(cat out)"
	grep -qx 'Lesson 05: The fifth (3 steps, in .*/kept/05/work)' out
	grep -qx 'name skiff' out
	grep -qx 'The last command ended with status 1.' out
	grep -qx 'The last words.' out
	grep -qx '1. Make the file answer, with 42 in it.' out
	grep -q 'Further reading: none(1)' out
	! grep -q 'rm -rf sub' out || fail 'what must not be there is'
	[ "$(cat kept/05/work/made)" = skiff ]
	[ "$(cat kept/05/progress)" = 3 ]
	[ "$(ls kept/05)" = "$(printf '%s\n' lock progress work)" ] # nothing else, and nothing of it in work
	expect 0 ls kept/05/work
	[ "$output" = "$(printf '%s\n' made sub)" ]
}

@test "each program of a step sees what the lesson promises" {
	printf '%s\n' '# x' '```sh' 'echo "$SKIFF_ROOT $SKIFF_RUN $PWD"; readlink /proc/self/fd/0; command -v skiff' '```' >lessons/07-seven/README.md
	typed '' q -- 7 >out
	grep -qx "$PWD/kept/07/work/store $PWD/kept/07/work/run $PWD/kept/07/work" out
	grep -qx /dev/null out
	grep -qx "$REPO/bin/skiff" out
}

@test "what differs is said, and stays unless one goes on" {
	sed -i 's/^name skiff$/name boat/' lessons/05-five/README.md
	typed '' '' stay q -- 5 >out
	grep -qx 'This differs. The lesson has:' out
	grep -qx '    name boat' out
	[ "$(cat kept/05/progress)" = 1 ]
	typed s '' '' q -- 5 >out
	[ "$(cat kept/05/progress)" = 2 ]
}

@test "what is the same: dots for any lines, and the ends of lines that a terminal makes" {
	printf '%s\n' ... one ... two three ... >wanted
	# same STATUS LINE...
	same() {
		local want=$1
		shift
		printf '%s\n' "$@" >printed
		expect "$want" awk -f "$REPO/src/lesson/same.awk" wanted printed
	}
	same 0 one two three
	same 0 x one x y two two three z
	same 0 one one two three $'two\r' three
	same 1 one two
	same 1 one two x three
	same 1 two three one
	: >printed
	expect 1 awk -f "$REPO/src/lesson/same.awk" wanted printed
	printf '%s\n' ends >wanted
	same 0 $'ends\r'
	same 1 ends more
	same 1 end
}

@test "the answer to a question waits" {
	printf '%s\n' '# x' '' 'Before (this).' '' '**Predict:** one' 'or two (of them)?' '(Three,' 'or four.)' '' 'After.' '' '```sh' 'echo run' \
		'```' >lessons/07-seven/README.md
	lesson 7 </dev/null >out
	! grep -q -e Three -e After -e 'echo run' out || fail "$(cat out)"
	grep -q '^Predict: one or two (of them)?$' out
	typed yes q -- 7 >out
	grep -A 1 '^Say what you think' out | grep -qx '(Three, or four.)' || fail "$(cat out)"
	grep -qx 'After.' out
	grep -qx '    echo run' out
}

@test "the end: what comes next, and no number in a text is taken for one of a list" {
	typed n n n q -- 5 >out
	grep -q '^   .*is 42. Or not.$' out || fail "$(cat out)"
	grep -qx '3. The last.' out
	grep -qx 'When you are through: lesson reset 05; then lesson 07' out || fail "$(cat out)"
	! grep -q 'Go on with' out || fail "$(cat out)"
	typed n q -- 7 >out
	grep -qx 'When you are through: lesson reset 07' out
}

@test "a full disk: what was kept stays" {
	mkdir kept
	mount -t tmpfs -o size=64k none kept
	typed n q -- 5 >/dev/null
	head -c 100000 /dev/zero >kept/fill || :
	typed s n q -- 5 >out 2>&1 || :
	progress=$(cat kept/05/progress)
	umount kept
	[ "$progress" = 1 ]
	grep -q '^lesson: cannot keep how far you are: .*/progress$' out || fail "$(cat out)"
}

@test "called from within the directory of the lesson" {
	typed '' q -- 5 >/dev/null
	run -0 env -C kept/05/work timeout 60 lesson -C ../.. -l ../../../lessons reset 5 3>&- 4>&-
	[ "$output" = 'lesson 05: nothing is left' ] || fail "$output"
	# and with a shell around it that stays
	run -0 env -C kept/05/work sh -c 'timeout 60 lesson -C ../.. -l ../../../lessons reset 5; :' 3>&- 4>&-
	[ "$output" = 'lesson 05: nothing is left' ] || fail "$output"
}

@test "typing: in the same shell, over several lines, and mistakes are no end" {
	typed '' t 'echo "$name in" "${PWD##*/}"' 'for x in 1 2; do' 'echo "x$x"' 'done' 'cat <<END' 'here $x' '' END \
		"echo one \\" 'two' 'if fi' 'echo "${none?is not set}"' 'nonsense' 'f() { echo from f; }' f '' \
		t 'echo still $x' 'cd ..' '' '' q -- 5 >out 2>err || fail "$(cat out err)"
	grep -qx 'skiff in sub' out
	grep -qx 'x2' out
	grep -qx 'here 2' out
	grep -qx 'one two' out
	grep -q 'Syntax error' err
	grep -q 'none: is not set' err
	grep -q 'nonsense: not found' err
	grep -qx 'from f' out
	grep -qx 'still 2' out
	grep -q 'This differs' out # the directory is another now
}

@test "exit ends the shell, not the lesson" {
	typed '' t 'exit 3' t 'echo "<$name>"' '' q -- 5 >out
	grep -q 'The shell has ended' out
	grep -qx '<>' out
}

@test "n and b: forth and back without running" {
	typed n b n n n b b q -- 5 >out
	! grep -q '(as expected)' out || fail 'what must not be there is'
	[ "$(cat kept/05/progress)" = 3 ]
	[ "$(ls -A kept/05/work)" = '' ]
	[ "$(grep -c '^\[2/3\]' out)" = 3 ]
}

@test "resumed: the steps are run again, or skipped, or all begins again" {
	typed '' '' q -- 5 | grep -ax '[0-9][0-9]*' >ours
	echo mine >kept/05/work/answer
	run typed '' q -- 5
	[[ $output = *"left something behind:"*"process $(cat ours) sleep 300"* ]] || fail "$output"
	kill "$(cat ours)"
	typed s q -- 5 >/dev/null
	typed n n q -- 5 >/dev/null
	echo mine >kept/05/work/answer
	typed '' '' q -- 5 >out
	grep -q 'You have done 2 of 3 steps here. The shell that did them is gone' out
	grep -q 'step 1 of 3 ... as before' out
	grep -q 'step 2 of 3 ... as before' out
	[ ! -e kept/05/work/answer ]
	[ "$(cat kept/05/work/made)" = skiff ] # the third step had the variable of the first
	lesson -f reset 5
	typed '' q -- 5 >/dev/null
	echo mine >kept/05/work/answer
	typed s t 'echo "<$name>"' '' q -- 5 >out
	grep -qx '<>' out
	[ -e kept/05/work/answer ]
	[ "$(cat kept/05/progress)" = 1 ]
	typed b q -- 5 >out
	[ ! -e kept/05/work/answer ]
	grep -q '^\[1/3\]' out
}

@test "half a step, and nothing done: it is offered to clean up" {
	sed -i 's/^pwd .*/exit/' lessons/05-five/README.md
	typed '' q -- 5 >/dev/null
	[ ! -e kept/05/progress ]
	[ -d kept/05/work/sub ]
	typed '' q -- 5 >out
	grep -q 'You have done 0 of 3 steps here' out
	[ ! -e kept/05/work/sub ]
}

@test "nobody reads what it says: it ends, and leaves nothing of its own" {
	typed t 'seq 100000' '' q -- 5 2>/dev/null | grep -q 'The fifth'
	wait_until test ! -e kept/05/now
	run find /tmp -maxdepth 1 -name 'lesson.*' -newer input -exec grep -lx 'The fifth' {}/title \;
	[ -z "$output" ] || fail "still there: $output"
}

@test "ended from outside while a step runs" {
	sed -i 's/^pwd .*/echo here; exec 9<>fifo; read x <fifo/; s/^cd sub/cd sub; mkfifo fifo/' lessons/05-five/README.md
	mkfifo keys
	timeout -k 30 60 lesson -C "$PWD/kept" -l "$PWD/lessons" 5 <keys >out 3>&- 4>&- &
	local pid=$!
	exec 8>keys
	echo >&8
	wait_until grep -qx here out
	start=$SECONDS
	kill $pid
	wait $pid || status=$?
	[ "$status" -eq 143 ]
	[ $((SECONDS - start)) -lt 20 ]
	[ ! -e kept/05/now ]
	exec 8>&-
	typed b q -- 5 >out
	grep -q '^\[1/3\]' out
}

@test "check: yes and no, one or all" {
	expect 1 lesson check 5
	[[ $output = *'lesson 05 has not been begun'* ]]
	typed '' q -- 5 >/dev/null
	expect 1 lesson check 5
	[ "$output" = "exercise 1: there is no answer
exercise 2: yes" ]
	expect 0 lesson check 5 2
	echo 42 >kept/05/work/answer
	expect 0 lesson check 05 1
	[ "$output" = 'exercise 1: yes: in store' ]
	expect 0 lesson check 5
	expect 1 lesson check 5 3
	[[ $output = *'lesson 05 has no exercise 3 that can be checked' ]]
	expect 125 lesson check 5 x
	expect 1 lesson check 7
}

@test "reset: says what is left, a file, a process, a mount" {
	typed '' q -- 5 >/dev/null
	expect 0 lesson reset 5
	[ "$output" = 'lesson 05: nothing is left' ]
	[ ! -e kept/05/progress ]
	typed '' q -- 5 >/dev/null
	touch kept/05/work/mine
	expect 1 lesson reset 5
	[[ $output = *'lesson 05 has left something behind:'*'file '*'/work/mine' ]]
	(cd kept/05/work && exec sleep 300) 3>&- 4>&- &
	echo $! >ours
	mkdir kept/05/work/at
	mount -t tmpfs none kept/05/work/at
	touch kept/05/work/at/there
	run lesson -f reset 5
	umount kept/05/work/at
	[ "$status" -eq 1 ]
	[[ $output = *"mount $PWD/kept/05/work/at"* ]]
	[[ $output = *"process $(cat ours) sleep 300"* ]]
	kill "$(cat ours)"
	wait_until lesson -f reset 5
	[ "$(ls -A kept/05/work)" = '' ]
	mkdir kept/05/work/store
	echo "lesson-$$" >kept/05/work/store/cgroup
	cgset set --pids 5 "lesson-$$"
	run lesson -f reset 5
	cgset remove "lesson-$$"
	[ "$status" -eq 1 ]
	[[ $output = *"control group /sys/fs/cgroup/"*"/lesson-$$"* ]]
	expect 0 lesson reset 7
	[ "$output" = 'lesson 07: nothing to clean up' ]
}

@test "wrong command lines, lessons that are not there, not root" {
	expect 0 lesson -h
	[[ ${lines[0]} = 'usage: lesson '* ]]
	expect 125 lesson
	expect 125 lesson x
	expect 125 lesson 5x
	expect 125 lesson 99999
	expect 125 lesson 5 6
	expect 125 lesson --nonsense 5
	expect 125 lesson -s fast demo 5
	expect 125 lesson check
	expect 125 lesson list 5
	for number in 6 42 100 0; do
		expect 1 lesson "$number"
		[[ $output = "lesson: no such lesson: $number"* ]]
	done
	expect 1 lesson demo 5 4
	[ "$output" = 'lesson: lesson 05 has the steps 1 to 3, not 4' ]
	expect 1 lesson demo 5 0
	for step in x 08 1x; do expect 125 lesson demo 5 "$step"; done
	expect 1 lesson -l "$PWD/nowhere" list
	[[ $output = *'nowhere: no such directory' ]]
	mkdir empty
	expect 0 lesson -l empty list
	[ "$output" = '' ]
	chmod 755 "$BATS_TEST_TMPDIR" "$BATS_FILE_TMPDIR" "$BATS_RUN_TMPDIR"
	nobody() { setpriv --reuid 65534 --regid 65534 --clear-groups "$@"; }
	if nobody test -r "$REPO/bin/lesson"; then # else the tree is below a home directory that is closed
		expect 1 nobody "$REPO/bin/lesson" -l "$PWD/lessons" 5
		[[ $output = *'that takes root. Try sudo'* ]]
		nobody "$REPO/bin/lesson" -l "$PWD/lessons" list | grep -q seventh
	fi
	printf '%s\n' '# nothing' >lessons/07-seven/README.md
	expect 1 lesson 7
	[[ $output = *'has no steps'* ]]
}

@test "only one has a lesson open" {
	mkdir -p kept/05/work
	exec 8>kept/05/lock
	flock 8
	expect 1 lesson 5
	[ "$output" = 'lesson: lesson 05 is open in another terminal' ]
	expect 1 lesson reset 5
	expect 1 lesson demo 5
	exec 8>&-
	# what a step leaves running does not have it
	typed '' '' q -- 5 | grep -ax '[0-9][0-9]*' >ours
	[ -s ours ]
	kill -0 "$(cat ours)"
	typed s q -- 5 >out
}

@test "no colour, and lines no longer than the terminal, where there is none" {
	typed '' t 'printf "\033[1m"' '' q -- 5 >out
	[ "$(grep -c "$(printf '\033')" out)" = 1 ] # that of the student alone
	COLUMNS=30 typed b q -- 5 >out
	[ "$(grep -v -e '^    ' -e '^Lesson' -e '^\[' -e '^Go' out | awk '{ if (length > most) most = length } END { print most }')" -le 30 ]
	grep -qx 'Words of the beginning, with a' out || fail "$(cat out)"
	grep -qx 'link, enough of them that a' out
}

@test "a lesson cannot speak to the terminal" {
	printf '# x\n\nevil \033]0;title\007 text\n```sh\necho \033[31m\n```\n' >lessons/07-seven/README.md
	typed q -- 7 >out
	! grep -q "$(printf '\033')" out || fail 'what must not be there is'
}

@test "demo: types command by command, compares, goes on at any step" {
	typed '' '' '' '' '' q -- -s 0 demo 5 >out
	grep -qx '1. One' out
	grep -qx '# name=skiff' out
	grep -qx "# pwd | sed 's,.\*/work/,,'" out
	! grep -q 'not what the lesson has' out || fail "$(cat out)"
	grep -q '^\[1/3\] Enter: next' out
	grep -qx 'Go on with: lesson demo 05 2' out
	typed '' '' '' '' '' '' '' '' '' '' '' q -- -s 0 demo 5 2 >out
	grep -q 'step 1 of 3 ... as before' out
	grep -qx '# cat <<MORE' out
	grep -qx '> name \$name' out
	grep -qx 'name skiff' out
	grep -qx 'That was lesson 05, The fifth.' out || fail "$(cat out)"
	[ "$(cat kept/05/work/made)" = skiff ]
}

@test "demo: types slowly, if it is to" {
	start=$(date +%s%N)
	typed q -- -s 10 demo 5 >/dev/null
	[ $((($(date +%s%N) - start) / 1000000)) -ge 1000 ]
}

@test "the other side: the step, and processes as the host sees them" {
	sed -i 's/^\*\*Predict:.*/&\n(All of it.)/' lessons/05-five/README.md
	timeout -k 5 $((60 * ${SLOW:-1})) lesson -C "$PWD/kept" -l "$PWD/lessons" other 5 >side 2>&1 3>&- 4>&- &
	local other=$!
	echo $other >ours
	wait_until grep -qs 'Waiting for the first terminal' side
	mkfifo keys
	lesson 5 <keys >out 3>&- &
	echo $! >>ours
	exec 8>keys
	wait_until grep -q '^Lesson 05, step 1 of 3$' side
	grep -q '^Words of the beginning' side
	printf '\n' >&8
	wait_until grep -q '^Predict: what is left' side
	! grep -q 'All of it' side || fail 'the answer stands beside the question'
	printf 'I think\n' >&8
	wait_until grep -q '(All of it.)' side
	[ "$(grep -c '^Predict: what is left' side)" = 1 ]
	# In a PID namespace of our own the kernel is told other numbers.
	if [ -d /sys/kernel/tracing/instances ] && [ "$(readlink /proc/self/ns/pid)" = 'pid:[4026531836]' ]; then # what is over before anybody can look
		printf 't\nenv true\n\n' >&8
		wait_until grep -q '^+ [0-9]*, ended already: env true$' side
	fi
	printf 't\nunshare-run --all --map 0:1000000:65536 sleep 30157 &\n' >&8
	wait_until grep -q '^+ [0-9]*, user 1000000; inside 1, user 0; its own: .*mnt.*pid.* user uts: sleep 30157' side
	printf 'kill -KILL $(pgrep -f "sleep 3015[7]")\n' >&8
	wait_until grep -q '^- [0-9]* has ended' side
	printf '\nq\n' >&8
	wait_until sh -c 'tail -n 1 side | grep -q Waiting'
	exec 8>&-
	kill $other
	wait
	[ ! -e /sys/kernel/tracing/instances/lesson-$other ] || fail 'the kernel is still told to watch'
}

# ---- with a terminal ---------------------------------------------------------------

@test "terminal: Enter, colour, Ctrl-C ends a step and at the prompt nothing" {
	sed -i 's/^kill \$job$/kill $job; echo "go" "on"; sleep 20057; echo never/' lessons/05-five/README.md
	on_a_terminal <<-'END'
		begin {*}$lesson 5
		see "\033\[1m1. One"
		see {[1/3]}
		sleep 0.5
		send \003
		see {[1/3]}
		send \r
		see {(as expected)}
		see {[2/3]}
		send \r
		see {[3/3]}
		send \r
		see "go on"
		send \003
		see Interrupted.
		see {[3/3]}
		send t\r
		see {$ }
		send "echo \"<\$name>\"\r"
		see "<skiff>"
		send "tty; sleep 20058\r"
		see /dev/pts/
		sleep 0.5
		send \003
		see {$ }
		send "cat\r"
		send "to cat\r"
		see "to cat\r\nto cat"
		send \004
		see {$ }
		sleep 0.5
		send half\003
		see {$ }
		send \r
		see {[3/3]}
		send q\r
		see "Go on with: lesson 05"
		ended
	END
	[ "$(cat kept/05/progress)" = 2 ]
	! pgrep -f 'sleep 2005[78]$' || fail 'a command of the step still runs'
}

@test "terminal: no colour with NO_COLOR, or where it is dumb" {
	for setting in NO_COLOR=1 TERM=dumb; do
		rm -rf kept screen
		on_a_terminal >out <<-END || fail "$(cat out)"
			begin env $setting {*}\$lesson 5
			see {[1/3]}
			send \r
			see {[2/3]}
			send q\r
			ended
		END
		! grep -q "$(printf '\033\[')" screen || fail "$setting: $(cat -v screen)"
	done
}

@test "terminal: narrow, and as the window is now" {
	on_a_terminal <<-'END'
		set stty_init "columns 40 rows 10"
		begin {*}$lesson 5
		see "Words of the beginning, with a link,\r\nenough of them that a narrow terminal\r\nhas to break"
		see {[1/3]}
		exec stty columns 25 rows 10 <$tty
		send b\r
		see "Words of the beginning,\r\nwith a"
		send q\r
		ended
	END
}

@test "terminal: the line goes dead, what was done is kept, nothing of ours stays" {
	on_a_terminal <<-'END'
		begin {*}$lesson 5
		see {[1/3]}
		send \r
		see {[2/3]}
		close
		wait
	END
	wait_until test ! -e kept/05/now
	[ "$(cat kept/05/progress)" = 1 ]
	typed s q -- 5 >out
}

@test "terminal: demo does not show the keys, and puts the terminal back" {
	on_a_terminal <<-'END'
		begin sh -c {"$@"; stty -a | tr ' ' '\n' | grep -x -e '-*echo;*'; echo over} sh {*}$lesson -s 0 demo 5
		see "# name=skiff"
		send "\r"
		see "# mkdir -p sub"
		send "q\r"
		see "Go on with: lesson demo 05 1"
		see "\r\necho\r\nover"
		ended
	END
	! grep -q 'mkdir -p sub.*q' screen || fail 'what must not be there is'
}

# ---- the real ones ------------------------------------------------------------------

@test "every lesson is taken apart into the steps that tests run" {
	for file in "$REPO"/lessons/[0-9]*/README.md; do
		rm -rf parts
		mkdir parts
		awk -v out=parts -f "$REPO/src/lesson/steps.awk" "$file"
		python3 - "$file" <<-'PYTHON'
			import os, re, sys
			sys.path.insert(0, os.environ['REPO'] + '/tests')
			from lesson import BLOCK
			def part(name):
			    try:
			        return open(f'parts/{name}', encoding='utf-8').read()
			    except FileNotFoundError:
			        return ''
			text, _, reset = open(sys.argv[1], encoding='utf-8').read().partition('\n## Reset\n')
			blocks = BLOCK.findall(text)
			assert int(part('count')) == len(blocks), part('count')
			for number, (code, expected) in enumerate(blocks, 1):
			    assert part(f'{number}.code') == code, number
			    assert part(f'{number}.expected') == expected, number
			assert part('reset.code') == ''.join(code for code, _ in BLOCK.findall(reset))
		PYTHON
	done
}

@test "lesson 12, as a student does it" {
	count=$(grep -c '^```sh$' "$REPO"/lessons/12-*/README.md)
	yes '' | head -n $((count + 3)) >input
	timeout -k 5 $((60 * ${SLOW:-1})) lesson -C "$PWD/kept" 12 <input >out 2>&1 || fail "$(cat out)"
	! grep -q -e 'This differs' -e 'status' out || fail "$(cat out)"
	[ "$(cat kept/12/progress)" = $((count - 1)) ]
	"$REPO/bin/lesson" -C "$PWD/kept" reset 12
}

@test "installed: finds the lessons, without the answers" {
	make -s -C "$REPO" DESTDIR="$PWD/root" PREFIX=/opt/skiff install
	expect 0 env PATH="$PWD/root/opt/skiff/bin:/usr/bin:/bin" lesson list
	[ "$(printf '%s\n' "$output" | wc -l)" = "$(find "$REPO"/lessons/[0-9]* -maxdepth 0 | wc -l)" ]
	ln -s "$PWD/root/opt/skiff/bin/lesson" link
	printf 'q\n' | ./link -C "$PWD/kept" 11 | grep -q 'A container by hand'
	[ -x root/opt/skiff/share/skiff/lessons/11-a-container-by-hand/check/1 ]
	[ -z "$(find root -name '*.right' -o -name '*.wrong')" ]
	make -s -C "$REPO" DESTDIR="$PWD/root" PREFIX=/opt/skiff uninstall
	[ -z "$(find root -type f)" ] || fail "$(find root -type f)"
}

@test "the page has every option and verb of the help" {
	lesson -h | sed -nE 's/^  (-.), --([a-z]+) .*/\1 \2/p' | sort >options
	[ "$(wc -l <options)" -ge 4 ]
	while read -r short long; do
		grep -q "^\.It Fl ${short#-} , .-$long" "$REPO/src/lesson/lesson.1" || fail "$short $long"
	done <options
	[ -z "$(mandoc -T lint -W warning "$REPO/src/lesson/lesson.1")" ]
}
