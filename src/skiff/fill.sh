# fill.sh VOLUME PATH: give the empty volume in the directory VOLUME what the image has at PATH.
# A link of a chain: layerfs stack --fd 8 LAYER... -- sh fill.sh VOLUME PATH
#
# Once only, and whole: one at a time may, by a lock on VOLUME. What is copied is made in
# VOLUME/.content.PID, becomes VOLUME/content when it is whole, and from there its entries are
# renamed into _data, which a container may have mounted already. Who is killed before that has
# changed nothing; after it anybody can go on: without PATH that is all that is done.
#
# Devices are left out: the mount of a volume lets them work, other than that of the image.
#
# PATH is looked up inside the image only: that is what root-tar is for (CVE-2022-23648).
set -euf
volume=$1 path=$2

# copy: both ends of the pipe must be right.
copy() {
	failed=$({
		{ root-tar get --if-there fd:8 "$path/." || echo get >&3; } |
			root-tar put --copy --owners --no-devices "$volume" "$1" >/dev/null || echo put >&3
	} 3>&1)
	[ -z "$failed" ]
}

# Who is about to remove a volume sets it aside, sees that we use it, and puts it back.
tries=0
until { command exec 9<"$volume"; } 2>/dev/null; do
	tries=$((tries + 1))
	[ $tries -lt 100 ] || { echo "fill: $volume: no such volume" >&2; exit 1; }
	sleep 0.01
done
flock 9
set +f
rm -rf "$volume"/.content.* # of those who were killed
set -f
if [ ! -d "$volume/content" ]; then
	[ -n "$path" ] && [ -z "$(find "$volume/_data" -mindepth 1 -maxdepth 1 -print -quit)" ] || exit 0
	copy ".content.$$" || exit
	[ -d "$volume/.content.$$" ] || exit 0 # the image has nothing there
	mv -T "$volume/.content.$$" "$volume/content"
fi
# What is there already was written by a container.
find "$volume/content" -mindepth 1 -maxdepth 1 -exec mv -n -t "$volume/_data" '{}' +
cp -aT --attributes-only "$volume/content" "$volume/_data"
rm -rf "$volume/content"
