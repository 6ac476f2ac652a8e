# Completion of skiff's command line in bash(1). Sourced by the shell of whoever types, at the
# first <Tab> behind "skiff": so nothing here changes a setting of it.
#
# What there is to complete stands nowhere but in the help: "skiff help" has the verbs, "skiff VERB
# --help" the options and what they want, and in its first line the operands. The names come from the
# files of the store. They are other people's, so none is ever expanded or evaluated (no compgen -W,
# which does both), and what is not plain is quoted before it reaches the line.
#
# The store is open to root alone. To anybody else, and so behind sudo, there are verbs, options and
# files, but no names.

# _skiff_words: the words up to the cursor as skiff will get them, into $words. (Bash parts them at :
# and = too; what has no blank before it belongs to the word before.)
_skiff_words() {
	local word rest=$COMP_LINE i
	words=()
	for ((i = 0; i <= COMP_CWORD; i++)); do
		word=${COMP_WORDS[i]}
		if [ "$i" -eq 0 ] || [[ -z $rest || $rest == [[:blank:]]* ]]; then
			rest=${rest#"${rest%%[![:blank:]]*}"}
			words+=("$word")
		else
			words[-1]+=$word
		fi
		rest=${rest#"$word"}
	done
}

# _skiff_offer END NAME...: of these the ones that begin with $current, END behind each, less what
# bash takes for words before the one that it completes.
_skiff_offer() {
	local end=$1 name before=''
	local breaks=${COMP_WORDBREAKS//[!:=]/}
	[ -z "$breaks" ] || before=${words[-1]%"${words[-1]##*[$breaks]}"}
	shift
	for name in "$@"; do
		[[ $name == "$current"* && $name != *[[:cntrl:]]* ]] || continue
		name=${words[-1]%"$current"}$name$end
		name=${name#"$before"}
		[[ $name != *[!A-Za-z0-9_.:=@/+-]* ]] || printf -v name %q "$name"
		COMPREPLY+=("$name")
	done
	[ -z "$end" ] || [ "${#COMPREPLY[@]}" -eq 0 ] || compopt -o nospace
}

# _skiff_containers END: those that the verb can do something with, by their names; or by their IDs, if
# no name fits.
_skiff_containers() {
	local states id names state list=() ids=() tool=${skiff%/*}/containers
	[ -x "$tool" ] || tool=containers
	case $verb in
	start) states=' created exited dead ' ;;
	unpause) states=' paused ' ;;
	kill | stop | wait) states=' running paused restarting ' ;;
	attach | exec | pause | port | stats | top) states=' running ' ;;
	*) states='' ;;
	esac
	while IFS=$'\t' read -r _ id state names; do # the columns that are empty are one blank to read
		[[ -z $states || $states == *" $state "* ]] || continue
		list+=("$names")
		ids+=("${id:0:12}")
	done < <("$tool" -a -o ID,State,Names "$store" "${SKIFF_RUN:-/run/skiff}" 2>/dev/null)
	_skiff_offer "$1" "${list[@]}"
	[ "${#COMPREPLY[@]}" -gt 0 ] || [ -z "$current" ] || _skiff_offer "$1" "${ids[@]}"
}

# _skiff_references DIRECTORY: of images or manifest lists, as short as Docker has them.
_skiff_references() {
	local reference list=()
	while IFS= read -r reference; do
		reference=${reference#docker.io/}
		reference=${reference#library/}
		list+=("$reference")
		[[ $reference != *:latest ]] || list+=("${reference%:latest}")
	done < <(find "$store/$1" -mindepth 2 -type f -printf '%P\n' 2>/dev/null)
	_skiff_offer '' "${list[@]}"
}

# _skiff_entries DIRECTORY WORD...: what has a directory there, and the words.
_skiff_entries() {
	local list
	mapfile -t list < <(find "$store/$1" -mindepth 1 -maxdepth 1 -type d ! -name '.*' -printf '%f\n' 2>/dev/null)
	shift
	_skiff_offer '' "${list[@]}" "$@"
}

# _skiff_stages: the names in the Dockerfile that the line is about.
_skiff_stages() {
	local file='' at list
	for ((at = 1; at < ${#words[@]} - 1; at++)); do
		case ${words[at]} in
		-f | --file) file=${words[at + 1]} ;;
		--file=*) file=${words[at]#*=} ;;
		*) [ -n "$file" ] || [ ! -f "${words[at]}/Dockerfile" ] || file=${words[at]}/Dockerfile ;;
		esac
	done
	mapfile -t list < <(awk 'toupper($1) == "FROM" && toupper($(NF - 1)) == "AS" { print $NF }' 2>/dev/null <"${file:-Dockerfile}")
	_skiff_offer '' "${list[@]}"
}

# _skiff_kind WORD: complete what the help calls WORD. Files are readline's, which knows best.
_skiff_kind() {
	local list
	case $1 in
	CONTAINER:*PATH) _skiff_containers : ;;
	CONTAINER*) _skiff_containers '' ;;
	*IMAGE* | REPOSITORY* | 'NAME[:TAG'* | MANIFEST) _skiff_references refs ;;
	NETWORK)
		case $verb in
		network-create) ;;
		network-*) _skiff_entries networks ;;
		*) _skiff_entries networks bridge none host ;;
		esac
		;;
	VOLUME) [ "$verb" = volume-create ] || _skiff_entries volumes ;;
	FROM:*) case $current in *[./~]*) compopt -o default ;; *) _skiff_entries volumes ;; esac ;;
	LIST) case $verb in manifest-*) _skiff_references manifests ;; esac ;; # others are of CPUs
	PATH* | SRC_PATH* | DEST_PATH* | FILE* | HOST\[*) compopt -o default ;;
	STAGE) _skiff_stages ;;
	SIGNAL)
		mapfile -t list < <(compgen -A signal)
		_skiff_offer '' "${list[@]#SIG}"
		;;
	WHEN) _skiff_offer '' always missing never ;;
	TEMPLATE)
		list=(json)
		[[ ! $help =~ --format\ TEMPLATE[^$'\n']*table ]] || list+=(table)
		_skiff_offer '' "${list[@]}"
		;;
	POLICY) _skiff_offer '' always no on-failure unless-stopped ;;
	NAME)
		[ "$verb" != inspect ] || {
			_skiff_containers ''
			_skiff_references refs
		}
		;;
	esac
}

# _skiff_verbs HELP: the verbs that it lists, but those of a group, and the groups.
_skiff_verbs() {
	local line groups='' on='' list=()
	local - IFS=$'\n' LC_ALL=C # "read" would take the text a byte at a time
	set -f
	for line in $1; do
		case $on$line in
		'       skiff '*' VERB ...')
			line=${line#*skiff }
			groups=${line%% *}
			IFS='|' read -ra list <<<"$groups"
			;;
		Verbs:) on=yes ;;
		yes'  '*)
			line=${line#  }
			line=${line%% *}
			[[ "|$groups|" == *"|${line%%-*}|"* ]] || list+=("$line")
			;;
		esac
	done
	_skiff_offer '' "${list[@]}"
}

# _skiff_read HELP: $options has what each option wants, "" for nothing; $usages the operands, one
# line for each form that there is; $verb is the name of the verb.
_skiff_read() {
	local line letter name
	local - IFS=$'\n' LC_ALL=C
	set -f
	for line in $1; do
		case $line in
		'Usage: skiff '* | '       skiff '*)
			line=${line#*skiff }
			name=${line%%[A-Z[]*}
			usages+=("${line#"$name"}")
			name=${name% }
			verb=${name// /-}
			;;
		'      --'* | '  -'?', --'*)
			letter=${line:2:2}
			line=--${line#*--}
			name=${line%% *}
			line=${line#"$name"}
			case $line in ' '[A-Z]*) line=${line# } line=${line%% *} ;; *) line='' ;; esac
			options[$name]=$line
			[ "$letter" = '  ' ] || options[$letter]=$line
			;;
		esac
	done
}

# _skiff_operand NUMBER: complete the operand NUMBER, from 0.
_skiff_operand() {
	local usage kind kinds seen=' '
	for usage in "${usages[@]}"; do
		read -ra kinds <<<"${usage#'[OPTIONS]'}"
		[ "${#kinds[@]}" -gt 0 ] || continue
		kind=${kinds[$1]-}
		[[ -n $kind || ${kinds[-1]} != *...* ]] || kind=${kinds[-1]}
		kind=${kind#[}
		kind=${kind%%]}
		kind=${kind%...}
		case $seen in *" $kind "*) continue ;; esac # of "skiff rm" and "skiff container rm"
		seen="$seen$kind "
		_skiff_kind "$kind"
	done
}

_skiff() {
	local words current verb='' skiff store=${SKIFF_ROOT:-/var/lib/skiff} help word want='' ended='' place=0 at=1 usages=() IFS=$' \t\n'
	local -A options=()
	COMPREPLY=()
	_skiff_words
	current=${words[-1]}
	skiff=$(type -P -- "${words[0]}") || skiff=$(type -P skiff) || return 0

	while [[ $at -lt ${#words[@]}-1 && ${words[at]} == -* ]]; do at=$((at + 1)); done
	if [ "$at" -eq $((${#words[@]} - 1)) ]; then
		case $current in
		-*) _skiff_offer '' -x -v --help --version ;;
		*) _skiff_verbs "$("$skiff" help </dev/null 2>/dev/null)" ;;
		esac
		return
	fi
	help=$("$skiff" "${words[at]}" --help </dev/null 2>/dev/null) || return 0
	at=$((at + 1))
	if [[ $help == *' VERB ...'* ]]; then # a group
		if [ "$at" -eq $((${#words[@]} - 1)) ]; then
			_skiff_verbs "$help"
			return
		fi
		help=$("$skiff" "${words[at - 1]}" "${words[at]}" --help </dev/null 2>/dev/null) || return 0
		at=$((at + 1))
	fi
	_skiff_read "$help"

	for word in "${words[@]:at:${#words[@]}-at-1}"; do
		if [ -n "$want" ]; then
			want=''
			continue
		fi
		case $ended$word in
		--) ended=yes ;;
		--*) want=${options[$word]-} ;;
		-?*)
			while word=${word#?} && [[ -n $word && -z $want ]]; do want=${options[-${word:0:1}]-}; done
			[ -z "$word" ] || want='' # it is in the same word
			;;
		*)
			place=$((place + 1))
			# What follows the image of run, or the container of exec, is a command's.
			[[ ${usages[0]} != *COMMAND* ]] || ended=yes
			;;
		esac
	done
	if [ -n "$want" ]; then
		_skiff_kind "$want"
		return
	fi
	case $ended$current in
	--*=*)
		word=${current%%=*}
		current=${current#*=}
		_skiff_kind "${options[$word]-}"
		;;
	-*) _skiff_offer '' "${!options[@]}" ;;
	*) _skiff_operand "$place" ;;
	esac
}

complete -F _skiff skiff
