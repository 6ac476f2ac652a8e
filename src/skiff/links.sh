# Links (--link): names of other containers that are written into /etc/hosts, for old scripts; on
# networks of one's own the name service does it. Sourced where there are some.
#
#   containers/ID/links        lines ID ALIAS: whom it knows by that name
#   containers/ID/linked-by    IDs: who knows it, and is to be told when its address changes.
#                              Who has been removed meanwhile may still stand there.

# write_link NAME[:ALIAS]: of the new container.
write_link() {
	peer_name=${1%%:*} alias=${1#*:}
	case $alias in '' | *[!A-Za-z0-9_.-]*) die "invalid alias '$alias' of the link $1" ;; esac
	peer_id=$(find_container "$peer_name" && printf '%s' "$id") ||
		die "could not get container for $peer_name"
	[ "$network" != bridge ] || grep -qsE '^bridge(,|$)' "$SKIFF_ROOT/containers/$peer_id/networks" ||
		die "Cannot link to $peer_name, as it does not belong to the default network"
	append "$dir/links" "$peer_id $alias"
	peer_dir=$SKIFF_ROOT/containers/$peer_id
	if [ "$explain" = only ]; then
		say_printf '%s\n' '>>' "$peer_dir/linked-by" "$id"
	else
		note_linked 5<"$peer_dir/created" || die "could not get container for $peer_name"
	fi
}

# note_linked: the new container knows the one in $peer_dir; of the others, those that are gone are left out.
# Descriptor 5 is its file "created", which nobody replaces and no container sees: the lock of what links change.
note_linked() (
	flock 5
	known=''
	[ ! -e "$peer_dir/linked-by" ] || while read -r line; do
		[ "$line" = "$id" ] || [ ! -d "$SKIFF_ROOT/containers/$line" ] || known=$known$line$nl
	done <"$peer_dir/linked-by"
	[ -s "$peer_dir/created" ] && replace "$peer_dir/linked-by" "$known$id"
)

# set_link ALIAS [LINE]: the line of that name in /etc/hosts of the container in $dir. In place: it is mounted.
set_link() {
	change_link "$@" 5<"$dir/created"
}

change_link() (
	flock 5
	text=''
	while IFS= read -r line; do
		case $line in *"$tab$1" | *"$tab$1 "*) ;; *) text=$text$line$nl ;; esac
	done <"$dir/hosts"
	text=$text${2:-}
	put "$dir/hosts" "${text%"$nl"}"
)

# peer_address ID: of that container on one of the networks of the one in $dir, into $address. False if
# they have none in common, or it is not there.
peer_address() {
	while IFS= read -r line; do
		endpoint_file=$networks/${line%%,*}/endpoints/$1
		[ -e "$endpoint_file" ] || continue
		read_endpoint "$endpoint_file"
		[ -z "$address" ] || return 0
	done <"$dir/networks"
	return 1
}

# link_hosts ID ALIAS: let the container in $dir know that one.
link_hosts() {
	peer_dir=$SKIFF_ROOT/containers/$1
	peer_address "$1" && get "$peer_dir/name" || return
	peer_name=$value
	get "$peer_dir/hostname"
	[ "$2" = "$peer_name" ] || value="$value $peer_name"
	set_link "$2" "$address$tab$2 $value"
}

# connect_links: of the container in $dir, which is about to start. On the bridge, where there is no
# name service that would know it later, each of them must run.
connect_links() {
	while read -r peer_id alias <&7; do
		link_hosts "$peer_id" "$alias" && continue
		get "$dir/network"
		[ "$value" = bridge ] || continue
		get "$SKIFF_ROOT/containers/$peer_id/name" || value=$peer_id
		warn "Cannot link to a non running container: /$value AS /$name/$alias"
		return 1
	done 7<"$dir/links"
}

# tell_linked: those who know the container in $dir, which has got an address.
tell_linked() {
	told=$id
	while read -r id <&7; do
		(
			container_dirs
			[ -s "$run/pid" ] && [ -e "$dir/links" ] || exit 0
			while read -r peer_id alias <&6; do
				[ "$peer_id" != "$told" ] || link_hosts "$peer_id" "$alias" || :
			done 6<"$dir/links"
		)
	done 7<"$dir/linked-by"
	id=$told
}

# unlink NAME/ALIAS: take that name from the container NAME.
unlink() {
	parent=${1#/} alias=${1##*/}
	case $parent in */*) parent=${parent%/*} ;; *) die "invalid link $1: it is NAME/ALIAS" ;; esac
	find_container "$parent" || exit 1
	lock_container
	kept='' found=''
	[ ! -e "$dir/links" ] || while IFS= read -r line; do
		if [ "${line#* }" = "$alias" ]; then found=true; else kept=$kept$line$nl; fi
	done <"$dir/links"
	[ -n "$found" ] || die "No such link: $1"
	if [ -n "$kept" ]; then replace "$dir/links" "${kept%"$nl"}"; else x rm "$dir/links"; fi
	set_link "$alias"
}

unlink_each() {
	result=0
	for link in "$@"; do
		if (unlink "$link"); then printf '%s\n' "$link"; else result=1; fi
	done
	return $result
}
