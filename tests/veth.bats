#!/usr/bin/env bats
# veth: a link into a network namespace: what there is then, beside what ip(8) makes; nothing if it fails.
# shellcheck shell=bash

load helper

# All of it in a network namespace, HOST, with a bridge; BOX is another, as a container's is.
setup() {
	in_time
	cd "$BATS_TEST_TMPDIR" || return
	new_namespace && HOST=$pid
	new_namespace && BOX=$pid
	here ip link add br0 address 02:42:0a:05:00:01 type bridge
	here ip address add 10.5.0.1/24 dev br0
	here ip address add fd00:5::1/64 dev br0 nodad
	here ip link set br0 up
}

teardown() {
	xargs kill <pids
}

# new_namespace: of the process $pid.
new_namespace() {
	unshare -n sleep 1000 3>&- 4>&- >/dev/null 2>&1 &
	pid=$!
	disown
	echo "$pid" >>pids
	wait_until is_apart "$pid"
}

is_apart() {
	[ "$(readlink "/proc/$1/ns/net")" != "$(readlink /proc/self/ns/net)" ] && [ "$(cat "/proc/$1/comm")" = sleep ]
}

here() { nsenter --net="/proc/$HOST/ns/net" "$@"; }
inside() { nsenter --net="/proc/$BOX/ns/net" "$@"; }

# state: all that can be seen of the link, but for what is drawn by lot or counted.
state() {
	{
		here ip -d link show veth0
		inside ip -d address
		inside ip -d route show table all
		inside ip -d -6 route show table all
		inside sh -c 'grep -r . /proc/sys/net/ipv6/conf/eth0 2>/dev/null | sort'
	} | sed -E 's/^[0-9]+: //; s/@if[0-9]+//; s/fe80::[0-9a-f:]*/FE80/g; s/ether [0-9a-f:]{17}/ether MAC/; s/link-netns.*//
		s/(port_no|designated_port|port_id|designated_cost) [0-9a-fx]*//g; s/[a-z]+_timer +[0-9.]*//g; s/valid_lft.*//; /stable_secret/d; s/ tentative//
		/anycast|multicast|FE80/d'
}

nothing_left() {
	[ "$(here ip -o link show type veth | wc -l)$(inside ip -o link show type veth | wc -l)" = 00 ] || fail "$(here ip link) $(inside ip link)"
}

@test "veth: the EQUIVALENT of its page makes the same" {
	page=$REPO/src/veth/veth.1
	sed -n '/^\.Sh EQUIVALENT/,/^\.Bd/s/^\.Ql //p' "$page" | sed "s/\$PID/$BOX/" >tool.sh
	sed -n '/^\.Sh EQUIVALENT/,/^\.Ed/s/^# //p' "$page" | sed "s/\$PID/$BOX/" >plain.sh
	[ "$(wc -l <tool.sh)" -eq 1 ] && [ "$(wc -l <plain.sh)" -eq 10 ]
	expect 0 here sh tool.sh
	expect 0 inside busybox ping -qc1 -W1 10.5.0.1
	expect 0 inside busybox ping -6 -qc1 -W1 fd00:5::1
	state >tool
	here ip link delete veth0
	expect 0 here sh -e plain.sh
	expect 0 inside busybox ping -qc1 -W1 10.5.0.1
	state >plain
	[ "$(wc -l <tool)" -gt 40 ] && grep -q 'inet6 fd00:5::2/64' tool && grep -q 'default.*via 10.5.0.1' tool || fail "$(cat tool)"
	diff tool plain || fail "$(diff tool plain)"
}

@test "veth: Ethernet address, MTU, metric, flags of the port; IPv6 is off without an address of it" {
	expect 0 here veth -b br0 --hairpin --isolated -m 02:42:0a:05:00:02 --mtu 1400 --metric 7 \
		-a 10.5.0.2/24 -a 169.254.1.2/32 -r 10.5.0.1 veth0 eth3 "/proc/$BOX/ns/net"
	[[ $(here ip -d link show veth0) = *'mtu 1400'*'master br0'*'hairpin on'*'isolated on'* ]] || fail "$(here ip -d link show veth0)"
	[[ $(inside ip -o link show eth3) = *'mtu 1400'*02:42:0a:05:00:02* ]] || fail "$(inside ip link)"
	[[ $(inside ip -o address show eth3 | tr '\n' ' ') = *'10.5.0.2/24 brd 10.5.0.255 scope global'*'169.254.1.2/32 scope global'* ]] || fail "$(inside ip address)"
	[ "$(inside ip route show default | xargs)" = 'default via 10.5.0.1 dev eth3 metric 7' ]
	[[ $(inside ip address) != *fe80* ]]
	[ "$(inside cat /proc/sys/net/ipv6/conf/eth3/disable_ipv6)" = 1 ]
	here ip link delete veth0
	here sh -c "exec 7</proc/$BOX/ns/net && exec veth -a fd00:5::9/64 veth0 eth0 fd:7" # no bridge
	inside ip -o address show eth0 | grep -q 'fd00:5::9/64'
	[[ $(here ip -o link show veth0) != *master* ]]
}

@test "veth: whatever fails, nothing is left, and the kernel's words are passed on" {
	expect 125 here veth -r 10.9.0.1 -a 10.5.0.2/24 veth0 eth0 "/proc/$BOX/ns/net" # a router that cannot be reached
	[ "$output" = 'veth: add the route by 10.9.0.1: Nexthop has invalid gateway' ] || fail "$output"
	nothing_left
	expect 125 here veth -a 10.5.0.2/24 -a 10.5.0.2/24 veth0 eth0 "/proc/$BOX/ns/net"
	[[ $output = 'veth: add the address 10.5.0.2: '* ]] || fail "$output"
	nothing_left
	expect 125 here veth -b lo --hairpin veth0 eth0 "/proc/$BOX/ns/net" # no bridge
	nothing_left
	expect 125 here veth -b br1 veth0 eth0 "/proc/$BOX/ns/net"
	[ "$output" = 'veth: br1: No such device' ] || fail "$output"
	expect 125 here veth veth0 lo "/proc/$BOX/ns/net"
	expect 125 here veth br0 eth0 "/proc/$BOX/ns/net"
	[[ $output = 'veth: make br0: '* ]] || fail "$output"
	expect 125 here veth veth0 eth0 "/proc/$BOX/ns/mnt"
	expect 125 here veth veth0 eth0 /dev/null
	nothing_left
	here ip link show br0 >/dev/null
}

@test "veth: answers that are not the kernel's count for nothing" {
	# To the netlink socket of the process PID: some of the right length, some that promise more.
	cat >forge.py <<-'PYTHON'
		import socket, struct, sys
		own = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
		own.bind((0, 0))
		answers = [struct.pack("=IHHIIiIHHII", size, 2, 0x200, number, 0, -1, size, 0, 0, 0, 0)
		           for size in (36, 1 << 30) for number in range(4)]
		print("ready", flush=True)
		while True:
		    for answer in answers:
		        try:
		            own.sendto(answer, (int(sys.argv[1]), 0))
		        except ConnectionRefusedError: # nobody there, or connected to the kernel
		            pass
	PYTHON
	mkfifo go
	for try in 1 2 3 4 5; do
		nsenter --net="/proc/$HOST/ns/net" sh -c 'read -r x <go && exec "$@"' sh veth -b br0 -a 10.5.0.2/24 -r 10.5.0.1 veth0 eth0 "/proc/$BOX/ns/net" 3>&- 4>&- &
		link=$!
		nsenter --net="/proc/$BOX/ns/net" python3 forge.py $link >forged 3>&- 4>&- &
		forger=$!
		wait_until grep -q ready forged
		echo >go
		wait "$link" && left=0 || left=$?
		kill "$forger"
		[ "$left" = 0 ] || fail "$try"
		inside ip route | grep -q '^default via 10.5.0.1'
		here ip link delete veth0
	done
}

@test "veth: wrong command lines" {
	local bad
	expect 0 veth -h
	expect 125 veth
	for bad in '-a 10.5.0.2' '-a 10.5.0.2/33' '-a 10.5.0.2/0' '-a 10.5.0/24' '-a fd00::1/129' '-a x/24' '-a /24' '-r 10.5.0.1/24' '-r x' \
		'-b a/b' '-b 0123456789abcdef' '-m 02:42:0a:05:00' '-m 02:42:0a:05:00:0g' '-m 02:42:0a:05:00:02:' '--mtu 1' '--mtu 1500x' \
		'--metric -1' --hairpin --isolated --nothing; do
		# shellcheck disable=SC2086 # two words
		run here veth $bad veth0 eth0 "/proc/$BOX/ns/net"
		[ "$status" -eq 125 ] || fail "$bad: $status $output"
	done
	expect 125 here veth veth0 '' "/proc/$BOX/ns/net"
	expect 125 here veth veth0 eth0
	expect 125 here veth veth0 eth0 "/proc/$BOX/ns/net" x
	nothing_left
}
