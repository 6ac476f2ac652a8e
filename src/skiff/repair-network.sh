# What killed programs leave behind in networks. Sourced by repair.sh.

use network.sh
. "$lib/foreign.sh"

repair_networks() {
	[ -d "$networks" ] || return 0
	for entry in $(entries "$networks"); do
		case $entry in
		.*) [ -d "/proc/${entry##*.}" ] || repair "unfinished network $entry" remove_unfinished "$networks/$entry" ;;
		*) [ ! -e "$networks/$entry/bridge" ] || repair_network ;;
		esac
	done
	command -v nft >/dev/null || return 0
	repair_ports
	check_foreign_drops
}

remove_unfinished() {
	[ ! -e "$1/created" ] || netup down "$1" || :
	rm -rf "$1"
}

# repair_network: the one that is called $entry.
repair_network() {
	place=$networks/$entry
	get "$place/bridge" && bridge=$value
	get "$place/table" && table=$value
	for file in $(entries "$place"); do
		case $file in .names.*.pid) id=${file#.names.} id=${id%.pid} ;; *) continue ;; esac
		[ -e "$place/endpoints/$id" ] || has_processes ||
			repair "name server of $id in network $entry: no such container runs" end_name_server
	done
	for id in $(entries "$place/endpoints"); do
		has_processes || repair "endpoint of $id in network $entry: no such container runs" \
			netup disconnect "$place" "$id"
	done
	for kind in leases hosts; do
		for file in $(entries "$place/$kind"); do
			id=$file
			[ "$kind" = hosts ] || { get "$place/leases/$file" && id=$value; } || id=none
			[ -e "$place/endpoints/$id" ] || ! stale "$place/$kind/$file" ||
				repair "$kind/$file of network $entry: nobody has it" rm -f "$place/$kind/$file"
		done
	done
	get "/proc/sys/net/ipv4/conf/$bridge/route_localnet" && [ "$value" = 1 ] || return 0
	for veth in $(ip -o link show master "$bridge" | sed -n 's/^[0-9]*: \([^@:]*\).*/\1/p'); do
		is_endpoint || ! is_endpoint_missing || repair "$veth at $bridge of network $entry: it leads nowhere" ip link delete "$veth"
	done
	is_whole || repair "network $entry: its rules or its name server are gone" netup mend "$place"
}

# end_name_server: of $id, which came when the endpoint had gone already: whoever wanted and started it were killed.
end_name_server() {
	printf '%s\n' names >"$place/endpoints/$id" && netup disconnect "$place" "$id"
}

# is_whole: are its rules and its name server there? (Other programs flush all rules.)
is_whole() {
	nft get element inet "$table" bridges "{ \"$bridge\" }" >/dev/null 2>&1 || return
	[ ! -e "$place/dnsmasq" ] || { read -r pid start <"$place/dnsmasq" && process_is "$pid" "$start"; }
}

# has_processes: does the container $id run, or is it being started or cleaned up?
has_processes() {
	container_dirs
	[ -d "$dir" ] || return
	container_state
	[ -n "$pid" ] || shim_lives || shim_ended
}

is_endpoint() {
	grep -rqsx "veth $veth" "$place/endpoints"
}

# is_endpoint_missing: looked at again: one that is being made has its file first.
is_endpoint_missing() {
	! is_endpoint && [ -d "/proc/sys/net/ipv4/conf/$veth" ]
}

# Ports of containers that are gone; and of those that run, if another program took them away.
repair_ports() {
	owners=$(publish --list --table "$group" | cut -d ' ' -f 1 | sort -u)
	for id in $owners; do
		has_processes || repair "ports of $id: no such container runs" \
			publish --remove --table "$group" --owner "$id"
	done
	for id in $(entries "$SKIFF_ROOT/containers"); do
		container_dirs
		[ -s "$dir/ports" ] && [ -s "$dir/address" ] || continue
		case $nl$owners$nl in *"$nl$id$nl"*) continue ;; esac
		container_state
		if [ "$state" = running ] && is_published; then
			repair "ports of $id: their rules are gone" publish --table "$group" --owner "$id" \
				--address "$dir/address" --file "$dir/ports"
		fi
	done
}

# check_foreign_drops: name what others drop of the bridges that are up, and what would mend it.
check_foreign_drops() {
	bridges=''
	for entry in $(entries "$networks"); do
		get "$networks/$entry/bridge" && get "/proc/sys/net/ipv4/conf/$value/route_localnet" && [ "$value" = 1 ] || continue
		get "$networks/$entry/bridge"
		bridges="$bridges $value"
	done
	[ -n "$bridges" ] || return 0
	# shellcheck disable=SC2086 # the bridges
	drops=$(foreign_drops $bridges)
	while read -r family table chain hook bridge maker; do
		[ -n "$family" ] && tell_drop "$family" "$table" "$chain" "$hook" "$bridge" "$maker" || continue
		found=$((found + 1)) left=$((left + 1))
		printf '%s\n' "$chain $follows; to let them: $remedy"
	done <<-END
		$drops
	END
}
