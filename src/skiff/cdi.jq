# What devices need, of the files of the Container Device Interface: lines for cdi.sh, fields with
# tabs between. Input: the files, one after the other; $kind as vendor.com/class, $names as "0 1" or "all".
def field: if test("[[:cntrl:]]") then error("a control character in \(.)") else . end;
def edits:
	(.deviceNodes // [] | .[] | select(.type != "p")
		| ["device", .hostPath // .path, .path, .permissions // "rwm"]),
	(.mounts // [] | .[] | [(if .options // [] | index("ro") then "--ro-bind" else "--bind" end), .hostPath, .containerPath]),
	(.env // [] | .[] | ["env", .]),
	(.hooks // [] | if . == [] then empty else ["hooks"] end);

# The files that have the device $name: those of /var/run/cdi go before others; more than one is a conflict.
def files_of($specs; $name):
	[$specs[] | .file as $file | .devices // [] | .[] | select((.name | tostring) == $name) | $file]
	| unique
	| map(select(startswith("/var/run/"))) as $first
	| if $first != [] then $first else . end;

[inputs | select(.kind == $kind) | .file = input_filename] as $specs
| [$specs[] | .devices // [] | .[] | .name | tostring] as $there
| ($names | split(" ")
	| if . == ["all"] and ($there | index("all") | not) then $there | unique else . end) as $wanted
| ($wanted | map({key: ., value: files_of($specs; .)}) | from_entries) as $files
| [$files | to_entries[] | select(.value | length > 1)] as $conflicts
| if $specs == [] then "none"
	elif $wanted - $there != [] then "unknown\t\(($wanted - $there)[0])"
	elif $conflicts != [] then $conflicts[0] | "conflict\t\(.key)\t\(.value | join(", "))"
	else [$specs[]
		| .file as $file
		| [.devices // [] | .[] | select($files[.name | tostring] == [$file])] as $devices
		| select($devices != [])
		| (.containerEdits // {}, $devices[].containerEdits) | edits | map(field) | join("\t")]
		| reduce .[] as $line ([]; if index($line) then . else . + [$line] end) | .[]
	end
