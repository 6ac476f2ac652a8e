#!/bin/sh
# make picture: docs/show.svg, what skiff show makes of a small web server and a container beside it. In a store of
# its own, which is gone afterwards, with its network.
set -eu
cd "$(dirname "$0")/.."
PATH=$PWD/bin:$PATH
[ "$(id -u)" = 0 ] || { echo 'make picture needs root: sudo make picture' >&2; exit 1; }
place=$(mktemp -d)
SKIFF_ROOT=$place/store SKIFF_RUN=$place/run
export SKIFF_ROOT SKIFF_RUN

clean_up() {
	skiff rm -f web log >/dev/null 2>&1 || :
	for network in "$SKIFF_ROOT"/networks/*/bridge; do
		[ ! -e "$network" ] || netup down "${network%/bridge}" || :
	done
	if [ -e "$SKIFF_ROOT/cgroup" ]; then
		read -r group <"$SKIFF_ROOT/cgroup"
		cgset remove "$group" || :
		nft delete table inet "$group" 2>/dev/null || :
	fi
	rm -rf "$place"
}
trap clean_up EXIT
trap 'exit 130' INT TERM

mkdir -p "$place/tree/bin" "$place/tree/tmp" "$place/tree/var"
cp /bin/busybox "$place/tree/bin"
for applet in $(busybox --list); do
	[ "$applet" = busybox ] || ln -s busybox "$place/tree/bin/$applet"
done
tar -C "$place/tree" -c . | skiff import - busybox >/dev/null
mkdir "$place/boats"
# Something to see in the bars: memory, and a worker that is busy a part of the time.
cat >"$place/boats/worker" <<'END'
#!/bin/sh
while sleep 0.05; do i=0; while [ $i -lt 40000 ]; do i=$((i + 1)); done; done
END
cat >"$place/boats/start" <<'END'
#!/bin/sh
head -c 20000000 /dev/zero >/dev/shm/cache
worker &
exec httpd -f -p 80 -h /www
END
chmod 755 "$place/boats/worker" "$place/boats/start"
cat >"$place/boats/Dockerfile" <<'END'
FROM busybox
RUN seq 700000 >/bin/library
RUN mkdir /www && seq 50000 >/www/boats.txt
RUN echo '<h1>Boats</h1>' >/www/index.html
COPY worker start /bin/
EXPOSE 80
CMD ["start"]
END
skiff build -q -t boats "$place/boats" >/dev/null
skiff network create boats >/dev/null
skiff run -d --name web --network boats -p 127.0.0.1:8080:80 -m 64m --cpus 0.5 boats >/dev/null
skiff run -d --name log --network container:web busybox sleep 1000 >/dev/null
sleep 3
skiff show --svg docs/show.svg web
