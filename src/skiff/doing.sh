# Doing things and showing them: what --explain and -x print is what runs. Sourced by bin/skiff.

# Whatever a verb changes, it changes through x (commands) or put, append, append0
# and gather (files). With $explain "trace" these print what they do, in a form that a
# shell takes back (explain.sh). With "only" they print it, x does nothing, and files are
# written below a scratch directory, so that they can be read back on the way; its
# name, $scratch, is taken off what is printed.
scratch=''

# x COMMAND...: run a command that changes something.
x() {
	[ -z "$explain" ] || say_command "$@"
	[ "$explain" = only ] || "$@"
}

# x_quietly COMMAND...: the same, without the command's own message when it fails.
x_quietly() {
	[ -z "$explain" ] || say_command "$@"
	[ "$explain" = only ] || "$@" 2>/dev/null
}

# put FILE VALUE: make FILE hold VALUE and a newline.
put() {
	try_put "$@" || cannot_write "$1"
}

# try_put FILE VALUE: the same; false if that fails.
try_put() {
	[ -z "$explain" ] || say_printf '%s\n' '>' "$@"
	{ printf '%s\n' "$2" >"$1"; } 2>/dev/null
}

# cannot_write FILE: the end of the verb. (The shell's own message of a full disk is "I/O error".)
cannot_write() {
	[ -d "${1%/*}" ] || die "cannot write $1: there is no such directory (any more)"
	die "cannot write $1: is the disk full?"
}

# flag FILE: make it hold "true". That it is there is enough, and a full disk has room for that.
flag() {
	[ -z "$explain" ] || say_printf '%s\n' '>' "$1" true
	{ printf '%s\n' true >"$1"; } 2>/dev/null || [ -e "$1" ] || cannot_write "$1"
}

# empty FILE: leave nothing in it, if it is there: with no process for rm.
empty() {
	[ -s "$1" ] || return 0
	[ -z "$explain" ] || say_printf '' '>' "$1"
	{ printf '' >"$1"; } 2>/dev/null || cannot_write "$1"
}

# replace FILE VALUE: the same in one step: a reader sees the old value or the new.
replace() {
	try_put "$1.new" "$2" || {
		rm -f "$1.new"
		cannot_write "$1.new"
	}
	x entry rename "$1.new" "$1" || die "cannot write $1"
}

# append FILE VALUE...: add a line each to FILE.
append() {
	file=$1
	shift
	for value in "$@"; do
		case $value in *"$nl"*) die "a newline is not allowed in '$value'" ;; esac
	done
	[ -z "$explain" ] || say_printf '%s\n' '>>' "$file" "$@"
	{ printf '%s\n' "$@" >>"$file"; } 2>/dev/null || cannot_write "$file"
}

# append0 FILE VALUE...: add VALUEs to FILE, each with a NUL after it.
append0() {
	file=$1
	shift
	[ -z "$explain" ] || say_printf '%s\0' '>>' "$file" "$@"
	{ printf '%s\0' "$@" >>"$file"; } 2>/dev/null || cannot_write "$file"
}

# gather FILE FROM: add what is in FROM to FILE.
gather() {
	[ -s "$2" ] || return 0
	if [ -n "$explain" ]; then
		command_line cat "$2"
		quoted "$1"
		say "$line >>$quoted"
	fi
	{ cat "$2" >>"$1"; } 2>/dev/null || cannot_write "$1"
}
