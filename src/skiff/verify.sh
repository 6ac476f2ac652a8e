# Reading everything in the image store again: skiff check --deep. Sourced by check.
#
# What can be known, from the digest that a registry gave on: each blob hashes to its name; the
# files of an image are those that its config gives, its list of blobs is its manifest's; each
# layer's blob inflates to its DiffID, and unpacked again it gives the same tree, as layerfs diff
# writes it: names, contents, owners, modes, times (but of directories), extended attributes,
# whiteouts. Not seen are sockets and names like .wh.X, which no layer can have.
#
# The lock on images is held: nothing is removed, named or announced meanwhile.

. "$lib/remove-image.sh"

verify_all() {
	new='' aside=''
	verify_list=$SKIFF_ROOT/images/.verify.$$
	lock_images
	begin_adding # the small documents of what is here stay, too
	verify_blobs
	seen=' '
	for image in $(entries "$SKIFF_ROOT/images"); do
		case $image in *[!0-9a-f]*) continue ;; esac
		verify_image
	done
	verify_references
	rm -f "$verify_list"
	end_adding
	unlock_images
}

# lost TEXT: a finding that nobody here can put right.
lost() {
	visible "$1"
	found=$((found + 1)) left=$((left + 1))
	printf '%s\n' "$visible"
}

# how_to_get: what to do for the image, into $how: " (skiff pull NAME fetches it again)".
how_to_get() {
	how=' (skiff rmi removes the image)'
	for reference in $(references_to "$image"); do
		digest_of "$reference"
		familiar "$reference"
		how=' (load or import it again)'
		[ -z "$named" ] || how=" (skiff pull $familiar fetches it again)"
	done
}

verify_blobs() {
	for blob in $(entries "$blobs"); do
		case $blob in
		.*.part) ;;
		*[!0-9a-f]*) ;; # a stray
		*) printf '%s  %s\n' "$blob" "$blob" ;;
		esac
	done | (cd "$blobs" && sha256sum -c --quiet 2>/dev/null || :) >"$verify_list"
	while IFS=: read -r blob _; do
		repair "blob sha256:$blob: damaged, to be removed" rm -f "$blobs/$blob"
	done <"$verify_list"
}

# verify_image: the files of $image, its documents, its layers.
verify_image() {
	how_to_get
	if ! [ -f "$blobs/$image" ] || ! get "$SKIFF_ROOT/images/$image/manifest" || ! [ -f "$blobs/${value#sha256:}" ]; then
		lost "image $image: its config or manifest is missing$how"
		return
	fi
	new=$SKIFF_ROOT/images/.$image.$$
	if ! (derive); then
		lost "image $image: its config or manifest cannot be read$how"
		return
	fi
	for file in $(entries "$new"); do
		cmp -s "$new/$file" "$SKIFF_ROOT/images/$image/$file" || printf '%s\n' "$file"
	done >"$verify_list"
	while read -r file; do
		repair "image $image: $file is not what its config and manifest say" mv "$new/$file" "$SKIFF_ROOT/images/$image/$file"
	done <"$verify_list"
	rm -rf "$new"
	verify_layers
}

# derive: the files of $image from its config and manifest, in $new. In a subshell, as it may end.
derive() {
	set -e
	take_apart "$image"
	get "$SKIFF_ROOT/images/$image/manifest"
	layerfs chain-id <"$new/diff-ids" | cut -d: -f2 >"$new/layers"
	jq -r '.layers[] | "\(.digest) \(.size)"' "$blobs/${value#sha256:}" >"$new/blobs"
	trap - EXIT
}

# verify_layers: those of $image, base first.
verify_layers() {
	below='' total=0
	paste -d ' ' "$SKIFF_ROOT/images/$image/layers" "$SKIFF_ROOT/images/$image/diff-ids" \
		"$SKIFF_ROOT/images/$image/blobs" >"$verify_list"
	while read -r chain diff_id blob size <&7; do
		if [ ! -f "$blobs/${blob#sha256:}" ]; then
			lost "image $image: the blob of a layer, $blob, is missing$how"
		else
			[ "$(stat -c %s "$blobs/${blob#sha256:}")" = "$size" ] ||
				lost "image $image: $blob has not the size that the manifest says"
			case $seen in *" $chain "*) ;; *) verify_layer ;; esac
		fi
		if [ ! -d "$SKIFF_ROOT/layers/$chain" ]; then
			lost "image $image: the layer $chain is missing$how"
			return
		fi
		! get "$SKIFF_ROOT/layers/$chain/size" || total=$((total + value))
		below="$below $chain" seen="$seen$chain "
	done 7<"$verify_list"
	get "$SKIFF_ROOT/images/$image/size" && [ "$value" = "$total" ] ||
		repair "image $image: its size is not that of its layers" put "$SKIFF_ROOT/images/$image/size" "$total"
}

# verify_layer: unpack the blob of the layer $chain aside, and compare.
verify_layer() {
	layer=$SKIFF_ROOT/layers/$chain
	if ! unpack_layer "$chain" "$diff_id" "$blob" "$below"; then
		lost "layer $chain: $blob does not give it$how"
	elif [ ! -d "$layer" ]; then
		repair "layer $chain: missing" mv -T "$aside" "$layer"
	elif ! cmp -s "$layer/size" "$aside/size" || ! cmp -s "$layer/diff-id" "$aside/diff-id" ||
		[ "$(tree_digest "$layer/fs")" != "$(tree_digest "$aside/fs")" ]; then
		if layer_in_use; then
			lost "layer $chain: its files have changed; containers that run use it (stop them, and check again)"
		else
			repair "layer $chain: its files have changed" replace_layer
		fi
	fi
	rm -rf "$aside"
}

# tree_digest DIRECTORY: of all that is known of its files. Without the times of whiteouts, and of
# directories: one that the archive does not name has that of its unpacking.
tree_digest() {
	{
		SOURCE_DATE_EPOCH=0 layerfs diff "$1" 2>&1
		find "$1" ! -type d ! -type c -printf '%T@ %P\0' | sort -z
	} | sha256sum
}

# layer_in_use: does a container run whose image has the layer $chain?
layer_in_use() {
	for user_image in $(cd "$SKIFF_ROOT/images" && set +f && grep -lxF -e "$chain" [0-9a-f]*/layers); do
		if (image=${user_image%/layers} && image_user && [ "$state" = running ]); then return; fi
	done
	return 1
}

replace_layer() {
	mv -T "$layer" "$SKIFF_ROOT/layers/.old.$$" && mv -T "$aside" "$layer" && rm -rf "$SKIFF_ROOT/layers/.old.$$"
}

verify_references() {
	[ -d "$SKIFF_ROOT/refs" ] || return 0
	find "$SKIFF_ROOT/refs" -mindepth 2 -type f -printf '%P\n' >"$verify_list"
	while read -r reference; do
		{ read -r image && read -r named && read -r manifest; } <"$SKIFF_ROOT/refs/$reference" || manifest=''
		valid_digest "$image" && valid_digest "$manifest" && { [ "$named" = '<none>' ] || valid_digest "$named"; } ||
			repair "reference $reference: not three digests" remove_reference "$reference"
	done <"$verify_list"
}
