# A system call filter of the container's own. Sourced by create.sh where the default one does not do.

# compile_filter PROFILE: into the container's own filter. A profile in JSON is Docker's.
compile_filter() {
	profile=$1
	read -r first <"$profile" || :
	case $first in
	'{'*)
		machine
		jq -r --arg arch "${machine%%/*}" -f "$share/from-json.jq" "$1" >"$dir/seccomp.profile" ||
			die "cannot read the seccomp profile $1"
		profile=$dir/seccomp.profile
		;;
	esac
	IFS=$nl
	# shellcheck disable=SC2086 # a line an argument
	set -- $gating "$profile"
	unset IFS
	compile_into "$dir/seccomp.bpf" seccomp-compile "$@"
	# An OCI runtime compiles for itself; the above is for exec.
	[ "$runtime" = skiff ] || compile_into "$dir/seccomp.json" seccomp-compile --oci "$@"
}

# compile_into FILE COMMAND...
compile_into() {
	file=$1
	shift
	if [ -n "$explain" ]; then
		command_line "$@"
		quoted "$file"
		say "$line >$quoted"
	fi
	"$@" >"$file" || die "cannot compile the seccomp profile $profile"
}
