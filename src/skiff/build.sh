# Building images: shared by the parts of skiff build.
#
#   dockerfile   takes the Dockerfile apart; build-needs.jq, build.jq make a plan of it: lines
#   build.sh     walks the plan: what is cached is taken, the rest is made, stage beside stage
#   build-steps.sh    makes one layer: WORKDIR, and what all steps share
#   build-copy.sh     COPY and ADD: a tar stream into the layers so far
#   build-run.sh      RUN: a container
#   build-context.sh  finds the context
#   build-output.sh   names the image, or writes it to a file
#   build-explain.sh  prints all that as a script instead
#
# An image so far is a directory images/.bSTAGE.PID with the files of an image that matter to
# containers. All layers of a build are in the lists of images/.ba.PID: so nobody takes them away.
#
#   build/cache/PARENT.KEY   what a step made. PARENT: the chain ID of the layer below; KEY: the
#                            digest of all that the step depends on. A line: chain ID ("-": it
#                            changed nothing), diff ID, size of the archive, time; and its text
#   build/mounts/HEX/        what RUN --mount=type=cache keeps
#   build/.PID/              a build at work

. "$lib/build-steps.sh"
. "$lib/build-context.sh"
. "$lib/build-output.sh"
. "$lib/build-explain.sh"

us=$(printf '\037') rs=$(printf '\036') gs=$(printf '\035')
cache=$SKIFF_ROOT/build/cache
epoch_time='' # of SOURCE_DATE_EPOCH
jobs=''

# ---- messages ----------------------------------------------------------------

# tell TEXT: to who watches.
tell() {
	if [ -n "$holding_back" ]; then
		held_back=$held_back$1$nl
	else
		[ -n "$quiet" ] || printf '%s\n' "$1" >&2
	fi
}

# While the images are locked nothing is written to who may not read it: everybody would wait.
holding_back='' held_back=''
tell_held_back() {
	holding_back=''
	[ -z "$held_back" ] || tell "${held_back%"$nl"}"
	held_back=''
}

# note FILE VALUE: for us only; so -x and --explain do not tell.
note() { printf '%s\n' "$2" >"$1"; }

# failed TEXT: the build ends, in Docker's words.
failed() {
	visible "$1"
	printf 'ERROR: failed to solve: %s\n' "$visible" >&2
	exit 1
}

# show_source: the lines of the Dockerfile around the step.
show_source() {
	{
		printf '%s:%s\n--------------------\n' "$shown_dockerfile" "$step_line"
		awk -v first="$step_line" -v last="$step_end" 'NR > first + 20 { exit }
			NR >= first - 2 && NR <= last + 2 {
			gsub(/[\001-\010\013-\037\177]/, "?"); printf "%4d | %s %s\n", NR, (NR >= first && NR <= last ? ">>>" : "   "), $0 }' "$work/dockerfile"
		printf '%s\n' --------------------
	} >&2
}

# ---- options -----------------------------------------------------------------

build_arg() {
	case $1 in
	=* | '') usage_error "invalid build argument '$1'" ;;
	SOURCE_DATE_EPOCH=*) SOURCE_DATE_EPOCH=${1#*=} ;;
	*=*) ;;
	*)
		value=$(printenv -- "$1") || return 0
		set -- "$1=$value"
		;;
	esac
	build_args="$build_args$1$us"
}

# secret_option SPEC: id=ID[,src=FILE|,env=NAME]: a line of $secrets.
secret_option() {
	spec=$1, id='' from=''
	while [ -n "$spec" ]; do
		word=${spec%%,*} spec=${spec#*,}
		case $word in
		id=*) id=${word#id=} ;;
		src=* | source=*) from=file:${word#*=} ;;
		env=*) from=env:${word#env=} ;;
		type=file | type=env) ;;
		*) usage_error "--secret: unexpected '$word' in '$1'" ;;
		esac
	done
	[ -n "$id" ] || usage_error "--secret '$1': no id"
	if [ -z "$from" ]; then
		if printenv -- "$id" >/dev/null; then from=env:$id; else from=file:$id; fi
	fi
	case $from in
	file:*) [ -f "${from#file:}" ] && [ -r "${from#file:}" ] || die "could not read secret $id: ${from#file:}: no such file" ;;
	env:*) printenv -- "${from#env:}" >/dev/null || die "could not read secret $id: no variable ${from#env:}" ;;
	esac
	secrets="$secrets$id$us$from$nl"
}

# ssh_option SPEC: ID[=SOCKET|=KEY[,KEY]...]: a line of $agents.
ssh_option() {
	id=${1%%=*} from=''
	case $1 in *=*) from=${1#*=} ;; esac
	: "${id:=default}" "${from:=${SSH_AUTH_SOCK:-}}"
	[ -n "$from" ] || die "--ssh $1: no agent: SSH_AUTH_SOCK is not set"
	case $nl$agents in *"$nl$id$us"*) die "--ssh: duplicate agent ID '$id'" ;; esac
	[ -S "$from" ] || command -v ssh-agent >/dev/null || die '--ssh: no program ssh-agent: it is needed for keys in files'
	paths=$from, from=''
	while [ -n "$paths" ]; do
		path=${paths%%,*} paths=${paths#*,}
		[ -z "$from$paths" ] && [ -S "$path" ] || { [ -f "$path" ] && [ -r "$path" ]; } ||
			die "--ssh $1: $path: neither a socket nor a file of a key"
		case $path in /*) ;; *) path=$PWD/$path ;; esac
		from=$from${from:+,}$path
	done
	agents="$agents$id$us$from$nl"
}

# ---- the beginning and the end ------------------------------------------------

begin_build() {
	work=$SKIFF_ROOT/build/.$$
	[ -d "$SKIFF_ROOT/build/plans" ] || (umask 077 && mkdir -p "$cache" "$SKIFF_ROOT/build/mounts" "$SKIFF_ROOT/build/plans") || die "cannot make $SKIFF_ROOT/build"
	clean_up_at_exit
	trap 'exit 141' PIPE
	announced=$SKIFF_ROOT/images/.ba.$$
	mkdir "$work" "$work/empty" "$announced" || die "cannot make $work"
	begin_adding
	machine
	[ -n "${SOURCE_DATE_EPOCH:-}" ] || return 0
	case $SOURCE_DATE_EPOCH in *[!0-9]* | ????????????*) die "SOURCE_DATE_EPOCH: not a number of seconds: '$SOURCE_DATE_EPOCH'" ;; esac
	export SOURCE_DATE_EPOCH
	epoch_time=$(date -u -d "@$SOURCE_DATE_EPOCH" +%Y-%m-%dT%H:%M:%SZ)
}

end_build() {
	trap - EXIT INT TERM HUP PIPE
	at_exit
}

# at_exit: jobs end, with their containers; nothing half made stays.
at_exit() {
	trap '' INT TERM HUP PIPE USR1
	for job in $jobs; do kill "$job" 2>/dev/null || :; done
	end_containers
	[ -z "$jobs" ] || wait
	end_containers
	set +f
	rm -rf "${work:?}" "$SKIFF_ROOT"/images/.b*."$$" "$SKIFF_ROOT"/layers/.*."$$" ${new:+"$new"}
	set -f
}

# end_containers: those of this build that are left.
end_containers() {
	set +f
	for left_container in "$work"/container.*; do
		set -f
		get "$left_container" || continue
		id=$value
		container_dirs
		[ ! -d "$dir" ] || { end_unfinished && remove_container; } || :
	done
	set -f
}

# ---- the plan ----------------------------------------------------------------

# set_platform PLATFORM: os/arch[/variant], into $os, $architecture, $variant.
set_platform() {
	os=${1%%/*} architecture=${1#*/} variant=''
	case $1 in */*) ;; *) os=linux architecture=$1 ;; esac
	case $architecture in */*) variant=${architecture#*/} architecture=${architecture%%/*} ;; esac
	case $architecture in
	x86_64) architecture=amd64 ;;
	aarch64) architecture=arm64 ;;
	armhf) architecture=arm variant=v7 ;;
	esac
	case $os/$architecture/$variant in
	*[!a-z0-9/._-]* | /* | *//*[!/]*) die "\"$1\" is an invalid platform" ;;
	esac
	[ "$os" = linux ] || die "--platform $1: only linux images can be built"
}

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

# ---- stages ------------------------------------------------------------------

# stage_dir NUMBER: the image so far, $stage.
stage_dir() {
	stage=$SKIFF_ROOT/images/.b$1.$$ stage_number=$1
	get "$stage/name" || :
	shown_stage=''
	[ "$file_stages" -eq 1 ] || shown_stage="$value "
}

# build_stages: all of the plan. First what is cached, in this process; what is left, a process
# for each stage.
build_stages() {
	count_steps
	if [ "$explain" = only ]; then
		explain_stages
		return
	fi
	pending=''
	for number in $stages; do
		stage_dir "$number"
		begin_stage
		stage_waits || walk_stage
		[ -e "$stage/done" ] || pending="$pending $stage_number"
	done
	[ -n "$pending" ] || return 0
	trap 'get "$work/failed" && exit "$value"' USR1 # from a stage: wait(1) waits for one of them
	for number in $pending; do
		exec 6>"$work/lock.$number"
		flock 6
		(stage_job "$number") &
		jobs="$jobs $!"
		exec 6>&-
	done
	result=0
	for job in $jobs; do
		wait "$job" || result=$?
		[ $result -eq 0 ] || exit "$result"
		jobs=${jobs#*"$job"}
	done
	trap - USR1
}

# stage_job NUMBER: the rest of a stage, in a process of its own.
stage_job() {
	jobs=''
	trap 'exit 130' INT TERM HUP
	trap 'exit 141' PIPE
	trap 'end_stage_job "$?"' EXIT
	stage_dir "$1"
	for other in $(needs_of); do
		flock -s "$work/lock.$other" true 2>/dev/null || :
		[ -e "$SKIFF_ROOT/images/.b$other.$$/done" ] || exit 1 # it has said why
	done
	begin_stage
	making=true
	walk_stage
}

# end_stage_job STATUS: if it failed, the whole build ends with that, and with it the other stages.
end_stage_job() {
	end_own_container
	[ "$1" -ne 0 ] || return 0
	[ -e "$work/failed" ] || note "$work/failed" "$1"
	kill -USR1 $$ 2>/dev/null || :
}

# needs_of: the numbers of the stages that $stage begins with or copies from.
needs_of() {
	get "$stage/base" || :
	[ -z "$value" ] || echo "$value"
	each_step note_needs
}

note_needs() {
	case $kind in
	copy | add) case $f1 in stage:*) echo "${f1#stage:}" ;; esac ;;
	run)
		each_mount note_mount
		;;
	esac
}

note_mount() {
	case $m_from in stage:*) echo "${m_from#stage:}" ;; esac
}

# stage_waits: for another that is not complete yet?
stage_waits() {
	[ -n "$pending" ] || return
	for other in $(needs_of); do
		[ -e "$SKIFF_ROOT/images/.b$other.$$/done" ] || return 0
	done
	return 1
}

# begin_stage: the state of $stage into variables: $chains (chain IDs), $blob_list, $diff_ids,
# $history (JSON), $time (of the last layer).
begin_stage() {
	get "$stage/base" || :
	base=$stage/base-
	[ -z "$value" ] || base=$SKIFF_ROOT/images/.b$value.$$/
	chains='' blob_list='' diff_ids='' history='' step_time='' last_time=''
	! get "${base}time" || step_time=$value
	lines_of "${base}layers" && chains=$lines_of
	lines_of "${base}blobs" && blob_list=$lines_of
	lines_of "${base}diff-ids" && diff_ids=$lines_of
	! get "${base}history" || history=$value
	! get "${base}last-time" || last_time=$value
	new_layers=''
}

# lines_of FILE: the whole file into $lines_of.
lines_of() {
	lines_of=''
	[ ! -e "$1" ] || while read -r line; do lines_of=$lines_of$line$nl; done <"$1"
}

# each_step FUNCTION: for each line of the plan that is of $stage_number, with its fields in
# $kind $step_line $step_end $text $by $depends and $f1..., until one sets $stop.
# (Not in a condition: what fails ends the build, and in conditions the shell looks away.)
each_step() {
	function=$1 in_stage='' stop=''
	IFS=$nl
	# shellcheck disable=SC2086 # a line each
	set -- $plan
	unset IFS
	for entry in "$@"; do
		case $entry in
		"stage$us$stage_number") in_stage=true ;;
		"stage$us"*) in_stage='' ;;
		"step$us"*)
			[ -n "$in_stage" ] || continue
			step_fields "$entry"
			"$function"
			[ -z "$stop" ] || return 0
			;;
		"history$us"* | "diff-ids$us"* | "config$us"*)
			[ -n "$in_stage" ] || continue
			kind=${entry%%"$us"*} f1=${entry#*"$us"}
			"$function"
			;;
		esac
	done
}

step_fields() {
	IFS=$us
	# shellcheck disable=SC2086 # fields
	set -- $1
	unset IFS
	kind=$2 step_line=$3 step_end=$4 text=$5 by=$6 depends=$7
	shift 7
	f1=${1-} f2=${2-} f3=${3-} f4=${4-} f5=${5-} f6=${6-} f7=${7-} f8=${8-} f9=${9-}
	[ $# -gt 9 ] || set -- 1 2 3 4 5 6 7 8 9
	shift 9
	f10=${1-} f11=${2-}
}

# count_steps: how many of each stage are numbered, for messages: $totals, lines "STAGE COUNT BEFORE".
count_steps() {
	totals=$nl offset=0
	for stage_number in $stages; do
		total=1
		each_step count_step
		totals="$totals$stage_number $total $offset$nl"
		offset=$((offset + total))
	done
	vertices=$offset
}

count_step() {
	case $kind in run | copy | add | workdir) total=$((total + 1)) ;; esac
}

# walk_stage: step by step: what is cached is taken. Without $making it ends at the first step
# that has to be made. The file "done" says that it came to the end.
making=''
walk_stage() {
	of_stage=${totals#*"$nl$stage_number "}
	of_stage=${of_stage%%"$nl"*} position=1
	offset=${of_stage#* } of_stage=${of_stage%% *}
	told=0
	! get "$stage/told" || told=$value
	get "$stage/from" || :
	[ "$told" -gt 0 ] || tell "#$((offset + 1)) [${shown_stage}1/$of_stage] FROM $value$nl#$((offset + 1)) DONE$nl"
	find_keys
	if [ -n "$making" ]; then
		each_step walk_step
	else
		lock_images
		holding_back=true
		each_step walk_step
		unlock_images
		tell_held_back
	fi
	[ -z "$stop" ] || return 0
	save_stage
	: >"$stage/done"
}

# save_stage: for those that begin with it.
save_stage() {
	printf '%s' "$history" >"$stage/history"
	printf '%s' "$diff_ids" >"$stage/diff-ids"
	printf '%s\n' "$step_time" >"$stage/time"
	printf '%s' "$chains" >"$stage/layers"
	printf '%s' "$blob_list" >"$stage/blobs"
	printf '%s\n' "$last_time" >"$stage/last-time"
}

# find_keys: the digest of all that each step depends on, into $keys, one a line.
find_keys() {
	[ -d "$work/keys.$stage_number" ] || mkdir "$work/keys.$stage_number"
	key_number=0
	each_step write_key
	keys=''
	[ $key_number -eq 0 ] || keys=$(cd "$work/keys.$stage_number" && set +f && sha256sum -- *) || die 'cannot hash'
}

write_key() {
	case $kind in run | copy | add | workdir) ;; *) return 0 ;; esac
	key_file $((key_number + 1))
	[ -e "$key_file" ] || key_of_step >"$key_file" || exit 1 # it is there from the walk before
}

# key_file NUMBER: of the step of that number among those of $stage_number that make a layer, $key_number: where
# what it depends on is kept, $key_file.
key_file() { key_number=$1 key_file=$work/keys.$stage_number/$((100001 + $1)); }

# key_of_step: all that the step at hand depends on but for the layers below, on standard output.
key_of_step() {
	content=''
	case $kind in
	copy | add) copy_digest || exit 1 ;;
	run)
		mounts_digest || exit 1
		content="$content $network $extra_hosts"
		;;
	esac
	printf '%s\n%s\n%s\n' "$depends" "$content" "${SOURCE_DATE_EPOCH:-}"
}

# top: the chain ID of the topmost layer of the image so far, into $top.
top() {
	top=${chains%"$nl"}
	top=${top##*"$nl"}
	: "${top:=scratch}"
}

walk_step() {
	case $kind in
	history)
		add_base_history
		return
		;;
	diff-ids | config) return ;;
	meta)
		add_history "$by"
		return
		;;
	esac
	position=$((position + 1))
	title="[$shown_stage$position/$of_stage] $text"
	step_key=${keys%% *} keys=${keys#*"$nl"}
	top
	record=$cache/$top.$step_key
	if take_cached; then
		[ "$position" -le "$told" ] || tell "#$((offset + position)) $title$nl#$((offset + position)) CACHED$nl"
	elif [ -n "$making" ]; then
		make_step
	else
		stop=true
		note "$stage/told" $((position - 1))
	fi
}

# take_cached: what the cache has for the step becomes part of the image so far. False if nothing.
take_cached() {
	[ -z "$no_cache" ] || return
	read -r chain diff_id size time 2>/dev/null <"$record" || return
	case $chain in
	-) ;;
	*)
		[ -z "$making" ] || lock_images
		[ -d "$SKIFF_ROOT/layers/$chain" ] && [ -f "$blobs/${diff_id#sha256:}" ] && here=true || here=''
		if [ -n "$here" ]; then
			printf '%s\n' "$chain" >>"$announced/layers"
			printf '%s %s\n' "$diff_id" "$size" >>"$announced/blobs"
		fi
		[ -z "$making" ] || unlock_images
		[ -n "$here" ] || return
		;;
	esac
	add_layer_to_image
}

# add_layer_to_image: the one of $chain, $diff_id, $size, $time, of the step at hand.
add_layer_to_image() {
	step_time=$time
	[ -n "$new_layers" ] || settle_times
	new_layers=true
	if [ "$chain" = - ]; then
		add_history "\"empty_layer\":true,$by"
		return
	fi
	chains=$chains$chain$nl blob_list="$blob_list$diff_id $size$nl" diff_ids=$diff_ids$diff_id$nl
	add_history "$by"
}

# add_history JSON: one more object, without the first brace. Its time is that of the last layer; if there is none
# yet, that of the first one to come: the byte 0x1e stands for it.
add_history() {
	history_time=${epoch_time:-$step_time}
	[ -n "$new_layers$epoch_time" ] || history_time=$rs
	history="$history,{\"created\":\"$history_time\",$1" last_time=$history_time
}

# settle_times: of what came before the first new layer.
settle_times() {
	while :; do
		case $history in
		*"$rs"*) history=${history%%"$rs"*}$step_time${history#*"$rs"} ;;
		*) return ;;
		esac
	done
}

add_base_history() {
	IFS=$us
	# shellcheck disable=SC2086 # an object each
	for object in $f1; do history="$history,$object"; done
	unset IFS
}
