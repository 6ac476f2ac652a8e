# Environment and labels: the options that may hold anything, newlines too, and so go straight
# to their NUL-separated files, $dir/env and $dir/labels. Shared by create, run and exec.

# environment_option NAME VALUE: the options that may hold anything go straight
# to their files.
environment_option() {
	case $1 in
	env) add_variable "$2" ;;
	env-file) each_line add_variable "$2" ;;
	label) add_label "$2" ;;
	label-file) each_line add_label "$2" ;;
	esac
}

# add_variable NAME=VALUE|NAME: a bare NAME is taken from our own environment, as it was
# when we started.
add_variable() {
	case $1 in
	=* | '') die "invalid environment variable: '$1'" ;;
	*=*) append0 "$dir/env" "$1" ;;
	*)
		case $1 in *[!A-Za-z0-9_]*) die "invalid environment variable: '$1'" ;; esac
		if [ -n "$explain" ]; then
			quoted "$dir/env"
			say "grep -z '^$1=' /proc/\$\$/environ >>$quoted"
		fi
		grep -z "^$1=" "/proc/$$/environ" >>"$dir/env" || :
		;;
	esac
}

add_label() {
	case $1 in =* | '') die "invalid label: '$1'" ;; *=*) ;; *) set -- "$1=" ;; esac
	append0 "$dir/labels" "$1"
}

# each_line FUNCTION FILE: blank lines and comments are skipped, as in Docker.
each_line() {
	[ -r "$2" ] || die "cannot read $2"
	while IFS= read -r text || [ -n "$text" ]; do
		text=${text#"${text%%[!" $tab"]*}"}
		case $text in '' | '#'*) ;; *) "$1" "$text" ;; esac
	done <"$2"
}
