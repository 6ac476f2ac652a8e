# One shell keeps what the student does: variables, the directory, functions, jobs. It reads its commands from a fifo, and
# each is: run that file, then write its status to that one. It is interactive, so that an error or Ctrl-C ends what it was
# doing and not itself, but it has no prompt and no job control: all that it starts gets the Ctrl-C of the terminal with us.
# shellcheck shell=dash
# shellcheck disable=SC2154 # variables of lesson.sh

# start_shell: a new one, in the directory of the lesson. It must not have the lock, nor ignore SIGINT as jobs do.
start_shell() {
	[ -z "$shell" ] || stop_shell
	rm -f "$parts/fifo"
	mkfifo "$parts/fifo"
	(
		cd "$work" || exit
		exec env --default-signal=INT -u ENV PS1= PS2= SKIFF_ROOT="$work/store" SKIFF_RUN="$work/run" LESSON="$number" \
			sh -i +m <"$parts/fifo" 3>&- 8>&- 9>&-
	) &
	shell=$!
	exec 9>"$parts/fifo"
	note_step
}

# stop_shell: what it runs in the background stays.
stop_shell() {
	exec 9>&-
	kill -HUP "$shell" 2>/dev/null || :
	wait "$shell" 2>/dev/null || :
	shell=''
}

# run_file FILE [OUTPUT]: have the shell run it; what it prints goes to the file OUTPUT and is shown, or else to the terminal, which
# it can then read from, too. The answer is in $result, or "gone" if the shell ended, or "interrupted".
run_file() {
	turn=$((turn + 1)) interrupted=''
	done=$parts/done.$turn
	if [ $# -gt 1 ]; then
		: >>"$2"
		exec 8<"$2"
		cat <&8 >/dev/null # what an earlier command of the block has printed
		echo "command . '$1' </dev/null >>'$2'; echo \$? >'$done'" >&9
	else
		exec 8</dev/null
		echo "command . '$1' <'$terminal'; echo \$? >'$done'" >&9
	fi
	while [ ! -s "$done" ]; do
		cat <&8 || :
		sleep 0.05 || :
		if [ -n "$interrupted" ]; then
			result=interrupted interrupted=''
			echo "echo interrupted >'$done'" >&9
		elif ! kill -0 "$shell" 2>/dev/null; then
			[ -s "$done" ] || echo gone >"$done"
		fi
	done
	cat <&8 || :
	read -r result <"$done"
	[ "$result" != gone ] || shell=''
}

# whole FILE: is that a command, or are there lines to come? What will never be one is whole, too: the shell says why.
whole() {
	! awk -f "$here/open.awk" "$1" || return 1
	sh -n "$1" 2>"$parts/syntax" && return 0
	! grep -q -e 'end of file' -e 'EOF' -e 'nterminated' -e 'Missing' "$parts/syntax"
}
