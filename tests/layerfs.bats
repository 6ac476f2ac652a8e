# shellcheck shell=bash
# layerfs on the kernel's own overlayfs; archives mostly from mklayer.py, as no
# tar program writes what an attacker would.
bats_require_minimum_version 1.5.0
load helper

setup() {
	in_time
	T=$BATS_TEST_TMPDIR
	cd "$T" || return
	mkdir -p mnt
}

teardown() {
	cd / || return
	while umount "$T/mnt" 2>/dev/null; do :; done
	! mountpoint -q "$T/small" || umount "$T/small"
}

layer() {
	python3 "$REPO/tests/mklayer.py" "$@"
}

# unpack TARGET [OPTION... --] ENTRY...: make the layer and unpack it.
unpack() {
	local target=$1 options=()
	shift
	while [ "${1#-}" != "$1" ]; do
		[ "$1" != -- ] || { shift; break; }
		options+=("$1" "$2")
		shift 2
	done
	layer "$@" >layer.tar
	layerfs unpack "${options[@]}" "$target" <layer.tar
}

# Everything about a tree that a layer carries: one line a file, then xattrs.
tree() (
	cd "$1" || exit
	find . -type d -printf '%p %y %m %U %G %T@\n' -o -printf '%p %y %m %U %G %s %T@ %n %l\n' | sort
	find . -type f -exec sha256sum {} + | sort
	find . \( -type c -o -type b \) -exec stat -c '%n %t %T' {} + | sort
	find . -print0 | sort -z | xargs -0 getfattr -h -d -m - -e hex 2>/dev/null
)

is_whiteout() {
	[ "$(stat -c '%F %t %T' "$1")" = "character special file 0 0" ]
}

is_opaque() {
	[ "$(getfattr -n trusted.overlay.opaque --only-values "$1" 2>/dev/null)" = y ]
}

# refute COMMAND...: it must fail ("!" would not fail a test).
refute() {
	run "$@"
	[ "$status" -ne 0 ] || fail "should fail: $*"
}

# ---- the command line ----

@test "help is short and on standard output, unknown words are refused" {
	local verb
	for verb in '' unpack stack diff chain-id ls tree waste compare; do
		# shellcheck disable=SC2086
		layerfs $verb -h >out 2>err
		[ ! -s err ]
		[ -s out ]
		[ "$(wc -l <out)" -le 40 ]
		# shellcheck disable=SC2086
		expect 125 layerfs $verb --nonsense
	done
	expect 125 layerfs
	expect 125 layerfs nonsense
	expect 125 layerfs unpack
	expect 125 layerfs unpack a b
	expect 125 layerfs diff
	expect 125 layerfs stack
}

# ---- unpack: the stream ----

@test "every compression gives the same tree and DiffID, several members too" {
	local id file
	layer 'dir d' 'file d/f data=hello' >a.tar
	id=sha256:$(sha256sum <a.tar | cut -d' ' -f1)
	gzip -k a.tar; xz -k a.tar; bzip2 -k a.tar; zstd -q a.tar
	{ head -c 700 a.tar | gzip; tail -c +701 a.tar | gzip; } >members.gz
	{ head -c 700 a.tar | zstd; printf '\x50\x2a\x4d\x18\x04\0\0\0skip'; tail -c +701 a.tar | zstd; } >frames.zst
	for file in a.tar a.tar.gz a.tar.xz a.tar.bz2 a.tar.zst members.gz frames.zst; do
		layerfs unpack -d "$id" -f $file "$file.d" >out
		[ "$(cat out)" = "diff-id $id"$'\n'"size 5" ]
		[ "$(cat $file.d/d/f)" = hello ]
	done
}

@test "standard input and fd:N work as well as a file" {
	layer 'file f' >a.tar
	layerfs unpack one <a.tar
	layerfs unpack -f fd:7 two 7<a.tar
	[ -e one/f ]
	[ -e two/f ]
}

@test "the DiffID covers what follows the end of the archive" {
	{ layer 'file f'; printf 'trailing bytes'; } >a.tar
	run -0 layerfs unpack -f a.tar a
	[ "${lines[0]}" = "diff-id sha256:$(sha256sum <a.tar | cut -d' ' -f1)" ]
}

@test "a wrong or malformed DiffID is an error" {
	layer 'file f' >a.tar
	expect 125 layerfs unpack -f a.tar -d sha256:"$(printf '0%.0s' {1..64})" a
	[[ $output == *"DiffID is sha256:"*", expected sha256:0000"* ]]
	local bad
	for bad in sha256:abc "sha256:$(printf 'A%.0s' {1..64})" "md5:$(printf '0%.0s' {1..64})" \
		'sha256:../../x' "sha256:$(printf '0%.0s' {1..65})" ''; do
		expect 125 layerfs unpack -f a.tar -d "$bad" b
	done
	[ ! -e b ]
}

@test "cut off, damaged and foreign streams are errors" {
	local size digest
	head -c 100000 /dev/urandom >random
	tar cf a.tar random
	gzip -k a.tar
	for size in 1 20 5000 50000; do
		head -c $size a.tar.gz >cut.gz
		expect 125 layerfs unpack -f cut.gz "gz$size"
	done
	for size in 1 20 513 50000; do
		head -c $size a.tar >cut.tar
		expect 125 layerfs unpack -f cut.tar "tar$size"
	done
	expect 125 layerfs unpack -f random r
	expect 125 layerfs unpack -f /dev/null n
	printf X | dd of=a.tar bs=1 seek=10 conv=notrunc status=none # the header's checksum
	expect 125 layerfs unpack -f a.tar c
	# What is damaged inside of a file only the digest tells.
	tar cf b.tar random
	printf Y | dd of=b.tar bs=1 seek=50000 conv=notrunc status=none # not X by chance
	digest=sha256:$(sha256sum <b.tar | cut -d' ' -f1)
	printf X | dd of=b.tar bs=1 seek=50000 conv=notrunc status=none
	expect 125 layerfs unpack -f b.tar -d "$digest" d
	expect 125 layerfs unpack -f missing e
}

@test "the empty layer is a layer" {
	head -c 1024 /dev/zero | gzip >empty.gz
	run -0 layerfs unpack -f empty.gz a
	[ "${lines[0]}" = diff-id\ sha256:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef ]
	[ "${lines[1]}" = 'size 0' ]
	[ "$(stat -c %a a)" = 755 ]
}

@test "the target must be new or empty" {
	layer 'file f' >a.tar
	mkdir full
	touch full/x
	expect 125 layerfs unpack -f a.tar full
	[[ $output == *'not empty'* ]]
	[ ! -e full/f ]
	expect 125 layerfs unpack -f a.tar missing/dir
	expect 125 layerfs unpack -f a.tar a.tar
}

@test "a reader killed in the middle leaves a part, and a new start is refused or clean" {
	mkfifo pipe
	head -c 3000000 /dev/zero >big
	tar cf a.tar big
	layerfs unpack -f pipe part 3>&- &
	local pid=$!
	exec 9>pipe
	head -c 2000000 a.tar >&9
	wait_until [ -s part/big ]
	kill -9 $pid
	exec 9>&-
	wait $pid || [ $? = 137 ]
	expect 125 layerfs unpack -f a.tar part
	rm -r part
	layerfs unpack -f a.tar part
	cmp big part/big
}

# Each of the two programs: with ISA-L, where that was built, and with zlib.
inflaters() {
	mkdir -p zlib && cp "$(command -v layerfs)" zlib/ || return
	printf '%s\n' layerfs "$T/zlib/layerfs"
}

# odd_gzip: a.tar compressed in all ways that RFC 1952 allows, as good-*.gz, and damaged in all
# ways that it tells, as bad-*.gz.
odd_gzip() {
	layer 'dir d' "file d/f data=$(printf 'abcdefgh%.0s' {1..900})" 'file d/g data=x' >a.tar
	python3 - <<-'PYTHON'
		import struct, zlib
		def member(raw, flags=0, extra=b"", level=6, crc=0, size=0, hcrc=0, method=8, flush=0):
		    head = b"\x1f\x8b" + bytes([method, flags]) + b"\1\2\3\4\0\3"
		    if flags & 4: head += struct.pack("<H", len(extra)) + extra
		    if flags & 8: head += b"name.tar\0"
		    if flags & 16: head += b"a comment " * 50 + b"\0"
		    if flags & 2: head += struct.pack("<H", zlib.crc32(head) & 0xffff ^ hcrc)
		    c = zlib.compressobj(level, zlib.DEFLATED, -15)
		    body = b"".join(c.compress(raw[i:i + 500]) + (c.flush(flush) if flush else b"")
		                    for i in range(0, len(raw), 500))
		    return head + body + c.flush() + struct.pack("<II", zlib.crc32(raw) ^ crc, len(raw) + size)
		raw = open("a.tar", "rb").read()
		half = len(raw) // 2
		empty, good = member(b""), member(raw)
		files = {f"good-flags{n}": member(raw, flags=n, extra=b"XY\2\0ab" * n) for n in range(32)}
		files |= {
		    "good-stored": member(raw, level=0),
		    "good-flushed": member(raw, flush=zlib.Z_FULL_FLUSH),  # as pigz -i does
		    "good-bgzip": b"".join(member(raw[i:i + 700], 4, b"BC\2\0zz") for i in range(0, len(raw), 700)) +
		        bytes.fromhex("1f8b08040000000000ff0600424302001b0003000000000000000000"),
		    "good-bytes": b"".join(member(raw[i:i + 1]) for i in range(len(raw))),
		    "good-empty": empty + empty + member(raw[:half]) + empty + member(raw[half:], 31) + empty,
		    "bad-crc": member(raw, crc=1), "bad-size": member(raw, size=1),
		    "bad-first-crc": member(raw[:half], crc=1 << 31) + member(raw[half:]),
		    "bad-hcrc": member(raw, flags=2, hcrc=1), "bad-method": member(raw, method=7),
		    "bad-only-zeros": good + b"\0", "bad-zeros": good + b"\0" * 512, "bad-garbage": good + b"garbage",
		    "bad-magic": good + b"\x1f", "bad-half-header": good + empty[:7], "bad-half-member": good + empty[:-1],
		}
		files |= {f"bad-cut{n}": good[:len(good) * n // 10] for n in range(1, 10)}
		files |= {f"bad-trailer{n}": good[:-n] for n in range(1, 9)}
		for name, data in files.items():
		    open(name + ".gz", "wb").write(data)
	PYTHON
}

@test "gzip: all that RFC 1952 allows, by ISA-L and zlib" {
	odd_gzip
	local id file program
	id=sha256:$(sha256sum <a.tar | cut -d' ' -f1)
	for program in $(inflaters); do
		for file in good-*.gz; do
			expect 0 "$program" unpack -d "$id" -f "$file" out
			[ "$(stat -c %s out/d/f)" = 7200 ]
			rm -r out
		done
		# a byte at a time: nothing ends where a read ends
		python3 -c 'import os
for byte in open("good-empty.gz", "rb").read(): os.write(1, bytes([byte]))' | "$program" unpack -d "$id" out
		rm -r out
	done
	[ "$(find . -name 'good-*' | wc -l)" = 37 ]
}

@test "gzip: checksums count, nothing may follow, nothing may be missing" {
	odd_gzip
	local file program
	for program in $(inflaters); do
		for file in bad-*.gz; do
			expect 125 "$program" unpack -f "$file" out || fail "$program $file"
			[[ $output == *"$file"* ]] || fail "$output"
			rm -rf out
		done
	done
	[ "$(find . -name 'bad-*' | wc -l)" = 28 ]
}

@test "zstd: skippable frames before, between and after, garbage, cuts" {
	layer 'dir d' "file d/f data=$(printf 'abcdefgh%.0s' {1..900})" >a.tar
	local id n
	id=sha256:$(sha256sum <a.tar | cut -d' ' -f1)
	skip() { printf '\x5f\x2a\x4d\x18\x03\0\0\0abc'; }
	{ skip; head -c 700 a.tar | zstd -q; skip; skip; tail -c +701 a.tar | zstd -q --check; skip; } >a.zst
	layerfs unpack -d "$id" -f a.zst good
	for n in 1 2 3 4 5 6 7 8 9; do
		head -c $(($(stat -c %s a.zst) * n / 10)) a.zst >cut.zst
		expect 125 layerfs unpack -d "$id" -f cut.zst "bad$n"
	done
}

# ---- unpack: a file on its way ----

# A writer: DIR/.f.part is written, its pipe is held open, by the test itself. Started by
# follow DIR OPTION...; the process is in $follower.
follow() {
	local dir=$1
	shift
	rm -rf "$dir"
	mkdir -p "$dir"
	mkfifo "$dir/pipe"
	# (Opened for reading too, so that this does not wait; then the writer's end alone.)
	layerfs unpack --follow -f "$dir/f" "$@" "$dir/out" <"$dir/pipe" >"$dir/said" 2>&1 3>&- &
	follower=$!
	exec 9>"$dir/pipe"
}

is_gone() {
	! kill -0 "$1" 2>/dev/null
}

ended() { # STATUS: the follower ends so
	local code=0
	wait_until is_gone "$follower"
	wait "$follower" || code=$?
	[ "$code" = "$1" ] || fail "status $code, not $1: $(cat ./*/said)"
}

big_tar() {
	head -c 3000000 /dev/urandom >big
	tar cf a.tar big
	id=sha256:$(sha256sum <a.tar | cut -d' ' -f1)
}

@test "follow: read as it grows, done when it has its name" {
	local id follower half file
	big_tar
	gzip -k a.tar
	zstd -q a.tar
	for file in a.tar a.tar.gz a.tar.zst; do
		half=$(($(stat -c %s $file) / 2))
		follow x -d "$id"
		sleep 0.1 # it waits for the part
		head -c $half $file >x/.f.part
		wait_until [ -s x/out/big ]
		tail -c +$((half + 1)) $file >>x/.f.part
		sleep 0.2 # all is there, but not known to be right
		kill -0 "$follower"
		mv x/.f.part x/f
		ended 0
		[ "$(head -n 1 x/said)" = "diff-id $id" ]
		exec 9>&-
	done
	# what is there already is followed too, and needs nobody
	follow y -d "$id"
	cp a.tar y/new
	mv y/new y/f
	exec 9>&-
	ended 0
}

@test "follow: nothing is taken for whole that is not" {
	local id follower
	big_tar
	# the writer ends before the first byte, in the middle, and after the last
	for size in 0 1000000 3100000; do
		follow x -d "$id"
		[ $size = 0 ] || head -c $size a.tar >x/.f.part
		sleep 0.1
		exec 9>&-
		ended 125
		[ ! -s x/said ] || grep -q 'never came' x/said
	done
	# another DiffID, known at the very end
	follow x -d "${id%????????}01234567"
	cp a.tar x/.f.part
	mv x/.f.part x/f
	ended 125
	grep -q "DiffID is $id" x/said
	exec 9>&-
	# begun again: shorter, or other bytes
	follow x -d "$id"
	head -c 2000000 a.tar >x/.f.part
	wait_until [ -s x/out/big ]
	: >x/.f.part
	ended 125
	grep -q 'begun again' x/said
	exec 9>&-
	# replaced by another file
	follow x -d "$id"
	head -c 2000000 a.tar >x/.f.part
	wait_until [ -s x/out/big ]
	cp a.tar x/f
	ended 125
	grep -q 'another file' x/said
	exec 9>&-
}

@test "follow: the layers below are waited for where they are needed, and only there" {
	local id follower
	mkdir -p low/sticky low/etc
	chmod 1777 low/sticky
	echo low | tee low/etc/file >low/etc/gone
	ln -s etc low/link
	# needs nothing below
	layer 'dir .' 'dir d' 'file d/f' >a.tar
	id=sha256:$(sha256sum <a.tar | cut -d' ' -f1)
	follow x -d "$id" -l "$T/none"
	cp a.tar x/.f.part
	mv x/.f.part x/f
	ended 0
	exec 9>&-
	# parents, a link as a parent, a hard link, whiteouts, and the root
	layer 'file sticky/f' 'file link/new' 'link h to=etc/file' 'file etc/.wh.gone' 'file .wh.nothing' >a.tar
	id=sha256:$(sha256sum <a.tar | cut -d' ' -f1)
	follow x -d "$id" -l "$T/x/low"
	cp a.tar x/.f.part
	mv x/.f.part x/f
	sleep 0.2
	kill -0 "$follower"
	[ ! -e x/out/sticky/f ]
	cp -a low x/.low
	mv x/.low x/low # at once, as those who make layers do
	ended 0
	exec 9>&-
	layerfs unpack -f a.tar -l low plain
	diff <(tree plain | grep -v ' c ') <(tree x/out | grep -v ' c ')
	[ "$(stat -c %a x/out/sticky)" = 1777 ]
	is_whiteout x/out/etc/gone
	[ "$(cat x/out/h)" = low ]
}

@test "follow: nobody waits for what nobody brings" {
	local id follower pid
	layer 'file sticky/f' >a.tar
	id=sha256:$(sha256sum <a.tar | cut -d' ' -f1)
	# its parent is killed
	mkdir x
	mkfifo x/pipe
	sh -c 'layerfs unpack --follow -d "$1" -f x/f -l "$2/none" x/out <x/pipe & echo $! >x/pid; wait' - "$id" "$T" 3>&- &
	pid=$!
	exec 9>x/pipe
	cp a.tar x/.f.part
	mv x/.f.part x/f
	wait_until [ -d x/out ]
	kill -9 $pid
	wait $pid || true
	wait_until is_gone "$(cat x/pid)"
	exec 9>&-
	# the target is removed, as by a clean-up
	follow x -d "$id" -l "$T/none"
	cp a.tar x/.f.part
	mv x/.f.part x/f
	wait_until [ -d x/out ]
	rm -r x/out
	ended 125
	grep -q 'target was removed' x/said
	exec 9>&-
}

@test "follow: what it needs" {
	layer 'file f' >a.tar
	local id
	id=sha256:$(sha256sum <a.tar | cut -d' ' -f1)
	expect 125 layerfs unpack -F -d "$id" -f a.tar out </dev/null
	[[ $output == *'no pipe'* ]]
	true | expect 125 layerfs unpack -F -f a.tar out
	true | expect 125 layerfs unpack -F -d "$id" out
	true | expect 125 layerfs unpack -F -d "$id" -f fd:0 out
	[ ! -e out ]
}

# ---- unpack: what an archive can say ----

@test "owner, mode, times, xattrs and capabilities arrive, whatever the umask" {
	umask 077
	mkdir -p src/d
	cp /bin/true src/suid
	cp /bin/true src/cap
	echo x >src/f
	ln -s f src/s
	mkfifo src/fifo
	mknod src/null c 1 3
	mknod src/disk b 7 200
	ln src/f src/d/hard
	chown 1:2 src/suid src/s src/fifo
	chown 4000000000:3000000 src/f
	chmod 6755 src/suid
	chmod 1777 src/d
	chmod 666 src/null
	chmod 0 src/cap
	setcap cap_net_raw+ep src/cap
	setfattr -n user.color -v blue src/f
	setfattr -n user.color -v red src/d
	touch -h -d '2001-02-03 04:05:06.123456789' src/s src/f src/fifo src/cap
	touch -d '1965-02-03 04:05:06' src/d
	touch -d '2030-01-01' src
	tar --format=pax --xattrs --xattrs-include='*' -C src -cf a.tar .
	layerfs unpack -f a.tar a
	diff <(tree src) <(tree a)
	[ "$(getcap a/cap)" = 'a/cap cap_net_raw=ep' ]
}

@test "long, strange and foreign names arrive" {
	local long
	long=$(printf 'n%.0s' {1..200})
	mkdir -p "src/$long/$long"
	touch "src/$long/$long/ü" src/$'new\nline' src/'back\slash' src/$'bad\xff' src/-rf src/' ' src/$'esc\e[2J'
	ln -s "$long/$long/ü" src/link
	touch src/$'\xff'"$long"
	ln -s $'\xff'"$long" src/$'\xfe'"$long"
	ln src/$'\xff'"$long" src/$'\xfd'"$long"
	find src -depth -exec touch -h -d @1000000000 {} + # gnu: whole seconds only
	local format
	for format in gnu pax; do
		tar --format=$format -C src -cf $format.tar .
		layerfs unpack -f $format.tar $format
	done
	diff <(tree src) <(tree gnu)
	diff <(tree src) <(tree pax)
	unpack dots 'file .//a/./b//c'
	unpack slash 'file /a/b/c'
	[ -f dots/a/b/c ]
	[ -f slash/a/b/c ]
}

@test "old forms: V7 directories, contiguous files, global headers" {
	unpack a 'file d/' '7 c data=abc' 'file d/f'
	[ -d a/d ]
	[ "$(cat a/c)" = abc ]
	[ -f a/d/f ]
	git -C "$T" init -q repo
	git -C repo -c user.name=n -c user.email=e commit -q --allow-empty -m m
	touch repo/f
	git -C repo add f
	git -C repo -c user.name=n -c user.email=e commit -q -m f
	git -C repo archive HEAD | layerfs unpack b # starts with a global header
	[ "$(ls -A b)" = f ]
}

@test "sparse files keep their contents and holes" {
	truncate -s 10M sparse
	printf end >>sparse
	printf mid | dd of=sparse bs=1M seek=5 conv=notrunc status=none
	truncate -s 3M hole
	local form
	for form in '--format=gnu' '--format=pax --sparse-version=0.0' '--format=pax --sparse-version=0.1' \
		'--format=pax --sparse-version=1.0'; do
		# shellcheck disable=SC2086
		tar -S $form -cf a.tar sparse hole
		rm -rf a
		layerfs unpack -f a.tar a >out
		cmp sparse a/sparse
		cmp hole a/hole
		[ "$(tail -n 1 out)" = "size $((10485763 + 3145728))" ]
		[ "$(stat -c %b a/sparse)" -lt 100 ]
	done
}

@test "of entries with the same name the last one wins, of every kind" {
	unpack a 'file f data=1' 'file f data=2' 'dir d' 'file d/x' 'file d data=file' 'file g' 'dir g' \
		'file g/in' 'sym s to=g' 'dir s' 'file s/in2' 'dir t' 'file t/x' 'sym t to=g' 'dir k mode=700' \
		'file k/stays' 'dir k mode=711'
	[ "$(cat a/f)" = 2 ]
	[ "$(cat a/d)" = file ]
	[ -f a/g/in ]
	[ ! -e a/g/in2 ]
	[ -f a/s/in2 ]
	[ ! -L a/s ]
	[ -L a/t ]
	[ -f a/k/stays ]
	[ "$(stat -c %a a/k)" = 711 ]
	# A link that is replaced is not followed any more by its old children's siblings.
	unpack b 'dir r' 'sym l to=r' 'file l/one' 'dir l' 'file l/two'
	[ -f b/r/one ]
	[ -f b/l/two ]
	[ ! -e b/r/two ]
	# Not even if the link is replaced through itself.
	unpack c 'dir r' 'sym r/l to=.' 'file r/l/one' 'dir r/l/l' 'file r/l/two'
	[ -f c/r/one ]
	[ -f c/r/l/two ]
	expect 125 unpack d 'file f' 'file f/x'
}

@test "directories get their times in the end" {
	unpack a 'dir . mtime=5' 'dir d mtime=1' 'dir d/e mtime=2.5' 'file d/e/f' 'file d/g' 'dir gone mtime=3' 'file gone'
	[ "$(stat -c %Y a a/d a/d/e | xargs)" = '5 1 2' ]
	[[ $(stat -c %y a/d/e) == *:02.5000* ]]
}

# ---- unpack: whiteouts ----

@test "whiteouts and opaque directories take their overlay form" {
	unpack a 'file .wh.gone' 'dir d' 'file d/.wh..wh..opq' 'file d/f' 'file e/.wh.gone'
	is_whiteout a/gone
	is_opaque a/d
	[ -f a/d/f ]
	is_whiteout a/e/gone
	refute is_opaque a/e
	[ -z "$(find a -name '.wh.*')" ]
}

@test "a whiteout hides the layers below only, in any order" {
	unpack base 'dir d' 'file d/old' 'file f data=old' 'dir g' 'file g/old'
	local entries
	for entries in "file f data=new|dir d|file d/new|file g/new|file .wh.f|file .wh.d|file .wh.g" \
		"file .wh.f|file .wh.d|file .wh.g|file f data=new|dir d|file d/new|file g/new"; do
		rm -rf a
		IFS='|' read -ra list <<<"$entries"
		unpack a -l base -- "${list[@]}"
		layerfs stack --at mnt base a
		[ "$(cat mnt/f)" = new ]
		[ "$(ls mnt/d)" = new ]
		[ "$(ls mnt/g)" = new ]
		umount mnt
	done
}

@test "nothing below an opaque directory shows as a device, in any order" {
	unpack base 'file d/old' 'file d/sub/old'
	local entries
	for entries in 'dir d|file d/.wh.old|dir d/sub|file d/sub/.wh.old|file d/.wh..wh..opq' \
		'file d/.wh..wh..opq|file d/.wh.old|dir d/sub|file d/sub/.wh.old' \
		'file .wh.d|file d/.wh.old|file d/sub/.wh.old' \
		'file d/sub/.wh.old|file d/.wh.old|file .wh.d'; do
		rm -rf a
		IFS='|' read -ra list <<<"$entries"
		unpack a -l base -- "${list[@]}"
		is_opaque a/d
		[ -z "$(find a -type c)" ] || fail "whiteout left: $entries"
	done
}

@test "a whiteout of nothing leaves nothing" {
	unpack base 'file f' 'file .wh.base'
	unpack middle -l base -- 'file .wh.f' 'file middle'
	unpack top -l base -l middle -- 'file .wh.none' 'file .wh.f' 'file .wh.middle' 'dir new' 'file new/.wh.x'
	[ "$(find top -type c)" = top/middle ]
}

@test "an opaque root hides all layers, which overlayfs alone would not" {
	unpack base 'file f' 'dir d' 'file d/old' 'file b'
	unpack middle -l base -- 'file m' 'file .wh.b'
	unpack top -l base -l middle -- 'file d/new' 'file .wh..wh..opq' 'file x'
	layerfs stack --at mnt base middle top
	[ "$(cd mnt && find . | sort | xargs)" = '. ./d ./d/new ./x' ]
}

@test "what is no whiteout is refused, metadata of aufs is skipped" {
	local name
	for name in .wh. .wh.. .wh... d/.wh. .wh.d/f; do
		expect 125 unpack a "file $name"
		rm -rf a
	done
	unpack a 'file .wh..wh.aufs' 'dir .wh..wh.plnk' 'file .wh..wh.plnk/123.4' 'file f' 'dir .wh..wh.orph'
	[ "$(ls -A a)" = f ]
}

# ---- unpack: the layers below ----

@test "parents that the archive only implies look as in the layers below" {
	umask 077 # must not matter
	unpack base 'dir . mode=711' 'dir tmp mode=1777 uid=3 gid=4 mtime=77 xuser.k=v' 'dir tmp/in mode=700' 'dir gone mode=700'
	unpack middle -l base -- 'file x' 'file .wh.gone'
	unpack top -l base -l middle -- 'file tmp/in/f' 'file gone/f' 'file new/f'
	[ "$(stat -c '%a %u %g %Y' top/tmp)" = '1777 3 4 77' ]
	[ "$(getfattr -n user.k --only-values top/tmp)" = v ]
	[ "$(stat -c '%a' top top/tmp/in top/gone top/new | xargs)" = '711 700 755 755' ]
}

@test "a parent that is a link below is followed, inside the layers" {
	unpack base 'dir usr' 'dir usr/bin mode=711' 'sym bin to=usr/bin' 'sym abs to=/usr/bin' 'sym up to=../../../usr/./x/../bin' \
		'sym loop to=loop' 'sym chain to=bin' 'dir etc' 'sym etc/alt to=../usr'
	unpack top -l base -- 'file bin/a' 'file abs/b' 'file up/c' 'file chain/d' 'file etc/alt/e'
	[ "$(cd top && find . -type f | sort | xargs)" = './usr/bin/a ./usr/bin/b ./usr/bin/c ./usr/bin/d ./usr/e' ]
	[ ! -e top/bin ]
	[ "$(stat -c %a top/usr/bin)" = 711 ]
	layerfs stack --at mnt base top
	[ -L mnt/bin ]
	[ -f mnt/bin/a ]
	expect 125 unpack bad -l base -- 'file loop/f'
	[[ $output == *'too many symbolic links'* ]]
	# A directory entry, however, replaces the link.
	unpack real -l base -- 'dir bin' 'file bin/f'
	[ -d real/bin ]
	[ ! -L real/bin ]
	[ -f real/bin/f ]
}

@test "a link below that is hidden is not followed" {
	unpack base 'dir usr' 'sym bin to=usr'
	unpack middle -l base -- 'file .wh.bin'
	unpack top -l base -l middle -- 'file bin/f'
	[ -f top/bin/f ]
	[ ! -e top/usr ]
}

@test "what an opaque directory hides is not looked at" {
	unpack base 'dir d' 'dir d/x mode=700' 'dir d/sub' 'dir d/sub/y mode=700'
	unpack middle -l base -- 'file d/.wh..wh..opq' 'dir d/sub'
	unpack top -l base -l middle -- 'file d/x/f' 'file d/sub/y/f' 'file d/.wh.x2' 'file d/sub/.wh.y2'
	[ "$(stat -c %a top/d/x top/d/sub/y | xargs)" = '755 755' ]
}

@test "hard links: in the layer, to a symbolic link, to itself, to a file below" {
	unpack base 'file d/f data=x mode=4711 uid=7 mtime=9 xuser.k=v' 'file gone' 'dir e'
	unpack top -l base -- 'file a data=a' 'link b to=a' 'link c to=./a' 'sym s to=/etc/passwd' 'link s2 to=s' \
		'link a to=a' 'link low to=/d/f' 'link d/f to=d/f' 'file old' 'link old to=a'
	[ "$(stat -c %i top/a)" = "$(stat -c %i top/b)" ]
	[ top/a -ef top/c ]
	[ top/old -ef top/a ]
	[ -L top/s2 ]
	[ "$(stat -c %i top/s)" = "$(stat -c %i top/s2)" ]
	[ top/low -ef top/d/f ]
	[ "$(stat -c '%a %u %Y %s' top/low)" = '4711 7 9 1' ]
	[ "$(getfattr -n user.k --only-values top/low)" = v ]
	[ "$(stat -c %i base/d/f)" != "$(stat -c %i top/d/f)" ]
	expect 125 unpack bad1 -l base -- 'link x to=missing'
	[[ $output == *'hard link to a missing file'* ]]
	expect 125 unpack bad2 -l base -- 'file .wh.gone' 'link x to=gone'
	expect 125 unpack bad3 -l base -- 'link x to=e'
	expect 125 unpack bad4 -- 'dir d' 'link x to=d'
}

# ---- unpack: hostile archives ----

# A directory that no layer may touch, and all that is visible of it.
canary() {
	mkdir -p canary/dir
	echo secret >canary/file
	chmod 600 canary/file
	tree canary >canary.before
}

canary_lives() {
	diff canary.before <(tree canary)
}

# What most programs would do with it.
naive() {
	rm -rf naive && mkdir naive
	layer "$@" | python3 -c 'import sys, tarfile
tarfile.open(fileobj=sys.stdin.buffer, mode="r|").extractall("naive")' 2>naive.log || :
	rm -rf naive
}

@test "no name or link leads out of the target" {
	local attack attacks=(
		"file ../canary/new"
		"file d/../../canary/new"
		"file $T/canary/new"
		"sym l to=$T/canary|file l/new"
		"sym l to=../canary|file l/new"
		"sym l to=$T|sym l/canary/m to=x|file l/canary/new"
		"sym f to=$T/canary/file|file f data=overwritten"
		"link h to=../canary/file|file h data=overwritten"
		"link h to=$T/canary/file|file h data=overwritten"
		"sym l to=$T/canary/file mode=777|link k to=l mode=777"
		"dir d|sym d/l to=../../canary|dir d/l mode=777|file d/l/new"
		"sym . to=$T/canary|file new"
		"sym ./ to=$T/canary|file ./new"
		"sym / to=$T/canary|file new"
		"link . to=$T/canary/file|file new"
		"sym l to=$T/canary|file l/.wh.file"
		"sym l to=$T/canary|file l/.wh..wh..opq"
		"file .wh...|file x"
		"file .wh.../../canary/file|file x"
		"sym l to=$T/canary/dir|fifo l/p"
		"sym l to=$T/canary|chr l/n major=1 minor=3"
		"link k to=l/file|sym l to=$T/canary|link k to=l/file"
	)
	for attack in "${attacks[@]}"; do
		canary
		IFS='|' read -ra list <<<"$attack"
		rm -rf a
		run unpack a "${list[@]}"
		canary_lives || fail "canary: $attack"
		[ ! -e new ] && [ ! -L a ] || fail "beside the target: $attack"
	done
}

@test "the attacks work on a program without care" {
	canary
	naive 'file ../canary/new'
	refute canary_lives
	rm -r canary
	canary
	naive "sym l to=$T/canary" 'file l/new'
	refute canary_lives
	rm -r canary
	canary
	naive "link h to=../canary/file" 'file h data=overwritten'
	refute canary_lives
}

@test "the root of a layer stays a directory" {
	local entry
	for entry in 'sym . to=/tmp' 'sym ./ to=/tmp' 'file .' 'link . to=x' 'fifo /'; do
		expect 125 unpack a "$entry"
		[[ $output == *"root of the layer is not a directory"* ]]
		[ ! -e a ] && [ ! -L a ]
	done
	unpack a 'dir ./ mode=1711 uid=5'
	[ "$(stat -c '%a %u' a)" = '1711 5' ]
}

@test "a whiteout cannot be forged, device numbers must be real ones" {
	local entry
	for entry in 'chr x major=0 minor=0' 'chr x major=4096 minor=1' 'blk x major=1 minor=1048576'; do
		expect 125 unpack a "$entry"
		[[ $output == *'device number'*'refused'* ]]
		[ ! -e a ]
	done
	unpack a 'chr x major=4095 minor=1048575'
}

@test "attributes that overlayfs, the kernel or the host's policy would obey are dropped" {
	unpack a 'file f xtrusted.overlay.redirect=/etc xtrusted.overlay.metacopy= xuser.overlay.opaque=y xuser.ok=1 xtrusted.x=1' \
		'dir d xtrusted.overlay.opaque=y xuser.overlay.opaque=y xsecurity.selinux=evil xsecurity.ima=evil'
	[ "$(getfattr -R -d -m - a 2>/dev/null | grep '=')" = 'user.ok="1"' ]
}

@test "bombs are stopped: long streams, large files, lies about sizes" {
	head -c 20000000 /dev/zero | gzip >zeros.gz
	{ layer 'file f'; head -c 20000000 /dev/zero; } | gzip >tail.gz
	expect 125 layerfs unpack --limit 1m -f tail.gz a
	[[ $output == *'more than 1048576 bytes uncompressed'* ]]
	truncate -s 1T huge
	tar -S -cf huge.tar huge
	expect 125 layerfs unpack -f huge.tar b
	[[ $output == *'larger than'* ]]
	[ ! -e b ]
	layerfs unpack --limit 2t -f huge.tar c # sparse: no disk space
	expect 125 unpack d -- 'file f size=9000000000000'
	LAYERFS_LIMIT=2t layerfs unpack -f huge.tar e
	expect 125 layerfs unpack --limit nonsense -f huge.tar f
}

@test "very deep paths are refused, deep ones work" {
	local deep
	deep=$(printf 'd/%.0s' {1..2000})
	unpack a "file ${deep}f" "file ${deep%%/*} data=1"
	[ "$(cat a/d)" = 1 ]
	expect 125 unpack b "file $deep$deep$deep"
	[[ $output == *'too long'* ]]
	expect 125 unpack c "file $(printf 'n%.0s' {1..300})"
	expect 125 unpack d 'sym a to=b/b/b/b/b/b/b/b' 'sym b to=a/a/a/a/a/a/a/a' 'file a/f'
}

@test "a full disk is an error" {
	mkdir small
	mount -t tmpfs -o size=65m small small
	head -c 5000000 /dev/urandom >big
	tar cf a.tar big
	head -c 66000000 /dev/zero >small/fill
	expect 125 layerfs unpack -f a.tar small/a
	[[ $output == *'No space left'* ]]
	[ ! -e small/a ]
	rm small/fill
	head -c 70000000 /dev/zero >big
	tar cf a.tar big
	expect 125 layerfs unpack -f a.tar small/a
	[[ $output == *'disk is full'* || $output == *'No space left'* ]]
}

@test "control characters in names do not reach the terminal" {
	expect 125 unpack a $'file "../\e[2J"'
	[[ $output != *$'\e'* && $output == *'\x1b[2J'* ]]
}

# ---- stack ----

# Layers 1 to N: fN is in one, "same" in all.
layers() {
	local i
	for i in $(seq "$1"); do
		mkdir -p "L$i/d"
		echo "$i" | tee "L$i/f$i" "L$i/d/f$i" >"L$i/same"
	done
}

@test "layers stack base first, and changes go to the upper directory only" {
	layers 3
	tree L1 >before
	layerfs stack --at mnt -u upper -w work L1 L2 L3
	[ "$(cat mnt/same mnt/f1 mnt/d/f2 | xargs)" = '3 1 2' ]
	echo new >mnt/new
	rm mnt/f1
	rm -r mnt/d
	mkdir mnt/d
	echo changed >mnt/same
	umount mnt
	diff before <(tree L1)
	is_whiteout upper/f1
	is_opaque upper/d
	[ "$(cat upper/new upper/same | xargs)" = 'new changed' ]
	layerfs stack --at mnt -u upper -w work L1 L2 L3 # again
	[ "$(cat mnt/same)" = changed ]
	[ -z "$(ls mnt/d)" ]
}

@test "without an upper directory, and with --read-only, nothing can be written" {
	layers 2
	layerfs stack --at mnt L1 L2
	refute touch mnt/x
	umount mnt
	layerfs stack --at mnt L1
	[ "$(cat mnt/f1)" = 1 ]
	refute touch mnt/x
	umount mnt
	layerfs stack --read-only --at mnt -u upper -w work L1
	refute touch mnt/x
	umount mnt
	[ ! -e L1/x ]
	[ ! -e L2/x ]
	[ ! -e upper/x ]
}

@test "the mount is handed on as a descriptor, detached, and nothing else is" {
	layers 2
	local mounts before
	mounts=$(cat /proc/self/mountinfo)
	# shellcheck disable=SC2016
	before=$(sh -c 'ls /proc/$$/fd')
	# shellcheck disable=SC2016
	run -0 layerfs stack -f 99 -u upper -w work L1 L2 -- sh -c 'ls /proc/$$/fd; cat /proc/self/fd/99/same'
	[ "$(echo "$output" | sort -n | xargs)" = "$(printf '%s\n' "$before" 99 2 | sort -n | xargs)" ]
	[ "$mounts" = "$(cat /proc/self/mountinfo)" ]
}

@test "COMMAND's status is the result" {
	layers 2
	expect 7 layerfs stack -f 9 L1 L2 -- sh -c 'exit 7'
	expect 127 layerfs stack -f 9 L1 L2 -- nonsense-command
	expect 126 layerfs stack -f 9 L1 L2 -- /etc/passwd
	expect 137 layerfs stack -f 9 L1 L2 -- sh -c 'kill -9 $$'
	expect 125 layerfs stack -f 9 L1 L2
	expect 125 layerfs stack L1 -- true
	expect 125 layerfs stack -f 9 --at mnt L1 -- true
	expect 125 layerfs stack -f 2 L1 -- true
	expect 125 layerfs stack --at mnt -u upper L1
	expect 125 layerfs stack --at mnt -- true
}

@test "with --idmap the files keep their owners on disk" {
	layers 3
	chown 5:6 L1/f1
	layerfs stack --at mnt --idmap 0:1000000:65536 -u upper -w work L1 L2 L3
	[ "$(stat -c '%u %g' mnt/f1 mnt/f2 mnt | xargs)" = '1000005 1000006 1000000 1000000 1000000 1000000' ]
	(cd mnt && setpriv --reuid 1000000 --regid 1000000 --clear-groups sh -c 'echo x >new && echo y >>f2 && rm f3 && mkdir d/e')
	umount mnt
	[ "$(stat -c %u upper/new upper/f2 upper/d/e | xargs)" = '0 0 0' ]
	is_whiteout upper/f3
	layerfs stack --at mnt --idmap 0:1000000:65536 L1
	[ "$(stat -c %u mnt/f1)" = 1000005 ]
}

@test "several ranges map, wrong ones are refused" {
	layers 1
	chown 2000 L1/f1
	layerfs stack --at mnt -i 0:500000:1000 -i 2000:700000:1 L1
	[ "$(stat -c %u mnt/f1 mnt/same | xargs)" = '700000 500000' ]
	umount mnt
	local map
	for map in 0 0:1 0:1:0 0::1:1 0:1:2:3 a:1:1 0:4294967295:2 -1:0:1 '' 1:5:5; do
		expect 125 layerfs stack --at mnt -i "$map" L1
	done
	expect 125 layerfs stack --at mnt -i 0:5:5 -i 3:100:5 L1
	[[ $output == *'must not overlap'* ]]
}

@test "device nodes of a layer open nothing under mapped ids" {
	mkdir L1
	mknod -m 666 L1/null c 1 3
	layerfs stack --at mnt L1
	: <mnt/null
	umount mnt
	layerfs stack --at mnt -i 0:1000000:65536 L1
	refute sh -c ': <mnt/null'
}

@test "a new upper directory has the attributes of the image's root" {
	layers 2
	chmod 1751 L2
	chown 5:6 L2
	setfattr -n user.k -v v L2
	layerfs stack --at mnt -u upper -w work L1 L2
	[ "$(stat -c '%a %u %g' mnt upper | xargs)" = '1751 5 6 1751 5 6' ]
	[ "$(getfattr -n user.k --only-values upper)" = v ]
	umount mnt
	chmod 700 upper # the container's own change stays
	layerfs stack --at mnt -u upper -w work L1 L2
	[ "$(stat -c %a mnt)" = 700 ]
}

@test "paths with commas, colons, backslashes and newlines are only paths" {
	local odd=$'a,b:c\\d "e\nf'
	mkdir -p "$odd/1" "$odd/2" "$odd/3"
	echo x >"$odd/1/x"
	layerfs stack --at mnt -u "$odd/up,per" -w "$odd/wo:rk" "$odd/1" "$odd/2" "$odd/3"
	[ "$(cat mnt/x)" = x ]
	touch mnt/y
	[ -f "$odd/up,per/y" ]
}

# Kernels before 6.13 know the other way only: make this one refuse the first.
old_kernel() {
	# LeakSanitizer cannot work in a traced process.
	ASAN_OPTIONS=detect_leaks=0 strace -f -qq -o /dev/null -e trace=fsopen -e inject=fsopen:error=EOPNOTSUPP "$@"
}

@test "127 layers, in both ways that kernels have" {
	layers 127
	local list
	mapfile -t list < <(seq -f L%.0f 127)
	layerfs stack --at mnt -i 0:1000000:65536 -u upper -w work "${list[@]}"
	[ "$(cat mnt/same)" = 127 ]
	[ "$(find mnt -maxdepth 1 -name 'f*' | wc -l)" = 127 ]
	umount mnt
	old_kernel layerfs stack --at mnt -i 0:1000000:65536 -u upper -w work "${list[@]}"
	[ "$(cat mnt/same)" = 127 ]
	[ "$(find mnt -maxdepth 1 -name 'f*' | wc -l)" = 127 ]
	[ "$(stat -c %u mnt/f1)" = 1000000 ]
	setpriv --reuid 1000000 --regid 1000000 --clear-groups touch mnt/new
	[ "$(stat -c %u upper/new)" = 0 ]
	umount mnt
	expect 125 layerfs stack --at mnt "${list[@]}" "${list[@]}"
}

@test "where mounts are shared nothing of ours turns up in the host's tree" {
	layers 2
	export -f old_kernel
	# shellcheck disable=SC2016
	run -0 unshare -m --propagation shared bash -c '
		cat /proc/self/mountinfo >before
		old_kernel layerfs stack -f 9 -i 0:1000000:65536 -u upper -w work L1 L2 -- cat /proc/self/fd/9/same
		layerfs stack -f 9 -i 0:1000000:65536 -u upper -w work L1 L2 -- cat /proc/self/fd/9/same
		diff before /proc/self/mountinfo'
	[ "$output" = 2$'\n'2 ]
}

@test "errors of overlayfs are explained" {
	layers 2
	expect 125 layerfs stack --at mnt L1 missing
	[[ $output == *'missing: No such file'* ]]
	expect 125 layerfs stack --at mnt L1 L1/same
	[[ $output == *'L1/same: Not a directory'* ]]
	expect 125 layerfs stack --at mnt L1 L2 L1
	[[ $output == *'the same'* ]]
	expect 125 layerfs stack --at mnt L1 L1/d
	[[ $output == *'inside another'* ]]
	expect 125 layerfs stack --at missing L1
	[[ $output == *'cannot attach at missing'* ]]
	expect 125 layerfs stack --at mnt -u no/upper -w no/work L1
	[[ $output == *'no/work: No such file'* ]]
	mkdir small
	mount -t tmpfs none small
	expect 125 layerfs stack --at mnt -u small/upper -w work L1
	[[ $output == *'a mount lies between'* ]]
	expect 125 layerfs stack --at mnt -u upper -w upper/work L1
	expect 125 setpriv --reuid 65534 --clear-groups layerfs stack --at mnt L1
	[[ $output == *'needs root'* ]]
	expect 125 layerfs stack --at mnt -i 0:1000000:65536 /proc
	[[ $output == *'cannot map ids'* ]]
}

@test "upper on an overlay is refused with advice" {
	layers 2
	mkdir base
	layerfs stack --at mnt -u upper -w work base
	expect 125 layerfs stack --at mnt -u mnt/u -w mnt/w L1 L2
	[[ $output == *'put it on ext4'* || $output == *'use ext4'* ]]
}

@test "a work directory that cannot be used is an error, not a read-only mount" {
	layers 2
	mkdir work
	chattr +i work
	run layerfs stack --at mnt -u upper -w work L1 L2
	chattr -i work
	[ "$status" -eq 125 ]
	[[ $output == *'cannot be used as work directory'* ]]
}

@test "no layer redirects: the attributes that could are not obeyed" {
	mkdir -p L1/etc L2/x
	echo secret >L1/etc/shadow
	setfattr -n trusted.overlay.redirect -v /etc L2/x
	# The kernel's default is to follow.
	mount -t overlay -o lowerdir=L2:L1,redirect_dir=follow none mnt
	[ -e mnt/x/shadow ]
	umount mnt
	layerfs stack --at mnt L1 L2
	[ ! -e mnt/x/shadow ]
}

@test "the same as mount(8)" {
	unpack L1 'file f' 'dir d' 'file d/x'
	unpack L2 -l L1 -- 'file .wh.f' 'file d/y'
	mkdir up wk
	mount -t overlay -o lowerdir=L2:L1,upperdir=up,workdir=wk,index=off,xino=off,metacopy=off none mnt
	tree mnt >theirs
	umount mnt
	layerfs stack --at mnt -u upper -w work L1 L2
	diff <(grep -v '^\. d' theirs) <(tree mnt | grep -v '^\. d')
}

# ---- diff ----

# A container's changes on L1, in upper; the merged tree's list in merged.txt.
changes() {
	mkdir -p L1/d/deep L1/keep && echo old >L1/f && echo old >L1/gone && echo x >L1/d/x && ln L1/f L1/f-link
	layerfs stack --at mnt -u upper -w work L1
	(
		cd mnt || exit
		rm gone && rm -r d && mkdir d && echo n >d/n
		echo more >>f && ln f keep/f2 && ln -s /etc/passwd sym && ln sym keep/sym2 && mkfifo fifo
		mknod dev c 5 1 && cp /bin/true cap && chown 7:8 cap && chmod 4711 cap && setcap cap_net_raw+ep cap
		setfattr -n user.k -v v keep && mkdir new && touch -d '2001-02-03 04:05:06.789' new
		mkdir "$(printf 'n%.0s' {1..200})" && touch 'ü' $'bad\xff' $'new\nline' "$(printf 'n%.0s' {1..200})/$(printf 'm%.0s' {1..200})"
		truncate -s 1M sparse && chown 3000000:4000000 sparse && touch -d '1960-01-01' sparse
		chmod 1751 .
	)
	tree mnt >merged.txt
	umount mnt
}

@test "diff and unpack give the same upper directory, and the same merged tree" {
	changes
	layerfs diff upper >a.tar
	layerfs unpack -l L1 -f a.tar again
	# Whiteouts have no attributes of their own; impure, origin and uuid are notes of the kernel.
	list() { tree "$1" | grep -av -e ' c 0 0 0 ' -e '^trusted.overlay.[iou][mru]' -e '^# file' -e '^$'; }
	diff <(list upper) <(list again)
	is_whiteout again/gone
	is_opaque again/d
	layerfs stack --at mnt L1 again
	diff merged.txt <(tree mnt)
}

@test "the archive is deterministic and sorted, whiteouts first" {
	changes
	layerfs diff upper >a.tar
	cp -a upper copy # another order on disk
	layerfs diff copy | cmp - a.tar
	[ "$(tar tf a.tar 2>/dev/null | head -n 2 | xargs)" = './ .wh.gone' ]
	tar tf a.tar 2>/dev/null | grep -A 1 '^d/$' | grep -qx 'd/.wh..wh..opq'
	[ "$(tar --numeric-owner -tvf a.tar .wh.gone 2>/dev/null | awk '{ print $2, $3, $4 }')" = '0/0 0 1970-01-01' ]
	refute grep -aq -e 'trusted\.' -e LIBARCHIVE -e root a.tar
	# As others read it.
	[ "$(python3 -c 'import tarfile; print(tarfile.open("a.tar").getmember("cap").pax_headers.keys() & {"SCHILY.xattr.security.capability"})')" = "{'SCHILY.xattr.security.capability'}" ]
	mkdir theirs
	tar --xattrs --xattrs-include='*' -C theirs -xpf a.tar 2>/dev/null
	[ "$(getcap theirs/cap)" = 'theirs/cap cap_net_raw=ep' ]
}

@test "SOURCE_DATE_EPOCH bounds the times" {
	mkdir upper
	touch -d @100 upper/old
	touch -d @300 upper/new
	touch -d @200.5 upper/half
	SOURCE_DATE_EPOCH=200 layerfs diff upper | layerfs unpack a
	[ "$(stat -c %Y a a/old a/new a/half | xargs)" = '200 100 200 200' ]
	SOURCE_DATE_EPOCH=x expect 125 layerfs diff upper
}

@test "what a layer cannot carry is left out with a note" {
	mkdir upper
	touch upper/.wh.f upper/f
	python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind("upper/socket")'
	layerfs diff upper 2>err >a.tar
	grep -q 'socket: a socket cannot be archived' err
	grep -q '.wh.f: such a name' err
	[ "$(tar tf a.tar | xargs)" = './ f' ]
}

@test "with --lower a new directory does not hide what is not there" {
	mkdir -p L1/d upper/new upper/d
	setfattr -n trusted.overlay.opaque -v y upper/new
	setfattr -n trusted.overlay.opaque -v y upper/d
	[ "$(layerfs diff upper | tar t | grep -c opq)" = 2 ]
	[ "$(layerfs diff -l L1 upper | tar t | grep opq)" = d/.wh..wh..opq ]
	setfattr -n trusted.overlay.opaque -v x upper/d # a marker, not opaque
	[ "$(layerfs diff upper | tar t | grep -c opq)" = 1 ]
	touch upper/gone
	setfattr -n trusted.overlay.whiteout -v '' upper/gone
	layerfs diff upper | tar t | grep -qx .wh.gone
}

@test "diff fails when its output is lost or its input is none" {
	mkdir upper
	head -c 1000000 /dev/zero >upper/f
	# shellcheck disable=SC2016
	expect 125 sh -c 'layerfs diff upper >/dev/full'
	expect 125 layerfs diff missing
	touch file
	expect 125 layerfs diff file
}

# ---- chain-id ----

@test "chain ids follow the image specification" {
	local a b c ab abc
	a=sha256:$(echo a | sha256sum | cut -d' ' -f1)
	b=sha256:$(echo b | sha256sum | cut -d' ' -f1)
	c=sha256:$(echo c | sha256sum | cut -d' ' -f1)
	ab=sha256:$(printf '%s %s' "$a" "$b" | sha256sum | cut -d' ' -f1)
	abc=sha256:$(printf '%s %s' "$ab" "$c" | sha256sum | cut -d' ' -f1)
	run -0 layerfs chain-id "$a" "$b" "$c"
	[ "$output" = "$a"$'\n'"$ab"$'\n'"$abc" ]
	[ "$(printf '%s\n' "$a" "$b" "$c" | layerfs chain-id)" = "$output" ]
	expect 125 layerfs chain-id "$a" nonsense
	expect 125 layerfs chain-id ''
	[ -z "$(layerfs chain-id </dev/null)" ]
	expect 125 sh -c "layerfs chain-id $a >/dev/full"
}

# ---- others ----

@test "umoci unpacks the same image to the same tree" {
	command -v umoci >/dev/null || skip 'umoci is not installed'
	layer 'dir . mode=755 mtime=1' 'dir d mtime=4' 'file d/a data=a' 'file d/b' 'dir gone' 'file gone/x' 'dir usr' 'dir usr/bin mode=711' \
		'dir tmp mode=1777' 'file f mode=4755 uid=3' 'dir op' 'file op/old' >1.tar
	layer 'dir . mtime=2' 'file .wh.gone' 'dir d mtime=5' 'file d/.wh.b' 'file d/c data=c' 'link d/l to=d/a' 'file tmp/t' \
		'dir op' 'file op/.wh..wh..opq' 'file op/new' 'file f data=changed' 'sym s to=d' >2.tar
	umoci init --layout oci
	umoci new --image oci:x
	umoci raw add-layer --image oci:x 1.tar
	umoci raw add-layer --image oci:x 2.tar
	umoci raw unpack --image oci:x theirs
	layerfs unpack -f 1.tar L1
	layerfs unpack -l L1 -f 2.tar L2
	layerfs stack --at mnt L1 L2
	# Link counts across layers and times of implied directories differ.
	list() { (cd "$1" && find . -printf '%p %y %m %U %G %l\n' | sort && find . -type f -exec sha256sum {} + | sort); }
	diff <(list theirs) <(list mnt)
}

@test "changes and diff: stubs of mounts are nobody's change, nor their directories" {
	mkdir -p lower/etc upper/etc upper/new/deep upper/var
	echo host >lower/etc/old
	touch upper/etc/hosts upper/new/deep/file upper/.dockerenv
	set -- -l lower -x .dockerenv -x /etc/hosts -x new/deep/file -x proc upper
	expect 0 layerfs changes "$@"
	[ "$output" = $'A /var' ] || fail "$output"
	[ "$(layerfs diff "$@" | tar -tf - | tr '\n' ' ')" = './ var/ ' ]
	# one that is not empty, or covers a file of the image, is a change
	echo text >upper/new/deep/file
	touch upper/etc/old
	expect 0 layerfs changes "$@"
	[ "$output" = $'C /etc\nC /etc/old\nA /new\nA /new/deep\nA /new/deep/file\nA /var' ] || fail "$output"
	expect 125 layerfs changes -l lower
	expect 125 layerfs changes -l nowhere upper
}
