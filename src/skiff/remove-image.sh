# Taking away from the image store. Sourced by rmi, image prune and check.
#
# An image goes in steps, so that no lock is needed to make a container. The remover renames
# images/HEX to images/.HEX.removed.PID, then looks for containers that use it, and puts it back
# if there is one. The maker of a container writes "image-id" first, then looks whether the image
# is there still. So one of the two sees the other. What is to go for good is renamed to
# images/.gone.HEX.PID; layers to layers/.CHAIN.PID.

use container.sh
. "$lib/store.sh"
use journal.sh

doomed='' # directories, lines
freed=0 # bytes of the layers removed

# references_to IMAGE: its references, a line each.
references_to() {
	[ ! -d "$SKIFF_ROOT/refs" ] || grep -rlxF -e "sha256:$1" "$SKIFF_ROOT/refs" | while read -r ref; do
		ref=${ref#"$SKIFF_ROOT/refs/"}
		case $ref in .*) ;; *) printf '%s\n' "$ref" ;; esac
	done | sort
}

# image_user: a container of the image $image into $user, and its $state: a running one if there
# is any. One that is being made counts. False if there is none.
image_user() {
	user=''
	set +f
	for file in "$SKIFF_ROOT"/containers/*/image-id; do
		set -f
		read -r used 2>/dev/null <"$file" && [ "$used" = "$image" ] || continue
		id=${file%/image-id}
		id=${id##*/}
		container_dirs
		container_state
		[ "$state" = running ] || state=stopped
		user=$id
		[ "$state" != running ] || break
	done
	set -f
	[ -n "$user" ]
}

# short ID: its first 12 digits into $short.
short() {
	short=${1%"${1#????????????}"}
}

conflict() { # "must be forced" REASON
	short "$image"
	die "conflict: unable to delete $short ($1) - $2"
}

# used_by CONDITION: ends if a container uses the image. "running": only one that runs counts.
used_by() {
	image_user || return 0
	short "$user"
	case $state in
	running) conflict 'cannot be forced' "image is being used by running container $short" ;;
	*) conflict "$1" "image is being used by stopped container $short" ;;
	esac
}

# ---- references --------------------------------------------------------------

# remove_reference REFERENCE: with the directories that it was the last in.
remove_reference() {
	x rm -f "$SKIFF_ROOT/refs/$1"
	(cd "$SKIFF_ROOT/refs" && x rmdir -p --ignore-fail-on-non-empty "${1%/*}")
}

# untag REFERENCE: take a name away; what it is called goes out through `report untagged`.
untag() {
	remove_reference "$1"
	familiar "$1"
	report untagged "$familiar"
	event '' image untag "sha256:$image" "name=$familiar"
}

# single: are all references in one repository, with one tag at most? False for none. Digests
# that tags know count as references.
single() {
	tags=0 tagged='' digests=''
	for reference in $references; do
		repository_of "$reference"
		case $reference in
		*@*) digests="$digests$repository$nl" ;;
		*)
			tags=$((tags + 1)) tagged=$repository
			digest_of "$reference"
			[ -z "$named" ] || digests="$digests$repository$nl"
			;;
		esac
	done
	[ -n "$references" ] && [ $tags -le 1 ] || return
	for repository in $digests; do
		[ "${tagged:=$repository}" = "$repository" ] || return
	done
}

# untag_repository REPOSITORY [DIGEST]: take its references by digest to the image away, and say
# that DIGEST, which went with a tag, has gone.
untag_repository() {
	[ -z "${2:-}" ] || [ -e "$SKIFF_ROOT/refs/$1@$2" ] || {
		familiar "$1@$2"
		report untagged "$familiar"
	}
	for reference in $references; do
		case $reference in "$1@"*) untag "$reference" ;; esac
	done
}

# untag_one REFERENCE: one name of the image, and with the last tag of a repository its digests.
untag_one() {
	repository_of "$1"
	case $1 in
	*@*)
		forget_digest "${1#*@}"
		[ ! -e "$SKIFF_ROOT/refs/$1" ] || untag "$1"
		;;
	*)
		digest_of "$1"
		untag "$1"
		references=$(references_to "$image")
		case $nl$references in *"$nl$repository:"*) ;; *) untag_repository "$repository" "$named" ;; esac
		;;
	esac
	references=$(references_to "$image")
}

# forget_digest DIGEST: let the tags of the repository not know it any more.
forget_digest() {
	for reference in $references; do
		case $reference in "$repository:"*) ;; *) continue ;; esac
		digest_of "$reference"
		[ "$named" = "$1" ] || continue
		{ read -r _ && read -r _ && read -r manifest; } <"$SKIFF_ROOT/refs/$reference"
		put "$SKIFF_ROOT/refs/.$$" "sha256:$image$nl<none>$nl$manifest"
		x mv "$SKIFF_ROOT/refs/.$$" "$SKIFF_ROOT/refs/$reference"
		[ -e "$SKIFF_ROOT/refs/$repository@$1" ] || {
			familiar "$repository@$1"
			report untagged "$familiar"
		}
	done
}

# untag_all: all names of the image.
untag_all() {
	for reference in $references; do
		case $reference in
		*@*) ;;
		*)
			digest_of "$reference"
			repository_of "$reference"
			untag "$reference"
			[ -z "$named" ] || untag_repository "$repository" "$named"
			;;
		esac
	done
	for reference in $references; do
		[ ! -e "$SKIFF_ROOT/refs/$reference" ] || untag "$reference"
	done
	references=''
}

# ---- images ------------------------------------------------------------------

# listed FILE: what images list in it, those too that are being made, or set aside by somebody
# who was killed then.
listed() {
	set +f
	for place in "$SKIFF_ROOT"/images/[0-9a-f]* "$SKIFF_ROOT"/images/.[0-9a-f]*; do
		set -f
		case ${place##*/} in
		.*.removed.*) ;;
		.*) [ -d "/proc/${place##*.}" ] || continue ;;
		esac
		[ -f "$place/$1" ] || continue
		while read -r line; do printf '%s\n' "$line"; done <"$place/$1"
	done
	set -f
	listed_by_cache "$1"
}

# listed_by_cache FILE: the same of what builds have left for the next ones.
listed_by_cache() {
	set +f
	for place in "$SKIFF_ROOT"/build/cache/*; do
		set -f
		read -r chain digest size _ 2>/dev/null <"$place" || continue
		case $1/$chain in
		*/-) ;;
		layers/*) printf '%s\n' "$chain" ;;
		blobs/*) printf '%s %s\n' "$digest" "$size" ;;
		esac
	done
	set -f
}

# drop_image: take the image $image, its names and what only it had away for good, unless a
# container uses it. The lock on images is held.
drop_image() {
	used_by 'cannot be forced' # before anybody notices
	aside=$SKIFF_ROOT/images/.$image.removed.$$
	x mv -T "$SKIFF_ROOT/images/$image" "$aside" || die "cannot remove the image $image"
	if image_user; then
		x mv -T "$aside" "$SKIFF_ROOT/images/$image"
		used_by 'cannot be forced'
	fi
	gone=$SKIFF_ROOT/images/.gone.$image.$$
	x mv -T "$aside" "$gone" || die "cannot remove the image $image"
	small=$(image_documents)
	untag_all
	report deleted "sha256:$image"
	event '' image delete "sha256:$image" "name=sha256:$image"
	drop_layers "$gone"
	drop_documents
}

# image_documents: the digests of its config, manifests and indexes, a line each.
image_documents() {
	printf '%s\n' "sha256:$image"
	[ ! -f "$gone/manifest" ] || cat "$gone/manifest"
	for reference in $references; do sed -n '2,3p' "$SKIFF_ROOT/refs/$reference"; done
}

# drop_layers DIRECTORY: the layers and layer blobs that the image there had, and no other has.
# It joins the directories that finish_removal removes, as the layers do.
drop_layers() {
	doomed=$doomed$1$nl
	chains=" $(listed layers | tr '\n' ' ')"
	digests=" $(listed blobs | tr '\n' ' ')"
	top_first=''
	while read -r chain; do top_first="$chain $top_first"; done <"$1/layers"
	victims=''
	for chain in $top_first; do
		layer=$SKIFF_ROOT/layers/$chain
		case $chains in *" $chain "*) continue ;; esac
		[ -d "$layer" ] || continue # twice in the image
		! get "$layer/blob" || victims="$victims$value$nl"
		! get "$layer/size" || freed=$((freed + value))
		x mv -T "$layer" "$SKIFF_ROOT/layers/.$chain.$$" || die "cannot remove the layer $chain"
		doomed=$doomed$SKIFF_ROOT/layers/.$chain.$$$nl
		report deleted "sha256:$chain"
	done
	[ ! -f "$1/blobs" ] || while read -r blob _; do victims="$victims$blob$nl"; done <"$1/blobs"
	drop_blobs "$digests" "$victims"
}

# drop_blobs USED VICTIMS: remove those blobs that are not used.
drop_blobs() {
	used=$1
	for blob in $2; do
		case $used in *" $blob "*) continue ;; esac
		[ ! -e "$blobs/${blob#sha256:}" ] || x rm -f "$blobs/${blob#sha256:}"
	done
}

# drop_documents: the same for the documents, $small. Those of an image that is just being added
# are known to its adder only: they stay while there is any (and go with image prune).
drop_documents() {
	if nobody_adds; then drop_blobs "$(documents_used)" "$small"; fi
}

# nobody_adds: take the lock that those hold who add, if it is free.
nobody_adds() {
	exec 9<"$blobs"
	flock -n 9 || { exec 9<&-; return 1; }
}

# documents_used: digests of configs, manifests and indexes, with blanks around each.
documents_used() {
	printf ' '
	{
		find "$SKIFF_ROOT/images" -mindepth 1 -maxdepth 1 -name '[0-9a-f]*' -printf 'sha256:%f\n'
		find "$SKIFF_ROOT/images" -mindepth 1 -maxdepth 1 -name '.[0-9a-f]*' -printf '%f\n' |
			sed 's/^[.]/sha256:/;s/[.].*//'
		listed manifest
		find "$SKIFF_ROOT/refs" -type f -exec cat {} +
	} | tr '\n' ' '
}

# finish_removal: let others go on, and remove what was set aside.
finish_removal() {
	exec 9<&-
	unlock_images
	IFS=$nl
	# shellcheck disable=SC2086 # a line each
	set -- $doomed
	unset IFS
	doomed=''
	[ $# -eq 0 ] || x rm -rf "$@"
}

# strays MINUTES: blobs and layers that no image has, left by those who were killed, if nothing
# has changed them for so long: paths below SKIFF_ROOT, a line each. Both locks are held.
strays() {
	chains=" $(listed layers | tr '\n' ' ')"
	digests="$(documents_used)$(listed blobs | tr '\n' ' ')"
	find "$SKIFF_ROOT/layers" -mindepth 1 -maxdepth 1 -name '[!.]*' -cmin "+$1" -printf '%f\n' |
		while read -r chain; do
			case $chains in *" $chain "*) ;; *) printf 'layers/%s\n' "$chain" ;; esac
		done
	find "$blobs" -mindepth 1 -maxdepth 1 -cmin "+$1" -printf '%f\n' | while read -r blob; do
		case $digests in
		*" sha256:$blob "*) ;;
		*) [ "${blob#.}" != "$blob" ] && ! flock -n "$blobs/$blob" true || printf 'blobs/sha256/%s\n' "$blob" ;;
		esac
	done
}
