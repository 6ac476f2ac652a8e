# The documents of an image archive, one a call. Everything in them is hostile: what comes out has a
# known form, or it is an error. --arg part index: an OCI index; out: "DIGEST NAME" lines, of
# images for each platform that of $platform. --arg part manifest: an OCI manifest; out:
# "config DIGEST" and "layer DIGEST SIZE" lines. --arg part docker: manifest.json of docker
# save; out: "config PATH", "layer PATH" and "tag NAME" lines, and "end" after each image.

def digest: if type == "string" and test("\\Asha256:[0-9a-f]{64}\\z") then .
	else error("not a sha256 digest: \(tojson[0:100])") end;
def list(what): if type == "array" then . else error("\(what) is not a list") end;
def size: if type == "number" and . >= 0 and . == floor then . else error("a size is not a number") end;
# A path in the archive: no link is followed in it, and it leads nowhere else.
def path: if type == "string" then sub("\\A([.]/)+"; "") else "" end
	| if test("\\A[A-Za-z0-9._:@+=~-]+(/[A-Za-z0-9._:@+=~-]+)*\\z") and (split("/") | any(. == ".." or . == ".") | not) then .
	else error("a bad path in manifest.json: \(tojson[0:100])") end;
# A name has no blanks; whether it is one is for the caller to see.
def name: if type == "string" and test("\\A[!-~]+\\z") then . else error("a bad name: \(tojson[0:100])") end;

def annotation(key): .annotations as $a | if ($a | type) == "object" then $a[key] else null end;
def attestation: .platform.os == "unknown" or annotation("vnd.docker.reference.type") != null;
# What the archive calls it; a bare tag is no name.
def named: annotation("io.containerd.image.name")
	// (annotation("org.opencontainers.image.ref.name") | if type == "string" and test("[:/]") then . else null end);

def fits($p): .platform.os == $p[0] and .platform.architecture == $p[1]
	and ($p[2] == null or (.platform.variant // $p[2]) == $p[2]);
def pick: ($platform | split("/")) as $p
	| if length == 1 and $asked == "" then .[0] else (map(select(fits($p))) | .[0])
		// error("no image for \($platform)") end;

if type != "object" and $part != "docker" then error("not an object") else . end
| if type == "object" and has("manifests") and (has("layers") or has("config")) then error("both an index and a manifest") else . end
| if $part == "index" then
	.manifests | list("manifests") | map(select(attestation | not))
	| if length == 0 then error("no image in it") else . end
	# Several without a name or with the same are one image for several platforms.
	| if all(.[]; .platform.os != null) then group_by(named)[] | pick else .[] end
	| "\(.digest | digest) \(named // "" | if . == "" then . else name end)"
elif $part == "manifest" then
	"config \(.config.digest | digest)", (.layers | list("layers")[] | "layer \(.digest | digest) \(.size | size)")
else
	list("manifest.json")[]
	| "config \(.Config | path)", (.Layers // [] | list("Layers")[] | "layer \(path)"),
		(.RepoTags // [] | list("RepoTags")[] | "tag \(name)"), "end"
end
