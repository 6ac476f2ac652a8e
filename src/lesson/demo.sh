# To show a lesson to others: commands type themselves; and what the host sees of them, for a second terminal.
# shellcheck shell=dash
# shellcheck disable=SC2154 # variables of lesson.sh

demo() {
	[ $# -eq 1 ] || [ $# -eq 2 ] || usage_error 'demo: which lesson?'
	find_lesson "$1"
	case ${2:-1} in 0?* | *[!0-9]* | ????*) usage_error "not the number of a step: '$2'" ;; esac
	take_apart
	[ "${2:-1}" -ge 1 ] && [ "${2:-1}" -le "$count" ] || die "lesson $number has the steps 1 to $count, not $2"
	open_state
	if [ -n "$(ls -A "$work")" ]; then
		ask "Lesson $number has been begun here. Enter: clean up; q: quit > " && [ -z "$answer" ] || return 0
	fi
	reset_work || exit 1
	step=1
	start_shell
	[ "${2:-1}" -eq 1 ] || replay $(($2 - 1))
	quiet_terminal
	while [ "$step" -le "$count" ]; do demo_step || break; done
	if [ "$step" -le "$count" ]; then
		say "Go on with: lesson demo $number $step"
	else
		say "That was lesson $number, $title."
	fi
}

# quiet_terminal: who presses Enter does not want to see it.
quiet_terminal() {
	[ "$terminal" = /dev/null ] || { modes=$(stty -g <"$terminal") && stty -echo <"$terminal"; }
}

loud_terminal() {
	[ -z "$modes" ] || stty "$modes" <"$terminal" || :
	modes=''
}

# split_commands FILE: its commands, as the files commands/1 and so on; sets $commands.
split_commands() {
	rm -rf "$parts/commands"
	mkdir "$parts/commands"
	commands=0 next=$parts/commands/1
	while IFS= read -r line; do
		[ -e "$next" ] || [ -n "$line" ] || continue
		printf '%s\n' "$line" >>"$next"
		whole "$next" || continue
		commands=$((commands + 1))
		next=$parts/commands/$((commands + 1))
	done <"$1"
}

# demo_step: its commands, one after the other; each is typed at once, and run when Enter is pressed.
demo_step() {
	measure
	get "$parts/$step.heading" || :
	printf '%s\n%s%s%s\n\n' "$clear" "$bold" "${value:-$title}" "$plain"
	split_commands "$parts/$step.code"
	rm -f "$parts/printed"
	: >"$parts/printed"
	at=1
	while [ "$at" -le "$commands" ]; do
		type_out "$parts/commands/$at"
		demo_ask '' || return
		if [ "$answer" = b ]; then step_back; return 0; fi
		run_file "$parts/commands/$at" "$parts/printed"
		case $result in
		gone) have_shell ;;
		interrupted) say "${warning}(interrupted)$plain" ;;
		esac
		at=$((at + 1))
	done
	as_expected || say "${warning}(This is not what the lesson has.)$plain"
	echo
	note_step told
	demo_ask "[$step/$count] Enter: next; b: back; t: type; q: quit " || return
	if [ "$answer" = b ]; then step_back; else done_with_step; fi
}

# demo_ask PROMPT: Enter or b in $answer; fails when it is time to go. In between one may type.
demo_ask() {
	while ask "$1"; do
		[ -z "$modes" ] || echo
		case $answer in
		'' | b) return 0 ;;
		q) return 1 ;;
		t)
			loud_terminal
			type_lines
			have_shell
			quiet_terminal
			;;
		esac
	done
	return 1
}

# type_out FILE: character by character, behind a prompt.
type_out() {
	printf '%s' "$bold"
	awk -v speed="$speed" '
		{
			printf "%s ", NR == 1 ? "#" : "\n>"
			if (speed == 0)
				printf "%s", $0
			else
				for (i = 1; i <= length($0); i++) {
					printf "%s", substr($0, i, 1)
					fflush()
					system("sleep " 1 / speed)
				}
		}' "$1" || :
	printf '%s' "$plain"
}

# ---- the second terminal -----------------------------------------------------------

# other NN: the step that the first terminal is at, and the processes that it makes.
other() {
	[ $# -eq 1 ] || usage_error 'other: which lesson?'
	find_lesson "$1"
	need_root
	take_apart
	shown=none known=' ' here_namespaces=$(namespaces self)
	while [ -z "$interrupted" ]; do
		get "$state/now" || :
		if [ "$value" != "$shown" ]; then
			# shellcheck disable=SC2086 # a word each
			other_step $value
			shown=$value
		fi
		if [ -n "$value" ]; then
			shell_there=${value#* } shell_there=${shell_there% *}
			follow "$shell_there"
			processes "$shell_there"
		fi
		sleep 0.3 || :
	done
}

# other_step [STEP SHELL [told]]: the text of the step; and the answer to its question when it was told in the first terminal, too.
other_step() {
	measure
	if [ $# -eq 0 ]; then
		say "${clear}Waiting for the first terminal: lesson $number, or lesson demo $number"
		return
	fi
	until_answer "$1"
	if [ "$shown" = "$1 $2" ] && [ $# -eq 3 ]; then
		show "$parts/rest"
		return
	fi
	if [ "$1" -gt "$count" ]; then
		printf '%s%sLesson %s, the end%s\n' "$clear" "$bold" "$number" "$plain"
	else
		printf '%s%sLesson %s, step %s of %s%s\n' "$clear" "$bold" "$number" "$1" "$count" "$plain"
	fi
	show "$parts/first"
	[ $# -lt 3 ] || show "$parts/rest"
	say
}

# follow SHELL: have the kernel note each program that it and its descendants begin, as what ends between two looks is in no list
# of processes. Where the kernel cannot (no tracefs), these are missed.
follow() {
	[ "$followed" != "$1" ] || return 0
	followed=$1
	if [ -z "$trace" ]; then
		end_following # by name, those that were killed
		trace=/sys/kernel/tracing/instances/lesson-$$
		mkdir "$trace" 2>/dev/null || { trace=none; return 0; }
	fi
	[ "$trace" != none ] || return 0
	echo "$1" >"$trace/set_event_pid"
	echo 1 >"$trace/options/event-fork"
	echo 1 >"$trace/events/sched/sched_process_exec/enable"
}

# end_following: remove what the kernel has for us, and for others of us that are gone.
end_following() {
	set +f
	for instance in /sys/kernel/tracing/instances/lesson-[0-9]*; do
		case $instance in
		*-$$) ;;
		*) ! kill -0 "${instance##*-}" 2>/dev/null || continue ;;
		esac
		rmdir "$instance" 2>/dev/null || :
	done
	set -f
}

# begun: PID and name of each program that has begun since the last time.
begun() {
	[ "$trace" != none ] || return 0
	dd if="$trace/trace_pipe" iflag=nonblock bs=64k 2>/dev/null |
		sed -n 's,.* sched_process_exec: filename=\(.*/\)*\(.*\) pid=\([0-9]*\) old_pid=.*,\3 \2,p' | tr -d '\000-\010\013-\037\177'
}

# short_lived: of $programs, which began before $now was seen, those of processes that nobody has seen: a line for each process.
short_lived() {
	printf '%s\n' "$programs" | awk -v seen="$known$now" '
		NF == 0 || index(seen, " " $1 " ") { next }
		!($1 in names) { order[++count] = $1 }
		{ names[$1] = names[$1] " " substr($0, length($1) + 2) }
		END { for (i = 1; i <= count; i++) printf "+ %s, ended already:%s\n", order[i], names[order[i]] }'
}

# processes SHELL: a line for each that has begun since the last time, and for each that has ended. Ours are those of the shell,
# those that are in the directory of the lesson, those that name it, and their children.
processes() {
	programs=$(begun)
	now=$({
		set +f
		find /proc/[0-9]*/cwd -maxdepth 0 -printf '%p %l\n' 2>/dev/null || :
		echo
		ps -e -o pid=,ppid=,args=
	} |
		awk -v shell="$1" -v work="$(cd "$work" 2>/dev/null && pwd -P)" '
			NF == 0 && !second { second = 1; next }
			!second {
				split($1, words, "/")
				if (index(substr($0, length($1) + 2) "/", work "/") == 1)
					ours[words[3]] = 1
				next
			}
			{
				parent[$1] = $2
				if (index($0, work "/"))
					ours[$1] = 1
			}
			END {
				ours[shell] = 1
				do {
					more = 0
					for (pid in parent)
						if (!(pid in ours) && parent[pid] in ours)
							more = ours[pid] = 1
				} while (more)
				for (pid in parent)
					if (pid in ours && pid != shell)
						print pid
			}' | sort -n | tr '\n' ' ') || :
	now=" $now"
	for pid in $known; do
		case $now in *" $pid "*) ;; *) say "- $pid has ended" ;; esac
	done
	for pid in $now; do
		case $known in *" $pid "*) ;; *) describe "$pid" || now="${now%%" $pid "*} ${now#*" $pid "}" ;; esac
	done
	short_lived
	known=$now
}

# namespaces PID: those of a process, as the kernel names them.
namespaces() {
	process=$1
	set --
	for kind in cgroup ipc mnt net pid time user uts; do set -- "$@" "/proc/$process/ns/$kind"; done
	readlink "$@"
}

# describe PID: a line: what it is here, what it is inside, and which namespaces are not ours. Fails if it has ended meanwhile.
describe() {
	line=$(awk '
		FILENAME ~ /status$/ && /^NSpid:/ { pid = $2; inside = $NF }
		FILENAME ~ /status$/ && /^Uid:/ { user = $2; there = "nobody" }
		FILENAME ~ /uid_map$/ && user >= $2 && user < $2 + $3 { there = user - $2 + $1 }
		END {
			printf "+ %s, user %s", pid, user
			if (inside != pid || there != user)
				printf "; inside %s, user %s", inside, there
			exit pid == ""
		}' "/proc/$1/status" "/proc/$1/uid_map" 2>/dev/null) || return
	own=''
	for space in $(namespaces "$1" 2>/dev/null); do
		case $here_namespaces in *"$space"*) ;; *) own="$own ${space%%:*}" ;; esac
	done
	[ -z "$own" ] || line="$line; its own:$own"
	printf '%s: %s\n' "$line" "$(tr '\0[:cntrl:]' '[ *]' <"/proc/$1/cmdline" 2>/dev/null)" | cut -c "1-$((width * 2))"
}
