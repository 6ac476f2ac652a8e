# What doctor asks of control groups. Sourced by verbs/doctor.

# group_works LIMIT...: can a process be put into a group that is limited so? (The group goes again.)
group_works() {
	try cgset run "$@" "$trial_group" "$share/init" --help && works=true || works=''
	cgset remove "$trial_group" >/dev/null 2>&1 || :
	[ -n "$works" ]
}

look_at_groups() {
	kind='cgroup v1'
	if [ -e /sys/fs/cgroup/cgroup.controllers ]; then kind='cgroup v2'
	elif [ -e /sys/fs/cgroup/unified/cgroup.procs ]; then kind='cgroup v1 and v2 (hybrid)'
	fi
	if ! group_works; then
		outside 'mount -t cgroup2 cgroup2 /sys/fs/cgroup, if there is none' '--privileged, or -v /sys/fs/cgroup:/sys/fs/cgroup'
		row missing 'control groups' "$said" 'containers cannot be made' "$remedy"
		return
	fi
	limits=''
	limit pids missing 'a container has at most 2048 processes, and does not start if that cannot be said' --pids 2048
	limit devices missing 'a container has only some devices, and does not start if that cannot be said' --device default
	limit memory warning '--memory is refused' --memory 64m
	limit cpu warning '--cpus is refused' --cpus 0.5
	limit cpuset warning '--cpuset-cpus is refused' --cpuset-cpus "$(first_cpu)"
	if cgset set "$trial_group" 2>/dev/null && try cgset freeze "$trial_group"; then
		cgset thaw "$trial_group" 2>/dev/null || :
		limits="$limits freezer"
	else
		row warning 'control groups: freezer' "$said" "'skiff pause' is refused" \
			'a kernel with cgroup v2, or with the freezer of v1'
	fi
	cgset remove "$trial_group" 2>/dev/null || :
	row ok 'control groups' "$kind; limits:${limits:- none}"
}

# limit NAME STATUS CONSEQUENCE LIMIT...: if it cannot be set, a row of that status says so.
limit() {
	name=$1 status=$2 consequence=$3
	shift 3
	if group_works "$@"; then
		limits="$limits $name"
		return
	fi
	remedy="a kernel with the controller $name, mounted or delegated to this group"
	case $said in *subtree_control*)
		# "No internal processes": the root of a container's control group namespace has all of its processes.
		remedy='mkdir /sys/fs/cgroup/all && while read -r p; do echo $p >/sys/fs/cgroup/all/cgroup.procs; done </sys/fs/cgroup/cgroup.procs'
		[ -z "$inside" ] || remedy="$remedy; or run this container with --cgroupns=host"
		;;
	*)
		case $name in memory) remedy="$remedy; on a Raspberry Pi cgroup_enable=memory in cmdline.txt" ;; esac
		;;
	esac
	row "$status" "control groups: $name" "$said" "$consequence" "$remedy"
}

# first_cpu: one that we may use.
first_cpu() {
	while read -r key value; do
		[ "$key" != Cpus_allowed_list: ] || printf '%s\n' "${value%%[-,]*}"
	done </proc/self/status
}
