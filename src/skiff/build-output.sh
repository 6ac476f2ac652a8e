# The image that has been built: into the store, or a file. Sourced by build.sh.

# check_outputs: $outputs, lines of --output, into $output_kind (image, local, tar, oci, docker or none) and
# $output_file.
check_outputs() {
	output_kind=image output_file=''
	[ -n "$outputs" ] || return 0
	spec=${outputs%"$nl"}
	case $spec in
	*"$nl"*) die '--output: more than one is not supported' ;;
	-)
		output_kind=tar output_file=-
		;;
	*=*) read_output ;;
	*)
		output_kind=local output_file=$spec
		;;
	esac
	case $output_kind/$output_file in
	local/ | local/-) die 'output directory is required for local exporter' ;;
	oci/ | tar/) output_file=- ;;
	docker/) output_kind=image ;;
	esac
	case $output_kind/$output_file in
	image/* | none/*) return ;;
	*/-) [ ! -t 1 ] || die 'dest file is required for '"$output_kind"' exporter: refusing to write to a terminal' ;;
	local/*) [ ! -e "$output_file" ] || [ -d "$output_file" ] || die "destination directory $output_file is a file" ;;
	*) [ ! -d "$output_file" ] || die "destination file $output_file is a directory" ;;
	esac
}

read_output() {
	rest=$spec,
	while [ -n "$rest" ]; do
		word=${rest%%,*} rest=${rest#*,}
		case $word in
		type=local | type=tar | type=oci | type=docker | type=image) output_kind=${word#type=} ;;
		type=registry) push=true ;;
		type=cacheonly) output_kind=none ;;
		type=*) die "--output: unknown type '${word#type=}'" ;;
		dest=*) output_file=${word#dest=} ;;
		name=*) option tag "${word#name=}" ;;
		push=true) push=true ;;
		push=false | *compression*=* | oci-mediatypes=*) ;;
		*) die "--output: unexpected '$word'" ;;
		esac
	done
}

# build_platforms: an image, or one for each of several platforms and an index of them.
build_platforms() {
	case $platforms in
	*,*)
		[ "$output_kind" = oci ] || die '--platform: several of them need --output type=oci: the store has no images for more than one'
		[ "$explain" != only ] || die '--explain: for one platform only'
		[ -z "$push" ] || die '--push: for one platform only'
		;;
	*)
		build_platform "$platforms"
		[ "$explain" = only ] || write_built
		return
		;;
	esac
	rest=$platforms, descriptors='' first='' wanted=''
	while [ -n "$rest" ]; do
		one=${rest%%,*} rest=${rest#*,}
		tell "# $one"
		build_platform "$one"
		store_image
		descriptors="$descriptors$manifest $os $architecture $variant$nl"
		[ -n "$first" ] || first="$config $manifest"
		[ "linux/$machine" != "$os/$architecture${variant:+/$variant}" ] || wanted="$config $manifest"
	done
	: "${wanted:=$first}" # -t names the one for this machine
	config=${wanted% *} manifest=${wanted#* }
	[ -z "$tags$iidfile$quiet" ] || name_built
	write_index
}

# build_platform PLATFORM: its config becomes a blob, $config.
build_platform() {
	set_platform "${1:-linux/$machine}"
	[ "$os" = linux ] || die "--platform $1: only linux images can be built"
	platform_wanted=${1:+$platform}
	set +f
	rm -rf "$SKIFF_ROOT"/images/.b[0-9i]*."$$" "$work"/keys.* "$work"/lock.*
	set -f
	other_images=0 plan_images=''
	make_plan
	build_stages
	[ "$explain" = only ] || finish_build
}

# write_index: an OCI archive of the images of $descriptors, lines "MANIFEST OS ARCHITECTURE VARIANT".
write_index() {
	mkdir -p "$work/oci/blobs/sha256"
	printf '{"imageLayoutVersion":"1.0.0"}' >"$work/oci/oci-layout"
	printf '%s' "$descriptors" | while read -r manifest its_os its_architecture its_variant; do
		for blob in "$manifest" $(jq -r '.config.digest, .layers[].digest' "$blobs/${manifest#sha256:}"); do
			ln -f "$blobs/${blob#sha256:}" "$work/oci/blobs/sha256/" || exit 1
		done
		printf '{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"%s","size":%s,"platform":{"os":"%s","architecture":"%s"%s}}\n' \
			"$manifest" "$(stat -c %s "$blobs/${manifest#sha256:}")" "$its_os" "$its_architecture" "${its_variant:+,\"variant\":\"$its_variant\"}"
	done >"$work/descriptors" || exit 1
	jq -s -c '{schemaVersion: 2, mediaType: "application/vnd.oci.image.index.v1+json", manifests: .}' "$work/descriptors" >"$work/index"
	keep_blob "$work/index"
	index=$digest named=''
	ln -f "$work/index" "$work/oci/blobs/sha256/${index#sha256:}"
	if [ -n "$tags" ]; then
		target_name "${tags%%"$nl"*}"
		named=$canonical
	fi
	jq -n -c --arg digest "$index" --argjson size "$(stat -c %s "$work/index")" --arg name "$named" \
		'{schemaVersion: 2, mediaType: "application/vnd.oci.image.index.v1+json", manifests: [
			{mediaType: "application/vnd.oci.image.index.v1+json", digest: $digest, size: $size}
			+ (if $name == "" then {} else {annotations: {"io.containerd.image.name": $name, "org.opencontainers.image.ref.name": ($name | split(":")[-1])}} end)]}' \
		>"$work/oci/index.json"
	if [ "$output_file" = - ]; then
		write_layout
	else
		write_layout >"$output_file.$$.part" && mv -- "$output_file.$$.part" "$output_file"
	fi || die "cannot write $output_file"
}

# write_layout: the same bytes for the same images.
write_layout() {
	(cd "$work/oci" && tar -c --format=gnu --sort=name --owner=0 --group=0 --numeric-owner --mtime=@0 oci-layout index.json blobs)
}

# finish_build: the config and the manifest of the last stage.
finish_build() {
	stage_dir "$last"
	get "$stage/history" || :
	history=$value
	lines_of "$stage/diff-ids"
	diff_ids=$lines_of
	get "$stage/time" || :
	time=${epoch_time:-${value:-1970-01-01T00:00:00Z}} step_time=$time
	settle_times
	config=${plan##*"${nl}config$us"}
	config=${config%%"$nl"*}
	diff_list=''
	for diff_id in $diff_ids; do diff_list="$diff_list,\"$diff_id\""; done
	get "$stage/last-time" || :
	created=$value
	[ "$created" != "$rs" ] || created=$time
	printf '%s,"created":"%s","history":[%s],"rootfs":{"type":"layers","diff_ids":[%s]}}' "$config" "${created:-$time}" \
		"${history#,}" "${diff_list#,}" >"$work/config.$architecture$variant"
	keep_blob "$work/config.$architecture$variant"
	config=$digest
}

# write_built: where it was wanted.
write_built() {
	case $output_kind in
	none) return ;;
	local | tar)
		write_tree
		[ -n "$tags" ] || return 0
		;;
	esac
	was_here=''
	[ ! -d "$SKIFF_ROOT/images/${config#sha256:}" ] || was_here=true
	store_image
	name_built
	case $output_kind in
	oci | docker) save_built ;;
	esac
	[ -z "$push" ] || for name in $tags; do "$bin/skiff" push ${quiet:+-q} "$name" >&2 || exit 1; done
}

# write_tree: the files of the image.
write_tree() {
	step_line='' lines_of "$stage/layers"
	chains=$lines_of
	case $output_kind/$output_file in
	local/*)
		x mkdir -p -- "$output_file" || exit 1
		both get_image put_tree
		;;
	*/-) get_image || die 'cannot write to standard output' ;;
	*)
		get_image >"$output_file.$$.part" && mv -- "$output_file.$$.part" "$output_file" || {
			rm -f -- "$output_file.$$.part"
			die "cannot write $output_file"
		}
		;;
	esac
}

get_image() { over "$chains" 8 root-tar get fd:8 /.; }
put_tree() { x root-tar put --safe "$output_file" / >/dev/null; }

# save_built: as an archive; without a name it was stored for that only.
save_built() {
	set -- --format "$output_kind-archive"
	[ "$output_file" = - ] || set -- "$@" --output "$output_file"
	if [ -n "$tags" ]; then
		"$bin/skiff" save "$@" ${tags:+${tags%%"$nl"*}}
	else
		"$bin/skiff" save "$@" "$config" && { [ -n "$was_here" ] || "$bin/skiff" rmi "$config" >/dev/null; }
	fi || die "cannot write $output_file"
}

# store_image: $config, unless it is here.
store_image() {
	if ! image_complete "${config#sha256:}"; then
		layer_list=''
		lines_of "$stage/blobs"
		layer_lines=$lines_of
		layer_list=$(layer_types)
		keep_manifest "$work/manifest.$architecture$variant" "$config" "$layer_list"
		manifest=$digest
		begin_image "${config#sha256:}" "${layer_lines%"$nl"}"
		finish_image "${config#sha256:}" "$manifest"
		clean_up_at_exit
	else
		get "$SKIFF_ROOT/images/${config#sha256:}/manifest"
		manifest=$value
	fi
}

# layer_types: lines "TYPE DIGEST SIZE" of the layers: those of the base as its manifest says.
layer_types() {
	while read -r blob size; do
		[ -n "$blob" ] || continue
		case $nl$diff_ids in
		*"$nl$blob$nl"*) # not compressed: its digest is its diff ID
			printf 'application/vnd.oci.image.layer.v1.tar %s %s\n' "$blob" "$size"
			continue
			;;
		esac
		case $(od -An -tx1 -N4 "$blobs/${blob#sha256:}") in
		' 1f 8b'*) suffix=+gzip ;;
		' 28 b5 2f fd') suffix=+zstd ;;
		*) suffix='' ;;
		esac
		printf '%s %s %s\n' "application/vnd.oci.image.layer.v1.tar$suffix" "$blob" "$size"
	done <<-END
		$layer_lines
	END
}

name_built() {
	vertex="#$((vertices + 1))"
	tell "$vertex exporting to image$nl$vertex writing image $config done"
	for name in $tags; do
		target_name "$name"
		name_image "$canonical" "$config" '<none>' "$manifest" || die "the image $config has been removed meanwhile"
		event '' image tag "$config" "name=$name"
		tell "$vertex naming to $canonical done"
	done
	tell "$vertex DONE"
	[ -z "$iidfile" ] || printf '%s' "$config" >"$iidfile" || die "cannot write $iidfile"
	[ -z "$quiet" ] || printf '%s\n' "$config"
}
