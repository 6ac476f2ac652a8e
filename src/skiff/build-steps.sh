# The steps of a build that make a layer. Sourced by build.sh.
#
# A step has the fields of its line in the plan (build.jq), $kind, $text, $f1...:
#   run      argv, environment (base64 of NUL lists), user, directory, mounts, network, security,
#            script (base64; to be run in place of argv)
#   copy, add   from (stage:N, image:REFERENCE or nothing), destination, sources, chown, chmod,
#            parents, excludes, checksum, here-documents (name, base64), unpack, keep-git-dir
#   workdir  the directory

use start.sh
. "$lib/build-copy.sh"
. "$lib/build-run.sh"

# make_step: make the layer of the step at hand, and remember it in the cache.
make_step() {
	[ -d "/proc/$$" ] || exit 137 # the build was killed, and this stage is left: check will tidy up
	step=$work/step.$stage_number vertex="#$((offset + position))"
	rm -rf "$step"
	mkdir "$step"
	tell "$vertex $title"
	read -r began _ </proc/uptime
	unchanged=''
	key_file $((position - 1))
	"make_$kind"
	time=$epoch_time
	[ -n "$time" ] || time=$(journal)
	if [ -n "$unchanged" ]; then
		chain=- diff_id=- size=0
	else
		finish_layer
	fi
	# The context may have changed since it was looked at: then this is not what the key stands for.
	if key_of_step | cmp -s - "$key_file"; then
		note "$step/record" "$chain $diff_id $size $time$nl$text"
		mv -T "$step/record" "$record"
	fi
	rm -rf "$step"
	add_layer_to_image
	read -r ended _ </proc/uptime
	elapsed "$began" "$ended"
	tell "$vertex DONE ${elapsed}s$nl"
}

# elapsed FROM TO: of /proc/uptime, into $elapsed.
elapsed() {
	hundredths=$((${2%.*}1${2#*.} - ${1%.*}1${1#*.}))
	[ "${2%.*}" = "${1%.*}" ] || hundredths=$(((${2%.*} - ${1%.*}) * 100 + 1${2#*.} - 1${1#*.}))
	elapsed=$((hundredths / 100)).$((hundredths % 100 / 10))
}

# finish_layer: the archive $step/archive becomes a layer, $chain $diff_id $size.
finish_layer() {
	keep_blob "$step/archive"
	diff_id=$digest size=$(stat -c %s "$step/archive")
	chain=${diff_id#sha256:}
	if [ "$top" != scratch ]; then
		chain=$(printf 'sha256:%s %s' "$top" "$diff_id" | sha256sum)
		chain=${chain%% *}
	fi
	while :; do
		add_layer "$chain" "$diff_id" "$diff_id" "$chains" || exit 1
		lock_images
		printf '%s\n' "$chain" >>"$announced/layers"
		printf '%s %s\n' "$diff_id" "$size" >>"$announced/blobs"
		[ ! -d "$SKIFF_ROOT/layers/$chain" ] || break
		unlock_images # it was there, and has been removed meanwhile
	done
	[ -e "$blobs/${diff_id#sha256:}" ] || ln -T "$step/archive" "$blobs/${diff_id#sha256:}"
	unlock_images
}

# over LAYERS FD COMMAND...: COMMAND with the stack of these layers open as FD; with the step's
# own writable layer on top if $writable.
writable=''
over() {
	lower_layers=$1 count=$(($# - 2))
	set -- "$@" layerfs stack --fd "$2"
	shift 2
	[ -z "$writable" ] || set -- "$@" --upper "$step/upper" --work "$step/work"
	for layer in $lower_layers; do set -- "$@" "$SKIFF_ROOT/layers/$layer/fs"; done
	[ -n "$lower_layers" ] || set -- "$@" "$work/empty"
	set -- "$@" --
	while [ $count -gt 0 ]; do
		set -- "$@" "$1"
		shift
		count=$((count - 1))
	done
	x "$@"
}

# layers_from FROM: those of stage:N or image:REFERENCE, into $from_layers.
layers_from() {
	case $1 in
	stage:*) lines_of "$SKIFF_ROOT/images/.b${1#stage:}.$$/layers" ;;
	image:*)
		other=0
		while :; do
			other=$((other + 1))
			get "$SKIFF_ROOT/images/.bi$other.$$/reference" || failed "${1#image:}: not found"
			[ "$value" != "${1#image:}" ] || break
		done
		lines_of "$SKIFF_ROOT/images/.bi$other.$$/base-layers"
		;;
	esac
	from_layers=$lines_of
}

# x_to FILE COMMAND...: its output into FILE.
x_to() {
	file=$1
	shift
	if [ "$explain" = only ]; then
		command_line "$@"
		quoted "$file"
		say "$line >$quoted"
	else
		x "$@" >"$file"
	fi
}

# really FUNCTION...: even if only explained: what is looked at, not changed. In a subshell.
really() {
	explain=''
	"$@"
}

# both FROM TO: a pipe of two functions that must both be right.
both() {
	if [ "$explain" = only ]; then
		line=$("$1")
		say "$line |
  $("$2" 4>&1) >/dev/null"
		return
	fi
	failed_part=$({
		{ "$1" || echo from >&3; } | "$2" 4>/dev/null || echo to >&3
	} 3>&1)
	[ -n "$failed_part" ] || return 0
	[ -n "$step_line" ] || exit 1
	show_source
	failed "$text: see above"
}

# decode TEXT FILE: add what TEXT is in base64 to FILE.
decode() {
	if [ -n "$explain" ]; then
		quoted "$1"
		encoded=$quoted
		quoted "$2"
		say "printf %s $encoded | base64 -d >>$quoted"
	fi
	printf %s "$1" | base64 -d >>"$2"
}

# diff_upper UPPER [OPTION...]: a writable layer as the archive of the step.
diff_upper() {
	upper_layer=$1
	shift
	if [ "$explain" = only ]; then
		explain_diff "$@"
		return
	fi
	for layer in $chains; do set -- "$@" --lower "$SKIFF_ROOT/layers/$layer/fs"; done
	[ -n "$chains" ] || set -- "$@" --lower "$work/empty"
	x_to "$step/archive" layerfs diff "$@" "$upper_layer" || exit 1
}

# ---- WORKDIR -----------------------------------------------------------------

make_workdir() {
	writable=true
	both get_empty put_workdir
	writable=''
	[ "$explain" != only ] || return 0
	if [ -z "$(ls -A "$step/upper")" ]; then unchanged=true; else diff_upper "$step/upper"; fi
}

get_empty() { x context tar "$work/empty" .; }
put_workdir() { over "$chains" 8 root-tar put --parents fd:8 "$f1/" >&4; }
