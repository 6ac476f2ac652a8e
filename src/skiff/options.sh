# Command lines: options in every form that Docker knows. Sourced by bin/skiff.

# The help text of a verb ($usage) is the only list of its options: a line
#         -e, --env NAME=VALUE   what it does      (takes a value)
#         -d, --detach           what it does      (takes none)
# A long name is there or the option is unknown; one blank and a capital after it
# say that it takes a value.

# find_option NAME: set $takes_value for the long option NAME, or end. (By case: cutting
# at a pattern with ${usage#*X} takes the square of the text's length in dash.)
find_option() {
	case $1 in *[!a-z0-9-]*) usage_error "unknown flag: --$1" ;; esac
	case $usage in
	*", --$1 "[A-Z]* | *"    --$1 "[A-Z]*) takes_value=yes ;;
	*", --$1 "* | *"    --$1 "*) takes_value='' ;;
	*) usage_error "unknown flag: --$1" ;;
	esac
}

# find_letter LETTER: set $flag to the long name of the short option LETTER, or end.
find_letter() {
	IFS=$nl
	for line in $usage; do
		case $line in
		"  -$1, --"*)
			flag=${line#*--}
			flag=${flag%% *}
			unset IFS
			return
			;;
		esac
	done
	usage_error "unknown shorthand flag: -$1"
}

# set_option NAME VALUE: hand one option to the verb's function `option`.
set_option() {
	case $1 in
	help) printf '%s\n' "$usage"; exit 0 ;;
	explain) [ "$2" = false ] || { explain=only && use explain.sh; } ;;
	*) option "$1" "$2" ;;
	esac
}

# boolean NAME VALUE: the value of a flag given as --flag=VALUE, into $setting.
boolean() {
	case $2 in
	true | 1 | t | T | TRUE | True) setting=true ;;
	false | 0 | f | F | FALSE | False) setting=false ;;
	*) usage_error "invalid argument \"$2\" for \"--$1\" flag" ;;
	esac
}

# with_options FUNCTION ARGUMENT...: take the options off the arguments, in every
# form that Docker knows (--a b, --a=b, -a b, -ab, -xya b), calling `option NAME
# VALUE` for each (flags: true or false), then call FUNCTION with the operands.
# Options may follow operands, unless $operands is "last".
with_options() {
	then=$1
	shift
	left=$# # not looked at yet; the operands gather behind them
	while [ "$left" -gt 0 ]; do
		argument=$1
		shift
		left=$((left - 1))
		case $argument in
		--)
			break
			;;
		--?*)
			flag=${argument#--}
			flag=${flag%%=*}
			find_option "$flag"
			case $argument in
			*=*)
				setting=${argument#*=}
				[ -n "$takes_value" ] || boolean "$flag" "$setting"
				;;
			*)
				setting=true
				if [ -n "$takes_value" ]; then
					[ "$left" -gt 0 ] || usage_error "flag needs an argument: --$flag"
					setting=$1
					shift
					left=$((left - 1))
				fi
				;;
			esac
			set_option "$flag" "$setting"
			;;
		-?*)
			letters=${argument#-}
			while [ -n "$letters" ]; do
				find_letter "${letters%"${letters#?}"}"
				letters=${letters#?}
				find_option "$flag"
				setting=true
				case $takes_value$letters in
				yes)
					[ "$left" -gt 0 ] || usage_error "flag needs an argument: --$flag"
					setting=$1
					shift
					left=$((left - 1))
					;;
				yes*) setting=${letters#=} letters='' ;;
				=*)
					boolean "$flag" "${letters#=}"
					letters=''
					;;
				esac
				set_option "$flag" "$setting"
			done
			;;
		*)
			if [ "${operands:-}" = last ]; then
				set -- "$argument" "$@"
				left=0
				break
			fi
			set -- "$@" "$argument"
			;;
		esac
	done
	while [ "$left" -gt 0 ]; do # what follows "--"
		set -- "$@" "$1"
		shift
		left=$((left - 1))
	done
	"$then" "$@"
}

# need COUNT|COUNT+ ARGUMENT...: check the number of operands.
need() {
	want=$1
	shift
	case $want in
	*+) [ $# -lt "${want%+}" ] || return 0 ;;
	*) [ $# -ne "$want" ] || return 0 ;;
	esac
	words=arguments
	case $want in 1 | 1+) words=argument ;; esac
	case $want in *+) want="at least ${want%+}" ;; esac
	wrong_arguments "requires $want $words"
}

# wrong_arguments TEXT: too few or too many of them, or no verb: status 1, as in Docker.
wrong_arguments() {
	warn "$@"
	printf "See '%s --help'.\n" "$tool" >&2
	exit 1
}
