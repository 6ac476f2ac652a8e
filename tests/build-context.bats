# context: which files a build can reach; and where skiff build finds its context.
load helper

setup_file() { skiff_setup_file; }
teardown_file() { skiff_teardown_file; }

setup() {
	in_time
	cd "$BATS_TEST_TMPDIR" || return
	mkdir -p ctx/a/b ctx/c
	echo 1 >ctx/one
	echo 2 >ctx/a/two
	echo 3 >ctx/a/b/three.txt
	echo 4 >ctx/c/four.txt
}

# chosen ARGUMENT...: the names in the archive, without directories.
chosen() {
	context tar "$@" | tar -t | grep -v '/$' | sed 's|^\./||' | sort | paste -sd ' '
}

@test "context tar: a file has its last name, a directory gives what is in it" {
	[ "$(chosen ctx one)" = one ]
	[ "$(chosen ctx a/two c)" = 'four.txt two' ]
	[ "$(chosen ctx .)" = 'a/b/three.txt a/two c/four.txt one' ]
	[ "$(chosen ctx /a/../c/)" = four.txt ]
	[ "$(chosen fd:7 a 7<ctx)" = 'b/three.txt two' ]
}

@test "context tar: wildcards" {
	[ "$(chosen ctx '*/*.txt')" = four.txt ]
	[ "$(chosen ctx '[ab]/t?o')" = two ]
	[ "$(chosen ctx 'a/[^t]*')" = three.txt ]
	echo odd >'ctx/*'
	[ "$(chosen ctx '\*')" = '*' ]
	[ "$(chosen -l ctx '*')" = '*' ]
	expect 125 context digest ctx '*.none'
}

@test "context tar: --parents and --exclude" {
	[ "$(chosen -p ctx a/b/three.txt)" = a/b/three.txt ]
	[ "$(chosen -p ctx a/./b)" = b/three.txt ]
	[ "$(chosen -p ctx './*/./*.txt' 'a/./*/*')" = 'b/three.txt four.txt' ]
	[ "$(chosen -x 'b' ctx a)" = two ]
	[ "$(chosen -x '**/*.txt' -x '!b/three.txt' ctx a c)" = 'b/three.txt two' ]
}

@test "context: patterns of .dockerignore" {
	mkdir -p ctx/node/deep/node ctx/.git ctx/docs
	touch ctx/README.md ctx/docs/README.md ctx/docs/x.md ctx/node/deep/node/f ctx/.git/config ctx/docs/keep.md
	while IFS='|' read -r patterns wanted; do
		printf '%b' "$patterns" >ctx/.dockerignore
		got=$(cd ctx && context tar -i .dockerignore . . | tar -t | grep -v '/$' | sed 's|^\./||' | grep -v '^[.]dockerignore$' | sort | paste -sd ' ')
		[ "$got" = "$wanted" ] || fail "$patterns: $got"
	done <<'END'
*|
*\n!one|one
*\n!a|a/b/three.txt a/two
*\n!a\na/b|a/two
**/*.md\n.git\nnode|a/b/three.txt a/two c/four.txt one
*.md\n.git\nnode\na\nc|docs/README.md docs/keep.md docs/x.md one
# comment\n\n  /docs/  \n.git\nnode/\na\nc\n*.md|one
docs/*.md\n!docs/keep.md\n.git\nnode\na\nc|README.md docs/keep.md one
**/node\n.git\na\nc\ndocs\nREADME.md|one
**/deep/**\n.git\na\nc\ndocs\nREADME.md|one
*/b\n.git\nc\ndocs\nnode\nREADME.md|a/two one
o?e\n[a-d]*\n.git\nnode|README.md
.git\n*\n!**/three.txt|a/b/three.txt
END
	printf 'one\n' >ignore
	[ "$(chosen -I ignore ctx one a/two 2>&1 | head -n 1)" != one ]
	expect 125 context digest -I ignore ctx one
	[[ $output = *'excluded by .dockerignore'* ]]
}

@test "context: stars in patterns do not take for ever" {
	touch "ctx/$(printf 'a%.0s' {1..200})"
	printf '%s\n' 'a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b' >ctx/.dockerignore
	expect 125 timeout 20 context digest -i .dockerignore ctx .
	[[ $output = *'too many stars'* ]]
}

@test "context digest: contents, names and modes count; times, places and owners do not" {
	one=$(context digest ctx .)
	cp -a ctx other
	touch -d @1 other/a/two other/a
	chown 5:5 other/one
	[ "$(context digest other .)" = "$one" ]
	chmod 600 other/one
	[ "$(context digest other .)" != "$one" ]
	chmod 644 other/one
	echo x >other/one
	[ "$(context digest other .)" != "$one" ]
	[ "$(context digest -k ctx one)" != "$(chown 9:9 ctx/one && context digest -k ctx one)" ]
}

@test "context: no link leads out" {
	echo secret >outside
	ln -s "$PWD/outside" ctx/absolute
	ln -s ../outside ctx/relative
	ln -s / ctx/root
	ln -s .. ctx/up
	ln -s a/two ctx/inside
	expect 125 context digest ctx absolute
	expect 125 context digest ctx relative
	expect 125 context digest ctx ../outside
	expect 125 context digest ctx "root$PWD/outside"
	expect 125 context digest ctx up/outside
	expect 125 context cat ctx relative
	[ "$(chosen ctx inside)" = inside ]
	[ "$(context cat ctx inside)" = 2 ]
	# as links they may be anywhere
	context tar ctx . | tar -xO | (! grep secret)
	context tar ctx . | tar -tv | grep -q 'relative -> ../outside'
}

@test "context: sockets are left out, fifos and devices never opened" {
	mkfifo ctx/fifo
	python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind("ctx/socket")'
	expect 0 timeout 10 context digest ctx .
	[[ $output = *socket* ]]
	expect 0 timeout 10 context digest ctx fifo
	expect 125 timeout 10 context cat ctx fifo
}

@test "context: wrong command lines" {
	expect 125 context
	expect 125 context tar
	expect 125 context tar ctx
	expect 125 context what ctx .
	expect 125 context digest none .
	expect 0 context -h
}

# ---- skiff build ---------------------------------------------------------------

@test "build: the context from standard input: a tar, plain or gzip, or a Dockerfile" {
	printf 'FROM busybox\nCOPY one /\n' >ctx/Dockerfile
	tar -C ctx -c . | skiff build -q -t t - >/dev/null
	[ "$(skiff run --rm t cat /one)" = 1 ]
	printf 'FROM busybox\nCOPY a/two /\n' >ctx/other
	tar -C ctx -cz . | skiff build -q -t t -f other - >/dev/null
	[ "$(skiff run --rm t cat /two)" = 2 ]
	skiff build -q -t t --network none - >/dev/null <<<$'FROM busybox\nLABEL from=stdin'
	[ "$(skiff inspect -f '{{.Config.Labels.from}}' t)" = stdin ]
	expect 1 skiff build - </dev/null
	expect 1 skiff build - <<<$'FROM busybox\nCOPY x /'
	head -c 100000 /dev/urandom | gzip >not-tar
	expect 1 skiff build - <not-tar
	expect 0 skiff check -n
}

@test "build: an endless context has an end" {
	printf 'FROM busybox\n' >ctx/Dockerfile
	yes | LAYERFS_LIMIT=20m python3 -c '
import sys, tarfile
with tarfile.open(fileobj=sys.stdout.buffer, mode="w|") as tar:
    member = tarfile.TarInfo("endless")
    member.size = 1 << 40
    try:
        tar.addfile(member, sys.stdin.buffer)
    except BrokenPipeError:
        pass
' 2>/dev/null | LAYERFS_LIMIT=20m expect 1 skiff build -
	expect 0 skiff check -n
	[ -z "$(find "$SKIFF_ROOT/build" -maxdepth 1 -name '.*' -mindepth 1)" ]
}

@test "build: an archive as context whose links lead out" {
	mkdir evil
	ln -s /etc/passwd evil/stolen
	ln -s /etc evil/dir
	ln -s /etc/passwd evil/Dockerfile.dockerignore
	printf 'FROM busybox\nCOPY stolen /\n' >evil/Dockerfile
	tar -C evil -c . | expect 1 skiff build -
	printf 'FROM busybox\nCOPY dir/passwd /\n' >evil/Dockerfile
	tar -C evil -c . | expect 1 skiff build -
	rm evil/Dockerfile
	ln -s /etc/passwd evil/Dockerfile
	tar -C evil -c . | expect 1 skiff build -
	[[ $output != *root:* ]]
}

@test "build: .dockerignore, and one beside the Dockerfile" {
	printf 'a\n' >ctx/.dockerignore
	printf 'FROM busybox\nCOPY . /x\n' >ctx/Dockerfile
	skiff build -q -t t ctx >/dev/null
	expect 0 skiff run --rm t find /x -type f
	[[ $output != */two* && $output = *four.txt* ]]
	printf 'c\n' >ctx/Dockerfile.dockerignore
	skiff build -q -t t ctx >/dev/null
	expect 0 skiff run --rm t find /x -type f
	[[ $output = */two* && $output != *four.txt* ]]
}

@test "build: contexts and ADD from http, and a git repository" {
	command -v git >/dev/null || skip 'no git'
	mkdir -p www/repo
	printf 'FROM busybox\nCOPY one /\n' >ctx/Dockerfile
	tar -C ctx -czf www/ctx.tar.gz .
	printf 'FROM busybox\nLABEL from=http\n' >www/Dockerfile
	(
		cd www/repo
		git init -q -b main .
		git config user.email a@b.c && git config user.name n
		mkdir sub && cp ../../ctx/one sub/
		printf 'FROM busybox\nCOPY . /r\n' >Dockerfile
		printf 'FROM busybox\nCOPY one /one\n' >sub/Dockerfile
		git add . && git commit -qm x
		git clone -q --bare . ../r.git && cd ../r.git && git update-server-info
	)
	python3 -u -m http.server --bind 127.0.0.1 -d www 0 >port 2>&1 3>&- 4>&- &
	server=$!
	wait_until grep -q 'port [0-9]' port
	url=http://127.0.0.1:$(sed 's/.*port \([0-9]*\).*/\1/;q' port)
	result=0
	(
		set -e
		skiff build -q -t t "$url/ctx.tar.gz"
		[ "$(skiff run --rm t cat /one)" = 1 ]
		skiff build -q -t t "$url/Dockerfile"
		[ "$(skiff inspect -f '{{.Config.Labels.from}}' t)" = http ]
		expect 1 skiff build "$url/none"
		sum=sha256:$(sha256sum <www/Dockerfile | cut -d ' ' -f 1)
		skiff build -q -t t - <<<"FROM busybox
ADD --checksum=$sum $url/Dockerfile /got/
ADD $url/Dockerfile /name"
		skiff run --rm t cmp /got/Dockerfile /name
		expect 1 skiff build - <<<"FROM busybox
ADD --checksum=sha256:$(printf '0%.0s' {1..64}) $url/Dockerfile /"
		expect 1 skiff build - <<<"FROM busybox
ADD $url/none /"
		skiff build -q -t t "$url/r.git"
		[ "$(skiff run --rm t cat /r/sub/one)" = 1 ]
		expect 1 skiff run --rm t ls /r/.git
		skiff build -q -t t "$url/r.git#main:sub"
		[ "$(skiff run --rm t cat /one)" = 1 ]
		expect 1 skiff build "$url/r.git#no-such-branch"
		expect 1 skiff build "$url/r.git#--upload-pack=touch"
	) || result=$?
	kill $server
	return $result
}

@test "context: ** without a slash behind it is part of a name, too" {
	mkdir -p c/d && touch c/key.pem c/d/x.pem c/pem c/a.txt
	printf '**.pem\n' >c/.dockerignore
	[ "$(context tar -i .dockerignore c . | tar -t | sort | xargs)" = './ ./.dockerignore ./a.txt ./d/ ./pem' ] || fail "$(context tar -i .dockerignore c . | tar -t)"
	printf '**/x.pem\n' >c/.dockerignore
	[ "$(context tar -i .dockerignore c . | tar -t | sort | xargs)" = './ ./.dockerignore ./a.txt ./d/ ./key.pem ./pem' ]
}
