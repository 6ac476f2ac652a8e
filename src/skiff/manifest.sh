# Manifest lists that are being made. Shared by the verbs manifest-*.
#
#   SKIFF_ROOT/manifests/HOST/REPOSITORY:TAG    a line for each image of the list:
#       REFERENCE DIGEST SIZE TYPE OS ARCHITECTURE VARIANT OS-VERSION OS-FEATURES
#       with tabs between, "-" where there is none

use image.sh

# list_file NAME: the file of the list NAME into $list; its parts are in $host, $path, $tag.
list_file() {
	canonical "$1" || die "invalid reference format: '$1'"
	[ -z "$digest" ] || die "a list has a tag, not a digest: '$1'"
	list=$SKIFF_ROOT/manifests/$canonical list_name=$canonical
}

# lock_lists: from reading a list to keep_list nobody else may change it. Goes with the process.
lock_lists() {
	(umask 077 && mkdir -p "${list%/*}") || die "cannot make ${list%/*}"
	exec 9<"$SKIFF_ROOT/manifests"
	flock 9
}

# keep_list: make standard input the list of list_file.
keep_list() {
	cat >"$SKIFF_ROOT/manifests/.$$"
	x mv "$SKIFF_ROOT/manifests/.$$" "$list" || die "cannot write $list"
}

# ask_registry VERB REFERENCE [OPTION]: pull VERB, where $insecure may allow what is not safe.
ask_registry() {
	canonical "$2" || die "invalid reference format: '$2'"
	pull "$1" ${insecure:+--insecure "$host"} ${3:+"$3"} "$canonical"
}

# list_json FILE: the list as registries have it. It is Docker's if all its images are,
# otherwise OCI's.
list_json() {
	jq -R -n --indent 3 '
		def word: if . == "-" then "" else . end;
		def given($name; $value): if $value == "-" then {} else {($name): $value} end;
		[inputs / "\t"] |
		"application/vnd.docker.distribution.manifest.v2+json" as $docker |
		{
			schemaVersion: 2,
			mediaType: (if all(.[]; .[3] == $docker)
				then "application/vnd.docker.distribution.manifest.list.v2+json"
				else "application/vnd.oci.image.index.v1+json" end),
			manifests: map({
				mediaType: .[3], size: (.[2] | tonumber), digest: .[1],
				platform: ({architecture: (.[5] | word), os: (.[4] | word)} + given("os.version"; .[7]) +
					given("os.features"; if .[8] == "-" then "-" else .[8] / "," end) +
					given("variant"; .[6]))
			})
		}' "$1"
}
