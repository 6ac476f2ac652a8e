# Shared by the tests of networks: load network, after helper. shellcheck shell=bash
#
# They have machines of their own, in network and mount namespaces, and leave the network of the
# real one alone:
#
#   host   where skiff runs             10.9.0.1, 10.8.0.1, fd09::1; sends all else to lan
#   lan    a neighbour, and the world   10.9.0.2, fd09::2; also 192.0.2.1 and 2001:db8::1
#   far    a neighbour on another wire  10.8.0.2
#
# lan serves names at 10.9.0.2: outside.test, and those below corp.test; it logs them to dns.log.

# machine NAME: a process that holds its namespaces; its ID into the file NAME.pid.
machine() {
	unshare -n -m sleep 1000 3>&- 4>&- </dev/null >/dev/null 2>&1 &
	echo $! >"$BATS_FILE_TMPDIR/$1.pid"
	disown
	wait_until is_apart "$!"
	on "$1" ip link set lo up
}

is_apart() {
	[ "$(readlink "/proc/$1/ns/net")" != "$(readlink /proc/self/ns/net)" ] &&
		[ "$(readlink "/proc/$1/ns/mnt")" != "$(readlink /proc/self/ns/mnt)" ] && [ "$(cat "/proc/$1/comm")" = sleep ]
}

# on NAME COMMAND...: run it there. HERE is a function, as it is one for run and expect.
on() {
	local pid
	pid=$(cat "$BATS_FILE_TMPDIR/$1.pid")
	shift
	nsenter --net="/proc/$pid/ns/net" --mount="/proc/$pid/ns/mnt" --wd="$PWD" -- "$@" 3>&- 4>&-
}

# background NAME COMMAND...: start it there, its ID into $!.
background() {
	local pid
	pid=$(cat "$BATS_FILE_TMPDIR/$1.pid")
	shift
	nsenter --net="/proc/$pid/ns/net" --mount="/proc/$pid/ns/mnt" --wd="$PWD" -- "$@" 3>&- 4>&- </dev/null >/dev/null 2>&1 &
	disown
}

# wire NAME ADDRESS NAME ADDRESS DEVICE: a link between two machines, each end named DEVICE.
wire() {
	on "$1" ip link add "$5" up type veth peer name "$5" netns "$(cat "$BATS_FILE_TMPDIR/$3.pid")"
	on "$1" ip address add "$2" dev "$5"
	on "$3" ip address add "$4" dev "$5"
	on "$3" ip link set "$5" up
}

network_setup_file() {
	ip -o link show | cut -d : -f 2 >"$BATS_FILE_TMPDIR/links"
	export MACHINE=host
	machine host
	machine lan
	machine far
	wire host 10.9.0.1/24 lan 10.9.0.2/24 wire0
	wire host 10.8.0.1/24 far 10.8.0.2/24 wire1
	on host ip address add fd09::1/64 dev wire0 nodad
	on lan ip address add fd09::2/64 dev wire0 nodad
	on lan ip address add 192.0.2.1/32 dev lo
	on lan ip address add 2001:db8::1/128 dev lo
	on host ip route add default via 10.9.0.2
	on host ip route add default via fd09::2
	on lan ip route add 10.8.0.0/24 via 10.9.0.1 # how a neighbour would use host as a router
	on far ip route add default via 10.8.0.1
	printf 'nameserver 127.0.0.53\nnameserver 10.9.0.2\nsearch corp.test\noptions timeout:2\n' >"$BATS_FILE_TMPDIR/resolv.conf"
	on host mount --bind "$BATS_FILE_TMPDIR/resolv.conf" /etc/resolv.conf
	on lan dnsmasq --conf-file=/dev/null --no-hosts --no-resolv --user=root --bind-interfaces --listen-address=10.9.0.2 \
		--address=/outside.test/192.0.2.1 --address=/here.corp.test/10.9.0.2 --local=/#/ \
		--log-queries --log-facility="$BATS_FILE_TMPDIR/dns.log" --pid-file="$BATS_FILE_TMPDIR/dnsmasq.pid"
}

network_teardown_file() {
	kill "$(cat "$BATS_FILE_TMPDIR/dnsmasq.pid")"
	for name in host lan far; do kill "$(cat "$BATS_FILE_TMPDIR/$name.pid")"; done
	ip -o link show | cut -d : -f 2 | grep -vxFf "$BATS_FILE_TMPDIR/links" >"$BATS_FILE_TMPDIR/more" || true
	! grep -E ' (skiff|sk-|wire|veth)' "$BATS_FILE_TMPDIR/more" || fail "left on the real machine: $(cat "$BATS_FILE_TMPDIR/more")"
}

# serve NAME PORT TEXT: something that answers TEXT and who asks, on that machine.
serve() {
	background "$1" socat "TCP6-LISTEN:$2,fork,reuseaddr,ipv6only=0" SYSTEM:"echo $3 \$SOCAT_PEERADDR"
	echo $! >>"$BATS_FILE_TMPDIR/servers"
	wait_until on "$1" grep -q ":$(printf %04X "$2") 0\{32\}:0000 0A" /proc/net/tcp6
}

# ask NAME ADDRESS:PORT: what is answered there; false if nothing is, in a second.
ask() {
	local answer
	answer=$(on "$1" timeout $((2 * ${SLOW:-1})) socat -t 2 -T 2 - "TCP:$2,connect-timeout=${PATIENCE:-1}" </dev/null 2>/dev/null)
	[ -n "$answer" ] && printf '%s\n' "$answer"
}

# refused COMMAND...: it must fail.
refused() {
	! "$@" || fail "it worked: $*"
}

stop_servers() {
	[ ! -e "$BATS_FILE_TMPDIR/servers" ] || xargs kill <"$BATS_FILE_TMPDIR/servers" 2>/dev/null || true
	rm -f "$BATS_FILE_TMPDIR/servers"
}
