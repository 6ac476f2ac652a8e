#!/usr/bin/env bats
# skiff show: what is where, as boxes, live, and as a page.
# shellcheck shell=bash disable=SC2016

load helper

setup_file() {
	skiff_setup_file
	skiff run -d --name sea -m 64m --cpus 0.5 busybox sh -c 'sleep 1000 & wait' >/dev/null
	skiff run -d --name sky --network container:sea busybox sleep 1000 >/dev/null
	skiff run -d --name land --userns=host busybox sleep 1000 >/dev/null
	skiff create --name never busybox true >/dev/null
}

teardown_file() { skiff_teardown_file; }

setup() { in_time && cd "$BATS_TEST_TMPDIR" || return; }

# widths FILE: of its lines, each once.
widths() {
	python3 -c 'import sys; print(*sorted({len(line.rstrip("\n")) for line in open(sys.argv[1], encoding="utf-8")}))' "$1"
}

@test "a box for each that runs: processes inside and out, namespaces, limits, layers" {
	skiff show --once >out
	[ "$(widths out)" = 80 ] || fail "$(cat out)"
	[ "$(grep -c '^┌─' out)" -eq 3 ]
	sed -n '/^┌─ sea /,/^└/p' out >sea
	grep -Eq '^│ processes +1  sh -c sleep 1000 & wait +[0-9]+ on the host │$' sea || fail "$(cat sea)"
	local pid
	pid=$(skiff inspect -f '{{.State.Pid}}' sea)
	grep -q " $pid on the host" sea
	grep -Eq '^│ +2  └─ sleep 1000 +[0-9]+ ' sea
	grep -Eq '^│ namespaces  user mnt pid uts ipc cgroup time  its own|user .*shared with sky' sea
	grep -Eq '^│ +(user )?net  shared with sky' sea || fail "$(cat sea)"
	grep -Eq '^│ memory .* of 64 MiB +│$' sea
	grep -Eq '^│ cpu .* of 0\.5 CPUs +│$' sea
	grep -Eq '^│ tasks .* 2 of 2048 +│$' sea
	grep -q 'writable layer over 1 layer of .* shared with land, sky' sea
	sed -n '/^┌─ land /,/^└/p' out | grep -Eq "^│ +user  the host's"
	expect 0 skiff show --once -a
	[[ $output = *'─ never ─'*' Created ─'* ]]
}

@test "one is a stack, alone, but what it shares is told" {
	COLUMNS=100 skiff show --once sea >out
	[ "$(grep -c '^┌─' out)" -eq 1 ]
	grep -q '^┌─ sea ─.*  limits$' out
	grep -q 'net  shared with sky' out
	grep -q '^│ │ writable  what it has changed' out
	grep -q '^│ │ layer 1  [0-9a-f]\{12\}  .* also in land, never, sky' out
	grep -q '14 of 41 capabilities$' out
	[[ $(grep -c '  root is user [0-9]* outside$' out) -eq 1 ]]
	COLUMNS=60 skiff show --once sea >out
	[ "$(widths out)" = 60 ] || fail "$(cat out)"
	grep -q '^│ rights .* capabilities' out
	expect 1 skiff show --once sea nothing-like-it
	[[ $output = 'skiff show: No such container: nothing-like-it' ]]
}

@test "ASCII where the locale has no more; no colour in a pipe" {
	LC_ALL=C skiff show --once -a >out
	! grep -q '[^ -~]' out || fail "line $LINENO"
	grep -q '^+- sea ---' out
	skiff show --once >out
	! grep -q $'\033' out || fail "line $LINENO"
}

@test "what containers say is plain text in the boxes" {
	skiff run -d --name evil busybox sh -c 'exec sleep "$0"' 1000 >/dev/null
	skiff run -d --name worse busybox sh -c 'sleep 1000; : "$0"' $'\033]0;owned\a\n\t\u202egnp \xff 日本語' >/dev/null
	skiff show --once >out
	! grep -q $'[\001-\011\013-\037\177]' out || fail "line $LINENO"
	! grep -q $'\u202e' out || fail "line $LINENO"
	grep -q "'sleep 1000; : \"\$0\"' '?]0;owned????gnp . 日本語'" out || fail "$(cat -v out)"
	# JSON has all of it, but not for a terminal
	script -qec "skiff show --format json worse" /dev/null <"$REPO/LICENSE" 3>&- 4>&- >typescript
	! grep -q $'\u202e' typescript || fail 'it drives the terminal'
	grep -qF '\u202egnp' typescript || fail "$(cat -v typescript)"
	# no matter how wide its characters are, the edge is where it belongs
	[[ $(grep -h '日本語' out | head -n 1) =~ ' │'$ ]]
	skiff rm -f evil worse >/dev/null
}

@test "--format: an object a line, templates" {
	skiff show --format json -a >out
	[ "$(jq -r .Name out | sort | xargs)" = 'land never sea sky' ]
	[ "$(jq 'select(.Name == "sea") | .Memory.Limit' out)" = 67108864 ]
	[ "$(jq -c 'select(.Name == "sky").Namespaces[] | select(.Type == "net").With' out)" = '["sea"]' ]
	[ "$(jq -r 'select(.Name == "sea").Rights.Capabilities[0]' out)" = chown ]
	expect 0 skiff show --format '{{.Name}} {{.ProcessCount}}' sea
	[ "$output" = 'sea 2' ]
}

@test "what cannot be had at once is refused" {
	expect 125 skiff show --format json --html page
	[[ $output = 'skiff show: --format and --html: one at a time'* ]] || fail "$output"
	expect 125 skiff show --format json --serve
	expect 125 timeout 20 skiff show --serve --svg page
	[ ! -e page ]
	expect 125 skiff show --listen 127.0.0.1:0
	[[ $output = 'skiff show: --listen is for --serve'* ]] || fail "$output"
	expect 125 timeout 20 skiff show --serve --once
}

@test "many, and one with many processes: quickly, by few processes" {
	skiff run -d --name herd busybox sh -c 'for n in $(seq 300); do sleep 1000 & done; wait' >/dev/null
	local n
	for n in $(seq 17); do skiff create --name "many$n" busybox sleep 600 >/dev/null; done
	# shellcheck disable=SC2046
	skiff start $(seq -f 'many%g' 17) >/dev/null
	wait_until eval 'skiff show --format "{{.ProcessCount}}" herd | grep -qx 301'
	strace -f -qq -e trace=execve -e signal=none -o trace skiff show --once >out
	[ "$(grep -c 'execve.* = 0$' trace)" -lt 15 ] || fail "$(cat trace)"
	[ "$(grep -c '^┌─' out)" -eq 21 ]
	grep -q ' and 296 more ' out
	# shellcheck disable=SC2046
	skiff rm -f herd $(seq -f 'many%g' 17) >/dev/null
}

@test "nothing to show" {
	SKIFF_ROOT=$PWD/other SKIFF_RUN=$PWD/run expect 0 skiff show --once
	[ "$output" = 'No container runs.' ]
	expect 125 skiff show --bogus
}

# drive.py STEPS COMMAND...: COMMAND on a terminal of 24x80, as the job of a shell. STEPS are lines: "wait TEXT", "send
# TEXT", "never TEXT", "size ROWS COLUMNS", "signal N", "stopped", "continue", "settings NAME" (own or other); then its end is waited for.
terminal_helpers() {
	cat >drive.py <<'PYTHON'
import fcntl, os, pty, select, signal, struct, sys, termios, time
fd, keep = pty.openpty()
def size(rows, columns):
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
size(24, 80)
before = termios.tcgetattr(keep)
said, say = os.pipe()
if os.fork() == 0:  # a shell with job control: leader of the session
    os.dup2(say, 1)
    os.close(fd)
    os.setsid()
    fcntl.ioctl(keep, termios.TIOCSCTTY, 0)
    signal.signal(signal.SIGTTOU, signal.SIG_IGN)
    job = os.fork()
    if job == 0:
        os.setpgid(0, 0)
        os.tcsetpgrp(keep, os.getpid())
        signal.signal(signal.SIGTTOU, signal.SIG_DFL)
        for n in 0, 1, 2:
            os.dup2(keep, n)
        os.execvp(sys.argv[2], sys.argv[2:])
    print(job, flush=True)
    while True:
        _, status = os.waitpid(job, os.WUNTRACED)
        if os.WIFSTOPPED(status):
            print("stopped", flush=True)
            continue
        print("status", os.waitstatus_to_exitcode(status), flush=True)
        os._exit(0)
os.close(say)
said = os.fdopen(said)
job = int(said.readline())
seen, everything = b"", []
def more(wait):
    global seen
    if select.select([fd], [], [], wait)[0]:
        piece = os.read(fd, 65536)
        seen += piece
        everything.append(piece)
def until(what, condition):
    end = time.monotonic() + 15 * int(os.environ.get("SLOW", 1))
    while not condition():
        if time.monotonic() > end:
            os.kill(job, signal.SIGKILL)
            sys.exit(f"waited for {what}, in vain: {seen[-3000:]!r}")
        more(0.05)
def bytes_of(text):
    return text.encode().decode("unicode_escape").encode("latin-1") if "\\" in text else text.encode()
def line_is(text):
    if not select.select([said], [], [], 0)[0]:
        return False
    line = said.readline().strip()
    if not line.startswith(text):
        sys.exit(f"{line}, not {text}")
    print(line)
    return True
for step, _, text in (line.partition(" ") for line in sys.argv[1].split("\n") if line):
    if step == "wait":
        text = bytes_of(text)
        until(text, lambda: text in seen)
        seen = seen[seen.index(text) + len(text):]
    elif step == "never":
        if bytes_of(text) in b"".join(everything):
            sys.exit(f"there was {text}")
    elif step == "send":
        os.write(fd, bytes_of(text))
    elif step == "size":
        size(*map(int, text.split()))
    elif step == "signal":
        os.kill(job, int(text))
    elif step == "stopped":
        until("a stop", lambda: line_is("stopped"))
    elif step == "continue":
        os.kill(-job, signal.SIGCONT)
    elif step == "settings":
        more(0.3)
        print("settings", "own" if termios.tcgetattr(keep) == before else "other")
        if (termios.tcgetattr(keep) == before) != (text == "own"):
            sys.exit(f"the settings are not {text}")
until("its end", lambda: line_is("status"))
more(0.1)
print("back" if seen.rstrip().endswith(b"\x1b[?1049l") else f"left with {seen[-200:]!r}")
print("settings", "own" if termios.tcgetattr(keep) == before else "other")
PYTHON
}

@test "live: again and again, in the size of the terminal, until q" {
	terminal_helpers
	export TERM=xterm LC_ALL=C.UTF-8
	run -0 python3 drive.py "wait \\x1b[?1049h
wait ┌─
wait sky
wait lines 1 to 23
settings other
wait skiff show
wait skiff show
size 60 150
wait │ │
wait 3 containers  q: quit
send q" skiff show
	[ "$output" = $'settings other\nstatus 0\nback\nsettings own' ] || fail "$output"
}

@test "live: keys move it where there is not enough room" {
	terminal_helpers
	export TERM=xterm
	run -0 python3 drive.py 'wait lines 1 to 23
send j
wait lines 2 to 24
send \x1b[B
wait lines 3 to 25
send G
wait \x1b[H
send kkk
wait skiff show
send g
wait lines 1 to 23
send \x03' skiff show
	[ "$output" = $'status 0\nback\nsettings own' ] || fail "$output"
}

@test "live: SIGTERM gives the terminal back; Ctrl-Z stops, and it goes on" {
	terminal_helpers
	export TERM=xterm
	run -0 python3 drive.py 'wait skiff show
signal 15' skiff show sea
	[ "$output" = $'status 143\nback\nsettings own' ] || fail "$output"
	run -0 python3 drive.py 'wait skiff show
send \x1a
wait \x1b[?1049l
stopped
settings own
continue
wait \x1b[?1049h
wait skiff show
settings other
send q' skiff show sea
	[ "$output" = $'stopped\nsettings own\nsettings other\nstatus 0\nback\nsettings own' ] || fail "$output"
}

@test "live: colours, none with NO_COLOR, and no picture on a dumb terminal" {
	terminal_helpers
	run -0 env TERM=xterm python3 drive.py 'wait \x1b[36m
send q' skiff show
	run -0 env TERM=xterm NO_COLOR=1 python3 drive.py 'wait q: quit
never \x1b[36m
send q' skiff show
	TERM=dumb run -0 python3 drive.py 'wait sea' skiff show
	[[ $output = *'status 0'* && $output != *back* ]] || fail "$output"
}

# ---- as a page -----------------------------------------------------------------

# hostile: a container whose words would leave their place in HTML, SVG and CSS.
hostile() {
	skiff run -d --name "$1" -l 'x=<img src=x onerror=alert(1)>' busybox sh -c 'sleep 1000; : "$0"' \
		$'</text></svg><script>document.title="owned"</script>"\'&amp;<!--\033[31m\001\u202e]]>' >/dev/null
}

@test "--html and --svg: well-formed, with nothing from elsewhere, no scripts" {
	hostile evil
	skiff show --html page.html
	skiff show --svg picture.svg
	skiff show --svg - sea >stack.svg
	skiff rm -f evil >/dev/null
	python3 - page.html picture.svg stack.svg <<-'PYTHON'
		import html.parser, re, sys, xml.etree.ElementTree as tree
		class Page(html.parser.HTMLParser):
		    names, text = set(), ""
		    def handle_starttag(self, name, attributes):
		        self.names.add(name)
		        for key, value in attributes:
		            assert not key.startswith("on") and key not in ("src", "href", "style"), (name, key, value)
		    def handle_data(self, data):
		        self.text += data
		    def handle_comment(self, data):
		        raise AssertionError(data)
		page = Page()
		page.feed(open(sys.argv[1]).read())
		page.close()
		expected = set("html head meta title style body svg rect text circle p path".split())
		assert page.names <= expected, page.names - expected
		assert '</text></svg><script>doc' in page.text, page.text
		policy = re.search(r"default-src 'none'; style-src 'nonce-([0-9a-f-]{36})'", open(sys.argv[1]).read())
		assert open(sys.argv[1]).read().count(f'nonce="{policy[1]}"') == 2
		for file in sys.argv[2:]:
		    text = open(file).read()
		    assert not re.search("[\0-\x08\x0b-\x1f\x7f\u202e]", text)
		    names = {e.tag.split("}")[1] for e in tree.fromstring(text).iter()}
		    assert names <= expected | {"svg"}, names - expected
	PYTHON
	grep -q '>net: shared with sky<\|net: shared with sky' stack.svg
	grep -q '>of 64 MiB<' stack.svg
	expect 1 skiff show --html nowhere/page.html
	[ "$output" = 'skiff show: cannot write nowhere/page.html' ]
	# a full disk: what was there stays
	mkdir small
	mount -t tmpfs -o size=8k none small
	echo old >small/page.html
	run skiff show --html small/page.html
	left=$(cd small && grep . -- *)
	umount small
	[ "$status" -eq 1 ]
	[ "$left" = old ] || fail "$left"
	# nor does a file of somebody else's go that is beside it
	sh -c 'echo mine >theirs.html.$$; exec "$0" show --html theirs.html' "$(command -v skiff)"
	[ "$(cat theirs.html.[0-9]*)" = mine ]
	[ "$(stat -c %a theirs.html)" = 644 ]
	ln -s page.html link
	skiff show --html link
	[ -L link ]
	skiff show --html >(grep -c '</html>' >seen)
	wait_until grep -qsx 1 seen
}

@test "--html in a browser: nothing runs, nothing is outside the picture or upon something else" {
	[ -n "$(command -v chromium)" ] || skip 'no Chromium'
	hostile evil
	skiff run -d --name "$(printf 'W%.0s' $(seq 120))" busybox sleep 1000 >/dev/null
	skiff show --html page.html
	skiff rm -f evil "$(printf 'W%.0s' $(seq 120))" >/dev/null
	# with its own policy it does not run even what we put there; without, it would
	sed "s|</body>|<script>document.title = 'owned'</script></body>|" page.html >attacked.html
	browse attacked.html >dom
	! grep -q '<title>owned' dom || fail 'a script ran'
	sed -i '/Content-Security-Policy/d' attacked.html
	browse attacked.html >dom
	grep -q '<title>owned' dom || fail 'no script runs in this browser'
	# without it, ours can measure
	cat >measure.js <<-'END'
		const inside = (a, b) => a.left >= b.left - 1 && a.right <= b.right + 1 && a.top >= b.top - 1 && a.bottom <= b.bottom + 1;
		const apart = (a, b) => a.right <= b.left + 1 || b.right <= a.left + 1 || a.bottom <= b.top + 3 || b.bottom <= a.top + 3;
		const texts = [...document.querySelectorAll("svg text")].map(e => [e.textContent, e.getBoundingClientRect(), e.ownerSVGElement.getBoundingClientRect()]);
		const faults = [];
		for (const [text, box, card] of texts)
		  if (!inside(box, card)) faults.push("outside: " + text);
		texts.forEach(([text, box], i) => texts.slice(i + 1).forEach(([other, its]) => {
		  if (!apart(box, its)) faults.push("upon: " + text + " / " + other); }));
		document.title = "measured " + texts.length + (faults.length ? " FAULTS " + faults.join("; ") : " fine");
	END
	# 4 and 12 of them with as much to say as can be, and one of those as a stack
	skiff show --format json sea | jq -c --argjson n "$(seq 12 | jq -sc)" '. as $c | $n[] as $n | $c
		| .Name = "W" * 100 | .Status = "Up About an hour (health: starting)" | .Command = "日本" * 100
		| .Memory.Used = 1e15 | .Memory.Limit = 1e15 | .ProcessCount = 2000
		| .Processes = [range(30) | {PID: (4000000 + .), Inside: (30000 + .), Depth: ., Command: ("x" * 300)}]
		| .Layers = [range(2 * $n) | {Chain: ("c" * 64), Size: 123456789, With: [("y" * 60), "z", "a", "b", "c"]}]
		| .Networks = [range(3) | {Name: ("n" * 60), Interface: "eth0", Address: "172.100.100.100"}]
		| .Ports = [range(20) | {Address: "0.0.0.0", Port: (9000 + .), Inside: "80/tcp"}]
		| if $n % 5 == 3 then .State = "exited" else . end' >full
	draw true <(tail -n 1 full) >full1.html
	draw false <(head -n 4 full) >full4.html
	draw false full >full12.html
	for page in page full1 full4 full12; do
		sed '/Content-Security-Policy/d' $page.html | awk '/<\/body>/ { print "<script>"; while ((getline l <"measure.js") > 0) print l; print "</script>" } 1' >measured.html
		browse measured.html >dom
		grep -o '<title>measured [^<]*' dom | grep -q ' fine$' || fail "$page: $(grep -o '<title>[^<]*' dom)"
	done
}

# draw STACK FILE: a page of the objects in it.
draw() {
	jq -L "$REPO/src/skiff" -n -r --argjson stack "$1" --argjson html true --argjson refresh 0 --arg nonce abc --arg remark '' \
		-f "$REPO/src/skiff/show-page.jq" "$2"
}

# browse FILE: what it is like when a browser has it.
browse() {
	timeout 60 chromium --headless --no-sandbox --disable-gpu --user-data-dir="$PWD/profile" --window-size=1280,800 \
		--dump-dom "file://$PWD/$1" 2>/dev/null 3>&- 4>&-
}

# ---- over HTTP -----------------------------------------------------------------

# serve OPTION...: in the background, on some port: $server, $url, $origin (host:port).
serve() {
	skiff_here show --serve --listen 127.0.0.1:0 "$@" >url 2>complaints 3>&- 4>&- &
	server=$!
	wait_until test -s url
	url=$(cat url)
	origin=${url#http://} origin=${origin%%/*}
}

# skiff_here: become it, so that $! is its process.
skiff_here() {
	exec "${SKIFF:-$REPO/bin/skiff}" "$@"
}

teardown() {
	[ -z "${server:-}" ] || kill "$server" 2>/dev/null || :
}

# status [OPTION...] URL: that of the answer.
status() {
	curl -s -o body -w '%{http_code}' "$@"
}

@test "--serve: the page for who has its address, and only by that" {
	serve
	[[ $url =~ ^http://127\.0\.0\.1:[0-9]+/[0-9a-f-]{36}/$ ]] || fail "$url"
	[ "$(status "$url")" = 200 ]
	grep -q '>sea<' body && grep -q '<meta http-equiv="refresh" content="2">' body
	[ "$(status "${url/127.0.0.1/localhost}")" = 200 ]
	# a wrong token, none, more
	[ "$(status "http://$origin/")" = 404 ]
	[ "$(status "${url%??}0/")" = 404 ]
	[ "$(status "${url}..")" = 404 ]
	! grep -q sea body || fail "line $LINENO"
	# a name of somebody else's that means this address, none, two
	[ "$(status -H 'Host: boats.example' "$url")" = 403 ]
	[ "$(status -H "Host: boats.example:${origin#*:}" "$url")" = 403 ]
	[ "$(status -H "Host: $origin.example" "$url")" = 403 ]
	[ "$(status -0 -H 'Host:' "$url")" = 403 ]
	! grep -q sea body || fail "line $LINENO"
	printf 'GET /%s HTTP/1.1\r\nHost: %s\r\nHost: boats.example\r\n\r\n' "${url#http://*/}" "$origin" | socat -t 5 - "TCP:$origin" >body
	grep -q '^HTTP/1.1 403 ' body
	# nothing but looking
	[ "$(status -d x=y "$url")" = 405 ]
	[ "$(status -X DELETE "$url")" = 405 ]
	printf 'nonsense\r\n\r\n' | socat -t 5 - "TCP:$origin" | grep -q '^HTTP/1.1 4'
	head -c 100000 /dev/zero | tr '\0' x | socat -t 5 - "TCP:$origin" 2>/dev/null >body || :
	! grep -q '^HTTP/1.1 200' body || fail "line $LINENO"
	# and it answers still
	[ "$(status "$url")" = 200 ]
	# a request may come in pieces
	{ printf 'GET /%s HTTP/1.1\r\nHost: ' "${url#http://*/}"; sleep 0.3; printf '%s\r' "$origin"; sleep 0.3; printf '\n\r\n'; } |
		socat -t 5 - "TCP:$origin" | grep -q '^HTTP/1.1 200 ' || fail "line $LINENO"
	# it listens on the loopback interface alone
	[ "$(ss -Hltn "sport = :${origin#*:}" | awk '{ print $4 }')" = "$origin" ]
	# who asks what runs is not told the token
	! tr '\0' ' ' <"/proc/$server/cmdline" | grep -q "$(cut -d / -f 4 url)" || fail "line $LINENO"
	kill "$server"
	wait "$server" || :
	[ ! -s complaints ] || fail "$(cat complaints)"
}

@test "--serve: what a browser is told of the page; one container" {
	serve sea
	curl -sD headers "$url" -o body
	tr -d '\r' <headers >lines
	grep -qx 'Content-Type: text/html; charset=utf-8' lines
	nonce=$(sed -n "s/^Content-Security-Policy: default-src 'none'; style-src 'nonce-\([0-9a-f-]*\)'; frame-ancestors 'none';.*/\1/p" lines)
	[ "$(grep -c "<style nonce=\"$nonce\">" body)" -eq 2 ]
	grep -qx 'X-Content-Type-Options: nosniff' lines && grep -qx 'Referrer-Policy: no-referrer' lines
	grep -qx 'Cache-Control: no-store' lines
	[ "$(sed -n 's/^Content-Length: //p' lines)" -eq "$(wc -c <body)" ]
	grep -q '>writable<' body
	curl -sI "$url" | grep -q '^HTTP/1.1 200'
	# another page, another nonce
	! curl -s "$url" | grep -q "$nonce" || fail "line $LINENO"
	[ -n "$(command -v chromium)" ] || skip 'no Chromium'
	timeout 60 chromium --headless --no-sandbox --disable-gpu --user-data-dir="$PWD/profile" --dump-dom "$url" >dom 2>/dev/null 3>&- 4>&-
	grep -q '<title>sea - skiff show</title>' dom
	grep -q '>writable<' dom
}

@test "--serve: wrong addresses, a port that is taken, no socat, a path with a blank" {
	expect 125 skiff show --serve --listen boats.example:80
	expect 125 skiff show --serve --listen 127.0.0.1
	expect 125 skiff show --serve --listen '127.0.0.1:0,fork'
	expect 125 timeout 20 skiff show --serve --listen 127.0.0.1:65536 # which socat takes as 0
	expect 125 skiff show --serve --listen '[::1,x]:80'
	ln -s "$REPO" 'a b'
	SKIFF="$PWD/a b/bin/skiff" serve
	[ "$(status "$url")" = 200 ]
	run ! skiff show --serve --listen "$origin"
	[[ $output = 'skiff show: bind('*'Address already in use' ]] || fail "$output"
	mkdir empty
	run -1 env PATH="$PWD/empty" "$REPO/bin/skiff" show --serve
	[ "$output" = 'skiff show: --serve needs socat, which is not installed: apt-get install socat' ]
	expect 1 skiff show --serve nothing-like-it
}
