# References and images. Sourced by the verbs that take an IMAGE.
#
#   refs/HOST/PATH:TAG, refs/HOST/PATH@sha256:HEX    three lines: the image's ID, the digest
#       that the registry gave for the reference ("<none>": no registry), the manifest's
#   images/HEX/                                      the config HEX taken apart

# canonical REFERENCE: the full form of an image reference into $canonical, its
# parts into $host $path $tag $digest; false if it is none. The rules are those of
# `pull name` (distribution/reference, normalize.go), written again in shell because
# every run needs them and starting a program that can also speak TLS costs more
# than a container does; a test holds the two against each other.
canonical() {
	path=$1 tag='' digest=''
	case $path in
	*@*)
		digest=${path#*@} path=${path%%@*}
		valid_digest "$digest" || return
		;;
	esac
	case ${path##*/} in
	*:*)
		tag=${path##*:} path=${path%:*}
		case $tag in '' | [.-]* | *[!A-Za-z0-9_.-]*) return 1 ;; esac
		[ ${#tag} -le 128 ] || return
		;;
	esac
	host=docker.io
	case $path in
	*/*)
		case ${path%%/*} in
		localhost | *.* | *:* | *[A-Z]*)
			host=${path%%/*} path=${path#*/}
			valid_host "$host" || return
			;;
		esac
		;;
	esac
	# 64 hexadecimal digits are an ID, never a name.
	case $1 in *[!0-9a-f]*) ;; *) [ ${#1} -ne 64 ] || return ;; esac
	[ "$host" != index.docker.io ] || host=docker.io
	case $host/$path in docker.io/*/*) ;; docker.io/*) path=library/$path ;; esac
	case /$path/ in
	*[!a-z0-9._/-]* | */[._-]* | *[._-]/* | *//*) return 1 ;;
	*..* | *._* | *_.* | *.-* | *-.* | *_-* | *-_* | *___*) return 1 ;;
	esac
	[ $((${#host} + ${#path} + 1)) -le 255 ] || return
	if [ -n "$digest" ]; then
		canonical=$host/$path@$digest tag='' # the digest wins, the tag is dropped
	else
		tag=${tag:-latest}
		canonical=$host/$path:$tag
	fi
}

# valid_host HOST[:PORT]: a name, an IPv4 address, or an IPv6 address in brackets.
valid_host() {
	case $1 in
	\[*\]*)
		rest=${1#*\]} domain=${1%%\]*}
		case $domain in \[ | \[*[!0-9A-Fa-f:]*) return 1 ;; esac
		;;
	*)
		domain=${1%%:*}
		rest=${1#"$domain"}
		case .$domain. in *[!A-Za-z0-9.-]* | *..* | *.-* | *-.*) return 1 ;; esac
		;;
	esac
	case $rest in : | :*[!0-9]* | [!:]*) return 1 ;; esac
}

valid_digest() {
	case $1 in sha256:*[!0-9a-f]*) return 1 ;; sha256:*) [ ${#1} -eq 71 ] ;; *) return 1 ;; esac
}

# familiar CANONICAL: the short form that people see, into $familiar. docker.io/a.b/c stays,
# as a.b/c would be a repository of the host a.b.
familiar() {
	familiar=${1#docker.io/}
	case $1 in
	docker.io/library/*/*) ;;
	docker.io/library/*) familiar=${familiar#library/} ;;
	docker.io/localhost/*) familiar=$1 ;;
	docker.io/*/*) case ${familiar%%/*} in *.*) familiar=$1 ;; esac ;;
	esac
}

# find_image NAME: the image with that reference, ID or leading part of an ID:
# its ID (64 digits) into $image, its directory into $image_dir; $canonical is empty if the
# name is an ID. False if there is none; ends if there are several.
find_image() {
	image=''
	if canonical "$1" && find_reference; then
		image=${image#sha256:}
	else
		canonical='' prefix=${1#sha256:}
		case $prefix in '' | *[!0-9a-f]*) return 1 ;; esac
		unique "$SKIFF_ROOT/images" "$prefix" || return
		image=$found
	fi
	image_dir=$SKIFF_ROOT/images/$image
	image_is_there
}

# find_reference: what $canonical means, into $image. A digest is known by the tags, too, that
# were pulled with it.
find_reference() {
	! read -r image 2>/dev/null <"$SKIFF_ROOT/refs/$canonical" || return 0
	[ -n "$digest" ] || return
	set +f
	for ref in "$SKIFF_ROOT/refs/$host/$path":*; do
		set -f
		{ read -r image && read -r named; } 2>/dev/null <"$ref" && [ "$named" = "$digest" ] && return
	done
	set -f
	return 1
}

# image_is_there: the one in $image. Who removes an image sets it aside before he looks for
# containers that use it, and puts it back if there is one: wait until he knows.
image_is_there() {
	until [ -d "$image_dir" ]; do
		set +f
		set -- "$SKIFF_ROOT/images/.$image.removed."*
		set -f
		[ -d "$1" ] && [ -d "/proc/${1##*.}" ] || { [ -d "$image_dir" ]; return; }
		sleep 0.01
	done
}

# unique DIRECTORY PREFIX: the one entry that begins so, into $found. False if
# there is none; ends if there are several.
unique() {
	found=''
	set +f
	for entry in "$1/$2"*; do
		[ -e "$entry" ] || continue
		[ -z "$found" ] || die "more than one ID begins with '$2'"
		found=${entry##*/}
	done
	set -f
	[ -n "$found" ]
}

# no_such_image NAME: end with Docker's message.
no_such_image() {
	case ${1#sha256:} in '' | *[!0-9a-f]*) ;; *) [ ${#1} -lt 64 ] || die "No such image: $1" ;; esac
	canonical "$1" || die "invalid reference format: '$1'"
	familiar "$canonical"
	die "No such image: $familiar"
}

# digest_of REFERENCE: the digest that a registry gave for it into $named; empty if none did.
digest_of() {
	case $1 in
	*@*) named=${1#*@} ;;
	*) { read -r named && read -r named; } 2>/dev/null <"$SKIFF_ROOT/refs/$1" || named='' ;;
	esac
	[ "$named" != '<none>' ] || named=''
}

repository_of() {
	case $1 in *@*) repository=${1%@*} ;; *) repository=${1%:*} ;; esac
}

# set_platform PLATFORM: os/arch[/variant], or one of the first two alone, in the words that docker takes for them, into
# $platform, and its parts into $os, $architecture, $variant. Of '' only $platform is made.
set_platform() {
	platform=$1 os=linux variant=''
	[ -n "$1" ] || return 0
	case $1 in *[A-Z]*) platform=$(printf %s "$1" | tr "[:upper:]" "[:lower:]") ;; esac
	case $platform in *[!a-z0-9/._-]* | /* | */ | *//* | */*/*/*) die "\"$1\" is an invalid platform" ;; esac
	architecture=${platform#*/}
	case $platform in
	*/*) os=${platform%%/*} ;;
	linux | windows | darwin | freebsd)
		machine
		os=$platform architecture=$machine
		;;
	esac
	case $architecture in */*) variant=${architecture#*/} architecture=${architecture%%/*} ;; esac
	case $architecture in
	x86_64 | x86-64) architecture=amd64 ;;
	i386) architecture=386 ;;
	aarch64) architecture=arm64 ;;
	armhf) architecture=arm variant=v7 ;;
	armel) architecture=arm variant=v6 ;;
	esac
	case $architecture/$variant in arm/[5-8] | arm64/8) variant=v$variant ;; esac
	platform=$os/$architecture${variant:+/$variant}
}
