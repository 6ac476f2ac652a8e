#!/usr/bin/env bats
# attach: output, input, terminal, detaching, slow readers.
# shellcheck shell=bash disable=SC2016,SC2013

load helper

# Descriptors that bats has open would go to the command, and it waits for them.
shim() {
	timeout 30 "$REPO_SHIM" "$@" 3>&- 4>&-
}

attach() {
	timeout 30 "$REPO_ATTACH" "$@" 3>&- 4>&-
}

# background COMMAND... &: so that $! is the command, not a shell of bats.
background() {
	exec "$@" 3>&- 4>&-
}

setup() {
	in_time
	REPO_SHIM=$(command -v shim)
	REPO_ATTACH=$(command -v attach)
	cd "$BATS_TEST_TMPDIR" || return
	R=$BATS_TEST_TMPDIR/run
	mkdir "$R"
	mkfifo "$R/start"
	terminal_helpers
	chain_like
}

teardown() {
	local pid
	for pid in $(cut -d' ' -f1 "$BATS_TEST_TMPDIR"/*/shim 2>/dev/null); do
		# shellcheck disable=SC2046
		kill -KILL "$pid" $(cat "/proc/$pid/task/$pid/children" 2>/dev/null) 2>/dev/null || true
	done
}

# A client of the shim: a connection of the socket "attach" in use.
attached() {
	local pid
	read -r pid _ <"$R/shim"
	[ "$(find "/proc/$pid/fd" -lname 'socket:*' | wc -l)" -ge 2 ]
}

over() {
	[ -e "$R/exit" ] && flock -n "$R/lock" true
}

# with-tty.py FD COMMAND...: what unshare-run does for a container with a terminal.
# drive.py STEPS COMMAND...: runs COMMAND on a terminal of 24x80; STEPS are lines: "send TEXT",
# "wait TEXT" (for output), "size R C", "signal N", "raw" (wait until it is); prints status and settings.
terminal_helpers() {
	cat >with-tty.py <<'PYTHON'
import array, fcntl, os, pty, signal, socket, sys, termios
for n in signal.SIGINT, signal.SIGQUIT, signal.SIGTSTP:
    signal.signal(n, signal.SIG_DFL)
master, slave = os.openpty()
with socket.socket(fileno=int(sys.argv[1])) as s:
    s.sendmsg([b"t"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [master]))])
os.close(master)
if os.getsid(0) != os.getpid():
    os.setsid()
fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
for fd in 0, 1, 2:
    os.dup2(slave, fd)
os.close(slave)
os.execvp(sys.argv[2], sys.argv[2:])
PYTHON
	cat >drive.py <<'PYTHON'
import fcntl, os, pty, select, struct, sys, termios, time
steps = [line.split(" ", 1) for line in sys.argv[1].split("\n") if line]
fd, keep = pty.openpty()
fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
before = termios.tcgetattr(keep)
pid = os.fork()
if pid == 0:
    os.setsid()
    fcntl.ioctl(keep, termios.TIOCSCTTY, 0)
    for n in 0, 1, 2:
        os.dup2(keep, n)
    os.execvp(sys.argv[2], sys.argv[2:])
seen = b""
def more(wait):
    global seen
    if not select.select([fd], [], [], wait)[0]:
        return
    try:
        seen += os.read(fd, 65536)
    except OSError:
        pass
def text(s):
    return s.encode().decode("unicode_escape").encode("latin-1")
for step in steps:
    if step[0] == "send":
        os.write(fd, text(step[1]))
    elif step[0] == "signal":
        os.kill(pid, int(step[1]))
    elif step[0] == "size":
        fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", *map(int, step[1].split()), 0, 0))
    elif step[0] == "raw":
        end = time.monotonic() + 15
        while termios.tcgetattr(keep)[3] & termios.ICANON:
            if time.monotonic() > end:
                sys.exit("the terminal is not raw")
            time.sleep(0.01)
    elif step[0] == "wait":
        end = time.monotonic() + 15
        while text(step[1]) not in seen:
            if time.monotonic() > end:
                sys.exit("timeout waiting for %r, seen: %r" % (step[1], seen))
            more(0.1)
        seen = seen[seen.index(text(step[1])) + len(text(step[1])):]
end = time.monotonic() + 15
while True:
    done, status = os.waitpid(pid, os.WNOHANG)
    if done:
        break
    if time.monotonic() > end:
        os.kill(pid, 9)
        sys.exit("it does not end; seen: %r" % seen)
    more(0.1)
while select.select([fd], [], [], 0)[0]:
    more(0)
after = termios.tcgetattr(keep)
print("status", os.waitstatus_to_exitcode(status), "restored" if after == before else "RAW", repr(seen))
PYTHON
}

drive() {
	timeout 40 python3 drive.py "$@" 3>&- 4>&-
}

# Start a container with a terminal that runs COMMAND.
tty_container() {
	expect 0 shim -r "$R" -i --tty 7 --stderr 6 -l log python3 with-tty.py 7 "$@"
}

@test "-h prints the usage, wrong command lines are refused" {
	expect 0 attach -h
	[[ $output == usage:* ]]
	expect 125 attach
	expect 125 attach a b
	expect 125 attach --nonsense "$R"
	expect 125 attach --sig-proxy=maybe "$R"
	expect 125 attach --detach-keys ctrl-1 "$R"
	expect 125 attach --detach-keys ctrl-p,, "$R"
}

@test "--failure: the status if the set-up fails, not that of the command" {
	shim -r "$R" --stderr 6 python3 chain.py "$R" 'read x <$0/start; echo "no such user" >&2; exit 125'
	expect 126 attach --start --failure 126 "$R"
	[[ $output == *'no such user'* ]]
	shim -r "$R-2" sh -c 'sleep 0.5; exit 125'
	expect 125 attach --failure 126 "$R-2"
}

@test "a container that is not running" {
	expect 125 attach "$R"
	[[ $output == *"is not running"* ]]
	expect 125 attach "$R/none"
	expect 126 attach --failure 126 "$R/none"
	[ "$output" = 'attach: the container has ended, or is restarting' ]
	expect 126 attach --failure 126 "$R"
	expect 125 attach --failure 256 "$R"
}

@test "both streams, the status, and not a byte more or less" {
	head -c 3000000 /dev/urandom >data
	expect 0 shim -r "$R" sh -c 'read x <"$1/start"; cat "$2"; cat "$2" >&2; exit 7' sh "$R" "$PWD/data"
	s=0
	attach --start "$R" >out 2>err || s=$?
	[ $s -eq 7 ]
	cmp data out
	cmp data err
}

@test "input arrives whole, its end too" {
	head -c 3000000 /dev/urandom >data
	expect 0 shim -r "$R" -i --stdin-once sh -c 'read x <"$1/start"; exec cat' sh "$R"
	attach -i --start "$R" <data >out
	cmp data out
}

@test "without --stdin nothing is read" {
	expect 0 shim -r "$R" sh -c 'read x <"$1/start"; cat; echo end' sh "$R"
	echo data >data
	exec 9<data
	run attach --start "$R" <&9
	[ "$output" = end ]
	[ "$(cat <&9)" = data ]
	exec 9<&-
}

@test "without --stdin-once input stays open for the next" {
	expect 0 shim -r "$R" -i -l log cat
	run timeout 1 "$REPO_ATTACH" --sig-proxy=false -i "$R" < <(echo one) 3>&-
	[ "$output" = one ]
	run timeout 1 "$REPO_ATTACH" --sig-proxy=false -i "$R" < <(echo two) 3>&-
	[ "$output" = two ]
	echo close-stdin >"$R/ctl"
	wait_until over
}

@test "-d returns when it has started, and says why it has not" {
	expect 0 shim -r "$R" sh -c 'read x <"$1/start"; sleep 60' sh "$R"
	expect 0 attach -d --start "$R"
	[ -e "$R/started" ]
}

@test "a client that comes later gets what comes later" {
	expect 0 shim -r "$R" -l log sh -c 'echo early; while [ ! -e go ]; do sleep 0.05; done; echo late; exit 3'
	wait_until grep -q early log
	background "$REPO_ATTACH" "$R" >out &
	wait_until attached
	touch go
	s=0
	wait $! || s=$?
	[ $s -eq 3 ]
	[ "$(cat out)" = late ]
}

@test "signals are passed on" {
	expect 0 shim -r "$R" -l log sh -c 'trap "echo got; exit 4" TERM; read x <"$1/start"; echo ready; while :; do sleep 0.1; done' sh "$R"
	background "$REPO_ATTACH" --start "$R" >out &
	wait_until grep -q ready out
	kill -TERM $!
	s=0
	wait $! || s=$?
	[ $s -eq 4 ] || fail "$s $(cat out)"
	grep -q got out
}

@test "signals are passed on even while nobody reads our output" {
	expect 0 shim -r "$R" --stderr 6 python3 chain.py "$R" \
		'trap "exit 4" TERM; read x <"$0/start"; exec 2>&- 6>&-; while :; do echo xxxxxxxxxxxxxxxxxx; done'
	mkfifo pipe
	exec 9<>pipe
	background "$REPO_ATTACH" --start "$R" >pipe 9<&- &
	pid=$!
	wait_until test -e "$R/started"
	kill -TERM $pid
	cat <&9 >/dev/null &
	reader=$!
	s=0
	wait $pid || s=$?
	kill $reader
	[ $s -eq 4 ]
}

@test "--sig-proxy=false: the signal is ours, the container goes on" {
	expect 0 shim -r "$R" sh -c 'sleep 60'
	background "$REPO_ATTACH" --sig-proxy=false "$R" &
	wait_until attached
	kill -TERM $!
	s=0
	wait $! || s=$?
	[ $s -eq 143 ]
	[ ! -e "$R/exit" ]
}

@test "a reader that leaves ends attach, not the container" {
	expect 0 shim -r "$R" sh -c 'read x <"$1/start"; i=0; while [ $i -lt 30000 ]; do echo $i; i=$((i+1)); done; touch "$1/survived"' sh "$R"
	attach --start "$R" | head -n 3 >out
	[ "$(wc -l <out)" = 3 ]
	wait_until test -e "$R/survived"
}

@test "the shim is killed: told, 125" {
	expect 0 shim -r "$R" sleep 60
	background "$REPO_ATTACH" "$R" 2>err &
	wait_until attached
	read -r pid _ <"$R/shim"
	child=$(cat "/proc/$pid/task/$pid/children")
	kill -KILL "$pid"
	s=0
	wait $! || s=$?
	kill "${child% }"
	[ $s -eq 125 ]
	grep -q disconnected err
}

@test "attach ends only when all is cleaned up" {
	expect 0 shim -r "$R" -x sh -c 'sleep 0.3; touch "$1/clean"' sh "$R" ';' sh -c 'read x <"$1/start"; exit 5' sh "$R"
	expect 5 attach --start "$R"
	[ -e "$R/clean" ]
}

@test "who started it is waited for, however slow; nothing is lost" {
	expect 0 shim -r "$R" --stderr 6 python3 chain.py "$R" 'read x <"$0/start"; exec 2>&- 6>&-; seq 400000'
	attach --start "$R" | (sleep 3; md5sum) >got
	[ "$(cat got)" = "$(seq 400000 | md5sum)" ]
}

@test "nothing is lost either when both streams bring much at a time" {
	cat >both.py <<'PYTHON'
import os
for i in range(100):
    for fd in 1, 2:
        os.write(fd, b"." * 59999 + b"\n")
PYTHON
	expect 0 shim -r "$R" --stderr 6 python3 chain.py "$R" "read x <\$0/start; exec 2>&6 6>&- python3 $PWD/both.py"
	attach --start "$R" 2>err | (sleep 2; wc -c) >got
	[ "$(cat got)" = 6000000 ] || fail "$(cat got), $(tail -n 1 err)"
	[ "$(wc -c <err)" = 6000000 ]
}

@test "a signal while the end is being cleaned up changes nothing" {
	local client pid s=0
	expect 0 shim -r "$R" --stderr 6 --on-exit sh -c "until [ -e $PWD/clean ]; do sleep 0.05; done" ';' \
		python3 chain.py "$R" 'read x <"$0/start"; exec 2>&- 6>&-; exit 3'
	read -r pid _ <"$R/shim"
	background attach --start "$R" &
	client=$!
	wait_until grep -qx sh "/proc/$pid/comm"
	kill -USR1 "$client"
	touch clean
	wait "$client" || s=$?
	[ "$s" -eq 3 ] || fail "status $s"
}

@test "any other that takes nothing is disconnected; the shim stays small" {
	expect 0 shim -r "$R" -l log sh -c 'read x <"$1/start"; head -c 200M /dev/zero' sh "$R"
	mkfifo pipe
	exec 9<>pipe
	background "$REPO_ATTACH" "$R" >pipe 2>err 9<&- &
	slow=$!
	read -r pid _ <"$R/shim"
	wait_until attached
	attach -d --start "$R"
	while size=$(awk '/VmHWM/ { print $2 }' "/proc/$pid/status" 2>/dev/null) && [ "$size" ]; do
		[ "$size" -lt 16384 ] || [[ $SKIFF_BIN == *san* ]] || fail "$size kB"
		sleep 0.05
	done
	[ -e "$R/exit" ]
	cat <&9 >/dev/null &
	reader=$!
	s=0
	wait $slow || s=$?
	kill $reader
	[ $s -eq 125 ]
	grep -q disconnected err
}

@test "nonsense on the socket disconnects the client, no more" {
	expect 0 shim -r "$R" -i sh -c 'read x; exit 6'
	cat >nonsense.py <<'PYTHON'
import os, random, socket, sys
for i in range(60):
    s = socket.socket(socket.AF_UNIX)
    s.connect(sys.argv[1] + "/attach")
    kind = random.choice([0, 0, 6, 6, 1, 5, 200])
    length = random.choice([0, 1, 2, 65536, 65537, 2**31, 2**32 - 1])
    try:
        s.sendall(bytes([kind, 0, 0, 0]) + length.to_bytes(4, "big") + os.urandom(random.randrange(40)).replace(b"\n", b""))
    except OSError:
        pass
    s.close()
kept = []
for i in range(40):
    s = socket.socket(socket.AF_UNIX)
    s.connect(sys.argv[1] + "/attach")
    kept.append(s)
PYTHON
	expect 0 timeout 20 python3 nonsense.py "$R"
	[ ! -e "$R/exit" ]
	s=0
	echo | attach -i "$R" || s=$?
	[ $s -eq 6 ]
}

@test "others are refused at the socket" {
	expect 0 shim -r "$R" sleep 60
	chmod 711 "$R" "$BATS_TEST_TMPDIR" "$BATS_RUN_TMPDIR" "$BATS_RUN_TMPDIR"/test
	chmod 777 "$R/attach"
	cat >other.py <<'PYTHON'
import os, socket, sys
os.chdir(sys.argv[1])
os.setgid(65534); os.setuid(65534)
s = socket.socket(socket.AF_UNIX)
s.connect("attach")
print(s.recv(8))
PYTHON
	run timeout 10 python3 other.py "$R"
	[ "$output" = "b''" ] || [[ $output == *reset* ]] || fail "$output"
}

@test "-t needs a terminal" {
	expect 0 shim -r "$R" sleep 60
	expect 1 attach -it "$R" </dev/null
	[[ $output == *"the input device is not a TTY" ]]
}

@test "a terminal: size, keys, status; restored at the end" {
	tty_container sh -c 'read x <"$0/start"; stty size; tty; read line; echo "got $line"; exit 3' "$R"
	expect 0 drive 'wait 24 80
wait /dev/pts/
send hello\r
wait got hello' "$REPO_ATTACH" -it --start "$R"
	[[ $output == *"status 3 restored"* ]] || fail "$output"
	grep -q $'stdout F got hello\r' log
}

@test "a terminal: its size is passed on when it changes" {
	tty_container sh -c 'trap "stty size" WINCH; echo ready; while :; do sleep 0.1; done'
	expect 0 drive 'wait 24 80
size 50 132
wait 50 132
signal 15' "$REPO_ATTACH" -it "$R"
	[[ $output == *"status -15 restored"* ]] || fail "$output"
	echo "size 10 20" >"$R/ctl"
	wait_until grep -q "10 20" log
}

@test "a terminal: ctrl-c, ctrl-z and ctrl-\\ are the container's" {
	tty_container sh -c 'trap "echo int" INT; trap "echo quit; exit 9" QUIT; trap "echo stop" TSTP; echo ready; while :; do sleep 0.1; done'
	wait_until grep -q ready log
	expect 0 drive 'raw
send \x03
wait int
send \x1a
wait stop
send \x1c
wait quit' "$REPO_ATTACH" -it "$R"
	[[ $output == *"status 9 restored"* ]] || fail "$output"
}

@test "a terminal: detach and attach again" {
	tty_container sh -c 'stty -echo; echo ready; while read x; do echo "<$x>"; done'
	expect 0 drive 'raw
send one\r
wait <one>
send \x10\x11' "$REPO_ATTACH" -it "$R"
	[[ $output == *"status 0 restored"* ]] || fail "$output"
	expect 0 drive 'raw
send two\r
wait <two>
send ab' "$REPO_ATTACH" -it --detach-keys a,b "$R"
	[[ $output == *"status 0 restored"* ]] || fail "$output"
	[ ! -e "$R/exit" ]
}

@test "a terminal: the beginning of the detach keys is input when no end follows" {
	tty_container sh -c 'stty -echo -icanon min 1; echo ready; head -c 4 | od -An -tx1; head -c 1 | od -An -tx1; exit 2'
	wait_until grep -q ready log
	expect 0 drive 'raw
send \x10\x10x\x10y
wait 10 10 78 10
wait 79' "$REPO_ATTACH" -it "$R"
	[[ $output == *"status 2 restored"* ]] || fail "$output"
}

@test "a terminal: a detach key alone is input after a moment" {
	tty_container sh -c 'stty -echo -icanon min 1; echo ready; head -c 1 | od -An -tx1; exit 2'
	wait_until grep -q ready log
	expect 0 drive 'raw
send \x10
wait 10' "$REPO_ATTACH" -it "$R"
	[[ $output == *"status 2 restored"* ]] || fail "$output"
}

@test "a terminal: restored whatever ends attach" {
	tty_container sh -c 'while :; do echo ready; sleep 0.1; done'
	for n in 1 2 3 11 15; do
		expect 0 drive "wait ready
signal $n" "$REPO_ATTACH" -it "$R"
		[[ $output == *"status -$n restored"* ]] || fail "$output"
	done
	[ ! -e "$R/exit" ]
}

@test "a terminal: closed and opened again by the application" {
	tty_container sh -c 'echo one; t=$(tty); exec 0<&- 1>&- 2>&-; sleep 0.3; exec >"$t"; echo two; exit 8'
	wait_until over
	[ "$(cat "$R/exit")" = 8 ]
	grep -q two log
}

@test "a terminal: all output up to the end" {
	tty_container seq 20000
	wait_until over
	[ "$(wc -l <log)" = 20000 ]
}
