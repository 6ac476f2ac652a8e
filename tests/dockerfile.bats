# dockerfile: Dockerfiles into JSON. What is expected is what BuildKit makes of the same text,
# but where a comment says otherwise.
load helper

setup() {
	in_time
	cd "$BATS_TEST_TMPDIR" || return
}

# each_pair COMMAND...: lines of standard input in pairs: what the command is given, and what it
# is to print.
each_pair() {
	local given want got bad=''
	while IFS= read -r given; do
		IFS= read -r want
		got=$("$@" "$given" 2>&1) || true
		[ "$got" = "$want" ] || bad="$bad
$given
  gives    $got
  expected $want"
	done
	[ -z "$bad" ] || fail "$bad"
}

# What of the Dockerfile TEXT is printed by jq FILTER, of the last line.
last() {
	printf 'FROM x\n%b\n' "$2" | dockerfile | jq -sc ".[-1] | $1"
}

args() { last .args "$1"; }
message() { printf '%b\n' "$1" | dockerfile; }

# A text with the variables that the tests have, expanded.
expanded() {
	printf 'FROM x\nENV A=abc E= P=/a/b/c.tar.gz S="one two" U=äöü\nLABEL x %s\n' "$1" |
		dockerfile | jq -sr '.[-1].args[0][2:]'
}

@test "dockerfile: an object a line, the members in order, line numbers and stages" {
	cat >Dockerfile <<-'END'
		# syntax=docker/dockerfile:1
		ARG V=12

		FROM debian:$V AS Base
		RUN one \
		   two
		FROM base
		COPY --from=Base --link a b
	END
	dockerfile Dockerfile >out.json
	diff - out.json <<-'END'
		{"directives":{"escape":"\\","syntax":"docker/dockerfile:1","check":null},"stages":[{"stage":0,"name":"base","image":"debian:12","base":null,"platform":null,"line":4},{"stage":1,"name":null,"image":"base","base":0,"platform":null,"line":7}],"unused_args":[],"proxies":[],"warnings":[]}
		{"line":2,"end":2,"stage":null,"instruction":"ARG","flags":{},"form":null,"args":["V=12"],"heredocs":[],"original":"ARG V=12","values":["12"],"given":[false]}
		{"line":4,"end":4,"stage":0,"instruction":"FROM","flags":{},"form":null,"args":["debian:12","base"],"heredocs":[],"original":"FROM debian:$V AS Base","name":"base","base":null}
		{"line":5,"end":6,"stage":0,"instruction":"RUN","flags":{},"form":"shell","args":["one    two"],"heredocs":[],"original":"RUN one    two","command":"one    two","script":false,"mounts":[],"uses":[],"args_in_env":[]}
		{"line":7,"end":7,"stage":1,"instruction":"FROM","flags":{},"form":null,"args":["base"],"heredocs":[],"original":"FROM base","name":null,"base":0}
		{"line":8,"end":8,"stage":1,"instruction":"COPY","flags":{"from":["Base"],"link":["true"]},"form":null,"args":["a","b"],"heredocs":[],"original":"COPY --from=Base --link a b","uses":[0]}
	END
	dockerfile <Dockerfile | cmp - out.json
	dockerfile - <Dockerfile | cmp - out.json
	[ "$(dockerfile -l Dockerfile)" = "$(head -n 1 out.json)" ]
}

@test "dockerfile: every wrong file is one line FILE:LINE, status 1, and nothing else" {
	printf 'FROM x\n\nRUM x\n' >Dockerfile
	run --separate-stderr -1 dockerfile Dockerfile
	[ -z "$output" ]
	[ "$stderr" = "Dockerfile:3: unknown instruction 'RUM', did you mean RUN?" ]
	run --separate-stderr -125 dockerfile /nonexistent
	run --separate-stderr -125 dockerfile -x
	run --separate-stderr -125 dockerfile a b
	run --separate-stderr -125 dockerfile -e Dockerfile Dockerfile
	each_pair message <<-'END'

		standard input:1: no instructions, expected a FROM
		# only\n#comments
		standard input:2: no instructions, expected a FROM
		ARG x
		standard input:1: no FROM, expected one: FROM IMAGE
		RUN x\nFROM y
		standard input:1: RUN before the first FROM, expected FROM or ARG
		FROM x\nXYZZY a
		standard input:2: unknown instruction 'XYZZY', expected ADD, ARG, CMD, COPY, ENTRYPOINT, ENV, EXPOSE, FROM, HEALTHCHECK, LABEL, MAINTAINER, ONBUILD, RUN, SHELL, STOPSIGNAL, USER, VOLUME or WORKDIR
		FROM x\nCOPY --form=a b c
		standard input:2: unknown flag of COPY '--form', did you mean --from?
		FROM x\nENV --a b=c
		standard input:2: ENV with the flag --a, expected none
		FROM x\nCOPY --chown a b
		standard input:2: --chown without a value, expected --chown=...
		FROM x\nCOPY --chown=1 --chown=2 a b
		standard input:2: the flag --chown twice, expected it once
		FROM x\nCOPY --link=maybe a b
		standard input:2: --link=maybe, expected true or false
		FROM x\nCOPY a
		standard input:2: COPY a, expected a source and a destination
		FROM x\nCOPY a <<E\nE
		standard input:2: <<E as the destination, expected a path
		FROM x y
		standard input:1: FROM x y, expected FROM IMAGE or FROM IMAGE AS NAME
		FROM x AS 1y
		standard input:1: invalid name for a stage '1y', expected a letter, then letters, digits, - _ .
		FROM --platform=a//b x
		standard input:1: --platform=a//b, expected OS/ARCHITECTURE or OS/ARCHITECTURE/VARIANT
		FROM $nothing
		standard input:1: FROM $nothing is empty, expected an image: is there an ARG with a value before the first FROM, or a build argument?
		FROM x\nENV a
		standard input:2: ENV a, expected NAME=VALUE...
		FROM x\nENV a=b c
		standard input:2: no = in 'c', expected NAME=VALUE
		FROM x\nENV =b
		standard input:2: ENV with a name that is empty, expected NAME=VALUE
		FROM x\nENV a=x\\=y $a=1\nENV b=$a $a=2
		standard input:2: invalid name '', expected NAME=VALUE
		FROM x\nARG =b
		standard input:2: ARG =b, expected NAME or NAME=VALUE
		FROM x\nARG "a=b"
		standard input:2: ARG "a=b", expected NAME or NAME=VALUE
		FROM x\nEXPOSE 65536
		standard input:2: EXPOSE 65536, expected PORT or FIRST-LAST, up to 65535, and /tcp, /udp or /sctp
		FROM x\nEXPOSE 80/icmp
		standard input:2: EXPOSE 80/icmp, expected PORT or FIRST-LAST, up to 65535, and /tcp, /udp or /sctp
		FROM x\nEXPOSE 9-8
		standard input:2: EXPOSE 9-8, expected PORT or FIRST-LAST, up to 65535, and /tcp, /udp or /sctp
		FROM x\nSTOPSIGNAL SIGFOO
		standard input:2: STOPSIGNAL SIGFOO, expected a signal, as SIGTERM or 15
		FROM x\nSHELL sh -c
		standard input:2: SHELL sh -c, expected a list of JSON: SHELL ["/bin/sh", "-c"]
		FROM x\nSHELL []
		standard input:2: SHELL with an empty list, expected a command
		FROM x\nCMD ["a", 1]
		standard input:2: a list of JSON with something that is no string, expected ["a", "b"]
		FROM x\nHEALTHCHECK
		standard input:2: HEALTHCHECK, expected HEALTHCHECK CMD COMMAND or HEALTHCHECK NONE
		FROM x\nHEALTHCHECK NONE a
		standard input:2: HEALTHCHECK NONE a, expected HEALTHCHECK CMD COMMAND or HEALTHCHECK NONE
		FROM x\nHEALTHCHECK --interval=5 CMD a
		standard input:2: --interval=5, expected a time of at least 1ms, as 30s or 1m30s
		FROM x\nHEALTHCHECK --retries=-1 CMD a
		standard input:2: --retries=-1, expected a number
		FROM x\nONBUILD FROM y
		standard input:2: ONBUILD FROM, expected another instruction
		FROM x\nONBUILD onbuild RUN y
		standard input:2: ONBUILD ONBUILD, expected another instruction
		FROM x\nONBUILD RAN y
		standard input:2: unknown instruction 'RAN', did you mean RUN?
		FROM x\nVOLUME [""]
		standard input:2: VOLUME with an empty word, expected a path
		FROM x\nWORKDIR
		standard input:2: WORKDIR without an argument, expected one
		FROM x\nRUN --network=all y
		standard input:2: --network=all, expected default, none or host
		FROM x\nRUN --security=none y
		standard input:2: --security=none, expected sandbox or insecure
		FROM x\nRUN a <<E\nb\nF
		standard input:2: unterminated here-document, expected a line E
		FROM x\nRUN a \xff
		standard input:2: a byte 0xff that is no text, expected UTF-8
		FROM x\nRUN a\0b
		standard input:2: a NUL byte, expected text
		FROM x\nCOPY --from=0 a b
		standard input:2: from stage 0 in stage 0, expected one before it
		FROM x\nCOPY --from=y a b\nFROM z AS y
		standard input:2: from stage 'y', which is not before stage 0
		FROM x AS y\nRUN --mount=from=y,target=/a b
		standard input:2: from stage 'y', which is not before stage 0
		FROM x\nCOPY --from=$y a b
		standard input:2: --from=$y, expected no variables: give a stage the name, FROM $y AS NAME
	END
}

@test "dockerfile: directives only at the top, once each, in any case" {
	printf '#  Escape = `  \n# syntax = a/b:c d\n#check=skip=all\nFROM x\nCOPY C:\\a `\n  b\n' >Dockerfile
	dockerfile Dockerfile >out.json
	expect 0 jq -nrc 'input | .directives' out.json
	[ "$output" = '{"escape":"`","syntax":"a/b:c d","check":"skip=all"}' ]
	[ "$(jq -sc '.[2].args' out.json)" = '["C:\\a","b"]' ]
	# after anything else, even an empty line, it is a comment
	for before in '' '# a comment' '# known=not' 'FROM y'; do
		printf '%s\n# escape=`\nFROM x\n' "$before" >Dockerfile
		[ "$(dockerfile -l Dockerfile | jq -r .directives.escape)" = "\\" ]
	done
	printf '\xef\xbb\xbf# escape=`\r\nFROM x\r\n' >Dockerfile
	[ "$(dockerfile -l Dockerfile | jq -r .directives.escape)" = '`' ]
	each_pair message <<-'END'
		# escape=x\nFROM y
		standard input:1: invalid escape character 'x', expected \ or `
		# syntax=x\n# SYNTAX=y\nFROM y
		standard input:2: a second directive 'syntax', expected one at most
	END
}

@test "dockerfile: continued lines, comments and empty lines within them, CRLF" {
	each_pair args <<-'END'
		RUN a \\  \t\n  b \\\n# no\n   # no\nc
		["a   b c"]
		RUN a \\\n\n \t\n b
		["a  b"]
		RUN a \\\r\n b\r\n
		["a  b"]
		RUN a # no comment
		["a # no comment"]
		RUN a \\\\
		["a \\\\"]
		RUN a \\
		["a"]
		RUN \\\n# a\\\nb
		["b"]
		  run  a  b
		["a  b"]
	END
	printf 'FROM x\nRUN a \\\n\n\n b\n# \xff is allowed here\nRUN c' | dockerfile >out.json
	[ "$(jq -sc '.[0].warnings, .[-1].line' out.json | tr '\n' ' ')" = '[{"line":3,"text":"an empty line within an instruction"}] 7 ' ]
}

@test "dockerfile: shell form and exec form" {
	form() { last '[.form] + .args' "$1"; }
	each_pair form <<-'END'
		RUN ["a", "b \\u0041"]
		["exec","a","b A"]
		RUN [ -f a ] && b
		["shell","[ -f a ] && b"]
		CMD ['a']
		["shell","['a']"]
		CMD []
		["exec"]
		CMD
		["shell",""]
		ENTRYPOINT exec "a $b"
		["shell","exec \"a $b\""]
		SHELL ["a", "-c"]
		["exec","a","-c"]
		HEALTHCHECK CMD ["a"]
		["exec","CMD","a"]
		HEALTHCHECK cmd a || b
		["shell","CMD","a || b"]
		HEALTHCHECK none
		[null,"NONE"]
		VOLUME ["/a b", "/c"]
		[null,"/a b","/c"]
		VOLUME /a /b
		[null,"/a","/b"]
		COPY ["a b", "c d"]
		[null,"a b","c d"]
		ADD a  b\tc
		[null,"a","b","c"]
		MAINTAINER Me <me@x>
		[null,"Me <me@x>"]
		USER a:b
		[null,"a:b"]
		STOPSIGNAL RTMIN+3
		[null,"RTMIN+3"]
		STOPSIGNAL SIGRTMAX-1
		[null,"SIGRTMAX-1"]
	END
}

@test "dockerfile: flags, with quotes, up to what is none" {
	flags() { last '[.flags, .args]' "$1"; }
	each_pair flags <<-'END'
		COPY --chown="a b":c --exclude=x --exclude=*.y --parents=False a b
		[{"chown":["a b:c"],"exclude":["x","*.y"],"parents":["false"]},["a","b"]]
		ADD --keep-git-dir --checksum=sha256:1 --unpack=true --chmod=755 a b
		[{"keep-git-dir":["true"],"checksum":["sha256:1"],"unpack":["true"],"chmod":["755"]},["a","b"]]
		RUN --network=none --security=sandbox -- --a
		[{"network":["none"],"security":["sandbox"]},["--a"]]
		RUN a --network=none
		[{},["a --network=none"]]
		ENV A=/b\nCOPY --chown=$A --chmod=$A --exclude=$A a b
		[{"chown":["/b"],"chmod":["/b"],"exclude":["$A"]},["a","b"]]
		HEALTHCHECK --interval=1m30s --timeout=0 --retries=3 CMD a
		[{"interval":["1m30s"],"timeout":["0"],"retries":["3"]},["CMD","a"]]
	END
	expect 0 last .health 'HEALTHCHECK --interval=1m1.5s --timeout=0 --start-period=2ms --start-interval=1h --retries=3 CMD a'
	[ "$output" = '{"Test":["CMD-SHELL","a"],"Interval":61500000000,"StartPeriod":2000000,"StartInterval":3600000000000,"Retries":3}' ]
	expect 0 last .health 'HEALTHCHECK NONE'
	[ "$output" = '{"Test":["NONE"]}' ]
}

@test "dockerfile: mounts of RUN; a variable makes no fields" {
	mounts() { last '[.mounts, .uses]' "$1"; }
	each_pair mounts <<-'END'
		RUN --mount=target=/a b
		[[{"type":"bind","target":"/a","readonly":true,"required":false}],[]]
		RUN --mount=type=CACHE,dst=/a,id=x,sharing=locked,mode=0700,uid=1,gid=2,ro b
		[[{"type":"cache","target":"/a","id":"x","sharing":"locked","mode":"0700","uid":"1","gid":"2","readonly":true,"required":false}],[]]
		RUN --mount=type=secret,id=x,env=Y,required --mount=type=tmpfs,target=/t,size=64m b
		[[{"type":"secret","id":"x","env":"Y","required":true,"readonly":true},{"type":"tmpfs","target":"/t","size":"64m","readonly":false,"required":false}],[]]
		RUN --mount=type=ssh,required=false b
		[[{"type":"ssh","required":false,"readonly":true}],[]]
		RUN --mount=type=bind,rw,src=/s,destination=/d b
		[[{"type":"bind","readonly":false,"source":"/s","target":"/d","required":false}],[]]
		ENV T=/a,source=/etc\nRUN --mount=type=cache,target=$T b
		[[{"type":"cache","target":"/a,source=/etc","readonly":false,"required":false}],[]]
		RUN --mount='type=cache,"target=/a,b"' b
		[[{"type":"cache","target":"/a,b","readonly":false,"required":false}],[]]
	END
	printf 'FROM x AS a\nFROM y AS b\nFROM z\nRUN --mount=from=B,target=/b --mount=from=image,target=/c d\n' | dockerfile >out.json
	[ "$(jq -sc '.[-1].uses' out.json)" = '[1]' ]
	expect 0 last '.flags.mount' 'ENV T=/a,b\nRUN --mount=type=cache,target=$T c'
	[ "$output" = '["type=cache,\"target=/a,b\""]' ]
	bad_mount() { message "FROM x\nRUN --mount=$1 a" 2>&1 | sed 's/.*:2: //'; }
	each_pair bad_mount <<-'END'
		type=bnd
		unknown type of mount 'bnd', did you mean bind?
		tpye=bind
		unknown key in --mount 'tpye', did you mean type?
		type
		type in --mount, expected type=VALUE
		type=cache,sharing=no
		unknown sharing of a mount 'no', expected locked, private or shared
		type=cache,mode=9
		mode=9 in --mount, expected an octal number
		type=secret,id=a,uid=-1
		uid=-1 in --mount, expected a number
		type=bind,uid=1
		uid with a mount of type bind, expected it with secret, ssh or cache
		type=tmpfs,size=x
		size=x in --mount, expected a size as 64m
		type=cache,size=1
		size with a mount of type cache, expected it with tmpfs
		type=bind,sharing=locked
		sharing with a mount of type bind, expected it with cache
		type=secret
		a secret without a name, expected id or target
		type=secret,id=a,src=b
		source and id of a secret, expected one of them
		type=cache,ro=2
		ro=2 in --mount, expected true or false
		from=$a,target=/b
		from=$a in --mount, expected no variables: give a stage the name
	END
}

@test "dockerfile: here-documents of RUN" {
	cat >Dockerfile <<-'END'
		FROM x
		RUN <<EOF
		echo $A \
		# kept
		EOF
		RUN <<-"E 1" cat - <<'E2' >f
		=one
		=E 1
		two
		E2
		RUN <<EOF
		#!/bin/sh
		EOF
		RUN cat <<<x && echo "<<no" '<<no'
		RUN ["<<no"]
		RUN 3<<A <<EMPTY
		A
		EMPTY
	END
	sed -i 's/^=/\t/' Dockerfile
	dockerfile Dockerfile | sed 1,2d | jq -c '[.line, .end, .command, .script, (.heredocs[] | [.name, .content, .expand, .chomp])]' >out
	diff - out <<-'END'
		[2,5,"echo $A \\\n# kept\n",false,["EOF","echo $A \\\n# kept\n",true,false]]
		[6,10,"<<-\"E 1\" cat - <<'E2' >f\n\tone\nE 1\ntwo\nE2",false,["E 1","\tone\n",false,true],["E2","two\n",false,false]]
		[11,13,"#!/bin/sh\n",true,["EOF","#!/bin/sh\n",true,false]]
		[14,14,"cat <<<x && echo \"<<no\" '<<no'",false]
		[15,15,null,false]
		[16,18,"3<<A <<EMPTY\nA\nEMPTY",false,["A","",true,false],["EMPTY","",true,false]]
	END
}

@test "dockerfile: here-documents of COPY and ADD are files, expanded unless quoted" {
	cat >Dockerfile <<-'END'
		FROM x
		ENV A=abc
		COPY <<one.txt a$A <<-'two' /dest
		"$A" '${A%c}' \$A <
		one.txt
		=$A
		=two
		ADD <<E /x
		E
		ONBUILD COPY <<E /x
		$A
		E
	END
	sed -i 's/^=/\t/' Dockerfile
	dockerfile Dockerfile | sed 1,3d | jq -c '[.args, (.heredocs[] | [.name, .content, .expand, .chomp])]' >out
	diff - out <<-'END'
		[["aabc","/dest"],["one.txt","\"abc\" 'ab' $A <\n",true,false],["two","$A\n",false,true]]
		[["/x"],["E","",true,false]]
		[["COPY <<E /x\n$A\nE"]]
	END
	dockerfile -r Dockerfile | jq -sc '.[3].heredocs[0].content, .[-1].inner.heredocs' >out
	diff - out <<-'END'
		"\"$A\" '${A%c}' \\$A <\n"
		[{"name":"E","content":"$A\n","expand":true,"chomp":false}]
	END
}

@test "dockerfile: quotes, escapes and variables" {
	each_pair expanded <<-'END'
		$A ${A} $A.b x$Ay "$A" '$A' \$A
		abc abc abc.b x abc $A $A
		a\b "a\b" 'a\b' "a\"b" a\\ $ $.
		ab a\b a\b a"b a\ $ $.
		${N:-w} ${N-w} ${E:-w} [${E-w}] ${A:-w} ${A-w}
		w w w [] abc abc
		[${N:+w}${N+w}${E:+w}] ${E+w} ${A:+w} ${A+w}
		[] w w w
		${A:?no} ${E?no}.
		abc .
		${N:-${M:-"$A }"}$A}
		abc }abc
		${N:-'$A'} ${N:-\}}
		$A }
		${P#*/} ${P##*/} ${P%.*} ${P%%.*} ${P#x} ${A#?} ${A%?} ${P##*}.
		a/b/c.tar.gz c.tar.gz /a/b/c.tar /a/b/c /a/b/c.tar.gz bc ab .
		${P/\//-} ${P//\//-} ${P/.*/} ${A/b/} ${A//?/xy} ${A/*/$A$A}
		-a/b/c.tar.gz -a-b-c.tar.gz /a/b/c ac xyxyxy abcabc
		${U#?} ${U%ü} ${U/ö/o} ${U##*ö}
		öü äö äoü ü
		$S "$S" ${S#* }
		one two one two two
		$1 $12x $? $* he$A
		 x   heabc
	END
}

@test "dockerfile: wrong substitutions" {
	wrong() { message "FROM x\nLABEL x $1" 2>&1 | sed 's/.*:2: //'; }
	each_pair wrong <<-'END'
		${
		no '}' in: ${
		${}
		bad substitution, expected a name behind '${' in: ${}
		${a
		no '}' in: ${a
		${a:-${b}
		no '}' in: ${a:-${b}
		${a/b}
		no second '/' in ${name/pattern/text} in: ${a/b}
		${a^}
		an unsupported modifier in ${}, expected one of :- - :+ + :? ? # ## % %% / // in: ${a^}
		${a:#b}
		an unsupported modifier in ${}, expected one of :- - :+ + :? ? # ## % %% / // in: ${a:#b}
		"a
		a double quote without its match in: "a
		'a
		a single quote without its match in: 'a
		${a:?}
		a: is not allowed to be unset in: ${a:?}
		${a?say $b}
		a: say  in: ${a?say $b}
		${a#\\x}
		an invalid pattern, in which \ may escape * ? \ } / in: ${a#\x}
	END
}

@test "dockerfile: key=value lists of ENV, LABEL and ARG" {
	each_pair args <<-'END'
		ENV a=1 b="two words" c=d\\ e f='g "h"' i= j=""
		["a=1","b=two words","c=d e","f=g \"h\"","i=","j="]
		ENV a  b "c"  d
		["a=b c  d"]
		ENV a=b=c
		["a=b=c"]
		ENV a=1\nENV a=2 b=$a
		["a=2","b=1"]
		ENV a=b\nENV $a=c\nLABEL x=$b
		["x=c"]
		LABEL "a b"=c d.e='f' g="x\\\\y"
		["a b=c","d.e=f","g=x\\y"]
		LABEL a "b" c
		["a=b c"]
		ARG a=1 b=$a c
		["a=1","b=1","c"]
		ARG a="x y"
		["a=x y"]
	END
	expect 0 last '[.values, .given]' 'ARG a=1 b'
	[ "$output" = '[["1",null],[false,false]]' ]
}

@test "dockerfile: expanded in these instructions, not in those" {
	each_pair args <<-'END'
		ENV A=b\nADD $A ${A}c /$A
		["b","bc","/b"]
		ENV A='b c'\nCOPY $A "$A" d
		["b c","b c","d"]
		ENV A=b\nCOPY ["$A", "/$A"]
		["b","/b"]
		ENV A=80\nEXPOSE $A ${A}80/udp
		["80/tcp","8080/udp"]
		ENV A='1 2-3 2'\nEXPOSE $A "4"/UDP
		["1/tcp","2/tcp","3/tcp","4/udp"]
		ENV A=b\nLABEL $A=$A
		["b=b"]
		ENV A=SIGTERM\nSTOPSIGNAL $A
		["SIGTERM"]
		ENV A=b\nUSER $A:$A
		["b:b"]
		ENV A=b\nVOLUME /$A /c$A
		["/b","/cb"]
		ENV A=b\nWORKDIR $A d
		["b d"]
		ENV A=b\nRUN $A
		["$A"]
		ENV A=b\nCMD $A
		["$A"]
		ENV A=b\nENTRYPOINT ["$A"]
		["$A"]
		ENV A=b\nSHELL ["$A"]
		["$A"]
		ENV A=b\nHEALTHCHECK CMD $A
		["CMD","$A"]
		ENV A=b\nONBUILD USER $A
		["USER $A"]
		ENV A=b\nMAINTAINER $A
		["$A"]
		EXPOSE 8080:80 127.0.0.1:1000-1001:90-91 [::1]::92/sctp
		["80/tcp","90/tcp","91/tcp","92/sctp"]
	END
}

@test "dockerfile: build arguments: before FROM, in stages, given, inherited, in a command's environment" {
	cat >Dockerfile <<-'END'
		ARG V=1
		ARG W=${V}w
		FROM x:$V$N AS one
		LABEL v=$V w=$W
		ARG V
		ARG W=own$V
		ARG none
		RUN a
		ENV V=env
		RUN b
		FROM one
		RUN c
		ARG V=late
		RUN d
	END
	dockerfile -a none=n -a N=1 -a HTTP_PROXY=p -a no_proxy=q Dockerfile >out.json
	jq -c 'select(.stages).unused_args, select(.stages).proxies, (.args_in_env, select(.instruction == "FROM" or .instruction == "LABEL").args | values)' out.json >out
	diff - out <<-'END'
		["N"]
		["HTTP_PROXY=p","no_proxy=q"]
		["x:1","one"]
		["v=","w="]
		["V=1","W=own1","none=n"]
		["W=own1","none=n"]
		["one"]
		["W=own1","none=n"]
		["W=own1","none=n","V=late"]
	END
	[ "$(V=2 dockerfile -a V Dockerfile | jq -sc '[.[0].stages[0].image, .[1].values, .[1].given, .[2].values, .[5].values]')" = \
		'["x:2",["2"],[true],["2w"],["2"]]' ]
	# without a value in the environment it is none
	[ "$(env -u V dockerfile -a V Dockerfile | jq -nr 'input.stages[0].image')" = x:1 ]
}

@test "dockerfile: the platform is known in FROM, and in a stage after ARG" {
	cat >Dockerfile <<-'END'
		FROM --platform=$BUILDPLATFORM x:$TARGETARCH
		LABEL a=$TARGETARCH
		ARG TARGETARCH
		LABEL b=$TARGETARCH
		ARG TARGETARCH=own
		LABEL c=$TARGETARCH
	END
	dockerfile -a BUILDPLATFORM=linux/amd64 -a TARGETARCH=arm64 -a TARGETOS=linux Dockerfile >out.json
	jq -c 'select(.stages) | .unused_args, .stages[0].platform, .stages[0].image' out.json >out
	jq -c 'select(.instruction == "LABEL").args' out.json >>out
	diff - out <<-'END'
		[]
		"linux/amd64"
		"x:arm64"
		["a="]
		["b=arm64"]
		["c=own"]
	END
}

@test "dockerfile -s: one stage, with the base image's environment and triggers" {
	cat >Dockerfile <<-'END'
		ARG I=debian
		FROM $I AS a
		ENV A=1 PATH=/a:$PATH
		ARG R=r
		FROM a AS B
		LABEL a=$A r=$R x=$X path=$PATH t=$T
		FROM scratch
		LABEL path=$PATH
		FROM c
		LABEL x ${wrong:?in another stage}
	END
	printf 'X=a b\0PATH=/bin\nx\0' >base-env
	printf '%s\n' '["ENV T=t$X", "COPY --from=a <<E a$X /y\nh $X\nE"]' >triggers
	dockerfile -s b -e base-env -o triggers Dockerfile >out.json
	jq -c 'del(.stages, .flags, .form, .original) | select(.line)' out.json >out
	diff - out <<-'END'
		{"line":5,"end":5,"stage":1,"instruction":"FROM","args":["a","b"],"heredocs":[],"name":"b","base":0}
		{"line":5,"end":5,"stage":1,"instruction":"ENV","args":["T=ta b"],"heredocs":[],"onbuild":true}
		{"line":5,"end":5,"stage":1,"instruction":"COPY","args":["aa b","/y"],"heredocs":[{"name":"E","content":"h a b\n","expand":true,"chomp":false}],"uses":[0],"onbuild":true}
		{"line":6,"end":6,"stage":1,"instruction":"LABEL","args":["a=1","r=r","x=a b","path=/bin\nx","t=ta b"],"heredocs":[]}
	END
	[ "$(dockerfile -s 1 -e base-env -o triggers Dockerfile)" = "$(cat out.json)" ]
	printf 'X=1\nPATH=/bin' >lines
	[ "$(dockerfile -s 0 -e lines Dockerfile | jq -sc '.[2].args')" = '["A=1","PATH=/a:/bin"]' ]
	# an image without PATH gets Docker's
	[ "$(dockerfile -s 2 Dockerfile | jq -sc '.[2].args')" = '["path=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]' ]
	expect 1 dockerfile Dockerfile
	[ "$output" = 'Dockerfile:10: wrong: in another stage in: ${wrong:?in another stage}' ]
	expect 0 dockerfile -l Dockerfile
	expect 1 dockerfile -s A1 Dockerfile
	[ "$output" = "Dockerfile: unknown stage 'A1', did you mean a?" ]
	expect 1 dockerfile -s 4 Dockerfile
	echo '["RUN a", "FROM b"]' >triggers
	expect 1 dockerfile -s 0 -o triggers Dockerfile
	[ "$output" = 'triggers, trigger 2:1: FROM, expected another instruction' ]
	for text in '{}' '[1]' 'RUN a' '["RUN a\nRUN b"]' '["RUM a"]' '[""]'; do
		echo "$text" >triggers
		run ! dockerfile -s 0 -o triggers Dockerfile
	done
	for text in null '[]'; do
		echo "$text" >triggers
		expect 0 dockerfile -s 0 -o triggers Dockerfile
	done
	for text in 'novalue\n' '=x\n' 'A=\xff\n'; do
		printf %b "$text" >base-env
		expect 125 dockerfile -s 0 -e base-env Dockerfile
	done
}

@test "dockerfile: ONBUILD has the trigger's text and its object" {
	expect 0 last '[.args, .trigger, .inner.instruction, .inner.args, .inner.flags]' 'ONBUILD copy --from=a $x \\\n b'
	[ "$output" = '[["copy --from=a $x  b"],"copy --from=a $x  b","COPY",["$x","b"],{"from":["a"]}]' ]
}

@test "dockerfile -r: nothing is expanded" {
	printf 'ARG a=$b\nFROM $a\nENV c="$d" e=f\nEXPOSE $p 1-3\nSTOPSIGNAL $s\nRUN --mount=target=$t x\nLABEL ${y:?z}=1\n' >Dockerfile
	dockerfile -r Dockerfile | jq -sc '.[0].stages[0].image, (.[1:][] | [.args, .flags])' >out
	diff - out <<-'END'
		"$a"
		[["a=$b"],{}]
		[["$a"],{}]
		[["c=\"$d\"","e=f"],{}]
		[["$p","1-3"],{}]
		[["$s"],{}]
		[["x"],{"mount":["target=$t"]}]
		[["${y:?z}=1"],{}]
	END
}

@test "dockerfile: stages by name and number; the last one of a name before" {
	printf 'FROM x AS a\nFROM y AS A\nFROM a\nCOPY --from=0 a b\nCOPY --from=a a b\nCOPY --from=image a b\n' | dockerfile >out.json
	[ "$(jq -sc '.[0].stages[2].base, .[4:][].uses' out.json | tr '\n' ' ')" = '1 [0] [1] [] ' ]
}

@test "dockerfile: limits: no input takes all memory or time" {
	{
		printf 'FROM x\nENV a=0123456789\n'
		for i in $(seq 40); do printf 'ENV a=$a$a\n'; done
	} >double
	expect 1 timeout 20 dockerfile double
	[ "$output" = 'double:19: a value of more than 1 MiB' ]
	{
		printf 'FROM x\nENV a='
		head -c 60000 /dev/zero | tr '\0' a
		printf '\nLABEL b=${a//*a*a*a*b/}\n'
	} >pattern
	expect 1 timeout 20 dockerfile pattern
	[ "$output" = 'pattern:3: this takes too long: too many variables, ports or stages, or patterns of many *' ]
	{
		printf 'FROM x\n'
		for i in $(seq 2000); do printf 'EXPOSE 0-65535 0-65535 0-65535/udp\n'; done
	} >ports
	expect 1 timeout 20 dockerfile ports
	printf 'FROM x\nLABEL a=%s\n' "$(printf '${a:-%.0s' $(seq 5000))" >deep
	expect 1 timeout 20 dockerfile deep
	[ "$output" = 'deep:2: more than 100 ${} within each other' ]
	printf 'FROM x\nCMD %s\n' "$(printf '[%.0s' $(seq 30000))" >json
	expect 0 timeout 20 dockerfile json # no JSON: for the shell
	{
		printf 'FROM x\nRUN '
		head -c 65531 /dev/zero | tr '\0' a
	} >line
	expect 0 dockerfile line
	printf a >>line
	expect 1 dockerfile line
	[ "$output" = 'line:2: a line of 65536 bytes, expected 65535 at most' ]
	truncate -s 5M big
	expect 125 dockerfile big
}

@test "dockerfile: buildah understands the same" {
	cat >Dockerfile <<-'END'
		ARG V=1
		FROM scratch
		ARG V
		ARG W=w$V
		ENV A=abc B="x $V" C='$V' P=/a/b.c
		ENV D ${A:-no}${N:-yes} "q"
		LABEL "k e"="v $A" l=${A}d m=a\ b n=${P}
		EXPOSE 80 90/udp $V
		VOLUME ["/v $A"]
		VOLUME /w /x$V
		USER u$V:g
		WORKDIR /d/$A
		STOPSIGNAL SIGUSR1
		ENTRYPOINT ["/e", "$A"]
		CMD run $A \
		  # comment
		  more
		HEALTHCHECK --interval=1m30s --retries=2 CMD check "$A"
		ONBUILD RUN  one \
		  two
	END
	builder() { buildah --root "$PWD/b" --runroot "$PWD/r" --storage-driver vfs "$@" 3>&- 4>&-; }
	expect 0 builder bud -q --format docker --build-arg V=2 -t t -f Dockerfile .
	builder inspect --type image t | jq -S '.Docker.config | {
		Env: [.Env[] | select(startswith("PATH=") | not)], Labels: (.Labels | del(.["io.buildah.version"])),
		ExposedPorts: (.ExposedPorts | keys), Volumes: (.Volumes | keys), User, WorkingDir, StopSignal,
		Entrypoint, Cmd, Healthcheck, OnBuild}' >theirs
	dockerfile -a V=2 Dockerfile | jq -sS '
		def of(name): map(select(.instruction == name));
		def args(name): [of(name)[].args[]];
		{Env: args("ENV"), Labels: (args("LABEL") | map(split("=") | {(.[0]): .[1]}) | add),
		ExposedPorts: (args("EXPOSE") | sort), Volumes: (args("VOLUME") | sort), User: args("USER")[0],
		WorkingDir: args("WORKDIR")[0], StopSignal: args("STOPSIGNAL")[0],
		Entrypoint: args("ENTRYPOINT"), Cmd: (["/bin/sh", "-c"] + args("CMD")), Healthcheck: of("HEALTHCHECK")[0].health,
		OnBuild: [of("ONBUILD")[].trigger]}' >ours
	diff theirs ours
}
