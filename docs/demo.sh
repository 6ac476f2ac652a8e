#!/bin/sh
# make demo: an image from Debian's static busybox, a container from it, and a
# look at what it is made of. Every command is printed before it runs.
set -eu
cd "$(dirname "$0")/.."
PATH=$PWD/bin:$PATH
[ "$(id -u)" = 0 ] || { echo 'make demo needs root: sudo make demo' >&2; exit 1; }
name=demo-$$

step() { printf '\n\033[1m%s\033[0m\n' "$*"; }
[ -t 1 ] || step() { printf '\n%s\n' "$*"; }

# run COMMAND...: print it as one would type it, and run it.
run() {
	line='#'
	for word in "$@"; do
		case $word in *[!A-Za-z0-9_./:=-]*) word="'$word'" ;; esac
		line="$line $word"
	done
	printf '%s\n' "$line"
	"$@"
}

tree=$(mktemp -d)
trap 'rm -rf "$tree"; skiff rm -f "$name" >/dev/null 2>&1 || :' EXIT
trap 'exit 130' INT TERM

step 'An image is a tar of a root file system, and a little JSON.'
chmod 755 "$tree"
mkdir -p "$tree/bin" "$tree/etc" "$tree/root" "$tree/tmp"
cp /bin/busybox "$tree/bin/"
busybox --list | while read -r applet; do ln -sf busybox "$tree/bin/$applet"; done
rm -f "$tree/bin/busybox" && cp /bin/busybox "$tree/bin/busybox"
echo 'root:x:0:0:root:/root:/bin/sh' >"$tree/etc/passwd"
echo 'root:x:0:' >"$tree/etc/group"
tar -C "$tree" -cf "$tree.tar" .
run skiff import --change 'CMD ["sh"]' "$tree.tar" busybox
rm -f "$tree.tar"
run skiff images

step 'A container is a process that has been told less, and may do less.'
run skiff run --rm busybox sh -c 'echo "I am PID $$ on $(hostname), user $(id -un)"'

step 'These are the commands that skiff run is made of (skiff run --explain):'
skiff run --explain --name "$name" --memory 64m busybox sleep 100

step 'The same, and now look at it from both sides.'
run skiff run --detach --name "$name" --memory 64m busybox sleep 100
run skiff ps
pid=$(skiff inspect "$name" | jq '.[0].State.Pid')
id=$(skiff inspect "$name" | jq -r '.[0].Id')

step 'Inside it is PID 1 and root; outside it is neither.'
run skiff exec "$name" ps
run skiff exec "$name" id
run ps -o pid,ppid,uid,args -p "$pid"
echo "# cat /proc/$pid/uid_map        (root inside, a user outside that owns nothing)"
cat "/proc/$pid/uid_map"

step 'Its namespaces are not ours:'
for ns in cgroup ipc mnt net pid time user uts; do
	printf '%-7s here %s, there %s\n' "$ns" "$(readlink "/proc/self/ns/$ns")" "$(readlink "/proc/$pid/ns/$ns")"
done

step 'Its control group holds it to 64 MB:'
group=$(skiff inspect "$name" | jq -r '.[0].HostConfig.CgroupParent')
run cgset stat "$group/$id" memory.current memory.max pids.current
step 'Its root is an overlay; what it writes is in the upper directory:'
run skiff exec "$name" sh -c 'echo "written inside" >/root/note'
run skiff exec "$name" grep ' / ' /proc/mounts
upper=$(skiff inspect "$name" | jq -r '.[0].GraphDriver.Data.UpperDir')
run ls -ln "$upper/root"
run skiff rm --force "$name"
echo
echo 'Next: sudo bin/skiff run --rm -it busybox; sudo bin/lesson list; skiff help.'
