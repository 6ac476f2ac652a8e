# Names of containers. Sourced by the verbs that give one.

# check_name NAME: end unless it is one for a container.
check_name() {
	case $1 in
	[!A-Za-z0-9]* | ? | *[!A-Za-z0-9_.-]*)
		die "Invalid container name ($1), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed" ;;
	esac
	[ ${#1} -le 128 ] || die 'Invalid container name: longer than 128 characters'
}

# free_name NAME: false if it means a container. A link of one that was removed while it was renamed goes; under a lock,
# so that nobody takes what another has made since.
free_name() {
	[ ! -e "$SKIFF_ROOT/names/$1" ] || return
	# shellcheck disable=SC2016 # for the inner shell
	[ ! -L "$SKIFF_ROOT/names/$1" ] ||
		x flock "$SKIFF_ROOT/names" sh -c '[ -e "$1" ] || rm -f "$1"' - "$SKIFF_ROOT/names/$1"
}

# take_name NAME STEP...: take these steps of entry, and let NAME mean the container $id. False if it means
# another: making the link is the check. (Looked at first, as --explain makes no link that could fail.)
take_name() {
	free_name "$1" || return
	wanted=$SKIFF_ROOT/names/$1
	shift
	x entry "$@" symlink "../containers/$id" "$wanted" && return
	[ $? -eq 1 ] || cannot_write "$wanted"
	return 1
}

# name_is_taken NAME: end with Docker's message.
name_is_taken() {
	read -r holder 2>/dev/null <"$SKIFF_ROOT/names/$1/id" || holder=''
	die "Conflict. The container name \"/$1\" is already in use by container \"$holder\". You have to remove (or rename) that container to be able to reuse that name."
}
