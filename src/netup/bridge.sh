# The bridge of a network, the rules around it, forwarding. Sourced by netup.

# up: make it, unless it is there by now.
up() {
	! is_up || return 0
	need_tool ip 'it is in the package iproute2'
	need_tool nft 'it is in the package nftables'
	exec 9<"$directory"
	flock 9
	if is_up; then
		load "$directory" # whoever made it may have moved it
		exec 9<&-
		return
	fi
	undo=down
	if [ ! -e "$directory/link-mtu" ] || ! get "/proc/sys/net/ipv4/conf/$bridge/route_localnet" || [ "$value" != 1 ]; then
		make_bridge
		allow_forwarding
		rules | nft -f - || die "nft refuses the rules of $bridge"
	fi
	serve_names
	echo 1 >"/proc/sys/net/ipv4/conf/$bridge/route_localnet"
	undo=''
	exec 9<&-
}

# mend: rules and name server again, if others took them away.
mend() {
	get "/proc/sys/net/ipv4/conf/$bridge/route_localnet" && [ "$value" = 1 ] || die "network ${directory##*/} is not up"
	[ ! -e "$directory/strangers" ] || strangers=$(cat "$directory/strangers")
	[ ! -e "$directory/strangers6" ] || strangers6=$(cat "$directory/strangers6")
	rules | nft -f - || die "nft refuses the rules of $bridge"
	[ ! -e "$directory/dnsmasq" ] || dnsmasq_lives || serve_names
}

# sysctl PATH VALUE: below /proc/sys/net, if there is such a thing here.
sysctl() {
	[ ! -e "/proc/sys/net/$1" ] || echo "$2" >"/proc/sys/net/$1"
}

# is_ours: is the device $bridge, with the address $derived, this network's, left half made? Its maker may
# have been killed before it had the alias.
is_ours() {
	case $(ip -o link show "$bridge") in
	*"alias $network_id"*) ;;
	*' alias '*) return 1 ;;
	*" link/ether $derived "*) ;;
	*) return 1 ;;
	esac
}

make_bridge() {
	mac_of "$gateway"
	if [ -d "/proc/sys/net/ipv4/conf/$bridge" ]; then
		is_ours || undo='' die "there is a device $bridge already, and it is not ours;" \
			"if it is of a store that was removed: ip link delete $bridge"
		ip link delete "$bridge"
	fi
	in_use=$(used "$bridge")
	is_free "$subnet" "$in_use" || move_subnet
	mac_of "$gateway"
	find_mtu
	printf '%s\n' "$mtu" >"$directory/link-mtu"
	ip link add "$bridge" address "$derived" mtu "$mtu" type bridge || undo='' die "cannot make the bridge $bridge"
	ip link set "$bridge" alias "$network_id"
	sysctl "ipv6/conf/$bridge/accept_ra" 0
	sysctl "ipv6/conf/$bridge/accept_dad" 0 # nothing would be forwarded for a second or two
	[ -n "$gateway6" ] || sysctl "ipv6/conf/$bridge/disable_ipv6" 1
	ip -batch - <<-LINES || die "cannot set up the bridge $bridge"
		address add $gateway/${subnet#*/} dev $bridge
		link set $bridge up
		${gateway6:+address add $gateway6/${subnet6#*/} dev $bridge nodad}
	LINES
}

# move_subnet: others, such as Docker, took its addresses while it was down. Where nobody has asked for just these, and
# nobody has one of them, it takes the next that are free.
move_subnet() {
	get "$directory/movable" && [ -z "$(find "$directory/leases" "$directory/endpoints" -type f)" ] || undo='' die \
		"subnet $subnet overlaps with $overlap; unless that can go, remove the network, and create it with another --subnet"
	! nft list table inet "$table" >/dev/null 2>&1 || elements delete | nft -f - || :
	. "$parts/describe.sh"
	exec 7<"${directory%/*}" # as create does
	flock 7
	moved="${directory##*/}, as $subnet overlaps with $overlap" gateway='' range='' in_use=$(used "$bridge")
	free_subnet "$in_use"
	check_subnet
	aside=$directory
	put .subnet "$subnet"
	put .gateway "$gateway"
	entry rename "$directory/.gateway" "$directory/gateway" rename "$directory/.subnet" "$directory/subnet"
	exec 7<&-
	warn "$subnet is the subnet now of the network $moved"
}

# find_mtu: what the way out can carry: more would be lost on a VPN.
find_mtu() {
	get "$directory/mtu" && mtu=$value && return
	device=$(ip -4 route show default | sed -n 's/.* dev \([^ ]*\).*/\1/p;q')
	mtu=1500
	[ -z "$device" ] || mtu=$(ip -o link show "$device" | sed 's/.* mtu \([0-9]*\) .*/\1/')
	[ "$mtu" -le 65535 ] || mtu=65535
}

# allow_forwarding: this machine becomes a router, but for our networks only: who turns it on
# notes the interfaces that were there, as the rules keep those from being routed between. IPv4 and
# IPv6 each for itself: others may have turned on the one and want it. Where another network of this
# machine turned it on, its notes are ours, too: that one may go first, with its table.
allow_forwarding() {
	strangers='' strangers6=''
	[ ! -e "$directory/internal" ] || return 0
	get /proc/sys/net/ipv4/ip_forward
	if [ "$value" = 0 ]; then
		strangers=$(interfaces)
		# Rules first: there is no moment without them.
		rules | nft -f - || die "nft refuses the rules of $bridge"
		sysctl ipv4/ip_forward 1
	else
		strangers=$(members strangers)
	fi
	allow_forwarding6
	# For mend: others flush all rules.
	printf '%s\n' "$strangers" >"$directory/strangers"
	printf '%s\n' "$strangers6" >"$directory/strangers6"
}

allow_forwarding6() {
	[ -n "$gateway6" ] && get /proc/sys/net/ipv6/conf/all/forwarding || return 0
	if [ "$value" = 1 ]; then
		strangers6=$(members strangers6)
		return
	fi
	strangers6=$(interfaces)
	rules | nft -f - || die "nft refuses the rules of $bridge"
	for device in $strangers6; do
		# A router takes no router advertisements, unless it is told to.
		get "/proc/sys/net/ipv6/conf/$device/accept_ra" && [ "$value" = 1 ] || continue
		sysctl "ipv6/conf/$device/accept_ra" 2
	done
	sysctl ipv6/conf/all/forwarding 1
}

# members SET [TABLE]: the interfaces in the sets of that name, of all tables or of one.
members() {
	nft list sets inet 2>/dev/null | while read -r first second third rest; do
		case $first in
		table) in_table=$third in_set='' ;; # of others, it may have none
		set) in_set=$second ;;
		comment) ;;
		*)
			[ "$in_set $in_table" = "$1 ${2:-$in_table}" ] || continue
			for word in $first $second $third $rest; do
				case $word in \"*) word=${word#\"} && printf '%s\n' "${word%%\"*}" ;; esac
			done
			;;
		esac
	done
}

# interfaces: those of this machine but for loopback and our bridges.
interfaces() {
	ours="\"$bridge\" $(nft list set inet "$table" bridges 2>/dev/null || :)"
	ip -o link show | while IFS=' :@' read -r _ device _; do
		case $device in lo | *[!A-Za-z0-9._-]*) continue ;; esac
		case $ours in *"\"$device\""*) ;; *) printf '%s\n' "$device" ;; esac
	done
}

# rules: the table, and this network's elements in it, to be read by nft. It may be there already:
# every line can be said again. Chains are filled anew in one transaction.
rules() {
	t="inet $table"
	cat <<-LINES
		add table $t
		add set $t bridges { type ifname; comment "bridges of our networks"; }
		add set $t internal { type ifname; comment "those without a way out"; }
		add set $t pairs { type ifname . ifname; comment "in by which, out by which: within one network"; }
		add set $t own { type ifname . ipv4_addr; flags interval; comment "which addresses are whose"; }
		add set $t own6 { type ifname . ipv6_addr; flags interval; }
		add set $t subnets { type ipv4_addr; flags interval; comment "all of our addresses"; }
		add set $t subnets6 { type ipv6_addr; flags interval; }
		add set $t strangers { type ifname; comment "nothing is routed from these but to us"; }
		add set $t strangers6 { type ifname; }
		add chain $t prerouting { type filter hook prerouting priority raw; policy accept; }
		add chain $t input { type filter hook input priority filter; policy accept; }
		add chain $t forward { type filter hook forward priority filter; policy accept; }
		add chain $t postrouting { type nat hook postrouting priority srcnat; policy accept; }
		add chain $t leaving
		add chain $t entering
		flush chain $t prerouting
		flush chain $t input
		flush chain $t forward
		flush chain $t postrouting
		flush chain $t leaving
		flush chain $t entering

		add rule $t prerouting iifname @bridges ip saddr 127.0.0.0/8 drop comment "route_localnet is on for bridges: nobody there is localhost"
		add rule $t prerouting iifname @bridges ip daddr 127.0.0.0/8 drop
		add rule $t prerouting iifname != "lo" ip saddr @subnets iifname . ip saddr != @own drop comment "forged source"
		add rule $t prerouting iifname != "lo" ip6 saddr @subnets6 iifname . ip6 saddr != @own6 drop

		add rule $t input iifname "lo" accept
		add rule $t input ip daddr @subnets iifname . ip daddr != @own drop comment "gateways, and their name servers, are for their network"
		add rule $t input ip6 daddr @subnets6 iifname . ip6 daddr != @own6 drop
		add rule $t input iifname @internal ip daddr != 224.0.0.0/4 iifname . ip daddr != @own drop
		add rule $t input iifname @internal ip6 daddr != { fe80::/10, ff00::/8 } iifname . ip6 daddr != @own6 drop

		add rule $t forward iifname @bridges jump leaving
		add rule $t forward oifname @bridges jump entering
		add rule $t forward meta nfproto ipv4 iifname @strangers iifname != @bridges oifname != @bridges ct state new ct status & dnat == 0 drop comment "we turned on forwarding, but not for this"
		add rule $t forward meta nfproto ipv6 iifname @strangers6 iifname != @bridges oifname != @bridges ct state new ct status & dnat == 0 drop

		add rule $t leaving iifname . oifname @pairs accept
		add rule $t leaving iifname @internal drop
		add rule $t leaving meta nfproto ipv4 iifname . ip saddr != @own drop comment "forged source"
		add rule $t leaving meta nfproto ipv6 iifname . ip6 saddr != @own6 drop
		add rule $t entering oifname @internal drop
		add rule $t entering ct state established,related accept
		add rule $t entering ct status dnat accept comment "a published port"
		add rule $t entering drop

		add rule $t postrouting oifname != @bridges ip saddr @subnets masquerade
		add rule $t postrouting oifname != @bridges ip6 saddr @subnets6 masquerade
		add rule $t postrouting oifname @bridges ip saddr 127.0.0.0/8 masquerade comment "the host, by localhost"
		add rule $t postrouting ct status dnat oifname . ip saddr @own masquerade comment "by way of the host to one's own network"
		add rule $t postrouting ct status dnat oifname . ip6 saddr @own6 masquerade
	LINES
	for device in $strangers; do printf '%s\n' "add element $t strangers { \"$device\" }"; done
	for device in $strangers6; do printf '%s\n' "add element $t strangers6 { \"$device\" }"; done
	elements add
}

# elements add|delete: this network's part of the sets. Deleting what is not there would be an
# error that undoes all: so it is added first.
elements() {
	get "$directory/internal" || :
	while read -r set element; do
		[ "$set" != internal ] || [ -n "$value" ] || continue
		[ "$set" != pairs ] || [ ! -e "$directory/isolated" ] || continue
		[ -n "$subnet6" ] || case $set in *6) continue ;; esac
		printf '%s\n' "add element inet $table $set { $element }"
		[ "$1" = add ] || printf '%s\n' "delete element inet $table $set { $element }"
	done <<-LINES
		bridges "$bridge"
		internal "$bridge"
		pairs "$bridge" . "$bridge"
		own "$bridge" . $subnet
		own6 "$bridge" . $subnet6
		subnets $subnet
		subnets6 $subnet6
	LINES
}

# down: what up() made, also if that was stopped half-way.
down() {
	if read -r pid start 2>/dev/null <"$directory/dnsmasq" && process_is "$pid" "$start"; then
		kill "$pid" || :
	fi
	end_unwritten "$directory/dnsmasq"
	rm -f "$directory/dnsmasq"
	[ ! -d "/proc/sys/net/ipv4/conf/$bridge" ] || ip link delete "$bridge" || :
	! nft list table inet "$table" >/dev/null 2>&1 || elements delete | nft -f - || :
}

# erase: what up() made for all networks of the table $table, whether their files are there or not; then
# the table, and forwarding, if it was turned on for them and nobody has come who may need it.
erase() {
	command -v nft >/dev/null && nft list table inet "$table" >/dev/null 2>&1 || return 0
	for bridge in $(members bridges "$table"); do
		ip -o link show "$bridge" 2>/dev/null | grep -qE ' alias [0-9a-f]{64}' || continue
		for veth in $(ip -o link show master "$bridge" | sed -n 's/^[0-9]*: \([^@:]*\)@.*/\1/p'); do
			ip link delete "$veth" || :
		done
		ip link delete "$bridge"
	done
	forbid_forwarding strangers ipv4/ip_forward
	forbid_forwarding strangers6 ipv6/conf/all/forwarding
	nft delete table inet "$table"
}

# forbid_forwarding SET SYSCTL: as it was, unless other networks of ours have noted that, too.
forbid_forwarding() {
	before=$(members "$1" "$table")
	[ -n "$before" ] || return 0
	nft flush set inet "$table" "$1"
	[ -z "$(members "$1")" ] || return 0
	come=$(interfaces | grep -vxF -e "$before") || :
	if [ -n "$come" ]; then
		# shellcheck disable=SC2086 # names
		warn "$2 stays on, as others have come since who may need it: "$come
	else
		sysctl "$2" 0
	fi
}
