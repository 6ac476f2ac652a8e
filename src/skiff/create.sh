# Making a container: options become files. Shared by create and run.
#
# What a link of the chain is to be told stands in a file named after the link, one
# argument a line: containers/ID/cgset, unshare-run, lockdown, shim. start.sh reads
# them back. docs/files.md lists all files.

use container.sh
use names.sh
. "$lib/create-options.sh"
. "$lib/network-options.sh"
use network.sh
. "$lib/environment.sh"
. "$lib/supervision.sh"
. "$lib/root.sh"

# need_image REFERENCE: find the image; pull it if that is wanted and it is not here.
need_image() {
	case $pull in
	always) want_image "$1" ;;
	*)
		if ! find_image "$1"; then
			[ "$pull" != never ] || die "No such image: $1"
			[ "$explain" != only ] || die "No such image: $1 (first: skiff pull $1)"
			canonical "$1" || die "invalid reference format: '$1'"
			familiar "$canonical"
			[ -n "$quiet" ] || printf "Unable to find image '%s' locally\n" "$familiar" >&2
			want_image "$1"
		elif [ -n "$platform" ]; then
			get "$image_dir/architecture"
			case $platform in
			*/"$value" | */"$value"/*) ;;
			*) want_image "$1" ;;
			esac
		fi
		;;
	esac
	get "$image_dir/os"
	case $value in linux | '') ;; *) die "image $1 is for $value: this is a Linux host" ;; esac
}

want_image() {
	. "$lib/pull.sh"
	if [ -n "$quiet" ]; then
		pull_image "$1" "$platform" "$quiet" >/dev/null
	else
		pull_image "$1" "$platform" '' >&2
	fi
	event_pulled "$reference"
	image_dir=$SKIFF_ROOT/images/$image
}

# begin_container IMAGE [COMMAND...]: $id, $dir and $run of a new container. It is one
# when commit_container has written "created": without that file the directory is
# nothing, and skiff check sweeps it away ("creating" says who is at work on it).
begin_container() {
	need_image "$1"
	reference=$1
	shift
	new_id
	if [ "$explain" = only ]; then
		scratch=$(mktemp -d)
		mkdir -p "$scratch$SKIFF_ROOT/containers" "$scratch$SKIFF_ROOT/containers/$id/rw"
		trap 'rm -rf "$scratch"' EXIT
		trap 'exit 130' INT TERM HUP
		trap 'exit 141' PIPE
	else
		trap 'abandon' EXIT
		trap 'exit 130' INT TERM HUP
	fi
	container_dirs
	[ "$explain" != only ] || explain_begin "$dir" "$run"
	make_container
	process_start $$
	put "$dir/creating" "$$ $start"
	put "$dir/id" "$id"
	put "$dir/name" "$name"
	put "$dir/image" "$reference"
	put "$dir/image-id" "$image"
	image_is_there || die "No such image: $reference" # removed a moment ago; from now on it stays
	write_command "$@"
	write_sharing
	write_network
	write_root
	write_limits
	write_rights
	write_shim
	write_supervision
	[ -z "$storage_size" ] || limit_storage
	[ -z "$remove" ] || put "$dir/auto-remove" true
	[ -z "$annotations" ] || each_word write_annotation "$annotations"
	[ "$runtime" = skiff ] || put "$dir/runtime" "$runtime"
	get "$image_dir/stop-signal" || :
	put "$dir/stop-signal" "${stop_signal:-${value:-TERM}}"
	put "$dir/stop-timeout" "${stop_timeout:-10}"
	begin_environment
}

write_annotation() {
	append0 "$dir/annotations" "$1"
}

# commit_container: the container is whole.
commit_container() {
	if [ -n "$cidfile" ]; then
		[ -z "$explain" ] || say_printf %s '>' "$cidfile" "$id"
		[ "$explain" = only ] || printf '%s' "$id" >"$cidfile" || die "cannot write $cidfile"
	fi
	write_attributes
	read_clock
	put "$dir/created" "$clock_time"
	container_event "$clock_time" create
	[ "$explain" = only ] || trap - EXIT INT TERM HUP
}

# write_attributes: what its events say of it: a line each, without control characters.
write_attributes() {
	visible "$reference"
	append "$dir/attributes" "image=$visible" "name=$name"
	[ -s "$dir/labels" ] || return 0
	if [ -n "$explain" ]; then
		quoted "$dir/labels" && from=$quoted
		quoted "$dir/attributes"
		say "tr '\\000\\001-\\037\\177' '\\n?' <$from >>$quoted"
	fi
	tr '\000\001-\037\177' '\n?' <"$dir/labels" >>"$dir/attributes"
}

abandon() {
	[ "$(readlink "$SKIFF_ROOT/names/$name")" != "../containers/$id" ] || rm -f "$SKIFF_ROOT/names/$name"
	[ -z "$made_volumes" ] || forget_new_volumes # first: what is in $dir tells check of them
	[ ! -e "$dir/storage-size" ] || (. "$lib/storage.sh" && forget_storage) || :
	rm -rf "$dir"
	[ -z "$slot" ] || ! get "$SKIFF_ROOT/idmaps/$slot" || [ "$value" != "$id" ] || rm -f "$SKIFF_ROOT/idmaps/$slot"
}

# make_container: its directory, and its name, $name or one of our own making.
make_container() {
	set -- mkdir "$dir" mkdir "$dir/rw"
	if [ -n "$name" ]; then
		take_name "$name" "$@" || name_is_taken "$name"
		return
	fi
	. "$lib/random-name.sh"
	random_name "$id" 0
	until take_name "$random" "$@"; do
		[ "$explain" = only ] || [ ! -d "$dir" ] || set -- # made by the first try
		random_name "$id" $((tries + 1))
	done
	name=$random
}

# write_command ARGUMENT...: argv is the entry point and the command; the user's words
# take the place of the image's command, --entrypoint that of both.
write_command() {
	[ -z "$init" ] || append0 "$dir/argv" /sbin/docker-init --
	if [ -n "$no_entrypoint" ]; then
		[ -z "$entrypoint" ] || append0 "$dir/argv" "$entrypoint"
		append0 "$dir/entrypoint" "$entrypoint"
		[ $# -eq 0 ] || append0 "$dir/argv" "$@"
	elif [ $# -eq 0 ]; then
		gather "$dir/argv" "$image_dir/entrypoint"
		gather "$dir/argv" "$image_dir/cmd"
	else
		gather "$dir/argv" "$image_dir/entrypoint"
		append0 "$dir/argv" "$@"
	fi
	[ -s "$dir/argv" ] || die "no command specified"
	# The line that ps shows.
	if [ -n "$no_entrypoint" ]; then
		shown ${entrypoint:+"$entrypoint"} "$@"
	elif [ $# -eq 0 ]; then
		get "$image_dir/command"
		visible=$value
	else
		words=''
		[ ! -s "$image_dir/entrypoint" ] || words=$(tr '\n\0' ' \n' <"$image_dir/entrypoint")
		IFS=$nl
		# shellcheck disable=SC2086 # a line a word
		set -- $words "$@"
		unset IFS
		shown "$@"
	fi
	put "$dir/command" "$visible"
}

# shown WORD...: as one line, words with a blank in quotes but for the first, into $visible.
shown() {
	line=''
	for word in "$@"; do
		case $line/$word in ?*/*\ *) word="'$word'" ;; esac
		line="$line${line:+ }$word"
	done
	visible "$line"
}

# begin_environment: Docker's order; of two with one name lockdown takes the later.
# environment_option adds the user's.
begin_environment() {
	append0 "$dir/env" "HOSTNAME=$hostname" ${tty:+TERM=xterm}
	gather "$dir/env" "$image_dir/env"
	each_word add_variable "$device_environment"
	gather "$dir/labels" "$image_dir/labels"
}

# write_limits: the control group's. A fork bomb must not take the host along: there is
# always a limit of processes (containers.conf has the same 2048).
write_limits() {
	case $limits in *--pids*) ;; *) limits="--pids${nl}2048$nl$limits" ;; esac
	[ -n "$privileged" ] || limits="--device${nl}default$nl$limits"
	lines "$dir/cgset" "$limits"
	check_limits
	[ -z "$oom_score" ] || put "$dir/oom-score" "$oom_score"
}

# check_limits: that they are none is found here, not at the first start. The two that are always
# there are right.
check_limits() {
	set --
	while IFS= read -r word; do set -- "$@" "$word"; done <"$dir/cgset"
	[ $# -le 4 ] || cgset check "$@" || exit "${failure:-1}"
}

write_rights() {
	get "$image_dir/user" || :
	: "${user:=$value}"
	append "$dir/lockdown" --user "${user:-0}" ${tty:+--tty}
	[ -z "$cwd" ] || append "$dir/lockdown" --cwd "$cwd"
	lines "$dir/lockdown" "$rights"
	write_seccomp
}

# is_attached STREAM: is it to be connected to run? All are, unless some are named.
is_attached() {
	case "$streams " in ' ' | *" $1 "*) ;; *) return 1 ;; esac
}

write_shim() {
	# "once": the end of the first client's input is the end of the container's, unless
	# the container waits for clients: in the background (-d -i), or as this one has no input (-a).
	if [ -n "$interactive" ]; then
		stdin=once
		[ -z "$tty$detach" ] || stdin=open
		is_attached stdin || stdin=open
		put "$dir/stdin" "$stdin"
	fi
	[ -z "$tty" ] || put "$dir/tty" true
	[ -z "$streams$detach" ] || put "$dir/attach" "${streams# }"
	lines "$dir/shim" "$log_options"
	[ -z "$log_driver" ] || put "$dir/log-driver" "$log_driver"
}

# write_seccomp: the default filter is compiled with the tree. Capabilities that are added or
# dropped change what it lets through; then the container gets one of its own.
write_seccomp() {
	case $seccomp in
	unconfined) return ;;
	default)
		append "$dir/lockdown" --seccomp fd:5
		[ -n "$gating" ] || [ "$runtime" != skiff ] || return 0
		use filter-options.sh
		compile_filter "$share/default.seccomp"
		;;
	*)
		[ -r "$seccomp" ] || die "opening seccomp profile ($seccomp) failed"
		append "$dir/lockdown" --seccomp fd:5
		use filter-options.sh
		compile_filter "$seccomp"
		;;
	esac
}

# lines FILE LIST: append LIST, lines with a newline after each, to FILE.
lines() {
	[ -n "$2" ] || return 0
	file=$1 list=$2
	IFS=$nl
	# shellcheck disable=SC2086 # a line an argument
	set -- $list
	unset IFS
	append "$file" "$@"
}
