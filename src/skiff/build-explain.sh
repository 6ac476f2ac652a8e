# skiff build --explain: the build as a shell script over the tools. Sourced by build.sh.
#
# The steps print what they would do (x); here is what else a script needs. In it the layers of
# stage N are words in $stageN, their diff IDs in $diffsN, and its history, JSON, in $historyN. The
# cache is not used: the script makes everything. With SOURCE_DATE_EPOCH it gives the same image
# as the build.

explain_stages() {
	[ "$context" != "$work/context" ] || die '--explain: the context must be a directory'
	[ -z "$secrets$agents" ] || die '--explain: not with secrets or keys'
	scratch=$(mktemp -d)
	mkdir -p "$scratch$SKIFF_ROOT/containers"
	explained_work=$work
	say 'set -eu'
	explain_environment
	explain_words "G=$group"
	[ -z "${SOURCE_DATE_EPOCH:-}" ] || say "export SOURCE_DATE_EPOCH=$SOURCE_DATE_EPOCH"
	cat <<'END'
W=$SKIFF_ROOT/build/.by-hand.$$
mkdir -p "$W/empty" "$W/oci/blobs/sha256"
C='' R=''
trap 'forget; rm -rf "$W"' EXIT
trap 'exit 130' INT TERM
lowers() { for layer; do printf -- '--lower %s ' "$layer"; done; }
digest() { sha256sum <"$1" | sed 's/^/sha256:/;s/ .*//'; }
# blob FILE TYPE: a file of the image; its descriptor
blob() {
	ln -f "$1" "$W/oci/blobs/sha256/$(digest "$1" | cut -d : -f 2)"
	printf '{"mediaType":"application/vnd.oci.image.%s","digest":"%s","size":%s}' "$2" "$(digest "$1")" "$(stat -c %s "$1")"
}
# forget: take away the container of the RUN at hand, if there is one
forget() {
	[ -n "$C" ] || return 0
	cgset kill "$G/${C##*/}" 2>/dev/null || :
	[ ! -e "$R/lock" ] || flock -s "$R/lock" true
	[ ! -e "$C/networks" ] || while IFS=, read -r name _; do netup disconnect "$SKIFF_ROOT/networks/$name" "${C##*/}"; done <"$C/networks"
	cgset remove "$G/${C##*/}"
	rm -f "$(grep -lxs "${C##*/}" "$SKIFF_ROOT"/idmaps/*)"
	rm -rf "$C" "$R"
	C=
}
END
	for number in $stages; do
		stage_dir "$number"
		explain_stage
	done
	explain_image
}

# explain_stage: its steps.
explain_stage() {
	begin_stage
	get "$stage/base" || :
	say ''
	get "$stage/from" && say "# FROM $value"
	if get "$stage/base" && [ -n "$value" ]; then
		say "stage$stage_number=\$stage$value diffs$stage_number=\$diffs$value history$stage_number=\$history$value layers$stage_number=\$layers$value"
	else
		explain_base
	fi
	printf 'stage%s\n' "$stage_number" >"$stage/layers"
	chains=stage$stage_number
	time=${epoch_time:-$(date -u +%Y-%m-%dT%H:%M:%SZ)} history=''
	each_step explain_step
}

# explain_base: the layers of the base image, and what they are in a manifest.
explain_base() {
	words='' digests='' described=''
	for layer in $chains; do words="$words \$L/$layer/fs"; done
	for diff_id in $diff_ids; do digests="$digests $diff_id"; done
	layer_lines=$blob_list
	for line in $(layer_types | tr ' ' '|'); do described="$described,$(descriptor "$line")"; done
	say "stage$stage_number=\"${words:- \$W/empty}\" diffs$stage_number='$digests' history$stage_number='' layers$stage_number='$described'"
	while read -r blob _; do
		[ -z "$blob" ] || say "ln -f \"\$SKIFF_ROOT/blobs/sha256/${blob#sha256:}\" \"\$W/oci/blobs/sha256\""
	done <<-END
		$blob_list
	END
}

# descriptor TYPE|DIGEST|SIZE
descriptor() {
	digest=${1#*|}
	printf '{"mediaType":"%s","digest":"%s","size":%s}' "${1%%|*}" "${digest%|*}" "${1##*|}"
}

explain_step() {
	case $kind in
	history)
		history=''
		add_base_history
		explain_history "$history"
		return
		;;
	diff-ids | config) return ;;
	esac
	say "# $text"
	step_json=$by
	if [ "$kind" = meta ]; then
		explain_history ",{\"created\":\"$time\",$step_json"
		return
	fi
	step_count=$((step_count + 1))
	step=$work/$step_count
	mkdir "$step"
	x mkdir "$step"
	case $kind in
	run) explain_run ;;
	add)
		split_sources
		[ -z "$remote_sources" ] || die '--explain: not with ADD of a URL'
		make_add
		;;
	*) "make_$kind" ;;
	esac
	quoted "$step"
	if [ "$kind" = workdir ]; then
		say "if [ -n \"\$(ls -A $quoted/upper)\" ]; then"
		diff_upper "$step/upper"
		quoted "$step"
	fi
	explain_layer
	[ "$kind" != workdir ] || {
		say 'else'
		explain_history ",{\"created\":\"$time\",\"empty_layer\":true,$step_json"
		say 'fi'
	}
}
step_count=0

# explain_diff OPTION...: of $upper_layer.
explain_diff() {
	command_line layerfs diff "$@"
	quoted "$upper_layer"
	upper_layer=$quoted
	quoted "$step/archive"
	say "$line \$(lowers \$stage$stage_number) $upper_layer >$quoted"
}

# explain_layer: the archive of the step becomes a layer.
explain_layer() {
	say "layerfs unpack \$(lowers \$stage$stage_number) $quoted/fs <$quoted/archive >/dev/null"
	say "stage$stage_number=\"\$stage$stage_number $quoted/fs\" diffs$stage_number=\"\$diffs$stage_number \$(digest $quoted/archive)\""
	say "layers$stage_number=\"\$layers$stage_number,\$(blob $quoted/archive layer.v1.tar)\""
	explain_history ",{\"created\":\"$time\",$step_json"
}

# explain_history JSON: add to that of the stage.
explain_history() {
	json=$1 quoted_step=$quoted
	quoted "$json"
	say "history$stage_number=\$history$stage_number$quoted"
	quoted=$quoted_step
}

# explain_run: as make_run.
explain_run() {
	new_id
	container_dirs
	explain_names "$dir" "$run"
	plan_mounts
	network_wanted=$network
	(prepare_container)
	say 'echo "$$ $(sed "s/.*) //" /proc/$$/stat | cut -d " " -f 20)" >"$C/creating" # who is at work on it'
	start_container
	network=$network_wanted
	x attach --start "$run"
	x flock -s "$run/lock" true
	say '[ "$(cat "$C/exit")" = 0 ]'
	diff_container
	say forget
	explained_dir=none explained_run=none
}

# explain_image: config, manifest and index, and into the store.
explain_image() {
	config=${plan##*"${nl}config$us"}
	config=${config%%"$nl"*}
	say "
# the image"
	quoted "$config,\"created\":\"$time\",\"history\":["
	say "printf '%s' $quoted \"\${history$last#,}\" '],\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[' \\
  \"\$(printf '\"%s\",' \$diffs$last | sed 's/,\$//;s/^\"\"\$//')\" ']}}' >\$W/config"
	say "printf '%s' '{\"schemaVersion\":2,\"mediaType\":\"application/vnd.oci.image.manifest.v1+json\",\"config\":' \\
  \"\$(blob \$W/config config.v1+json)\" ',\"layers\":[' \"\${layers$last#,}\" ']}' >\$W/manifest"
	named=''
	for name in $tags; do
		target_name "$name"
		named=$canonical
	done
	annotation=''
	[ -z "$named" ] || annotation=",\"annotations\":{\"io.containerd.image.name\":\"$named\"}"
	say "printf '%s' '{\"schemaVersion\":2,\"manifests\":[' \"\$(blob \$W/manifest manifest.v1+json | sed 's|}\$||')\" '$annotation}]}' >\$W/oci/index.json"
	say "printf '{\"imageLayoutVersion\":\"1.0.0\"}' >\$W/oci/oci-layout"
	say 'skiff load -i $W/oci'
}
