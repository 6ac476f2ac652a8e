# Building images: shared by the parts of skiff build.
#
#   dockerfile   takes the Dockerfile apart; build-needs.jq, build.jq make a plan of it: lines
#   build.sh     messages, options, and how a build begins and ends
#   build-plan.sh     makes the plan, and pulls images on the way
#   build-stages.sh   walks it: what is cached is taken, the rest is made, stage beside stage
#   build-steps.sh    makes one layer: WORKDIR, and what all steps share
#   build-copy.sh     COPY and ADD: a tar stream into the layers so far
#   build-run.sh      RUN: a container
#   build-context.sh  finds the context
#   build-output.sh   names the image, or writes it to a file
#   build-explain.sh  prints all that as a script instead
#
# An image so far is a directory images/.bSTAGE.PID with the files of an image that matter to
# containers. All layers of a build are in the lists of images/.ba.PID: so nobody takes them away.
#
#   build/cache/PARENT.KEY   what a step made. PARENT: the chain ID of the layer below; KEY: the
#                            digest of all that the step depends on. A line: chain ID ("-": it
#                            changed nothing), diff ID, size of the archive, time; and its text
#   build/mounts/HEX/        what RUN --mount=type=cache keeps
#   build/.PID/              a build at work

use remove-container.sh
. "$lib/build-plan.sh"
. "$lib/build-stages.sh"
. "$lib/build-steps.sh"
. "$lib/build-context.sh"
. "$lib/build-output.sh"
. "$lib/build-explain.sh"

us=$(printf '\037') rs=$(printf '\036') gs=$(printf '\035')
cache=$SKIFF_ROOT/build/cache
epoch_time='' # of SOURCE_DATE_EPOCH
jobs=''

# ---- messages ----------------------------------------------------------------

# tell TEXT: to who watches.
tell() {
	if [ -n "$holding_back" ]; then
		held_back=$held_back$1$nl
	else
		[ -n "$quiet" ] || printf '%s\n' "$1" >&2
	fi
}

# While the images are locked nothing is written to who may not read it: everybody would wait.
holding_back='' held_back=''
tell_held_back() {
	holding_back=''
	[ -z "$held_back" ] || tell "${held_back%"$nl"}"
	held_back=''
}

# note FILE VALUE: for us only; so -x and --explain do not tell.
note() { printf '%s\n' "$2" >"$1"; }

# failed TEXT: the build ends, in Docker's words.
failed() {
	visible "$1"
	printf 'ERROR: failed to solve: %s\n' "$visible" >&2
	exit 1
}

# show_source: the lines of the Dockerfile around the step.
show_source() {
	{
		printf '%s:%s\n--------------------\n' "$shown_dockerfile" "$step_line"
		awk -v first="$step_line" -v last="$step_end" 'NR > first + 20 { exit }
			NR >= first - 2 && NR <= last + 2 {
			gsub(/[\001-\010\013-\037\177]/, "?"); printf "%4d | %s %s\n", NR, (NR >= first && NR <= last ? ">>>" : "   "), $0 }' "$work/dockerfile"
		printf '%s\n' --------------------
	} >&2
}

# ---- options -----------------------------------------------------------------

build_arg() {
	case $1 in
	=* | '') usage_error "invalid build argument '$1'" ;;
	SOURCE_DATE_EPOCH=*) SOURCE_DATE_EPOCH=${1#*=} ;;
	*=*) ;;
	*)
		value=$(printenv -- "$1") || return 0
		set -- "$1=$value"
		;;
	esac
	build_args="$build_args$1$us"
}

# secret_option SPEC: id=ID[,src=FILE|,env=NAME]: a line of $secrets.
secret_option() {
	spec=$1, id='' from=''
	while [ -n "$spec" ]; do
		word=${spec%%,*} spec=${spec#*,}
		case $word in
		id=*) id=${word#id=} ;;
		src=* | source=*) from=file:${word#*=} ;;
		env=*) from=env:${word#env=} ;;
		type=file | type=env) ;;
		*) usage_error "--secret: unexpected '$word' in '$1'" ;;
		esac
	done
	[ -n "$id" ] || usage_error "--secret '$1': no id"
	if [ -z "$from" ]; then
		if printenv -- "$id" >/dev/null; then from=env:$id; else from=file:$id; fi
	fi
	case $from in
	file:*) [ -f "${from#file:}" ] && [ -r "${from#file:}" ] || die "could not read secret $id: ${from#file:}: no such file" ;;
	env:*) printenv -- "${from#env:}" >/dev/null || die "could not read secret $id: no variable ${from#env:}" ;;
	esac
	secrets="$secrets$id$us$from$nl"
}

# ssh_option SPEC: ID[=SOCKET|=KEY[,KEY]...]: a line of $agents.
ssh_option() {
	id=${1%%=*} from=''
	case $1 in *=*) from=${1#*=} ;; esac
	: "${id:=default}" "${from:=${SSH_AUTH_SOCK:-}}"
	[ -n "$from" ] || die "--ssh $1: no agent: SSH_AUTH_SOCK is not set"
	case $nl$agents in *"$nl$id$us"*) die "--ssh: duplicate agent ID '$id'" ;; esac
	[ -S "$from" ] || command -v ssh-agent >/dev/null || die '--ssh: no program ssh-agent: it is needed for keys in files'
	paths=$from, from=''
	while [ -n "$paths" ]; do
		path=${paths%%,*} paths=${paths#*,}
		[ -z "$from$paths" ] && [ -S "$path" ] || { [ -f "$path" ] && [ -r "$path" ]; } ||
			die "--ssh $1: $path: neither a socket nor a file of a key"
		case $path in /*) ;; *) path=$PWD/$path ;; esac
		from=$from${from:+,}$path
	done
	agents="$agents$id$us$from$nl"
}

# ---- the beginning and the end ------------------------------------------------

begin_build() {
	work=$SKIFF_ROOT/build/.$$
	[ -d "$SKIFF_ROOT/build/plans" ] || (umask 077 && mkdir -p "$cache" "$SKIFF_ROOT/build/mounts" "$SKIFF_ROOT/build/plans") || die "cannot make $SKIFF_ROOT/build"
	clean_up_at_exit
	trap 'exit 141' PIPE
	announced=$SKIFF_ROOT/images/.ba.$$
	mkdir "$work" "$work/empty" "$announced" || die "cannot make $work"
	begin_adding
	machine
	[ -n "${SOURCE_DATE_EPOCH:-}" ] || return 0
	case $SOURCE_DATE_EPOCH in *[!0-9]* | ????????????*) die "SOURCE_DATE_EPOCH: not a number of seconds: '$SOURCE_DATE_EPOCH'" ;; esac
	export SOURCE_DATE_EPOCH
	epoch_time=$(date -u -d "@$SOURCE_DATE_EPOCH" +%Y-%m-%dT%H:%M:%SZ)
}

end_build() {
	trap - EXIT INT TERM HUP PIPE
	at_exit
}

# at_exit: jobs end, with their containers; nothing half made stays.
at_exit() {
	trap '' INT TERM HUP PIPE USR1
	for job in $jobs; do kill "$job" 2>/dev/null || :; done
	end_containers
	[ -z "$jobs" ] || wait
	end_containers
	set +f
	rm -rf "${work:?}" "$SKIFF_ROOT"/images/.b*."$$" "$SKIFF_ROOT"/layers/.*."$$" ${new:+"$new"}
	set -f
}

# end_containers: those of this build that are left.
end_containers() {
	set +f
	for left_container in "$work"/container.*; do
		set -f
		get "$left_container" || continue
		id=$value
		container_dirs
		[ ! -d "$dir" ] || { end_unfinished && remove_container; } || :
	done
	set -f
}
