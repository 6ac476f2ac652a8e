# The stages of a build, step by step. Sourced by build.sh.

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
