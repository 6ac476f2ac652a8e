#!/bin/sh
# lesson: go through a lesson step by step, in one shell that keeps what was done. What it keeps of lesson NN lies in
# the directory NN of the state directory:
#
#   work/         where the student is: nothing of ours
#   progress      value: how many steps are done
#   now           value: which step is shown, for the second terminal; the PID of the shell; "told" once the answer is
#   lock          held by the lesson that is open
set -euf

self=$0
[ ! -L "$self" ] || self=$(readlink -f "$self")
case $self in */*) ;; *) self=$(command -v lesson) ;; esac
case $self in /*) ;; *) self=$PWD/$self ;; esac
top=${self%/*}/..
here=$top/lib/skiff/lesson lessons=$top/share/skiff/lessons
[ -d "$here" ] || here=$top/src/lesson lessons=$top/lessons

usage='usage: lesson [options] NN            go through lesson NN, step by step
       lesson list                    the lessons, and how far you are
       lesson check NN [EXERCISE]     are the answers right?
       lesson reset NN                clean up, and begin again
       lesson demo NN [STEP]          show it to others: types by itself
       lesson other NN                in a second terminal: the step, and the processes that it makes

  -C, --directory DIR   keep everything below DIR (/var/lib/skiff-lessons)
  -f, --force           reset: remove files that the reset of the lesson leaves, too
  -l, --lessons DIR     the lessons are in DIR
  -s, --speed NUMBER    demo: characters a second (20); 0: all at once
  -h, --help'

warn() {
	printf 'lesson: %s\n' "$*" >&2
}

die() {
	warn "$@"
	exit 1
}

usage_error() {
	warn "$@"
	echo "See 'lesson --help'." >&2
	exit 125
}

# get FILE: its first line in $value.
get() {
	value=''
	[ ! -e "$1" ] || read -r value <"$1" || [ -n "$value" ]
}

# put FILE VALUE: written aside and renamed; on a full disk the old value stays.
put() {
	if printf '%s\n' "$2" >"$1.new" && mv "$1.new" "$1"; then return; fi
	warn "cannot keep how far you are: $1"
	rm -f "$1.new"
}

is_number() {
	case $1 in '' | *[!0-9]* | ?????*) return 1 ;; esac
}

# ---- what is where ---------------------------------------------------------------

# each_lesson FUNCTION: FUNCTION DIRECTORY for each.
each_lesson() {
	[ -d "$lessons" ] || die "no lessons: $lessons: no such directory"
	set +f
	for directory in "$lessons"/[0-9][0-9]-*/README.md; do
		[ ! -e "$directory" ] || "$1" "${directory%/README.md}"
	done
	set -f
}

# find_lesson NN: sets number, source and what depends on them.
find_lesson() {
	is_number "$1" || usage_error "not the number of a lesson: '$1'"
	number=${1#"${1%??}"}
	case $1 in ?) number=0$1 ;; 0[0-9] | [1-9][0-9]) ;; *) die "no such lesson: $1" ;; esac
	source=''
	each_lesson is_wanted
	[ -n "$source" ] || die "no such lesson: $1: see 'lesson list'"
	state=$base/$number work=$base/$number/work
}

is_wanted() {
	case ${1##*/} in "$number"-*) source=$1 ;; esac
}

need_root() {
	[ "$(id -u)" -eq 0 ] || die 'the lessons make namespaces and mounts: that takes root. Try sudo lesson ...'
}

# open_state: make the directory of the lesson, and keep others out of it.
open_state() {
	need_root
	mkdir -p "$work" || die "cannot keep the lesson in $state: see -C"
	work=$(cd "$work" && pwd -P)
	exec 3>"$state/lock"
	flock -n 3 || die "lesson $number is open in another terminal"
}

# take_apart: the steps of the lesson, as files.
take_apart() {
	parts=$(mktemp -d /tmp/lesson.XXXXXX)
	awk -v out="$parts" -f "$here/steps.awk" "$source/README.md"
	get "$parts/count" && count=$value
	get "$parts/title" && title=$value
	[ "$count" -gt 0 ] || die "lesson $number has no steps: $source/README.md"
}

# clean_up: what is ours; the lesson stays as it is.
clean_up() {
	loud_terminal
	[ -z "$shell" ] || stop_shell
	[ -z "$parts" ] || rm -rf "$parts"
	[ -z "$showing" ] || rm -f "$state/now"
	[ -z "$trace" ] || end_following
}

# ---- the terminal ----------------------------------------------------------------

# look_at_terminal: colour, width, and where the student's typing comes from.
look_at_terminal() {
	bold='' bright='' warning='' plain='' terminal=/dev/null clear=''
	if [ -t 1 ] && [ "${TERM:-dumb}" != dumb ]; then
		clear=$(printf '\033[H\033[2J')
		if [ -z "${NO_COLOR:-}" ]; then
			bold=$(printf '\033[1m') bright=$(printf '\033[36m') warning=$(printf '\033[33m') plain=$(printf '\033[0m')
		fi
	fi
	[ ! -t 0 ] || terminal=$(tty)
	measure
}

# measure: the width may change at any time.
measure() {
	width=$(stty size 2>/dev/null <"$terminal" || :)
	width=${width#* }
	is_number "$width" && [ "$width" -gt 0 ] || width=${COLUMNS:-80}
	is_number "$width" && [ "$width" -ge 20 ] || width=20
	[ "$width" -le 100 ] || width=100
}

say() {
	printf '%s\n' "$*"
}

# show FILE: prose.
show() {
	[ ! -e "$1" ] || awk -v width="$width" -v bold="$bold" -v plain="$plain" -f "$here/show.awk" "$1"
}

# tell WORD...: a sentence, filled like prose.
tell() {
	printf '%s\n' "$*" | awk -v width="$width" -f "$here/show.awk"
}

# show_code FILE: what is typed, as it is, but that it cannot speak to the terminal itself.
show_code() {
	printf '%s' "$bright"
	sed 's/^/    /' "$1" | tr -d '\000-\010\013-\037\177'
	printf '%s' "$plain"
}

# ask PROMPT: a line in $answer; fails at the end of the input. Ctrl-C is a line of nothing but "^C".
ask() {
	interrupted=''
	printf '%s' "$bold$1$plain"
	if IFS= read -r answer; then
		[ "$terminal" != /dev/null ] || echo # nobody has seen the Enter
		return 0
	fi
	echo
	[ -n "$interrupted" ] || return 1
	answer=^C
}

# ---- verbs -----------------------------------------------------------------------

list() {
	[ $# -eq 0 ] || usage_error "list takes no argument: '$1'"
	trap - PIPE # with a trap printf would complain
	each_lesson list_one
}

list_one() {
	number=${1##*/} number=${number%%-*}
	IFS= read -r title <"$1/README.md"
	steps=$(grep -c '^```sh$' "$1/README.md") resets=$(sed -n '/^## Reset$/,$p' "$1/README.md" | grep -c '^```sh$' || :)
	get "$base/$number/progress" || :
	note=''
	[ -z "$value" ] || note="$value of $((steps - resets)) steps"
	printf '%s  %-36s %s\n' "$number" "${title#\# }" "$note"
}

# each_exercise FUNCTION: FUNCTION NUMBER for each that has a checker.
each_exercise() {
	exercise=1
	while [ -x "$source/check/$exercise" ]; do
		"$1" "$exercise"
		exercise=$((exercise + 1))
	done
}

# check NN [EXERCISE]: status 1 if an answer is wrong.
check() {
	[ $# -eq 1 ] || [ $# -eq 2 ] || usage_error 'check: which lesson?'
	find_lesson "$1"
	need_root
	[ -d "$work" ] || die "lesson $number has not been begun: lesson $number"
	wrong=''
	if [ $# -eq 2 ]; then
		is_number "$2" || usage_error "not the number of an exercise: '$2'"
		[ -x "$source/check/$2" ] || die "lesson $number has no exercise $2 that can be checked"
		check_one "$2"
	else
		each_exercise check_one
		[ "$exercise" -gt 1 ] || die "lesson $number has no exercise that can be checked"
	fi
	[ -z "$wrong" ]
}

check_one() {
	printf 'exercise %s: ' "$1"
	(
		cd "$work"
		SKIFF_ROOT=$PWD/store SKIFF_RUN=$PWD/run exec "$source/check/$1" </dev/null
	) || wrong=yes
}

# reset NN: run the block of the lesson, and look what it has left.
reset() {
	[ $# -eq 1 ] || usage_error 'reset: which lesson?'
	find_lesson "$1"
	[ -d "$state" ] || { say "lesson $number: nothing to clean up"; return; }
	open_state
	take_apart
	reset_work || exit 1
	say "lesson $number: nothing is left"
}

# reset_work: run the reset; fails, and says why, if the directory is not empty then, or not alone.
reset_work() {
	get "$work/store/cgroup" || :
	group=$value
	[ ! -e "$parts/reset.code" ] || (
		cd "$work"
		exec env SKIFF_ROOT="$work/store" SKIFF_RUN="$work/run" sh "$parts/reset.code" </dev/null >/dev/null 3>&-
	) || warn "the reset of lesson $number failed"
	put "$state/progress" 0
	left=$(left_behind)
	if [ -z "$left" ] && [ -n "$force" ]; then
		find "$work" -xdev -mindepth 1 -delete
	fi
	left=$left$(find "$work" -mindepth 1 -maxdepth 1 -exec printf 'file %s\n' {} +)
	[ -n "$left" ] || { rm -f "$state/progress"; return 0; }
	warn "lesson $number has left something behind:"
	printf '%s\n' "$left" >&2
	return 1
}

# left_behind: mounts in the directory of the lesson, processes that are there, and the control group of its store. The shell from
# which we were called may be there: it is nothing that the lesson has made.
left_behind() {
	callers=' ' process=$$
	while [ "$process" -gt 0 ]; do
		callers="$callers$process "
		process=$(sed -n 's/^PPid:[^0-9]*//p' "/proc/$process/status" 2>/dev/null) && [ -n "$process" ] || break
	done
	case $group in '' | */* | .*) ;; *) find /sys/fs/cgroup -type d -name "$group" -printf 'control group %p\n' 2>/dev/null || : ;; esac
	while read -r _ _ _ _ place _; do
		case $place in "$work" | "$work"/*) say "mount $place" ;; esac
	done </proc/self/mountinfo
	set +f
	for process in /proc/[0-9]*; do
		place=$(readlink "$process/cwd" 2>/dev/null) || continue
		case $place in "$work" | "$work"/*) ;; *) continue ;; esac
		case $callers in *" ${process#/proc/} "*) continue ;; esac
		say "process ${process#/proc/} $(tr '\0' ' ' <"$process/cmdline" 2>/dev/null | cut -c 1-60)"
	done
}

. "$here/session.sh"
. "$here/walk.sh"
. "$here/demo.sh"

set_option() {
	case $1 in
	-C | --directory) base=$2 ;;
	-l | --lessons) lessons=${2%/} ;;
	-s | --speed)
		is_number "$2" || usage_error "not a number of characters: '$2'"
		speed=$2
		;;
	*) usage_error "unknown option: $1" ;;
	esac
}

base=/var/lib/skiff-lessons speed=20 force=''
parts='' shell='' showing='' followed='' trace='' turn=0 interrupted='' modes=''
while [ $# -gt 0 ]; do
	case $1 in
	-h | --help) say "$usage"; exit 0 ;;
	-f | --force) force=yes ;;
	--) shift; break ;;
	--*=*) set_option "${1%%=*}" "${1#*=}" ;;
	-?*)
		[ $# -gt 1 ] || usage_error "unknown option, or one that needs an argument: $1"
		set_option "$1" "$2"
		shift
		;;
	*) break ;;
	esac
	shift
done
[ $# -gt 0 ] || usage_error "which lesson? 'lesson list' has them"
case $base in /*) ;; *) base=$PWD/$base ;; esac
case $lessons in /*) ;; *) lessons=$PWD/$lessons ;; esac
PATH=${self%/*}:$PATH
export PATH
cd / # where we were called from may be the directory of the lesson, in which nobody is to be left
look_at_terminal
trap clean_up EXIT
trap 'exit 129' HUP
trap 'exit 141' PIPE
trap 'exit 143' TERM
trap 'interrupted=yes' INT
case $1 in
list | check | reset | demo | other) verb=$1; shift; "$verb" "$@" ;;
*) walk "$@" ;;
esac
