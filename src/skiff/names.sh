# Names of containers. Sourced by the verbs that give one.

# check_name NAME: end unless it is one for a container.
check_name() {
	case $1 in
	[!A-Za-z0-9]* | ? | *[!A-Za-z0-9_.-]*)
		die "Invalid container name ($1), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed" ;;
	esac
	[ ${#1} -le 128 ] || die 'Invalid container name: longer than 128 characters'
}

# link_name NAME: let it mean the container $id. Making the link is the check that no other
# has it. (-e first, as --explain makes no link that could fail.)
link_name() {
	[ -e "$SKIFF_ROOT/names/$1" ] || ! x_quietly ln -sT "../containers/$id" "$SKIFF_ROOT/names/$1" || return 0
	[ -L "$SKIFF_ROOT/names/$1" ] || cannot_write "$SKIFF_ROOT/names/$1"
	read -r holder 2>/dev/null <"$SKIFF_ROOT/names/$1/id" || holder=''
	die "Conflict. The container name \"/$1\" is already in use by container \"$holder\". You have to remove (or rename) that container to be able to reuse that name."
}
