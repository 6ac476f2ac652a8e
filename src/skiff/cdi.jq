# What devices need, of the files of the Container Device Interface: lines for cdi.sh, fields with
# tabs between. Input: the files, one after the other; $kind as vendor.com/class, $names as "0 1" or "all".
def field: if test("[[:cntrl:]]") then error("a control character in \(.)") else . end;
def edits:
	(.deviceNodes // [] | .[] | select(.type != "p")
		| ["device", .hostPath // .path, .path, .permissions // "rwm"]),
	(.mounts // [] | .[] | [(if .options // [] | index("ro") then "--ro-bind" else "--bind" end), .hostPath, .containerPath]),
	(.env // [] | .[] | ["env", .]),
	(.hooks // [] | if . == [] then empty else ["hooks"] end);

[inputs | select(.kind == $kind)] as $specs
| [$specs[] | .devices // [] | .[] | .name | tostring] as $there
| ($names | split(" ")
	| if . == ["all"] and ($there | index("all") | not) then $there else . end) as $wanted
| if $specs == [] then "none"
	elif $wanted - $there != [] then "unknown\t\(($wanted - $there)[0])"
	else [$specs[]
		| [.devices[] | select(.name | tostring | IN($wanted[]))] as $devices
		| select($devices != [])
		| (.containerEdits // {}, $devices[].containerEdits) | edits | map(field) | join("\t")]
		| reduce .[] as $line ([]; if index($line) then . else . + [$line] end) | .[]
	end
