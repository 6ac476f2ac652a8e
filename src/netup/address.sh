# Addresses as numbers: IPv4 and IPv6, subnets. Sourced by netup.

# to_number ADDRESS: an IPv4 address as $number; false if it is none.
to_number() {
	case $1 in *[!0-9.]* | .* | *. | *..* | *.*.*.*.*) return 1 ;; *.*.*.*) ;; *) return 1 ;; esac
	IFS=.
	# shellcheck disable=SC2086 # split at the dots
	set -- $1
	unset IFS
	for part in "$@"; do
		case $part in 0?* | ????*) return 1 ;; esac
		[ "$part" -le 255 ] || return
	done
	number=$((($1 << 24) + ($2 << 16) + ($3 << 8) + $4))
}

to_address() {
	address=$(($1 >> 24)).$(($1 >> 16 & 255)).$(($1 >> 8 & 255)).$(($1 & 255))
}

# mac_of ADDRESS: one that comes from the address, so that nobody's ARP cache is wrong when an
# address goes to another. Into $derived.
mac_of() {
	to_number "$1"
	derived=02:42
	for shift in 24 16 8 0; do
		hex_digit $((number >> (shift + 4) & 15))
		derived=$derived:$digit
		hex_digit $((number >> shift & 15))
		derived=$derived$digit
	done
}

# hex_digit NUMBER: into $digit.
hex_digit() {
	set -- "$1" 0 1 2 3 4 5 6 7 8 9 a b c d e f
	shift $(($1 + 1))
	digit=$1
}

# to_range CIDR: its $first and $last address, as numbers, and $bits.
to_range() {
	bits=${1#*/}
	case $1 in */*) ;; *) return 1 ;; esac
	case $bits in [0-9] | [12][0-9] | 3[0-2]) ;; *) return 1 ;; esac
	to_number "${1%/*}" || return
	first=$((number >> (32 - bits) << (32 - bits)))
	last=$((first + (1 << (32 - bits)) - 1))
}

# to_groups ADDRESS: an IPv6 address as eight numbers, $groups; false if it is none.
to_groups() {
	groups='' tail='' left=$1
	case $1 in *[!0-9a-fA-F:]* | *:::* | *::*::* | '' | :[!:]* | *[!:]:) return 1 ;; *:*) ;; *) return 1 ;; esac
	case $1 in *::*) left=${1%%::*} tail=${1#*::} ;; esac
	IFS=:
	# shellcheck disable=SC2086 # split at the colons
	set -- $left - $tail
	unset IFS
	case $left$tail in *?????*) for part in "$@"; do case $part in ?????*) return 1 ;; esac; done ;; esac
	missing=$((9 - $#))
	for part in "$@"; do
		if [ "$part" != - ]; then
			groups="$groups $((0x$part))"
		else
			while [ $missing -gt 0 ]; do groups="$groups 0" missing=$((missing - 1)); done
		fi
	done
	# shellcheck disable=SC2086 # count them
	set -- $groups
	[ $# -eq 8 ] && case $left$tail in "$left") [ "$missing" -eq 0 ] ;; esac
}

# to_address6 GROUP...: the usual form (RFC 5952) of eight numbers, into $address.
to_address6() {
	address=$(printf '%x:%x:%x:%x:%x:%x:%x:%x' "$@")
	for zeros in 0:0:0:0:0:0:0:0 0:0:0:0:0:0:0 0:0:0:0:0:0 0:0:0:0:0 0:0:0:0 0:0:0 0:0; do
		case :$address: in
		*:$zeros:*)
			head=:$address: head=${head%%":$zeros:"*} tail=:$address: tail=${tail#*":$zeros:"}
			address=${head#:}::${tail%:}
			return
			;;
		esac
	done
}

# to_prefix6 CIDR: $prefix6, the address of the subnet in its usual form, and $bits6. Its end
# must be "::", as addresses are made of it and the number of an IPv4 lease.
to_prefix6() {
	bits6=${1#*/}
	case $1 in */*) ;; *) return 1 ;; esac
	case $bits6 in [1-9] | [1-8][0-9] | 9[0-6]) ;; *) return 1 ;; esac
	to_groups "${1%/*}" || return
	masked='' place=0
	for part in $groups; do
		keep=$((bits6 - place))
		[ $keep -ge 0 ] || keep=0
		[ $keep -le 16 ] || keep=16
		masked="$masked $((part >> (16 - keep) << (16 - keep)))" place=$((place + 16))
	done
	# shellcheck disable=SC2086 # eight numbers
	to_address6 $masked
	prefix6=$address
	case $prefix6 in *::) ;; *) return 1 ;; esac
}

# used: the IPv4 ranges in use, as lines "FIRST LAST WHAT": routes of this machine, but not by
# the bridge $1, and other networks described beside this one.
used() {
	ip -4 route show table main | while read -r route rest; do
		case $rest in *"dev $1 "*) continue ;; esac
		case $route in default) continue ;; */*) ;; *) route=$route/32 ;; esac
		! to_range "$route" || printf '%s %s %s\n' "$first" "$last" "the route $route of this machine"
	done
	set +f
	for other in "${directory%/*}"/*/subnet; do
		[ "$other" != "$directory/subnet" ] && get "$other" && to_range "$value" || continue
		other=${other%/subnet}
		printf '%s %s %s\n' "$first" "$last" "$value of network ${other##*/}"
	done
	set -f
}

# is_free CIDR USED: does none of the lines USED overlap? Otherwise $overlap says which one.
is_free() {
	to_range "$1"
	while read -r begin end overlap; do
		[ -z "$begin" ] || [ "$first" -gt "$end" ] || [ "$last" -lt "$begin" ] || return
	done <<-LINES
		$2
	LINES
}
