# Pulling an image: shared by the verbs pull, run and create.

use image.sh
. "$lib/store.sh"
. "$lib/unpack.sh"

# pull_image REFERENCE PLATFORM QUIET: fetch an image, with Docker's lines on
# standard output. $image is its ID afterwards. Ends if it fails.
pull_image() {
	canonical "$1" || die "invalid reference format: '$1'"
	reference=$canonical platform=$2 quiet=$3
	case $1 in
	*@* | *:"$tag") ;;
	*) pull_line 'Using default tag: latest' ;;
	esac
	make_store
	begin_adding
	old='' # what the reference has meant so far: an image, and the digest that it came by
	! find_reference || { digest_of "$reference" && old="$image $named"; }
	resolved=$(pull resolve -o "$blobs" ${platform:+--platform "$platform"} "$reference") ||
		die "cannot pull $1"
	# two lines: digest sha256:..., what the reference names; manifest sha256:..., ours
	named=${resolved#*digest } manifest=${resolved#*manifest }
	named=${named%%"$nl"*} manifest=${manifest%%"$nl"*}
	pull_line "${tag:-$reference}: Pulling from $path"

	parts=$(jq -r '.config.digest, (.layers[] | "\(.digest) \(.size)")' "$blobs/${manifest#sha256:}") ||
		die "manifest $manifest: not an image manifest"
	config=${parts%%"$nl"*} parts=${parts#"$config"}
	parts=${parts#"$nl"}
	fetch_image "$config" "$parts"

	until name_image "$reference" "$config" "$named" "$manifest"; do
		fetch_image "$config" "$parts" # it has been removed meanwhile
	done
	end_adding
	image=${config#sha256:}
	familiar "$reference"
	pull_line "Digest: $named"
	if [ "$old" = "$config $named" ]; then
		pull_line "Status: Image is up to date for $familiar"
	else
		pull_line "Status: Downloaded newer image for $familiar"
	fi
	printf '%s\n' "$reference"
}

pull_line() {
	[ -n "$quiet" ] || printf '%s\n' "$1"
}

# fetch_image CONFIG LAYERS: config and missing layers, unpacked. LAYERS: those of the
# manifest, lines "DIGEST SIZE", base first.
fetch_image() {
	hex=${1#sha256:}
	! image_complete "$hex" || return 0
	pull blob -q -o "$blobs" "$reference" "$1" >/dev/null || die "cannot pull the image config"
	begin_image "$hex" "$2"
	plan_layers
	while read -r chain diff_id blob size; do
		[ -d "$SKIFF_ROOT/layers/$chain" ] && [ -f "$blobs/${blob#sha256:}" ] || printf '%s %s\n' "$blob" "$size"
	done <"$new/plan" >"$new/missing"
	# Layers are unpacked while they arrive. The progress display owns the terminal meanwhile.
	{ pull blob ${quiet:+-q} -o "$blobs" "$reference" <"$new/missing" || echo failed; } |
		if [ -t 2 ]; then unpack_layers >"$new/said"; else unpack_layers; fi ||
		die "cannot pull $reference"
	if [ -t 2 ]; then
		cat "$new/said"
		rm "$new/said"
	fi
	rm "$new/plan" "$new/missing"
	finish_image "$hex" "$manifest"
}
