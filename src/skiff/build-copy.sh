# COPY and ADD: a tar stream into the layers so far. Sourced by build-steps.sh, which has the fields of a step.

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
	x_to /dev/null layerfs unpack --archive --file "$step/file" "$step/tree" || exit 1
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

# find_owner: --chown by numbers, into $owner. Names are those of the image so far.
find_owner() {
	owner=''
	case $f5 in
	*[!0-7ugoarwxXst,=+-]*)
		show_source
		failed "--chmod: octal digits or as u=rwX,go=rX, not '$f5'"
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
