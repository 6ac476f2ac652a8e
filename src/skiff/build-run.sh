# RUN: a container of the layers so far, with its mounts. Sourced by build-steps.sh, which has the fields of a step.

lenders='' # processes that serve a socket to the RUN at hand, PID:START each

# each_mount FUNCTION: for each mount of the step, with its fields in $m_type, $m_from...
each_mount() {
	mount_function=$1 mount_number=0
	IFS=$rs
	# shellcheck disable=SC2086 # a mount each
	set -- $f5
	unset IFS
	for mount in "$@"; do
		mount_number=$((mount_number + 1))
		mount_fields
		"$mount_function"
	done
}

mount_fields() {
	IFS=$gs
	# shellcheck disable=SC2086 # fields
	set -- $mount
	unset IFS
	m_type=$1 m_from=${2-} m_source=${3-} m_target=${4-} m_id=${5-} m_sharing=${6-} m_access=${7-}
	m_required=${8-} m_env=${9-}
	[ $# -gt 9 ] || set -- 1 2 3 4 5 6 7 8 9
	shift 9
	m_size=${1-} m_mode=${2-} m_uid=${3-} m_gid=${4-}
	if [ "$m_type" = secret ]; then
		: "${m_id:=${m_target##*/}}"
		[ -n "$m_target$m_env" ] || m_target=/run/secrets/$m_id
	fi
	[ "$m_type" != ssh ] || : "${m_id:=default}"
	case $m_mode in *[!0-7]*) failed "invalid value $m_mode for mode" ;; esac
	case $m_uid$m_gid in *[!0-9]*) failed "invalid value $m_uid$m_gid for uid or gid" ;; esac
}

# mounts_digest: of what is mounted from the context or from other stages, into $content.
mounts_digest() {
	content=''
	each_mount digest_mount
}

digest_mount() {
	case $m_type in
	bind) content="$content $(bind_source digest 2>"$work/error")" || mount_failed ;;
	cache)
		[ -z "$m_from$m_source" ] || failed '--mount=type=cache: from and source are not supported'
		;;
	esac
}

mount_failed() {
	read -r error <"$work/error" || error='cannot read it'
	show_source
	failed "RUN --mount=type=bind failed: ${error#context: }"
}

# bind_source COMMAND: context of what the bind mount at hand shows.
bind_source() {
	if [ -z "$m_from" ]; then
		x context "$1" --literal "$ignore" "$ignore_file" -- "$context" "${m_source:-.}"
	else
		layers_from "$m_from"
		over "$from_layers" 7 context "$1" --literal --keep -- fd:7 "${m_source:-.}"
	fi
}

bind_tar() { bind_source tar; }
bind_put() { x root-tar put --parents --owners "$step" "/bind.$mount_number" >&4; }

# plan_mounts: what has to be there before the container is: copies of what is bound (nobody may
# follow a link out of where it is from, nor change it), directories of caches, with their locks.
plan_mounts() {
	stubs='' held='' lenders=''
	each_mount plan_one_mount
	[ "$explain" != only ] || held=''
	[ -z "$held" ] || hold_caches
}

plan_one_mount() {
	case $m_target in *"$nl"*) failed '--mount: a newline in target' ;; esac
	case $m_type in
	bind)
		both bind_tar bind_put
		;;
	cache)
		cache_directory
		held="$held${m_sharing:-shared} $cache_directory$nl"
		;;
	secret)
		take_secret
		;;
	ssh) lend_agent ;;
	esac
	[ -z "$m_target" ] || stubs="$stubs--stub$nl${m_target#/}$nl"
}

# cache_directory: of the cache mount at hand, into $cache_directory. The name of a cache never is part of
# a path.
cache_directory() {
	cache_directory=$(printf '%s' "${m_id:-$m_target}" | sha256sum)
	cache_directory=$SKIFF_ROOT/build/mounts/${cache_directory%% *}
	if [ "$m_sharing" = private ]; then
		try=$cache_directory count=0
		while [ -d "$try" ] && ! flock -n "$try" true; do
			count=$((count + 1))
			try=$cache_directory.$count
		done
		cache_directory=$try
	fi
	[ -d "$cache_directory" ] || {
		x mkdir -p "$cache_directory" && x chown "${m_uid:-0}:${m_gid:-0}" "$cache_directory" &&
			x chmod "${m_mode:-755}" "$cache_directory"
	} || exit 1
	note "$step/cache.$mount_number" "$cache_directory"
}

# hold_caches: lock the directories of $held, until the descriptor 5 closes: with us at the latest.
hold_caches() {
	mkfifo "$step/hold" "$step/held"
	# Each directory once, in one order for all, or two could wait for each other.
	held=$(printf '%s' "$held" | sort -k 2,2 -k 1,1 | awk '!seen[$2]++')
	# shellcheck disable=SC2016 # for the other shell
	set -- sh -c 'echo >"$0" && read -r _' "$step/held"
	while read -r sharing directory; do
		case $sharing in
		'') ;;
		shared) set -- flock -s "$directory" "$@" ;;
		*) set -- flock "$directory" "$@" ;;
		esac
	done <<-END
		$held
	END
	"$@" <"$step/hold" &
	holder=$!
	exec 5>"$step/hold"
	read -r _ <"$step/held" || :
}

release_caches() {
	[ -n "$held" ] || return 0
	exec 5>&-
	wait "$holder" || :
}

# take_secret: into a file below $run, which is memory.
take_secret() {
	IFS=$nl
	for secret in $secrets; do
		[ "${secret%%"$us"*}" = "$m_id" ] || continue
		unset IFS
		secret=${secret#*"$us"} secret_file=$run/secret.$mount_number
		[ -d "$run" ] || mkdir -m 0700 "$run"
		(
			umask 077
			case $secret in
			file:*) cat -- "${secret#file:}" ;;
			env:*) printenv -- "${secret#env:}" | head -c -1 ;;
			esac >"$secret_file"
		) || failed "secret $m_id: cannot be read"
		chown "${m_uid:-0}:${m_gid:-0}" "$secret_file"
		chmod "${m_mode:-400}" "$secret_file"
		return
	done
	unset IFS
	[ -z "$m_required" ] || failed "secret $m_id: not found"
}

# lend_agent: the agent of the mount at hand as the socket $run/ssh.N, and of it no more than signatures. Who
# lends it is one of $lenders.
lend_agent() {
	IFS=$nl
	for agent in $agents; do
		[ "${agent%%"$us"*}" = "$m_id" ] || continue
		unset IFS
		socket=$run/ssh.$mount_number
		[ -d "$run" ] || mkdir -m 0700 "$run"
		mkfifo "$step/ready.$mount_number"
		serve_agent "${agent#*"$us"}" >"$step/ready.$mount_number" &
		process_start $!
		lenders="$!:$start $lenders"
		read -r ready <"$step/ready.$mount_number" || ready=''
		! get "$step/agent.$mount_number.pid" || lenders="$value $lenders"
		[ -n "$ready" ] || failed "ssh $m_id: its keys cannot be lent"
		chown "${m_uid:-0}:${m_gid:-0}" "$socket"
		chmod "${m_mode:-600}" "$socket"
		return
	done
	unset IFS
	[ -z "$m_required" ] || failed "unset ssh forward key $m_id"
}

# serve_agent SOCKET|KEY,KEY...: become what serves $socket. For files of keys there is an agent, as long as that.
# (Its own socket is named from where it is: addresses are short.)
serve_agent() {
	[ ! -S "$1" ] || exec lend-agent "$1" "$socket"
	files=$1
	cd "$step" || exit
	set --
	IFS=,
	for file in $files; do set -- "$@" "$file"; done
	unset IFS
	# shellcheck disable=SC2016 # for the other shell. A passphrase is not asked for.
	SSH_ASKPASS=false SSH_ASKPASS_REQUIRE=force exec ssh-agent -a "agent.$mount_number" sh -c '
		echo "$SSH_AGENT_PID:$(cut -d " " -f 22 "/proc/$SSH_AGENT_PID/stat")" >"$SSH_AUTH_SOCK.pid" && socket=$0
		for key; do ssh-add -q - <"$key" || exit; done
		exec lend-agent "$SSH_AUTH_SOCK" "$socket"' "$socket" "$@"
}

# write_mount_options: arguments of unshare-run, and variables.
write_mount_options() {
	case $m_type in
	bind)
		bind=--ro-bind
		[ "$m_access" = ro ] || bind=--bind
		append "$dir/unshare-run" $bind "$step/bind.$mount_number" "$m_target"
		;;
	cache)
		bind=--bind
		[ "$m_access" != ro ] || bind=--ro-bind
		get "$step/cache.$mount_number"
		append "$dir/unshare-run" $bind "$value" "$m_target"
		;;
	tmpfs)
		case $m_target in *:*) failed "a colon in '$m_target'" ;; esac
		append "$dir/unshare-run" --tmpfs "$m_target${m_size:+:size=$m_size}"
		;;
	secret)
		[ -e "$run/secret.$mount_number" ] || return 0
		[ -z "$m_target" ] || append "$dir/unshare-run" --ro-bind "$run/secret.$mount_number" "$m_target"
		[ -z "$m_env" ] || secret_variable
		;;
	ssh) [ ! -S "$run/ssh.$mount_number" ] || append "$dir/unshare-run" --ro-bind "$run/ssh.$mount_number" "$m_target" ;;
	esac
}

# secret_variable: the environment moves to $run, which is memory, before a secret becomes part of it.
secret_variable() {
	if [ ! -L "$dir/env" ]; then
		(umask 077 && cat "$dir/env" >"$run/env")
		ln -sf "$run/env" "$dir/env"
	fi
	{
		printf '%s=' "$m_env"
		cat "$run/secret.$mount_number"
		printf '\0'
	} >>"$run/env"
}

make_run() {
	printf '%s' "$chains" >"$stage/layers"
	new_id
	container_dirs
	note "$work/container.$stage_number" "$id"
	plan_mounts
	network_wanted=$network
	(prepare_container)
	start_container || {
		show_source
		failed 'its container could not be started: see above'
	}
	network=$network_wanted
	run_container
	use control.sh
	wait_for_end -1 || :
	get "$dir/exit" || value=125
	[ "$value" = 0 ] || run_failed "$value"
	diff_container
	end_own_container
	release_caches
}

# diff_container: what it has changed. What the engine itself puts into each is nobody's change.
diff_container() {
	IFS=$nl
	# shellcheck disable=SC2086 # a line a word
	set -- $stubs
	unset IFS
	for stub in .dockerenv dev proc sys etc/hostname etc/hosts etc/resolv.conf; do set -- "$@" --stub "$stub"; done
	diff_upper "$dir/rw/upper" "$@"
}

# prepare_container: as create does. In a process of its own: it changes the variables of options.
prepare_container() {
	image_dir=$stage user=$f3 cwd=$f4 hostname=build name=build
	case $f6 in
	'' | default) ;;
	none) network=none ;;
	host)
		[ "$network" = host ] || case $allowed in *' network.host '*) ;; *) failed 'granting entitlement network.host is not allowed by build daemon configuration' ;; esac
		network=host
		;;
	*) failed "unsupported network mode \"$f6\"" ;;
	esac
	case $f7 in '' | sandbox) ;; *) failed "granting entitlement security.$f7 is not allowed by build daemon configuration" ;; esac
	case $network in none | host | container:*) more_networks='' ;; esac
	x mkdir "$dir" "$dir/rw"
	[ "$explain" != only ] || mkdir -p "$dir/rw"
	process_start $$
	put "$dir/creating" "$$ $start"
	put "$dir/id" "$id"
	put "$dir/name" "build-${id%"${id#????????????}"}"
	put "$dir/image-id" "${stage##*/}"
	[ -z "$f1" ] || decode "$f1" "$dir/argv"
	append0 "$dir/env" "HOSTNAME=$hostname"
	[ -z "$f2" ] || decode "$f2" "$dir/env"
	if [ -n "$f8" ]; then # a script with an interpreter of its own
		decode "$f8" "$step/script"
		x chmod 755 "$step/script"
		append0 "$dir/argv" /dev/build-script
	fi
	write_network
	write_root
	[ -z "$f8" ] || append "$dir/unshare-run" --ro-bind "$step/script" /dev/build-script
	each_mount write_mount_options
	write_limits
	write_rights
	write_shim
	put "$dir/stop-signal" KILL
	put "$dir/stop-timeout" 0
	append "$dir/attributes" 'image=build' "name=build"
}

# run_container: let it go, and show what it says.
run_container() {
	if [ -n "$quiet" ]; then
		x attach --start "$run" >/dev/null 2>&1 || :
	else
		{ x attach --start "$run" 2>&1 || :; } | sed -u "s/^/$vertex /" >&2
	fi
}

# run_failed STATUS: say so, as Docker does.
run_failed() {
	{
		[ -n "$quiet" ] || echo # (its last line may have no end)
		printf '%s\n > %s:\n' ------ "$title"
		crilog "$dir/log" 2>&1 | tail -n 20 | awk 1
		[ ! -e "$dir/error" ] || cat "$dir/error" # why it is not there
		printf '%s\n' ------
	} >&2
	show_source
	words=$(head -c 400 "$dir/argv" | tr '\0' ' ')
	failed "process \"${words% }\" did not complete successfully: exit code: $1"
}

# end_own_container: the one of this stage, and who lends it keys.
end_own_container() {
	for lender in $lenders; do
		! process_is "${lender%:*}" "${lender#*:}" || kill "${lender%:*}" 2>/dev/null || :
	done
	lenders=''
	get "$work/container.$stage_number" || return 0
	id=$value
	container_dirs
	[ ! -d "$dir" ] || end_unfinished || :
	[ ! -d "$dir" ] || remove_container
	rm -rf "$run" "$work/container.$stage_number" # (of one that never came to be)
}
