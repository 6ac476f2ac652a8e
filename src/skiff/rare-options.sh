# Options of create and run that few containers have. Sourced by create-options.sh.

# rare_option NAME VALUE: what the links of the chain would refuse at the start is refused here,
# before anything is made.
rare_option() {
	case $1 in
	ulimit)
		check_ulimit "$2"
		rights="$rights--$1$nl$2$nl"
		;;
	sysctl)
		check_sysctl "$2"
		root="$root--sysctl$nl$2$nl"
		;;
	shm-size)
		check_shm_size "$2"
		root="$root--shm-size$nl$2$nl"
		;;
	security-opt) security_option "$2" ;;
	attach) stream_option "$2" ;;
	log-*) log_option "$1" "$2" ;;
	esac
}

check_ulimit() {
	soft=${1#*=} hard=${1##*:}
	case $1 in
	*=*) ;;
	*) usage_error "invalid argument \"$1\" for \"--ulimit\" flag: invalid ulimit argument: $1" ;;
	esac
	case ${1%%=*} in
	as | core | cpu | data | fsize | locks | memlock | msgqueue | nice | nofile | nproc | rss | rtprio | rttime | sigpending | stack) ;;
	*) usage_error "invalid argument \"$1\" for \"--ulimit\" flag: invalid ulimit type: ${1%%=*}" ;;
	esac
	soft=${soft%%:*}
	case $1 in *:*) ;; *) hard=$soft ;; esac
	for number in "$soft" "$hard"; do
		case $number in -1 | unlimited) ;; '' | *[!0-9]* | ???????????????????*) usage_error "invalid argument \"$1\" for \"--ulimit\" flag: \
not a number: '$number'" ;; esac
	done
	case $hard in -1 | unlimited) return 0 ;; esac
	case $soft in -1 | unlimited) false ;; *) [ "$soft" -le "$hard" ] ;; esac ||
		usage_error "invalid argument \"$1\" for \"--ulimit\" flag: ulimit soft limit must be less than or equal to hard limit: $soft > $hard"
}

check_sysctl() {
	case $1 in
	kernel.msg*=* | kernel.sem=* | kernel.shm*=* | fs.mqueue.*=* | net.*=*) ;;
	*) usage_error "invalid argument \"$1\" for \"--sysctl\" flag: sysctl '$1' is not allowed" ;;
	esac
}

check_shm_size() {
	case $1 in [0-9]*) ;; *) false ;; esac && case ${1%[iI][bB]} in *[!0-9.bkmgtpBKMGTP]* | *[a-zA-Z]*[0-9.]*) false ;; esac ||
		usage_error "invalid argument \"$1\" for \"--shm-size\" flag: invalid size: '$1'"
}

# stream_option NAME: in either case, as Docker's help has them in capitals.
stream_option() {
	case $1 in
	[Ss][Tt][Dd][Ii][Nn]) streams="$streams stdin" ;;
	[Ss][Tt][Dd][Oo][Uu][Tt]) streams="$streams stdout" ;;
	[Ss][Tt][Dd][Ee][Rr][Rr]) streams="$streams stderr" ;;
	*) usage_error "invalid argument \"$1\" for \"-a, --attach\" flag: valid streams are STDIN, STDOUT and STDERR" ;;
	esac
}

log_option() {
	case $1/$2 in
	log-driver/none) log_driver=none ;;
	log-driver/cri | log-driver/json-file | log-driver/k8s-file | log-driver/local) log_driver='' ;;
	log-driver/*) usage_error "--log-driver: none, or json-file or local for the log in CRI format, not '$2'" ;;
	log-opt/max-size=?*) log_options="$log_options--log-size$nl${2#*=}$nl" ;;
	log-opt/max-file=?*) log_options="$log_options--log-files$nl${2#*=}$nl" ;;
	*) usage_error "--log-opt: max-size=SIZE or max-file=NUMBER, not '$2'" ;;
	esac
}

security_option() {
	case $1 in
	no-new-privileges | no-new-privileges[:=]true) rights="$rights--no-new-privs$nl" ;;
	no-new-privileges[:=]false) ;;
	seccomp=* | seccomp:*) seccomp=${1#seccomp?} ;;
	systempaths=unconfined) defaults=mounts,devices ;;
	apparmor=unconfined | label=disable | label:disable) ;; # what there is none of
	*) usage_error "--security-opt: not known: '$1'" ;;
	esac
}
