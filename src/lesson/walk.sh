# The student's way through a lesson: read, press Enter, compare; or type.
# shellcheck shell=dash
# shellcheck disable=SC2154 # variables of lesson.sh

keys='Enter runs it; t: type yourself; n: next, without running it; b: back; q: quit'

# note_step [told]: for the second terminal; told: the answer to the question of the step is known.
note_step() {
	showing=yes
	put "$state/now" "$step $shell${1:+ $1}"
}

# until_answer STEP: its text into the file first, the answer to its question and what follows into rest.
until_answer() {
	[ -e "$parts/$1.text" ] || : >"$parts/$1.text"
	awk -v rest="$parts/rest" -f "$here/predict.awk" "$parts/$1.text" >"$parts/first"
}

walk() {
	[ $# -eq 1 ] || usage_error "one lesson at a time: '$*'"
	find_lesson "$1"
	open_state
	take_apart
	ended=''
	get "$state/progress" || :
	is_number "$value" || value=0
	step=$((value + 1))
	say "${bold}Lesson $number: $title$plain ($count steps, in $work)"
	if [ "$step" -gt 1 ] || [ -n "$(ls -A "$work")" ]; then resume || return 0; else start_shell; fi
	while read_step; do :; done
	[ -n "$ended" ] || say "Go on with: lesson $number"
}

# resume: the files are there, the shell is not.
resume() {
	[ "$step" -le $((count + 1)) ] || step=$((count + 1))
	tell "You have done $((step - 1)) of $count steps here. The shell that did them is gone, with its variables, its directory and its" \
		'jobs; the files are still there.'
	tell 'Enter: clean up and run those steps again; s: go on with the files as they are; b: begin again; q: quit'
	while ask 'Enter, s, b or q > '; do
		case $answer in
		'' | b)
			reset_work || return
			last=$((step - 1)) step=1
			start_shell
			[ "$answer" = b ] || replay "$last"
			return
			;;
		s) start_shell; return ;;
		q) return 1 ;;
		esac
	done
	return 1
}

# replay LAST: run the steps up to that one, and say only what is not as it should be.
replay() {
	while [ "$step" -le "$1" ]; do
		printf 'step %s of %s ... ' "$step" "$count"
		run_step >/dev/null
		[ "$result" != interrupted ] || { say interrupted; return 0; }
		[ "$result" != gone ] || start_shell
		if as_expected; then say 'as before'; else say "${warning}differs$plain from what the lesson has"; fi
		done_with_step
	done
}

# done_with_step: keep that, and go on.
done_with_step() {
	put "$state/progress" "$step"
	step=$((step + 1))
	note_step
}

step_back() {
	[ "$step" -eq 1 ] || step=$((step - 1))
	note_step
}

# run_step: the block of this step.
run_step() {
	rm -f "$parts/printed"
	run_file "$parts/$step.code" "$parts/printed"
}

# as_expected: is what was printed what the lesson has? Where it has nothing, anything is.
as_expected() {
	[ ! -s "$parts/$step.expected" ] || awk -f "$here/same.awk" "$parts/$step.expected" "$parts/printed"
}

# read_step: show a step and do what the student says; fails when it is time to go.
read_step() {
	measure
	[ "$step" -le "$count" ] || { read_end; return; }
	say
	until_answer "$step"
	show "$parts/first"
	if [ -s "$parts/rest" ]; then
		ask 'Say what you think, then Enter > ' || return
		note_step told
		show "$parts/rest"
	fi
	show_code "$parts/$step.code"
	say
	while ask "[$step/$count] Enter, t, n, b, q or ? > "; do
		case $answer in
		'') run_and_compare && return ;;
		t) type_lines ;;
		n) done_with_step; return ;;
		b) step_back; return ;;
		q) return 1 ;;
		^C) ;;
		*) tell "$keys" ;;
		esac
		have_shell
	done
	return 1
}

# have_shell: whoever types "exit" gets a new one.
have_shell() {
	[ -z "$shell" ] || return 0
	tell 'The shell has ended, and its variables, directory and jobs with it. Here is a new one.'
	start_shell
}

run_and_compare() {
	run_step
	case $result in
	interrupted) say "${warning}Interrupted.$plain Enter runs it again from its beginning."; return 1 ;;
	gone) return 1 ;;
	0) ;;
	*) say "${warning}The last command ended with status $result.$plain" ;;
	esac
	if [ ! -s "$parts/$step.expected" ]; then
		say '(done)'
	elif as_expected; then
		say '(as expected)'
	else
		say "${warning}This differs. The lesson has:$plain"
		show_code "$parts/$step.expected"
		ask 'Enter: go on all the same; anything else: stay > ' && [ -z "$answer" ] || return 1
	fi
	done_with_step
}

# type_lines: commands of the student's own, in the same shell, until an empty line.
type_lines() {
	tell 'Your commands run in the shell of the lesson. An empty line goes back to it.'
	rm -f "$parts/typed"
	prompt='$ '
	while ask "$prompt"; do
		if [ "$answer" = ^C ]; then
			rm -f "$parts/typed"
			prompt='$ '
			continue
		fi
		[ -n "$answer" ] || [ -e "$parts/typed" ] || break
		printf '%s\n' "$answer" >>"$parts/typed"
		prompt='> '
		whole "$parts/typed" || continue
		run_file "$parts/typed"
		rm -f "$parts/typed"
		prompt='$ '
		[ "$result" != gone ] || break
	done
}

# read_end: all steps are done; there are the exercises, for which the shell may be wanted.
read_end() {
	say
	show "$parts/$step.text"
	show "$parts/end.text"
	while ask "[done] t: type; c: check the exercises; b: back; q: quit > "; do
		case $answer in
		t) type_lines ;;
		c) each_exercise check_one ;;
		b) step_back; return ;;
		q) break ;;
		esac
		have_shell
	done
	show "$parts/more.text"
	next='' ended=yes
	each_lesson is_next
	say "When you are through: lesson reset $number${next:+; then lesson $next}"
	return 1
}

# is_next DIRECTORY: is it the first one after this lesson?
is_next() {
	other=${1##*/} other=${other%%-*}
	[ -n "$next" ] || [ "${other#0}" -le "${number#0}" ] || next=$other
}
