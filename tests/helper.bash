# Shared by every test file: load helper
# The tools under test come first on PATH; each test has a directory of its own.

REPO=$(cd "${BASH_SOURCE[0]%/*}/.." && pwd -P)
PATH=${SKIFF_BIN:-$REPO/bin}:$PATH:/usr/sbin:/sbin
[ -z "${NO_NETWORK:-}" ] || PATH=$NO_NETWORK:$PATH # see without_network
export REPO PATH
export LC_ALL=C.UTF-8
[ -z "${BATS_VERSION:-}" ] || bats_require_minimum_version 1.5.0

# fail MESSAGE: end the test, say why.
fail() {
	printf '%s\n' "$*" >&2
	return 1
}

# in_time: each setup begins with it. Past the deadline of the run (see tests/run) a test is skipped before it begins.
in_time() {
	[ -n "${TEST_DEADLINE:-}" ] && [ "$EPOCHSECONDS" -ge "$TEST_DEADLINE" ] || return 0
	teardown() { :; } # of what is not set up
	skip 'out of time'
}
setup() { in_time; }

# host_state: of the directories of this machine that an attack is likeliest to hit. It must not change.
host_state() { stat -c '%n %a %u:%g' / /bin /boot /dev /etc /home /root /tmp /usr /var /var/tmp /etc/passwd /etc/shadow; }

# expect STATUS COMMAND...: run it, check the status, show what it said if not.
expect() {
	local want=$1
	shift
	[ "$want" -ne 127 ] || set -- -127 "$@" # else bats warns of a command not found
	run "$@"
	[ "$status" -eq "$want" ] || fail "status $status, expected $want: $* -- $output"
}

# wait_until COMMAND...: poll until it succeeds, 10 s at most (SLOW scales this).
wait_until() {
	local n=$((100 * ${SLOW:-1}))
	until "$@"; do
		n=$((n - 1))
		[ $n -gt 0 ] || fail "timed out waiting for: $*" || return
		sleep 0.1
	done
}

# A chain: the direct child leaves a grandchild for the shim, says so in a file, and ends.
# CLONE_PARENT makes it the shim's child, as unshare-run does.
chain_like() {
	cat >chain.py <<'PYTHON'
import ctypes, os, sys
run, script = sys.argv[1], sys.argv[2]
libc = ctypes.CDLL(None, use_errno=True)
r, w = os.pipe()
pid = libc.syscall(56, 0x8000 | 17, 0, 0, 0, 0)  # clone(CLONE_PARENT | SIGCHLD)
if pid == 0:
    os.close(r)
    os.set_inheritable(w, False)
    os.execvp("sh", ["sh", "-c", script, run])
os.close(w)
start = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()[19]
with open(run + "/pid.new", "w") as f:
    f.write(f"{pid} {start}\n")
os.rename(run + "/pid.new", run + "/pid")
os._exit(0)
PYTHON
}

# ---- the front end -----------------------------------------------------------

# skiff ARG...: never longer than 30 s; the descriptors of bats stay here, or bats would
# wait for every shim that holds them. On the machine MACHINE, if that is set: see network.bash.
skiff() {
	${MACHINE:+on "$MACHINE"} timeout -s KILL "${LIMIT:-$((30 * ${SLOW:-1}))}" skiff "$@" 3>&- 4>&-
}

# applets DIR NAME...: links to the busybox there. A tree can have hundreds: one process.
applets() { perl -e 'chdir shift or die; symlink "busybox", $_ or die "$_: $!" for @ARGV' "$@"; }

# busybox_tree DIR: a root file system of busybox and its applets.
busybox_tree() {
	mkdir -p "$1"/{bin,etc,root,tmp,var,usr/bin,usr/sbin,sbin,home/ann} || return
	chmod 1777 "$1/tmp" && cp /bin/busybox "$1/bin/busybox" || return
	# shellcheck disable=SC2046
	applets "$1/bin" $(/bin/busybox --list | grep -vx busybox) || return
	printf '%s\n' root:x:0:0:root:/root:/bin/sh ann:x:1000:1000::/home/ann:/bin/sh >"$1/etc/passwd"
	printf '%s\n' root:x:0: ann:x:1000: crew:x:2000:ann >"$1/etc/group"
	chown 1000:1000 "$1/home/ann"
}

# without_network: tests of other things leave the network of this machine alone: their containers
# have none unless they ask for one.
without_network() {
	export NO_NETWORK=$BATS_FILE_TMPDIR/bin
	mkdir "$NO_NETWORK"
	cat >"$NO_NETWORK/skiff" <<-END
		#!/bin/sh
		at=0 left=\$#
		for word in "\$@"; do
			at=\$((at + 1))
			case \$word in -x | container) continue ;; run | create) ;; *) at=0 ;; esac
			break
		done
		case " \$*" in *' --net'*) at=0 ;; esac
		while [ \$left -gt 0 ]; do # each word behind the others, and --network none behind the verb
			set -- "\$@" "\$1"
			shift
			left=\$((left - 1)) at=\$((at - 1))
			[ \$at -ne 0 ] || set -- "\$@" --network none
		done
		exec '${SKIFF_BIN:-$REPO/bin}/skiff' "\$@"
	END
	chmod +x "$NO_NETWORK/skiff"
	PATH=$NO_NETWORK:$PATH
}

# skiff_setup_file: a store of its own for this file, with the image "busybox".
skiff_setup_file() {
	[ -n "${MACHINE:-}" ] || without_network
	export SKIFF_ROOT=$BATS_FILE_TMPDIR/root SKIFF_RUN=$BATS_FILE_TMPDIR/run
	busybox_tree "$BATS_FILE_TMPDIR/tree" || return
	tar -C "$BATS_FILE_TMPDIR/tree" -c . | skiff import -c 'CMD ["sh"]' - busybox >/dev/null || return
	GROUP=$(cat "$SKIFF_ROOT/cgroup") # the control group above those of this store
	export GROUP
}

# skiff_teardown_file: everything is removed, and then nothing may be left.
skiff_teardown_file() {
	local ids
	ids=$(skiff ps -aq --no-trunc)
	# shellcheck disable=SC2086
	[ -z "$ids" ] || skiff rm -f $ids >/dev/null
	nothing_left
}

# nothing_left: no containers, names, id ranges, mounts, processes or control
# groups of this store.
nothing_left() {
	local place id left=''
	for place in "$SKIFF_ROOT/containers" "$SKIFF_ROOT/names" "$SKIFF_ROOT/idmaps"; do
		[ -z "$(ls -A "$place")" ] || left="$left; $place: $(ls -A "$place")"
	done
	for place in "$SKIFF_RUN"/*; do
		case ${place##*/} in *[!0-9a-f]* | '*') ;; *) left="$left; $place" ;; esac
	done
	! grep -q " $SKIFF_ROOT" /proc/self/mountinfo || left="$left; mounts"
	place=$(processes_of_store)
	[ -z "$place" ] || left="$left; processes: $place"
	place=$(find /sys/fs/cgroup -mindepth 2 -path "*/$GROUP/*" -type d 2>/dev/null || true)
	[ -z "$place" ] || left="$left; control groups: $place"
	[ -z "$left" ] || fail "left behind$left" || return
	cgset remove "$GROUP"
}

# processes_of_store: whose command line names this store: shims and their like.
processes_of_store() {
	local file
	# shellcheck disable=SC2062 # no pattern: that is in the file
	grep -lsaF --file=- /proc/[0-9]*/cmdline <<<"$SKIFF_RUN" | while read -r file; do
		tr '\0' ' ' <"$file" | cut -c 1-150 || true
	done 2>/dev/null
}
