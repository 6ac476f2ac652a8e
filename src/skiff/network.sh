# Networks: finding them, and connecting containers to them. Sourced by the verbs of both.

use journal.sh

networks=$SKIFF_ROOT/networks
outward='' # see outward_network

# find_network NAME: by name, ID, or leading part of an ID: $network_name and $network_dir.
find_network() {
	network_name=''
	case $1 in
	'' | */* | .*) ;;
	bridge | host | none) network_name=$1 && describe_predefined ;;
	*) [ ! -e "$networks/$1/created" ] || network_name=$1 ;;
	esac
	case $network_name$1 in
	'' | *[!0-9a-f]*) ;;
	*) [ -n "$network_name" ] || find_network_id "$1" ;;
	esac
	if [ -z "$network_name" ]; then
		warn "network $1 not found"
		return 1
	fi
	network_dir=$networks/$network_name
}

find_network_id() {
	set +f
	for file in "$networks"/*/id; do
		get "$file" || continue
		case $value in
		"$1"*)
			[ -z "$network_name" ] || die "more than one network ID begins with '$1'"
			network_name=${file%/id} network_name=${network_name##*/}
			;;
		esac
	done
	set -f
}

# describe_predefined: the networks that are always there: bridge, made when it is first used,
# and the two that are none.
describe_predefined() {
	describe_bridge
	[ -e "$networks/host/created" ] || (describe_no_network host host)
	[ -e "$networks/none/created" ] || (describe_no_network none null)
}

# describe_no_network NAME DRIVER: in a subshell, as $id is another's.
describe_no_network() {
	mkdir -p "$networks/$1"
	new_id
	put "$networks/$1/id" "$id"
	put "$networks/$1/driver" "$2"
	put "$networks/$1/created" "$(journal)"
}

# describe_bridge: each store has one of its own; that of the usual store has a nice name.
describe_bridge() {
	[ ! -e "$networks/bridge/created" ] || return 0
	device=$group
	[ "$device" != skiff ] || device=skiff0
	x netup create --if-missing --bridge "$device" --table "$group" "$networks/bridge" || die 'there is no network'
}

# ---- a container's -----------------------------------------------------------

# connect_container: connect the processes of the container in $dir, which wait at their fifo,
# to its networks, and publish its ports. If that fails they end, and the container is as if
# it had not been started.
connect_container() {
	[ -e "$dir/networks" ] || return 0
	process_start $$
	[ "$explain" = only ] || printf '%s\n' "connecting $$ $start" >"$run/network"
	if connect_all; then
		[ -z "$explain" ] || say_printf '%s\n' '>' "$run/network" connected
		[ "$explain" = only ] || printf '%s\n' connected >"$run/network"
		return
	fi
	[ "$explain" != only ] || return 0
	abort_start
	return 125
}

connect_all() {
	write_hosts
	read_names
	number=0 named=0 always=''
	outward_network || :
	while IFS= read -r line <&8; do
		network_name=${line%%,*}
		[ ! -e "$networks/$network_name/names" ] || named=$((named + 1))
		connect_one "$line" "eth$number" || return
		number=$((number + 1))
	done 8<"$dir/networks"
	own_names || return
	! is_linked || link_container || return
	! is_published ||
		x publish --table "$group" --owner "$id" --address "$dir/address" --file "$dir/ports"
}

is_linked() {
	[ -e "$dir/links" ] || [ -e "$dir/linked-by" ]
}

link_container() {
	. "$lib/links.sh"
	[ ! -e "$dir/links" ] || connect_links || return
	[ ! -e "$dir/linked-by" ] || tell_linked
}

# read_names: those of the container in $dir, as hosts(5) has them: the full one first.
read_names() {
	get "$dir/name" && name=$value
	get "$dir/hostname" && hostname=$value
	! get "$dir/domainname" || hostname="$hostname.$value $hostname"
}

# connect_one LINE INTERFACE: to one network; LINE is one of the file networks.
connect_one() {
	[ "$1" != bridge ] || describe_bridge
	if [ ! -e "$networks/${1%%,*}/created" ] && [ "$explain" != only ]; then
		warn "network ${1%%,*} not found"
		return 1
	fi
	set -- "$1" "$2" --name "$name" --hostname "$hostname" --hosts "$dir/hosts"
	case $1 in *,*) set -- "$@" --option "${1#*,}" ;; esac
	network_name=${1%%,*}
	if [ "$2" = eth0 ]; then
		set -- "$@" --resolv-conf "$dir/resolv.conf"
		[ ! -e "$dir/dns" ] || set -- "$@" --dns-conf "$dir/dns"
	else
		set -- "$@" --interface "$2"
	fi
	if [ "$network_name" = "$outward" ]; then set -- "$@" --address "$dir/address"; else set -- "$@" --address /dev/null; fi
	shift 2
	x netup connect "$@" "$networks/$network_name" "$id" "$run/pid" || return
	network_event connect
}

network_event() {
	get "$networks/$network_name/id" || :
	event "$at_time" network "$1" "$value" "container=$id" "name=$network_name" type=bridge
}

# outward_network: the first network of the container in $dir that is not internal, into $outward: that is where
# published ports lead. False if there is none.
outward_network() {
	outward=''
	[ -e "$dir/networks" ] || return
	while IFS= read -r its_network; do
		[ ! -e "$networks/${its_network%%,*}/internal" ] || continue
		outward=${its_network%%,*}
		return
	done <"$dir/networks"
	return 1
}

# publish_again: the ports of the running container in $dir, which have led nowhere or elsewhere, lead to the
# network that is now the first. False if there is none.
publish_again() {
	outward_network || return
	read_endpoint "$networks/$outward/endpoints/$id"
	put "$dir/address" "$address${address6:+$nl$address6}" # in place: the relay reads it
	x publish --table "$group" --owner "$id" --address "$dir/address" --file "$dir/ports"
}

# keep_ports: nothing leads to the container any more; the next network that it is connected to will.
keep_ports() {
	gather "$run/ports" "$dir/ports"
	empty "$dir/ports"
	empty "$dir/address"
}

# is_published: are there ports to be published?
is_published() {
	[ -s "$dir/publish" ] && outward_network || return
	get "$dir/name"
	publish_failure="driver failed programming external connectivity on endpoint $value ($id): "
}

# own_names: who is on several networks with names, or has name servers of its own, needs a
# name server that knows both.
own_names() {
	if [ -z "$always" ]; then
		[ "$named" -gt 0 ] || return 0
		[ "$number" -gt 1 ] || { [ -s "$dir/dns" ] && grep -q ^nameserver "$dir/dns"; } || return 0
	fi
	set -- --id "$id"
	[ ! -e "$dir/dns" ] || set -- "$@" --dns-conf "$dir/dns"
	set -- "$@" "$dir/resolv.conf" "$run/pid"
	while IFS= read -r line; do set -- "$@" "$networks/${line%%,*}"; done <"$dir/networks"
	x netup names "$@"
}

# write_hosts: /etc/hosts but for the addresses, which netup adds. In place: it is mounted.
write_hosts() {
	put "$dir/hosts" "127.0.0.1${tab}localhost"
	append "$dir/hosts" "::1${tab}localhost ip6-localhost ip6-loopback" "fe00::${tab}ip6-localnet" \
		"ff00::${tab}ip6-mcastprefix" "ff02::1${tab}ip6-allnodes" "ff02::2${tab}ip6-allrouters"
	[ -e "$dir/extra-hosts" ] || return 0
	gateway=127.0.0.1
	if [ -e "$dir/networks" ]; then
		read -r line <"$dir/networks"
		! get "$networks/${line%%,*}/gateway" || gateway=$value
	fi
	while IFS= read -r line; do
		address=${line#*:}
		[ "$address" != host-gateway ] || address=$gateway
		append "$dir/hosts" "$address$tab${line%%:*}"
	done <"$dir/extra-hosts"
}

# wait_connected: somebody else has made the processes of the container, which wait: let him
# finish connecting them, or do it again if he was killed.
wait_connected() {
	[ -e "$dir/networks" ] || return 0
	tries=0
	while :; do
		word='' maker='' start=''
		[ ! -e "$run/network" ] || read -r word maker start <"$run/network" || :
		[ "$word" != connected ] || return 0
		tries=$((tries + 1))
		if [ -n "$maker" ]; then
			process_is "$maker" "$start" || break
		elif [ $tries -gt 20 ]; then
			break
		fi
		sleep 0.05
	done
	disconnect_container keep
	connect_container
}

# abort_start: end the processes that wait, as if they had never been: no exit is recorded. Unless somebody else is at
# work on the container by now, as its shim was killed: he ends what he finds.
abort_start() {
	read -r _ maker _ <"$run/network" && [ "$maker" = $$ ] || return 0
	! shim_lives || kill -s KILL "$shim_pid"
	lock_run 1 || return 0
	cgset kill "$group/$id" || :
	disconnect_container
	use remove-container.sh
	end_runtime
	cgset remove "$group/$id" || :
	rm -f "$run/pid" "$run/shim"
	exec 8>&-
}

# disconnect_container [keep]: take back what connect_container did, or half did. Who is to be
# connected again keeps the files of his ports: sockets and relay know them.
disconnect_container() {
	[ ! -s "$dir/ports" ] || unpublish "$@"
	[ ! -e "$run/ports" ] || x rm -f "$run/ports"
	[ -e "$dir/networks" ] || return 0
	while IFS= read -r line; do
		network_name=${line%%,*}
		[ -e "$networks/$network_name/endpoints/$id" ] || continue
		x netup disconnect "$networks/$network_name" "$id" || connected_still=true
		network_event disconnect
	done <"$dir/networks"
}

unpublish() {
	if [ -s "$dir/address" ]; then
		x publish --remove --table "$group" --owner "$id" --address "$dir/address" --file "$dir/ports" || :
	fi
	[ -z "${1:-}" ] || return 0
	empty "$dir/ports" && empty "$dir/address"
}

# ---- for the verbs of networks -------------------------------------------------

is_predefined() {
	case $1 in bridge | host | none) ;; *) return 1 ;; esac
}

# remove_network: the one in $network_dir. Set aside first: then nobody can connect to it any
# more, and if somebody has, it goes back.
remove_network() {
	! is_predefined "$network_name" || die "$network_name is a pre-defined network and cannot be removed"
	get "$network_dir/id" && network_id=$value
	aside=$networks/.$network_name.$$
	if [ "$explain" != only ]; then
		mv -T "$network_dir" "$aside" || die "network $network_name not found"
	fi
	set +f
	for endpoint in "$aside"/endpoints/*; do
		[ -e "$endpoint" ] || continue
		mv -T "$aside" "$network_dir"
		die "error while removing network: network $network_name id $network_id has active endpoints"
	done
	set -f
	x netup down "$aside" || :
	x rm -rf "$aside"
	event '' network destroy "$network_id" "name=$network_name" type=bridge
}

# connected_to NAME: is the container in $dir to be on that network?
connected_to() {
	[ -e "$dir/networks" ] || return
	while IFS= read -r line; do
		[ "${line%%,*}" != "$1" ] || return 0
	done <"$dir/networks"
	return 1
}

# read_endpoint FILE: $interface $veth $mac $address $address6, empty where there is none.
read_endpoint() {
	interface='' veth='' mac='' address='' address6=''
	while read -r key word _; do
		case $key in
		interface) interface=$word ;;
		veth) veth=$word ;;
		mac) mac=$word ;;
		address) address=$word ;;
		address6) address6=$word ;;
		esac
	done <"$1"
}

# connect_more LINE: the running container to one more network, by an interface that is free.
connect_more() {
	read_names
	in_use=' '
	[ ! -e "$dir/networks" ] || while IFS= read -r line; do
		[ -e "$networks/${line%%,*}/endpoints/$id" ] || continue
		read_endpoint "$networks/${line%%,*}/endpoints/$id"
		in_use="$in_use$interface "
	done <"$dir/networks"
	number=0
	while case $in_use in *" eth$number "*) true ;; *) false ;; esac; do number=$((number + 1)); done
	connect_one "$1" "eth$number"
}

# refresh_names: the name service of a running container whose networks have changed.
refresh_names() {
	always=true
	own_names
}
