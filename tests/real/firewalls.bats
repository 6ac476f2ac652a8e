# firewalld, ufw and Docker themselves, beside containers with published ports: what check says mends it.
# shellcheck shell=bash disable=SC2016

load ../helper
load ../network

setup_file() {
	network_setup_file
	skiff_setup_file
	on lan ip route add 172.16.0.0/12 via 10.9.0.1
	on host mount -t tmpfs tmpfs /run
}

teardown_file() {
	skiff_teardown_file
	for network in "$SKIFF_ROOT"/networks/*/bridge; do on host netup down "${network%/bridge}"; done
	network_teardown_file
}

setup() {
	in_time
	cd "$BATS_TEST_TMPDIR" || return
	serve lan 7000 outside
	skiff run -d --name web -p 8080:80 busybox nc -ll -p 80 -e echo hello >/dev/null
}

teardown() {
	stop_servers
	skiff rm -f web >/dev/null
	[ ! -e pids ] || xargs kill <pids
	on host nft flush ruleset
}

goes_out() { skiff exec web nc -w 2 192.0.2.1 7000 </dev/null; }
comes_in() { ask lan 10.9.0.1:8080; }

# apart DIRECTORY...: on host, a copy of each is changed in its place.
apart() {
	for place in "$@"; do
		mkdir -p "copy${place%/*}"
		cp -a "$place" "copy$place"
		on host mount --bind "$PWD/copy$place" "$place"
	done
}

# mended: by what check says, and nothing is left to say.
mended() {
	expect 1 skiff check
	sed -n 's/.*to let them: //p' <<<"$output" >remedy
	on host sh remedy >/dev/null
	[[ $(goes_out) = outside* ]] && [ "$(comes_in)" = hello ]
	expect 0 skiff check
}

@test "ufw: what check says outlives a reload" {
	command -v ufw >/dev/null || skip 'ufw is not installed'
	apart /etc/ufw /etc/default/ufw /lib/ufw
	on host ufw --force enable
	refused comes_in
	[ -z "$(goes_out)" ]
	mended
	on host ufw disable
	on host ufw --force enable
	[[ $(goes_out) = outside* ]] && [ "$(comes_in)" = hello ]
	on host ufw disable
	for place in /etc/ufw /etc/default/ufw /lib/ufw; do on host umount "$place"; done
}

@test "firewalld: what check says outlives a reload" {
	command -v firewalld >/dev/null || skip 'firewalld is not installed'
	apart /etc/firewalld
	on host mkdir -p /run/dbus
	on host dbus-daemon --system --fork --nopidfile --print-pid=5 5>pids
	background host firewalld --nofork --nopid
	echo $! >>pids
	wait_until on host firewall-cmd --state
	on host firewall-cmd --zone=drop --change-interface=wire0
	on host firewall-cmd --set-default-zone=block
	[ -z "$(goes_out)" ]
	mended
	on host firewall-cmd --reload
	[[ $(goes_out) = outside* ]] && [ "$(comes_in)" = hello ]
}

@test "Docker: its drop is mended, and its containers stay closed; each refuses the ports of the other" {
	command -v dockerd >/dev/null || skip 'docker.io is not installed'
	skiff rm -f web >/dev/null
	on host netup down "$SKIFF_ROOT/networks/bridge"
	on host sysctl -qw net.ipv4.ip_forward=0
	export DOCKER_HOST=unix://$PWD/docker.sock
	background host dockerd --data-root "$PWD/docker" --exec-root /run/docker --pidfile "$PWD/docker.pid" -H "$DOCKER_HOST"
	echo $! >pids
	wait_until on host docker info
	tar -C "$BATS_FILE_TMPDIR/tree" -c . | on host docker import - busybox
	on host docker run -d --name theirs -p 9090:80 busybox nc -ll -p 80 -e echo theirs
	on host docker run -d --name closed busybox nc -ll -p 80 -e echo closed
	closed=$(on host docker inspect -f '{{.NetworkSettings.IPAddress}}' closed)
	skiff run -d --name web -p 8080:80 busybox nc -ll -p 80 -e echo hello >/dev/null
	refused comes_in
	mended
	[ "$(ask lan 10.9.0.1:9090)" = theirs ]
	[ -z "$(skiff exec web nc -w 2 "$closed" 80 </dev/null)" ]
	ours=$(skiff inspect -f '{{.NetworkSettings.IPAddress}}' web)
	[ -z "$(on host docker exec closed nc -w 2 "$ours" 80 </dev/null)" ]
	expect 125 skiff run --name none -p 9090:80 busybox true
	[[ $output == *'port is already allocated'* ]] || fail "$output"
	skiff rm none
	expect 125 on host docker run --name none -p 8080:80 busybox true
	[ "$(comes_in)" = hello ]
	on host docker rm -f theirs closed none
	kill "$(cat pids)"
	wait_until test ! -e docker.pid
	rm pids
	[[ $(goes_out) = outside* ]] && [ "$(comes_in)" = hello ]
}
