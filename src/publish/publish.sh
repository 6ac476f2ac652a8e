#!/bin/sh
# publish: ports of this machine that lead into a container, as elements of maps in nftables:
# however many there are, the rules that look them up stay the same few. Each element has a
# comment that says whose it is.
set -euf

nl='
'
usage='usage: publish [options] [PORT...]
Lead ports of this machine to an address, those of its IPv6 addresses to an IPv6 address.
A PORT is [HOSTIP:]HOSTPORT:PORT[/PROTO], HOSTIP being 0.0.0.0 (all) or [::] by default,
PROTO tcp, udp or sctp.

      --to ADDRESS     lead IPv4 there, or IPv6; may be given for both
  -a, --address FILE   the same for each line of FILE
  -f, --file FILE      more ports, lines HOSTIP HOSTPORT PORT/PROTO
  -l, --list           print lines OWNER HOSTIP HOSTPORT PORT/PROTO ADDRESS
  -o, --owner NAME     whose they are (publish)
  -r, --remove         lead them there no more; without any PORT, all of the owner
  -t, --table NAME     nftables table inet NAME (netup)
  -h, --help'

warn() {
	printf 'publish: %s\n' "$*" >&2
}

die() {
	warn "$@"
	exit 1
}

usage_error() {
	warn "$@"
	echo "See 'publish --help'." >&2
	exit 125
}

# rules: what looks the ports up, to be read by nft. Every line can be said again.
# Not by 127.0.0.0/8 from outside: somebody in the local network can send packets there
# (CVE-2020-8558 and its kin).
rules() {
	t="inet $table"
	cat <<-LINES
		add table $t
		add map $t any { type inet_proto . inet_service : ipv4_addr . inet_service; comment "published at all addresses"; }
		add map $t any6 { type inet_proto . inet_service : ipv6_addr . inet_service; }
		add map $t one { type ipv4_addr . inet_proto . inet_service : ipv4_addr . inet_service; comment "published at one address"; }
		add map $t one6 { type ipv6_addr . inet_proto . inet_service : ipv6_addr . inet_service; }
		add chain $t published
		add chain $t arriving { type nat hook prerouting priority dstnat; policy accept; }
		add chain $t own_output { type nat hook output priority -100; policy accept; }
		flush chain $t published
		flush chain $t arriving
		flush chain $t own_output
		add rule $t published dnat ip to ip daddr . meta l4proto . th dport map @one
		add rule $t published dnat ip to meta l4proto . th dport map @any
		add rule $t published dnat ip6 to ip6 daddr . meta l4proto . th dport map @one6
		add rule $t published dnat ip6 to meta l4proto . th dport map @any6
		add rule $t arriving ip daddr 127.0.0.0/8 return comment "only from this machine itself"
		add rule $t arriving fib daddr type local goto published
		add rule $t own_output ip6 daddr ::1 return comment "leads nowhere else; reserve --relay serves it"
		add rule $t own_output fib daddr type local goto published
	LINES
}

# ---- ports -----------------------------------------------------------------------

is_port() {
	case $1 in '' | 0* | *[!0-9]* | ??????*) return 1 ;; esac
	[ "$1" -le 65535 ]
}

# add_port HOSTIP HOSTPORT PORT/PROTO: check it; to the lines $ports.
add_port() {
	is_port "$2" && is_port "${3%/*}" || die "invalid port in '$*'"
	case $3 in */tcp | */udp | */sctp) ;; *) die "invalid proto in '$*'" ;; esac
	case $1 in '' | *[!0-9a-fA-F:.]*) die "invalid IP address in '$*'" ;; esac
	ports="$ports$1 $2 ${3%/*} ${3#*/}$nl"
}

# add_argument [HOSTIP:]HOSTPORT:PORT[/PROTO]
add_argument() {
	rest=$1 protocol=tcp
	case $rest in */*) protocol=${rest##*/} rest=${rest%/*} ;; esac
	case $rest in *:*) ;; *) die "invalid port '$1': HOSTPORT:PORT" ;; esac
	container=${rest##*:} rest=${rest%:*}
	case $rest in
	\[*\]:*)
		address=${rest#\[} address=${address%%\]*}
		add_port "$address" "${rest##*:}" "$container/$protocol"
		;;
	*:*) add_port "${rest%:*}" "${rest##*:}" "$container/$protocol" ;;
	*)
		add_port 0.0.0.0 "$rest" "$container/$protocol"
		[ -z "$to6" ] || add_port :: "$rest" "$container/$protocol"
		;;
	esac
}

read_file() {
	while read -r host number container rest; do
		[ -z "$rest" ] || die "not HOSTIP HOSTPORT PORT/PROTO: '$host $number $container $rest'"
		add_port "$host" "$number" "$container"
	done <"$1"
}

# each_element FUNCTION: FUNCTION MAP KEY DATA for each port. Those of IPv6 need an ADDRESS6.
each_element() {
	while read -r host number container protocol; do
		case $host in
		'') continue ;;
		:: | *:*)
			[ -n "$to6" ] || continue
			to=$to6 map=one6 key="$host . $protocol . $number"
			[ "$host" != :: ] || map=any6 key="$protocol . $number"
			;;
		*)
			[ -n "$to4" ] || continue
			to=$to4 map=one key="$host . $protocol . $number"
			[ "$host" != 0.0.0.0 ] || map=any key="$protocol . $number"
			;;
		esac
		"$1" "$map" "$key" "$to . $container"
	done <<-LINES
		$ports
	LINES
}

# say_add, say_delete: lines for nft, to $elements.
say_add() {
	elements="${elements}add element inet $table $1 { $2 comment \"$owner\" : $3 }$nl"
}

# (Only if it is still ours: adding another's again, with our address, is refused.)
say_delete() {
	elements="${elements}add element inet $table $1 { $2 : $3 }${nl}delete element inet $table $1 { $2 }$nl"
}

# apply: the lines $elements in one transaction. Where that is wrong another way is found.
apply() {
	nft -f - 2>/dev/null <<-LINES
		$elements
	LINES
}

# take_away: whoever had the port before is gone, as its socket is ours now.
take_away() {
	nft delete element inet "$table" "$1" "{ $2 }" 2>/dev/null || :
}

# apply_delete: the same. After it has deleted something nft cannot end for some milliseconds, until no CPU looks at it
# any more; for that we do not wait: when it closes its output all is done, and what it has said is why not.
apply_delete() {
	said=$(
		nft -f - 2>&1 <<-LINES &
			$elements
		LINES
	)
	[ -z "$said" ]
}

delete_one() {
	elements=''
	say_delete "$@"
	apply_delete || :
}

# ---- doing it --------------------------------------------------------------------

add() {
	[ -n "$ports" ] || return 0
	each_element say_add
	if [ -n "$elements" ] && ! apply; then
		# There is no table yet, or somebody was killed before taking his ports away.
		each_element take_away
		{ rules && printf %s "$elements"; } | nft -f - || die "nft refuses the ports of $owner"
	fi
	forget_flows
}

remove() {
	if [ -z "$ports" ]; then
		owned=$(list | while read -r name line; do [ "$name" != "$owner" ] || printf '%s\n' "$line"; done)
		while read -r host number container to; do
			[ -n "$host" ] || continue
			case $to in *:*) to6=$to ;; *) to4=$to ;; esac
			add_port "$host" "$number" "$container"
			each_element delete_one
			forget_flows
			ports=''
		done <<-LINES
			$owned
		LINES
		return
	fi
	each_element say_delete
	[ -z "$elements" ] || apply_delete || each_element delete_one
	forget_flows
}

# forget_flows: a UDP conversation keeps the way that its first packet took, and may go on for
# ever. Only that of our ports at our addresses (other machines have ports of that number, too).
forget_flows() {
	case $ports in *udp*) ;; *) return 0 ;; esac
	command -v conntrack >/dev/null || return 0
	while read -r host number container protocol; do
		[ "$protocol" = udp ] || continue
		family=ipv4
		case $host in *:*) family=ipv6 ;; esac
		case $host in
		0.0.0.0 | ::) host=$(ip -o address show | while read -r _ _ kind address _; do
			case $family$kind in ipv4inet | ipv6inet6) printf '%s ' "${address%/*}" ;; esac
		done) ;;
		esac
		for address in $host; do
			conntrack -D -f "$family" -p udp --orig-dst "$address" --orig-port-dst "$number" >/dev/null 2>&1 || :
		done
	done <<-LINES
		$ports
	LINES
}

# list: the elements, a line each. nft prints one as "tcp . 80 comment "x" : 172.17.0.2 . 80".
list() {
	for map in any any6 one one6; do
		nft list map inet "$table" "$map" 2>/dev/null | tr ',{}' '[\n*]' | while read -r line; do
			case $line in *' comment "'*'" : '*) ;; *) continue ;; esac
			# The owner has no blanks: see --owner.
			# shellcheck disable=SC2086 # the words
			set -- $line
			case $map in any) set -- 0.0.0.0 . "$@" ;; any6) set -- :: . "$@" ;; esac
			name=${7#\"}
			printf '%s %s %s %s/%s %s\n' "${name%\"}" "$1" "$5" "${11}" "$3" "$9"
		done
	done
}

# set_to ADDRESS: the container's, one of each kind.
set_to() {
	case $1 in
	*[!0-9a-fA-F:.]* | '') die "invalid IP address: '$1'" ;;
	*:*) to6=$1 ;;
	*) to4=$1 ;;
	esac
}

set_option() {
	case $1 in
	-a | --address)
		[ -s "$2" ] || die "no address in $2"
		while read -r line; do set_to "$line"; done <"$2"
		;;
	-f | --file) files=$2 ;;
	-o | --owner)
		case $2 in '' | *[!A-Za-z0-9_.-]*) die "invalid owner '$2'" ;; esac
		owner=$2
		;;
	-t | --table)
		case $2 in *[!A-Za-z0-9_-]* | [!A-Za-z_]* | '') die "invalid name of a table: '$2'" ;; esac
		table=$2
		;;
	--to) set_to "$2" ;;
	*) usage_error "unknown option: $1" ;;
	esac
}

mode=add owner=publish table=netup to4='' to6='' ports='' files='' elements=''
while [ $# -gt 0 ]; do
	case $1 in
	-h | --help) printf '%s\n' "$usage"; exit 0 ;;
	-l | --list) mode=list ;;
	-r | --remove) mode=remove ;;
	--) shift; break ;;
	--*=*) set_option "${1%%=*}" "${1#*=}" ;;
	-?*)
		[ $# -gt 1 ] || usage_error "unknown option, or one that needs an argument: $1"
		set_option "$1" "$2"
		shift
		;;
	*) break ;;
	esac
	shift
done
command -v nft >/dev/null || die "nft is not installed: it is in the package nftables"
[ -z "$files" ] || read_file "$files"
for argument in "$@"; do add_argument "$argument"; done
[ "$mode" = list ] || [ "$mode$ports" = remove ] || [ -n "$to4$to6" ] || usage_error 'to which address?'
"$mode"
