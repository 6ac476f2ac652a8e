# The context of a build. Sourced by build.sh.

# take_context PATH|URL|-: $context, a directory; the Dockerfile as $work/dockerfile, called
# $shown_dockerfile; $ignore and $ignore_file, an option of context.
take_context() {
	given=$dockerfile
	case $1 in
	-)
		[ ! -t 0 ] || die 'unable to prepare context: standard input is a terminal'
		[ "$given" != - ] || die "invalid argument: can't use stdin for both build context and dockerfile"
		take_stream
		return
		;;
	http://* | https://* | git://* | git@* | ssh://* | github.com/*)
		if is_git "$1"; then
			own_keys=true
			clone "$1" "$work/context" ''
			own_keys=''
			take_inside
		else
			download "$1" "$work/download" || die "unable to prepare context: unable to download remote context $1"
			take_stream <"$work/download"
		fi
		return
		;;
	esac
	[ -e "$1" ] || die "unable to prepare context: path \"$1\" not found"
	[ -d "$1" ] || die "unable to prepare context: context must be a directory: $1"
	context=$(cd -- "$1" && pwd -P) || die "unable to prepare context: cannot enter $1"
	take_dockerfile
}

# take_stream: an archive or a Dockerfile on standard input.
take_stream() {
	head -c 512 >"$work/head"
	[ -s "$work/head" ] || die 'unable to prepare context: no build context or Dockerfile on standard input'
	if begins_archive; then
		cat "$work/head" - | layerfs unpack --base "$work/context" >/dev/null ||
			die 'unable to prepare context: cannot read the archive'
		take_inside
		return
	fi
	context=$work/empty ignore=--ignore ignore_file=.dockerignore
	[ -z "$given" ] || die "unable to prepare context: --file needs a context, standard input is a Dockerfile"
	cat "$work/head" - | head -c 4194305 >"$work/dockerfile"
	call_dockerfile Dockerfile
}

# begins_archive: is what $work/head has the beginning of one?
begins_archive() {
	case $(od -An -tx1 -N6 "$work/head") in
	' 1f 8b'* | ' 28 b5 2f fd'* | ' fd 37 7a 58 5a 00' | ' 42 5a 68'*) return ;;
	esac
	[ "$(od -An -tx1 -j257 -N5 "$work/head" 2>/dev/null)" = ' 75 73 74 61 72' ]
}

# take_inside: the context $work/context has come from elsewhere: no link in it leads out.
take_inside() {
	context=$work/context
	inside=${given:-Dockerfile}
	if [ "$given" = - ]; then
		head -c 4194305 >"$work/dockerfile"
		inside=Dockerfile
	else
		context cat "$context" "$inside" >"$work/dockerfile" 2>/dev/null ||
			failed "failed to read dockerfile: open $inside: no such file or directory"
	fi
	ignore=--ignore ignore_file=.dockerignore
	if context cat "$context" "$inside.dockerignore" >"$work/dockerignore" 2>/dev/null; then
		ignore=--ignore-file ignore_file=$work/dockerignore
	fi
	call_dockerfile "${inside##*/}"
}

take_dockerfile() {
	: "${dockerfile:=$context/Dockerfile}"
	ignore=--ignore ignore_file=.dockerignore
	if [ "$dockerfile" = - ]; then
		head -c 4194305 >"$work/dockerfile"
		call_dockerfile Dockerfile
		return
	fi
	[ -f "$dockerfile" ] || failed "failed to read dockerfile: open ${dockerfile##*/}: no such file or directory"
	head -c 4194305 <"$dockerfile" >"$work/dockerfile" || exit 1
	if [ -f "$dockerfile.dockerignore" ]; then
		cp "$dockerfile.dockerignore" "$work/dockerignore"
		ignore=--ignore-file ignore_file=$work/dockerignore
	fi
	call_dockerfile "${dockerfile##*/}"
}

# call_dockerfile NAME: in messages, those of the parser too, as $shown_dockerfile.
call_dockerfile() {
	case $1 in *[!A-Za-z0-9._-]* | .* | -*) shown_dockerfile=Dockerfile ;; *) shown_dockerfile=$1 ;; esac
	[ "$shown_dockerfile" = dockerfile ] || ln -sf dockerfile "$work/$shown_dockerfile"
}

# ---- from elsewhere ------------------------------------------------------------

# is_git URL: is it a repository, rather than a file?
is_git() {
	case ${1%%#*} in
	git://* | git@* | ssh://* | github.com/* | http://*.git | https://*.git) ;;
	*) return 1 ;;
	esac
}

# download URL FILE: at most 8 GiB, whatever the server says of the size.
download() {
	command -v curl >/dev/null || die 'no program curl: it is needed for URLs'
	case $1 in *[[:cntrl:]]* | *' '*) die "not a URL: '$1'" ;; esac
	(
		ulimit -f 16777216 # blocks of 512 bytes
		exec curl -q -fsSL --speed-limit 1 --speed-time 60 --proto '=http,https' --proto-redir '=http,https' --max-redirs 10 --connect-timeout 30 \
			--max-filesize 8589934592 -R -o "$2" -- "$1"
	)
}

# clone URL[#REF[:DIRECTORY]] DIRECTORY KEEP: a git repository, without .git unless KEEP. The keys and passwords
# of who builds are only for what he names himself ($own_keys): a Dockerfile may be a stranger's.
clone() {
	command -v git >/dev/null || die 'no program git: it is needed for repositories'
	clone=$2.clone
	url=${1%%#*} git_ref='' git_directory=''
	case $1 in *'#'*) git_ref=${1#*#} ;; esac
	case $git_ref in *:*) git_directory=${git_ref#*:} git_ref=${git_ref%%:*} ;; esac
	case $url in github.com/*) url=https://$url ;; esac
	shown_url=$url
	case $url in *://*@*) shown_url=${url%%://*}://${url#*@} ;; esac # without a password
	case $git_ref in -* | *[[:cntrl:]]* | *' '*) die "invalid git reference '$git_ref'" ;; esac
	# Not as an option, and by none of git's ways to run programs or read files of this machine; nor in a
	# repository that a hook has named in its environment.
	(
		[ -z "${own_keys:-}" ] && HOME=$work/nobody && unset SSH_AUTH_SOCK &&
			export HOME GIT_CONFIG_GLOBAL=/dev/null \
				GIT_SSH_COMMAND='ssh -F none -o IdentitiesOnly=yes -o IdentityFile=none -o IdentityAgent=none -o BatchMode=yes'
		unset GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE GIT_OBJECT_DIRECTORY GIT_ALTERNATE_OBJECT_DIRECTORIES \
			GIT_COMMON_DIR GIT_NAMESPACE GIT_CONFIG GIT_CONFIG_PARAMETERS GIT_CONFIG_COUNT GIT_ASKPASS SSH_ASKPASS
		export GIT_ALLOW_PROTOCOL=http:https:git:ssh GIT_TERMINAL_PROMPT=0 GIT_CONFIG_NOSYSTEM=1
		git init -q "$clone" && cd "$clone" &&
			{ git fetch -q --depth 1 -- "$url" "${git_ref:-HEAD}" || git fetch -q -- "$url" '+refs/*:refs/fetched/*' "${git_ref:-HEAD}"; } &&
			git -c advice.detachedHead=false checkout -q FETCH_HEAD &&
			if [ -f .gitmodules ]; then git submodule -q update --init --recursive --depth 1; fi
	) >&2 || die "unable to prepare context: unable to 'git clone' $shown_url"
	[ -n "$3" ] || find "$clone" -name .git -prune -exec rm -rf '{}' +
	if [ -n "$git_directory" ]; then
		context tar --literal "$clone" "$git_directory" | root-tar put --parents --owners "$work" "/${2#"$work/"}/" >/dev/null ||
			die "no directory '$git_directory' in $url"
		rm -rf "$clone"
	else
		mv -T "$clone" "$2"
	fi
}
