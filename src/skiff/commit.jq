# An image made from a container, in lines: its config; the parts of that; "layers", and those below, "TYPE DIGEST
# SIZE" with OCI's names of types (last, as these come from a registry). In: the config of the container's image, and its manifest. Files of the
# container ($argv, $entrypoint, $env, $labels, $lockdown, $stop_signal, $tty), $changes (Dockerfile
# instructions, one a line), $diff_id, $author, $message, $created, $has_entrypoint.
include "change";
include "config";

def list: split("\u0000") | .[:-1];
def lines: split("\n") | .[:-1];
def after($args; $option): [range($args | length) as $i | select($args[$i] == $option) | $args[$i + 1]][-1];
# Of two values with one name the later counts, in the place of the first.
def unique_names: reduce .[] as $pair ([]; ($pair | split("=")[0] + "=") as $name
	| (map(startswith($name)) | index(true)) as $at | if $at then .[$at] = $pair else . + [$pair] end);
# Only what is there, or was there before.
def put($name; $value): if ($value | length) > 0 then .[$name] = $value else del(.[$name]) end;

(.config // {}) as $base
| ($argv | list | if .[:2] == ["/sbin/docker-init", "--"] then .[2:] else . end) as $command
| (if $has_entrypoint == "" then $base.Entrypoint // [] else $entrypoint | list - [""] end) as $entry
| ($lockdown | lines) as $rights
| ($base
	| put("Env"; $env | list | .[1:] | (if $tty == "" then . else .[1:] end) | unique_names)
	| put("Entrypoint"; $entry)
	| put("Cmd"; $command[($entry | length):])
	| put("Labels"; $labels | list | map(capture("^(?<key>[^=]*)=(?<value>(.|\n)*)$")) | from_entries)
	| put("User"; after($rights; "--user") | if . == "0" then $base.User // "" else . end)
	| put("WorkingDir"; after($rights; "--cwd") // $base.WorkingDir // "")
	| put("StopSignal"; $stop_signal | rtrimstr("\n")
		| if . == "TERM" then $base.StopSignal // "" else . end)
	| apply($changes)) as $config
| ({created: $created}
	+ (if $author == "" then {} else {author: $author} end)
	+ {created_by: ($command | join(" "))}
	+ (if $message == "" then {} else {comment: $message} end)) as $step
| input as $manifest
| del(.container, .container_config, .docker_version, .author)
+ {created: $created, config: $config}
+ (if $author == "" then {} else {author: $author} end)
+ {rootfs: {type: "layers", diff_ids: ((.rootfs.diff_ids // []) + [$diff_id])}, history: ((.history // []) + [$step])}
| tojson, parts, "layers",
	($manifest.layers[] | "\(.mediaType
		| sub("^application/vnd[.]docker[.]image[.]rootfs([.]foreign)?[.]diff[.]tar[.]gzip$"; "application/vnd.oci.image.layer.v1.tar+gzip")
		| sub("^application/vnd[.]docker[.]image[.]rootfs[.]diff[.]tar$"; "application/vnd.oci.image.layer.v1.tar")
		) \(.digest) \(.size)")
