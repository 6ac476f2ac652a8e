#!/usr/bin/env bats
# Published ports: publish and reserve, and skiff run -p: who reaches what, and who must not.
# shellcheck shell=bash disable=SC2016

load helper
load network

setup_file() {
	network_setup_file
	busybox_tree "$BATS_FILE_TMPDIR/tree"
	mkdir -p "$BATS_FILE_TMPDIR/tree/www/cgi-bin"
	printf '#!/bin/sh\nprintf "\\n%%s\\n" "$REMOTE_ADDR"\n' >"$BATS_FILE_TMPDIR/tree/www/cgi-bin/who"
	chmod +x "$BATS_FILE_TMPDIR/tree/www/cgi-bin/who"
	echo hello >"$BATS_FILE_TMPDIR/tree/www/index.html"
	export SKIFF_ROOT=$BATS_FILE_TMPDIR/root SKIFF_RUN=$BATS_FILE_TMPDIR/run
	tar -C "$BATS_FILE_TMPDIR/tree" -c . |
		skiff import -c 'CMD ["httpd", "-f", "-h", "/www"]' -c 'EXPOSE 80' - web >/dev/null
	GROUP=$(cat "$SKIFF_ROOT/cgroup")
	export GROUP
}

teardown_file() {
	on host ip -o link show type veth | grep -v wire >"$BATS_FILE_TMPDIR/veths" || true
	skiff_teardown_file
	[ "$(on host publish -l -t "$GROUP" | wc -l)" -eq 0 ] || fail "$(on host publish -l -t "$GROUP")"
	[ "$(find "$SKIFF_ROOT"/networks/*/endpoints "$SKIFF_ROOT"/networks/*/leases -type f | wc -l)" -eq 0 ]
	for network in "$SKIFF_ROOT"/networks/*/bridge; do on host netup down "${network%/bridge}"; done
	network_teardown_file
}

setup() {
	in_time
	cd "$BATS_TEST_TMPDIR" || return
	C=c$BATS_TEST_NUMBER
}

teardown() {
	stop_servers
	local ids
	ids=$(skiff ps -aq)
	# shellcheck disable=SC2086
	[ -z "$ids" ] || skiff rm -f $ids >/dev/null
}

# web NAME [OPTION...]: a container with a web server, that listens.
web() {
	local name=$1
	shift
	skiff run -d --name "$name" "$@" web >/dev/null || return
	wait_until listens "$name"
}

listens() {
	skiff exec "$1" cat /proc/net/tcp6 /proc/net/tcp | grep -q ':0050 0*:0000 0A'
}

# get MACHINE URL: with curl, a short while.
get() {
	on "$1" curl -sS -g --max-time $((2 * ${SLOW:-1})) "http://$2"
}

# file NAME FILE: of a container's directory.
file() {
	cat "$SKIFF_ROOT/names/$1/$2"
}

# ports_of NAME: what ps shows.
ports_of() {
	skiff ps -f "name=^$1\$" --format '{{.Ports}}'
}

@test "reached from everywhere: others, the host's addresses, localhost, containers, itself" {
	web "$C" -p 8080:80
	web "$C-b"
	skiff network create other >/dev/null
	web "$C-c" --network other
	[ "$(get lan 10.9.0.1:8080)" = hello ]
	[ "$(get lan '[fd09::1]:8080')" = hello ]
	[ "$(get far 10.8.0.1:8080)" = hello ]
	local address
	for address in 127.0.0.1 localhost 10.9.0.1 10.8.0.1 172.17.0.1 '[::1]' '[fd09::1]'; do
		[ "$(get host "$address:8080")" = hello ] || fail "host by $address"
	done
	for address in 10.9.0.1 172.17.0.1; do
		[ "$(skiff exec "$C" timeout 3 wget -qO- "http://$address:8080")" = hello ] || fail "itself by $address"
		[ "$(skiff exec "$C-b" timeout 3 wget -qO- "http://$address:8080")" = hello ] || fail "neighbour by $address"
	done
	[ "$(skiff exec "$C-c" timeout 3 wget -qO- http://10.9.0.1:8080)" = hello ]
	# who asks is seen, but for localhost
	[ "$(get lan 10.9.0.1:8080/cgi-bin/who)" = '[::ffff:10.9.0.2]' ] || fail "$(get lan 10.9.0.1:8080/cgi-bin/who)"
	[ "$(get host 127.0.0.1:8080/cgi-bin/who)" = '[::ffff:172.17.0.1]' ]
	skiff rm -f "$C-c" >/dev/null
	skiff network rm other
}

@test "PORTS, inspect and port files" {
	web "$C" -p 8080:80 -p 127.0.0.1:8443:443 -p 9000-9002:9000-9002/udp -p '[::1]:81:81' --expose 70-72 --expose 80
	[ "$(file "$C" ports)" = '0.0.0.0 8080 80/tcp
:: 8080 80/tcp
::1 81 81/tcp
127.0.0.1 8443 443/tcp
0.0.0.0 9000 9000/udp
:: 9000 9000/udp
0.0.0.0 9001 9001/udp
:: 9001 9001/udp
0.0.0.0 9002 9002/udp
:: 9002 9002/udp' ] || fail "$(file "$C" ports)"
	[ "$(ports_of "$C")" = '70-72/tcp, ::1:81->81/tcp, 0.0.0.0:9000-9002->9000-9002/udp, :::9000-9002->9000-9002/udp, 0.0.0.0:8080->80/tcp, :::8080->80/tcp, 127.0.0.1:8443->443/tcp' ] ||
		fail "$(ports_of "$C")"
	skiff inspect "$C" | jq -c '.[0] | .NetworkSettings.Ports["80/tcp"], .NetworkSettings.Ports["70/tcp"], .HostConfig.PortBindings["443/tcp"],
		.Config.ExposedPorts["70/tcp"], .NetworkSettings.IPAddress' >out
	[ "$(cat out)" = '[{"HostIp":"0.0.0.0","HostPort":"8080"},{"HostIp":"::","HostPort":"8080"}]
null
[{"HostIp":"127.0.0.1","HostPort":"8443"}]
{}
"172.17.0.2"' ] || fail "$(cat out)"
	skiff stop -t 0 "$C" >/dev/null
	[ -z "$(ports_of "$C")" ]
	web "$C-b"
	[ "$(ports_of "$C-b")" = 80/tcp ] # EXPOSE of the image
}

@test "-P, a port of the system's choice, the first free one of a range" {
	web "$C" -P --expose 81/udp
	read -r _ port inside < <(file "$C" ports)
	[ "$inside" = 80/tcp ]
	[ "$(get lan "10.9.0.1:$port")" = hello ]
	[ "$(get lan "[fd09::1]:$port")" = hello ]
	[ "$(file "$C" ports | wc -l)" -eq 4 ]
	web "$C-0" -p 0:80
	read -r _ port _ < <(file "$C-0" ports)
	[ "$(get lan "10.9.0.1:$port")" = hello ]
	web "$C-b" -p 127.0.0.1::80
	read -r address port inside < <(file "$C-b" ports)
	[ "$address $inside" = '127.0.0.1 80/tcp' ]
	[ "$(get host "127.0.0.1:$port")" = hello ]
	web "$C-c" -p 7000-7005:80
	web "$C-d" -p 7000-7005:80
	[ "$(file "$C-c" ports | head -n 1) $(file "$C-d" ports | head -n 1)" = '0.0.0.0 7000 80/tcp 0.0.0.0 7001 80/tcp' ]
}

@test "a port that is taken: by a container, by a program; the message is Docker's, nothing is left" {
	web "$C" -p 8080:80
	id=$(skiff inspect "$C" | jq -r '.[0].Id')
	local taken
	for taken in 8080:81 127.0.0.1:8080:81 10.9.0.1:8080:81 8079-8081:79-81; do
		expect 125 skiff run --rm --name "$C-x" -p "$taken" web
		[[ $output == *'driver failed programming external connectivity on endpoint '$C-x' ('*'): Bind for '*':8080 failed: port is already allocated'* ]] ||
			fail "$taken: $output"
	done
	[ "$(skiff ps -aq | wc -l)" -eq 1 ]
	serve host 8085 host
	expect 125 skiff run --name "$C-x" -p 8085:80 web
	[[ $output == *'Bind for 0.0.0.0:8085 failed: port is already allocated'* ]] || fail "$output"
	# As in Docker it is there, created, and starts when the port is free.
	expect 1 skiff inspect "$C-y"
	[ "$(skiff inspect "$C-x" | jq -r '.[0].State.Status')" = created ]
	expect 125 skiff start "$C-x" || [ "$status" -eq 1 ]
	stop_servers
	wait_until skiff start "$C-x"
	wait_until get lan 10.9.0.1:8085
	# UDP is another port, and so is that of another address
	web "$C-u" -p 8080:80/udp
	web "$C-1" -p 127.0.0.1:8090:80
	web "$C-2" -p 10.9.0.1:8090:80
	[ "$(get lan 10.9.0.1:8080)" = hello ]
	# a program of the host cannot take ours
	refused on host timeout 2 socat TCP4-LISTEN:8080 -
	refused on host timeout 2 socat TCP4-LISTEN:8080,reuseaddr -
	skiff check >out
	[ ! -s out ] || fail "$(cat out)"
	[ "$(on host publish -l -t "$GROUP" | grep -c "^$id ")" -eq 1 ]
}

@test "on no network any more: nothing is published, and nothing kept" {
	web "$C" -p 8080:80
	cp "$SKIFF_ROOT/names/$C/ports" .
	skiff stop -t 0 "$C" >/dev/null
	skiff network disconnect bridge "$C"
	skiff start "$C" >/dev/null
	[ "$(ports_of "$C")" = 80/tcp ] # exposed, no more
	[ ! -s "$SKIFF_ROOT/names/$C/ports" ]
	is_free 8080
	skiff stop -t 0 "$C" >/dev/null
	# That the clean-up of before was killed is no matter either.
	cp ports "$SKIFF_ROOT/names/$C/ports"
	expect 0 skiff check
	[[ $output == *'the clean-up after it was killed: repaired'* ]] || fail "$output"
	expect 0 skiff check
	[ -z "$output" ] || fail "$output"
}

@test "stop and rm free the port, start takes it again; so does restart after SIGKILL of the shim" {
	web "$C" -p 8080:80
	skiff stop -t 0 "$C" >/dev/null
	refused get lan 10.9.0.1:8080
	web "$C-b" -p 8080:80
	skiff rm -f "$C-b" >/dev/null
	skiff start "$C" >/dev/null
	wait_until get lan 10.9.0.1:8080
	read -r shim _ <"$SKIFF_RUN/$(file "$C" id)/shim"
	kill -KILL "$shim"
	wait_until is_free 8080
	expect 0 skiff check
	[[ $output == *'its shim is gone: repaired'* ]] || fail "$output"
	expect 0 skiff check
	[ -z "$output" ] || fail "$output"
	[ "$(on host publish -l -t "$GROUP" | wc -l)" -eq 0 ]
	skiff start "$C" >/dev/null
	wait_until get lan 10.9.0.1:8080
}

is_free() {
	on host reserve -p "any $1 80/tcp" true
}

@test "rules that a killed on-exit left: the next one takes the port, check sweeps" {
	web "$C" -p 8080:80
	local id
	id=$(file "$C" id)
	cp "$SKIFF_ROOT/names/$C/ports" "$SKIFF_ROOT/names/$C/address" .
	skiff rm -f "$C" >/dev/null
	on host publish -t "$GROUP" -o "$id" -a address -f ports
	sed -i s/0.2/0.9/ address
	echo 172.17.0.9 >address
	on host publish -r -t "$GROUP" -o "$id"
	on host publish -t "$GROUP" -o "$id" -a address -f ports # as if it had led to .9
	web "$C-b" -p 8080:80
	[ "$(get lan 10.9.0.1:8080)" = hello ]
	on host publish -t "$GROUP" -o "$id" --to 172.17.0.9 8081:80
	expect 0 skiff check
	[[ $output == *"ports of $id: no such container runs: repaired"* ]] || fail "$output"
	[ "$(get lan 10.9.0.1:8080)" = hello ]
	[ "$(on host publish -l -t "$GROUP" | wc -l)" -eq 1 ]
}

@test "127.0.0.1 is this machine alone, also for who sends packets there (moby 45610)" {
	web "$C" -p 127.0.0.1:8080:80
	on lan ip route add local 127.0.0.0/8 dev lo table 100 2>/dev/null || true
	on lan sysctl -qw net.ipv4.conf.all.route_localnet=1
	on lan ip route delete table local local 127.0.0.0/8 dev lo
	on lan ip route delete table local local 127.0.0.1 dev lo
	on lan ip route add 127.0.0.1 via 10.9.0.1 src 10.9.0.2
	# the attack works where a rule leads the port on, whoever asks
	on host nft -f - <<-END
		table ip naive { chain in { type nat hook prerouting priority -110; tcp dport 8080 dnat to 172.17.0.2:80; }; }
	END
	[ "$(get lan 127.0.0.1:8080)" = hello ] || fail "the attack does not work"
	on host nft delete table ip naive
	refused get lan 127.0.0.1:8080
	refused get lan 10.9.0.1:8080
	[ "$(get host 127.0.0.1:8080)" = hello ]
	# nor one published at all addresses
	web "$C-b" -p 8081:80
	refused get lan 127.0.0.1:8081
	[ "$(get lan 10.9.0.1:8081)" = hello ]
	on lan ip route delete 127.0.0.1 via 10.9.0.1
	on lan ip route add table local local 127.0.0.0/8 dev lo
	on lan ip route add table local local 127.0.0.1 dev lo
	# a container cannot reach what listens on the host's localhost, though route_localnet is on there
	serve host 8099 secret
	expect 0 skiff run --rm --cap-add NET_ADMIN --sysctl net.ipv4.conf.all.route_localnet=1 web sh -c '
		ip route del table local local 127.0.0.0/8 dev lo; ip route del table local local 127.0.0.1 dev lo
		ip route add 127.0.0.1 via 172.17.0.1 && nc -w 1 127.0.0.1 8099 </dev/null; true'
	[[ $output != *secret* ]] || fail "$output"
}

@test "not promised: what listens on an address of the host is reached from inside" {
	serve host 8098 open
	web "$C"
	skiff network create --internal "$C-in" >/dev/null
	local inside
	for inside in 172.17.0.1 10.9.0.1; do
		expect 0 skiff exec "$C" nc -w 2 "$inside" 8098
		[[ $output == open* ]] || fail "$inside: $output"
	done
	gateway=$(skiff network inspect --format '{{(index .IPAM.Config 0).Gateway}}' "$C-in")
	expect 0 skiff run --rm --network "$C-in" web nc -w 2 "$gateway" 8098
	[[ $output == open* ]]
	run skiff run --rm --network "$C-in" web nc -w 1 10.9.0.1 8098
	[[ $output != *open* ]]
	skiff network rm "$C-in" >/dev/null
}

@test "only the published port, not the container" {
	web "$C" -p 8080:80
	on lan ip route add 172.17.0.0/16 via 10.9.0.1
	refused get lan 172.17.0.2:80
	refused get lan 10.9.0.1:80
	on lan ip route delete 172.17.0.0/16
	web "$C-b"
	refused get lan 10.9.0.1:80
}

@test "IPv6: to a container that has it, with the address of who asks" {
	skiff network create --ipv6 --subnet fd00:5::/64 six >/dev/null
	web "$C" --network six -p 8080:80 -p '[fd09::1]:8081:80'
	[ "$(get lan '[fd09::1]:8080')" = hello ]
	[ "$(get lan '[fd09::1]:8080/cgi-bin/who')" = '[fd09::2]' ]
	[ "$(get lan '[fd09::1]:8081')" = hello ]
	[ "$(get host '[fd09::1]:8080')" = hello ]
	[ "$(get host '[::1]:8080')" = hello ] # the relay's
	[ "$(skiff exec "$C" timeout 3 wget -qO- 'http://[fd09::1]:8080')" = hello ]
	refused get lan 10.9.0.1:8081
	skiff rm -f "$C" >/dev/null
	skiff network rm six
}

# listen NAME: a server of UDP port 53 in the network of that container, into the file NAME.heard.
listen() {
	skiff run -d --name "$1" -p 5353:53/udp web sleep 100 >/dev/null
	skiff inspect "$1" | jq '.[0].State.Pid' >"$BATS_FILE_TMPDIR/$1.pid"
	nsenter --net="/proc/$(cat "$BATS_FILE_TMPDIR/$1.pid")/ns/net" \
		socat -u UDP4-RECVFROM:53,fork "OPEN:$PWD/$1.heard,creat,append" </dev/null >/dev/null 2>&1 3>&- 4>&- &
	echo $! >>"$BATS_FILE_TMPDIR/servers"
	disown
}

@test "UDP: a conversation that never pauses gets the new container" {
	command -v conntrack >/dev/null || skip "conntrack is not installed"
	# one socket that goes on asking, before there is anybody
	background lan socat -u "SYSTEM:while sleep 0.1; do echo hi || exit; done" "UDP4-SENDTO:10.9.0.1:5353,sourceport=7777"
	echo $! >>"$BATS_FILE_TMPDIR/servers"
	wait_until on host sh -c 'conntrack -L -p udp 2>/dev/null | grep -q sport=7777'
	listen "$C"
	wait_until test -s "$C.heard"
	skiff rm -f "$C" >/dev/null
	web "$C-b" # takes the address of the one before
	listen "$C-c"
	wait_until test -s "$C-c.heard"
}

# says MACHINE ADDRESS TEXT: sent there by UDP from a port of its own, it comes back.
says() {
	[ "$(printf %s "$3" | on "$1" timeout $((3 * ${SLOW:-1})) socat -t 1 -T 1 - "UDP6:$2")" = "$3" ]
}

@test "UDP over IPv6, and from ::1, to a container that has IPv4 only" {
	local n
	skiff run -d --name "$C" -p 5353:53/udp -p 8080:80 web sleep 100 >/dev/null
	nsenter --net="/proc/$(skiff inspect "$C" | jq '.[0].State.Pid')/ns/net" \
		python3 -c 'import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("", 53))
while True: s.sendto(*s.recvfrom(65535))' </dev/null >/dev/null 2>&1 3>&- 4>&- &
	echo $! >>"$BATS_FILE_TMPDIR/servers"
	disown
	wait_until says host '[::1]:5353' hello
	says host '[fd09::1]:5353' one
	says lan '[fd09::1]:5353' two
	refused says lan '[::1]:5353' three
	for n in $(seq 20); do { says lan '[fd09::1]:5353' "number $n" && echo "$n" >>came; } & done 3>&- 4>&-
	wait
	[ "$(wc -l <came)" -eq 20 ]
	head -c 1400 /dev/zero | tr '\0' x >long
	says lan '[fd09::1]:5353' "$(cat long)"
	skiff rm -f "$C" >/dev/null
	skiff run --rm -p 5353:53/udp web true
}

@test "ports lead to the first network that is not internal, also when networks come and go" {
	skiff network create --internal inner >/dev/null
	skiff network create outer >/dev/null
	web "$C" -p 8080:80 --network inner --network outer --network bridge
	[ "$(get lan 10.9.0.1:8080)" = hello ]
	[ "$(file "$C" address)" = "$(skiff inspect "$C" | jq -r '.[0].NetworkSettings.Networks.outer.IPAddress')" ]
	skiff network disconnect outer "$C"
	[ "$(get lan 10.9.0.1:8080)" = hello ]
	[ "$(get host '[::1]:8080')" = hello ]
	skiff network disconnect bridge "$C"
	refused get lan 10.9.0.1:8080
	[ "$(skiff ps --format '{{.Ports}}')" = 80/tcp ] || fail "$(skiff ps)"
	expect 125 skiff run --rm -p 8080:80 web true # it is kept
	skiff network connect outer "$C"
	[ "$(get lan 10.9.0.1:8080)" = hello ]
	[ "$(get host 127.0.0.1:8080)" = hello ]
	[ "$(skiff port "$C" 80)" = $'0.0.0.0:8080\n[::]:8080' ]
	skiff network disconnect outer "$C"
	skiff restart -t 0 "$C" >/dev/null # on the inner one alone
	refused get lan 10.9.0.1:8080
	[ "$(skiff ps --format '{{.Ports}}')" = 80/tcp ] || fail "$(skiff ps)"
	skiff rm -f "$C" >/dev/null
	skiff network rm inner outer >/dev/null
}

@test "nft fails, or is not there: said, nothing half-made, the container as it was" {
	skiff run --rm web true # so that the network is there
	mkdir bin
	printf '#!/bin/sh\ncat >/dev/null\nexit 1\n' >bin/nft
	chmod +x bin/nft
	# (bin/skiff puts its own directory first, where there is no nft)
	expect 125 on host env PATH="$PWD/bin:$PATH" timeout 20 skiff run --name "$C" -p 8080:80 web
	[[ $output == *'nft refuses the ports of'* ]] || fail "$output"
	[ "$(skiff inspect "$C" | jq -r '.[0].State.Status')" = created ]
	[ "$(find "$SKIFF_ROOT"/networks/bridge/endpoints "$SKIFF_ROOT"/networks/bridge/leases -type f | wc -l)" -eq 0 ]
	wait_until is_free 8080
	[ ! -s "$SKIFF_ROOT/names/$C/ports" ]
	expect 0 skiff check
	[ -z "$output" ] || fail "$output"
	expect 0 skiff start "$C"
	wait_until get lan 10.9.0.1:8080
	skiff network disconnect bridge "$C"
	expect 1 on host env PATH="$PWD/bin:$PATH" timeout 20 skiff network connect bridge "$C"
	[ "$(skiff ps --format '{{.Ports}}')" = 80/tcp ] || fail "$(skiff ps)"
	skiff network disconnect bridge "$C"
	skiff network connect bridge "$C"
	[ "$(get lan 10.9.0.1:8080)" = hello ]
	expect 125 on host env PATH="$PWD/bin:$PATH" timeout 20 skiff run --rm --name "$C-b" -p 8081:80 web
	refused skiff inspect "$C-b"
}

@test "rules of others: flushed ones come back, a drop is named with what mends it" {
	web "$C" -p 8080:80
	on host nft flush ruleset
	refused get lan 10.9.0.1:8080
	expect 0 skiff check
	[[ $output == *'network bridge: its rules or its name server are gone: repaired'*"ports of $(file "$C" id): their rules are gone: repaired"* ]] || fail "$output"
	[ "$(get lan 10.9.0.1:8080)" = hello ]
	# what ufw, firewalld or Docker do
	on host nft add table ip filter
	on host nft add chain ip filter FORWARD '{ type filter hook forward priority 0; policy drop; }'
	refused get lan 10.9.0.1:8080
	expect 1 skiff check
	[[ $output == *'chain FORWARD of table ip filter drops what is routed'* ]] || fail "$output"
	command=$(sed -n "s/.*to let them: nft '\(.*\)'$/\1/p" <<<"$output")
	on host nft "$command"
	[ "$(get lan 10.9.0.1:8080)" = hello ]
	expect 0 skiff check
	on host nft delete table ip filter
	# or so: what has not been accepted by the end of the chain
	on host nft add table inet others
	on host nft add chain inet others forward '{ type filter hook forward priority 10; }'
	on host nft 'add rule inet others forward ct state established accept; add rule inet others forward counter reject with icmpx admin-prohibited'
	refused get lan 10.9.0.1:8080
	expect 1 skiff check
	[[ $output == *'chain forward of table inet others drops what is routed'* ]] || fail "$output"
	on host sh -c "$(sed -n 's/.*to let them: //p' <<<"$output")"
	[ "$(get lan 10.9.0.1:8080)" = hello ]
	expect 0 skiff check
	on host nft delete table inet others
	on host nft add table inet firewalld
	on host nft add chain inet firewalld filter_INPUT '{ type filter hook input priority 10; }'
	on host nft add rule inet firewalld filter_INPUT drop
	expect 1 skiff check
	[[ $output == *'what containers ask of this machine'*"to let them: firewall-cmd --zone=trusted --add-interface=$GROUP && firewall-cmd --permanent --zone=trusted --add-interface=$GROUP" ]] || fail "$output"
	on host nft add chain inet firewalld filter_INPUT_ZONES # as that does
	on host nft add rule inet firewalld filter_INPUT_ZONES iifname "$GROUP" accept
	expect 0 skiff check
	on host nft delete table inet firewalld
}

@test "rules of others: what mends Docker's drop does not open its containers; for ufw it is words of ufw" {
	web "$C"
	on host ip link add docker0 up type bridge
	on host ip address add 10.77.0.1/24 dev docker0
	machine inner
	on host ip link add inner0 up master docker0 type veth peer name eth0 netns "$(cat "$BATS_FILE_TMPDIR/inner.pid")"
	on inner ip address add 10.77.0.2/24 dev eth0
	on inner ip link set eth0 up
	on inner ip route add default via 10.77.0.1
	serve inner 80 inner
	serve lan 80 lan
	reaches() { skiff exec "$C" nc -w 1 "$1" 80 </dev/null; }
	[[ $(reaches 10.77.0.2) = inner* ]] # nobody keeps us from it
	on host nft 'add table ip filter; add chain ip filter DOCKER-USER'
	on host nft 'add chain ip filter FORWARD { type filter hook forward priority 0; policy drop; }'
	refused reaches 10.9.0.2
	expect 1 skiff check
	on host sh -c "$(sed -n 's/.*to let them: //p' <<<"$output")"
	[[ $(reaches 10.9.0.2) = lan* ]]
	[ -z "$(reaches 10.77.0.2)" ]
	expect 0 skiff check
	on host nft 'flush chain ip filter FORWARD; add chain ip filter ufw-user-forward'
	expect 1 skiff check
	[[ $output == *"to let them: ufw route allow in on $GROUP && ufw route allow out on $GROUP" ]] || fail "$output"
	on host nft delete table ip filter
	on host ip link delete docker0
	kill "$(cat "$BATS_FILE_TMPDIR/inner.pid")"
}

@test "bad ports are refused before anything is made" {
	local bad
	for bad in 0 65536 8080:0 8080:65536 99999:80 x:80 80/foo 8000-8001:80-82 80-70 :80:80 1.2.3:80:80 1.2.3.4.5:80:80 256.1.1.1:80:80 \
		'[::1:80:80' '[::g]:80:80' '[127.0.0.1]:80:80' 127.0.0.1:80:80:80 '' ' ' 80:80:80 '080:80' '80;81' '$(id):80'; do
		run skiff create -p "$bad" web true
		[ "$status" -eq 1 ] || [ "$status" -eq 125 ] || fail "-p '$bad': $status $output"
	done
	expect 125 skiff run --rm --expose x web true
	expect 125 skiff run --rm -p 80:80 --network container:x web true
	expect 0 skiff run --rm -p 8080:80 --network host --userns host web true
	[[ $output == *'Published ports are discarded when using host network mode'* ]]
	expect 125 skiff run --rm -p 192.0.2.77:80:80 web true # not ours
	[ -z "$(skiff ps -aq)" ]
}

@test "SCTP: kept like the others, or refused where the kernel has none" {
	local answer=0
	skiff run -d --name "$C" -p 7777:7777/sctp web >/dev/null 2>refused || answer=$?
	if on host socat -u OPEN:/dev/null SCTP-LISTEN:7778,accept-timeout=0.1 2>&1 | grep -q 'Protocol not supported'; then
		[ "$answer" -eq 125 ] && [[ $(cat refused) == *"$C ("*'): this kernel has no sctp; if there is a module: modprobe sctp' ]] || fail "$answer $(cat refused)"
		[ -z "$(ports_of "$C")" ]
		return
	fi
	[ "$answer" -eq 0 ] || fail "$(cat refused)"
	expect 125 skiff run -d --name "$C-b" -p 7777:7777/sctp web
	[[ $output == *'port is already allocated'* ]] || fail "$output"
	[ "$(ports_of "$C")" = '80/tcp, 0.0.0.0:7777->7777/sctp, :::7777->7777/sctp' ] || fail "$(ports_of "$C")"
}

@test "a thousand ports, by a container and by one rule each way" {
	local rules
	web "$C" -p 80:80
	rules=$(on host nft list ruleset | grep -c dnat)
	web "$C-b" -p 10000-10999:10000-10999
	[ "$(file "$C-b" ports | wc -l)" -eq 2000 ]
	[ "$(on host nft list ruleset | grep -c 'dnat ')" -eq "$rules" ]
	[ "$(ports_of "$C-b")" = '80/tcp, 0.0.0.0:10000-10999->10000-10999/tcp, :::10000-10999->10000-10999/tcp' ]
	[ "$(skiff exec "$C-b" sh -c 'ulimit -n')" = "$(skiff exec "$C" sh -c 'ulimit -n')" ]
	skiff rm -f "$C-b" >/dev/null
	[ "$(on host publish -l -t "$GROUP" | wc -l)" -eq 1 ]
}

@test "--explain and -x show what is done, and it can be done by hand" {
	web other # so that the network is there
	skiff run --explain -d --name "$C" -p 8080:80 web >script
	grep -q '^reserve .* shim ' script
	grep -q '^netup connect .*/networks/bridge' script
	grep -q '^publish ' script
	expect 0 on host timeout 20 dash script
	wait_until get lan 10.9.0.1:8080
	[ "$(skiff inspect "$C" | jq -r '.[0].State.Status')" = running ]
}

# ---- the tools alone -------------------------------------------------------------

@test "publish: arguments, list, remove" {
	p() { on host publish -t tool "$@"; }
	expect 0 p -o one --to 10.0.0.2 --to fd00::2 8080:80 127.0.0.1:53:53/udp '[fd09::1]:90:91/sctp'
	p -l | sort >list
	[ "$(cat list)" = 'one 0.0.0.0 8080 80/tcp 10.0.0.2
one 127.0.0.1 53 53/udp 10.0.0.2
one :: 8080 80/tcp fd00::2
one fd09::1 90 91/sctp fd00::2' ] || fail "$(cat list)"
	expect 0 p -o two --to 10.0.0.3 --to fd00::3 81:80
	expect 0 p -r -o two --to 10.0.0.3 --to fd00::3 8080:80 # another's: stays
	expect 0 p -r -o one --to 10.0.0.2 --to fd00::2 8080:80
	expect 0 p -r -o one
	[ "$(p -l | wc -l)" -eq 2 ]
	expect 0 p -r -o two
	[ -z "$(p -l)" ]
	local bad
	for bad in 80 0:80 80:65536 a:b 80:80/x 1.2.3.4:80:80:80:x; do
		run p --to 10.0.0.2 "$bad"
		[ "$status" -ne 0 ] || fail "$bad"
	done
	expect 125 p 80:80
	expect 1 p --to 'x;y' 80:80
	expect 1 p -o 'x" y' --to 10.0.0.2 80:80
	expect 125 p --nothing x
	expect 0 on host publish --help
	on host nft delete table inet tool
}

@test "reserve: as long as the descriptors are open; what the relay serves" {
	r() { on host reserve "$@"; }
	background host reserve -p 'any 9001 80/tcp' -p '127.0.0.1 9002 80/udp' -o "$PWD/out" sleep 1000
	holder=$!
	wait_until test -s out
	[ "$(cat out)" = '0.0.0.0 9001 80/tcp
:: 9001 80/tcp
127.0.0.1 9002 80/udp' ]
	local taken
	for taken in 'any 9001 80/tcp' '127.0.0.1 9001 80/tcp' '::1 9001 1/tcp' '0.0.0.0 9002 80/udp'; do
		expect 125 r -m 'Well: ' -p "$taken" true
		[[ $output == 'reserve: Well: Bind for '*' failed: port is already allocated' ]] || fail "$output"
	done
	expect 0 r -p '0.0.0.0 9001 80/udp' -p '127.0.0.1 9002 80/tcp' true
	refused on host timeout 2 socat TCP4-LISTEN:9001,reuseaddr -
	refused on host timeout 2 socat TCP6-LISTEN:9001,reuseaddr,ipv6only=1 -
	refused on host socat -u OPEN:/dev/null TCP4:127.0.0.1:9001
	kill "$holder"
	wait_until r -p 'any 9001 80/tcp' true
	# connections that are over, at the side of who listened, are no obstacle
	serve host 9003 once
	ask host 127.0.0.1:9003 >/dev/null
	ask host '[::1]:9003' >/dev/null
	expect 125 r -p 'any 9003 80/tcp' true
	stop_servers
	on host ss -tan | grep -q 'TIME-WAIT.*:9003 '
	wait_until r -p 'any 9003 80/tcp' true
	expect 7 r -p 'any 0 80/tcp' sh -c 'exit 7'
	expect 127 r -p 'any 0 80/tcp' nothing-like-it
	local bad
	for bad in '' 'any 80' 'any x 80/tcp' 'any 80 80' 'any 80 0/tcp' 'any 70000 80/tcp' 'x 80 80/tcp' 'any 80 80/tcp x' 'any 9-8 80/tcp'; do
		expect 125 r -p "$bad" true
	done
	expect 125 r
	# The relay: bytes both ways, half-closed; it ends with the last holder; it is nobody.
	head -c 3000000 /dev/urandom >data
	background host socat TCP4-LISTEN:9010,fork,reuseaddr EXEC:cat
	echo $! >>"$BATS_FILE_TMPDIR/servers"
	background host reserve -p 'any 9011 9010/tcp' -r "$PWD/address" sleep 1000
	holder=$!
	wait_until test -e address
	refused ask host '[::1]:9011'
	echo 127.0.0.1 >address
	on host socat -t 5 - 'TCP6:[::1]:9011' <data >came
	cmp came data
	relay=$(pgrep -f 'any 9011 9010/tcp -r' | grep -vx "$holder")
	for pid in $relay; do grep -q '^Uid:.65534' "/proc/$pid/status"; done
	kill "$holder"
	wait_until r -p 'any 9011 80/tcp' true
	wait_until none_left "$relay"
}

none_left() {
	local pid
	for pid in $1; do [ ! -e "/proc/$pid" ] || grep -q '^State:.Z' "/proc/$pid/status" || return; done
}
