# Firewalls of others. What a chain of theirs drops, no rule of ours can accept. Sourced by check and doctor.

# foreign_drops BRIDGE...: chains that drop what is routed, or sent to this machine, by their policy or their last
# rule, in tables that know nothing of that bridge: lines "FAMILY TABLE CHAIN HOOK BRIDGE MAKER", the last docker, ufw or "-".
# (Whoever has put our bridge into a table has seen to it.)
foreign_drops() {
	nft list ruleset 2>/dev/null | awk -v ours="$group" -v bridges="$*" '
		BEGIN { count = split(bridges, bridge, " ") }
		$1 == "table" { family = $2; table = $3; drops = ""; maker = "-"; split("", known); next }
		table == ours { next }
		{ for (i = 1; i <= count; i++) if (index($0, "\"" bridge[i] "\"")) known[i] }
		$1 == "chain" { chain = $2; hook = rule = "" }
		$1 == "chain" && chain ~ /^ufw6?-user-/ { maker = "ufw" }
		$1 == "chain" && chain == "DOCKER-USER" && maker == "-" { maker = "docker" }
		$1 == "chain" { next }
		$1 == "type" && $4 ~ /^(forward|input)$/ { hook = $4; dropped = /policy drop/; next }
		/^\t\t/ { rule = $0; sub(/counter packets [0-9]+ bytes [0-9]+ /, "", rule) }
		/^\t}/ {
			if (hook != "" && (dropped || rule ~ /^\t\t(drop|reject)/)) drops = drops family " " table " " chain " " hook "\n"
			hook = ""
		}
		/^}/ { n = split(drops, line, "\n")
			for (d = 1; d < n; d++) for (i = 1; i <= count; i++) if (!(i in known)) print line[d], bridge[i], maker }'
}

# tell_drop FAMILY TABLE CHAIN HOOK BRIDGE MAKER: where it is, what follows, and what mends it, into $chain, $follows and
# $remedy. False if nothing needs mending.
tell_drop() {
	chain="chain $3 of table $1 $2"
	remedy="insert rule $1 $2 $3 iifname $5 accept"
	lasting="ufw allow in on $5"
	if [ "$4" = input ]; then
		[ "$1" != ip6 ] || return
		follows='drops what containers ask of this machine, such as names'
	else
		follows='drops what is routed, so containers have no way out'
		# Docker leaves it to that drop to keep others from its containers.
		[ "$6" != docker ] || remedy="${remedy% accept} oifname != docker0 oifname != \"br-*\" accept"
		remedy="$remedy; insert rule $1 $2 $3 oifname $5 accept"
		lasting="ufw route allow in on $5 && ufw route allow out on $5"
	fi
	remedy="nft '$remedy'"
	# These forget what is not their own, or let nobody else in; what is not permanent goes with firewall-cmd --reload.
	[ "$6" != ufw ] || remedy=$lasting
	[ "$2" != firewalld ] || for option in '' '--permanent '; do
		remedy="${option:+$remedy && }firewall-cmd $option--zone=trusted --add-interface=$5"
	done
}
