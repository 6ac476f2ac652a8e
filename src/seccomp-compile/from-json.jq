# A seccomp profile in Docker's JSON form, as the text that seccomp-compile(1) reads:
#
#	jq -r --arg arch amd64 -f from-json.jq profile.json
#
# arch is Docker's name of this machine (amd64, arm64), to choose among the rules.
# Rules for certain capabilities stay so: seccomp-compile decides.

def action($name; $errno):
	{
		SCMP_ACT_ALLOW: "allow", SCMP_ACT_ERRNO: "errno \($errno // 1)", SCMP_ACT_TRAP: "trap",
		SCMP_ACT_KILL: "kill", SCMP_ACT_KILL_PROCESS: "kill", SCMP_ACT_KILL_THREAD: "kill",
		SCMP_ACT_LOG: "log"
	}[$name] // error("action \($name) cannot be compiled");

# What ends up in the text must be one word: a newline would be a rule of its own.
def word: tostring | if test("^[A-Za-z0-9_]+$") then . else error("not a name: \(@json)") end;

# How many arguments, from the first, the kernel takes as 32 bits wide: comparing all
# 64 would miss the same value with some higher bit set.
def narrow_arguments:
	{socket: 3, socketpair: 3, socketcall: 1, personality: 1, clone: 1, ioctl: 2, fcntl: 2,
	 prctl: 1}[.] // 0;

# jq keeps no more than 53 bits of a number.
def number:
	(. // 0) | tonumber
	| if . >= 0 and . <= 9007199254740992 and . == floor then . else error("number \(.) cannot be compiled") end;

def condition($name):
	(.index | number) as $index
	| ($index < ($name | narrow_arguments)) as $narrow
	| (if $narrow then "int\($index)" else "arg\($index)" end) as $argument
	| (.value | number | if $narrow then . % 4294967296 else . end) as $value
	| (.valueTwo | number | if $narrow then . % 4294967296 else . end) as $second
	| if .op == "SCMP_CMP_MASKED_EQ" then "\($argument) & \($value) == \($second)"
	  else
		({SCMP_CMP_EQ: "==", SCMP_CMP_NE: "!=", SCMP_CMP_LT: "<", SCMP_CMP_LE: "<=",
		  SCMP_CMP_GT: ">", SCMP_CMP_GE: ">="}[.op] // error("comparison \(.op) is unknown"))
		+ " \($value)" | "\($argument) \(.)"
	  end;

# Several comparisons of one argument are alternatives for Docker: a rule for each.
def alternatives:
	(.args // []) as $args
	| if ($args | map(.index) | length) == ($args | map(.index) | unique | length)
	  then [$args] else $args | map([.]) end;

def rules($default):
	(.names // [.name]) as $names
	| action(.action; .errnoRet) as $action
	| ([(.includes.caps // [])[] | "with \(word) "] + [(.excludes.caps // [])[] | "without \(word) "]
	   | add // "") as $prefix
	| alternatives[] as $args
	| if ($args | length) > 0
	  then $names[] | word as $name
		| "\($prefix)\($action) \($name) if \($args | map(condition($name)) | join(" and "))"
	  # A rule that says what is the case anyway would only hide others.
	  elif $action == $default then empty
	  else "\($prefix)\($action) \($names | map(word) | join(" "))"
	  end;

action(.defaultAction; .defaultErrnoRet) as $default
| "default \($default)",
  (
	(.syscalls // [])[]
	| select((.includes.arches // [$arch]) | index($arch))
	| select((.excludes.arches // []) | index($arch) | not)
	| rules($default)
  )
