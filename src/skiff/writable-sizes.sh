# How much there is in the writable layers of containers. Sourced.

# writable_sizes ID...: a line each, ID <tab> BYTES of the files in its writable layer, a hard link counted
# once. In the directory of all containers.
writable_sizes() {
	for id in "$@"; do
		shift
		set -- "$@" "$id/rw"
	done
	find "$@" -regex '[0-9a-f]*/rw/work' -prune -o -type d -printf '%H\t\t0\n' -o -printf '%H\t%D:%i\t%s\n' 2>/dev/null |
		awk -F '\t' '
			$1 != last { if (last) printf "%s\t%.0f\n", substr(last, 1, 64), bytes; last = $1; bytes = 0; split("", seen) }
			!($2 in seen) { bytes += $3; if ($2 != "") seen[$2] }
			END { if (last) printf "%s\t%.0f\n", substr(last, 1, 64), bytes }'
}
