#!/usr/bin/env bats
# Networks by skiff: the verbs, what a container has of its networks, crashes.
# shellcheck shell=bash disable=SC2016

load helper
load network

setup_file() {
	network_setup_file
	skiff_setup_file
}

teardown_file() {
	skiff network prune -f >/dev/null
	skiff_teardown_file
	[ "$(find "$SKIFF_ROOT"/networks -path '*/endpoints/*' -o -path '*/leases/*' -o -path '*/hosts/*' | wc -l)" -eq 0 ] ||
		fail "$(find "$SKIFF_ROOT"/networks)"
	[ "$(on host ip -o link show type veth | grep -vc wire)" -eq 0 ] || fail "$(on host ip -o link show)"
	on host netup down "$SKIFF_ROOT/networks/bridge"
	network_teardown_file
}

setup() {
	in_time
	cd "$BATS_TEST_TMPDIR" || return
	C=c$BATS_TEST_NUMBER N=n$BATS_TEST_NUMBER
}

teardown() {
	stop_servers
	local ids
	ids=$(skiff ps -aq)
	# shellcheck disable=SC2086
	[ -z "$ids" ] || skiff rm -f $ids >/dev/null
	skiff network prune -f >/dev/null
}

file() {
	cat "$SKIFF_ROOT/names/$1/$2"
}

# idle NAME [OPTION...]: a container that waits.
idle() {
	local name=$1
	shift
	skiff run -d --name "$name" "$@" busybox sleep 1000 >/dev/null
}

# resolves CONTAINER NAME ADDRESS (with a dot at its end: busybox asks for nothing but NAME.DOMAIN)
resolves() {
	[ "$(skiff exec "$1" nslookup -type=a "$2." 2>/dev/null | sed -n '1,/^$/d;s/^Address: //p' | xargs)" = "$3" ] ||
		fail "$1: $2: $(skiff exec "$1" nslookup -type=a "$2." 2>&1)"
}

unknown() {
	expect 1 skiff exec "$1" nslookup -type=a "$2."
}

field() {
	skiff inspect "$1" | jq -r ".[0]$2"
}

@test "a plain run has the network: address, name, way out, names of the world" {
	serve lan 80 world
	expect 0 skiff run --rm --name "$C" busybox sh -c 'ip -o -4 address show eth0; ip route; hostname; cat /etc/hosts /etc/resolv.conf
		nslookup -type=a outside.test; nc -w 2 192.0.2.1 80 </dev/null; ping -qc1 -W2 172.17.0.1 | grep received'
	[[ $output == *'172.17.0.2/16'*'default via 172.17.0.1 dev eth0'*'127.0.0.1'$'\t'localhost*'172.17.0.2'$'\t'*'nameserver 10.9.0.2'*192.0.2.1*world*'1 packets received'* ]] ||
		fail "$output"
	# unprivileged: low ports and ping
	expect 0 skiff run --rm -u ann busybox sh -c 'cat /proc/sys/net/ipv4/ip_unprivileged_port_start /proc/sys/net/ipv4/ping_group_range; nc -l -p 80 & sleep 0.2; kill $!'
	[ "$output" = $'0\n0\t65535' ] || fail "$output"
}

@test "network create, ls, inspect, rm: Docker's columns and messages" {
	expect 0 skiff network create --label a=b --subnet 10.5.0.0/24 --gateway 10.5.0.9 --ip-range 10.5.0.128/25 --ipv6 \
		-o com.docker.network.driver.mtu=1400 --attachable "$N"
	[[ $output =~ ^[0-9a-f]{64}$ ]] || fail "$output"
	id=$output
	expect 0 skiff network ls
	[ "${lines[0]}" = 'NETWORK ID     NAME      DRIVER    SCOPE' ] || fail "$output"
	[[ $output == *"${id:0:12}   $N        bridge    local"* ]] || fail "$output"
	[ "$(skiff network ls -q | wc -l)" -eq 4 ]
	[ "$(skiff network ls --no-trunc -q -f name="$N")" = "$id" ]
	[ "$(skiff network ls -q -f type=custom)" = "${id:0:12}" ]
	[ "$(skiff network ls -q -f label=a=b -f driver=bridge)" = "${id:0:12}" ]
	[ -z "$(skiff network ls -q -f label=a=c)" ]
	[ "$(skiff network ls -q -f type=builtin | wc -l)" -eq 3 ]
	expect 0 skiff network inspect "${id:0:8}" bridge none
	jq -c '.[0] | .Name, .Driver, .EnableIPv6, .IPAM.Config[0], .Internal, .Labels, .Options, .Containers' <<<"$output" >out
	[ "$(head -n 4 out | tail -n 1)" = '{"Subnet":"10.5.0.0/24","IPRange":"10.5.0.128/25","Gateway":"10.5.0.9"}' ] || fail "$(cat out)"
	[ "$(jq length <<<"$output")" -eq 3 ]
	expect 1 skiff network inspect "$N" nothing
	expect 1 skiff network create "$N"
	[[ $output == *"network with name $N already exists"* ]] || fail "$output"
	idle "$C" --network "$N"
	[ "$(field "$C" ".NetworkSettings.Networks.$N.IPAddress")" = 10.5.0.128 ]
	[ "$(skiff exec "$C" cat /sys/class/net/eth0/mtu)" = 1400 ]
	[ "$(skiff network inspect "$N" | jq -r '.[0].Containers[] | .Name + " " + .IPv4Address')" = "$C 10.5.0.128/24" ]
	expect 1 skiff network rm "$N"
	[[ $output == *"error while removing network: network $N id $id has active endpoints"* ]] || fail "$output"
	skiff rm -f "$C" >/dev/null
	expect 0 skiff network rm "$N"
	[ "$output" = "$N" ]
	expect 1 skiff network rm "$N" bridge
	[[ $output == *"network $N not found"*'bridge is a pre-defined network and cannot be removed'* ]] || fail "$output"
	expect 0 skiff network rm -f "$N"
	! on host ip link show "sk-${id:0:12}" || fail "the bridge is there"
	[ ! -e "$SKIFF_ROOT/networks/$N" ]
}

@test "network create refuses bad input, and makes nothing" {
	before=$(ls "$SKIFF_ROOT/networks")
	local bad
	for bad in '--driver macvlan x' '--driver overlay x' '--driver host x' '--subnet 10.5.0.0 x' '--subnet 10.5.0.1/24 x' '--subnet 172.17.3.0/24 x' \
		'--subnet 10.9.0.0/24 x' '--gateway 10.5.0.1 x' '--subnet 10.5.0.0/24 --gateway 10.6.0.1 x' '--subnet 10.5.0.0/24 --ip-range 10.6.0.0/24 x' \
		'-o mtu=1 x' '-o mtu x' '-o com.docker.network.bridge.enable_ip_masquerade=false x' '-o com.docker.network.bridge.enable_icc=maybe x' '-o com.docker.network.bridge.name=a/b x' '--label =a x' '--subnet fd00::5/64 x' ../x a/b .x -- host bridge none '' 'x y' --nothing; do
		# shellcheck disable=SC2086 # words
		run skiff network create $bad
		[ "$status" -ne 0 ] || fail "$bad: $output"
	done
	expect 1 skiff network create 'x;y'
	[ "$(ls "$SKIFF_ROOT/networks")" = "$before" ]
}

@test "the bridge by a name of one's own; containers that do not reach each other" {
	local to
	skiff network create --ipv6 -o com.docker.network.bridge.name=lab0 -o com.docker.network.bridge.enable_icc=false "$N" >/dev/null
	skiff run -d --name "$C" --network "$N" -p 8080:80 busybox nc -ll -p 80 -e echo here >/dev/null
	idle "$C-b" --network "$N"
	on host ip link show lab0
	wait_until skiff exec "$C" nc -w 2 127.0.0.1 80
	resolves "$C-b" "$C" "$(field "$C" ".NetworkSettings.Networks.$N.IPAddress")"
	for to in "$C" "$(field "$C" ".NetworkSettings.Networks.$N.GlobalIPv6Address")"; do
		expect 1 skiff exec "$C-b" nc -w 2 "$to" 80
	done
	expect 1 skiff exec "$C-b" ping -c 1 -W 1 "$C"
	# the outside reaches what is published, and they the outside
	skiff exec "$C-b" ping -c 1 -W 1 192.0.2.1
	[ "$(ask lan 10.9.0.1:8080)" = here ]
}

@test "by name: container, alias, ID, host name; on the default bridge and from elsewhere not" {
	skiff network create "$N" >/dev/null
	skiff network create "$N-b" >/dev/null
	idle "$C-web" --network "$N" --network-alias api --hostname box
	idle "$C" --network "$N"
	idle "$C-b" --network "$N-b"
	idle "$C-d1"
	idle "$C-d2"
	ip=$(field "$C-web" ".NetworkSettings.Networks.$N.IPAddress")
	local name
	for name in "$C-web" api box "$(file "$C-web" id | cut -c 1-12)"; do resolves "$C" "$name" "$ip"; done
	resolves "$C-web" "$C-web" "$ip"
	resolves "$C" outside.test 192.0.2.1
	expect 0 skiff exec "$C" nslookup -type=a here # by the host's search list
	[[ $output == *10.9.0.2* ]]
	unknown "$C-b" api
	unknown "$C-d1" "$C-d2"
	unknown "$C-d1" api
	# it goes with the container, and comes back, whatever address it has
	skiff stop -t 0 "$C-web" >/dev/null
	unknown "$C" api
	idle "$C-other" --network "$N"
	skiff start "$C-web" >/dev/null
	ip=$(field "$C-web" ".NetworkSettings.Networks.$N.IPAddress")
	resolves "$C" api "$ip"
	[ "$(skiff exec "$C-web" cat /etc/hosts | grep -c box)" -eq 1 ]
	# two with one alias: both
	idle "$C-web2" --network "$N" --network-alias api
	[ "$(skiff exec "$C" nslookup -type=a api. | grep -c '^Address: 172')" -eq 2 ]
}

@test "several networks; connect and disconnect while it runs" {
	skiff network create "$N" >/dev/null
	skiff network create --internal --ipv6 "$N-b" >/dev/null
	idle "$C-a" --network "$N"
	idle "$C-b" --network "$N-b"
	idle "$C" --network "$N" --network "name=$N-b,alias=mid"
	resolves "$C" "$C-a" "$(field "$C-a" ".NetworkSettings.Networks.$N.IPAddress")"
	resolves "$C" "$C-b" "$(field "$C-b" ".NetworkSettings.Networks[\"$N-b\"].IPAddress")"
	resolves "$C" outside.test 192.0.2.1
	resolves "$C-b" mid "$(field "$C" ".NetworkSettings.Networks[\"$N-b\"].IPAddress")"
	expect 0 skiff exec "$C" ping -6 -qc1 -W2 "$C-b"
	unknown "$C-b" outside.test
	unknown "$C-a" "$C-b"
	expect 0 skiff network connect --alias late "$N" "$C-b"
	[ -z "$output" ]
	resolves "$C-b" "$C-a" "$(field "$C-a" ".NetworkSettings.Networks.$N.IPAddress")"
	resolves "$C-b" outside.test 192.0.2.1 # now there is a way out
	resolves "$C-a" late "$(field "$C-b" ".NetworkSettings.Networks.$N.IPAddress")"
	expect 0 skiff exec "$C-b" ping -qc1 -W2 192.0.2.1
	expect 1 skiff network connect "$N" "$C-b"
	[[ $output == *"endpoint with name $C-b already exists in network $N"* ]] || fail "$output"
	expect 0 skiff network disconnect "$N-b" "$C-b"
	unknown "$C-b" mid
	resolves "$C-b" "$C-a" "$(field "$C-a" ".NetworkSettings.Networks.$N.IPAddress")"
	expect 1 skiff network disconnect "$N-b" "$C-b"
	[[ $output == *"is not connected to network $N-b"* ]] || fail "$output"
	# it is remembered
	skiff stop -t 0 "$C-b" >/dev/null
	skiff start "$C-b" >/dev/null
	[ "$(field "$C-b" '.NetworkSettings.Networks | keys[]')" = "$N" ]
	resolves "$C-a" late "$(field "$C-b" ".NetworkSettings.Networks.$N.IPAddress")"
	expect 0 skiff network disconnect "$N" "$C-b"
	[ "$(skiff exec "$C-b" ip -o link show | wc -l)" -eq 1 ]
	expect 0 skiff network connect bridge "$C-b"
	[ -z "$output" ] || fail "$output"
	expect 0 skiff exec "$C-b" ping -qc1 -W2 192.0.2.1
	resolves "$C-b" outside.test 192.0.2.1
	# of a container that does not run
	skiff create --name "$C-c" busybox sleep 1000 >/dev/null
	expect 0 skiff network connect "$N" "$C-c"
	expect 0 skiff network disconnect bridge "$C-c"
	expect 0 skiff start "$C-c"
	resolves "$C-c" "$C-a" "$(field "$C-a" ".NetworkSettings.Networks.$N.IPAddress")"
}

@test "rename: the others find it by its new name, and by its aliases as before" {
	skiff network create "$N" >/dev/null
	idle "$C-a" --network "$N"
	idle "$C-b" --network "$N" --network-alias db
	resolves "$C-a" "$C-b" "$(field "$C-b" ".NetworkSettings.Networks.$N.IPAddress")"
	skiff rename "$C-b" "$C-new"
	resolves "$C-a" "$C-new" "$(field "$C-new" ".NetworkSettings.Networks.$N.IPAddress")"
	resolves "$C-a" db "$(field "$C-new" ".NetworkSettings.Networks.$N.IPAddress")"
	unknown "$C-a" "$C-b"
	skiff restart -t 0 "$C-new" >/dev/null
	resolves "$C-a" "$C-new" "$(field "$C-new" ".NetworkSettings.Networks.$N.IPAddress")"
}

@test "--link: a line in /etc/hosts that follows the address; who must run, and who cannot be linked" {
	idle db
	expect 1 skiff create --link nothing busybox
	[[ $output == *'No such container: nothing'*'could not get container for nothing'* ]] || fail "$output"
	expect 125 skiff run --link db --network host busybox
	[[ $output == *"host type networking can't be used with links"* ]] || fail "$output"
	expect 125 skiff run --link db: --rm busybox
	expect 125 skiff run --link 'db:a b' --rm busybox
	expect 125 skiff run --link db:a:b --rm busybox
	idle "$C" --link db:store --link db
	address=$(field db .NetworkSettings.IPAddress)
	[ "$(skiff exec "$C" grep store /etc/hosts)" = "$address"$'\t'"store $(field db .Config.Hostname) db" ] ||
		fail "$(skiff exec "$C" cat /etc/hosts)"
	[ "$(skiff exec "$C" grep -c "$address" /etc/hosts)" -eq 2 ]
	expect 0 skiff exec "$C" ping -qc1 -W2 store
	[ "$(field "$C" '.HostConfig.Links | tojson')" = "[\"/db:/$C/store\",\"/db:/$C/db\"]" ] || fail "$(field "$C" .HostConfig.Links)"
	# who is gone is forgotten
	for _ in 1 2; do skiff run --rm --link db busybox true; done
	[ "$(wc -l <"$SKIFF_ROOT/names/db/linked-by")" -eq 2 ] || fail "$(cat "$SKIFF_ROOT/names/db/linked-by")"
	# db comes back with another address, and then not at all
	skiff stop -t 0 db >/dev/null
	idle other
	skiff start db >/dev/null
	[ "$(field db .NetworkSettings.IPAddress)" != "$address" ]
	[ "$(skiff exec "$C" grep store /etc/hosts | cut -f 1)" = "$(field db .NetworkSettings.IPAddress)" ] ||
		fail "$(skiff exec "$C" cat /etc/hosts)"
	expect 0 skiff rm --link "$C/store"
	[ "$output" = "$C/store" ]
	expect 1 skiff exec "$C" grep store /etc/hosts
	expect 1 skiff rm -l "/$C/store"
	[[ $output == *"No such link: /$C/store"* ]] || fail "$output"
	skiff stop -t 0 db "$C" >/dev/null
	expect 1 skiff start "$C"
	[[ $output == *"Cannot link to a non running container: /db AS /$C/db"* ]] || fail "$output"
	[ "$(field "$C" .State.Status)" = exited ] || fail "$(skiff ps -a; skiff inspect "$C")"
	skiff rm db >/dev/null
	expect 1 skiff start "$C"
	[ "$(field "$C" '.HostConfig.Links | tojson')" = '[]' ]
	# on a network of one's own, it need not run
	skiff network create "$N" >/dev/null
	skiff create --name late --network "$N" busybox sleep 1000 >/dev/null
	idle "$C-2" --network "$N" --link late:friend
	expect 1 skiff exec "$C-2" grep friend /etc/hosts
	skiff start late >/dev/null
	expect 0 skiff exec "$C-2" ping -qc1 -W2 friend
	idle "$C-3"
	expect 0 skiff network connect --link late:mate "$N" "$C-3"
	expect 0 skiff exec "$C-3" ping -qc1 -W2 mate
}

@test "host and none cannot be connected to" {
	idle "$C-h" --network host --userns host
	idle "$C-n" --network none
	expect 1 skiff network connect bridge "$C-h"
	[[ $output == *'container cannot be disconnected from host network or connected to host network'* ]]
	expect 1 skiff network connect bridge "$C-n"
	expect 1 skiff network connect host "$C-n"
	expect 1 skiff network connect nothing "$C-n"
	[[ $output == *'network nothing not found'* ]]
	expect 1 skiff network connect bridge nothing
	[ "$(skiff exec "$C-n" ip -o link show | wc -l)" -eq 1 ]
	[ "$(skiff exec "$C-h" readlink /proc/self/ns/net)" = "$(on host readlink /proc/self/ns/net)" ]
}

@test "address, MAC, hosts, names: as they are asked for" {
	skiff network create --ipv6 --subnet 10.5.0.0/24 --subnet fd00:5::/64 "$N" >/dev/null
	idle "$C" --network "$N" --ip 10.5.0.77 --ip6 fd00:5::77 --mac-address 02:00:00:00:00:07 --link-local-ip 169.254.7.7 --hostname box \
		--add-host db:10.1.2.3 --add-host six=fd00::7 --add-host gw:host-gateway --dns 10.9.0.2 --dns-search corp.test --dns-option ndots:2
	expect 0 skiff exec "$C" sh -c 'ip address show eth0; cat /etc/hosts /etc/hostname'
	[[ $output == *02:00:00:00:00:07*10.5.0.77/24*169.254.7.7*fd00:5::77/64*10.1.2.3$'\t'db*fd00::7$'\t'six*10.5.0.1$'\t'gw*10.5.0.77$'\t'box*fd00:5::77$'\t'box*box* ]] ||
		fail "$output"
	[ "$(skiff exec "$C" cat /etc/resolv.conf | grep -v '^#')" = $'nameserver 127.0.0.11\nsearch corp.test\noptions ndots:2' ] ||
		fail "$(skiff exec "$C" cat /etc/resolv.conf)"
	resolves "$C" "$C" 10.5.0.77 # its own server knows the network, and asks --dns
	resolves "$C" outside.test 192.0.2.1
	[ "$(skiff inspect "$C" | jq -c '.[0].HostConfig | .ExtraHosts, .Dns, .DnsSearch, .DnsOptions')" = \
		$'["db:10.1.2.3","six:fd00::7","gw:host-gateway"]\n["10.9.0.2"]\n["corp.test"]\n["ndots:2"]' ]
	expect 125 skiff run --rm --network "$N" --ip 10.5.0.77 busybox true
	[[ $output == *'Address already in use'* ]] || fail "$output"
	expect 125 skiff run --rm --network "$N" --ip 10.6.0.77 busybox true
	[[ $output == *"does not belong to the network's subnet"* ]] || fail "$output"
	# on the default bridge servers are as given
	expect 0 skiff run --rm --dns 10.9.0.2 --dns 192.0.2.53 --dns-search . busybox cat /etc/resolv.conf
	[[ $output == $'nameserver 10.9.0.2\nnameserver 192.0.2.53\noptions timeout:2\n'* ]] || fail "$output"
	expect 0 skiff run --rm --network none --add-host a:1.2.3.4 busybox cat /etc/hosts
	[[ $output == *$'1.2.3.4\ta'* ]]
	expect 0 skiff run --rm --network host --userns host --add-host a:1.2.3.4 busybox cat /etc/hosts
	[[ $output == *$'1.2.3.4\ta'* ]]
}

@test "bad options are refused before anything is made" {
	local bad
	skiff network create "$N" >/dev/null
	for bad in '--network nothing' '--network ../x' '--network bridge,ip=1' '--network x,foo=y' '--ip 10.5.0.1' '--network-alias x' '--dns x' '--dns 1.2.3' \
		'--dns-search a;b' '--dns-option $(x)' '--add-host x' '--add-host x:y' '--add-host ;:1.2.3.4' '--mac-address x' '--mac-address 01:00:00:00:00:00' \
		'--network none --network bridge' '--network host --network bridge' '--network container:x --network bridge' '--network none --ip 10.0.0.1' \
		'--network container:nothing' '--network container:x --dns 1.1.1.1' '--network container:x --add-host a:1.1.1.1' '--link-local-ip x' '--ip6 1.2.3.4' \
		"--network $N --network-alias a,ip=1.2.3.4" "--network $N --ip x" "--network $N --ip6 1.2.3.4" "--network $N --mac-address 00:00:00:00:00:0g"; do
		# shellcheck disable=SC2086 # words
		run skiff create $bad busybox true
		[ "$status" -eq 1 ] || [ "$status" -eq 125 ] || fail "$bad: $status $output"
	done
	skiff create --name "$C" busybox >/dev/null
	expect 1 skiff network connect --alias a,ip=1.2.3.4 "$N" "$C"
	skiff rm "$C" >/dev/null
	[ -z "$(skiff ps -aq)" ]
}

@test "container:X shares it all; what a container does to its files is its own" {
	idle "$C" --hostname box
	expect 0 skiff run --rm --network "container:$C" busybox sh -c 'hostname; cat /etc/hosts; ip -o -4 address show eth0'
	[[ $output == box*172.17.0.2*172.17.0.2/16* ]] || fail "$output"
	skiff exec "$C" sh -c 'echo 9.9.9.9 evil >>/etc/hosts; echo nameserver 9.9.9.9 >/etc/resolv.conf'
	inode=$(stat -L -c %i "$SKIFF_ROOT/names/$C/hosts")
	skiff stop -t 0 "$C" >/dev/null
	skiff start "$C" >/dev/null
	! skiff exec "$C" grep evil /etc/hosts || fail "made new at each start"
	[ "$(skiff exec "$C" grep -c 10.9.0.2 /etc/resolv.conf)" -eq 1 ]
	[ "$(stat -L -c %i "$SKIFF_ROOT/names/$C/hosts")" = "$inode" ]
}

@test "where the host has local name servers only, its own server is asked through the gateway" {
	cp "$BATS_FILE_TMPDIR/resolv.conf" before
	on host umount /etc/resolv.conf
	echo 'nameserver 127.0.0.53' >local.conf
	on host mount --bind "$PWD/local.conf" /etc/resolv.conf
	background host dnsmasq -d --conf-file=/dev/null --no-hosts --no-resolv --user=root --bind-interfaces --listen-address=127.0.0.53 --address=/local.test/192.0.2.99
	server=$!
	wait_until on host busybox nslookup -type=a local.test 127.0.0.53
	on host netup down "$SKIFF_ROOT/networks/bridge" # (that is decided when it comes up)
	idle "$C"
	skiff exec "$C" grep -qx 'nameserver 172.17.0.1' /etc/resolv.conf
	resolves "$C" local.test 192.0.2.99
	kill "$server"
	skiff rm -f "$C" >/dev/null
	on host netup down "$SKIFF_ROOT/networks/bridge"
	on host umount /etc/resolv.conf
	on host mount --bind "$BATS_FILE_TMPDIR/resolv.conf" /etc/resolv.conf
	expect 0 skiff run --rm busybox cat /etc/resolv.conf
	[[ $output == 'nameserver 10.9.0.2'* ]] || fail "$output"
}

@test "prune and the events" {
	skiff network create "$N" >/dev/null
	skiff network create --label keep=yes "$N-b" >/dev/null
	skiff network create "$N-c" >/dev/null
	skiff create --name "$C" --network "$N-c" busybox true >/dev/null
	expect 0 skiff network prune -f --filter 'label!=keep'
	[ "$output" = "$(printf 'Deleted Networks:\n%s' "$N")" ] || fail "$output"
	expect 0 on host sh -c 'echo n | timeout 10 skiff network prune'
	[[ $output == *'Are you sure you want to continue? [y/N]'* ]]
	[ -e "$SKIFF_ROOT/networks/$N-b" ]
	expect 0 on host sh -c 'echo y | timeout 10 skiff network prune'
	[ ! -e "$SKIFF_ROOT/networks/$N-b" ]
	[ -e "$SKIFF_ROOT/networks/$N-c" ] # a container has it, though it does not run
	skiff start -a "$C"
	cut -f 2,3,5- "$SKIFF_ROOT/events" | grep "name=$N-c" >events
	[ "$(cut -f 2 events | xargs)" = 'create connect disconnect' ] || fail "$(cat events)"
	skiff rm "$C" >/dev/null
	skiff network rm "$N-c" >/dev/null
}

@test "by an OCI runtime, too" {
	command -v runc >/dev/null || skip "runc is not installed"
	chmod 755 "$BATS_FILE_TMPDIR" "${BATS_FILE_TMPDIR%/*}" "${BATS_RUN_TMPDIR:-$BATS_FILE_TMPDIR}"
	expect 0 skiff run --rm --runtime runc --userns host -p 8080:80 busybox sh -c 'ip -o -4 address show eth0; ping -qc1 -W2 172.17.0.1'
	[[ $output == *172.17.0.2/16*'1 packets received'* ]] || fail "$output"
	[ "$(find "$SKIFF_ROOT/networks/bridge/endpoints" -type f | wc -l)" -eq 0 ]
}

@test "forty at once, on two networks" {
	skiff network create "$N" >/dev/null
	local n
	for n in $(seq 40); do
		network=bridge
		[ $((n % 2)) -eq 0 ] || network=$N
		(LIMIT=100 skiff run --rm --name "$C-$n" --network "$network" -p "$((20000 + n)):80" busybox sh -c 'ip -o -4 address show eth0' >"out.$n" 2>&1) &
	done
	wait
	for n in $(seq 40); do grep -qE 'inet 172\.[0-9]+\.0\.[0-9]+/16' "out.$n" || fail "$n: $(cat "out.$n")"; done
	expect 0 skiff check
	[ -z "$output" ] || fail "$output"
	[ "$(find "$SKIFF_ROOT"/networks/*/leases -type f | wc -l)" -eq 0 ]
}

@test "front ends killed at random points: check and start put all right" {
	RANDOM=${SEED:-4711}
	skiff network create "$N" >/dev/null
	local n client
	for n in $(seq 24); do
		case $((n % 4)) in
		0) set -- run -d --network "$N" -p "$((21000 + n)):80" busybox sleep 600 ;;
		1) set -- run --rm -p "$((21000 + n)):80" busybox true ;;
		2) set -- run -d --name "$C-$n" --network "$N" --network bridge busybox sleep 600 ;;
		3) set -- rm -f "$C-$((n - 1))" ;;
		esac
		background host setsid skiff "$@"
		client=$!
		delay=0$((RANDOM % 80 + 20))
		sleep "0.${delay: -3}"
		kill -KILL -- "-$client" 2>/dev/null || true
	done
	# as if a minute had passed
	find "$SKIFF_ROOT"/containers "$SKIFF_ROOT"/idmaps "$SKIFF_ROOT"/networks/*/leases "$SKIFF_ROOT"/networks/*/hosts -mindepth 1 -maxdepth 1 \
		-exec touch -d '-2 minutes' '{}' +
	wait_until quiet
	skiff check >repaired || fail "$(cat repaired)"
	wait_until quiet
	expect 0 skiff check -n
	[ -z "$output" ] || fail "after: $output; before: $(cat repaired)"
	local id
	for id in $(skiff ps -aq --no-trunc); do
		[ ! -e "$SKIFF_ROOT/containers/$id/auto-remove" ] || continue
		case $(field "$id" .State.Status) in
		created) expect 0 skiff start "$id" ;;
		exited) continue ;; # check ended what had no shim
		esac
		expect 0 skiff exec "$id" ping -qc1 -W2 10.9.0.1
	done
	# shellcheck disable=SC2046
	skiff rm -f $(skiff ps -aq) >/dev/null
	[ "$(find "$SKIFF_ROOT"/networks/*/endpoints "$SKIFF_ROOT"/networks/*/leases "$SKIFF_ROOT"/networks/*/hosts -type f | wc -l)" -eq 0 ] ||
		fail "$(find "$SKIFF_ROOT"/networks -type f)"
	[ "$(on host publish -l -t "$GROUP" | wc -l)" -eq 0 ]
	skiff network rm "$N" >/dev/null
}

# quiet: nobody is at work.
quiet() {
	local file
	for file in /proc/[0-9]*/cmdline; do
		! { tr '\0' ' ' <"$file"; } 2>/dev/null | grep -q 'on-exit [0-9a-f]* $\|^netup\|/netup ' || return
	done
}

@test "processes that wait, not connected: start connects them, then lets them go" {
	skiff run --explain -d --name "$C" -p 8080:80 busybox sleep 600 | grep -v '^attach \|^netup connect\|^publish\|R/network$' >script
	expect 0 on host timeout 20 dash script
	[ "$(field "$C" .State.Status)" = created ]
	expect 0 skiff start "$C"
	expect 0 skiff exec "$C" ping -qc1 -W2 172.17.0.1
	[ "$(on host publish -l -t "$GROUP" | wc -l)" -eq 1 ]
}

@test "a network that is gone: the start fails, all is as before" {
	skiff network create "$N" >/dev/null
	skiff create --name "$C" --network bridge --network "$N" busybox true >/dev/null
	skiff network rm "$N" >/dev/null
	expect 1 skiff start "$C"
	[[ $output == *"network $N not found"* ]] || fail "$output"
	[ "$(field "$C" .State.Status)" = created ]
	[ "$(find "$SKIFF_ROOT"/networks/*/endpoints "$SKIFF_ROOT"/networks/*/leases -type f | wc -l)" -eq 0 ]
	expect 0 skiff check
	[ -z "$output" ] || fail "$output"
	skiff network create "$N" >/dev/null
	expect 0 skiff start "$C"
}

@test "a network that is damaged does not keep --rm from removing" {
	skiff network create "$N" >/dev/null
	id=$(skiff run -d --rm --network "$N" busybox sleep 600)
	mv "$SKIFF_ROOT/networks/$N/created" made
	skiff kill "$id" >/dev/null
	wait_until test ! -e "$SKIFF_ROOT/containers/$id"
	mv made "$SKIFF_ROOT/networks/$N/created"
	skiff check # what was left of it in the network
}

@test "another store: another bridge, no address twice" {
	idle "$C"
	export SKIFF_ROOT=$PWD/root SKIFF_RUN=$PWD/run
	cp -r "$BATS_FILE_TMPDIR/root" "$SKIFF_ROOT.image"
	tar -C "$BATS_FILE_TMPDIR/tree" -c . | skiff import - busybox >/dev/null
	expect 0 skiff run --rm busybox sh -c 'ip -o -4 address show eth0; ping -qc1 -W1 10.9.0.1'
	[[ $output == *'1 packets received'* ]] || fail "$output"
	[[ $output != *172.17.* ]] || fail "$output"
	[ "$(on host nft list tables | grep -c skiff)" -eq 2 ]
	on host netup down "$SKIFF_ROOT/networks/bridge"
	on host nft delete table inet "$(cat "$SKIFF_ROOT/cgroup")"
	cgset remove "$(cat "$SKIFF_ROOT/cgroup")"
}
