# Adding to the image store. Sourced by pull, import and load.
#
#   blobs/sha256/HEX     bytes whose digest is HEX, as in an OCI image layout
#   layers/CHAIN/        one unpacked layer (named by its chain ID, as its content
#                        may depend on the layers below): fs/ size diff-id blob
#   images/HEX/          the config HEX taken apart (config.jq), and: layers (chain
#                        IDs, base first), blobs, size, manifest
#
# All is made under a name that begins with "." and renamed when it is whole:
# who is killed in between leaves nothing that others see.
# (refs/.PID is a reference on its way; the others are two levels down or more.)
#
# Two locks (flock(2)) keep what is being added from those who remove (remove-image.sh). Both
# go with the process that holds them.
#
#   blobs/sha256    shared, by who adds, from its first blob to its last name. What no image
#                   has is taken away only by who gets it exclusive, and nobody waits for that.
#   images          for moments: to announce an image (its lists of layers and blobs, in
#                   images/.HEX.PID), to give it its place or a name, and to remove one. What
#                   is announced stays, whoever removes another image that has it too.

blobs=$SKIFF_ROOT/blobs/sha256

# begin_adding, end_adding: around all that adds to the store. A container must not inherit
# the lock from the run that pulled its image.
begin_adding() {
	exec 9<"$blobs"
	flock -s 9
}

end_adding() {
	exec 9<&-
}

lock_images() {
	exec 8<"$SKIFF_ROOT/images"
	flock 8
}

unlock_images() {
	exec 8<&-
}


# clean_up_at_exit: let at_exit, which a verb may extend, run. Not in a subshell.
clean_up_at_exit() {
	trap at_exit EXIT
	trap 'exit 130' INT TERM HUP
}

new='' aside='' # an image and a layer on the way
kept=''         # blobs that keep_blob has added, lines "DIGEST FILE"
at_exit() {
	rm -rf ${new:+"$new"} ${aside:+"$aside"}
}

# take_apart HEX: the config blob as files, in a directory aside, $new. $config_parts is what config.jq makes of it,
# if that is known.
config_parts=''
take_apart() {
	new=$SKIFF_ROOT/images/.$1.$$
	clean_up_at_exit
	mkdir -p "$new"
	[ -n "$config_parts" ] || config_parts=$(jq -r -L "$lib" 'include "config"; parts' "$blobs/$1" 2>"$new/error") || {
		read -r error <"$new/error" || error=invalid
		die "image config sha256:$1: ${error#jq: error*: }"
	}
	IFS=$nl
	# shellcheck disable=SC2086 # lines
	set -- $config_parts
	unset IFS
	while [ $# -gt 0 ]; do
		{ printf %b "$2" >"$new/$1"; } 2>/dev/null || cannot_write "$new/$1"
		shift 2
	done
	config_parts=''
	[ ! -e "$new/error" ] || rm "$new/error"
}

# bad_change: what the instructions of --change were refused for; $error has it from jq.
bad_change() {
	error=${error%%"$nl"*}
	die "${error#jq: error*: }"
}

# begin_image HEX BLOBS: take the config blob apart, and announce the image. BLOBS are the
# manifest's layers, lines "DIGEST SIZE", base first.
begin_image() {
	take_apart "$1"
	lock_images
	layerfs chain-id <"$new/diff-ids" | cut -d: -f2 >"$new/layers"
	printf '%s' "${2:+$2$nl}" >"$new/blobs"
	# Until now who removed another image that has it took a blob away.
	while read -r digest file; do
		[ -z "$digest" ] || [ -f "$blobs/${digest#sha256:}" ] || ln -T "$file" "$blobs/${digest#sha256:}" ||
			die "cannot add to $blobs"
	done <<-END
		$kept
	END
	unlock_images
}

# plan_layers: the layers of the image in $new, lines "CHAIN DIFFID BLOB SIZE", into $new/plan.
plan_layers() {
	paste -d ' ' "$new/layers" "$new/diff-ids" "$new/blobs" >"$new/plan"
	while read -r chain diff_id blob size; do
		[ -n "$size" ] && [ -n "$diff_id" ] || die "the manifest and the config differ in their layers"
	done <"$new/plan"
}

# image_complete HEX: is it here with all of its blobs and layers? (What is found damaged is
# removed: then it can be fetched again.)
image_complete() {
	[ -f "$blobs/$1" ] && get "$SKIFF_ROOT/images/$1/manifest" && [ -f "$blobs/${value#sha256:}" ] || return
	while read -r chain; do
		[ -d "$SKIFF_ROOT/layers/$chain" ] || return
	done <"$SKIFF_ROOT/images/$1/layers"
	[ -e "$SKIFF_ROOT/images/$1/blobs" ] || return 0
	while read -r blob size; do
		[ -f "$blobs/${blob#sha256:}" ] || return
	done <"$SKIFF_ROOT/images/$1/blobs"
}

# add_layer CHAIN DIFFID BLOB LOWERS: unpack a layer blob, unless it is there.
# LOWERS: the layers below it, base first.
add_layer() {
	[ ! -d "$SKIFF_ROOT/layers/$1" ] || return 0
	unpack_layer "$@" || return
	place_layer "$aside" "$1"
}

# unpack_layer CHAIN DIFFID BLOB LOWERS: the same, into the directory $aside.
unpack_layer() {
	aside=$SKIFF_ROOT/layers/.$1.$$
	mkdir "$aside"
	if ! unpack_blob "$2" "$3" "$4" layerfs unpack >"$aside/facts"; then
		rm -rf "$aside"
		return 1
	fi
	describe_layer "$2" "$3"
}

# unpack_blob DIFFID BLOB LOWERS COMMAND...: unpack a layer into $aside/fs. COMMAND is layerfs
# unpack, to which this adds options.
unpack_blob() {
	diff_id=$1 blob=$2 lowers=$3
	shift 3
	[ -n "$lowers" ] || set -- "$@" --base
	for lower in $lowers; do
		set -- "$@" --lower "$SKIFF_ROOT/layers/$lower/fs"
	done
	"$@" --diff-id "$diff_id" --file "$blobs/${blob#sha256:}" "$aside/fs"
}

# describe_layer DIFFID BLOB: the files beside the layer in $aside.
describe_layer() {
	while read -r key value; do
		[ "$key" != size ] || printf '%s\n' "$value" >"$aside/size"
	done <"$aside/facts"
	rm "$aside/facts"
	printf '%s\n' "$1" >"$aside/diff-id"
	printf '%s\n' "$2" >"$aside/blob"
}

# place_layer DIRECTORY CHAIN: make the layer of that directory visible. Another may have been
# faster; theirs is as good as ours.
place_layer() {
	mv -T "$1" "$SKIFF_ROOT/layers/$2" 2>/dev/null || [ -d "$SKIFF_ROOT/layers/$2" ] ||
		die "cannot make $SKIFF_ROOT/layers/$2"
	[ ! -d "$1" ] || rm -rf "$1"
	aside=''
}

# finish_image HEX MANIFEST [CANONICAL]: make the image of begin_image visible, under a name that
# no registry gave, if there is one: nobody sees it without, and takes it for dangling.
finish_image() {
	total=0
	while read -r chain; do
		read -r size <"$SKIFF_ROOT/layers/$chain/size"
		total=$((total + size))
	done <"$new/layers"
	printf '%s\n' "$total" >"$new/size"
	printf '%s\n' "$2" >"$new/manifest"
	lock_images
	# One that is here already may lack a blob: then it was fetched again, by this manifest.
	mv -T "$new" "$SKIFF_ROOT/images/$1" 2>/dev/null ||
		mv "$new/blobs" "$new/manifest" "$SKIFF_ROOT/images/$1" || die "cannot make $SKIFF_ROOT/images/$1"
	[ -z "${3:-}" ] || write_reference "$3" "sha256:$1" '<none>' "$2"
	unlock_images
	[ ! -d "$new" ] || rm -rf "$new"
	new=''
	trap - EXIT INT TERM HUP
}

# name_image CANONICAL IMAGE DIGEST MANIFEST: let a reference mean an image. DIGEST is what a
# registry gave for it, or "<none>". False if the image has been removed meanwhile.
name_image() {
	lock_images
	if [ ! -d "$SKIFF_ROOT/images/${2#sha256:}" ]; then
		unlock_images
		return 1
	fi
	write_reference "$@"
	unlock_images
}

write_reference() {
	keep_digest "$@"
	place_reference "$@"
}

# keep_digest CANONICAL IMAGE DIGEST: what that tag has meant so far stays known by the digest that
# a registry gave for it.
keep_digest() {
	case $1 in *@*) return 0 ;; esac
	{ read -r was && read -r was_named && read -r was_manifest; } 2>/dev/null <"$SKIFF_ROOT/refs/$1" || return 0
	[ "$was_named" = '<none>' ] || [ "$was $was_named" = "$2 $3" ] || [ ! -d "$SKIFF_ROOT/images/${was#sha256:}" ] ||
		place_reference "${1%:*}@$was_named" "$was" "$was_named" "$was_manifest"
}

place_reference() {
	ref=$SKIFF_ROOT/refs/$1
	[ -d "${ref%/*}" ] || x mkdir -p "${ref%/*}"
	(put "$SKIFF_ROOT/refs/.$$" "$2$nl$3$nl$4") || {
		rm -f "$SKIFF_ROOT/refs/.$$"
		exit 1
	}
	x mv "$SKIFF_ROOT/refs/.$$" "$ref" || die "cannot name the image $1"
}

# ---- images that no registry gives -------------------------------------------

# target_name NAME: the reference that an image is to get into $canonical. Ends if it is none.
target_name() {
	canonical "$1" || die "invalid reference format: '$1'"
	[ -n "$tag" ] || die "refusing to create a tag with a digest reference: '$1'"
	case $canonical in
	docker.io/library/sha256:*) die "refusing to create an ambiguous tag using digest algorithm as name: '$1'" ;;
	esac
}

# keep_blob FILE [DIGEST]: give the content store a file (of the same file system), its digest
# into $digest. Refused if that is not DIGEST. FILE must stay as it is until begin_image is over.
keep_blob() {
	digest=$(sha256sum <"$1") || die "cannot read $1"
	digest=sha256:${digest%% *}
	[ "${2:-$digest}" = "$digest" ] || die "$2 refused: the bytes do not hash to it"
	[ "$1" -ef "$blobs/${digest#sha256:}" ] || ln -fT "$1" "$blobs/${digest#sha256:}" ||
		die "cannot add to $blobs"
	kept="$kept$digest $1$nl"
}

# keep_layer FILE: the same for an archive of a layer; its media type into $type. Of what it may
# be compressed with, OCI has names for gzip and zstd only: others are inflated.
keep_layer() {
	suffix='' inflate=''
	case $(od -An -tx1 -N6 "$1") in
	' 1f 8b'*) suffix=+gzip ;;
	' 28 b5 2f fd'*) suffix=+zstd ;;
	' fd 37 7a 58 5a 00') inflate=xz ;;
	' 42 5a 68'*) inflate=bzip2 ;;
	esac
	if [ -n "$inflate" ]; then
		"$inflate" -dc <"$1" >"$1.plain" || die "cannot inflate it with $inflate"
		mv "$1.plain" "$1"
	fi
	keep_blob "$1"
	type=application/vnd.oci.image.layer.v1.tar$suffix
}

# keep_manifest FILE CONFIG LAYERS: write the manifest of the image CONFIG into FILE and keep
# it, its digest in $digest. LAYERS: lines "TYPE DIGEST SIZE", base first.
keep_manifest() {
	{
		printf '{"schemaVersion":2,"mediaType":"%s","config":{"mediaType":"%s","digest":"%s","size":%s},"layers":[' \
			application/vnd.oci.image.manifest.v1+json application/vnd.oci.image.config.v1+json \
			"$2" "$(stat -c %s "$blobs/${2#sha256:}")"
		comma=''
		while read -r type digest size; do
			[ -n "$size" ] || continue # an image may have no layer
			printf '%s{"mediaType":"%s","digest":"%s","size":%s}' "$comma" "$type" "$digest" "$size"
			comma=,
		done <<-END
			$3
		END
		printf ']}'
	} >"$1" || die "cannot write a manifest"
	keep_blob "$1"
}
