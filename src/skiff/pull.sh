# Pulling an image: shared by the verbs pull, run and create.

use image.sh
. "$lib/store.sh"

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

unpackers=3 # layers at a time, as pull fetches blobs

# unpack_layers: unpack the layers of $new/plan. A line on standard input, pull's output, says
# that one more blob is there, whole and verified.
unpack_layers() {
	jobs='' # processes that unpack, base first; - for a layer that is here
	begun='' placed=''
	arrived='' # lines from pull
	trap drop_layers EXIT
	trap 'exit 130' INT TERM HUP
	exec 3<"$new/plan" 5<&0
	while start_layers && read -r chain diff_id blob size <&4; do
		said='Already exists'
		job=${jobs%% *} jobs=${jobs#* }
		if [ "$job" != - ]; then
			end_layer "$job" || return
			said='Pull complete'
		fi
		short=${blob#sha256:}
		pull_line "${short%"${short#????????????}"}: $said"
		placed="$placed $chain"
	done 4<"$new/plan"
	! await failed || return
	trap - EXIT
}

# start_layers: begin to unpack the next layers, while their blobs are on their way. A layer
# that needs those below waits for them, so that the lowest one never waits.
start_layers() {
	# shellcheck disable=SC2086 # the processes
	while set -- $jobs && [ $# -lt $unpackers ] && read -r chain diff_id blob size <&3; do
		job=-
		if [ ! -d "$SKIFF_ROOT/layers/$chain" ]; then
			aside=$SKIFF_ROOT/layers/.$chain.$$
			mkdir "$aside"
			unpack_blob "$diff_id" "$blob" "$begun" exec layerfs unpack --follow \
				<&5 >"$aside/facts" 2>"$aside/said" &
			job=$!
		fi
		jobs="$jobs$job "
		begun="$begun $chain"
	done
}

# end_layer PROCESS: the layer $chain, which it unpacks, becomes visible.
end_layer() {
	aside=$SKIFF_ROOT/layers/.$chain.$$
	if wait "$1"; then
		[ ! -s "$aside/said" ] || cat "$aside/said" >&2
		rm "$aside/said"
		describe_layer "$diff_id" "$blob"
		place_layer "$aside" "$chain"
		return
	fi
	# What was read may have been wrong, and fetched again: only the verified blob tells.
	rm -rf "$aside"
	await "$blob" && add_layer "$chain" "$diff_id" "$blob" "$placed"
}

# await LINE: wait until pull prints that line, a blob's digest. False if it does not.
await() {
	until case "$arrived " in *" $1 "*) true ;; *) false ;; esac; do
		read -r line || return
		arrived="$arrived $line"
	done
}

# drop_layers: what was not unpacked to its end.
drop_layers() {
	for job in $jobs; do
		[ "$job" = - ] || kill "$job" 2>/dev/null || :
	done
	wait
	set +f
	rm -rf "$SKIFF_ROOT/layers"/.*."$$"
}
