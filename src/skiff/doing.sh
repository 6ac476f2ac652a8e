# Doing things and showing them: what --explain and -x print is what runs. Sourced by bin/skiff.

# Whatever a verb changes, it changes through x (commands) or put, append, append0
# and gather (files). With $explain "trace" these print what they do, in a form that a
# shell takes back. With "only" they print it, x does nothing, and files are
# written below a scratch directory, so that they can be read back on the way; its
# name, $scratch, is taken off what is printed.
scratch=''

# quoted WORD: WORD as the shell would take it back, into $quoted.
quoted() {
	case $1 in
	'' | *[!A-Za-z0-9_./:=,@%+-]*) ;;
	*) shorter "${1#"$scratch"}"; return ;;
	esac
	rest=${1#"$scratch"} quoted=\'
	while :; do
		case $rest in
		*\'*) quoted=$quoted${rest%%\'*}"'\\''" rest=${rest#*\'} ;;
		*) break ;;
		esac
	done
	quoted=$quoted$rest\'
}

# shorter WORD: WORD, with the container's directories as explain_begin named them.
shorter() {
	quoted=$1
	[ "$explain" = only ] || return 0
	case $1 in
	"$SKIFF_ROOT"/layers/stage[0-9]*) # of skiff build: words in a variable
		quoted=${1#"$SKIFF_ROOT/layers/"}
		quoted=\$${quoted%%/*}
		;;
	"$explained_work"/*) quoted=\$W${1#"$explained_work"} ;;
	"$explained_dir"*) quoted=\$C${1#"$explained_dir"} ;;
	"$explained_run"*) quoted=\$R${1#"$explained_run"} ;;
	"$SKIFF_ROOT"/layers/*) quoted=\$L${1#"$SKIFF_ROOT/layers"} ;;
	esac
}

# explain_begin DIR RUN: print what the commands expect of the shell, and short names for directories.
explained_dir=none explained_run=none explained_work=none
explain_begin() {
	explain_environment
	explain_names "$1" "$2"
}

# explain_environment: where the tools and the store are.
explain_environment() {
	say 'umask 022'
	quoted "$bin"
	say "PATH=$quoted:\$PATH"
	explain_words "SKIFF_ROOT=$SKIFF_ROOT" "SKIFF_RUN=$SKIFF_RUN" "L=$SKIFF_ROOT/layers"
	say 'export PATH SKIFF_ROOT SKIFF_RUN'
}

explain_names() {
	explained_dir=none explained_run=none
	explain_words "C=$1" "R=$2"
	explained_dir=${1#"$scratch"} explained_run=$2
}

explain_words() {
	for word in "$@"; do
		quoted "${word#*=}"
		say "${word%%=*}=$quoted"
	done
}

# command_line WORD...: the words as one command into $line, each link of a chain on
# a line of its own.
command_line() {
	line=''
	for word in "$@"; do
		quoted "$word"
		case $word in
		cgset | layerfs | unshare-run | lockdown) [ -z "$line" ] || line="$line\\$nl  " ;;
		esac
		line="$line$quoted "
	done
	line=${line% }
}

say() {
	if [ "$explain" = only ]; then
		{ printf '%s\n' "$1" 2>/dev/null; } || die "cannot write to standard output"
	else
		printf '+ %s\n' "$1" >&2
	fi
}

# x COMMAND...: run a command that changes something.
x() {
	if [ -n "$explain" ]; then
		command_line "$@"
		say "$line"
	fi
	[ "$explain" = only ] || "$@"
}

# x_quietly COMMAND...: the same, without the command's own message when it fails.
x_quietly() {
	if [ -n "$explain" ]; then
		command_line "$@"
		say "$line"
	fi
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
	x mv "$1.new" "$1" || die "cannot write $1"
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

# say_printf FORMAT OPERATOR FILE VALUE...: print the printf that fills a file.
say_printf() {
	format=$1 operator=$2
	quoted "$3"
	to=$quoted
	shift 3
	command_line printf "$format" "$@"
	say "$line $operator$to"
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
