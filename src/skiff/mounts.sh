# The mounts of a new container, as arguments of unshare-run: -v, --mount, --tmpfs, --volumes-from,
# --device, and the volumes of the image. Sourced by root.sh, if there are any.
#
# First all are planned, each a line of fields with tabs between; then they are written, those
# nearer the root first, so that none hides another:
#
#   DEPTH  DESTINATION  KIND  SOURCE  ACCESS  MODE  PROPAGATION  RECURSIVE  SUBPATH  COPY
#
# KIND is bind, tmpfs, named or anonymous; the last two are volumes, and SOURCE is their name (of a
# tmpfs: its options). "-" is an empty field; SUBPATH has a "/" before it.

planned='' destinations=$nl # of those planned, a line each

# write_mounts: from $mounts, lines "KIND VALUE" as create_option left them.
write_mounts() {
	sources='' anonymous='' # those come last
	while [ -n "$mounts" ]; do
		item=${mounts%%"$nl"*} mounts=${mounts#*"$nl"}
		case $item in *"$tab"*) die "a tab in '$item'" ;; esac
		case $item in
		'from '*) sources=${item#* }$nl$sources ;; # of two with one destination the later counts
		'anonymous '*) anonymous=$anonymous${item#* }$nl ;;
		*) "plan_${item%% *}" "${item#* }" ;;
		esac
	done
	while [ -n "$sources" ]; do
		item=${sources%%"$nl"*} sources=${sources#*"$nl"}
		plan_from "$item"
	done
	while [ -n "$anonymous" ]; do
		item=${anonymous%%"$nl"*} anonymous=${anonymous#*"$nl"}
		plan_anonymous "$item"
	done
	if [ -s "$image_dir/volumes" ]; then
		while IFS= read -r item; do plan_anonymous "$item"; done <"$image_dir/volumes"
	fi
	depth=1
	while [ -n "$planned" ]; do
		deeper=''
		while [ -n "$planned" ]; do
			item=${planned%%"$nl"*} planned=${planned#*"$nl"}
			if [ "${item%%"$tab"*}" -eq $depth ]; then
				write_mount "${item#*"$tab"}"
			else
				deeper=$deeper$item$nl
			fi
		done
		planned=$deeper
		depth=$((depth + 1))
	done
}

# ---- the plan ----------------------------------------------------------------

# clean_path PATH: an absolute path without ".", ".." and empty parts, by its text, into $cleaned;
# the number of its parts into $depth.
clean_path() {
	rest=$1/ cleaned='' depth=0
	while [ -n "$rest" ]; do
		part=${rest%%/*} rest=${rest#*/}
		case $part in
		'' | .) ;;
		..) [ $depth -eq 0 ] || cleaned=${cleaned%/*} depth=$((depth - 1)) ;;
		*) cleaned=$cleaned/$part depth=$((depth + 1)) ;;
		esac
	done
	cleaned=${cleaned:-/}
}

# plan DESTINATION KIND SOURCE ACCESS MODE PROPAGATION RECURSIVE SUBPATH COPY
plan() {
	clean_path "$1"
	shift
	case $1 in named | anonymous) type=volume ;; *) type=$1 ;; esac
	[ "$cleaned" != / ] || die "invalid mount config for type \"$type\": invalid specification: destination can't be '/'"
	[ $depth -lt 100 ] || die "a mount point is too deep: '$cleaned'"
	case $destinations in *"$nl$cleaned$nl"*) die "Duplicate mount point: $cleaned" ;; esac
	destinations=$destinations$cleaned$nl
	planned=$planned$depth$tab$cleaned
	for field in "$@"; do planned=$planned$tab${field:--}; done
	planned=$planned$nl
}

is_planned() {
	clean_path "$1"
	case $destinations in *"$nl$cleaned$nl"*) ;; *) return 1 ;; esac
}

# plan_anonymous PATH: a volume without a name, unless something is mounted there anyway.
plan_anonymous() {
	! is_planned "$1" || return 0
	new_id_of_volume
	plan "/$1" anonymous "$volume_id" rw '' '' '' '' copy
}

new_id_of_volume() {
	container_id=$id
	new_id
	volume_id=$id id=$container_id
	made_volumes=$made_volumes$volume_id$nl # for abandon()
}

# plan_volume [SOURCE:]PATH[:MODE]: -v
plan_volume() {
	spec=$1 mode=''
	case $1 in
	*:*:*:*) invalid_volume ;;
	*:*:*) mode=${1##*:} source=${1%%:*} target=${1#*:} target=${target%:*} ;;
	*) source=${1%%:*} target=${1#*:} ;;
	esac
	case $1 in :* | *:) die "invalid spec: $1: empty section between colons" ;; esac
	case $target in /*) ;; *) invalid_volume ;; esac
	read_mode "$mode"
	case $source in
	/* | . | .. | ./* | ../*) ;;
	*)
		[ -z "$propagation" ] || invalid_volume
		. "$lib/volume.sh"
		check_volume_name "$source"
		plan "$target" named "$source" "$access" "$mode" '' '' '' "$copy"
		return
		;;
	esac
	[ -n "$copy" ] || invalid_volume
	case $source in /*) ;; *) source=$PWD/$source ;; esac
	clean_path "$source"
	source=$cleaned
	plan "$target" bind "$source" "$access" "$mode" "$propagation" '' '' ''
	[ -e "$source" ] || x mkdir -p "$source" || die "cannot make $source"
}

invalid_volume() {
	die "invalid volume specification: '$spec'"
}

# read_mode WORDS: $access, $propagation and $copy; each may be said once.
read_mode() {
	access='' propagation='' copy=copy label='' consistency='' words=$1
	while [ -n "$words" ]; do
		word=${words%%,*}
		case $words in *,*) words=${words#*,} ;; *) words='' ;; esac
		case $word,$access,$propagation,$copy,$label,$consistency in
		r[ow],,*) access=$word ;;
		[zZ],*,*,*,,*) label=$word ;;
		nocopy,*,*,copy,*) copy='' ;;
		consistent,*, | cached,*, | delegated,*,) consistency=$word ;;
		rprivate,*,,*,*,* | private,*,,*,*,* | rslave,*,,*,*,* | slave,*,,*,*,* | rshared,*,,*,*,* | shared,*,,*,*,*)
			propagation=$word
			;;
		*) die "invalid mode: $1" ;;
		esac
	done
	: "${access:=rw}"
}

# plan_tmpfs PATH[:OPTIONS]: --tmpfs
plan_tmpfs() {
	case $1 in *:*) options=${1#*:} ;; *) options='' ;; esac
	case $1 in /*) ;; *) die "invalid mount path: '${1%%:*}' mount path must be absolute" ;; esac
	plan "${1%%:*}" tmpfs "$options" rw '' '' '' '' ''
}

# plan_from CONTAINER[:MODE]: all that it mounts, but no tmpfs.
plan_from() {
	case $1 in
	*:ro | *:rw | *:z | *:Z | *:ro,[zZ] | *:rw,[zZ]) other=${1%:*} limit=${1##*:} ;;
	*:*) die "invalid mode: ${1##*:}" ;;
	*) other=$1 limit=rw ;;
	esac
	(find_container "$other") || exit "${failure:-1}"
	other=$(find_container "$other" && printf '%s' "$id")
	other=$SKIFF_ROOT/containers/$other
	propagation='' recursive='' subpath=''
	while IFS= read -r word; do
		case $word in
		--propagation) IFS= read -r propagation ;;
		--recursive) IFS= read -r recursive ;;
		--subpath) IFS= read -r subpath ;;
		--bind | --ro-bind)
			{ IFS= read -r source && IFS= read -r target; } || break
			plan_one_from
			propagation='' recursive='' subpath=''
			;;
		esac
	done <"$other/unshare-run"
}

# plan_one_from: one of those, $source on $target.
plan_one_from() {
	access=rw
	case $word,$limit in --ro-bind,* | *,ro*) access=ro ;; esac
	kind=bind
	case $source in
	"$share/init") return ;; # of --init
	"$SKIFF_ROOT"/volumes/*/_data)
		source=${source#"$SKIFF_ROOT/volumes/"}
		source=${source%/_data} kind=named
		# An anonymous one stays that: the last container takes it along.
		! grep -q "^$source anonymous " "$other/volumes" || kind=anonymous
		;;
	esac
	is_planned "$target" ||
		plan "$target" "$kind" "$source" "$access" '' "$propagation" "$recursive" "${subpath:+"/$subpath"}" ''
}

# ---- --mount -----------------------------------------------------------------

# plan_mount SPEC: KEY=VALUE,... with the quotes of CSV.
plan_mount() {
	spec=$1 fields=$1, groups=''
	type=volume source='' target='' access=rw propagation='' recursive='' subpath='' copy=copy
	driver=local labels='' driver_options='' size='' mode='' make_source=''
	[ -n "$1" ] || bad_mount EOF
	while [ -n "$fields" ]; do
		next_field
		mount_field
	done
	[ -n "$target" ] || bad_mount 'target is required'
	for group in $groups; do
		[ "$group" = "$type" ] || bad_mount "cannot mix '$group-*' options with mount type '$type'"
	done
	case $type in
	volume | bind | tmpfs) ;;
	*) die "invalid mount config for type \"$type\": mount type unknown" ;;
	esac
	case $target in /*) ;; *) bad_config "invalid mount path: '$target' mount path must be absolute" ;; esac
	"plan_mount_$type"
}

bad_mount() {
	usage_error "invalid argument \"$spec\" for \"--mount\" flag: $1"
}

bad_config() {
	die "invalid mount config for type \"$type\": $1"
}

# next_field: take the next one off $fields, which end in a comma, into $field.
next_field() {
	case $fields in
	\"*) ;;
	*)
		field=${fields%%,*} fields=${fields#*,}
		case $field in *\"*) bad_mount 'parse error: bare " in non-quoted-field' ;; esac
		return
		;;
	esac
	fields=${fields#?} field=''
	while :; do
		case $fields in *\"*) ;; *) bad_mount 'parse error: extraneous or missing " in quoted-field' ;; esac
		field=$field${fields%%\"*} fields=${fields#*\"}
		case $fields in
		\"*) field=$field\" fields=${fields#?} ;;
		,*) break ;;
		*) bad_mount 'parse error: extraneous or missing " in quoted-field' ;;
		esac
	done
	fields=${fields#,}
}

# mount_field: $field, KEY=VALUE or the name of a flag.
mount_field() {
	key=$(printf '%s' "${field%%=*}" | tr '[:upper:]' '[:lower:]') value=${field#*=}
	case $field in
	*=*) ;;
	*)
		case $key in
		readonly | ro | volume-nocopy | bind-nonrecursive | bind-create-src) value=true ;;
		*) bad_mount "invalid field '$field' must be a key=value pair" ;;
		esac
		;;
	esac
	case $key in volume-* | bind-* | tmpfs-*) groups="$groups ${key%%-*}" ;; esac
	case $key in
	type) type=$(printf '%s' "$value" | tr '[:upper:]' '[:lower:]') ;;
	source | src) mount_source ;;
	target | dst | destination) target=$value ;;
	readonly | ro) ! mount_flag || access=ro ;;
	consistency) ;;
	bind-propagation) propagation=$value ;;
	bind-create-src) ! mount_flag || make_source=true ;;
	bind-nonrecursive) ! mount_flag || recursive=disabled ;;
	bind-recursive)
		case $value in
		enabled | disabled | writable | readonly) recursive=$value ;;
		*) bad_mount "invalid value for bind-recursive: $value (must be \"enabled\", \"disabled\", \"writable\", or \"readonly\")" ;;
		esac
		;;
	volume-subpath) subpath=/$value ;;
	volume-nocopy) ! mount_flag || copy='' ;;
	volume-label)
		case $value in *=*) ;; *) value=$value= ;; esac
		labels=$labels$value$nl
		;;
	volume-driver) driver=$value ;;
	volume-opt)
		case $value in *=*) ;; *) bad_mount "invalid field '$field' must be a key=value pair" ;; esac
		driver_options=$driver_options$value$nl
		;;
	tmpfs-size)
		case $value in '' | *[!0-9bBkKmMgGiI]* | [!0-9]*) bad_mount "invalid value for tmpfs-size: $value" ;; esac
		size=${value%[bB]}
		size=size=${size%[iI]}
		;;
	tmpfs-mode)
		case $value in '' | *[!0-7]* | ??????*) bad_mount "invalid value for tmpfs-mode: $value" ;; esac
		mode=mode=$value
		;;
	*) bad_mount "unexpected key '${field%%=*}' in '$field'" ;;
	esac
}

mount_source() {
	source=$value
	case $value in .  | .. | ./* | ../*) clean_path "$PWD/$value" && source=$cleaned ;; esac
}

# mount_flag: is $value true?
mount_flag() {
	case $value in
	true | 1 | t | T | TRUE | True) ;;
	false | 0 | f | F | FALSE | False) return 1 ;;
	*) bad_mount "invalid value for $key: $value" ;;
	esac
}

plan_mount_volume() {
	[ "$driver" = local ] || die "error looking up volume plugin $driver: plugin \"$driver\" not found"
	case $subpath in
	'' | /[!/]*) ;;
	*) bad_config 'invalid volume subpath: it must be a relative path' ;;
	esac
	case /$subpath/ in */../*) bad_config 'invalid volume subpath: it must not lead out of the volume' ;; esac
	. "$lib/volume.sh"
	kind=named
	if [ -z "$source" ]; then
		kind=anonymous
		new_id_of_volume
		source=$volume_id
	fi
	check_volume_name "$source"
	plan "$target" "$kind" "$source" "$access" '' '' '' "$subpath" "$copy"
	# Labels and options are those of a volume that is made now.
	[ -z "$labels$driver_options" ] || need_volume "$source" "$kind" "$labels" "$driver_options"
}

plan_mount_bind() {
	[ -n "$source" ] || bad_config 'field Source must not be empty'
	case $source in /*) ;; *) bad_config "invalid mount path: '$source' mount path must be absolute" ;; esac
	case ${propagation:-private} in
	private | rprivate | slave | rslave | shared | rshared) ;;
	*) bad_config "invalid propagation mode: $propagation" ;;
	esac
	case $recursive,$access in
	readonly,rw | writable,rw)
		bad_mount "option 'bind-recursive=$recursive' requires 'readonly' to be specified in conjunction" ;;
	esac
	case $recursive,$propagation in
	readonly,rprivate) ;;
	readonly,*) bad_mount "option 'bind-recursive=readonly' requires 'bind-propagation=rprivate' to be specified in conjunction" ;;
	esac
	case $recursive in disabled) recursive=no ;; writable) ;; *) recursive='' ;; esac
	[ -e "$source" ] || [ -n "$make_source" ] || bad_config "bind source path does not exist: $source"
	plan "$target" bind "$source" "$access" '' "$propagation" "$recursive" '' ''
	[ -e "$source" ] || x mkdir -p "$source" || die "cannot make $source"
}

plan_mount_tmpfs() {
	[ -z "$source" ] || bad_config 'field Source must not be specified'
	case $target in *:*) bad_config "a colon in '$target'" ;; esac
	options=$size${size:+${mode:+,}}$mode
	[ "$access" = rw ] || options=ro${options:+,}$options
	plan "$target" tmpfs "$options" "$access" '' '' '' '' ''
}

# ---- writing -----------------------------------------------------------------

# write_mount FIELDS: one of the plan.
write_mount() {
	IFS=$tab
	# shellcheck disable=SC2086 # the fields
	set -- $1
	unset IFS
	bind=--bind
	[ "$4" = rw ] || bind=--ro-bind
	case $2 in
	tmpfs)
		case $3 in -) append "$dir/unshare-run" --tmpfs "$1" ;; *) append "$dir/unshare-run" --tmpfs "$1:$3" ;; esac
		return
		;;
	bind)
		check_propagation "$3" "$6"
		set -- "$1" "$3" "$6" "$7" "$8"
		;;
	*)
		. "$lib/volume.sh"
		# First the note that we use it: who removes one looks for such.
		append "$dir/volumes" "$3 $2 $4 $5 $1"
		need_volume "$3" "$2" '' ''
		[ "$9" != copy ] || fill_new_volume "$3" "$1"
		set -- "$1" "$SKIFF_ROOT/volumes/$3/_data" "$6" "$7" "$8"
		;;
	esac
	target=$1 source=$2 propagation=${3#-} recursive=${4#-} subpath=${5#-}
	append "$dir/unshare-run" ${propagation:+--propagation "$propagation"} ${recursive:+--recursive "$recursive"} \
		${subpath:+--subpath "${subpath#/}"} $bind "$source" "$target"
}

# need_volume NAME KIND LABELS OPTIONS: make it, unless it is there.
need_volume() {
	case $2 in
	anonymous) make_volume "$1" "com.docker.volume.anonymous=$nl$3" "$4" ;;
	*) make_volume "$1" "$3" "$4" ;;
	esac
}

# fill_new_volume NAME PATH: what the image has there. One with options has to be mounted for that.
fill_new_volume() {
	[ ! -e "$SKIFF_ROOT/volumes/$1/options" ] || mount_volume "$1"
	(fill_volume "$1" "$2") && filled=0 || filled=$?
	unmount_volume "$1" "$id"
	[ "$filled" -eq 0 ] || exit "$filled"
}

# check_propagation SOURCE MODE: mounts can come and go only where the host's mount is shared.
check_propagation() {
	case $2 in *shared) wanted='shared' ;; *slave) wanted='shared or slave' ;; *) return 0 ;; esac
	have=$(findmnt -no PROPAGATION,TARGET -T "$1") || die "cannot find the mount of $1"
	case $2,${have%% *} in
	*shared,*shared | *shared,shared,* | *slave,shared* | *slave,*slave*) ;;
	*) die "path $1 is mounted on ${have##* } but it is not a $wanted mount" ;;
	esac
}

# forget_new_volumes: of a container that was not made after all.
forget_new_volumes() {
	. "$lib/volume.sh"
	while [ -n "$made_volumes" ]; do
		drop_volume "$SKIFF_ROOT/volumes/${made_volumes%%"$nl"*}"
		made_volumes=${made_volumes#*"$nl"}
	done
}

# device_mount HOST[:PATH[:rwm]]|KIND=NAME: the node inside, and the rule of the control group.
device_mount() {
	case $1 in
	/*) ;;
	[a-zA-Z]*/*=?*)
		. "$lib/cdi.sh"
		cdi_device "${1%%=*}" "${1#*=}" || die "CDI device injection failed: unresolvable CDI devices $1"
		return
		;;
	esac
	node=${1%%:*}
	if [ -d "$node" ]; then
		device_directory "$1"
		return
	fi
	[ -b "$node" ] || [ -c "$node" ] || die "--device '$1': $node is not a device"
	access=rwm inside=''
	case $1 in
	*:*:*)
		access=${1##*:} inside=${1#*:}
		inside=${inside%:*}
		;;
	*:/*) inside=${1#*:} ;;
	*:*) access=${1##*:} ;;
	esac
	case "$access" in '' | *[!rwm]*) die "--device '$1': access must be of r, w and m" ;; esac
	append "$dir/unshare-run" --device "$node${inside:+":$inside"}"
	major_minor=$(stat -L -c '0x%t 0x%T' "$node")
	letter=c
	[ ! -b "$node" ] || letter=b
	limits="$limits--device$nl$letter $((${major_minor% *})):$((${major_minor#* })) $access$nl"
}

# device_directory HOST[:PATH[:rwm]]: all devices in it.
device_directory() {
	from=${node%/} into=${node%/} rights_there=''
	case $1 in
	*:/*:*) into=${1#*:} into=${into%:*} rights_there=:${1##*:} ;;
	*:/*) into=${1#*:} ;;
	*:*) rights_there=:${1#*:} ;;
	esac
	nodes=$(find "$from/" -type b -o -type c)
	[ -n "$nodes" ] || die "--device '$1': there is no device in $from"
	nodes=$nodes$nl
	while [ -n "$nodes" ]; do
		node=${nodes%%"$nl"*} nodes=${nodes#*"$nl"}
		device_mount "$node:${into%/}${node#"$from"}$rights_there"
	done
}
