# The options of create and run that are about networks and ports. Sourced by create.sh.
#
#   containers/ID/networks     lines NAME[,KEY=VALUE...]: what to connect, the first one first
#   containers/ID/publish      lines HOSTIP HOSTPORT PORT/PROTO, as reserve takes them
#   containers/ID/exposed      lines PORT/PROTO, in order
#   containers/ID/dns          lines of resolv.conf
#   containers/ID/extra-hosts  lines NAME:ADDRESS

network='' more_networks='' endpoint='' publish='' publish_all='' exposed='' dns='' extra_hosts='' links=''

# each_word FUNCTION LIST: FUNCTION for each line of LIST.
each_word() {
	function=$1 list=$2
	while [ -n "$list" ]; do
		item=${list%%"$nl"*} list=${list#*"$nl"}
		"$function" "$item"
	done
}

network_option() {
	case $1 in
	network | net)
		check_endpoint "$2"
		if [ -z "$network" ]; then network=$checked; else more_networks="$more_networks$checked$nl"; fi
		;;
	network-alias | ip | ip6 | mac-address | link-local-ip)
		check_endpoint_option "${1#network-}" "$2"
		endpoint="$endpoint,${1#network-}=$2"
		;;
	link)
		case $2 in '' | :* | *:*:*) die "bad format for links: $2" ;; esac
		links="$links$2$nl"
		;;
	publish | expose)
		use port-options.sh
		case $1 in publish) publish_option "$2" ;; *) expose "$2" ;; esac
		;;
	publish-all) publish_all=${2#false} ;;
	dns)
		is_address "$2" || die "$2 is not an ip address"
		dns="${dns}nameserver $2$nl"
		;;
	dns-search)
		case $2 in '' | *[!A-Za-z0-9._-]*) die "$2 is not a valid domain" ;; esac
		add_word search "$2"
		;;
	dns-option)
		case $2 in '' | *[!A-Za-z0-9:_-]*) die "invalid DNS option '$2'" ;; esac
		add_word options "$2"
		;;
	add-host)
		host=${2%%[:=]*}
		case $host in '' | *[!A-Za-z0-9._-]*) die "invalid host in --add-host '$2'" ;; esac
		address=${2#"$host"}
		[ -n "$address" ] || die "bad format for add-host: \"$2\""
		address=${address#?} address=${address#\[} address=${address%\]}
		[ "$address" = host-gateway ] || is_address "$address" ||
			die "invalid IP address in add-host: \"$address\""
		extra_hosts="$extra_hosts$host:$address$nl"
		;;
	esac
}

# add_word KEYWORD WORD: to the line of that keyword in $dns.
add_word() {
	case $nl$dns in
	*"$nl$1 "*)
		line=${dns##*"$1 "}
		dns=${dns%"$1 $line"}$1\ ${line%%"$nl"*}\ $2$nl${line#*"$nl"}
		;;
	*) dns="$dns$1 $2$nl" ;;
	esac
}

# check_endpoint NAME[,KEY=VALUE...]|name=NAME,KEY=VALUE...: into $checked, the name first. The
# words are checked before they become part of a path, or of an option.
check_endpoint() {
	left_options=$1, wanted='' checked=''
	while [ -n "$left_options" ]; do
		pair=${left_options%%,*} left_options=${left_options#*,}
		case $pair in
		name=*) wanted=${pair#name=} ;;
		*=*)
			check_endpoint_option "${pair%%=*}" "${pair#*=}"
			checked=$checked,$pair
			;;
		*) wanted=$pair ;;
		esac
	done
	case ${wanted#container:} in [!A-Za-z0-9]* | *[!A-Za-z0-9_.-]* | '') die "invalid network '$1'" ;; esac
	[ "$wanted" != default ] || wanted=bridge
	checked=$wanted$checked
}

check_endpoint_option() {
	case $1 in
	alias)
		case $2 in '' | *[!A-Za-z0-9_.-]*) die "invalid alias '$2'" ;; esac
		;;
	ip) is_address "$2" && case $2 in *:*) false ;; esac || die "invalid IPv4 address: $2" ;;
	ip6) is_address "$2" && case $2 in *:*) ;; *) false ;; esac || die "invalid IPv6 address: $2" ;;
	link-local-ip) is_address "$2" || die "invalid link-local address: $2" ;;
	mac-address)
		case $2 in
		*[!0-9A-Fa-f:]* | *:*:*:*:*:*:*) die "invalid MAC address: $2" ;;
		?[02468ACEace]:??:??:??:??:??) ;;
		*) die "invalid MAC address: $2" ;;
		esac
		;;
	*) die "invalid option of a network: '$1'" ;;
	esac
}

# is_address TEXT: is it one, IPv4 or IPv6?
is_address() {
	case $1 in
	*:*)
		case $1 in *[!0-9A-Fa-f:.]* | *:::* | *::*::* | *.*:* | *[!:.][!:.][!:.][!:.][!:.]*) return 1 ;; esac
		case $1 in *::* | *:*:*:*:*:*:*) ;; *) return 1 ;; esac
		;;
	*[!0-9.]* | .* | *. | *..* | *.*.*.*.*) return 1 ;;
	*.*.*.*)
		bytes=$1.
		while [ -n "$bytes" ]; do
			case ${bytes%%.*} in 0?* | ????*) return 1 ;; esac
			[ "${bytes%%.*}" -le 255 ] || return
			bytes=${bytes#*.}
		done
		;;
	*) return 1 ;;
	esac
}

# write_ports: what is to be published, and what is exposed, by the image too.
write_ports() {
	[ -n "$exposed" ] || [ -s "$image_dir/ports" ] || return 0
	use port-options.sh
	write_exposed
}

# ---- the mode ----------------------------------------------------------------

# check_network: what can be refused before anything is made.
check_network() {
	: "${network:=bridge}"
	[ -z "$endpoint" ] || check_endpoint "x$endpoint"
	case $network in
	*,*)
		endpoint=,${network#*,}$endpoint
		network=${network%%,*}
		;;
	esac
	case $network in
	none | host | container:*)
		[ -z "$more_networks" ] || conflict
		case $links$network in
		?*host) die "conflicting options: host type networking can't be used with links" ;;
		?*container:*) die "conflicting options: container type network can't be used with links" ;;
		esac
		case $endpoint in
		'') ;;
		*,mac-address=*) die 'conflicting options: mac-address and the network mode' ;;
		*) conflict ;;
		esac
		;;
	bridge)
		case $endpoint in
		*,ip=* | *,ip6=*) die 'user specified IP address is supported on user defined networks only' ;;
		*,alias=*) die 'network-scoped alias is supported only for containers in user defined networks' ;;
		esac
		;;
	esac
	case $network in
	container:*)
		[ -z "$publish$publish_all" ] || die 'conflicting options: port publishing and the container type network mode'
		[ -z "$exposed" ] || die 'conflicting options: port exposing and the container type network mode'
		[ -z "$dns" ] || die 'conflicting options: dns and the network mode'
		[ -z "$extra_hosts" ] || die 'conflicting options: custom host-to-IP mapping and the network mode'
		;;
	esac
}

conflict() {
	die "conflicting options: cannot attach both user-defined and non-user-defined network-modes"
}
