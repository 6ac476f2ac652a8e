# The steps that an image config tells of, newest first: lines of TIME in seconds (or nothing),
# command, comment and size, with the byte 0x1f between them. In: the config; --args: the sizes
# of the layers, base first. --argjson cut: cut commands to what fits in a table.

def seconds: if type != "string" then "" else
	(try (sub("[.][0-9]+"; "") | if test("Z\\z") then fromdateiso8601 else
		capture("\\A(?<t>.*)(?<s>[+-])(?<h>[0-9]{2}):(?<m>[0-9]{2})\\z")
		| (.t + "Z" | fromdateiso8601) - (.s + "1" | tonumber) * ((.h | tonumber) * 3600 + (.m | tonumber) * 60) end)
		catch "") end;
# For people: no control characters, no change of direction.
def clean: if type == "string" then gsub("[\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]"; " ") else "" end;
def short: if $cut and length > 45 then .[0:44] + "…" else . end;

[$ARGS.positional[] | tonumber] as $sizes
| (.history // [] | if type == "array" then map(select(type == "object")) else [] end) as $history
| reduce $history[] as $step ({steps: [], used: 0};
	if $step.empty_layer == true or .used >= ($sizes | length) then .steps += [$step + {size: 0}]
	else .steps += [$step + {size: $sizes[.used]}] | .used += 1 end)
# A layer that no step accounts for is there all the same.
| .steps + [$sizes[.used:][] | {size: .}]
| reverse[]
| [(.created | seconds | tostring), (.created_by | clean | short), (.comment | clean), (.size | tostring)] | join("\u001f")
