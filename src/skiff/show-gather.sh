# What skiff show pictures: one look at all that the kernel and the files tell of containers, as
# JSON. Sourced.
#
# Few processes, however many containers: containers says which there are, cgset table what
# they use, cgset procs and find what /proc has of them; awk reads the files, jq puts the lines together.

figures='clock_usec cpu.usage_usec memory.current memory.inactive_file memory.max pids.current pids.max'

# find_wanted NAME...: the IDs of those containers into $wanted.
find_wanted() {
	wanted=''
	for name in "$@"; do
		find_container "$name" || exit 1
		wanted="$wanted $id"
	done
}

# find_rows: into $rows the lines of what containers says: of those that run, or all with $all or
# $wanted, as only among all can be seen what they share; $groups and $mains: their groups, and where the
# namespaces of their main processes are.
find_rows() {
	rows=$(containers --no-trunc ${all:+-a} ${wanted:+-a} -o 'ID Names State Status Image Command Mounts' \
		"$SKIFF_ROOT" "$SKIFF_RUN") || exit 1
	groups='' mains=''
	while IFS=$tab read -r _ id _; do
		[ -n "$id" ] || continue
		groups=$groups$group/$id$nl
		! read -r pid _ 2>/dev/null <"$SKIFF_RUN/$id/pid" || mains="$mains /proc/$pid/ns"
	done <<-END
		$rows
	END
}

# sample: the figures of $groups, all at the same time.
sample() {
	# shellcheck disable=SC2086 # a word each
	printf '%s' "$groups" | cgset table $figures
}

# gather: what there is of $rows as JSON, an object a line. The figures of $before, an earlier sample, tell
# how much of the CPUs has been used since; $now are those of this moment.
gather() {
	# shellcheck disable=SC2086 # a word each
	{
		printf '%s\n%%\n%s\n%%\n%s\n%%\n' "$rows" "$before" "$now"
		[ -z "$groups" ] || cgset procs $groups 2>/dev/null || : # some may just have ended
		echo %
		find /proc/self/ns $mains -type l -printf '%h %f %l\n' 2>/dev/null || :
	} | awk -F '\t' -v root="$SKIFF_ROOT" -v run="$SKIFF_RUN" -v group="$group" -f "$lib/show-gather.awk" |
		jq -L "$lib" -R -n -c --arg wanted "$wanted" -f "$lib/show-gather.jq"
}

# look: one look, of its own: into $picture.
look() {
	find_rows
	before=$(sample)
	sleep 0.2
	now=$(sample)
	picture=$(gather)
}
