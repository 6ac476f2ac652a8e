# Volumes: making, filling, using and removing them. Sourced by their verbs, and where a
# container has some.
#
#   volumes/NAME/{created,driver,labels,options,_data/}     the volume; _data is what is mounted
#   volumes/.NAME.PID                                       one being made or removed
#   containers/ID/volumes                                   lines NAME KIND ACCESS MODE DESTINATION
#
# Who uses a volume is found from the containers' files. One with options (a tmpfs, a share) is
# mounted on _data while somebody does: $SKIFF_RUN/volumes/NAME/ID says who.

use journal.sh
. "$lib/filter.sh"

# check_volume_name NAME: end unless it is one, with Docker's messages.
check_volume_name() {
	case $1 in
	?) die "create $1: volume name is too short, names should be at least two alphanumeric characters" ;;
	[!A-Za-z0-9]* | *[!A-Za-z0-9_.-]* | '')
		die "create $1: \"$1\" includes invalid characters for a local volume name, only \"[a-zA-Z0-9][a-zA-Z0-9_.-]\" are allowed. If you intended to pass a host directory, use absolute path" ;;
	esac
	[ ${#1} -le 255 ] || die "create $1: volume name is longer than 255 characters"
}

# find_volume NAME: its directory into $volume; false if there is none.
find_volume() {
	case $1 in [!A-Za-z0-9]* | *[!A-Za-z0-9_.-]* | '') return 1 ;; esac
	volume=$SKIFF_ROOT/volumes/$1
	[ -s "$volume/created" ]
}

# check_volume_options NAME OPTIONS: lines NAME=VALUE, those that Docker's driver "local" has.
check_volume_options() {
	left_options=$2 given=' '
	while [ -n "$left_options" ]; do
		one=${left_options%%"$nl"*} left_options=${left_options#*"$nl"}
		case ${one%%=*} in
		type | device | o) given="$given${one%%=*} " ;;
		*) die "create $1: invalid option: \"${one%%=*}\"" ;;
		esac
	done
	case $given in ' ' | *' type '*) ;; *' device '*) die "create $1: missing required option: \"type\"" ;; esac
	case $given in ' ' | *' device '*) ;; *) die "create $1: missing required option: \"device\"" ;; esac
}

# make_volume NAME [LABELS [OPTIONS]]: lines NAME=VALUE. One that is there already will do.
make_volume() {
	! find_volume "$1" || return 0
	check_volume_options "$1" "${3:-}"
	[ -d "$SKIFF_ROOT/volumes" ] || x mkdir -m 0700 "$SKIFF_ROOT/volumes" || die "cannot make $SKIFF_ROOT/volumes"
	volume=$SKIFF_ROOT/volumes/$1
	aside=$scratch$SKIFF_ROOT/volumes/.$1.$$
	[ "$explain" != only ] || mkdir -p "$aside"
	x mkdir "$aside" && x mkdir "$aside/_data" || die "cannot make $aside"
	put "$aside/driver" local
	name_values "$aside/labels" "${2:-}"
	name_values "$aside/options" "${3:-}"
	read_clock
	put "$aside/created" "$clock_time"
	if x_quietly mv -T "$aside" "$volume"; then
		event "$clock_time" volume create "$1" driver=local
	else
		# Another may have been faster; theirs is as good.
		rm -rf "$aside"
		find_volume "$1" || die "cannot make $volume"
	fi
}

# name_values FILE LINES: each into the NUL list FILE.
name_values() {
	values=$2
	while [ -n "$values" ]; do
		append0 "$1" "${values%%"$nl"*}"
		values=${values#*"$nl"}
	done
}

# volume_option NAME: the value of an option of $volume, into $value.
volume_option() {
	value=$(tr '\0' '\n' <"$volume/options" | sed -n "s/^$1=//p")
}

# ---- who uses it -------------------------------------------------------------

# each_use FUNCTION: FUNCTION CONTAINER NAME KIND ACCESS MODE DESTINATION for each that any
# container has.
each_use() {
	set +f
	for uses in "$SKIFF_ROOT"/containers/*/volumes; do
		set -f
		its_user=${uses%/volumes}
		while read -r its_volume its_kind its_access its_mode its_place; do
			"$1" "${its_user##*/}" "$its_volume" "$its_kind" "$its_access" "$its_mode" "$its_place"
		done 2>/dev/null <"$uses" || : # it goes meanwhile
	done
	set -f
}

# volume_users NAME [EXCEPT]: the containers that have it, into $users: IDs with ", " between.
volume_users() {
	users='' wanted=$1 except=${2:-}
	each_use note_user
}

note_user() {
	case $2,$users in
	"$wanted",*"$1"*) ;;
	"$wanted",*) [ "$1" = "$except" ] || users=$users${users:+, }$1 ;;
	esac
}

# ---- removing ----------------------------------------------------------------

# remove_volume NAME [TIME]: with all that is in it. Set aside first: then nobody can begin to use
# it, and who did before is seen.
remove_volume() {
	find_volume "$1" || {
		warn "get $1: no such volume"
		return 1
	}
	volume_users "$1"
	[ -z "$users" ] || in_use "$1" || return
	aside=$SKIFF_ROOT/volumes/.$1.$$
	# Who fills it holds this lock, and has noted before that he uses it.
	[ "$explain" = only ] || { exec 5<"$volume" && flock 5; }
	x mv -T "$volume" "$aside" || return
	volume_users "$1"
	if [ -n "$users" ] && [ "$explain" != only ]; then
		mv -T "$aside" "$volume" 2>/dev/null || drop_volume "$aside" # they have made a new one
		in_use "$1" || return
	fi
	drop_volume "$aside" || return
	[ ! -d "$SKIFF_RUN/volumes/$1" ] || x rm -rf "$SKIFF_RUN/volumes/$1"
	event "${2:-}" volume destroy "$1" driver=local
}

# drop_volume DIRECTORY: remove it, but never what is mounted there: that may be of the host.
drop_volume() {
	if [ -e "$1/options" ]; then
		while mountpoint -q "$1/_data"; do x umount "$1/_data" || return; done
	fi
	x rm -rf "$1"
}

in_use() {
	warn "remove $1: volume is in use - [$users]"
	return 1
}

# doomed_volumes: the anonymous volumes of the container in $dir that no other has, into $doomed:
# for each a line with what makes it a volume, which is to go first, and one with its directory.
doomed_volumes() {
	doomed='' doomed_names=''
	while read -r name kind access mode destination; do
		[ "$kind" = anonymous ] && find_volume "$name" || continue
		case "$nl$doomed" in *"$nl$volume$nl"*) continue ;; esac
		volume_users "$name" "$id"
		[ -z "$users" ] || continue
		if [ -e "$volume/options" ]; then
			drop_volume "$volume" || continue
		else
			doomed=$doomed$volume/created$nl$volume$nl
		fi
		doomed_names="$doomed_names $name"
	done <"$dir/volumes"
}

# ---- first use: what the image has there -------------------------------------

# is_empty DIRECTORY: a process less than ls.
is_empty() {
	set +f
	set -- "$1"/* "$1"/.[!.]* "$1"/..?*
	set -f
	for entry in "$@"; do
		[ ! -e "$entry" ] && [ ! -L "$entry" ] || return 1
	done
}

# fill_volume NAME PATH: give an empty volume what the image has at PATH.
fill_volume() {
	volume=$SKIFF_ROOT/volumes/$1 path=$2
	[ "$explain" = only ] || [ -e "$volume/content" ] || is_empty "$volume/_data" || return 0
	set -- layerfs stack --fd 8
	while read -r layer; do set -- "$@" "$SKIFF_ROOT/layers/$layer/fs"; done <"$image_dir/layers"
	x "$@" -- sh "$lib/fill.sh" "$volume" "$path" || die "cannot fill the volume ${volume##*/} from $path of the image"
}

# finish_filling NAME: somebody was killed on the way; all that is needed is in the volume.
finish_filling() {
	x sh "$lib/fill.sh" "$SKIFF_ROOT/volumes/$1" ''
}

# ---- while a container runs --------------------------------------------------

# use_volumes: make the volumes of the container in $dir ready for its start.
use_volumes() {
	read_clock
	while read -r name kind access mode destination; do
		find_volume "$name" || [ "$explain" = only ] || die "volume $name: no such volume (removed by hand? make it again: skiff volume create $name)"
		[ ! -e "$volume/content" ] || finish_filling "$name"
		mount_volume "$name"
		writable=true
		[ "$access" = rw ] || writable=false
		event "$clock_time" volume mount "$name" "container=$id" "destination=$destination" driver=local propagation= \
			"read/write=$writable"
	done <"$dir/volumes"
}

# release_volumes [TIME]: the container in $dir runs no more.
release_volumes() {
	released_at=${1:-}
	while read -r name kind access mode destination; do
		event "$released_at" volume unmount "$name" "container=$id" driver=local
	done <"$dir/volumes"
	unmount_volumes
}

unmount_volumes() {
	while read -r name kind access mode destination; do
		unmount_volume "$name" "$id" || :
	done <"$dir/volumes"
}

# mount_volume NAME: mount what the options of a volume say, for the container $id.
mount_volume() {
	volume=$SKIFF_ROOT/volumes/$1 holders=$SKIFF_RUN/volumes/$1
	[ -e "$volume/options" ] || return 0
	(
		flock 7
		x mkdir -p -m 0700 "$SKIFF_RUN/volumes" "$holders"
		put "$scratch$holders/$id" "$id"
		! mountpoint -q "$volume/_data" || exit 0
		set --
		for option in type o device; do
			volume_option $option
			[ -z "$value" ] || case $option in
			type) set -- "$@" -t "$value" ;;
			o) set -- "$@" -o "$value" ;;
			device) set -- "$@" -- "$value" ;;
			esac
		done
		# FUSE leaves a process, which is to keep neither lock: this one, nor that of the container that starts.
		x mount "$@" "$volume/_data" 7<&- 8<&- || {
			rm -f "$holders/$id"
			rmdir "$holders"
			exit 1
		}
	) 7<"$volume" || die "volume $1: cannot mount it"
}

# unmount_volume NAME [CONTAINER]: that container does not need it any more. The last one does it;
# without a name, if there is none at all.
unmount_volume() {
	[ -e "$SKIFF_ROOT/volumes/$1/options" ] && [ "$explain" != only ] || return 0
	(
		flock 7
		holders=$SKIFF_RUN/volumes/$1
		[ -z "${2:-}" ] || rm -f "$holders/$2"
		[ ! -d "$holders" ] || rmdir "$holders" 2>/dev/null || exit 0
		! mountpoint -q "$SKIFF_ROOT/volumes/$1/_data" || x umount "$SKIFF_ROOT/volumes/$1/_data"
	) 7<"$SKIFF_ROOT/volumes/$1"
}
