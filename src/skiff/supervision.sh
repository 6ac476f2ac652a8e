# Options of create and run on what is to happen beside the container: its restart policy and
# its health check. Sourced by create.sh.

# supervision_option NAME VALUE
supervision_option() {
	case $1 in
	restart)
		check_restart "$2"
		restart=${2#no}
		;;
	no-healthcheck) no_health=${2#false} ;;
	health-cmd) health_command=$2 ;;
	health-retries)
		case $2 in
		'' | *[!0-9]* | ??????????*) usage_error "--health-retries: not a number of times: '$2'" ;;
		0) ;; # as if it were not given
		*) health_options="$health_options--retries$nl$2$nl" ;;
		esac
		;;
	*)
		check_duration "$1" "$2"
		case $2 in 0 | 0s) ;; *) health_options="$health_options--${1#health-}$nl$2$nl" ;; esac
		;;
	esac
}

# check_restart POLICY: with Docker's messages.
check_restart() {
	case $1 in
	no | always | unless-stopped | on-failure | '') ;;
	on-failure:*)
		case ${1#on-failure:} in
		'' | *[!0-9]* | ??????????*) die "invalid restart policy format: maximum retry count must be a number: '$1'" ;;
		esac
		;;
	no:* | always:* | unless-stopped:*)
		die "invalid restart policy: maximum retry count can only be used with 'on-failure': '$1'" ;;
	*) die "invalid restart policy: unknown policy '$1'; use one of 'no', 'always', 'on-failure', or 'unless-stopped'" ;;
	esac
}

# check_duration NAME TEXT: numbers with the units h, m, s, ms, us and ns, as 1m30s; or 0.
check_duration() {
	rest=$2
	[ "$rest" != 0 ] || return 0
	case $2 in [0-9]us | [0-9][0-9]us | [0-9][0-9][0-9]us | *[0-9]ns) die "--$1 cannot be less than 1ms" ;; esac
	while :; do
		number=${rest%%[!0-9.]*}
		case $number in '' | *.*.* | . | ????????????????*) break ;; esac
		rest=${rest#"$number"}
		case $rest in
		ms* | us* | ns*) rest=${rest#??} ;;
		h* | m* | s*) rest=${rest#?} ;;
		*) break ;;
		esac
		[ -n "$rest" ] || return 0
	done
	usage_error "invalid argument \"$2\" for \"--$1\" flag: not a duration, such as 1m30s"
}

check_supervision() {
	[ -z "$restart" ] || [ -z "$remove" ] || die 'conflicting options: cannot specify both --restart and --rm'
	[ -z "$no_health" ] || [ -z "$health_command$health_options" ] ||
		die '--no-healthcheck conflicts with --health-* options'
}

# write_supervision: files restart, health (arguments of the tool) and health-test.
write_supervision() {
	[ -z "$restart" ] || put "$dir/restart" "$restart"
	[ -z "$no_health" ] || return 0
	if [ -n "$health_command" ]; then
		gather "$dir/health-test" "$image_dir/shell"
		append0 "$dir/health-test" "$health_command"
	else
		gather "$dir/health-test" "$image_dir/health-test"
	fi
	[ -s "$dir/health-test" ] || return 0
	gather "$dir/health" "$image_dir/health"
	lines "$dir/health" "$health_options"
}
