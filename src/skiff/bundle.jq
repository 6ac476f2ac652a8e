# A container's files as the config.json of an OCI bundle. In: each file as a variable
# ("-" is "_"), and $seccomp (in a list, empty for none), $cpus (how many), $root, $uid, $gid, $groups (JSON), $cgroup, $dir.

def lines: split("\n") | .[:-1];
def list: split("\u0000") | .[:-1];
def after($args; $option): [range($args | length) as $i | select($args[$i] == $option) | $args[$i + 1]];
def capability: ascii_upcase | if startswith("CAP_") or . == "ALL" then . else "CAP_" + . end;
def refuse($what): error("an OCI runtime cannot be told: " + $what);

# The defaults, as lockdown and unshare-run have them.
def default_capabilities: ["AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD",
	"NET_BIND_SERVICE", "NET_RAW", "SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT"] | map("CAP_" + .);
def default_mounts($shm): [
	["/proc", "proc", "proc", "nosuid,noexec,nodev"],
	["/dev", "tmpfs", "tmpfs", "nosuid,strictatime,mode=755,size=65536k"],
	["/dev/pts", "devpts", "devpts", "nosuid,noexec,newinstance,ptmxmode=0666,mode=0620,gid=5"],
	["/dev/shm", "tmpfs", "shm", "nosuid,noexec,nodev,mode=1777,size=" + $shm],
	["/dev/mqueue", "mqueue", "mqueue", "nosuid,noexec,nodev"],
	["/sys/fs/cgroup", "cgroup", "cgroup", "nosuid,noexec,nodev,relatime,ro"]]
	| map({destination: .[0], type: .[1], source: .[2], options: (.[3] | split(","))});
def masked: ["/proc/acpi", "/proc/asound", "/proc/interrupts", "/proc/kcore", "/proc/keys", "/proc/latency_stats",
	"/proc/sched_debug", "/proc/scsi", "/proc/timer_list", "/proc/timer_stats",
	"/sys/devices/virtual/powercap", "/sys/firmware"]
	+ [range($cpus) | "/sys/devices/system/cpu/cpu\(.)/thermal_throttle"];
def readonly: ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"];

# As unshare-run does it, with all that is mounted below. ("ro" is for runtimes that do not know the other.)
def read_only: ["ro", "rro"];
def bind($source; $target; $how): {destination: $target, type: "bind", source: $source, options: (["rbind"] + $how)};

# unshare-run's arguments, one option after the other, into {mounts, sysctl, propagation, ...}.
def request($args): if ($args | length) == 0 then . else $args[0] as $option |
	if $option == "--bind" or $option == "--ro-bind"
	then .mounts += [bind($args[1]; $args[2]; [.propagation] + if $option == "--bind" then [] else read_only end)]
		| .propagation = "rprivate" | request($args[3:])
	elif $option == "--propagation" then .propagation = $args[1] | request($args[2:])
	elif $option == "--device" then ($args[1] | split(":")) as $d
		| .mounts += [bind($d[0]; $d[1] // $d[0]; ["rprivate", "nosuid", "noexec"])] | request($args[2:])
	elif $option == "--tmpfs" then ($args[1] | capture("^(?<path>[^:]*):?(?<options>.*)$")) as $t
		| .mounts += [{destination: $t.path, type: "tmpfs", source: "tmpfs",
			options: (["noexec", "nosuid", "nodev"] + ($t.options | split(",") - [""]))}] | request($args[2:])
	elif $option == "--sysctl" then .sysctl += ($args[1] | capture("^(?<key>[^=]*)=(?<value>.*)$") | {(.key): .value})
		| request($args[2:])
	elif $option == "--read-only" then .readonly = true | request($args[1:])
	elif $option == "--hostname" or $option == "--shm-size" or $option == "--defaults" or $option == "--mkdir"
	then request($args[2:])
	else refuse($option) end end;

# Device rules of the control group: "c 1:3 rwm".
def rule: if . == "default" then empty
	else capture("^(?<type>[bc]) (?<major>[0-9]+):(?<minor>[0-9]+) (?<access>[rwm]+)$")
		| {allow: true, type, major: (.major | tonumber), minor: (.minor | tonumber), access} end;

($lockdown | lines) as $rights | ($unshare_run | lines) as $arguments | ($cgset | lines) as $limits
| (if $rights | index("--privileged") then refuse("--privileged") else . end)
| (if $tty != "" then refuse("-t, a terminal") else . end)
| ({mounts: [], sysctl: {}, propagation: "rprivate", readonly: false} | request($arguments)) as $wanted
| (after($rights; "--cap-drop") | map(capability)) as $drop | (after($rights; "--cap-add") | map(capability)) as $add
| (if $add | index("ALL") then refuse("--cap-add ALL") else . end)
| ((if $drop | index("ALL") then [] else default_capabilities - $drop end) + $add | unique) as $capabilities
| (after($arguments; "--defaults")[0] | split(",")) as $defaults
| ($env | list | map(split("=") | {(.[0]): (.[1:] | join("="))}) | add // {}) as $environment
| ($idmap | rtrimstr("\n") | split(":") | map(tonumber)) as $map
| {
	ociVersion: "1.0.2",
	process: {
		terminal: false, user: {uid: $uid, gid: $gid, additionalGids: ([$gid] + $groups | unique)}, args: ($argv | list),
		env: ({PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"} + $environment
			| to_entries | map("\(.key)=\(.value)")),
		cwd: (after($rights; "--cwd")[-1] // "/"),
		# Only the bounding set, for users other than root (CVE-2022-29162).
		capabilities: ({bounding: $capabilities}
			+ if $uid == 0 then {permitted: $capabilities, effective: $capabilities} else {} end),
		rlimits: (after($rights; "--ulimit") | map(capture("^(?<n>[a-z]+)=(?<s>[0-9]+):?(?<h>[0-9]*)$")
			// refuse("a limit that is no number")
			| {type: "RLIMIT_\(.n | ascii_upcase)", soft: (.s | tonumber),
			   hard: (if .h == "" then .s else .h end | tonumber)})),
		noNewPrivileges: ($rights | index("--no-new-privs") != null)},
	root: {path: $root, readonly: $wanted.readonly},
	hostname: ($hostname | rtrimstr("\n")),
	annotations: ($annotations | list | map(split("=") | {(.[0]): (.[1:] | join("="))}) | add // {}),
	mounts: (default_mounts(after($arguments; "--shm-size")[-1] // "65536k")
		+ [if ($network | startswith("host")) then bind("/sys"; "/sys"; ["rprivate", "rnosuid", "rnoexec", "rnodev"] + read_only)
		   else {destination: "/sys", type: "sysfs", source: "sysfs", options: ["nosuid", "noexec", "nodev", "ro"]} end]
		+ $wanted.mounts
		+ [["hostname", "hosts", "resolv.conf"][] | bind("\($dir)/\(.)"; "/etc/\(.)"; ["rprivate"])]
		# a mount point before what lies below it
		| sort_by(.destination | split("/") - [""] | length)),
	linux: ({
		namespaces: (["pid", "ipc", "uts", "mount", "cgroup"]
			+ (if $network == "host\n" then [] else ["network"] end)
			+ (if $map == [] then [] else ["user"] end) | map({type: .})),
		cgroupsPath: "/\($cgroup)",
		resources: {devices: ([{allow: false, access: "rwm"}] + (after($limits; "--device") | map(rule)))},
		sysctl: (if $network == "host\n" then {} else {"net.ipv4.ip_unprivileged_port_start": "0",
				"net.ipv4.ping_group_range": (if $map == [] then "0 2147483647" else "0 65535" end)} end
			+ $wanted.sysctl),
		maskedPaths: (if $defaults | index("mask") then masked else [] end),
		readonlyPaths: (if $defaults | index("readonly") then readonly else [] end)}
		# Calls that are treated alike are one rule, for whoever reads it.
		+ if $seccomp == [] then {} else {seccomp: ($seccomp[0] | .syscalls |=
			(group_by([.action, .errnoRet, .args]) | map(.[0] + {names: map(.names[])})))} end
		+ if $map == [] then {} else
			([{containerID: $map[0], hostID: $map[1], size: $map[2]}] | {uidMappings: ., gidMappings: .}) end)
}
