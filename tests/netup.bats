#!/usr/bin/env bats
# netup: one network, without skiff: descriptions, links, leases, names, and what must not pass.
# shellcheck shell=bash disable=SC2016

load helper
load network

setup_file() {
	network_setup_file
}

teardown_file() {
	network_teardown_file
}

setup() {
	in_time
	cd "$BATS_TEST_TMPDIR" || return
	N=$BATS_TEST_TMPDIR/nets # networks of this test
	mkdir "$N"
}

teardown() {
	stop_servers
	[ ! -e pids ] || xargs kill <pids 2>/dev/null || true
	local network
	for network in "$N"/*/; do
		rm -rf "$network"/endpoints/*
		on host netup down "$network" || true
	done
	on host nft flush ruleset
	on host sysctl -qw net.ipv4.ip_forward=0 net.ipv6.conf.all.forwarding=0
}

netup() {
	on host netup "$@"
}

# box NAME: a process in a network namespace of its own, as a container's is.
box() {
	background host unshare -n sleep 1000
	echo $! >"$BATS_FILE_TMPDIR/$1.pid"
	echo $! >>pids
	wait_until is_box "$1"
}

is_box() {
	local pid
	pid=$(cat "$BATS_FILE_TMPDIR/$1.pid")
	[ "$(readlink "/proc/$pid/ns/net")" != "$(readlink /proc/self/ns/net)" ] && [ "$(cat "/proc/$pid/comm")" = sleep ] &&
		[ "$(readlink "/proc/$pid/ns/net")" != "$(on host readlink /proc/self/ns/net)" ]
}

# join NETWORK NAME [OPTION...]: a box on that network.
join() {
	local network=$1 name=$2
	shift 2
	box "$name"
	netup connect --name "$name" "$@" "$N/$network" "$name" "$(cat "$BATS_FILE_TMPDIR/$name.pid")"
}

# look_up BOX NAME: by its resolv.conf, which is the file BOX.resolv here.
look_up() {
	local server
	server=$(sed -n 's/^nameserver //p' "$1.resolv" | head -n 1)
	on "$1" busybox nslookup -type=a "$2" "$server" 2>&1 | sed -n '1,/^$/d;s/^Address: //p' | grep .
}

count() {
	find "$@" -mindepth 1 | wc -l
}

# nothing_of NETWORK: neither bridge nor elements nor a name server.
nothing_of() {
	local bridge
	bridge=$(cat "$N/$1/bridge")
	! on host ip link show "$bridge" 2>/dev/null || fail "the bridge is there"
	! on host nft list ruleset | grep -F "\"$bridge\"" || fail "there are elements"
	[ ! -e "$N/$1/dnsmasq" ] || fail "there is a name server"
	[ "$(count "$N/$1/endpoints" "$N/$1/leases" "$N/$1/hosts")" -eq 0 ] || fail "$(ls -R "$N/$1")"
}

@test "a network is a directory of plain files" {
	expect 0 netup create --ipv6 --mtu 1400 --ip-range 10.5.1.0/24 --subnet 10.5.0.0/16 --gateway 10.5.0.9 \
		--label a=b --label 'c=d e' --internal --names --table other "$N/one"
	[ "$(cd "$N/one" && cat driver subnet gateway ip-range mtu internal names table | xargs)" = \
		'bridge 10.5.0.0/16 10.5.0.9 10.5.1.0/24 1400 true true other' ]
	[ "$(tr '\0' '|' <"$N/one/labels")" = 'a=b|c=d e|' ]
	grep -qxE '[0-9a-f]{64}' "$N/one/id"
	[ "$(cat "$N/one/bridge")" = "sk-$(cut -c 1-12 "$N/one/id")" ]
	grep -qxE 'fd[0-9a-f:]+::/64' "$N/one/subnet6"
	nothing_of one
	expect 1 netup create "$N/one"
	[[ $output == *'already exists'* ]]
	expect 0 netup create --if-missing "$N/one"
}

@test "subnets: Docker's, in order, and none that overlaps" {
	on host ip link add dummy0 up type bridge
	on host ip route add 172.18.5.0/24 dev dummy0
	netup create "$N/one"
	netup create "$N/two"
	[ "$(cat "$N/one/subnet" "$N/two/subnet" | xargs)" = '172.17.0.0/16 172.19.0.0/16' ]
	on host ip link delete dummy0
	expect 1 netup create --subnet 172.17.128.0/24 "$N/three"
	[[ $output == *'Pool overlaps with other one on this address space'*one* ]] || fail "$output"
	expect 1 netup create --subnet 10.9.0.0/25 "$N/three"
	[[ $output == *'route 10.9.0.0/24'* ]] || fail "$output"
	[ ! -e "$N/three" ]
	# one that came to be used later
	on host ip link add dummy0 up type bridge
	on host ip route add 172.19.5.0/24 dev dummy0
	echo two >"$N/two/leases/172.19.0.2"
	expect 1 netup up "$N/two" # whose address it is would lose it
	[[ $output == *'172.19.5.0/24'*'another --subnet' ]] || fail "$output"
	rm "$N/two/leases/172.19.0.2"
	expect 0 netup up "$N/two"
	[[ $output == *'172.18.0.0/16 is the subnet now of the network two, as 172.19.0.0/16 overlaps with the route 172.19.5.0/24'* ]] || fail "$output"
	[ "$(cat "$N/two/subnet" "$N/two/gateway" | xargs)" = '172.18.0.0/16 172.18.0.1' ]
	[ "$(join two two)" = 172.18.0.2 ]
	expect 0 on two busybox ping -c 1 -W 2 172.18.0.1
	netup disconnect "$N/two" two
	netup down "$N/two"
	netup create --subnet 172.19.0.0/24 "$N/three" # just this one
	on host ip route add 172.19.0.0/24 dev dummy0
	expect 1 netup up "$N/three"
	[[ $output == *'172.19.0.0/24'*'another --subnet' ]] || fail "$output"
	on host ip link delete dummy0
	nothing_of three
}

@test "bad input is refused, and leaves nothing" {
	local bad
	for bad in 'subnet 10.5.0.0' 'subnet 10.5.0.1/24' 'subnet 10.5.0.0/33' 'subnet 10.5.0.0/31' 'subnet 10.5.0.256/24' \
		'subnet 10.5.00.0/24' 'subnet fd00::1:0/64' 'subnet fd00::g/64' 'subnet fd00:::/64' 'subnet fd00::/99' \
		'gateway 10.5.0.1' 'ip-range 10.5.0.0/24' 'mtu 1' 'mtu 1500x' 'bridge a/b' 'bridge 0123456789abcdef' 'bridge -x' \
		'table a;b' 'id xyz' 'nothing x'; do
		run netup create "--${bad% *}" "${bad#* }" "$N/bad"
		[ "$status" -ne 0 ] || fail "--$bad"
		[ ! -e "$N/bad" ] || fail "--$bad"
	done
	expect 1 netup create --subnet 10.5.0.0/24 --gateway 10.6.0.1 "$N/bad"
	expect 1 netup create --subnet 10.5.0.0/24 --ip-range 10.4.0.0/16 "$N/bad"
	expect 1 netup create --subnet fd00:5::/64 --gateway fd00:6::1 "$N/bad"
	[ -z "$(ls -A "$N")" ]
	netup create --subnet 10.5.0.0/24 "$N/good"
	box b
	for bad in 'ip 10.6.0.2' 'ip 10.5.0.1' 'ip 10.5.0.0' 'ip 10.5.0.255' 'ip 10.5.0.2x' 'ip6 fd00::5' 'mac-address 01:02:03:04:05:06' \
		'mac-address x' 'alias a;b' 'name ../x' 'interface a/b' 'link-local-ip x' 'option foo=bar' 'option ip=1'; do
		run netup connect "--${bad% *}" "${bad#* }" "$N/good" b "$(cat "$BATS_FILE_TMPDIR/b.pid")"
		[ "$status" -ne 0 ] || fail "--$bad"
	done
	expect 1 netup connect "$N/good" ../b "$(cat "$BATS_FILE_TMPDIR/b.pid")"
	expect 1 netup connect "$N/good" b 999999999
	expect 1 netup connect "$N/nothing" b $$
	netup down "$N/good"
	nothing_of good
	[ "$(on b ip -o link show | wc -l)" -eq 1 ]
	expect 125 netup
	expect 125 netup connect --foo x
	expect 0 netup --help
}

@test "connect: address, route, MTU, hosts; disconnect gives the address back" {
	on host ip link set wire0 mtu 1380
	netup create "$N/one"
	printf '127.0.0.1\tlocalhost\n' >hosts
	inode=$(stat -c %i hosts)
	expect 0 join one a --hosts hosts --hostname alpha --resolv-conf a.resolv
	[ "$output" = 172.17.0.2 ]
	expect 0 on a ip -o address show
	[[ $output == *'127.0.0.1/8'*'172.17.0.2/16 brd 172.17.255.255'* ]] || fail "$output"
	[[ $output != *fe80* ]] || fail "$output"
	expect 0 on a ip -o link show eth0
	[[ $output == *'mtu 1380'*'02:42:ac:11:00:02'* ]] || fail "$output"
	[ "$(on a ip route show default | xargs)" = 'default via 172.17.0.1 dev eth0' ]
	[ "$(cat hosts)" = "$(printf '127.0.0.1\tlocalhost\n172.17.0.2\talpha')" ]
	[ "$(stat -c %i hosts)" = "$inode" ]
	on host ip link set wire0 mtu 1500
	# to the host, its name server, and out, by way of NAT: nobody outside knows 172.17
	on a busybox ping -qc1 -W1 172.17.0.1
	serve lan 80 world
	[ "$(ask a 192.0.2.1:80)" = 'world [0000:0000:0000:0000:0000:ffff:0a09:0001]' ] || fail "$(ask a 192.0.2.1:80)"
	[ "$(cat a.resolv)" = "$(printf 'nameserver 10.9.0.2\nsearch corp.test\noptions timeout:2\n# made by netup from /etc/resolv.conf')" ]
	[ "$(look_up a outside.test)" = 192.0.2.1 ]
	[ "$(join one b)" = 172.17.0.3 ]
	on b busybox ping -qc1 -W1 172.17.0.2
	expect 1 netup connect "$N/one" a "$(cat "$BATS_FILE_TMPDIR/b.pid")"
	[[ $output == *'already exists in network one'* ]]
	expect 1 netup down "$N/one"
	[[ $output == *'active endpoints'* ]]
	expect 0 netup disconnect --hosts hosts "$N/one" a
	[ "$(cat hosts)" = "$(printf '127.0.0.1\tlocalhost')" ]
	[ "$(on a ip -o link show | wc -l)" -eq 1 ]
	[ "$(join one c)" = 172.17.0.2 ] # the lowest that is free
	expect 1 netup disconnect "$N/one" a
}

@test "addresses: asked for, taken, none left" {
	netup create --subnet 10.5.0.0/29 --ip-range 10.5.0.4/31 "$N/one"
	[ "$(join one a)" = 10.5.0.4 ]
	[ "$(join one b)" = 10.5.0.5 ]
	box c
	expect 1 netup connect "$N/one" c "$(cat "$BATS_FILE_TMPDIR/c.pid")"
	[[ $output == *'no available IPv4 addresses'* ]] || fail "$output"
	[ "$(join one d --ip 10.5.0.6 --mac-address 02:00:00:00:00:99 --link-local-ip 169.254.1.2)" = 10.5.0.6 ]
	on d ip -o link show eth0 | grep -q 02:00:00:00:00:99
	on d ip -o address show eth0 | grep -q 169.254.1.2/16
	expect 1 netup connect --ip 10.5.0.4 "$N/one" c "$(cat "$BATS_FILE_TMPDIR/c.pid")"
	[[ $output == *'Address already in use'* ]] || fail "$output"
	expect 1 netup connect --ip 10.5.1.4 "$N/one" c "$(cat "$BATS_FILE_TMPDIR/c.pid")"
	[[ $output == *'does not belong'* ]] || fail "$output"
	[ ! -e "$N/one/endpoints/c" ]
	netup disconnect "$N/one" a
	[ "$(netup connect "$N/one" c "$(cat "$BATS_FILE_TMPDIR/c.pid")")" = 10.5.0.4 ]
}

@test "thirty at once: thirty addresses" {
	netup create --names "$N/one"
	netup up "$N/one"
	local n
	for n in $(seq 30); do box "p$n"; done
	for n in $(seq 30); do
		netup connect --name "p$n" "$N/one" "p$n" "$(cat "$BATS_FILE_TMPDIR/p$n.pid")" >"address.$n" 2>&1 &
	done
	wait
	[ "$(cat address.* | sort -u | grep -c '^172.17.0.')" -eq 30 ] || fail "$(cat address.*)"
	[ "$(count "$N/one/leases")" -eq 30 ]
	on p1 busybox ping -qc1 -W1 "$(cat address.30)"
	for n in $(seq 30); do netup disconnect "$N/one" "p$n" & done
	wait
	netup down "$N/one"
	nothing_of one
}

@test "two starts of one network at once" {
	netup create --names "$N/one"
	local n
	for n in 1 2 3 4; do netup up "$N/one" >"out.$n" 2>&1 & done
	wait
	[ -z "$(cat out.*)" ] || fail "$(cat out.*)"
	[ "$(join one a)" = 172.17.0.2 ]
}

@test "a bridge that was left before it had its name tag is made again; another's is not touched" {
	local bridge
	netup create "$N/one"
	bridge=$(cat "$N/one/bridge")
	on host ip link add "$bridge" address 02:42:ac:11:00:01 type bridge
	netup up "$N/one"
	[[ $(on host ip -o link show "$bridge") = *" alias $(cat "$N/one/id")"* ]]
	netup down "$N/one"
	on host ip link add "$bridge" type bridge
	expect 1 netup up "$N/one"
	[[ $output = *"there is a device $bridge already, and it is not ours"* ]] || fail "$output"
	on host ip link set "$bridge" address 02:42:ac:11:00:01 alias "another's"
	expect 1 netup up "$N/one"
	on host ip link delete "$bridge"
	# of a network whose directory was removed with the bridge up
	netup up "$N/one"
	rm -rf "$N/one"
	netup create --bridge "$bridge" "$N/one"
	expect 1 join one a
	[[ $output = *"there is a device $bridge already, and it is not ours"*"ip link delete $bridge"* ]] || fail "$output"
	on host ip link delete "$bridge"
}

@test "names: of one's own network, at once, and no others" {
	netup create --names "$N/one"
	netup create --names "$N/two"
	join one a --alias web --alias api --hostname host-a --resolv-conf a.resolv
	server=$(cat "$N/one/dnsmasq")
	join one b --option alias=db --resolv-conf b.resolv
	join two c --alias web --resolv-conf c.resolv
	[ "$(cat a.resolv)" = "$(printf 'nameserver 172.17.0.1\nsearch corp.test\noptions timeout:2 ndots:0\n# made by netup from /etc/resolv.conf')" ] || fail "$(cat a.resolv)"
	local name
	for name in a web api host-a; do [ "$(look_up b $name)" = 172.17.0.2 ] || fail "$name"; done
	[ "$(look_up a db)" = 172.17.0.3 ]
	[ "$(look_up c web)" = 172.18.0.2 ]
	refused look_up c a
	refused look_up a c
	[ "$(look_up a outside.test)" = 192.0.2.1 ] # the host's servers; the local one is not there
	[ "$(cat "$N/one/dnsmasq")" = "$server" ]   # no restart
	netup disconnect "$N/one" b
	refused look_up a db
	# Nobody else may ask: not a container of another network, not a neighbour.
	echo 'nameserver 172.17.0.1' >c.resolv
	echo 'nameserver 172.17.0.1' >lan.resolv
	on lan ip route add 172.17.0.0/16 via 10.9.0.1
	refused timeout 5 bash -c "$(declare -f look_up on); BATS_FILE_TMPDIR=$BATS_FILE_TMPDIR; look_up c a"
	refused timeout 5 bash -c "$(declare -f look_up on); BATS_FILE_TMPDIR=$BATS_FILE_TMPDIR; look_up lan a"
	# ... which is what these rules are for
	on host nft flush chain inet netup input
	[ "$(look_up lan a)" = 172.17.0.2 ]
	on lan ip route delete 172.17.0.0/16
	# the name server is nobody, and has no file of the host open
	grep -q '^Uid:.65534' "/proc/${server% *}/status"
}

@test "a name server inside: several networks, servers of one's own" {
	netup create --names "$N/one"
	netup create --names --internal "$N/two"
	join one a
	join two b
	join one c --resolv-conf c.resolv
	netup connect --interface eth1 --name c "$N/two" c "$(cat "$BATS_FILE_TMPDIR/c.pid")"
	refused look_up c b
	expect 0 netup names --id c c.resolv "$(cat "$BATS_FILE_TMPDIR/c.pid")" "$N/one" "$N/two"
	grep -qx 'nameserver 127.0.0.11' c.resolv
	[ "$(look_up c a)" = 172.17.0.2 ]
	[ "$(look_up c b)" = 172.18.0.2 ]
	[ "$(look_up c outside.test)" = 192.0.2.1 ]
	on c ip route show default | grep -q 'via 172.17.0.1'
	# it ends with the endpoint
	pid=$(sed -n 's/^names \([0-9]*\) .*/\1/p' "$N/one/endpoints/c")
	kill -0 "$pid"
	netup disconnect "$N/one" c
	wait_until is_gone "$pid"
}

@test "a name server whose starter is killed before it is there ends with the endpoint all the same" {
	netup create --names "$N/one"
	join one a
	local pid
	pid=$(cat "$BATS_FILE_TMPDIR/a.pid")
	# One that takes its time to come.
	mkdir slow
	printf '#!/bin/sh\necho $$ >%s/comes\nwhile [ -e %s/hold ]; do sleep 0.02; done\nexec %s "$@"\n' \
		"$PWD" "$PWD" "$(command -v dnsmasq)" >slow/dnsmasq
	chmod +x slow/dnsmasq
	: >hold
	background host env PATH="$PWD/slow:$PATH" "$(type -P netup)" names --id a a.resolv "$pid" "$N/one"
	local starter=$!
	wait_until test -s comes
	kill -KILL "$starter"
	wait_until is_gone "$starter"
	background host netup disconnect "$N/one" a
	local client=$!
	sleep 0.3 # it is over by then, or waits
	rm hold
	wait_until is_gone "$(cat comes)" # its first process, that is
	wait_until is_gone "$client"
	! pgrep -f "pid-file=$N/one/.names.a.pid" || fail "it is there still"
	[ ! -e "$N/one/endpoints/a" ]
	# What has its number by now is left alone, and that of the bridge's.
	sleep 600 3>&- 4>&- &
	local other=$!
	echo "names $other 1" >"$N/one/endpoints/b"
	netup disconnect "$N/one" b
	kill "$(cut -d ' ' -f 1 "$N/one/dnsmasq")"
	echo "$other 1" >"$N/one/dnsmasq"
	netup down "$N/one"
	! is_gone "$other" || fail 'a stranger was ended'
	kill "$other"
}

is_gone() {
	[ ! -e "/proc/$1" ] || grep -q '^State:.Z' "/proc/$1/status"
}

@test "an internal network: no way out, not even for names (CVE-2024-29018)" {
	serve lan 80 world
	serve host 81 host
	netup create --names "$N/open"
	netup create --names --internal "$N/shut"
	join open a --resolv-conf a.resolv
	join shut b --resolv-conf b.resolv
	join shut c --resolv-conf c.resolv
	# what works on an open one ...
	[ -n "$(ask a 192.0.2.1:80)" ]
	[ "$(look_up a outside.test)" = 192.0.2.1 ]
	grep -q 'query.*outside.test' "$BATS_FILE_TMPDIR/dns.log"
	# ... does not here, even for who makes routes
	before=$(wc -l <"$BATS_FILE_TMPDIR/dns.log")
	refused look_up b secret.outside.test
	refused look_up b secret
	on b ip route add default via 172.18.0.1
	refused ask b 192.0.2.1:80
	refused ask b 10.9.0.1:81
	refused ask b 172.17.0.1:81
	refused ask b 172.17.0.2:80
	echo 'nameserver 10.9.0.2' >direct.resolv
	on b timeout 2 busybox nslookup secret.outside.test 10.9.0.2 || true
	[ "$(wc -l <"$BATS_FILE_TMPDIR/dns.log")" = "$before" ] || fail "$(tail -n 3 "$BATS_FILE_TMPDIR/dns.log")"
	# but each other, and the gateway
	[ "$(look_up b c)" = 172.18.0.3 ]
	on b busybox ping -qc1 -W1 172.18.0.3
	[ -n "$(ask b 172.18.0.1:81)" ]
}

@test "IPv6: to each other, and out" {
	netup create --names --ipv6 --subnet fd00:5::/64 "$N/one"
	join one a --resolv-conf a.resolv
	join one b --ip6 fd00:5::99
	on a ip -o -6 address show eth0 | grep -q 'fd00:5::2/64'
	on a busybox ping -6 -qc1 -W1 fd00:5::99
	[ "$(on a busybox nslookup -type=aaaa b 172.17.0.1 | sed -n '1,/^$/d;s/^Address: //p')" = fd00:5::99 ]
	serve lan 80 world
	[ "$(ask a '[2001:db8::1]:80')" = 'world [fd09:0000:0000:0000:0000:0000:0000:0001]' ]
	box c
	expect 1 netup connect --ip6 fd00:5::2 "$N/one" c "$(cat "$BATS_FILE_TMPDIR/c.pid")"
	[[ $output == *'already in use'* ]]
	expect 1 netup connect --ip6 fd00:6::2 "$N/one" c "$(cat "$BATS_FILE_TMPDIR/c.pid")"
}

@test "networks are apart, and nobody gets in by an address of a container" {
	netup create "$N/one"
	netup create "$N/two"
	join one a
	join two b
	serve a 80 a
	[ -n "$(ask host 172.17.0.2:80)" ]
	on lan ip route add 172.17.0.0/16 via 10.9.0.1
	refused ask lan 172.17.0.2:80
	refused ask b 172.17.0.2:80
	# without the rules they do
	on host nft flush chain inet netup entering
	[ -n "$(ask lan 172.17.0.2:80)" ]
	on lan ip route delete 172.17.0.0/16
}

@test "forged sources: neither a neighbour as a container, nor a container as another or as localhost" {
	netup create "$N/one"
	join one a
	# udp: one packet is enough to do harm, and needs no answer
	background host socat -u UDP4-RECVFROM:99,fork "OPEN:$PWD/got,creat,append"
	echo $! >>"$BATS_FILE_TMPDIR/servers"
	wait_until on host grep -q ':0063 ' /proc/net/udp
	on lan ip address add 172.17.0.77/32 dev lo
	on a ip address add 10.77.0.1/32 dev lo
	on a sysctl -qw net.ipv4.conf.all.route_localnet=1 net.ipv4.conf.eth0.route_localnet=1
	on a ip route flush table local
	on a ip route add local 172.17.0.2 dev eth0 table local
	on a ip route add 127.0.0.1 via 172.17.0.1 dev eth0
	on host sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.wire0.rp_filter=0
	local send='echo'
	forge() {
		on lan sh -c 'echo lan-as-container | socat -u - UDP4-SENDTO:10.9.0.1:99,bind=172.17.0.77'
		on a sh -c 'echo to-localhost | socat -u - UDP4-SENDTO:127.0.0.1:99,bind=172.17.0.2'
		sleep 0.2
	}
	forge
	[ ! -s got ] || fail "$(cat got)"
	on host nft flush chain inet netup prerouting
	forge
	[ "$(sort -u got | xargs)" = 'lan-as-container to-localhost' ] || fail "$(cat got)"
	on lan ip address delete 172.17.0.77/32 dev lo
}

@test "the host is a router for its networks, but for nobody else" {
	serve far 80 far
	# what others would get if forwarding were just turned on
	on host sysctl -qw net.ipv4.ip_forward=1
	[ -n "$(ask lan 10.8.0.2:80)" ]
	on host sysctl -qw net.ipv4.ip_forward=0
	refused ask lan 10.8.0.2:80
	netup create --ipv6 "$N/one"
	join one a
	[ "$(on host cat /proc/sys/net/ipv4/ip_forward)" = 1 ]
	[ -n "$(ask a 10.8.0.2:80)" ]
	refused ask lan 10.8.0.2:80
	# who was a router before stays one
	netup disconnect "$N/one" a
	netup down "$N/one"
	on host nft flush ruleset
	on host ip link add dummy0 up type bridge # (a device that comes later is another's to decide)
	netup up "$N/one"
	[ -n "$(ask lan 10.8.0.2:80)" ]
	on host ip link delete dummy0
}

@test "who turned on forwarding goes, or all rules go: still no router for others" {
	serve far 80 far
	netup create --table first "$N/one"
	netup create --table second "$N/two"
	join one a
	join two b
	refused ask lan 10.8.0.2:80
	expect 0 netup erase first
	[ -z "$output" ] || fail "$output"
	! on host ip link show "$(cat "$N/one/bridge")" || fail "there is a bridge"
	! on host nft list table inet first || fail "there is a table"
	[ -n "$(ask b 10.8.0.2:80)" ]
	refused ask lan 10.8.0.2:80
	on host nft flush ruleset
	[ -n "$(ask lan 10.8.0.2:80)" ]
	netup mend "$N/two"
	refused ask lan 10.8.0.2:80
	# off again, but not under who has come since
	on host ip link add later0 type bridge
	expect 0 netup erase second
	[[ $output == 'netup: ipv4/ip_forward stays on, as others have come since who may need it: later0' ]] || fail "$output"
	on host ip link delete later0
	on host sysctl -qw net.ipv4.ip_forward=0
	netup create --ipv6 "$N/three"
	join three c
	expect 0 netup erase netup
	[ "$(on host cat /proc/sys/net/ipv4/ip_forward /proc/sys/net/ipv6/conf/all/forwarding | xargs)" = '0 0' ]
	expect 0 netup erase netup
	expect 1 netup erase 'a b'
}

@test "a network with IPv6 turns on its forwarding: what was routed before still is" {
	serve far 80 far
	on host sysctl -qw net.ipv4.ip_forward=1 # somebody else did
	netup create "$N/one"
	join one a
	[ -n "$(ask lan 10.8.0.2:80)" ]
	netup create --ipv6 "$N/two"
	join two b
	[ "$(on host cat /proc/sys/net/ipv6/conf/all/forwarding)" = 1 ]
	[ -n "$(ask a 10.8.0.2:80)" ]
	[ -n "$(ask b 10.8.0.2:80)" ]
	[ -n "$(ask lan 10.8.0.2:80)" ]
}

@test "what is missing or fails is said, and nothing half-made stays" {
	netup create --names "$N/one"
	box a
	pid=$(cat "$BATS_FILE_TMPDIR/a.pid")
	local tool
	mkdir few
	for tool in sh sed id rm mkdir mount flock date mv ip nft dnsmasq unshare veth cat grep; do
		ln -s "$(type -P $tool)" few/
	done
	for tool in ip nft dnsmasq; do
		mv few/$tool away
		expect 1 on host env PATH="$PWD/few" "$(type -P netup)" connect "$N/one" a "$pid"
		[[ $output == *"$tool is not installed: it is in the package"* ]] || fail "$tool: $output"
		mv away few/$tool
		nothing_of one
	done
	# each call of ip and veth in turn fails
	rm few/ip few/veth
	local n
	for n in $(seq 30); do
		for tool in ip veth; do
			printf '#!/bin/sh\necho x >>%s/calls\n[ $(grep -c x %s/calls) -ne %s ] || exit 1\nexec %s "$@"\n' \
				"$PWD" "$PWD" "$n" "$(command -v "$tool")" >few/$tool
			chmod +x few/$tool
		done
		: >calls
		if on host env PATH="$PWD/few" "$(type -P netup)" connect --name a "$N/one" a "$pid" >out 2>&1; then
			[ "$(wc -l <calls)" -lt "$n" ] && break
			netup disconnect "$N/one" a # one whose failure is no matter
			netup down "$N/one"
			continue
		fi
		[ ! -e "$N/one/endpoints/a" ] || fail "$n: an endpoint stayed: $(cat out)"
		[ "$(count "$N/one/leases")" -eq 0 ] || fail "$n: a lease stayed"
		netup down "$N/one"
		nothing_of one
	done
	[ "$n" -gt 6 ] && [ "$n" -lt 30 ] || fail "$n calls"
	netup disconnect "$N/one" a
	netup down "$N/one"
	# the port of names is taken
	background host socat UDP4-RECVFROM:53,fork -
	echo $! >>"$BATS_FILE_TMPDIR/servers"
	wait_until on host grep -q ':0035 ' /proc/net/udp
	expect 1 netup connect "$N/one" a "$pid"
	[[ $output == *'no name service at 172.17.0.1'* ]] || fail "$output"
	nothing_of one
}

@test "killed at any point: disconnect and down put all right" {
	RANDOM=${SEED:-42}
	netup create --names "$N/one"
	box a
	pid=$(cat "$BATS_FILE_TMPDIR/a.pid")
	local n
	for n in $(seq 25); do
		background host setsid netup connect --name a "$N/one" a "$pid"
		client=$!
		sleep "0.0$((RANDOM % 90 + 10))"
		kill -KILL -- "-$client" || true
		wait_until is_gone "$client"
		[ ! -e "$N/one/endpoints/a" ] || netup disconnect "$N/one" a
		rm -f "$N"/one/leases/* # skiff check does: those of no endpoint
		[ $((n % 3)) -ne 0 ] || netup down "$N/one"
	done
	expect 0 netup connect --name a "$N/one" a "$pid"
	on a busybox ping -qc1 -W1 172.17.0.1
	netup disconnect "$N/one" a
	netup down "$N/one"
	nothing_of one
	[ "$(on host ip -o link show type veth | grep -vc wire)" -eq 0 ] || fail "$(on host ip -o link show type veth)"
}

@test "the plain commands of the manual make the same" {
	netup create --bridge plain0 --subnet 10.5.0.0/24 "$N/one"
	join one a
	on host nft list ruleset | sed 's/plain0/X/g' >tool
	on a ip -o -4 address show eth0 | sed 's/.*inet //;s/valid.*//' >>tool
	on a ip route >>tool
	netup disconnect "$N/one" a
	netup down "$N/one"
	box b
	sed -n '/^\.Sh EQUIVALENT/,/^\.Sh SEE/p' "$REPO/src/netup/netup.1" | sed -n 's/^# //p' | sed 's/\\e/\\/g' |
		sed "s/\\\$PID/$(cat "$BATS_FILE_TMPDIR/b.pid")/g" >script
	[ "$(wc -l <script)" -gt 6 ]
	expect 0 on host sh -eux script
	on b ip -o -4 address show eth0 | sed 's/.*inet //;s/valid.*//' >plain
	on b ip route >>plain
	tail -n 3 tool | diff - plain
	serve lan 80 world
	[ -n "$(ask b 192.0.2.1:80)" ]
	on host ip link delete br0
}
