# format: templates, rows, tables. The expectations are what docker 28.2 prints for the same
# container with "docker inspect -f" and for the same rows with "docker ps --format", but where
# a comment says otherwise.
load helper

setup() {
	in_time
	cd "$BATS_TEST_TMPDIR" || return
	cat >c.json <<-'END'
		{"Id":"abcdef0123456789","Args":["-c","echo <hi> & \"q\""],"State":{"Status":"exited","Running":false,
		"ExitCode":137,"Error":""},"Name":"/web","HostConfig":{"Memory":1073741824,"Links":null},
		"Mounts":[{"Type":"bind","Source":"/a","RW":true},{"Type":"volume","Source":"/x","RW":false}],
		"Config":{"Hostname":"h","Env":["A=1","PATH=/bin:/usr/bin","E="],"Labels":{"b":"two","a":"one",
		"x.y-z":"three w"}},"NetworkSettings":{"Ports":{"80/tcp":[{"HostIp":"0.0.0.0","HostPort":"8080"},
		{"HostIp":"::","HostPort":"8080"}],"443/udp":null},"Networks":{"bridge":{"IPAddress":"172.17.0.2"}}}}
	END
	printf 'abcdef012345\tweb,x/y\tbb:1\ta.x_y-z=1\037b=2\trunning\n' >rows
	printf 'bbcdef012345\täöü\ta-much-longer-image-name:1\t\texited\n' >>rows
	FIELDS="ID=CONTAINER ID,Names=NAMES,Image,Labels,State"
}

# each_template COMMAND...: the lines of standard input in pairs: a template, and what the
# command prints for it.
each_template() {
	local template want got bad=''
	while IFS= read -r template; do
		IFS= read -r want
		got=$("$@" "$template" 2>&1) || true
		[ "$got" = "$want" ] || bad="$bad
$template
  gives    $got
  expected $want"
	done
	[ -z "$bad" ] || fail "$bad"
}

inspected() {
	format -o 'Health,Labels.*' "$1" <c.json
}

@test "format: text, fields, trimming, comments" {
	each_template inspected <<-'END'
		plain
		plain
		{{.Name}}{{ .State.Status }}x
		/webexitedx
		{{.Id}} {{.ID}}
		abcdef0123456789 abcdef0123456789
		a {{- .Name -}} b
		a/webb
		a {{- /* c }} */ -}} b{{/* d */}}
		ab
		a{{- 3}}{{-3}} {{- -3 -}} b
		a3-3-3b
		{{.Name}}\t|\n
		/web\t|\n
		{{.State.ExitCode}} {{.HostConfig.Memory}} {{.State.Running}}
		137 1073741824 false
		{{.Args}} {{.Config.Labels}}
		[-c echo <hi> & "q"] map[a:one b:two x.y-z:three w]
		{{.HostConfig.Links}}|{{.Config.Labels.none}}|{{.Config.Labels.a}}
		<no value>|<no value>|one
		{{json .Args}} {{json .Config}}
		["-c","echo <hi> & \"q\""] {"Hostname":"h","Env":["A=1","PATH=/bin:/usr/bin","E="],"Labels":{"b":"two","a":"one","x.y-z":"three w"}}
		{{json .State.ExitCode}} {{json .Name}} {{json true}} {{json nil}} {{json 1.5}}
		137 "/web" true null 1.5
		{{"quoted \" \t \x41 \u00e9 \101"}} {{`raw \n`}} {{'a'}} {{0x1f}} {{1_000}} {{0b11}} {{0o17}} {{017}} {{1.50}} {{-3}} {{1e3}}
		quoted " 	 A é A raw \n 97 31 1000 3 15 15 1.5 -3 1000
	END
}

@test "format: if, with, range, variables" {
	each_template inspected <<-'END'
		{{if .State.Running}}up{{else if eq .State.ExitCode 137}}killed{{else}}down{{end}}
		killed
		{{if .State.Health}}{{.State.Health.Status}}{{else}}none{{end}}
		none
		{{with .Config}}{{.Hostname}} {{$.Name}}{{end}}{{with .HostConfig.Links}}yes{{else}}no{{end}}
		h /webno
		{{with .HostConfig.Links}}yes{{else with .Config}}{{.Hostname}}{{end}}
		h
		{{range .Config.Env}}{{.}};{{end}}
		A=1;PATH=/bin:/usr/bin;E=;
		{{range $i, $e := .Config.Env}}{{if $i}}, {{end}}{{$i}}={{$e}}{{end}}
		0=A=1, 1=PATH=/bin:/usr/bin, 2=E=
		{{range $k, $v := .Config.Labels}}{{$k}}->{{$v}},{{else}}none{{end}}
		a->one,b->two,x.y-z->three w,
		{{range .HostConfig.Links}}x{{else}}none{{end}}{{range 3}}{{.}}{{end}}{{range $i := 2}}{{$i}}{{end}}
		none01201
		{{range $i, $e := .Config.Env}}{{if eq $i 1}}{{continue}}{{end}}{{$e}}{{end}} {{range .Config.Env}}{{.}}{{break}}{{end}}
		A=1E= A=1
		{{range $p, $c := .NetworkSettings.Ports}}{{$p}}{{range $c}} {{.HostIp}}:{{.HostPort}}{{end}};{{end}}
		443/udp;80/tcp 0.0.0.0:8080 :::8080;
		{{$x := .Name}}{{$x}} {{$x = "y"}}{{$x}}
		/web y
		{{$x := 1}}{{range .Config.Env}}{{$x = len .}}{{end}}{{$x}}
		2
		{{with $x := .Name}}{{$x}}{{end}} {{if $y := .Name}}{{$y}}{{end}}
		/web /web
		{{range .Config.Env}}{{$p := split . "="}}{{index $p 0}} {{end}}
		A PATH E 
	END
}

@test "format: functions" {
	each_template inspected <<-'END'
		{{len .Config.Env}} {{len .Name}} {{len .Config.Labels}} {{len .HostConfig.Links}}
		3 4 3 0
		{{index .Config.Env 1}} {{index .Config.Labels "x.y-z"}}|{{index .Config.Labels "nope"}}|
		PATH=/bin:/usr/bin three w||
		{{(index (index .NetworkSettings.Ports "80/tcp") 0).HostPort}} {{index .NetworkSettings.Ports "80/tcp" 0}}
		8080 map[HostIp:0.0.0.0 HostPort:8080]
		{{and 1 0}} {{and 1 2}} {{or 0 ""}} {{or 0 "x"}} {{not 0}} {{if and .Name (not .State.Running)}}ok{{end}}
		0 2  x true ok
		{{eq .Name "/web"}} {{ne .Name "/web"}} {{eq 1 2 3 1}} {{eq .State.Running false}} {{.Name | eq "/web"}}
		true false true true true
		{{lt 1 2}} {{le 2 2}} {{gt 1 2}} {{ge 2 1}} {{lt "a" "b"}} {{lt 1.5 2.5}}
		true true false true true true
		{{join .Config.Env ", "}}
		A=1, PATH=/bin:/usr/bin, E=
		{{split "a:b:c" ":"}} {{index (split .Name "/") 1}} {{len (split "äbc" "")}}
		[a b c] web 3
		{{title "it's élan o_k x1y a-b"}} {{upper "äöü"}} {{lower "ABC"}}
		It'S Élan O_k X1y A-B ÄÖÜ abc
		{{truncate .Id 6}} {{truncate "ab" 6}} [{{pad "x" 2 3}}]
		abcdef ab [  x   ]
		{{print 1 2 "a" "b" 3 4}}{{slice .Name 1 3}}{{slice .Config.Env 1}}
		1 2ab3 4we[PATH=/bin:/usr/bin E=]
		{{println "a" 1 true}}{{- ""}}
		a 1 true
		{{.Name | upper | printf "%s-%s" "x"}}
		x-/WEB
		{{truncate "äöü" 2}}
		äö
	END
}

@test "format: printf" {
	each_template inspected <<-'END'
		{{printf "%s|%10s|%-10s|%.2s|%-6s|" .Name .Name .Name .Name "äöü"}}
		/web|      /web|/web      |/w|äöü   |
		{{printf "%d|%5d|%-5d|%05d|%+d|%x|%X|%o|%b|%c|%q|%#x" 42 42 42 -42 42 255 255 8 5 65 65 255}}
		42|   42|42   |-0042|+42|ff|FF|10|101|A|'A'|0xff
		{{printf "%q %v %t" .Name .Name .State.Running}}
		"/web" /web false
		{{printf "%v %s %d" .Config.Env .Config.Env .Config.Env}}
		[A=1 PATH=/bin:/usr/bin E=] [A=1 PATH=/bin:/usr/bin E=] [%!d(string=A=1) %!d(string=PATH=/bin:/usr/bin) %!d(string=E=)]
		{{printf "%q %q" .Config.Env .Config.Labels}}
		["A=1" "PATH=/bin:/usr/bin" "E="] map["a":"one" "b":"two" "x.y-z":"three w"]
		{{printf "%f %.2f %g %e %v %6.1f|" 1.5 1.5 1.5 1.5 1.5 1.5}}
		1.500000 1.50 1.5 1.500000e+00 1.5    1.5|
		{{printf "%d %s %t %v %s" "x" 5 1 nil nil}}
		%!d(string=x) %!s(int=5) %!t(int=1) <nil> %!s(<nil>)
		{{printf "%d"}} {{printf "x" 1 "y"}} {{printf "%%"}} {{printf "%"}} {{printf "%z" 1}}
		%!d(MISSING) x%!(EXTRA int=1, string=y) % %!(NOVERB) %!z(int=1)
		{{printf "%6.3d|%-8q|%x|%X|%05s|%-05d|% d|%*d" 5 "a" "hi" "hi" "ab" 7 7 5 42}}
		   005|"a"     |6869|6869|000ab|7    | 7|   42
	END
}

@test "format: a template that does not parse: docker's words, 125, nothing printed" {
	local template want
	while IFS= read -r template; do
		IFS= read -r want
		run --separate-stderr format "before $template" <c.json
		[ "$status" -eq 125 ] || fail "$template: $status"
		[ -z "$output" ] || fail "$template: $output"
		# shellcheck disable=SC2154
		[ "$stderr" = "format: template parsing error: template: :1: $want" ] || fail "$template: $stderr"
	done <<-'END'
		{{.Name
		unclosed action
		{{.Name}
		bad character U+007D '}'
		{{foo .Name}}
		function "foo" not defined
		{{end}}
		unexpected {{end}}
		{{if}}x{{end}}
		missing value for if
		{{if .Name}}x
		unexpected EOF
		{{if .Name}}x{{else}}y{{else}}z{{end}}
		expected end; found {{else}}
		{{$y}}
		undefined variable "$y"
		{{.a-b}}
		bad character U+002D '-'
		{{"abc}}
		unterminated quoted string
		{{(.Name}}
		unclosed left paren
		{{.Name)}}
		unexpected right paren
		{{.Name | 3}}
		non executable command in pipeline stage 2
		{{}}
		missing value for command
		{{break}}
		{{break}} outside {{range}}
		{{/* unclosed
		unclosed comment
		{{template "x"}}
		{{template}} is not supported
	END
}

@test "format: what fails with a value: docker's words, and the other values are printed" {
	each_template inspected <<-'END'
		{{.Foo}}{{.Bar}}
		format: template parsing error: template: :1:2: executing "" at <.Foo>: map has no entry for key "Foo"
		{{.Name}} {{.State.Foo}}
		format: template parsing error: template: :1:18: executing "" at <.State.Foo>: map has no entry for key "Foo"
	END
	each_template inspected <<-'END'
		{{index .Config.Env 9}}
		format: template parsing error: template: :1:2: executing "" at <index .Config.Env 9>: error calling index: index out of range: 9
		{{eq .Name 1}}
		format: template parsing error: template: :1:2: executing "" at <eq .Name 1>: error calling eq: incompatible types for comparison
		{{nil}}
		format: template parsing error: template: :1:2: executing "" at <nil>: nil is not a command
		{{3 4}}
		format: template parsing error: template: :1:2: executing "" at <3>: can't give argument to non-function 3
		{{.Name "x"}}
		format: template parsing error: template: :1:2: executing "" at <.Name>: Name is not a method but has arguments
	END
	echo '{"Name":"two"}' >>c.json
	run -125 --separate-stderr format '{{.Name}} {{.Id}}' <c.json
	[ "$output" = '/web abcdef0123456789' ]
	[[ $stderr == *'key "Id"' ]]
	# what goes wrong with each is said once
	run -125 --separate-stderr format '{{.Nope}}' <c.json
	[ "${#stderr_lines[@]}" -eq 1 ] || fail "$stderr"
}

rows() {
	format -f "$FIELDS" "$1" <rows | tr '\n' '$'
}

@test "format: rows, labels, and JSON in the order of names" {
	each_template rows <<-'END'
		{{.ID}}\t{{.State}}
		abcdef012345	running$bbcdef012345	exited$
		 {{.Labels}}|{{.Label "b"}}|{{.Label "a.x_y-z"}}|{{.Label "x_y-z"}} 
		a.x_y-z=1,b=2|2|1|$|||$
		{{with $x := .}}{{$x.Label "b"}}{{end}}{{"b" | .Label}}
		22$$
		json
		{"ID":"abcdef012345","Image":"bb:1","Labels":"a.x_y-z=1,b=2","Names":"web,x/y","State":"running"}${"ID":"bbcdef012345","Image":"a-much-longer-image-name:1","Labels":"","Names":"äöü","State":"exited"}$
	END
	expect 125 format -f "$FIELDS" '{{.Label "a" "b"}}' <rows
	expect 125 format -f "$FIELDS" '{{.Foo}}' <rows
	[ "$(printf 'a\tb\tc\td\n1' | format -f ,B,C '{{.B}}{{.C}};{{json .}}')" = "bc;{\"B\":\"b\",\"C\":\"c\"}
;{\"B\":\"\",\"C\":\"\"}" ]
}

@test "format: tables as docker's: at least 10 wide, three blanks, characters and not bytes" {
	each_template rows <<-'END'
		table {{.ID}}\t{{.Names}}\t{{.Image}}
		CONTAINER ID   NAMES     IMAGE$abcdef012345   web,x/y   bb:1$bbcdef012345   äöü       a-much-longer-image-name:1$
		table {{.State}}
		STATE$running$exited$
		table  {{.Label "b"}}\t{{.Label "a.x_y-z"}}\t{{.Names}}
		b         x y z     NAMES$2         1         web,x/y$                    äöü$
		table {{upper .Names}}\t{{truncate .ID 3}}\t{{json .State}}
		NAMES     CONTAINER ID   STATE$WEB,X/Y   abc            "running"$ÄÖÜ       bbc            "exited"$
		table {{printf "%-9s" .State}}|{{len .Names}}
		STATE    |5$running  |7$exited   |6$
		table {{.ID}}\n{{.State}}\t{{.Names}}
		CONTAINER ID$STATE     NAMES$abcdef012345$running   web,x/y$bbcdef012345$exited    äöü$
		table {{.ID}}\t\t{{.State}}
		CONTAINER ID             STATE$abcdef012345             running$bbcdef012345             exited$
	END
	[ "$(format -f A,B=bee 'table {{.A}}\t{{.B}}' </dev/null)" = 'A         bee' ]
	expect 125 format -f A 'table {{.A' </dev/null
	[[ $output != A* ]]
}

@test "format: hostile rows are data, and cannot drive a terminal" {
	printf '{{.B}}%%s\033[31m\302\233\342\200\256\377$(id)\t`id`\037x\n' >hostile
	[ "$(format -f A,B '{{.A}}|{{.B}}|{{printf "%s" .A}}' <hostile)" = \
		'{{.B}}%s?[31m???$(id)|`id`,x|{{.B}}%s?[31m???$(id)' ] || fail "$(format -f A,B '{{.A}}|{{.B}}|{{printf "%s" .A}}' <hostile)"
	[ "$(format -f A,B 'table {{.A}}\t{{.B}}' <hostile | tail -n 1)" = '{{.B}}%s?[31m???$(id)   `id`,x' ]
	head -c 3000000 /dev/zero | tr '\0' x >long
	[ "$(format -f A '{{len .A}}' <long)" = 3000000 ]
}

@test "format: JSON strings are raw in a pipe, harmless on a terminal" {
	printf '{"a":"x\\u001b[31m\\u009b\\u202e\\ty"}' >hostile.json
	[ "$(format '{{.a}}' <hostile.json)" = $'x\e[31m\302\233\342\200\256\ty' ]
	run script -qec "format '{{.a}} {{json .a}} {{.}}' <hostile.json" /dev/null
	[ "${output%$'\r'}" = 'x\x1b[31m\u009b\u202e	y "x\u001b[31m\u009b\u202e\ty" map[a:x\x1b[31m\u009b\u202e	y]' ] || fail "$output"
	# what the user wrote is the user's: colours
	colour=$'\e[31m' run script -qec 'format "$colour{{len .}}" <hostile.json' /dev/null
	[ "${output%$'\r'}" = $'\e[31m1' ]
}

@test "format: several values, numbers, bad JSON, depth" {
	[ "$(printf '1 "s"\n[1,2.5]null true 100000000000 1.0 0.1' | format '{{.}}' | tr '\n' ' ')" = \
		'1 s [1 2.5] <no value> true 100000000000 1 0.1 ' ]
	expect 125 format '{{.}}' <<<'{"a":'
	expect 125 format '{{.}}' <<<'x'
	head -c 100000 /dev/zero | tr '\0' '[' >deep
	expect 125 format '{{.}}' <deep
	expect 125 format "$(printf '(%.0s' {1..200} | sed 's/^/{{/')" <c.json
	[[ $output == *'deep'* ]]
	expect 125 format '{{range 1000000000}}xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx{{end}}' <c.json
	[[ $output == *MiB* ]]
}

@test "format: a row is printed when it comes, not at the end" {
	mkfifo in out
	format -f A '{{.A}}!' <in >out &
	exec 7>in 8<out
	printf 'one\n' >&7
	read -r -t 20 line <&8
	[ "$line" = 'one!' ]
	exec 7>&-
	wait
}

@test "format: usage, and a full disk" {
	expect 0 format -h
	expect 125 format
	expect 125 format a b
	expect 125 format --nothing x
	run -125 bash -c 'echo 1 | format "{{.}}" >/dev/full'
	run -125 bash -c 'echo 1 | format -f A "table {{.A}}" >/dev/full'
}
