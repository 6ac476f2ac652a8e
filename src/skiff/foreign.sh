# Firewalls of others. What a chain of theirs drops, no rule of ours can accept. Sourced by check and doctor.

# foreign_drops BRIDGE...: chains that drop what is routed, or sent to this machine, and know nothing of that
# bridge: lines "FAMILY TABLE CHAIN HOOK BRIDGE". (Whoever has put our bridge into a chain has seen to it.)
foreign_drops() {
	nft list chains 2>/dev/null | awk '
		$1 == "table" { family = $2; table = $3 }
		$1 == "chain" { chain = $2 }
		/hook (forward|input) .*policy drop/ { print family, table, chain, $4 }' |
		while read -r family table chain hook; do
			[ "$table" != "$group" ] || continue
			for bridge in "$@"; do
				! nft list chain "$family" "$table" "$chain" 2>/dev/null | grep -qF "\"$bridge\"" || continue
				printf '%s\n' "$family $table $chain $hook $bridge"
			done
		done
}

# tell_drop FAMILY TABLE CHAIN HOOK BRIDGE: where it is, what follows, and what mends it, into $chain, $follows and
# $remedy. False if nothing needs mending.
tell_drop() {
	chain="chain $3 of table $1 $2"
	remedy="insert rule $1 $2 $3 iifname $5 accept"
	if [ "$4" = input ]; then
		[ "$1" != ip6 ] || return
		follows='drops what containers ask of this machine, such as names'
	else
		follows='drops what is routed, so containers have no way out'
		remedy="$remedy; insert rule $1 $2 $3 oifname $5 accept"
	fi
	remedy="nft '$remedy'"
}
