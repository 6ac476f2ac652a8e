# Links from the bridge into network namespaces, and leases of addresses. Sourced by netup.

# lease ID: an address of the subnet, into $address: making its file is the check.
lease() {
	get "$directory/ip-range" || value=$subnet
	to_range "$subnet"
	base=$first top=$last
	to_range "$value"
	[ "$first" -gt "$base" ] || first=$((base + 1))
	[ "$last" -lt "$top" ] || last=$((top - 1))
	candidate=$first
	if get "$directory/next" && to_number "$value" && [ "$number" -ge "$first" ] && [ "$number" -le "$last" ]; then
		candidate=$number
	fi
	begin=$candidate
	while :; do
		to_address "$candidate"
		[ "$address" = "$gateway" ] || ! take "$address" "$1" || break
		candidate=$((candidate + 1))
		[ "$candidate" -le "$last" ] || candidate=$first
		[ "$candidate" -ne "$begin" ] || die "no available IPv4 addresses on this network's address pools: ${directory##*/} ($network_id)"
	done
	note_next
}

# note_next: where to begin the next time. It is no more than advice.
note_next() {
	{ printf '%s\n' "$address" >"$directory/next"; } 2>/dev/null || :
}

# take ADDRESS ID: false if it is another's.
take() {
	[ ! -e "$directory/leases/$1" ] || return
	set -C
	{ printf '' >"$directory/leases/$1"; } 2>/dev/null && taken=true || taken=''
	set +C
	if [ -z "$taken" ]; then
		# Another was faster; or there is no room for it.
		[ -e "$directory/leases/$1" ] || failures=$((failures + 1))
		[ "$failures" -lt 3 ] || cannot_write
		return 1
	fi
	{ printf '%s\n' "$2" >"$directory/leases/$1"; } 2>/dev/null && return
	rm -f "$directory/leases/$1"
	cannot_write
}

cannot_write() {
	die "cannot write to $directory: is its file system full or read-only?"
}

# lease_given ID: the addresses that were asked for.
lease_given() {
	if [ -n "$ip" ]; then
		to_range "$subnet"
		to_number "$ip" && [ "$number" -gt "$first" ] && [ "$number" -lt "$last" ] ||
			die "invalid address $ip: It does not belong to the network's subnet $subnet"
		[ "$ip" != "$gateway" ] && take "$ip" "$1" || die "Address already in use: $ip"
		address=$ip
	else
		lease "$1"
	fi
	address4=$address address6=''
	note_endpoint "address $address4"
	[ -n "$subnet6" ] || { [ -z "$ip6" ] || die "network ${directory##*/} has no IPv6"; }
	[ -n "$subnet6" ] || return 0
	if [ -n "$ip6" ]; then
		to_groups "$ip6" || die "invalid address '$ip6'"
		# shellcheck disable=SC2086 # eight numbers
		to_address6 $groups
		address6=$address
		to_prefix6 "$address6/${subnet6#*/}" && [ "$prefix6" = "${subnet6%/*}" ] && [ "$address6" != "$prefix6" ] ||
			die "invalid address $ip6: It does not belong to the network's subnet $subnet6"
	else
		# The number of the IPv4 lease in the subnet is nobody else's either.
		to_range "$subnet"
		to_number "$address4"
		number=$((number - first))
		address6=${subnet6%/*}$(printf '%x' $((number & 65535)))
		[ $number -lt 65536 ] || address6=${subnet6%/*}$(printf '%x:%x' $((number >> 16)) $((number & 65535)))
	fi
	[ "$address6" != "$gateway6" ] && take "$address6" "$1" || die "Address already in use: $address6"
	note_endpoint "address6 $address6"
}

# note_endpoint LINE...: add them to the endpoint $id.
note_endpoint() {
	{ printf '%s\n' "$@" >>"$directory/endpoints/$id"; } 2>/dev/null || cannot_write
}

connect_option() {
	case $1 in
	address) address_file=$2 ;;
	alias) aliases="$aliases $2" ;;
	dns-conf) dns_conf=$2 ;;
	hosts) hosts=$2 ;;
	hostname) hostname=$2 ;;
	id) id=$2 ;;
	interface) interface=$2 ;;
	ip) ip=$2 ;;
	ip6) ip6=$2 ;;
	mac-address) mac=$2 ;;
	link-local-ip) link_local="$link_local $2" ;;
	name) name=$2 ;;
	option) split_options "$2" ;;
	resolv-conf) resolv_conf=$2 ;;
	*) return 1 ;;
	esac
}

# split_options KEY=VALUE,...
split_options() {
	IFS=,
	# shellcheck disable=SC2086 # split at the commas
	set -- $1
	unset IFS
	for pair in "$@"; do
		case $pair in
		alias=* | ip=* | ip6=* | mac-address=* | link-local-ip=*) connect_option "${pair%%=*}" "${pair#*=}" ;;
		*) die "unknown option '$pair'" ;;
		esac
	done
}

check_connect() {
	case $id in '' | *[!A-Za-z0-9_.-]* | .*) die "invalid ID '$id'" ;; esac
	case $interface in '' | *[!A-Za-z0-9_-]* | ????????????????*) die "invalid name of an interface: '$interface'" ;; esac
	case $name$hostname$aliases in *[!A-Za-z0-9_.\ -]*) die "invalid name: '$name$hostname$aliases'" ;; esac
	case $mac in
	'') ;;
	*[!0-9a-fA-F:]* | *:*:*:*:*:*:*) die "invalid MAC address '$mac'" ;;
	?[02468aceACE]:??:??:??:??:??) ;;
	*) die "invalid MAC address '$mac'" ;;
	esac
	for address in $link_local; do
		to_number "$address" || to_groups "$address" || die "invalid address '$address'"
	done
}

# find_process PID|FILE: its network namespace as descriptor 8, checked against its start time if FILE has one.
find_process() {
	pid=$1 start=''
	case $1 in */*) read -r pid start <"$1" || [ -n "$pid" ] || die "no process in $1" ;; esac
	case $pid in '' | *[!0-9]*) die "invalid process '$pid'" ;; esac
	{ command exec 8<"/proc/$pid/ns/net"; } 2>/dev/null || die "no process $pid"
	# Afterwards: the number may be given out again at any time, what is open stays.
	[ -z "$start" ] || process_is "$pid" "$start" || die "process $pid is another by now"
}

connect() {
	[ $# -eq 3 ] || usage_error 'connect: DIRECTORY ID PROCESS'
	load "$1"
	id=$2
	check_connect
	find_process "$3"
	is_up || {
		. "$parts/bridge.sh"
		up
	}
	set -C
	{ printf '' >"$directory/endpoints/$id"; } 2>/dev/null || {
		[ -e "$directory/endpoints/$id" ] || cannot_write
		die "endpoint with name ${name:-$id} already exists in network ${directory##*/}"
	}
	set +C
	undo=release failures=0
	note_endpoint "interface $interface"
	lease_given "$id"
	mac_of "$address4"
	: "${mac:=$derived}"
	read -r uuid </proc/sys/kernel/random/uuid
	uuid=${uuid#*-*-*-*-?????}
	veth=veth$uuid
	note_endpoint "veth $veth" "mac $mac"
	link
	if [ -e "$directory/names" ]; then
		known="$name $hostname$aliases ${id%"${id#????????????}"}"
		printf '%s\n' "$address4 $known" ${address6:+"$address6 $known"} >"$directory/hosts/$id"
	fi
	[ -z "$hosts" ] || printf '%s\t%s\n' "$address4" "$hostname" ${address6:+"$address6" "$hostname"} >>"$hosts"
	if [ -n "$resolv_conf" ]; then
		host_resolver
		if [ -e "$directory/dnsmasq" ]; then servers=$gateway; else conf_servers || :; fi
		get "$directory/names" || :
		write_resolv_conf "$resolv_conf" "$servers" "$value"
	fi
	undo=''
	if [ -n "$address_file" ]; then
		printf '%s\n' "$address4" ${address6:+"$address6"} >"$address_file"
	else
		printf '%s\n' "$address4"
	fi
}

# link: the pair of devices, one end at the bridge, one inside with its addresses and the way out.
# Where frames on bridges go through the rules for IP (br_netfilter), who comes back to itself by a
# published port leaves the bridge where it came in.
link() {
	get "$directory/link-mtu"
	set -- --bridge "$bridge" --mtu "$value" --mac "$mac" --address "$address4/${subnet#*/}" \
		${address6:+--address "$address6/${subnet6#*/}"}
	for address in $link_local; do
		case $address in *:*) bits=64 ;; *) bits=16 ;; esac
		set -- "$@" --address "$address/$bits"
	done
	if [ ! -e "$directory/internal" ]; then
		# The way by a second interface counts less, and takes over when the first one goes.
		metric=${interface#"${interface%%[0-9]*}"}
		case $metric in *[!0-9]*) metric=0 ;; esac
		set -- "$@" --metric "${metric:-0}" --router "$gateway" ${address6:+--router "$gateway6"}
	fi
	get /proc/sys/net/bridge/bridge-nf-call-iptables || value=0
	[ "$value" = 0 ] || set -- "$@" --hairpin
	[ ! -e "$directory/isolated" ] || set -- "$@" --isolated
	veth "$@" "$veth" "$interface" fd:8 || die "cannot connect ${name:-$id} to $bridge"
}

# release: take away the endpoint $id.
release() {
	veth='' address='' address6=''
	while read -r key value; do
		case $key in veth) veth=$value ;; address) address=$value ;; address6) address6=$value ;; esac
	done <"$directory/endpoints/$id"
	end_names "$directory/endpoints/$id"
	# The kernel removes the link a moment after the last process of the namespace has gone. Until
	# then the address would still be answered for.
	if [ -n "$veth" ]; then
		tries=0
		while [ -d "/proc/sys/net/ipv4/conf/$veth" ] && [ $tries -lt 2000 ]; do tries=$((tries + 1)); done
		[ $tries -lt 2000 ] || ip link delete "$veth" 2>/dev/null || :
	fi
	[ -z "$hosts" ] || forget_host "$address" "$address6"
	if [ -z "$address" ]; then # killed in the middle of it
		set +f
		for file in "$directory"/leases/*; do
			! get "$file" || [ "$value" != "$id" ] || rm -f "$file"
		done
		set -f
	elif to_number "$address"; then
		candidate=$number
		get "$directory/next" && to_number "$value" && [ "$number" -le "$candidate" ] ||
			note_next
	fi
	rm -f "$directory/hosts/$id" ${address:+"$directory/leases/$address"} \
		${address6:+"$directory/leases/$address6"} "$directory/endpoints/$id"
}

# forget_host ADDRESS...: its lines in the file $hosts, which stays the same file.
forget_host() {
	kept=''
	while IFS= read -r line; do
		case "$line" in "$1	"* | "${2:-none}	"*) ;; *) kept="$kept$line$nl" ;; esac
	done <"$hosts"
	printf %s "$kept" >"$hosts"
}

disconnect() {
	[ $# -eq 2 ] || usage_error 'disconnect: DIRECTORY ID'
	load "$1"
	id=$2
	case $id in '' | */* | .*) die "invalid ID '$id'" ;; esac
	[ -e "$directory/endpoints/$id" ] || die "$id is not connected to network ${directory##*/}"
	release
}
