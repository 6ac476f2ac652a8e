# The config of an imported image. In: $changes (Dockerfile instructions, one a
# line), $diff_id, $message, $platform, $created.

include "change";

($platform | split("/")) as $p
| ({} | apply($changes)) as $config
| {created: $created, architecture: $p[1], os: $p[0]}
+ (if $p[2] then {variant: $p[2]} else {} end)
+ {config: $config,
   rootfs: {type: "layers", diff_ids: [$diff_id]},
   history: [{created: $created, comment: $message}]}
