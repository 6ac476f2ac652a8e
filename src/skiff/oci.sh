# oci.sh RUNTIME DIR RUN GROUP COMMAND...: run the container in DIR by an OCI runtime, such as
# runc. A link of the chain: sh oci.sh runc ... layerfs stack --at ROOT ...
#
# To be started in a mount namespace of its own. COMMAND mounts the root file system at
# $SKIFF_RUN/root there; the bundle refers to it. What skiff asks of a link is kept: errors of
# the set-up go to descriptor 2, those of the application to 6; the process waits at the fifo
# "start", and "pid" names it. Opening the fifo leads to "runc start".
set -euf
runtime=$1 dir=$2 run=$3 group=$4
shift 4
id=${dir##*/}
bundle=$dir/bundle state=$dir/bundle/state root=$SKIFF_RUN/root
lib=${0%/*}

die() {
	printf '%s: %s\n' "$runtime" "$1" >&2
	exit "${2:-125}"
}

# readable FILE: the path of /etc/FILE of the image, or of nothing, into $readable. Nothing runs
# in the container yet, so what is no link now is none when it is read.
readable() {
	readable=$root/etc/$1
	[ ! -L "$root/etc" ] && [ ! -L "$readable" ] && [ -f "$readable" ] || readable=/dev/null
}

is_number() {
	case $1 in '' | *[!0-9]* | ??????????*) return 1 ;; esac
}

# find_group GROUP: its number into $number.
find_group() {
	number=$1
	! is_number "$1" || return 0
	readable group
	while IFS=: read -r entry _ number _; do
		[ "$entry" != "$1" ] || ! is_number "$number" || return 0
	done <"$readable"
	die "no such group in the image: '$1'"
}

# find_user USER[:GROUP]: $uid, $gid and $groups, by the rules of lockdown(1).
find_user() {
	uid=0 gid=0 found=''
	[ -n "$1" ] || return 0
	wanted=${1%%:*}
	! is_number "$wanted" || uid=$wanted found=number
	readable passwd
	while IFS=: read -r entry _ entry_uid entry_gid _; do
		is_number "$entry_uid" && is_number "$entry_gid" || continue
		if [ "$entry" = "$wanted" ] || [ "$entry_uid $found" = "$wanted number" ]; then
			uid=$entry_uid gid=$entry_gid wanted=$entry found=name
			break
		fi
	done <"$readable"
	[ -n "$found" ] || die "no such user in the image: '$wanted'"
	case $1 in
	*:*)
		find_group "${1#*:}"
		gid=$number
		return
		;;
	esac
	readable group
	while IFS=: read -r entry _ number members; do
		case ,$members, in *,"$wanted",*) ! is_number "$number" || groups=$groups,$number ;; esac
	done <"$readable"
}

# The user namespace's root must be able to reach the root file system, but not what others
# keep in $SKIFF_RUN: something empty takes its place here. Our directory stays the current one.
mkdir -p "$bundle" "$run"
cd "$run"
[ -p start ] || mkfifo -m 600 start
rm -rf "$state"
mount -t tmpfs -o mode=711 tmpfs "$SKIFF_RUN"
mkdir "$root"
"$@" || exit 125

user='' groups='' seccomp=/dev/null
while IFS= read -r word; do
	case $word in
	--seccomp)
		seccomp=$dir/seccomp.json
		[ -s "$seccomp" ] || die "no system call filter: $seccomp is missing"
		;;
	--user) IFS= read -r user ;;
	--group-add)
		IFS= read -r word
		find_group "$word"
		groups=$groups,$number
		;;
	esac
done <"$dir/lockdown"
find_user "$user"

set --
for file in annotations argv cgset env hostname idmap lockdown network tty unshare-run; do
	path=$dir/$file
	[ -e "$path" ] || path=/dev/null
	case $file in unshare-run) file=unshare_run ;; esac
	set -- "$@" --rawfile "$file" "$path"
done
jq -n -f "$lib/bundle.jq" "$@" --slurpfile seccomp "$seccomp" --argjson cpus "$(nproc --all)" --arg root "$root" --arg dir "$dir" --arg cgroup "$group" \
	--argjson uid "$uid" --argjson gid "$gid" --argjson groups "[${groups#,}]" >"$bundle/config.json" ||
	die "cannot make the bundle"

set -- cgset set
while IFS= read -r word; do set -- "$@" "$word"; done <"$dir/cgset"
"$@" "$group" || exit 125

create() {
	"$runtime" --root "$state" --log "$bundle/log" create --bundle "$bundle" --pid-file "$bundle/pid" "$id" \
		2>&6 3<&- 4<&- 5<&- 6<&-
}

# Runtimes give their standard input to the container's user; crun does so even with the host's
# /dev/null. A pipe at its end is as good.
if [ /dev/stdin -ef /dev/null ]; then : | create; else create; fi || {
	read -r message <"$bundle/log" || message='cannot create the container'
	case $message in
	*'executable file'*'not found'* | *'no such file or directory'*) die "$message" 127 ;;
	*'ermission denied'*) die "$message" 126 ;;
	*) die "$message" ;;
	esac
}
read -r pid <"$bundle/pid" || [ -n "$pid" ]
read -r stat <"/proc/$pid/stat"
stat=${stat##*) }
start=$(printf '%s' "$stat" | cut -d ' ' -f 20)

# Whoever has descriptor 2 open is still setting up; the others are the container's.
{
	: <start
	"$runtime" --root "$state" --log "$bundle/log" start "$id" || kill -KILL "$pid"
} </dev/null >/dev/null 3<&- 4<&- 5<&- 6<&- &
printf '%s %s\n' "$pid" "$start" >.pid
mv .pid pid
