# What doctor asks of the programs that skiff is put together from, and of limits. Sourced by verbs/doctor.

look_at_programs() {
	absent=''
	for program in attach cgset containers context crilog credential describe discard dockerfile entry format health journal \
		layerfs lockdown netup plain-tar publish pull push reserve root-tar seccomp-compile shim unshare-run veth; do
		[ -x "$bin/$program" ] || absent="$absent $program"
	done
	[ -n "$absent" ] || [ -e "$share/default.bpf" ] || absent=' default.bpf'
	[ -z "$absent" ] || row missing 'tools of skiff' "not in $bin:$absent" 'they were not built, or not installed' make
	program jq jq missing 'images cannot be pulled, built or inspected' jq --version
	program flock util-linux missing 'containers cannot be started' flock --version
	program unshare util-linux warning "'skiff cp' and others of its kind fail" unshare --version
	program ip iproute2 warning "$no_network" ip -V
	has_ip=$has
	program nft nftables warning "$no_network" nft --version
	has_nft=$has
	program dnsmasq dnsmasq-base warning 'containers do not find each other by name' dnsmasq --version
	program conntrack conntrack warning 'conversations over UDP go on with a container that has gone' conntrack --version
}

# program NAME PACKAGE STATUS CONSEQUENCE COMMAND...: is it here? COMMAND prints its version. $has is true then.
program() {
	name=$1 package=$2 status=$3 consequence=$4 has=''
	shift 4
	if ! command -v "$name" >/dev/null; then
		row "$status" "$name" 'not on PATH' "$consequence" "apt-get install $package"
	elif ! version=$("$@" 2>&1 </dev/null); then
		row "$status" "$name" "it does not run: ${version%%"$nl"*}" "$consequence" "apt-get install --reinstall $package"
	else
		has=true
		row ok "$name" "${version%%"$nl"*}"
	fi
}

# look_at_limits: descriptors, which published ports take from 1024 on, and the right to raise limits.
look_at_limits() {
	most=$(ulimit -H -n)
	if [ "$most" = unlimited ] || [ "$most" -gt 1088 ]; then
		row ok descriptors "up to $most a process"
	else
		row warning descriptors "up to $most a process" 'ports, whose sockets are numbered from 1024 on, cannot be published' \
			'ulimit -H -n 20000, by who started this shell'
	fi
	[ -n "$is_root" ] || return 0
	if has_capability 24; then
		row ok 'right to raise limits' yes
	else
		outside 'start the shell that you use with CAP_SYS_RESOURCE' --cap-add=SYS_RESOURCE
		row warning 'right to raise limits' 'without the capability SYS_RESOURCE' \
			"--ulimit above this shell's own is cut to that; --oom-score-adj cannot be lowered" "$remedy"
	fi
}
