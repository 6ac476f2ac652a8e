#!/usr/bin/env bats
# root-tar and plain-tar: tar streams below a root that means harm.
# shellcheck shell=bash disable=SC2016

load helper

setup() {
	in_time
	cd "$BATS_TEST_TMPDIR" || return
	mkdir -p root/dir/sub root/real outside
	echo one >root/dir/one
	chown 1000:2000 root/dir/one
	chmod 4751 root/dir/one
	ln root/dir/one root/dir/hard
	ln -s one root/dir/link
	ln -s /real root/abs
	mkfifo root/dir/fifo
	touch -d '2001-02-03 04:05:06.789' root/dir/one
	echo canary >outside/canary
}

# listing DIR: all that an archive keeps.
listing() {
	(cd "$1" && find . -printf '%p %y %m %U:%G %n %T@ %l\n' | sed '/ d /s/ [0-9]* \([0-9.]*\) $/ \1/' | sort)
}

# archive CODE: python that fills the archive "tar" into x.tar.
archive() {
	python3 - >x.tar <<PYTHON
import io, sys, tarfile
tar = tarfile.open(fileobj=sys.stdout.buffer, mode="w|", format=${FORMAT:-tarfile.PAX_FORMAT})
def add(name, type=tarfile.REGTYPE, data=b"", **more):
    info = tarfile.TarInfo(name)
    info.type, info.size = type, len(data)
    for key, value in more.items():
        setattr(info, key, value)
    tar.addfile(info, io.BytesIO(data))
$1
tar.close()
PYTHON
}

put() {
	root-tar put "$@" <x.tar
}

@test "the command line" {
	expect 0 root-tar -h
	expect 0 root-tar get --help
	expect 0 root-tar put --help
	expect 0 plain-tar --help
	expect 125 root-tar
	expect 125 root-tar list root dir
	expect 125 root-tar get root
	expect 125 root-tar get -x root dir
	expect 125 root-tar get -n a/b root dir
	expect 125 root-tar put root
	expect 125 root-tar put nowhere /
	expect 125 plain-tar x.tar
	run bash -c 'root-tar put root / </dev/null'
	[ "$status" -eq 125 ]
	[[ $output = *'ends too early'* ]]
	run bash -c 'echo this is no archive at all | root-tar put root /'
	[ "$status" -eq 125 ]
}

@test "put --mode: octal, and as chmod has it" {
	mkdir in
	for mode in 0640 0755 4711 2070; do
		touch "in/f$mode" && chmod "$mode" "in/f$mode"
		mkdir "in/d$mode" && chmod "$mode" "in/d$mode"
	done
	cp -a in plain
	for mode in 644 0 04755 u=rwX,go=rX a+rX g=u o=g go-w +x u+x,g-rwx =r u=rw,g=u,o= ug+s a-st u=g o+t,+t g+w-x ','; do
		rm -rf want got
		cp -a plain want
		mkdir got
		if (umask 0 && chmod -- "$mode" want/f*) 2>/dev/null; then
			root-tar get in /. | root-tar put -m "$mode" got /
			(umask 0 && chmod -- "$mode" want/d*) # (setgid of a directory stays with chmod alone)
			[ "$(cd want && stat -c '%A %n' f*)" = "$(cd got && stat -c '%A %n' f*)" ] ||
				fail "$mode: $(cd want && stat -c '%a %n' f*) -- $(cd got && stat -c '%a %n' f*)"
			[ "$(cd want && stat -c '%A %n' d* | tr sS x-)" = "$(cd got && stat -c '%A %n' d* | tr sS x-)" ] ||
				fail "$mode: $(cd want && stat -c '%a %n' d*) -- $(cd got && stat -c '%a %n' d*)"
		else
			[ "$mode" = , ]
		fi
	done
	for mode in '' 8 77777 x u u+q 'u=r,' u=r,,g=r u=r:g=r; do
		expect 125 root-tar put -m "$mode" got / </dev/null
	done
}

@test "there and back: modes, owners, times, links, fifos, xattrs, holes, long names" {
	setfattr -n user.text -v 'a
b' root/dir/one
	truncate -s 3M root/dir/hole
	printf '%0300d' 7 >"root/dir/$(printf '%0200d' 1)"
	mkdir -p "root/dir/$(printf '%0120d' 1)/$(printf '%0120d' 2)"
	touch "root/dir/$(printf '%0120d' 1)/$(printf '%0120d' 2)/"$'\xff odd \n name'
	root-tar get root dir | root-tar put -o outside . >size
	diff <(listing root/dir) <(listing outside/dir)
	[ "$(getfattr --only-values -n user.text outside/dir/one)" = $'a\nb' ]
	[[ $(cat size) =~ ^size\ [0-9]+$ ]]
	# GNU tar reads it, and what GNU tar writes is read.
	mkdir gnu ours
	root-tar get root dir | tar -C gnu --xattrs -xp
	diff <(listing root/dir) <(listing gnu/dir)
	for format in gnu oldgnu pax ustar v7; do
		rm -rf ours/dir
		tar -C root --format=$format -c dir/sub dir/one dir/hard dir/link | root-tar put -o ours .
		cmp ours/dir/one root/dir/one
		[ "$(stat -c '%a %u:%g' ours/dir/hard)" = '4751 1000:2000' ]
	done
	tar -C root --format=gnu -c dir | root-tar put -o ours .
	diff <(cd root/dir && find . | sort) <(cd ours/dir && find . | sort)
}

@test "without -o all is ours, and file capabilities are not kept; -s leaves out what gives rights" {
	cp /bin/busybox root/dir/cap
	setcap cap_net_raw+ep root/dir/cap
	mknod root/dir/null c 1 3
	root-tar get root dir | root-tar put outside .
	[ "$(stat -c '%a %u:%g' outside/dir/one)" = '4751 0:0' ]
	[ -z "$(getcap outside/dir/cap)" ]
	[ -c outside/dir/null ]
	mkdir kept safe
	root-tar get root dir | root-tar put -o kept .
	[[ $(getcap kept/dir/cap) = *cap_net_raw* ]]
	expect 0 bash -c 'root-tar get root dir | root-tar put -o -s safe .'
	[[ $output = *'null: a device, left out'* ]]
	[ "$(stat -c '%a %u:%g' safe/dir/one)" = '751 1000:2000' ]
	[ -z "$(getcap safe/dir/cap)" ]
	[ ! -e safe/dir/null ]
}

@test "the names in the archive, and what is followed" {
	names() { root-tar get "$@" | tar -t | head -n 1; }
	[ "$(names root dir)" = dir/ ]
	[ "$(names root /dir/)" = dir/ ]
	[ "$(names root dir/.)" = ./ ]
	[ "$(names root /dir/sub/..)" = dir/ ]
	[ "$(names root ../../dir/one)" = one ]
	[ "$(names root /)" = ./ ]
	[ "$(names -n other root dir)" = other/ ]
	[ "$(names root abs)" = abs ]
	[ "$(names root abs/)" = abs/ ]
	[ "$(names -L root abs)" = abs/ ]
	[[ $(root-tar get -L root dir/link | tar -tv) = -rws*link ]]
	expect 125 root-tar get root nothing
	[[ $output = *'nothing: No such file'* ]]
	expect 125 root-tar get root dir/one/
	[ "$(root-tar get -i root nothing | wc -c)" -eq 1024 ]
	exec 8<root
	[ "$(root-tar get fd:8 dir | tar -t | head -n 1)" = dir/ ]
}

@test "--copy goes where cp goes" {
	local to
	one() { root-tar get root dir/one | root-tar put -c outside "$1"; }
	tree() { root-tar get root "dir$1" | root-tar put -c outside "$2"; }
	mkdir -p outside/{d,real}
	ln -s /real outside/abs
	ln -s real/made outside/dangling
	one new && [ -f outside/new ]
	one d && [ -f outside/d/one ]
	one abs/ && [ -f outside/real/one ]
	one dangling && [ -f outside/real/made ] && [ -L outside/dangling ]
	ln -f outside/canary outside/other
	one canary && [ "$(cat outside/canary)" = one ] && [ "$(cat outside/other)" = canary ]
	tree '' tree && [ -d outside/tree/sub ]
	tree '' tree && [ -d outside/tree/dir/sub ]
	tree /. d && [ -d outside/d/sub ]
	tree /. made/ && [ -d outside/made/sub ]
	for to in nothing/ canary/ nothing/x canary/x ''; do
		run one "$to"
		[ "$status" -eq 125 ] || fail "$to: $output"
	done
	run tree '' canary
	[ "$status" -eq 125 ]
	[[ $output = *'cannot copy a directory to a file'* ]]
	mkdir -p outside/e/one outside/f && touch outside/f/dir
	run one e
	[[ $output = *'cannot replace a directory'* ]] || fail "$output"
	run tree '' f
	[[ $output = *'cannot replace something else by a directory'* ]] || fail "$output"
	! compgen -G 'outside/**/.root-tar*'
}

@test "hostile archives: nothing leaves the directory, with --copy nothing follows a link" {
	local before code
	ln -s "$PWD/outside" root/dir/out
	ln -s ../../outside root/dir/up
	# The attacks work where a link may be followed to the place.
	archive 'add("dir/out/x", data=b"bad")'
	root-tar put / "$PWD/root" <x.tar
	[ "$(cat outside/x)" = bad ]
	rm outside/x
	before=$(listing outside)
	for code in 'add("../outside/x", data=b"bad")' 'add("dir/../../outside/x")' 'add("/../x")' \
		'add("dir/..")' 'add("dir/x", tarfile.LNKTYPE, linkname="../../outside/canary")' \
		'add("new", tarfile.SYMTYPE, linkname="/"); add("new/../../x")'; do
		archive "$code"
		expect 125 put root .
		[[ $output = *'leads out'* ]] || fail "$code: $output"
	done
	for code in 'add("dir/out/x", data=b"bad")' 'add("dir/up/x", data=b"bad")' \
		'add("dir/s", tarfile.SYMTYPE, linkname="'"$PWD"'/outside"); add("dir/s/x", data=b"bad")' \
		'add("dir/s", tarfile.SYMTYPE, linkname="../../outside"); add("dir/h", tarfile.LNKTYPE, linkname="dir/s"); add("dir/h/x")'; do
		archive "$code"
		run put root .
		[ "$(listing outside)" = "$before" ] || fail "$code: $output"
		rm -rf root/dir/s root/dir/h
		archive "add('dir', tarfile.DIRTYPE, mode=0o755); $code"
		expect 125 put -c root .
		[ "$(listing outside)" = "$before" ] || fail "$code: $output"
		rm -rf root/dir/s root/dir/h
	done
	# A file over a link replaces it, a mode or owner never goes through it.
	archive 'add("dir/out", data=b"mine", mode=0o4777, uid=1, gid=1)'
	put -o root .
	[ -f root/dir/out ] && [ ! -L root/dir/out ]
	archive 'add("l", tarfile.SYMTYPE, linkname="'"$PWD"'/outside/canary"); add("h", tarfile.LNKTYPE, linkname="l", mode=0o777)'
	put root .
	[ -L root/h ]
	[ "$(listing outside)" = "$before" ]
	# A second tree beside the first one is no copy.
	archive 'add("a/b"); add("other/c")'
	expect 125 put -c root .
}

@test "lies: numbers, lengths, sums, truncation" {
	archive 'add("dir/x", data=b"x" * 3000, pax_headers={"SCHILY.xattr.user.a": "b"})'
	local n size
	size=$(stat -c %s x.tar)
	for n in 1 511 512 700 1500 2600 4000; do
		head -c $n x.tar >short
		run bash -c 'root-tar put root . <short'
		[ "$status" -eq 125 ] || fail "$n: $output"
	done
	[ ! -e root/dir/x ]
	[ -z "$(find root -name '.root-tar*')" ]
	for field in 'uid": "-1' 'size": "99999999999999999999' 'uid": "4294967295' 'mtime": "now'; do
		archive "add('x', pax_headers={\"$field\"})"
		run put -o outside .
		[ "$status" -eq 125 ] || [[ $field = uid*-1 || $field = size* ]] || fail "$field: $output"
	done
	for code in 'info = tarfile.TarInfo("x"); info.pax_headers = {"path": "a\0b"}; tar.addfile(info)' 'add("x", b"Z")'; do
		archive "$code"
		expect 125 put root .
	done
	printf 'x%.0s' $(seq 512) >x.tar
	expect 125 put root .
	[[ $output = *archive* ]]
	# any byte of a header changed is an error or another file, never a crash
	archive 'add("n" * 150, data=b"data", pax_headers={"SCHILY.xattr.user.a": "b"})'
	python3 - <<'PYTHON'
import subprocess
data = open("x.tar", "rb").read()[:2560]
for i in range(0, 1700, 11):
    broken = data[:i] + bytes([data[i] ^ 0x55]) + data[i + 1:] + bytes(1024)
    status = subprocess.run(["root-tar", "put", "root", "/"], input=broken, capture_output=True).returncode
    assert status in (0, 125), (i, status)
PYTHON
}

@test "plain-tar: every compression, sparse files; nothing is found on PATH" {
	local filter
	truncate -s 1M sparse
	echo end >>sparse
	tar --sparse --format=gnu -cf s.tar sparse root/dir/one
	run bash -c 'root-tar put outside . <s.tar'
	[ "$status" -eq 125 ]
	[[ $output = *plain-tar* ]]
	tar --sparse --format=pax -cf p.tar sparse
	run bash -c 'root-tar put outside . <p.tar'
	[[ $output = *plain-tar* ]] || fail "$output"
	for filter in cat gzip zstd xz bzip2; do
		rm -rf outside/*
		$filter <s.tar | plain-tar | root-tar put -o outside .
		cmp sparse outside/sparse
		[ "$(stat -c '%a %u' outside/root/dir/one)" = '4751 1000' ]
	done
	mkdir bin
	for filter in gzip zstd xz bzip2 lzop grzip lrzip; do
		printf '#!/bin/sh\ntouch %s/outside/ran\n' "$PWD" >bin/$filter
		chmod 755 bin/$filter
	done
	for filter in gzip zstd xz bzip2; do $filter <s.tar | PATH=$PWD/bin:$PATH plain-tar >/dev/null; done
	[ ! -e outside/ran ]
	run bash -c 'echo junk | plain-tar'
	[ "$status" -eq 125 ]
	run bash -c 'gzip <s.tar | head -c 100 | plain-tar | root-tar put outside .'
	[ "$status" -eq 125 ]
}

@test "the tree changes while it is read; devices and fifos are never opened" {
	mknod root/dir/watchdog c 10 130
	(while [ ! -e stop ]; do
		mv root/dir/sub root/dir/bus && mv root/dir/bus root/dir/sub
		ln -sfn "$PWD/outside" root/dir/swap && rm root/dir/swap && mkdir root/dir/swap && rmdir root/dir/swap
	done) 2>/dev/null 3>&- 4>&- &
	for _ in $(seq 50); do
		root-tar get root dir >out.tar || [ $? -eq 1 ]
		! tar -tf out.tar | grep canary || { touch stop; fail "led out"; }
	done
	touch stop
	wait
	strace -f -o trace root-tar get root dir >/dev/null
	! grep -E 'open.*(watchdog|fifo)' trace
}

@test "nothing but the tree is opened: no library, locale or converter (CVE-2019-14271)" {
	archive 'add("dir/\u00e9\u4e2d" * 20, data=b"x", uid=5, uname="root")'
	strace -f -e trace=openat,open,openat2,execve -o trace root-tar put root . <x.tar
	! grep -E 'ld\.so|\.so|/etc/|/usr/|locale|gconv' trace
	strace -f -e trace=openat,open,openat2,execve -o trace root-tar get root dir >/dev/null
	! grep -E 'ld\.so|\.so|/etc/|/usr/|locale|gconv' trace
}
