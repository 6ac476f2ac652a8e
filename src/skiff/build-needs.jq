# Which stages of a Dockerfile have to be built, and which images they need. In: the first line of
# dockerfile -l, then the lines of dockerfile -r. --arg target: a stage, by name or number, or "".
# Out: lines of fields with the byte 0x1f between them:
#   stage NUMBER BASE PLATFORM IMAGE NAME    base first; BASE is the number of an earlier stage
#   image REFERENCE                          that something is copied or mounted from
#   file-stages COUNT
#   unused NAME                              a build argument for which there is no ARG
#   warning LINE TEXT

def line: map(tostring) | join("\u001f");
# What is printed as a line, and may become a word of a command.
def plain(what): if type == "string" and test("[\u0000-\u001f]") then error("\(what) has a control character") else . end;

input as $head
| [inputs | select(has("instruction"))] as $all
| ($head.stages | if length == 0 then error("no build stage in current context") else . end) as $stages
| (if $target == "" then $stages | length - 1
	else ([$stages[] | select((.name // "") == ($target | ascii_downcase)) | .stage][-1]
		// (try ($target | tonumber) catch null)
		| if . == null or . < 0 or . >= ($stages | length) or . != floor
			then error("target stage \"\($target)\" could not be found") else . end) end) as $last
# What RUN --mount is from: the text of a flag that has not been expanded.
| def mounted: .flags.mount[]? | capture("(\\A|,)\"?from=(?<from>[^,\"]+)") | .from;
  def stage_of: . as $name | [$stages[] | select((.name // "") == ($name | ascii_downcase)) | .stage][-1]
	// (if test("\\A[0-9]+\\z") then tonumber else null end);
  ([$all[] | {stage, uses: ((.uses[]?), (mounted | stage_of // empty))}]) as $edges
| def needs($n): [$stages[$n].base // empty, ($edges[] | select(.stage == $n) | .uses)] | unique[];
  def closure: . as $set | ([.[] | needs(.)] + $set | unique) as $more
	| if $more == $set then $set else $more | closure end;
  ([$last] | closure) as $wanted
| ($head.warnings[]? | ["warning", .line, (.text | gsub("[\u0000-\u001f]"; " "))] | line),
  ($head.unused_args[]? | ["unused", .] | line),
  (["file-stages", ($stages | length)] | line),
  ($wanted[] | $stages[.] | ["stage", .stage, (.base // ""), (.platform // "" | plain("a platform")), (.image | plain("the name of an image")), (.name // "")] | line),
  ([$all[] | select(.stage as $n | $wanted | index($n))
	| (select(.instruction == "COPY" and (.uses | length) == 0) | .flags.from[0]? // empty),
	  (mounted | select(stage_of == null))]
	| unique[] | ["image", plain("the name of an image")] | line)
