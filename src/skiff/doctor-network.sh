# What doctor asks of the network: tried in a network namespace of its own, which goes with the trial. Sourced by
# verbs/doctor.

. "$lib/foreign.sh"

no_network='there are no networks and no published ports; --network none and host do work'

look_at_network() {
	if ! has_capability 12; then
		outside 'start the shell that you use with CAP_NET_ADMIN' --cap-add=NET_ADMIN
		row warning network 'without the capability NET_ADMIN' "$no_network" "$remedy"
		return
	fi
	[ -n "$has_ip" ] && [ -n "$has_nft" ] || return 0 # look_at_programs has said so
	if [ -z "$trial" ]; then :
	elif ! try unshare-run --net ip link add doctor0 type veth peer name doctor1; then
		row warning 'pairs of interfaces' "$said" "$no_network" 'a kernel with CONFIG_VETH, or modprobe veth'
	elif ! try unshare-run --net sh -c 'netup create --bridge doctor0 --table doctor "$1" && exec netup up "$1"' sh \
		"$trial/network"; then
		remedy='a kernel with CONFIG_BRIDGE and CONFIG_NF_TABLES, NAT and all; or modprobe bridge nf_tables nft_chain_nat'
		case $said in *'Read-only file system'*)
			outside 'mount -o remount,rw /proc/sys' '--privileged, or --security-opt systempaths=unconfined' ;;
		esac
		row warning 'bridge and rules' "$said" "$no_network" "$remedy"
	elif ! try unshare-run --net publish --table doctor --to 192.0.2.2 8080:80; then
		row warning 'published ports' "$said" 'ports cannot be published' 'a kernel with maps, fib and NAT in nftables'
	else
		row ok network 'a bridge, links, rules and published ports, in a namespace'
	fi
	look_at_forwarding
	look_at_firewalls
}

# look_at_forwarding: netup turns it on with the first network, if it may.
look_at_forwarding() {
	value_of /proc/sys/net/ipv4/ip_forward
	if [ "$value" = 1 ]; then
		row ok forwarding on
	elif [ -w /proc/sys/net/ipv4/ip_forward ]; then
		row ok forwarding 'off; the first network turns it on'
	else
		outside 'sysctl -w net.ipv4.ip_forward=1' '--sysctl net.ipv4.ip_forward=1'
		row warning forwarding 'off, and read-only' "$no_network" "$remedy"
	fi
}

look_at_firewalls() {
	bridge=$group found=''
	[ "$bridge" != skiff ] || bridge=skiff0
	value_of "$SKIFF_ROOT/networks/bridge/bridge"
	drops=$(foreign_drops "${value:-$bridge}")
	while read -r family table chain hook bridge maker; do
		[ -n "$family" ] && tell_drop "$family" "$table" "$chain" "$hook" "$bridge" "$maker" || continue
		found=true
		row warning 'firewalls of others' "$chain" "it $follows" "$remedy"
	done <<-END
		$drops
	END
	# The older kind of iptables has tables that nft does not show.
	if grep -qsx filter /proc/net/ip_tables_names; then
		found=true
		row warning 'firewalls of others' 'there is a table filter of iptables-legacy, which nft does not show' \
			'what it drops, containers do not get' 'iptables-legacy -L FORWARD shows whether it drops'
	fi
	value_of /proc/sys/net/bridge/bridge-nf-call-iptables
	[ "$value" != 1 ] || [ -z "$drops" ] || row warning 'firewalls of others' 'net.bridge.bridge-nf-call-iptables=1' \
		'what they drop is dropped between containers of one network, too' 'sysctl -w net.bridge.bridge-nf-call-iptables=0'
	[ -n "$found" ] || row ok 'firewalls of others' 'no chain that drops what skiff needs'
}
