#!/usr/bin/env bats
# A web server and a database as people run them: Debian's nginx and redis, published, edited, replaced.
# shellcheck shell=bash disable=SC2016

load helper
load network

setup_file() {
	network_setup_file
	export SKIFF_ROOT=$BATS_FILE_TMPDIR/root SKIFF_RUN=$BATS_FILE_TMPDIR/run
	nginx_tree "$BATS_FILE_TMPDIR/tree"
	tar -C "$BATS_FILE_TMPDIR/tree" -c . |
		skiff import -c 'CMD ["nginx", "-g", "daemon off;"]' -c 'EXPOSE 80' -c 'STOPSIGNAL SIGQUIT' - nginx >/dev/null
	GROUP=$(cat "$SKIFF_ROOT/cgroup")
	export GROUP
}

teardown_file() {
	skiff_teardown_file
	for network in "$SKIFF_ROOT"/networks/*/bridge; do on host netup down "${network%/bridge}"; done
	network_teardown_file
}

setup() {
	in_time
	cd "$BATS_TEST_TMPDIR" || return
}

teardown() {
	local ids
	ids=$(skiff ps -aq)
	# shellcheck disable=SC2086
	[ -z "$ids" ] || skiff rm -fv $ids >/dev/null
	skiff volume prune -af >/dev/null
}

# with_libraries TREE PROGRAM: copy what it needs into TREE.
with_libraries() {
	local library
	ldd "$2" | grep -o '/[^ )]*' | while read -r library; do
		mkdir -p "$1${library%/*}" && cp -L "$library" "$1$library" || return
	done
}

# nginx_tree TREE: Debian's package, not installed (that would start it on this machine), with busybox.
nginx_tree() {
	busybox_tree "$1"
	(
		mkdir "$BATS_FILE_TMPDIR/debs" && cd "$BATS_FILE_TMPDIR/debs" || exit
		apt-get download -q nginx nginx-common >log 2>&1 ||
			{ apt-get update -q >>log 2>&1 && apt-get download -q nginx nginx-common >>log 2>&1; } || fail "$(cat log)"
		for deb in *.deb; do dpkg -x "$deb" "$1" || exit; done
	)
	with_libraries "$1" "$1/usr/sbin/nginx"
	mkdir -p "$1"/var/{lib,log}/nginx "$1/run" "$1/var/www/html"
	rm -rf "$1"/etc/nginx/modules-enabled/*
	ln -sf /etc/nginx/sites-available/default "$1/etc/nginx/sites-enabled/default"
	echo www-data:x:33:33::/var/www:/bin/sh >>"$1/etc/passwd"
	echo www-data:x:33: >>"$1/etc/group"
	echo '<h1>Welcome to nginx!</h1>' >"$1/var/www/html/index.html"
}

# page URL [MACHINE]: what is there.
page() {
	on "${2:-host}" curl -fsSg --max-time $((5 * ${SLOW:-1})) "http://$1"
}

answers() { page "$1" >/dev/null 2>&1; }

@test "nginx published: from here, from the neighbour, over IPv4 and IPv6; stop, start, rm; the port is free again" {
	skiff run -d --name web1 -p 8080:80 nginx >/dev/null
	wait_until answers localhost:8080
	[ "$(page localhost:8080)" = '<h1>Welcome to nginx!</h1>' ]
	[ "$(page '[::1]:8080')" = '<h1>Welcome to nginx!</h1>' ]
	[ "$(page 10.9.0.1:8080 lan)" = '<h1>Welcome to nginx!</h1>' ]
	[[ $(skiff ps --format '{{.Ports}}') == '0.0.0.0:8080->80/tcp, :::8080->80/tcp' ]] || fail "$(skiff ps)"
	[ "$(skiff port web1)" = $'80/tcp -> 0.0.0.0:8080\n80/tcp -> [::]:8080' ]
	expect 125 skiff run --rm -p 8080:80 nginx true
	skiff stop web1 >/dev/null
	[ "$(skiff inspect -f '{{.State.ExitCode}}' web1)" = 0 ] # by SIGQUIT, in peace
	refused answers localhost:8080
	skiff start web1 >/dev/null
	wait_until answers localhost:8080
	skiff rm -f web1 >/dev/null
	skiff run -d --name web1 -p 8080:80 nginx >/dev/null
	wait_until answers localhost:8080
	skiff logs web1 >log 2>&1
	[ ! -s log ] || fail "$(cat log)"
	skiff exec web1 cat /var/log/nginx/access.log | grep -q 'GET / HTTP/1.1" 200'
}

@test "a page is replaced by cp, and edited by exec; only the container's own layer changes" {
	skiff run -d --name web1 -p 8080:80 nginx >/dev/null
	wait_until answers localhost:8080
	echo 'from the host' >index.html
	skiff cp index.html web1:/var/www/html/index.html
	[ "$(page localhost:8080)" = 'from the host' ]
	skiff exec web1 sh -c 'echo edited >/var/www/html/index.html'
	[ "$(page localhost:8080)" = edited ]
	skiff cp web1:/var/www/html/index.html - | tar -xO | grep -qx edited
	[[ $(skiff diff web1) == *'C /var/www/html/index.html'* ]] || fail "$(skiff diff web1)"
	skiff stop web1 >/dev/null
	skiff start web1 >/dev/null
	wait_until answers localhost:8080
	[ "$(page localhost:8080)" = edited ]
	skiff rm -f web1 >/dev/null
	skiff run -d --name web1 -p 8080:80 nginx >/dev/null
	wait_until answers localhost:8080
	[ "$(page localhost:8080)" = '<h1>Welcome to nginx!</h1>' ]
	skiff exec web1 sh -c 'echo kept >/var/www/html/index.html'
	skiff commit web1 nginx:mine >/dev/null
	skiff run -d --name web2 -p 8081:80 nginx:mine >/dev/null
	wait_until answers localhost:8081
	[ "$(page localhost:8081)" = kept ]
}

@test "configuration and page are files of the host; another port inside; edits are seen at once" {
	printf 'server { listen 81; listen [::]:81; root /srv; location / { index my-index.html; } }\n' >default.conf
	echo one >my-index.html
	skiff run -d --name web1 -p 8080:81 -v "$PWD/default.conf:/etc/nginx/sites-available/default" \
		-v "$PWD/my-index.html:/srv/my-index.html" nginx >/dev/null
	wait_until answers localhost:8080
	[ "$(page localhost:8080)" = one ]
	echo two >>my-index.html
	[ "$(page localhost:8080)" = $'one\ntwo' ]
	[ "$(skiff exec web1 wget -qO - 'http://[::1]:81/')" = $'one\ntwo' ]
	printf 'server { listen 81; return 200 changed; }\n' >default.conf
	skiff exec web1 nginx -s reload
	wait_until changed
}

changed() { [ "$(page localhost:8080)" = changed ]; }

@test "three servers on three ports, each with its own page; exposed only is not published" {
	local n
	for n in 1 2 3; do
		skiff run -d --name "web$n" -p "808$n:80" nginx >/dev/null
		wait_until answers "localhost:808$n"
		skiff exec "web$n" sh -c "echo server $n >/var/www/html/index.html"
	done
	for n in 1 2 3; do [ "$(page "localhost:808$n")" = "server $n" ]; done
	skiff run -d --name shy nginx >/dev/null
	[ "$(skiff ps --filter name=shy --format '{{.Ports}}')" = 80/tcp ]
	skiff run -d -P --name any nginx >/dev/null
	n=$(skiff port any 80 | head -n 1)
	wait_until answers "localhost:${n##*:}"
	# to each other by address, and the neighbour cannot get behind the host
	n=$(skiff inspect -f '{{.NetworkSettings.IPAddress}}' web1)
	[ "$(skiff exec web2 wget -qO - "http://$n/")" = 'server 1' ]
	on lan ip route add "$n/32" via 10.9.0.1
	refused page "$n:80" lan
	on lan ip route delete "$n/32"
}

@test "two containers share a volume, which outlives them; a network of their own gives them names" {
	skiff network create shop >/dev/null
	skiff run -d --name web1 --network shop -p 8080:80 -v pages:/var/www/html nginx >/dev/null
	skiff run -d --name writer --network shop -v pages:/pages nginx sleep 1000 >/dev/null
	wait_until answers localhost:8080
	[ "$(page localhost:8080)" = '<h1>Welcome to nginx!</h1>' ] # what the image had there
	skiff exec writer sh -c 'echo shared >/pages/index.html'
	[ "$(page localhost:8080)" = shared ]
	[ "$(skiff exec writer wget -qO - http://web1/)" = shared ]
	expect 1 skiff volume rm pages
	skiff rm -f web1 writer >/dev/null
	[ "$(skiff volume ls -q)" = pages ]
	skiff run -d --name web1 -p 8080:80 -v pages:/var/www/html nginx >/dev/null
	wait_until answers localhost:8080
	[ "$(page localhost:8080)" = shared ]
	skiff network rm shop >/dev/null
}

@test "redis beside it: killed again and again, nothing that it has acknowledged is lost; reached by name" {
	local file n root=$BATS_TEST_TMPDIR/root
	mkdir -p "$root"/{bin,tmp,data,etc}
	# In Debian the server is this program by another name; the package with that name would start it here.
	cp "$(command -v redis-check-rdb)" "$root/bin/redis-server"
	cp "$(command -v redis-cli)" "$root/bin/"
	for file in redis-server redis-cli; do with_libraries "$root" "$root/bin/$file"; done
	echo redis:x:1000:1000::/data:/bin/sh >"$root/etc/passwd"
	chown 1000:1000 "$root/data"
	chmod 1777 "$root/tmp"
	tar -C "$root" -c . | skiff import -c 'VOLUME /data' -c 'WORKDIR /data' -c 'USER redis' \
		-c 'CMD ["redis-server", "--appendonly", "yes", "--appendfsync", "always", "--save", "", "--protected-mode", "no"]' - redis >/dev/null
	cli() { skiff exec db redis-cli "$@"; }
	ready() { [ "$(cli ping 2>/dev/null)" = PONG ]; }
	skiff network create shop >/dev/null
	skiff run -d --name db --network shop -v numbers:/data redis >/dev/null
	for n in 1 2 3; do
		wait_until ready
		[ "$(cli set "key$n" "value$n")" = OK ]
		[ "$(cli incr count)" = $n ]
		skiff kill db >/dev/null
		skiff wait db >/dev/null
		skiff start db >/dev/null
	done
	wait_until ready
	[ "$(cli mget key1 key2 key3 count)" = $'value1\nvalue2\nvalue3\n3' ]
	[ "$(skiff run --rm --network shop redis redis-cli -h db get key2)" = value2 ]
	# Another container with the same volume has it all.
	skiff rm -f db >/dev/null
	skiff run -d --name db --network shop -v numbers:/data redis >/dev/null
	wait_until ready
	[ "$(cli get count)" = 3 ]
	[ "$(stat -c %u "$SKIFF_ROOT"/volumes/numbers/_data/appendonlydir/* | sort -u)" = 1000 ]
	skiff rm -f db >/dev/null
	skiff network rm shop >/dev/null
}
