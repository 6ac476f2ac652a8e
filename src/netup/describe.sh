# Describing a network: files only. Sourced by netup create.

# free_subnet USED: the first of the ranges that Docker takes too, into $subnet.
free_subnet() {
	pool=$((172 * 256 + 17))
	while [ $pool -le $((172 * 256 + 31)) ]; do
		subnet=172.$((pool & 255)).0.0/16
		! is_free "$subnet" "$1" || return 0
		pool=$((pool + 1))
	done
	pool=0
	while [ $pool -lt 256 ]; do
		subnet=192.168.$pool.0/20
		! is_free "$subnet" "$1" || return 0
		pool=$((pool + 16))
	done
	die "no subnet is free: give one by --subnet"
}

# check_subnet: $subnet, $gateway and $range as the user gave them; makes a gateway.
check_subnet() {
	to_range "$subnet" && [ "$bits" -ge 8 ] && [ "$bits" -le 30 ] ||
		die "invalid subnet '$subnet': ADDRESS/BITS with 8 to 30 bits"
	to_address "$first"
	[ "$subnet" = "$address/$bits" ] || die "invalid subnet '$subnet': it should be $address/$bits"
	base=$first top=$last
	if [ -n "$range" ]; then
		to_range "$range" && [ "$first" -ge "$base" ] && [ "$last" -le "$top" ] ||
			die "invalid ip-range '$range': no part of $subnet"
	fi
	if [ -z "$gateway" ]; then
		to_address $((base + 1))
		gateway=$address
	fi
	to_number "$gateway" && [ "$number" -gt "$base" ] && [ "$number" -lt "$top" ] ||
		die "invalid gateway '$gateway': no address in $subnet"
}

# check_subnet6: the same for IPv6.
check_subnet6() {
	if [ -z "$subnet6" ]; then
		read -r uuid </proc/sys/kernel/random/uuid
		tail=${uuid##*-} tail=${tail#????} # 12 digits, of which 10 are wanted
		subnet6=fd${uuid%"${uuid#??}"}:${tail#????}:${tail%????}:1::/64
	fi
	to_prefix6 "$subnet6" || die "invalid subnet '$subnet6': an IPv6 address that ends in ::, /BITS up to 96"
	# shellcheck disable=SC2086 # eight numbers
	to_address6 $groups
	[ "$address" = "$prefix6" ] || die "invalid subnet '$subnet6': it should be $prefix6/$bits6"
	subnet6=$prefix6/$bits6
	: "${gateway6:=${prefix6}1}"
	to_groups "$gateway6" || die "invalid gateway '$gateway6'"
	# shellcheck disable=SC2086 # eight numbers
	to_address6 $groups
	gateway6=$address
	to_prefix6 "$gateway6/$bits6" && [ "$prefix6/$bits6" = "$subnet6" ] ||
		die "invalid gateway '$gateway6': no address in $subnet6"
}

create_option() {
	case $1 in
	bridge) bridge=$2 ;;
	gateway) case $2 in *:*) gateway6=$2 ;; *) gateway=$2 ;; esac ;;
	id) id=$2 ;;
	if-missing) if_missing=true ;;
	internal) internal=true ;;
	ip-range) range=$2 ;;
	ipv6) ipv6=true ;;
	isolated) isolated=true ;;
	label) labels="$labels$2$nl" ;;
	mtu) mtu=$2 ;;
	names) names=true ;;
	option) options="$options$2$nl" ;;
	subnet) case $2 in *:*) subnet6=$2 ipv6=true ;; *) subnet=$2 ;; esac ;;
	table) table=$2 ;;
	*) return 1 ;;
	esac
}

create() {
	[ $# -eq 1 ] || usage_error 'create: one DIRECTORY'
	take_directory "$1"
	need_tool ip 'it is in the package iproute2'
	while [ ${#id} -lt 64 ]; do
		read -r uuid </proc/sys/kernel/random/uuid
		id=$id$(printf %s "$uuid" | tr -d -)
	done
	case $id in *[!0-9a-f]*) die "invalid ID '$id'" ;; esac
	: "${bridge:=sk-${id%"${id#????????????}"}}"
	case $bridge in *[!A-Za-z0-9._-]* | [.-]* | ????????????????*) die "invalid name of a bridge: '$bridge'" ;; esac
	case $mtu in '' | [6-9][0-9] | [1-9][0-9][0-9] | [1-9][0-9][0-9][0-9] | [1-6][0-9][0-9][0-9][0-9]) ;; *) die "invalid MTU '$mtu'" ;; esac
	check_table "$table"
	[ -z "$subnet" ] || check_subnet
	umask 077
	mkdir -p "${directory%/*}"
	# One at a time, or two might take the same subnet.
	exec 9<"${directory%/*}"
	flock 9
	if [ -e "$directory" ]; then
		[ -z "$if_missing" ] || return 0
		die "network with name ${directory##*/} already exists"
	fi
	in_use=$(used "$bridge")
	if [ -z "$subnet" ]; then
		[ -z "$gateway$range" ] || die "a gateway or an ip-range needs a subnet"
		free_subnet "$in_use"
		check_subnet
		movable=true
	elif ! is_free "$subnet" "$in_use"; then
		die "Pool overlaps with other one on this address space: $subnet and $overlap"
	fi
	[ -z "$ipv6" ] || check_subnet6
	write_description "${directory%/*}/.${directory##*/}.$$"
}

# write_description ASIDE: the files, aside first.
write_description() {
	trap 'rm -rf "$aside"' EXIT
	aside=$1
	mkdir "$1" "$1/leases" "$1/endpoints"
	mkdir -m 755 "$1/hosts" # for dnsmasq, which is not root, and sees nothing above it
	put id "$id"
	put driver bridge
	put bridge "$bridge"
	put table "$table"
	put subnet "$subnet"
	put gateway "$gateway"
	[ -z "$range" ] || put ip-range "$range"
	[ -z "$ipv6" ] || put subnet6 "$subnet6"
	[ -z "$ipv6" ] || put gateway6 "$gateway6"
	[ -z "$mtu" ] || put mtu "$mtu"
	[ -z "$internal" ] || put internal true
	[ -z "$isolated" ] || put isolated true
	[ -z "$names" ] || put names true
	[ -z "$movable" ] || put movable true
	printf %s "$labels" | tr '\n' '\0' >"$1/labels"
	printf %s "$options" | tr '\n' '\0' >"$1/options"
	put created "$(date -u +%Y-%m-%dT%H:%M:%S.%NZ)"
	mv -T "$1" "$directory" || die "cannot make $directory"
	trap - EXIT
}

put() {
	printf '%s\n' "$2" >"$aside/$1"
}
