# Name service: resolv.conf, and dnsmasq. Sourced by netup.

is_loopback() {
	case $1 in 127.* | ::1 | ::1%* | ::ffff:127.*) ;; *) return 1 ;; esac
}

# host_resolver: the file that names this machine's name servers, into $resolver, and the
# servers that can be reached from a container, into $servers. Where the file has only a local
# one, systemd-resolved tells who is behind it.
host_resolver() {
	for resolver in /etc/resolv.conf /run/systemd/resolve/resolv.conf; do
		servers=''
		[ -r "$resolver" ] || continue
		while read -r word server _; do
			[ "$word" != nameserver ] || is_loopback "$server" || servers="$servers$server$nl"
		done <"$resolver"
		[ -z "$servers" ] || return 0
	done
	resolver=/etc/resolv.conf
}

# serve_names: a dnsmasq at the address of the bridge: for names if the network has them, and
# for whoever has no other name server that a container can reach. It reads hosts/ID as
# they come and go. Its servers are those of this machine, local ones too, as it runs here; an
# internal network has none, so that nothing gets out (CVE-2024-29018).
serve_names() {
	host_resolver
	[ -e "$directory/names" ] || { [ -z "$servers" ] && [ ! -e "$directory/internal" ]; } || return 0
	set --
	if [ -e "$directory/internal" ]; then set -- --no-resolv '--local=/#/'; fi
	if [ -e "$directory/names" ]; then set -- "$@" --domain-needed --hostsdir=/mnt; fi
	start_dnsmasq "$directory/dnsmasq" --listen-address="$gateway" "$@" ||
		die "no name service at $gateway: is there another name server at port 53?"
}

# end_unwritten FILE: end one whose starter was killed before he could write it into FILE, and wait
# until it has gone: it holds the port. dnsmasq itself has noted its number, and says in its
# command line whose it is. The note goes, too.
end_unwritten() {
	[ -e "$1.pid" ] || return 0
	get "$1.pid" || :
	case $value in '' | *[!0-9]*) value=none ;; esac
	while { tr '\0' ' ' <"/proc/$value/cmdline"; } 2>/dev/null | grep -qF -- "--pid-file=$1.pid "; do
		kill -KILL "$value" 2>/dev/null || :
		sleep 0.05
	done
	rm -f "$1.pid"
}

# note_it: what the shell does that starts dnsmasq "$@", with a lock as descriptor 9: it waits until dnsmasq serves, and
# adds the process to the file $NOTE, behind $KEY. So whoever gets the lock knows of it, even if the one who wanted
# a name server has been killed meanwhile.
# shellcheck disable=SC2016 # for the inner shell
note_it='"$@" 9<&- && read -r pid <"$FILE.pid" && read -r stat <"/proc/$pid/stat" || exit
	set -- ${stat##*) }
	printf "%s\n" "$KEY$pid ${20}" >>"$NOTE" && rm -f "$FILE.pid"'

# start_dnsmasq FILE OPTION...: the process into FILE. It gives up root, so it sees the names
# through a mount namespace of its own, where $directory/hosts is at /mnt.
start_dnsmasq() {
	need_tool dnsmasq 'it is in the package dnsmasq-base (or dnsmasq); networks with names need it'
	file=$1
	shift
	end_unwritten "$file"
	rm -f "$file"
	# shellcheck disable=SC2016 # for the inner shell
	FILE=$file NOTE=$file KEY='' unshare -m sh -c 'mount --bind "$1" /mnt && shift && '"$note_it" - "$directory/hosts" \
		dnsmasq --conf-file=/dev/null --bind-interfaces --no-hosts --user=nobody --group="$(id -gn nobody)" \
		--pid-file="$file.pid" --local-ttl=0 --cache-size=1000 "$@"
}

# write_resolv_conf FILE SERVERS NAMES: in place, as FILE may be mounted in a container. Search list and
# options are those of --dns-conf, or else those of the host.
write_resolv_conf() {
	search='' options=''
	for from in "$dns_conf" "$resolver"; do
		[ -n "$from" ] && [ -r "$from" ] || continue
		host_search='' host_options=''
		while read -r word rest; do
			case $word in
			search | domain) host_search="search $rest$nl" ;;
			options) host_options="options $rest" ;;
			esac
		done <"$from"
		: "${search:=$host_search}" "${options:=$host_options}"
	done
	case $search in 'search .'*) search='' ;; esac
	if [ -n "$3" ]; then
		case " $options " in *' ndots:'*) ;; *) options="${options:-options} ndots:0" ;; esac
	fi
	lines=''
	for server in $2; do lines="${lines}nameserver $server$nl"; done
	printf '%s' "$lines$search${options:+$options$nl}# made by netup from $resolver$nl" >"$1"
}

# conf_servers: the name servers in --dns-conf, into $servers. False if there are none.
conf_servers() {
	[ -n "$dns_conf" ] && [ -r "$dns_conf" ] || return
	servers=''
	while read -r word server _; do
		[ "$word" != nameserver ] || servers="$servers$server$nl"
	done <"$dns_conf"
	[ -n "$servers" ]
}

# names FILE PROCESS DIRECTORY...: the name server of 127.0.0.11 inside, which knows the names of
# all of these networks. Its own servers are those of --dns-conf, or the name servers of the
# networks that have a way out. It ends with the network namespace it was made for: see end_names.
names() {
	[ $# -ge 3 ] || usage_error 'names: FILE PROCESS DIRECTORY...'
	resolv_conf=$1
	find_process "$2"
	shift 2
	host_resolver
	conf_servers || servers=''
	given=$servers hosts=''
	for network in "$@"; do
		load "$network"
		end_names "$directory/endpoints/$id"
		if [ -e "$directory/names" ]; then hosts="$hosts$directory/hosts$nl"; fi
		[ -z "$given" ] && [ ! -e "$directory/internal" ] || continue
		if [ -e "$directory/dnsmasq" ]; then servers="$servers$gateway$nl"; fi
	done
	load "$1"
	if [ -z "$hosts" ]; then # no network with names is left
		host_resolver
		conf_servers || :
		write_resolv_conf "$resolv_conf" "$servers" ''
		return
	fi
	need_tool dnsmasq 'it is in the package dnsmasq-base (or dnsmasq)'
	set -- --no-resolv --domain-needed --listen-address=127.0.0.11
	for server in $servers; do set -- "$@" --server="$server"; done
	[ -n "$servers" ] || set -- "$@" '--local=/#/'
	number=0
	for part in $hosts; do
		set -- "$@" --hostsdir="/mnt/$number"
		number=$((number + 1))
	done
	endpoint=$directory/endpoints/$id
	[ -e "$endpoint" ] || die "$id is not connected to network ${directory##*/}"
	has_names "$endpoint" || printf '%s\n' names >>"$endpoint" # from here on there may be one
	end_names "$endpoint"
	[ "$endpoint" -ef /proc/self/fd/9 ] && names_inside "$@" || die "no name service for $id"
	write_resolv_conf "$resolv_conf" 127.0.0.11 true
}

# names_inside OPTION...: start it.
names_inside() {
	file=$directory/.names.$id
	# shellcheck disable=SC2016 # for the inner shell
	FILE=$file NOTE=$endpoint KEY='names ' NAMES=$hosts unshare-run --net=fd:8 unshare -m sh -c '
		mount -t tmpfs -o mode=755 tmpfs /mnt && cd /mnt && number=0 || exit
		IFS="
"
		for part in $NAMES; do
			mkdir "$number" && mount --bind "$part" "$number" || exit
			number=$((number + 1))
		done
		unset IFS
		cd / && '"$note_it" - \
		dnsmasq --conf-file=/dev/null --bind-interfaces --no-hosts --user=nobody --group="$(id -gn nobody)" \
		--pid-file="$file.pid" --local-ttl=0 "$@"
}

# has_names FILE: may the endpoint FILE have a name server of its own?
has_names() {
	[ -e "$1" ] || return
	while read -r key _; do
		[ "$key" != names ] || return 0
	done <"$1"
	return 1
}

# end_names FILE: end the name server that the endpoint FILE tells of, if there may be one, or whose starter was killed
# before he could write it there. Descriptor 9 keeps anybody from starting another.
end_names() {
	has_names "$1" || return 0
	exec 9<"$1"
	flock 9
	end_unwritten "${1%/endpoints/*}/.names.${1##*/}"
	while read -r key pid start; do
		[ "$key" = names ] && process_is "$pid" "$start" || continue
		kill "$pid" || :
	done <"$1"
}
