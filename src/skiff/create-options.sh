# The options of create and run: their help text, from which the options are read, and the
# variables that they become. Sourced by create.sh.

create_usage='
Options:
      --add-host NAME:ADDRESS       Add a line to /etc/hosts; host-gateway is the host
  -a, --attach STREAM               Connect only this one, stdin, stdout or stderr, to run
      --annotation NAME=VALUE       Note for an OCI runtime; also shown by inspect
      --blkio-weight WEIGHT         Block I/O weight, 10 to 1000
      --cap-add CAP                 Add a capability, or ALL
      --cap-drop CAP                Drop a capability, or ALL
      --cgroupns MODE               Control groups that it sees: private (default) or host
      --cidfile FILE                Write the container ID to FILE
      --cpu-period MICROSECONDS     Period of the CPU quota
      --cpu-quota MICROSECONDS      CPU time in each period
  -c, --cpu-shares WEIGHT           CPU weight against other containers (default 1024)
      --cpus NUMBER                 CPUs that may be used, such as 1.5
      --cpuset-cpus LIST            CPUs to run on, such as 0-3,5
      --cpuset-mems LIST            Memory nodes to use
      --device HOST[:PATH[:rwm]]    Give the container a device of the host, or all in a directory;
                                    or, as VENDOR.COM/CLASS=NAME, what a CDI file says of it
      --device-read-bps DEV:RATE    Limit reading from a block device, bytes a second
      --device-write-bps DEV:RATE   Limit writing to a block device, bytes a second
      --device-read-iops DEV:RATE   Limit reading, operations a second
      --device-write-iops DEV:RATE  Limit writing, operations a second
      --dns ADDRESS                 Ask this name server
      --dns-option OPTION           Option of resolv.conf
      --dns-search DOMAIN           Search names in this domain too; . for none
      --domainname NAME             Domain of the host name
      --entrypoint COMMAND          Run this in place of the ENTRYPOINT of the image
  -e, --env NAME[=VALUE]            Set an environment variable
      --env-file FILE               Read environment variables from FILE
      --explain                     Print the commands that would do it, and do nothing
      --expose PORT[/PROTO]         Note a port, or a range of them, for -P
      --gpus GPUS                   all, a number of them, or device=NAME[,NAME...]
      --group-add GROUP             Add a supplementary group
      --health-cmd COMMAND          Check the health by this command, run by a shell
      --health-interval TIME        Time between checks (default 30s)
      --health-retries NUMBER       Failures in a row that mean unhealthy (default 3)
      --health-start-interval TIME  Time between checks in the start period (default 5s)
      --health-start-period TIME    Time in which failures do not count (default 0s)
      --health-timeout TIME         Most time that a check may take (default 30s)
  -h, --hostname NAME               Host name (default: the first 12 digits of the ID)
      --init                        Run a small init as PID 1 that reaps and forwards signals
  -i, --interactive                 Keep standard input open
      --ip ADDRESS                  IPv4 address on the network
      --ip6 ADDRESS                 IPv6 address on the network
      --ipc MODE                    System V IPC, message queues and /dev/shm: private (default)
                                    or host
      --link NAME[:ALIAS]           Name of another container in /etc/hosts, for old scripts
      --link-local-ip ADDRESS       One more address on the network
  -l, --label NAME[=VALUE]          Set a label
      --label-file FILE             Read labels from FILE
      --log-driver NAME             none: no log; json-file and local mean the one that there is
      --log-opt NAME=VALUE          max-size=SIZE and max-file=N of the log (10m, 5)
      --mac-address MAC             Ethernet address on the network
  -m, --memory SIZE                 Memory limit, such as 512m
      --memory-reservation SIZE     Memory soft limit
      --memory-swap SIZE            Memory plus swap; -1: unlimited swap
      --mount TYPE,KEY=VALUE,...    Mount a volume, bind or tmpfs: type=, source=, target=,
                                    readonly, bind-propagation=, bind-recursive=,
                                    volume-nocopy, volume-subpath=, volume-label=,
                                    volume-opt=, tmpfs-size=, tmpfs-mode=
      --name NAME                   Name of the container
      --net NETWORK                 The same as --network
      --network NETWORK             bridge (default), the name of a network, none, host or
                                    container:NAME; may be given again for one more
      --network-alias NAME          One more name on the network
      --no-healthcheck              No health check, even if the image has one
      --oom-score-adj NUMBER        Preference of the out-of-memory killer, -1000 to 1000
      --pid MODE                    Processes that it sees: private (default), container:NAME,
                                    or host, which needs --userns host
      --pids-limit NUMBER           Most processes at a time; -1: unlimited
      --platform PLATFORM           Platform of the image: os/arch[/variant]
      --privileged                  Give all privileges: a demonstration, not isolation
  -p, --publish PORTS               [[IP:][PORT]:]PORT[/PROTO]: lead a port of the host, or a
                                    range of them, to that of the container after it
  -P, --publish-all                 Publish all exposed ports, on ports that are free
      --pull WHEN                   Pull the image: always, missing (default) or never
  -q, --quiet                       Do not tell how pulling goes
      --read-only                   Make the root file system read-only
      --restart POLICY              Start it again when it has ended: no (default), always,
                                    unless-stopped or on-failure[:RETRIES]
      --rm                          Remove the container when it has ended
      --runtime NAME                skiff (default), or an OCI runtime: runc, crun
      --security-opt OPTION         no-new-privileges, seccomp=unconfined|FILE,
                                    systempaths=unconfined
      --shm-size SIZE               Size of /dev/shm (64m)
      --stop-signal SIGNAL          Signal of skiff stop
      --stop-timeout SECONDS        Seconds from that signal to SIGKILL (10)
      --storage-opt OPTION          size=SIZE: what the writable layer may hold; on xfs with pquota
      --sysctl NAME=VALUE           Set a namespaced kernel parameter
      --tmpfs PATH[:OPTIONS]        Mount an empty file system in memory
  -t, --tty                         Allocate a pseudo-terminal
      --ulimit NAME=SOFT[:HARD]     Set a resource limit
  -u, --user USER[:GROUP]           Run as this user: names of the image, or numbers
      --userns MODE                 host: no user namespace
      --uts MODE                    host: the host name of this machine
  -v, --volume FROM:PATH[:OPTIONS]  Mount a volume (FROM is its name) or a file or directory of
                                    the host (FROM is a path); PATH alone is a new volume.
                                    Options ro, rw, nocopy, rslave, rshared, rprivate
      --volumes-from CONTAINER[:ro] Mount all that this container mounts
  -w, --workdir DIR                 Working directory'

name='' hostname='' user='' cwd='' userns='' runtime=skiff platform='' pull=missing
cidfile='' stop_signal='' stop_timeout='' interactive='' tty='' detach='' remove='' init='' privileged='' quiet=''
domainname='' pid_mode='' ipc_mode='' uts_mode='' cgroup_mode='' annotations='' streams='' log_driver=''
entrypoint='' no_entrypoint='' seccomp=default defaults=mounts,devices,mask,readonly
restart='' health_command='' health_options='' no_health=''
slot='' looked_at='' oom_score='' limits='' rights='' root='' log_options='' mounts='' devices='' made_volumes='' gating='' gpus='' device_environment='' storage_size=''

# create_option NAME VALUE: one option. Lists of arguments are kept as lines.
create_option() {
	case $2 in
	*"$nl"*) case $1 in env | label | entrypoint | health-cmd) ;; *) usage_error "newline in --$1" ;; esac ;;
	esac
	case $1 in
	cpus) case $2 in 0 | 0.0) ;; *) limits="$limits--$1$nl$2$nl" ;; esac ;;
	memory | memory-swap | memory-reservation | cpu-shares | cpu-quota | cpu-period | \
		cpuset-cpus | cpuset-mems | blkio-weight | device-read-* | device-write-*)
		limits="$limits--$1$nl$2$nl"
		;;
	pids-limit)
		case $2 in -[0-9]*) set -- "$1" -1 ;; esac
		limits="$limits--pids$nl$2$nl"
		;;
	cap-add | cap-drop)
		rights="$rights--$1$nl$2$nl"
		gating="$gating--$1$nl$2$nl"
		;;
	group-add) rights="$rights--$1$nl$2$nl" ;;
	oom-score-adj)
		case ${2#-} in
		[0-9] | [1-9][0-9] | [1-9][0-9][0-9] | 1000) ;;
		*) usage_error "--oom-score-adj: -1000 to 1000, not '$2'" ;;
		esac
		oom_score=$2
		;;
	restart | health-* | no-healthcheck) supervision_option "$1" "$2" ;;
	user) user=$2 ;;
	workdir) cwd=$2 ;;
	env | env-file | label | label-file) looked_at=once ;; # environment_option writes them
	volume)
		case $2 in
		'') usage_error 'invalid empty volume spec' ;;
		*:*) mounts="${mounts}volume $2$nl" ;;
		/*) mounts="${mounts}anonymous $2$nl" ;;
		*) usage_error "invalid volume specification: '$2': the mount point must be an absolute path" ;;
		esac
		;;
	mount | tmpfs) mounts="$mounts$1 $2$nl" ;;
	volumes-from) mounts="${mounts}from $2$nl" ;;
	device) devices="$devices$2$nl" ;;
	gpus)
		. "$lib/cdi.sh"
		gpus_option "$2"
		;;
	read-only) [ "$2" = false ] || root="$root--read-only$nl" ;;
	entrypoint) entrypoint=$2 no_entrypoint=true ;;
	hostname) hostname=$2 ;;
	domainname) domainname=$2 ;;
	annotation)
		case $2 in
		=*) usage_error "invalid argument \"$2\" for \"--annotation\" flag: no name" ;;
		*=*) annotations="$annotations$2$nl" ;;
		*) annotations="$annotations$2=$nl" ;;
		esac
		;;
	interactive) interactive=${2#false} ;;
	tty) tty=${2#false} ;;
	rm) remove=${2#false} ;;
	init) init=${2#false} ;;
	privileged) privileged=${2#false} ;;
	quiet) quiet=${2#false} ;;
	name | userns | runtime | platform | cidfile | pid | ipc | uts | cgroupns) set_scalar "$1" "$2" ;;
	add-host | dns | dns-* | expose | ip | ip6 | link | link-local-ip | mac-address | net | network | network-alias | \
		publish | publish-all)
		network_option "$1" "$2"
		;;
	pull)
		case $2 in always | missing | never) pull=$2 ;; *) usage_error "--pull: always, missing or never, not '$2'" ;; esac
		;;
	stop-signal) stop_signal=$2 ;;
	storage-opt)
		case $2 in size=?*) storage_size=${2#size=} ;; *) usage_error "--storage-opt: size=SIZE, not '$2'" ;; esac
		;;
	stop-timeout)
		case $2 in -1) ;; '' | *[!0-9]*) usage_error "--stop-timeout: not a number of seconds: '$2'" ;; esac
		stop_timeout=$2
		;;
	attach | log-* | security-opt | shm-size | sysctl | ulimit)
		use rare-options.sh
		rare_option "$1" "$2"
		;;
	esac
}

set_scalar() {
	case $1 in
	name) name=${2#/} ;; # as inspect has it
	userns) userns=$2 ;;
	runtime) runtime=$2 ;;
	platform) set_platform "$2" ;;
	cidfile) cidfile=$2 ;;
	pid) pid_mode=${2#private} ;;
	ipc) ipc_mode=${2#private} ;;
	uts) uts_mode=$2 ;;
	cgroupns) cgroup_mode=${2#private} ;;
	esac
}

# check_options: what can be refused before anything is made.
check_options() {
	[ -z "$name" ] || check_name "$name"
	case $hostname in -* | *[!A-Za-z0-9._-]*) die "invalid host name '$hostname'" ;; esac
	[ ${#hostname} -le 64 ] || die "host name longer than 64 characters"
	case $domainname in -* | *[!A-Za-z0-9._-]*) die "invalid domain name '$domainname'" ;; esac
	[ ${#domainname} -le 64 ] || die "domain name longer than 64 characters"
	check_network
	case $userns in '' | host | private) ;; *) die "--userns: host or private, not '$userns'" ;; esac
	case $cwd in '' | /*) ;; *) die "the working directory '$cwd' is invalid, it needs to be an absolute path" ;; esac
	check_supervision
	if [ -n "$stop_signal" ]; then
		use control.sh
		check_signal "$stop_signal"
	fi
	if [ -n "$storage_size" ]; then
		. "$lib/storage.sh"
		check_storage
	fi
	[ -z "$cidfile" ] || [ ! -e "$cidfile" ] ||
		die "container ID file found, make sure the other container isn't running or delete $cidfile"
	if [ "$runtime" != skiff ]; then
		case $runtime in -* | */*) die "--runtime: the name of a program, not '$runtime'" ;; esac
		command -v "$runtime" >/dev/null || die "no OCI runtime '$runtime' on PATH"
		[ -z "$tty$privileged" ] || die "--runtime $runtime: not with -t or --privileged"
		case $network in container:*) die "--runtime $runtime: not with --network container:NAME" ;; esac
	fi
	if [ -n "$privileged" ]; then
		userns=host defaults=mounts seccomp=unconfined
		rights="$rights--privileged$nl" root="--rw-sys$nl--all-devices$nl$root"
	fi
	check_sharing
}

# check_sharing: the namespaces that it is to have in common with others.
check_sharing() {
	case $ipc_mode in
	'' | host) ;;
	*) die "--ipc: private or host, not '$ipc_mode' (another container's /dev/shm is in its own mount namespace)" ;;
	esac
	case $cgroup_mode in '' | host) ;; *) die "--cgroupns: private or host, not '$cgroup_mode'" ;; esac
	case $uts_mode in
	'') ;;
	host) [ -z "$hostname$domainname" ] || die 'conflicting options: hostname and the UTS mode' ;;
	*) die "--uts: host, not '$uts_mode'" ;;
	esac
	case $pid_mode in
	'' | container:?*) ;;
	host)
		# The kernel makes a /proc only for who owns the PID namespace.
		[ "$userns" = host ] || die "--pid host: not in a user namespace of its own, which can have no /proc \
of the host's processes: add --userns host, and root inside is root outside"
		;;
	*) die "--pid: private, host or container:NAME, not '$pid_mode'" ;;
	esac
	[ "$runtime" = skiff ] || [ -z "$pid_mode$ipc_mode$uts_mode$cgroup_mode" ] ||
		die "--runtime $runtime: not with --pid, --ipc, --uts or --cgroupns"
}
