# What --explain and -x print: commands as the shell would take them back. Sourced where one of them is given.

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

# say_command WORD...: the command line.
say_command() {
	command_line "$@"
	say "$line"
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
