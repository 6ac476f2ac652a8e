# Starting processes of a container, and connecting a terminal to them. Sourced by the verbs that do it.

use container.sh

# check_terminal: -i and -t together want a terminal, status 1 as in Docker.
check_terminal() {
	[ -z "$tty" ] || [ -z "$interactive" ] || [ "$explain" = only ] || [ -t 0 ] || {
		warn 'the input device is not a TTY'
		exit 1
	}
}

# check_detach_keys KEYS: before a container is made that nobody could attach to.
check_detach_keys() {
	keys=$1,
	[ -n "$1" ] || return 0
	while [ -n "$keys" ]; do
		case ${keys%%,*} in
		? | ctrl-[a-z] | ctrl-@ | ctrl-[[] | ctrl-[\\] | ctrl-] | ctrl-^ | ctrl-_) ;;
		*) usage_error "invalid detach keys: '$1'" ;;
		esac
		keys=${keys#*,}
	done
}

# launch CHAIN...: start it, with the files that it reads open: $file3, $file4, $file5.
locked='' # see lock_start
launch() {
	[ -e "$file5" ] || file5=$share/default.bpf
	if [ -n "$explain" ]; then
		command_line "$@"
		for file in "3<$file3" "4<$file4" "5<$file5"; do
			quoted "${file#?<}"
			line="$line ${file%%<*}<$quoted"
		done
		quoted "$run/lock"
		[ -z "$locked" ] || line="$line 8<$quoted"
		say "$line"
	fi
	[ "$explain" = only ] || "$@" 3<"$file3" 4<"$file4" 5<"$file5" && launched=0 || launched=$?
	[ -z "$locked" ] || exec 8>&- # the lock: the shim has it
	locked=''
	return "$launched"
}

# x_attach OPTION...: become the attach tool. This is the end of the verb.
x_attach() {
	set -- attach "$@" "$run"
	[ -z "$explain" ] || say_command "$@"
	[ "$explain" != only ] || exit 0
	exec "$@"
}
