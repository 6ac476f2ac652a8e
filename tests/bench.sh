# What the scripts of make bench share. Sourced from the top of the tree, with $tool the name of the script. shellcheck shell=dash
# shellcheck disable=SC2034 # what the scripts use

PATH=$PWD/bin:$PATH:/usr/sbin:/sbin
[ "$(id -u)" = 0 ] || { echo "$tool: must be root" >&2; exit 1; }
repo=$PWD dockerd=''

have() { command -v "$1" >/dev/null; }

# use_directory: $work, with a store below it that is nobody else's, and timeit. What belongs to processes is on a
# tmpfs, as /run is elsewhere; docker's, too.
use_directory() {
	work=$1 tree=$1/tree figures=$1/figures run=$1/run
	export SKIFF_ROOT="$work/root" SKIFF_RUN="$run/skiff" DOCKER_HOST="unix://$work/docker.sock"
	mkdir "$run"
	mount -t tmpfs run "$run"
	cc -O2 -static -o "$work/timeit" tests/timeit.c
	trap clean_up EXIT
	trap 'exit 130' INT TERM
}

# make_image APPLET...: "bench", of busybox, for skiff; and $work/tree.tar, for others.
make_image() {
	mkdir -p "$tree/bin" "$tree/proc" "$tree/tmp" "$tree/etc" "$tree/sys" "$tree/dev"
	cp /bin/busybox "$tree/bin/"
	for applet; do ln -s busybox "$tree/bin/$applet"; done
	tar -C "$tree" -cf "$work/tree.tar" .
	skiff import -c 'CMD ["sh"]' "$work/tree.tar" bench >/dev/null
}

# start_dockerd OPTION...: $dockerd, its process, if there is one and it comes up; with the image, where there is one.
start_dockerd() {
	have dockerd || return 0
	dockerd --data-root "$work/docker" --exec-root "$run/docker" --pidfile "$work/docker.pid" -H "$DOCKER_HOST" "$@" \
		>"$work/docker.log" 2>&1 &
	dockerd=$!
	for _ in $(seq 100); do ! docker info >/dev/null 2>&1 || break; sleep 0.2; done
	if [ ! -e "$work/tree.tar" ] || docker import "$work/tree.tar" bench >/dev/null 2>&1; then return 0; fi
	echo "$tool: dockerd does not come up here" >&2
	stop_dockerd
	dockerd=''
}

stop_dockerd() {
	[ -n "$dockerd" ] || return 0
	docker ps -aq | xargs -r -n 50 docker rm -f >/dev/null 2>&1 || :
	kill "$dockerd" 2>/dev/null || :
	wait "$dockerd" 2>/dev/null || :
}

remove_containers() {
	skiff ps -aq --no-trunc | xargs -r -n 50 skiff rm -f >/dev/null 2>&1 || :
}

remove_directory() {
	cgset remove "$(cat "$SKIFF_ROOT/cgroup")" || :
	umount -R "$run" || :
	rm -rf "$work" 2>/dev/null || rm -rf "$work"
}

# ---- figures: "TITLE<tab>MINIMUM MEDIAN", in microseconds --------------------------

# figure TITLE COMMAND...: of $runs; the first figure of a table is what the others are held against.
figure() {
	title=$1
	shift
	if times=$("$work/timeit" "$runs" "$@" 2>"$work/error"); then
		printf '%s\t%s\n' "$title" "$times" >>"$figures"
	else
		printf '%s\t-\n' "$title" >>"$figures"
		sed 's/^/  /' "$work/error" >&2
	fi
}

# table TITLE: print the figures and forget them.
table() {
	printf '\n%-56s %9s %9s %7s\n' "$1" 'min ms' 'median' 'ratio'
	awk -F '\t' '{ split($2, t, " ") } $2 == "-" { printf "%-56s failed\n", $1; next }
		!base { base = t[2] }
		{ printf "%-56s %9.2f %9.2f %7.2f\n", $1, t[1] / 1000, t[2] / 1000, t[2] / base }' "$figures"
	: >"$figures"
}

# private PID: its private memory in kB: what one more container costs, as the program's text is shared by all of its processes.
private() {
	awk '/^Private/ { n += $2 } END { print n }' "/proc/$1/smaps_rollup"
}
