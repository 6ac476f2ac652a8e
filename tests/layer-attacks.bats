#!/usr/bin/env bats
# Layers as an attacker makes them. Each attack first succeeds on a program that was written
# without care (naive.py, or plain tar), lest the test pass for nothing; then layerfs stops it.
# shellcheck shell=bash disable=SC2011,SC2012
bats_require_minimum_version 1.5.0
load helper

setup() {
	in_time
	T=$BATS_TEST_TMPDIR
	cd "$T" || return
	mkdir mnt
	canary
	BEFORE=$(host_state)
}

teardown() {
	cd / || return
	! mountpoint -q "$T/mnt" || umount "$T/mnt"
	[ "$(host_state)" = "$BEFORE" ] || fail "was: $BEFORE; is: $(host_state)"
}

layer() {
	python3 -S -E "$REPO/tests/mklayer.py" "$@"
}

# It would really write the terabyte: no file of it may be larger than 100 MB.
naive() (
	ulimit -f 100000
	python3 -S -E "$REPO/tests/naive.py" "$@" 2>>naive.log
)

# A directory beside the target that no layer may touch, and all that can be seen of it.
canary() {
	rm -rf canary
	mkdir -p canary/dir
	echo secret >canary/file
	chmod 600 canary/file
	canary_state >canary.before
}

canary_state() {
	find canary -printf '%p %y %m %U %G %s %n %T@ %l\n' | sort
	cat canary/file
}

canary_lives() {
	canary_state 2>&1 | diff canary.before - >canary.diff
}

# attack ENTRY...: it reaches the canary with naive.py, and not with layerfs, which leaves
# nothing beside the target nor in the place of it.
attack() {
	layer "$@" >layer.tar
	naive a <layer.tar
	! canary_lives || fail "this is no attack: $*" || return
	rm -rf a
	canary
	run layerfs unpack a <layer.tar
	canary_lives || fail "the canary: $* -- $(cat canary.diff)" || return
	[ ! -L a ] || fail "the target was replaced: $*" || return
	[ "$status" -eq 0 ] || [ ! -e a ] || fail "half of it was left: $*" || return
	rm -rf a
	[ "$(echo *)" = 'canary canary.before canary.diff layer.tar mnt naive.log' ] || fail "beside the target: $(echo *): $*"
}

# refused WORDS ENTRY...: layerfs says so in one line (and a hint), and leaves nothing.
refused() {
	local words=$1
	shift
	layer "$@" >layer.tar
	expect 125 layerfs unpack a <layer.tar || return
	[[ $output = *"$words"* && ${#lines[@]} -le 2 ]] || fail "'$words' expected: $output" || return
	[ ! -e a ] || fail "half of it was left: $*"
}

is_whiteout() {
	[ "$(stat -c '%F %t %T' "$1")" = 'character special file 0 0' ]
}

# ---- out of the target -------------------------------------------------------

@test "CVE-2014-9356, CVE-2014-9357: names and links that lead out" {
	attack 'file ../canary/new'
	attack 'file d/../../canary/file data=over'
	attack "file $T/canary/new"
	attack "sym l to=$T/canary" 'file l/new'
	attack 'sym l to=../canary' 'file l/new'
	attack "dir d" "sym d/l to=../../canary" 'dir d/l/made'
	attack "sym f to=$T/canary/file" 'file f data=over'
	attack 'link h to=../canary/file' 'file h data=over'
	attack "sym l to=$T/canary" 'link h to=l/file' 'file h data=over'
	attack "sym a to=$T" 'sym b to=a/canary' 'file b/new'
	attack "sym l to=$T/canary" 'sym l/m to=x'
	attack "sym l to=$T/canary" 'fifo l/p'
	attack "sym l to=$T/canary" 'chr l/null major=1 minor=3'
}

@test "the same in two steps: a link in one layer, a file through it in the next; plain tar, too" {
	layer "sym l to=$T/canary" 'sym bin to=usr/bin' 'dir usr' 'dir usr/bin' >1.tar
	layer 'file l/new' 'file l/file data=over' 'file bin/prog' >2.tar
	mkdir theirs
	tar -C theirs -xf 1.tar
	tar -C theirs -xf 2.tar
	[ -e canary/new ] # GNU tar guards itself within one archive only
	canary
	layerfs unpack L1 <1.tar
	layerfs unpack -l L1 L2 <2.tar
	canary_lives
	# An absolute link means the same place in the layer.
	[ -f "L2$T/canary/new" ]
	[ -f L2/usr/bin/prog ]
}

@test "CVE-2021-32760: modes, owners and attributes do not go through links" {
	attack "sym l to=$T/canary/file mode=777"
	attack "sym l to=$T/canary/file mode=600 uid=12"
	attack "sym l to=$T/canary/file mode=600" 'link k to=l mode=666'
	attack "sym l to=$T/canary" 'dir l mode=777'
	attack "sym l to=$T/canary" "sym l/dir/../dir to=/ mode=777"
}

@test "CVE-2021-29136: the root of the layer stays what it is" {
	attack "sym . to=$T/canary" 'file new'
	attack "sym ./ to=$T/canary" 'file ./new'
	attack "sym d/.. to=$T/canary" 'file new'
	refused 'not a directory' "file ." 'file x'
	refused 'not a directory' "link / to=x" 'file x'
}

@test "whiteouts delete nothing that is not the layer's" {
	attack "sym l to=$T/canary" 'file l/.wh.file'
	attack "sym l to=$T/canary" 'file l/.wh..wh..opq'
	attack 'file ../canary/.wh.dir'
	attack "file ../canary/.wh..wh..opq"
	local name
	for name in .wh. .wh.. .wh... d/.wh. d/.wh.. d/.wh...; do
		refused 'not a whiteout' "file $name" 'file x'
	done
	refused 'cannot be a directory' 'file .wh.d/f'
	# nor by way of a link
	refused 'is no directory' 'sym l to=d/.wh..wh..opq' 'file l/f'
	refused 'is no directory' 'sym l to=.wh.d' 'file l/f'
}

@test "CVE-2025-47290: the target exchanged for a link while it is filled" {
	local who pid
	mkdir -p src/sub
	head -c 3000000 /dev/zero >src/big
	touch src/one src/sub/new
	tar -C src -cf layer.tar one big sub/new
	for who in naive layerfs; do
		canary
		rm -rf a aside pipe
		mkfifo pipe
		if [ $who = naive ]; then naive a <pipe & else layerfs unpack a <pipe >out & fi
		pid=$!
		exec 9>pipe
		head -c 2000000 layer.tar >&9
		wait_until [ -e a/one ]
		mv a aside
		ln -s canary a
		tail -c +2000001 layer.tar >&9
		exec 9>&-
		wait $pid || true
		if [ $who = naive ]; then
			! canary_lives || fail 'this is no attack'
		else
			canary_lives || fail "$(cat canary.diff)"
			[ -e aside/sub/new ]
		fi
	done
}

@test "names with newlines, escapes and NULs: contained, and no message drives the terminal" {
	layer $'file "a\nb"' $'file "\e[2J"' 'file "-rf"' >layer.tar
	layerfs unpack a <layer.tar
	[ "$(find a -type f -printf x)" = xxx ]
	expect 125 bash -c "python3 $REPO/tests/mklayer.py \$'file \"../\\e[2J\\n\"' | layerfs unpack b"
	[[ $output != *$'\e'* && ${#lines[@]} -eq 1 ]]
	# A NUL in a pax header: libarchive and Python see different names; here it is a plain one.
	python3 - >nul.tar <<-'END'
		import sys, tarfile
		def header(name, kind, size):
		    entry = tarfile.TarInfo(name)
		    entry.type, entry.size = kind, size
		    return entry.tobuf(tarfile.USTAR_FORMAT)
		pax = b"path=good\0/../../canary/new\n"
		pax = b"%d " % (len(pax) + 3) + pax
		sys.stdout.buffer.write(header("x", b"x", len(pax)) + pax.ljust(512, b"\0") + header("short", b"0", 0) + bytes(1024))
	END
	run layerfs unpack c <nul.tar
	canary_lives
	[ ! -e new ]
}

# ---- what overlayfs or the kernel would obey ---------------------------------

@test "attributes of overlayfs: redirects and metacopies show files that are not the layer's" {
	mkdir -p L1/etc
	echo secret >L1/etc/shadow
	layer 'dir x xtrusted.overlay.redirect=/etc' 'file f size=0 mode=644 xtrusted.overlay.metacopy= xtrusted.overlay.redirect=/etc/shadow' >layer.tar
	naive L2 <layer.tar
	truncate -s 7 L2/f
	mount -t overlay -o lowerdir=L2:L1,redirect_dir=follow none mnt
	[ -e mnt/x/shadow ] # the attack
	umount mnt
	rm -r L2
	layerfs unpack -l L1 L2 <layer.tar
	! getfattr -R -d -m - L2 2>/dev/null | grep trusted || fail 'kept'
	mount -t overlay -o lowerdir=L2:L1,redirect_dir=follow none mnt
	[ ! -e mnt/x/shadow ]
	umount mnt
}

@test "attributes of overlayfs for users: the same under user.overlay" {
	mkdir -p L1/d
	echo secret >L1/d/below
	layer 'dir d xuser.overlay.opaque=y' >layer.tar
	naive L2 <layer.tar
	mount -t overlay -o lowerdir=L2:L1,userxattr none mnt
	[ ! -e mnt/d/below ] # hidden, and no scanner saw a whiteout
	umount mnt
	rm -r L2
	layerfs unpack -l L1 L2 <layer.tar
	mount -t overlay -o lowerdir=L2:L1,userxattr none mnt
	[ -e mnt/d/below ]
	umount mnt
}

@test "a device 0:0 is a whiteout that nobody declared; tar makes it" {
	mkdir L1 theirs
	echo policy >L1/x
	layer 'chr x major=0 minor=0' >layer.tar
	tar -C theirs -xf layer.tar
	is_whiteout theirs/x
	mount -t overlay -o lowerdir=theirs:L1 none mnt
	[ ! -e mnt/x ]
	umount mnt
	refused 'device number 0:0 refused' 'chr x major=0 minor=0'
	refused refused 'chr x major=4096 minor=0'
	refused refused 'blk x major=0 minor=1048576'
}

@test "owners of more than 32 bits are not root" {
	layer 'file f uid=4294967296 gid=4294967296 mode=4755' >layer.tar
	naive a <layer.tar
	[ "$(stat -c %u a/f)" = 0 ] # cut, and root's now
	rm -r a
	refused 'owner 4294967296 refused' 'file f uid=4294967296 mode=4755'
	refused 'owner 4294967295 refused' 'file f gid=4294967295'
	refused 'owner 4294967296 refused' 'sym s to=x uid=4294967296'
}

# ---- bombs -------------------------------------------------------------------

# repeated COUNT FILE: FILE so many times.
repeated() {
	# shellcheck disable=SC2046
	cat $(yes "$2" | head -n "$1")
}

@test "10 GB of zeros in 10 MB: refused by ratio, within seconds, and cleared away" {
	local seconds
	head -c 67108864 /dev/zero | gzip -9 >64m.gz
	{ layer 'file a' | gzip; repeated 160 64m.gz; } >bomb.gz
	[ "$(stat -c %s bomb.gz)" -lt 12000000 ]
	# naive: zcat would write 10 GB; a tenth of a second is enough to see that it begins to
	[ "$(zcat bomb.gz 2>/dev/null | head -c 200000000 | wc -c)" -eq 200000000 ]
	# The limits of a file: 200 times its size, but a gigabyte at least.
	{ layer 'file a' | gzip; repeated 17 64m.gz; } >small.gz
	seconds=$SECONDS
	expect 125 layerfs unpack -f small.gz a
	[[ $output = *'more than 1073741824 bytes uncompressed'*--limit* ]]
	[ $((SECONDS - seconds)) -lt $((60 * ${SLOW:-1})) ]
	[ ! -e a ]
	# Also as the contents of a file, by a smaller limit.
	python3 - >head.tar <<-'END'
		import sys, tarfile
		entry = tarfile.TarInfo("zeros")
		entry.size = 10 << 30
		sys.stdout.buffer.write(entry.tobuf(tarfile.GNU_FORMAT))
	END
	{ gzip <head.tar; repeated 160 64m.gz; } | expect 125 layerfs unpack -m 100m a
	[ ! -e a ]
}

@test "a million empty files: the number of entries is bounded" {
	python3 - 500 >many.tar <<-'END'
		import sys, tarfile
		for n in range(int(sys.argv[1])):
		    sys.stdout.buffer.write(tarfile.TarInfo(f"f{n}").tobuf())
		sys.stdout.buffer.write(bytes(1024))
	END
	naive a <many.tar
	[ "$(ls a | wc -l)" -eq 500 ]
	rm -r a
	expect 125 layerfs unpack --max-entries 499 a <many.tar
	[[ $output = *'too many entries'*--max-entries* ]]
	[ ! -e a ]
	layerfs unpack --max-entries 500 a <many.tar
	[ "$(ls a | wc -l)" -eq 500 ]
	layerfs unpack -h | grep -q 4000000
	local bad
	for bad in 0 -1 x '' 1k; do expect 125 layerfs unpack --max-entries "$bad" b <many.tar; done
	# Names that are skipped, or come again and again, count as well.
	layer 'file f' 'file f' 'file .wh..wh.aufs' >layer.tar
	expect 125 layerfs unpack -n 2 b <layer.tar
}

@test "deep paths, long names, many names: bounded" {
	python3 - >deep.tar <<-'END'
		import sys, tarfile
		entry = tarfile.TarInfo("d/" * 200000 + "f")
		sys.stdout.buffer.write(entry.tobuf(tarfile.PAX_FORMAT) + bytes(1024))
	END
	expect 125 layerfs unpack a <deep.tar
	[[ $output = *'too long'* ]]
	[ ! -e a ]
	# What is remembered of directories until the end (their times) does not eat the memory.
	python3 - >names.tar <<-'END'
		import sys, tarfile
		out = sys.stdout.buffer
		deep = "/".join(["n" * 250] * 15)
		for n in range(37000):
		    entry = tarfile.TarInfo(f"{deep}/{n}")
		    entry.type = tarfile.DIRTYPE
		    out.write(entry.tobuf(tarfile.GNU_FORMAT))
		out.write(bytes(1024))
	END
	mount -t tmpfs none mnt # for speed
	expect 125 layerfs unpack mnt/a <names.tar
	[[ $output = *'too many directories with long names'* ]]
	[ ! -e mnt/a ]
}

@test "attributes without end: bounded" {
	# A header of more than a megabyte
	layer "file f xuser.a=$(head -c 100000 /dev/zero | tr '\0' x)" >layer.tar
	expect 125 layerfs unpack a <layer.tar
	[ ! -e a ]
	python3 - >headers.tar <<-'END'
		import sys, tarfile
		entry = tarfile.TarInfo("f")
		entry.pax_headers = {f"SCHILY.xattr.user.{n}": "x" * 60000 for n in range(30)}
		sys.stdout.buffer.write(entry.tobuf(tarfile.PAX_FORMAT) + bytes(1024))
	END
	expect 125 layerfs unpack a <headers.tar
	[[ ${#lines[@]} -eq 1 ]]
	[ ! -e a ]
}

@test "sizes that lie: a sparse file of terabytes, a file longer than its archive" {
	truncate -s 1T huge
	tar -S -cf layer.tar huge
	naive a <layer.tar
	[ "$(stat -c %s a/huge)" -ge 100000000 ] # it was going to write all of it
	rm -r a
	expect 125 layerfs unpack a <layer.tar
	[[ $output = *'larger than'* ]]
	[ ! -e a ]
	refused larger 'file f size=9000000000000000'
	layer 'file f size=100000' >layer.tar
	expect 125 layerfs unpack a <layer.tar
	[ ! -e a ]
	refused 'symbolic link to nothing' 'sym s to='
}

@test "an unpacking that is ended leaves nothing; one that is killed leaves what is refused" {
	local signal pid
	head -c 3000000 /dev/zero >big
	tar cf layer.tar big
	mkfifo pipe
	for signal in TERM INT HUP; do
		# Shells start background commands with SIGINT ignored; python puts that right.
		python3 -c 'import os, signal, sys
signal.signal(signal.SIGINT, signal.SIG_DFL)
os.execvp(sys.argv[1], sys.argv[1:])' layerfs unpack a <pipe 3>&- &
		pid=$!
		exec 9>pipe
		head -c 2000000 layer.tar >&9
		wait_until [ -s a/big ]
		kill -$signal $pid
		wait $pid && status=0 || status=$?
		exec 9>&-
		[ "$status" -eq $((128 + $(kill -l $signal))) ] || fail "$signal: status $status"
		[ ! -e a ] || fail "$signal left a part"
	done
	# A target that was there stays, empty.
	mkdir b
	expect 125 layerfs unpack b < <(head -c 2000 layer.tar)
	[ -d b ] && [ -z "$(ls -A b)" ]
}

# ---- traps of the format: what is no attack but comes out wrong --------------

# stacked LOWER UPPER: the two as one at mnt.
stacked() {
	layerfs stack --at mnt "$@"
}

@test "trap: a whiteout is for the layers below, whatever the order" {
	layer 'file f data=old' | layerfs unpack L1
	layer 'file f data=new' 'file .wh.f' >layer.tar
	mkdir a
	naive a <layer.tar
	[ ! -e a/f ] # its own file is gone
	layerfs unpack -l L1 L2 <layer.tar
	stacked L1 L2
	[ "$(cat mnt/f)" = new ]
}

@test "trap: an opaque mark is first, wherever it stands" {
	layer 'dir d' 'file d/old' | layerfs unpack L1
	layer 'dir d' 'file d/new' 'file d/.wh..wh..opq' >layer.tar
	naive a <layer.tar
	[ ! -e a/d/new ]
	layerfs unpack -l L1 L2 <layer.tar
	stacked L1 L2
	[ "$(ls mnt/d)" = new ]
}

@test "trap: a whiteout in an opaque directory would show as a device" {
	layer 'dir d' 'file d/old' | layerfs unpack L1
	mkdir -p theirs/d
	mknod theirs/d/old c 0 0
	setfattr -n trusted.overlay.opaque -v y theirs/d
	stacked L1 theirs
	[ "$(ls mnt/d)" = old ] # listed, and not there
	umount mnt
	layer 'dir d' 'file d/.wh.old' 'file d/.wh..wh..opq' | layerfs unpack -l L1 L2
	stacked L1 L2
	[ -z "$(ls mnt/d)" ]
}

@test "trap: a whiteout in the first layer would show as a device, too" {
	layer 'dir d' 'file d/.wh.x' 'file .wh.y' >layer.tar
	layerfs unpack L1 <layer.tar
	mkdir L2
	stacked L1 L2
	[ "$(ls mnt/d)" = x ]
	umount mnt
	rm -r L1
	layerfs unpack --base L1 <layer.tar
	[ -z "$(find L1 -type c)" ]
	expect 125 layerfs unpack --base --lower L2 L3 <layer.tar
}

@test "trap: parents that are only implied keep mode, owner and time" {
	layer 'dir tmp mode=1777 uid=3 mtime=77' | layerfs unpack L1
	layer 'file tmp/f' >layer.tar
	naive a <layer.tar
	[ "$(stat -c '%a %u' a/tmp)" = '755 0' ]
	layerfs unpack -l L1 L2 <layer.tar
	[ "$(stat -c '%a %u %Y' L2/tmp)" = '1777 3 77' ]
}

@test "trap: a parent that is a link below; unpacked alone it masks the link" {
	layer 'dir usr' 'dir usr/bin' 'file usr/bin/old' 'sym bin to=usr/bin' | layerfs unpack L1
	layer 'file bin/new' >layer.tar
	naive a <layer.tar
	stacked L1 a
	[ ! -e mnt/bin/old ]
	umount mnt
	layerfs unpack -l L1 L2 <layer.tar
	stacked L1 L2
	[ "$(ls mnt/bin/ | xargs)" = 'new old' ]
	[ -L mnt/bin ]
}

@test "trap: set-user-ID bits survive, which chown after chmod clears" {
	layer 'file f mode=6755 uid=5 gid=6' >layer.tar
	naive a <layer.tar
	[ "$(stat -c %a a/f)" = 755 ]
	layerfs unpack L1 <layer.tar
	[ "$(stat -c '%a %u %g' L1/f)" = '6755 5 6' ]
}

@test "trap: directories keep their times, whatever is made in them later" {
	layer 'dir d mtime=7' 'file d/f' >layer.tar
	mkdir theirs
	naive a <layer.tar
	[ "$(stat -c %Y a/d)" != 7 ]
	layerfs unpack L1 <layer.tar
	[ "$(stat -c %Y L1/d)" = 7 ]
}

@test "trap: a hard link to a file of a layer below" {
	layer 'file f data=x mode=4711' | layerfs unpack L1
	layer 'link g to=f' >layer.tar
	naive a <layer.tar
	[ ! -e a/g ]
	layerfs unpack -l L1 L2 <layer.tar
	stacked L1 L2
	[ "$(cat mnt/g)" = x ]
	[ "$(stat -c %a mnt/g)" = 4711 ]
}

@test "trap: gzip of several members; a reader of one sees half of the layer" {
	layer 'file one' 'file two' >layer.tar
	{ head -c 1024 layer.tar | gzip; tail -c +1025 layer.tar | gzip; } >layer.gz
	python3 -c 'import sys, zlib; sys.stdout.buffer.write(zlib.decompressobj(31).decompress(open("layer.gz", "rb").read()))' >half.tar
	[ "$(stat -c %s half.tar)" = 1024 ]
	layerfs unpack -f layer.gz L1
	[ "$(ls L1 | xargs)" = 'one two' ]
}

@test "trap: bytes after the end of the archive count in the DiffID" {
	{ layer 'file f'; echo trailing; } >layer.tar
	run -0 layerfs unpack -f layer.tar L1
	[ "${lines[0]}" = "diff-id sha256:$(sha256sum <layer.tar | cut -d' ' -f1)" ]
}

@test "trap: metadata of aufs is none of the image's files; tar unpacks it" {
	layer 'file .wh..wh.aufs' 'dir .wh..wh.plnk' 'file .wh..wh.plnk/1.2' 'file f' >layer.tar
	mkdir theirs
	tar -C theirs -xf layer.tar
	[ -e theirs/.wh..wh.plnk/1.2 ]
	layerfs unpack L1 <layer.tar
	[ "$(ls -A L1)" = f ]
}

@test "trap: names that would mean a whiteout are left out of a layer that is made" {
	mkdir upper
	touch upper/.wh.etc upper/f
	layerfs diff upper 2>err >layer.tar
	tar -C upper -cf theirs.tar .
	tar tf theirs.tar | grep -q '\.wh\.etc' # would delete /etc below
	! tar tf layer.tar | grep '\.wh\.etc' || fail 'kept'
	grep -q '.wh.etc' err
}

@test "trap: types that nobody knows are errors, not files" {
	layer 'V vol data=x' >layer.tar
	expect 125 layerfs unpack a <layer.tar
	[ ! -e a ]
}
