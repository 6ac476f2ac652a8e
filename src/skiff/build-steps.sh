# The steps of a build that make a layer. Sourced by build.sh.
#
# A step has the fields of its line in the plan (build.jq), $kind, $text, $f1...:
#   run      argv, environment (base64 of NUL lists), user, directory, mounts, network, security,
#            script (base64; to be run in place of argv)
#   copy, add   from (stage:N, image:REFERENCE or nothing), destination, sources, chown, chmod,
#            parents, excludes, checksum, here-documents (name, base64), unpack, keep-git-dir
#   workdir  the directory

. "$lib/start.sh"

# make_step: make the layer of the step at hand, and remember it in the cache.
make_step() {
	[ -d "/proc/$$" ] || exit 137 # the build was killed, and this stage is left: check will tidy up
	step=$work/step.$stage_number vertex="#$((offset + position))"
	rm -rf "$step"
	mkdir "$step"
	tell "$vertex $title"
	read -r began _ </proc/uptime
	unchanged=''
	key_file $((position - 1))
	"make_$kind"
	time=$epoch_time
	[ -n "$time" ] || time=$(date -u +%Y-%m-%dT%H:%M:%S.%NZ)
	if [ -n "$unchanged" ]; then
		chain=- diff_id=- size=0
	else
		finish_layer
	fi
	# The context may have changed since it was looked at: then this is not what the key stands for.
	if key_of_step | cmp -s - "$key_file"; then
		note "$step/record" "$chain $diff_id $size $time$nl$text"
		mv -T "$step/record" "$record"
	fi
	rm -rf "$step"
	add_layer_to_image
	read -r ended _ </proc/uptime
	elapsed "$began" "$ended"
	tell "$vertex DONE ${elapsed}s$nl"
}

# elapsed FROM TO: of /proc/uptime, into $elapsed.
elapsed() {
	hundredths=$((${2%.*}1${2#*.} - ${1%.*}1${1#*.}))
	[ "${2%.*}" = "${1%.*}" ] || hundredths=$(((${2%.*} - ${1%.*}) * 100 + 1${2#*.} - 1${1#*.}))
	elapsed=$((hundredths / 100)).$((hundredths % 100 / 10))
}

# finish_layer: the archive $step/archive becomes a layer, $chain $diff_id $size.
finish_layer() {
	keep_blob "$step/archive"
	diff_id=$digest size=$(stat -c %s "$step/archive")
	chain=${diff_id#sha256:}
	if [ "$top" != scratch ]; then
		chain=$(printf 'sha256:%s %s' "$top" "$diff_id" | sha256sum)
		chain=${chain%% *}
	fi
	while :; do
		add_layer "$chain" "$diff_id" "$diff_id" "$chains" || exit 1
		lock_images
		printf '%s\n' "$chain" >>"$announced/layers"
		printf '%s %s\n' "$diff_id" "$size" >>"$announced/blobs"
		[ ! -d "$SKIFF_ROOT/layers/$chain" ] || break
		unlock_images # it was there, and has been removed meanwhile
	done
	[ -e "$blobs/${diff_id#sha256:}" ] || ln -T "$step/archive" "$blobs/${diff_id#sha256:}"
	unlock_images
}

# over LAYERS FD COMMAND...: COMMAND with the stack of these layers open as FD; with the step's
# own writable layer on top if $writable.
writable=''
over() {
	lower_layers=$1 count=$(($# - 2))
	set -- "$@" layerfs stack --fd "$2"
	shift 2
	[ -z "$writable" ] || set -- "$@" --upper "$step/upper" --work "$step/work"
	for layer in $lower_layers; do set -- "$@" "$SKIFF_ROOT/layers/$layer/fs"; done
	[ -n "$lower_layers" ] || set -- "$@" "$work/empty"
	set -- "$@" --
	while [ $count -gt 0 ]; do
		set -- "$@" "$1"
		shift
		count=$((count - 1))
	done
	x "$@"
}

# layers_from FROM: those of stage:N or image:REFERENCE, into $from_layers.
layers_from() {
	case $1 in
	stage:*) lines_of "$SKIFF_ROOT/images/.b${1#stage:}.$$/layers" ;;
	image:*)
		other=0
		while :; do
			other=$((other + 1))
			get "$SKIFF_ROOT/images/.bi$other.$$/reference" || failed "${1#image:}: not found"
			[ "$value" != "${1#image:}" ] || break
		done
		lines_of "$SKIFF_ROOT/images/.bi$other.$$/base-layers"
		;;
	esac
	from_layers=$lines_of
}

# x_to FILE COMMAND...: its output into FILE.
x_to() {
	file=$1
	shift
	if [ "$explain" = only ]; then
		command_line "$@"
		quoted "$file"
		say "$line >$quoted"
	else
		x "$@" >"$file"
	fi
}

# really FUNCTION...: even if only explained: what is looked at, not changed. In a subshell.
really() {
	explain=''
	"$@"
}

# decode TEXT FILE: add what TEXT is in base64 to FILE.
decode() {
	if [ -n "$explain" ]; then
		quoted "$1"
		encoded=$quoted
		quoted "$2"
		say "printf %s $encoded | base64 -d >>$quoted"
	fi
	printf %s "$1" | base64 -d >>"$2"
}

# diff_upper UPPER [OPTION...]: a writable layer as the archive of the step.
diff_upper() {
	upper_layer=$1
	shift
	if [ "$explain" = only ]; then
		explain_diff "$@"
		return
	fi
	for layer in $chains; do set -- "$@" --lower "$SKIFF_ROOT/layers/$layer/fs"; done
	[ -n "$chains" ] || set -- "$@" --lower "$work/empty"
	x_to "$step/archive" layerfs diff "$@" "$upper_layer" || exit 1
}

# ---- WORKDIR -----------------------------------------------------------------

make_workdir() {
	writable=true
	both get_empty put_workdir
	writable=''
	[ "$explain" != only ] || return 0
	if [ -z "$(ls -A "$step/upper")" ]; then unchanged=true; else diff_upper "$step/upper"; fi
}

get_empty() { x context tar "$work/empty" .; }
put_workdir() { over "$chains" 8 root-tar put --parents fd:8 "$f1/" >&4; }

# ---- COPY and ADD ------------------------------------------------------------

# split_sources: $f3 into $local_sources and $remote_sources, with 0x1e between them.
split_sources() {
	local_sources='' remote_sources=''
	IFS=$rs
	for source in $f3; do
		case $kind:$source in
		add:http://* | add:https://* | add:git@* | add:git://*) remote_sources=$remote_sources${remote_sources:+$rs}$source ;;
		*) local_sources=$local_sources${local_sources:+$rs}$source ;;
		esac
	done
	unset IFS
}

literal='' # no patterns
# choose COMMAND: context with the options of the step, for $local_sources.
choose() {
	command=$1
	set -- ${f6:+--parents} ${literal:+--literal}
	IFS=$rs
	for word in $f7; do set -- "$@" --exclude "$word"; done
	unset IFS
	if [ -z "$f1" ]; then
		set -- context "$command" "$ignore" "$ignore_file" "$@" -- "$context"
	else
		set -- context "$command" --keep "$@" -- fd:7
	fi
	IFS=$rs
	for word in $local_sources; do set -- "$@" "$word"; done
	unset IFS
	if [ -z "$f1" ]; then
		x "$@"
	else
		layers_from "$f1"
		over "$from_layers" 7 "$@"
	fi
}

# copy_digest: of all that is copied, into $content.
copy_digest() {
	split_sources
	content=''
	if [ -n "$local_sources" ]; then
		content=$(choose digest 2>"$work/error") || copy_failed
	fi
	[ -z "$f8" ] || [ -z "$local_sources" ] || failed 'ADD --checksum: for files from a URL only'
	[ -z "$remote_sources" ] || fetch_sources "$key_number"
}

copy_failed() {
	read -r error <"$work/error" || error='cannot read the context'
	show_source
	failed "$(printf %s "$kind" | tr '[:lower:]' '[:upper:]') failed: ${error#context: }"
}

# choose_tar: an archive of them.
choose_tar() { choose tar; }

# put: the archive on standard input to the destination.
put_archive() {
	set -- ${owner:+--owner "$owner"} ${f5:+--mode "$f5"}
	writable=true
	over "$chains" 8 root-tar put --parents --owners "$@" fd:8 "$f2" >&4 || return
	writable=''
}

make_copy() {
	find_owner
	split_sources
	[ -z "$local_sources" ] || both choose_tar put_archive
	[ -z "$f9" ] || copy_heredocs
	diff_upper "$step/upper"
}

# make_add: as COPY; but an archive of the context is unpacked, and there may be URLs.
make_add() {
	find_owner
	split_sources
	[ -z "$local_sources" ] || add_local
	[ -z "$f9" ] || copy_heredocs
	[ -z "$remote_sources" ] || add_fetched "$key_number"
	diff_upper "$step/upper"
}

add_local() {
	paths=$(really choose list) || exit 1
	[ "$f10" != false ] || paths=''
	archives=''
	IFS=$nl
	for path in $paths; do
		unset IFS
		case $path in */) ;; *) ! is_archive "$path" || archives="$archives$path$nl" ;; esac
		IFS=$nl
	done
	unset IFS
	if [ -z "$archives" ]; then
		both choose_tar put_archive
		return
	fi
	literal=true
	IFS=$nl
	for path in $paths; do
		unset IFS
		local_sources=$path
		case $nl$archives in
		*"$nl$path$nl"*)
			is_archive "$path"
			[ "$explain" != only ] || x_to "$step/file" context cat "$context" "$path"
			unpack_added
			;;
		*) both choose_tar put_archive ;;
		esac
		IFS=$nl
	done
	unset IFS
	literal=''
}

# is_archive PATH: of the context; it is the file $step/file then.
is_archive() {
	kept_sources=$local_sources local_sources=$1 literal=true
	(really choose_file "$1") >"$step/file" || exit 1
	local_sources=$kept_sources literal=''
	holds_archive "$step/file"
}

choose_file() {
	if [ -z "$f1" ]; then x context cat "$context" "$1"; else over "$from_layers" 7 context cat fd:7 "$1"; fi
}

# holds_archive FILE: is it a tar archive, compressed or not?
holds_archive() {
	[ -n "$(layerfs ls --file "$1" 2>/dev/null | head -n 1)" ]
}

# unpack_added: the archive $step/file at the destination. It is hostile: first it becomes a tree aside.
unpack_added() {
	x rm -rf "$step/tree"
	x_to /dev/null layerfs unpack --base --file "$step/file" "$step/tree" || exit 1
	kept_destination=$f2
	f2=${f2%/}/
	both get_tree put_archive
	f2=$kept_destination
}

get_tree() { x root-tar get "$step/tree" /.; }

# ---- ADD from elsewhere --------------------------------------------------------

# fetch_sources STEP: what ADD names by a URL, below $work/fetch.STAGE.STEP/; its digests join $content.
fetch_sources() {
	fetched=$work/fetch.$stage_number.$1 source_number=0
	[ -d "$fetched" ] || mkdir "$fetched"
	IFS=$rs
	for source in $remote_sources; do
		unset IFS
		source_number=$((source_number + 1))
		if is_git "$source"; then fetch_git_source; else fetch_file; fi
		IFS=$rs
	done
	unset IFS
}

fetch_file() {
	file_name=${source%%[?#]*}
	file_name=${file_name#*://}
	case $file_name in */*) file_name=${file_name##*/} ;; *) file_name='' ;; esac
	case $f2/$file_name in
	*//) failed "cannot determine filename from url: $source" ;;
	esac
	case $file_name in . | .. | *[[:cntrl:]]*) failed "cannot determine filename from url: $source" ;; '') file_name='file' ;; esac
	if [ ! -e "$fetched/$source_number/$file_name" ]; then
		mkdir "$fetched/$source_number"
		download "$source" "$fetched/$source_number/$file_name" || failed "ADD failed: cannot fetch $source"
	fi
	sum=$(sha256sum <"$fetched/$source_number/$file_name")
	sum=sha256:${sum%% *}
	[ "${f8:-$sum}" = "$sum" ] || failed "digest mismatch $sum: $f8"
	content="$content $sum"
}

fetch_git_source() {
	[ -z "$f8" ] || failed 'ADD --checksum: for files from a URL only'
	[ -d "$fetched/$source_number" ] || clone "$source" "$fetched/$source_number" "$f11"
	content="$content $(context digest "$fetched/$source_number" .)"
}

add_fetched() {
	fetched=$work/fetch.$stage_number.$1 source_number=0
	IFS=$rs
	for source in $remote_sources; do
		unset IFS
		source_number=$((source_number + 1))
		if is_git "$source"; then
			both get_clone put_archive
		else
			set +f
			for file in "$fetched/$source_number"/*; do file_name=${file##*/}; done
			set -f
			chmod 600 "$file"
			if [ "$f10" = true ] && holds_archive "$file"; then
				ln -f "$file" "$step/file"
				unpack_added
			else
				both get_file put_archive
			fi
		fi
		IFS=$rs
	done
	unset IFS
}

get_clone() { x context tar "$fetched/$source_number" .; }
get_file() { x context tar --literal "$fetched/$source_number" "$file_name"; }

# both FROM TO: a pipe of two functions that must both be right.
both() {
	if [ "$explain" = only ]; then
		line=$("$1")
		say "$line |
  $("$2" 4>&1) >/dev/null"
		return
	fi
	failed_part=$({
		{ "$1" || echo from >&3; } | "$2" 4>/dev/null || echo to >&3
	} 3>&1)
	[ -z "$failed_part" ] || exit 1
}

# find_owner: --chown by numbers, into $owner. Names are those of the image so far.
find_owner() {
	owner=''
	case $f5 in
	*[!0-7]* | ?????*)
		show_source
		failed "--chmod: octal digits, not '$f5'"
		;;
	esac
	[ -n "$f4" ] || return 0
	user=${f4%%:*} owner_group=$user
	case $f4 in *:*) owner_group=${f4#*:} ;; esac
	number_of passwd "$user" || failed "unable to find user $user: invalid user"
	owner=$number
	if [ "$owner_group" = "$user" ] && case $f4 in *:*) false ;; esac; then
		case $user in *[!0-9]*) ;; *) owner_group=$user ;; esac
		number=${primary:-$owner_group}
	else
		number_of group "$owner_group" || failed "unable to find group $owner_group: invalid group"
	fi
	owner=$owner:$number
}

# number_of FILE NAME: its number in that file of the image, $number; of a user, with a group: $primary.
number_of() {
	primary=''
	case $2 in
	*[!0-9]* | '') ;;
	*)
		number=$2
		return
		;;
	esac
	found_line=$(over "$chains" 8 context cat fd:8 "etc/$1" 2>/dev/null |
		awk -F : -v name="$2" '$1 == name && $3 ~ /^[0-9]+$/ { print $3, $4; exit }') || :
	number=${found_line%% *} primary=${found_line#* }
	case $1 in group) primary='' ;; esac
	[ -n "$number" ]
}

copy_heredocs() {
	x rm -rf "$step/here"
	x mkdir "$step/here"
	[ "$explain" != only ] || mkdir -p "$step/here"
	IFS=$rs
	for here in $f9; do
		unset IFS
		here_name=${here%%"$gs"*}
		decode "${here#*"$gs"}" "$step/here/$here_name"
		both choose_here put_archive
		IFS=$rs
	done
	unset IFS
}

choose_here() {
	x context tar "$step/here" "$here_name"
}

# ---- RUN ---------------------------------------------------------------------

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
	stubs='' held=''
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
	tmpfs) ;;
	*) failed "--mount=type=$m_type is not supported" ;;
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
	start_container || exit 1
	network=$network_wanted
	run_container
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
		printf '%s\n > %s:\n' ------ "$title"
		crilog "$dir/log" 2>&1 | tail -n 20
		printf '%s\n' ------
	} >&2
	show_source
	words=$(head -c 400 "$dir/argv" | tr '\0' ' ')
	failed "process \"${words% }\" did not complete successfully: exit code: $1"
}

# end_own_container: the one of this stage.
end_own_container() {
	get "$work/container.$stage_number" || return 0
	id=$value
	container_dirs
	[ ! -d "$dir" ] || end_unfinished || :
	[ ! -d "$dir" ] || remove_container
	rm -f "$work/container.$stage_number"
}
