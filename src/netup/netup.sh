#!/bin/sh
# netup: one network: a bridge, links from it into network namespaces, leases of addresses,
# and name service. A network is a directory of plain files:
#
#   id driver bridge table mtu subnet gateway ip-range subnet6 gateway6 created    values
#   internal isolated movable names               flags
#   labels options                                NUL lists
#   leases/ADDRESS                                whose the address is
#   endpoints/ID                                  lines: interface, veth, mac, address, address6
#   hosts/ID                                      what dnsmasq is to know of ID
#   next                                          where to look for a free address first
#   link-mtu                                      value: MTU of the bridge since it is up
#   strangers strangers6                          lines: interfaces that are not routed between
#   dnsmasq                                       process: the name server
set -euf

self=$0
[ ! -L "$self" ] || self=$(readlink -f "$self")
case $self in */*) ;; *) self=$(command -v netup) ;; esac
parts=${self%/*}/../lib/skiff/netup
[ -d "$parts" ] || parts=${self%/*}/../src/netup

nl='
'
usage='usage: netup create [options] DIRECTORY
       netup up|mend|down DIRECTORY
       netup erase TABLE
       netup connect [options] DIRECTORY ID PROCESS
       netup disconnect [--hosts FILE] DIRECTORY ID
       netup names [options] FILE PROCESS DIRECTORY...
One network: a bridge, links into network namespaces, addresses, name service.

create: describe a network; files only
  --bridge NAME       name of the bridge (sk- and 12 digits of the ID)
  --if-missing        no error if it is there
  --gateway ADDRESS   address of the bridge (the first of the subnet)
  --id ID             64 hexadecimal digits
  --internal          without a way out
  --ip-range CIDR     part of the subnet to lease from
  --ipv6              an IPv6 subnet too; a private one unless --subnet gives it
  --isolated          who is connected reaches the outside, but nobody on the network
  --label NAME=VALUE  a label
  --mtu BYTES         (that of the default route)
  --names             containers find each other by name
  --option KEY=VALUE  noted, no more
  --subnet CIDR       (the first of some that nothing here uses)
  --table NAME        nftables table inet NAME (netup)

connect: link the network namespace of PROCESS: a PID, or a file that begins with one;
prints the address
  --address FILE      write address, and that of IPv6, there instead
  --alias NAME        one more name of ID in the name service
  --dns-conf FILE     lines of resolv.conf that go before those of the host
  --hosts FILE        append address and host name, as to /etc/hosts
  --hostname NAME     that host name
  --interface NAME    name inside (eth0)
  --ip ADDRESS, --ip6 ADDRESS, --mac-address MAC
  --link-local-ip ADDRESS   one more address
  --name NAME         name of ID in the name service
  --option KEY=VALUE[,KEY=VALUE...]   alias, ip, ip6, mac-address, link-local-ip
  --resolv-conf FILE  write it, as /etc/resolv.conf

names: a name server inside, for who is on several networks or has servers of its own
  --dns-conf FILE, --id ID
  -h, --help'

warn() {
	printf 'netup: %s\n' "$*" >&2
}

die() {
	warn "$@"
	exit 1
}

usage_error() {
	warn "$@"
	echo "See 'netup --help'." >&2
	exit 125
}

# get FILE: its first line into $value, "" where there is none. False then.
get() {
	value=''
	[ -f "$1" ] || return
	read -r value <"$1" || [ -n "$value" ]
}

need_tool() {
	command -v "$1" >/dev/null || die "$1 is not installed: $2"
}

# process_is PID START: is that process, and no other of its number, alive?
process_is() {
	[ -n "$1" ] || return # /proc//stat is another thing
	read -r stat 2>/dev/null <"/proc/$1/stat" || return
	# shellcheck disable=SC2086 # the fields; the name in brackets may hold blanks
	set -- "$2" ${stat##*) }
	[ "$2" != Z ] && [ "${21}" = "$1" ]
}

# take_directory DIRECTORY: into $directory, with a "/" in it, as what is beside it is found by that.
take_directory() {
	directory=${1%/}
	case $directory in */*) ;; *) directory=./$directory ;; esac
}

# load DIRECTORY: the values of a network.
load() {
	take_directory "$1"
	get "$directory/created" || die "no network: $directory"
	get "$directory/id" && network_id=$value
	get "$directory/bridge" && bridge=$value
	get "$directory/table" && table=$value
	get "$directory/subnet" && subnet=$value
	get "$directory/gateway" && gateway=$value
	get "$directory/subnet6" || :
	subnet6=$value
	get "$directory/gateway6" || :
	gateway6=$value
}

check_table() {
	case $1 in '' | *[!A-Za-z0-9_-]* | [!A-Za-z_]*) die "invalid name of a table: '$1'" ;; esac
}

# is_up: the bridge is made, and all that belongs to it: what up() sets last says so. (It is the
# kernel's, so it goes when the bridge goes, and is that of this network namespace, as
# /sys/class/net need not be.) A bridge that this directory has not made is another's.
is_up() {
	[ -e "$directory/link-mtu" ] && get "/proc/sys/net/ipv4/conf/$bridge/route_localnet" && [ "$value" = 1 ] || return
	[ ! -e "$directory/dnsmasq" ] || dnsmasq_lives
}

dnsmasq_lives() {
	read -r pid start 2>/dev/null <"$directory/dnsmasq" && process_is "$pid" "$start"
}

# ---- command line --------------------------------------------------------------------

undo=''
finish() {
	status=$?
	case $undo in
	release) release ;;
	down) down ;;
	esac
	exit $status
}

with_directory() {
	[ $# -eq 2 ] || usage_error "$1: one DIRECTORY"
	load "$2"
	if [ "$1" = down ]; then
		set +f
		set -- "$directory"/endpoints/*
		[ ! -e "$1" ] || die "network ${directory##*/} has active endpoints"
		set -f
	fi
	"$command"
}

bridge='' gateway='' gateway6='' id='' internal='' isolated='' ipv6='' movable='' labels='' mtu='' names='' options='' range='' subnet=''
subnet6='' table=netup strangers='' strangers6='' if_missing='' address_file=''
aliases='' dns_conf='' hosts='' hostname='' interface=eth0 ip='' ip6='' mac='' link_local='' name='' resolv_conf=''

command=${1:-}
case $command in
-h | --help) printf '%s\n' "$usage"; exit 0 ;;
create | up | mend | down | erase | connect | disconnect | names) shift ;;
*) usage_error "which command? create, up, mend, down, erase, connect, disconnect or names" ;;
esac
. "$parts/address.sh"
. "$parts/names.sh"
case $command in
create) . "$parts/describe.sh" ;;
connect | disconnect | names) . "$parts/link.sh" ;; # and the bridge, if it is not up
*)
	. "$parts/bridge.sh"
	. "$parts/link.sh"
	;;
esac
while [ $# -gt 0 ]; do
	case $1 in
	-h | --help) printf '%s\n' "$usage"; exit 0 ;;
	--) shift; break ;;
	--if-missing | --internal | --ipv6 | --isolated | --names) option=${1#--} setting=true ;;
	--*=*) option=${1#--} setting=${1#*=} option=${option%%=*} ;;
	--*)
		[ $# -gt 1 ] || usage_error "$1 needs an argument"
		option=${1#--} setting=$2
		shift
		;;
	-*) usage_error "unknown option: $1" ;;
	*) break ;;
	esac
	case $setting in *"$nl"*) usage_error "a newline in --$option" ;; esac
	kind=connect
	[ "$command" != create ] || kind=create
	"${kind}_option" "$option" "$setting" || usage_error "unknown option: --$option"
	shift
done
[ -O /proc/sys ] || die "must be root: it makes network devices"
trap finish EXIT
trap 'exit 130' INT TERM HUP
case $command in
up | mend | down) with_directory "$command" "$@" ;;
erase)
	[ $# -eq 1 ] || usage_error 'erase: one TABLE'
	check_table "$1"
	table=$1
	erase
	;;
*) "$command" "$@" ;;
esac
