# The lines of show-gather.awk, as an object for each container, in the order of its rows. $wanted: IDs of those
# that are asked for, or none for all.

def number: if . == null or . == "-" or . == "max" or . == "" then null else tonumber end;

# kilobytes: "1508 kB" of /proc.
def kilobytes: split(" ")[0] | if . == null or . == "" then 0 else tonumber * 1024 end;

# value(NAME): what follows the option in the arguments of cgset.
def value($name): . as $words | (index($name)) as $at | if $at then $words[$at + 1] else null end;

def cpus: (value("--cpus") // value("-c") | number)
	// ((value("--cpu-quota") | number) as $quota
		| if $quota and $quota > 0 then $quota / (value("--cpu-period") | number // 100000) else null end);

# capabilities: the names of the bits of a hexadecimal number (capabilities(7)).
def capabilities:
	["chown", "dac_override", "dac_read_search", "fowner", "fsetid", "kill", "setgid", "setuid", "setpcap",
	 "linux_immutable", "net_bind_service", "net_broadcast", "net_admin", "net_raw", "ipc_lock", "ipc_owner",
	 "sys_module", "sys_rawio", "sys_chroot", "sys_ptrace", "sys_pacct", "sys_admin", "sys_boot", "sys_nice",
	 "sys_resource", "sys_time", "sys_tty_config", "mknod", "lease", "audit_write", "audit_control", "setfcap",
	 "mac_override", "mac_admin", "syslog", "wake_alarm", "block_suspend", "audit_read", "perfmon", "bpf",
	 "checkpoint_restore"] as $names
	| explode | reverse | to_entries
	| [.[] | (.value | if . >= 97 then . - 87 else . - 48 end) as $digit | (.key * 4) as $first
		| (0, 1, 2, 3) | select(($digit / pow(2; .) | floor) % 2 == 1) | $names[. + $first] // "\(. + $first)"];

# tree: processes, children behind their parents, with their depth. (A parent may have ended, or be elsewhere.)
def tree:
	(map({key: "\(.PID)", value: true}) | from_entries) as $there
	| (group_by(.Parent) | map({key: "\(.[0].Parent)", value: .}) | from_entries) as $children
	| def below($depth): . + {Depth: $depth}, (($children["\(.PID)"] // [])[] | below($depth + 1));
	[.[] | select($there["\(.Parent)"] | not) | below(0)];

reduce (inputs | split("\t")) as $f ({order: [], c: {}, machine: {}, host: {}};
	$f[1] as $id
	| if $f[0] == "machine" then .machine[$id] = ($f[2] | tonumber)
	elif $f[0] == "host" then .host[$id] = $f[2]
	elif $f[0] == "container" then .order += [$id] | .c[$id] = {name: $f[2], state: $f[3], status: $f[4], image: $f[5],
		command: $f[6], mounts: ($f[7] // ""), file: {}, layer: [], port: [], limit: [], network: [], process: [], namespace: []}
	elif .c[$id] == null then . # a group of something else
	elif $f[0] == "file" then .c[$id].file[$f[2]] = $f[3]
	elif $f[0] == "port" or $f[0] == "limit" then .c[$id][$f[0]] += [$f[2]]
	elif $f[0] == "network" then .c[$id].network += [{Name: $f[2], Bridge: $f[3]}]
	elif $f[0] == "endpoint" then ($f[2] | split(" ")) as $pair | .c[$id].network[-1][$pair[0]] = $pair[1]
	elif $f[0] == "main" or $f[0] == "count" then .c[$id][$f[0]] = ($f[2] | tonumber)
	else .c[$id][$f[0]] += [$f[2:]] end)
| .machine as $machine | .host as $host | .c as $all
| ([$all[] | .name as $name | .namespace[] | {key: .[1], value: $name}] | group_by(.key)
	| map({key: .[0].key, value: map(.value)}) | from_entries) as $namespaces
| ([$all[] | .name as $name | .layer[] | {key: .[0], value: $name}] | group_by(.key)
	| map({key: .[0].key, value: map(.value)}) | from_entries) as $layers
| .order[] as $id | select($wanted == "" or ($wanted | contains($id))) | $all[$id] | .name as $name
| (.before[0] // []) as $before | (.now[0] // []) as $now
| {
	ID: $id, Name: $name, Image: .image, Command: .command, State: .state, Status: .status,
	Hostname: .file.hostname, PID: (.main // null),
	IDMap: (.file.idmap | split(":") | if length == 3 then {Inside: (.[0] | tonumber), Outside: (.[1] | tonumber), Count: (.[2] | tonumber)} else null end),
	CPU: {
		Percent: (if $before[0] and $now[0] and ($now[0] | tonumber) > ($before[0] | tonumber)
			then [(($now[1] | number // 0) - ($before[1] | number // 0)) / (($now[0] | number) - ($before[0] | number)) * 100, 0] | max
			else 0 end),
		Limit: (.limit | cpus), Machine: $machine.cpus},
	Memory: {
		Used: ([($now[2] | number // 0) - ($now[3] | number // 0), 0] | max),
		Limit: ($now[4] | number | if . and . >= $machine.memory then null else . end), Machine: $machine.memory},
	Tasks: {Used: ($now[5] | number // 0), Limit: ($now[6] | number)},
	Rights: (if .rights then .rights[0] | {Capabilities: (.[0] | capabilities), Seccomp: (.[1] == "2"), NoNewPrivileges: (.[2] == "1")} else null end),
	Processes: ([.process[] | {
		PID: (.[0] | tonumber), Inside: (.[2] | split(" ") | .[-1] // "" | number), Parent: (.[1] | tonumber),
		State: .[3], Threads: (.[4] | number // 1), Memory: (.[5] | kilobytes), User: (.[6] | split(" ")[0] | number),
		Command: .[7]}] | sort_by(.PID) | tree),
	ProcessCount: (.count // 0),
	Namespaces: [.namespace | sort_by(.[0] as $type | ["user", "mnt", "pid", "net", "uts", "ipc", "cgroup", "time"] | index($type))[] | {Type: .[0], Number: (.[1] | tonumber),
		With: (if $host[.[0]] == .[1] then ["host"] else $namespaces[.[1]] - [$name] end)}],
	Layers: [.layer[] | {Chain: .[0], Size: (.[1] | number), With: (($layers[.[0]] - [$name]) | unique)}],
	Networks: [.network[] | {Name, Bridge, Interface: .interface, Address: .address, Address6: .address6, Veth: .veth}],
	Ports: [.port[] | split(" ") | {Address: .[0], Port: (.[1] | number), Inside: .[2]}],
	Mounts: (.mounts | split(",") | map(select(. != "")))}
