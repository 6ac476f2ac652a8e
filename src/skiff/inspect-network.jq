# A network's files as Docker's network inspect shows them. Each file is a variable of its name
# ("-" is "_"), empty where there is none; in: a line for each container.

def value: rtrimstr("\n");
def pairs: split("\u0000") | .[:-1] | map(capture("^(?<key>[^=]*)=(?<value>(.|\n)*)$")) | from_entries;
def bits($subnet): $subnet | value | split("/")[1];

{
	Name: $name, Id: ($id | value), Created: ($created | value), Scope: "local", Driver: ($driver | value),
	EnableIPv4: true, EnableIPv6: ($subnet6 != ""),
	IPAM: {Driver: "default", Options: {}, Config: [
		(if $subnet != "" then {Subnet: ($subnet | value)}
			+ (if $ip_range != "" then {IPRange: ($ip_range | value)} else {} end) + {Gateway: ($gateway | value)}
			else empty end),
		(if $subnet6 != "" then {Subnet: ($subnet6 | value), Gateway: ($gateway6 | value)} else empty end)]},
	Internal: ($internal != ""), Attachable: false, Ingress: false, ConfigFrom: {Network: ""}, ConfigOnly: false,
	Containers: (split("\n") | .[:-1] | map(split("\t") | {key: .[0], value: {
		Name: .[1], EndpointID: .[0], MacAddress: .[2],
		IPv4Address: (if .[3] == "" then "" else "\(.[3])/\(bits($subnet))" end),
		IPv6Address: (if .[4] == "" then "" else "\(.[4])/\(bits($subnet6))" end)}}) | from_entries),
	Options: ($options | pairs), Labels: ($labels | pairs)
}
