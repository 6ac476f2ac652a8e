# The plan of a build: what the Dockerfile and the images that it begins with say is to be done. Sourced by build.sh.

# parse OPTION...: take the Dockerfile apart.
parse() {
	IFS=$us
	# shellcheck disable=SC2086 # one argument each
	for argument in $build_args; do
		set -- --build-arg "$argument" "$@"
	done
	unset IFS
	set -- -a "BUILDPLATFORM=linux/$machine" -a BUILDOS=linux -a "BUILDARCH=${machine%%/*}" \
		-a "TARGETPLATFORM=$os/$architecture${variant:+/$variant}" -a "TARGETOS=$os" \
		-a "TARGETARCH=$architecture" -a "TARGETVARIANT=$variant" "$@"
	(cd "$work" && exec dockerfile "$@" "$shown_dockerfile")
}

# needs: which stages, and of which images, into $needed. What jq says of the same file and options
# is kept: it takes ten times as long as all the rest.
needs() {
	plan_key=$({
		printf '%s\n' "$build_args" "$build_labels" "$build_target" "$os/$architecture/$variant" "$machine"
		cat "$lib/VERSION" "$lib/build-needs.jq" "$lib/build.jq" "$work/dockerfile"
	} | sha256sum)
	plan_key=${plan_key%% *}
	saved=$SKIFF_ROOT/build/plans/$plan_key
	[ ! -e "$saved" ] || needed=$(cat "$saved")
	[ -z "$needed" ] || return 0
	parse --list >"$work/list" || exit 1
	parse --raw >"$work/raw" || exit 1
	needed=$({
		cat "$work/list"
		sed 1d "$work/raw"
	} | jq -r -n --arg target "$build_target" -f "$lib/build-needs.jq" 2>"$work/error") || jq_failed
	keep_plan "$needed"
}

# keep_plan TEXT: as the file $saved.
keep_plan() {
	[ "$explain" = only ] || { printf '%s\n' "$1" >"$work/plan" && mv "$work/plan" "$saved"; }
}

# jq_failed: say what it said.
jq_failed() {
	read -r error <"$work/error" || error=''
	error=${error#jq: error*: }
	failed "${error% (not a string)}"
}

# make_plan: into $plan; images are pulled on the way. The last stage is $last.
make_plan() {
	needed=''
	needs
	stages='' last='' file_stages=1
	IFS=$nl
	# shellcheck disable=SC2086 # a line each
	set -- $needed
	unset IFS
	for entry in "$@"; do
		IFS=$us
		# shellcheck disable=SC2086 # fields
		set -- $entry
		unset IFS
		case $1 in
		warning) tell "WARNING: ${3:-} ($shown_dockerfile, line $2)" ;;
		unused) tell "[Warning] One or more build-args [$2] were not consumed" ;;
		file-stages) file_stages=$2 ;;
		stage) plan_stage "$2" "${3:-}" "${4:-}" "${5:-}" "${6:-}" ;;
		image) other_image "$2" ;;
		esac
	done
	# The plan depends on the images, too.
	saved=$SKIFF_ROOT/build/plans/$(printf '%s' "$plan_key$plan_images" | sha256sum)
	saved=${saved%% *} plan=''
	[ ! -e "$saved" ] || plan=$(cat "$saved")
	[ -n "$plan" ] || plan_anew
}

# plan_anew: take the Dockerfile apart stage by stage.
plan_anew() {
	inputs='' # for jq
	for number in $stages; do parse_stage "$number"; done
	IFS=$nl
	# shellcheck disable=SC2086 # a file each
	set -- $inputs
	unset IFS
	labels_json
	plan=$(jq -r -n --arg os "$os" --arg architecture "$architecture" --arg variant "$variant" \
		--argjson labels "$labels_json" --argjson proxies "$(proxies)" --arg target "$last" \
		-f "$lib/build.jq" "$@" 2>"$work/error") || jq_failed
	keep_plan "$plan"
}

# labels_json: those of --label, into $labels_json.
labels_json='{}'
labels_json() {
	[ -n "$build_labels" ] || return 0
	labels_json=$(printf '%s' "$build_labels" | jq -R -s -c 'split("\u001f")[:-1] | map(capture("\\A(?<key>[^=]*)=(?<value>(.|\n)*)\\z")) | from_entries')
}

# proxies: variables for each RUN that are no ARG and do not count for the cache.
proxies() {
	case $build_args in
	*[Pp][Rr][Oo][Xx][Yy]=*) head -n 1 "$work/parsed.$last" | jq -c .proxies ;;
	*) echo '[]' ;;
	esac
}

# plan_stage NUMBER BASE PLATFORM IMAGE NAME
plan_stage() {
	stages="$stages $1" last=$1
	directory=$SKIFF_ROOT/images/.b$1.$$
	mkdir "$directory" || die "cannot make $directory"
	stage_name=$5
	[ -n "$5" ] || stage_name=stage-$1
	note "$directory/name" "$stage_name"
	note "$directory/base" "$2"
	note "$directory/from" "$4"
	[ -n "$2" ] || [ "$4" = scratch ] || stage_image "$4" "$3" "$directory"
}

# parse_stage NUMBER: its instructions into $work/parsed.NUMBER; what jq has to read, into $inputs.
parse_stage() {
	directory=$SKIFF_ROOT/images/.b$1.$$ bottom=$1
	set -- "$1" --stage "$1"
	while get "$SKIFF_ROOT/images/.b$bottom.$$/base" && [ -n "$value" ]; do bottom=$value; done
	printf 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\0' >"$work/env.$1"
	set -- "$@" --env "$work/env.$1"
	if get "$SKIFF_ROOT/images/.b$bottom.$$/image"; then # the environment is that of the lowest
		cat "$SKIFF_ROOT/images/$value/env" >>"$work/env.$1"
	fi
	if [ "$bottom" = "$1" ] && [ -n "$value" ]; then
		inputs="$inputs$SKIFF_ROOT/blobs/sha256/$value$nl"
		if grep -q '"OnBuild"' "$SKIFF_ROOT/blobs/sha256/$value"; then
			jq -c '.config.OnBuild // []' "$SKIFF_ROOT/blobs/sha256/$value" >"$work/triggers.$1"
			set -- "$@" --onbuild "$work/triggers.$1"
		fi
	fi
	inputs="$inputs$work/parsed.$1$nl" number=$1
	shift
	parse "$@" >"$work/parsed.$number" || exit 1
}

# stage_image REFERENCE PLATFORM DIRECTORY: find or pull it, and keep its layers by the files of
# DIRECTORY. $image, $image_dir.
stage_image() {
	while :; do
		platform=${2:-$platform_wanted}
		if [ "$pull" = always ]; then
			case $pulled in *" $1,$platform "*) find_image "$1" ;; *) (need_image "$1") || failed "$1: cannot be pulled" ;; esac
			pulled="$pulled$1,$platform "
		fi
		saved_pull=$pull pull=missing
		(need_image "$1") || failed "$1: not found"
		find_image "$1" || failed "$1: not found"
		pull=$saved_pull
		lock_images
		if [ -d "$image_dir" ]; then
			for file in layers diff-ids blobs; do
				[ ! -s "$image_dir/$file" ] || cat "$image_dir/$file" >"$3/base-$file"
			done
			for file in layers blobs; do
				[ ! -s "$3/base-$file" ] || cat "$3/base-$file" >>"$announced/$file"
			done
			break
		fi
		unlock_images # it has been removed meanwhile
	done
	unlock_images
	get "$image_dir/created"
	note "$3/base-time" "$value"
	note "$3/image" "$image"
	plan_images="$plan_images $1=$image"
}
pulled=' ' platform_wanted=''

# other_image REFERENCE: one that is copied or mounted from.
other_images=0 plan_images=''
other_image() {
	other_images=$((other_images + 1))
	directory=$SKIFF_ROOT/images/.bi$other_images.$$
	mkdir "$directory"
	stage_image "$1" '' "$directory"
	note "$directory/reference" "$1"
}
