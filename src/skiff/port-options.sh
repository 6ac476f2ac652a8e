# The options of create and run that are about ports. Sourced by network-options.sh where there are some.

# port_range WHAT TEXT: PORT or FIRST-LAST, into $first_port and $last_port.
port_range() {
	first_port=${2%%-*} last_port=${2#*-}
	for number in "$first_port" "$last_port"; do
		case $number in '' | 0* | *[!0-9]* | ??????*) die "Invalid $1: $2" ;; esac
		[ "$number" -le 65535 ] || die "Invalid $1: $2"
	done
	[ "$first_port" -le "$last_port" ] || die "Invalid $1: $2"
}

# protocol TEXT: of PORTS[/PROTO], into $protocol, and the rest into $rest.
split_protocol() {
	rest=$1 protocol=tcp
	case $1 in */*) rest=${1%/*} protocol=${1##*/} ;; esac
	case $protocol in
	tcp | udp | sctp) ;;
	[Tt][Cc][Pp]) protocol=tcp ;;
	[Uu][Dd][Pp]) protocol=udp ;;
	[Ss][Cc][Tt][Pp]) protocol=sctp ;;
	*) die "invalid proto: $protocol" ;;
	esac
}

# publish_option [[IP:][HOSTPORTS]:]PORTS[/PROTO]
publish_option() {
	split_protocol "$1"
	inside=${rest##*:} ip='' outside=''
	case $rest in *:*) outside=${rest%:*} ;; esac
	case $outside in
	\[*\]:*)
		ip=${outside%\]:*} ip=${ip#\[}
		outside=${outside##*\]:}
		case $ip in *:*) ;; *) die "invalid IP address: $ip" ;; esac
		;;
	*:*) ip=${outside%:*} outside=${outside##*:} ;;
	esac
	case $rest in *:*:*) is_address "$ip" || die "invalid IP address: $ip" ;; esac
	port_range containerPort "$inside"
	first=$first_port last=$last_port
	if [ "${outside:-0}" = 0 ]; then
		first_port=0
	else
		port_range hostPort "$outside"
		if [ "$first" -eq "$last" ]; then # the first of them that is free
			publish="$publish${ip:-any} $outside $first/$protocol$nl"
			exposed="$exposed$first/$protocol$nl"
			return
		fi
		[ $((last - first)) -eq $((last_port - first_port)) ] ||
			die "Invalid ranges specified for container and host Ports: $inside and $outside"
	fi
	while [ "$first" -le "$last" ]; do
		publish="$publish${ip:-any} $first_port $first/$protocol$nl"
		exposed="$exposed$first/$protocol$nl"
		first=$((first + 1))
		[ "$first_port" -eq 0 ] || first_port=$((first_port + 1))
	done
}

# expose PORTS[/PROTO]
expose() {
	split_protocol "$1"
	port_range "range format for --expose" "$rest"
	while [ "$first_port" -le "$last_port" ]; do
		exposed="$exposed$first_port/$protocol$nl"
		first_port=$((first_port + 1))
	done
}

# write_exposed: what is exposed, by the image too, and of that what is to be published.
write_exposed() {
	if [ -s "$image_dir/ports" ]; then
		while IFS= read -r line; do expose "$line"; done <"$image_dir/ports"
	fi
	[ -n "$exposed" ] || return 0
	case $exposed in *"$nl"?*) exposed=$(printf %s "$exposed" | sort -t / -k 1,1n -k 2,2 -u)$nl ;; esac
	lines "$dir/exposed" "$exposed"
	[ -z "$publish_all" ] || each_word publish_exposed "$exposed"
	case $network in
	host) [ -z "$publish" ] || warn 'WARNING: Published ports are discarded when using host network mode' ;;
	none) ;;
	*) lines "$dir/publish" "$publish" ;;
	esac
}

publish_exposed() {
	case $nl$publish in *" $1$nl"*) ;; *) publish="${publish}any 0 $1$nl" ;; esac
}
