# What doctor asks of the kernel and of who has started it. Sourced by verbs/doctor.

host_only='containers start with --userns=host only, and their root is that of this machine'

# The range of user IDs that the trials have: the last one that a container may get (see root.sh).
trial_map=0:$((1073741824 + 12287 * 65536)):65536

# look_at_machine: where are we? $inside is the container, if it is one: remedies are outside then.
look_at_machine() {
	inside='' place=$(uname -m)
	if [ -n "${CODESPACES:-}" ]; then inside='a Codespace'
	elif [ -e /.dockerenv ]; then inside='a container of docker or skiff'
	elif [ -e /run/.containerenv ]; then inside='a container of podman'
	elif tr '\0' '\n' 2>/dev/null </proc/1/environ | grep -q '^container='; then inside='a container'
	fi
	[ -z "$inside" ] || place="$place, inside $inside"
	system=''
	while IFS='=' read -r key value; do
		[ "$key" != PRETTY_NAME ] || system=${value#\"} system=${system%\"}
	done 2>/dev/null </etc/os-release || :
	value_of /proc/version
	case $value in
	*[Mm]icrosoft*WSL2* | *WSL2*) place="$place, WSL2" ;;
	*Microsoft*)
		row missing machine "$place, WSL1: no Linux kernel" 'there are no containers' 'in Windows: wsl --set-version NAME 2'
		return
		;;
	esac
	row ok machine "${system:+$system, }$place"
	row ok kernel "$(uname -r)"
}

# is_chroot: is / no mount, or not that of the first process?
is_chroot() {
	! grep -q '^[^ ]* [^ ]* [^ ]* [^ ]* / ' /proc/self/mountinfo || { [ -d /proc/1/root/. ] && ! [ / -ef /proc/1/root/. ]; }
}

# outside REMEDY TEXT: the remedy, or, in a container, TEXT, which is for who runs that.
outside() {
	remedy=$1
	[ -z "$inside" ] || remedy="run this container with $2"
}

# has_capability NUMBER: do we have it?
has_capability() {
	[ $((0x$effective >> $1 & 1)) -eq 1 ]
}

# look_at_rights: root, and what root may do here.
look_at_rights() {
	is_root='' effective=0
	while read -r key value; do
		[ "$key" != CapEff: ] || effective=$value
	done </proc/self/status
	if [ "$(id -u)" -ne 0 ]; then
		row missing root "user $(id -u)" 'mounts, control groups and the store are for root; most of the checks, too' \
			'sudo skiff doctor'
		return
	fi
	is_root=true lacks=''
	for capability in 0-CHOWN 1-DAC_OVERRIDE 3-FOWNER 5-KILL 6-SETGID 7-SETUID 8-SETPCAP 18-SYS_CHROOT 21-SYS_ADMIN \
		27-MKNOD 31-SETFCAP; do
		has_capability "${capability%-*}" || lacks="$lacks ${capability#*-}"
	done
	if [ -n "$lacks" ]; then
		outside 'start the shell that you use without that limit' --privileged
		row missing root "without the capabilities$lacks" 'containers cannot be made' "$remedy"
	else
		row ok root 'with all capabilities that skiff needs'
	fi
}

look_at_kernel() {
	if is_chroot; then
		row missing 'root directory' 'a chroot' 'in it the kernel makes no user namespaces, and containers cannot be made' \
			'start skiff outside of it'
		return
	fi
	if [ -n "$is_root" ]; then
		look_at_namespaces
		look_at_user_namespaces
		look_at_seccomp
	fi
	look_at_ordinary_users
	look_at_namespace_limits
	look_at_security_modules
}

look_at_seccomp() {
	if try lockdown --seccomp "$share/default.bpf" "$share/init" --help; then
		row ok seccomp 'the default filter is taken'
	else
		outside 'a kernel with CONFIG_SECCOMP_FILTER' --privileged
		row missing seccomp "$said" 'containers cannot have their system calls filtered, and do not start' "$remedy"
	fi
}

# look_at_namespaces: each kind is made; one of the network takes CAP_NET_ADMIN where it is made.
look_at_namespaces() {
	made='' refused='' why=''
	for kind in mount uts ipc net pid cgroup time; do
		if try unshare-run "--$kind" "$share/init" --help ||
			{ [ "$kind" = net ] && try unshare-run --net --user --map "$trial_map" --carry "$share/init" --help; }; then
			made="$made $kind"
		elif [ "$kind" != time ]; then # it came with Linux 5.6, and is left out where it is missing
			refused="$refused $kind" why=$said
		fi
	done
	if [ -n "$refused" ]; then
		outside 'a kernel with these' --privileged
		row missing namespaces "not made:$refused ($why)" 'containers cannot be made' "$remedy"
	else
		row ok namespaces "made:$made"
	fi
}

# look_at_user_namespaces: what runs in them is carried, as its user may have no way to our own directory.
look_at_user_namespaces() {
	if try unshare-run --user --map "$trial_map" --carry "$share/init" --help; then
		row ok 'user namespaces' 'made, with 65536 IDs of their own'
		return
	fi
	result=$said
	value_of /proc/sys/user/max_user_namespaces
	if [ "$value" = 0 ]; then
		remedy='sysctl -w user.max_user_namespaces=10000'
	elif try unshare-run --user --map 0:0:1 --carry "$share/init" --help; then
		remedy='start skiff outside this user namespace, which does not have these IDs'
	else
		outside 'a kernel with CONFIG_USER_NS' --privileged
	fi
	row warning 'user namespaces' "$result" "$host_only" "$remedy"
}

# look_at_ordinary_users: what bars them from user namespaces. Root is not concerned, a course is.
look_at_ordinary_users() {
	for key in kernel.unprivileged_userns_clone=0 kernel.apparmor_restrict_unprivileged_userns=1; do
		name=${key%=*} bad=${key#*=}
		value_of "/proc/sys/kernel/${name#kernel.}"
		[ "$value" != "$bad" ] || row warning 'user namespaces of users' "$name=$value" \
			"skiff, which is root, is not concerned; 'unshare -U' of an ordinary user is refused" "sysctl -w $name=$((1 - bad))"
	done
}

# look_at_namespace_limits: each container takes one of each kind.
look_at_namespace_limits() {
	least='' which=''
	for kind in user mnt uts ipc net pid cgroup; do
		value_of "/proc/sys/user/max_${kind}_namespaces"
		[ -n "$value" ] || continue
		[ -n "$least" ] && [ "$value" -ge "$least" ] || least=$value which=user.max_${kind}_namespaces
	done
	if [ -z "$least" ]; then :
	elif [ "$least" -lt 256 ]; then
		row warning 'number of namespaces' "$which=$least" 'at most that many containers run at a time' \
			"sysctl -w $which=10000"
	else
		row ok 'number of namespaces' "up to $least of a kind"
	fi
}

look_at_security_modules() {
	value_of /sys/fs/selinux/enforce
	[ "$value" != 1 ] || row warning SELinux enforcing \
		'containers are not labelled, and may be refused what skiff allows' 'setenforce 0, while you learn'
	value_of /sys/module/apparmor/parameters/enabled
	[ "$value" = Y ] || return 0
	# (A module that has no profile for us answers with an error.)
	profile=$(tr -d '\0' 2>/dev/null </proc/self/attr/current) || profile=unconfined
	case $profile in
	unconfined | '') row ok AppArmor unconfined ;;
	*'(complain)') row ok AppArmor "$profile" ;;
	*)
		outside "aa-complain ${profile% (*}" '--security-opt apparmor=unconfined'
		row warning AppArmor "confined by $profile" 'it may refuse mounts, see below' "$remedy"
		;;
	esac
}
