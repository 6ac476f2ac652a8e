# The writable layer of a container. Shared by diff and commit.

# upper COMMAND...: COMMAND with the layers of the container in $dir, and the writable one, behind it.
# What the engine itself puts into the root of every container is nobody's change.
upper() {
	for stub in .dockerenv dev proc sys etc/hostname etc/hosts etc/resolv.conf; do
		set -- "$@" --stub "$stub"
	done
	get "$dir/image-id"
	while read -r layer; do
		set -- "$@" --lower "$SKIFF_ROOT/layers/$layer/fs"
	done <"$SKIFF_ROOT/images/$value/layers"
	if [ -d "$dir/rw/upper" ]; then set -- "$@" "$dir/rw/upper"; else set -- "$@" "$dir/rw"; fi # never started: empty
	"$@"
}
