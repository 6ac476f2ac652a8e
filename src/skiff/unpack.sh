# Unpacking the layers of an image, several at a time: shared by pull and load, after store.sh. Who sources it has
# pull_line LINE, which says what has become of a layer.

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
