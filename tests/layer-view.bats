#!/usr/bin/env bats
# Looking at layers: layerfs ls, tree, waste and compare, and the verbs of skiff over them.
# The witness is overlayfs: what the stack shows with a layer and without it.
# shellcheck shell=bash disable=SC2016,SC2046
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
	! mountpoint -q "$T/mnt" || umount "$T/mnt"
	[ ! -s "$T/registry/pid" ] || kill "$(cat "$T/registry/pid")"
}

layer() {
	python3 -S -E "$REPO/tests/mklayer.py" "$@"
}

# example: L1, and L2 on it, which does one of everything.
example() {
	layer 'dir bin' 'file bin/a data=aaaa' 'file bin/b data=bbbbbbbb' 'dir etc' 'file etc/x data=1' 'dir op' 'file op/old data=old' \
		'dir op/sub' 'file op/sub/f data=xyz' 'sym lib to=usr/lib' 'dir keep mode=700' 'file keep/f' 'dir mode' 'dir tofile' \
		'file tofile/in data=in' 'file todir data=12345' 'file gone data=gone' >1.tar
	layer 'dir bin' 'file bin/a data=AAAAA' 'file bin/new data=n mode=4755 uid=7 gid=8' 'file .wh.etc' 'file .wh.gone' 'dir op' \
		'file op/.wh..wh..opq' 'file op/new data=new' 'sym lib to=lib64' 'dir mode mode=1777' 'file tofile data=now' 'dir todir' \
		'chr null major=1 minor=3 mode=666' 'dir keep mode=700' 'file keep/g' >2.tar
	layerfs unpack L1 <1.tar >/dev/null
	layerfs unpack -l L1 L2 <2.tar >/dev/null
}

rows() { # of tab-separated words, a row an argument
	printf '%s\n' "$@" | tr ' ' '\t'
}

# ---- ls ----------------------------------------------------------------------

@test "ls: what a layer adds, changes and deletes" {
	example
	layerfs ls -l L1 L2 >out
	diff out <(rows 'M -rw-r--r-- 0 0 5 bin/a' 'A -rwsr-xr-x 7 8 1 bin/new' 'D drwxr-xr-x 0 0 0 etc' 'D -rw-r--r-- 0 0 1 etc/x' \
		'D -rw-r--r-- 0 0 4 gone' 'A -rw-r--r-- 0 0 0 keep/g' 'M lrwxrwxrwx 0 0 5 lib lib64' 'M drwxrwxrwt 0 0 0 mode' \
		'A crw-rw-rw- 0 0 1,3 null' 'A -rw-r--r-- 0 0 3 op/new' 'D -rw-r--r-- 0 0 3 op/old' 'D drwxr-xr-x 0 0 0 op/sub' \
		'D -rw-r--r-- 0 0 3 op/sub/f' 'M drwxr-xr-x 0 0 0 todir' 'M -rw-r--r-- 0 0 3 tofile' 'D -rw-r--r-- 0 0 2 tofile/in')
	diff <(layerfs ls -s -l L1 L2) <(rows 'added 4 4' 'changed 5 8' 'deleted 7 13')
	# A first layer adds all that it has; alone, a whiteout does not know what it hides.
	[ "$(layerfs ls L1 | cut -c 1 | sort -u)" = A ]
	[ "$(layerfs ls L1 | wc -l)" -eq "$(find L1 -mindepth 1 | wc -l)" ]
	layerfs ls L2 | grep -qx "$(rows 'D - - - - etc')"
	layerfs ls L2 | grep -qx "$(rows 'D - - - - op/')"
}

@test "ls: an archive, entry by entry, without unpacking it" {
	example
	gzip -k 2.tar
	diff <(layerfs ls -l L1 L2 | grep -v '^D' | sort) <(layerfs ls -l L1 -f 2.tar.gz | grep -v '^D' | sort)
	diff <(layerfs ls -l L1 -f - <2.tar | grep '^D') <(rows 'D drwxr-xr-x 0 0 0 etc' 'D -rw-r--r-- 0 0 4 gone' 'D - - - - op/')
	# What unpack refuses is shown for what it is.
	layer 'file ../../etc/passwd data=x' 'file .wh.d/f' 'file /abs' 'sym l to=/etc' 'link h to=l' 'file .wh..wh.aufs' >bad.tar
	diff <(layerfs ls -f bad.tar) <(rows '! -rw-r--r-- 0 0 1 ../../etc/passwd' '! -rw-r--r-- 0 0 0 .wh.d/f' 'A -rw-r--r-- 0 0 0 abs' \
		'A lrwxrwxrwx 0 0 4 l /etc' 'A -rw-r--r-- 0 0 0 h l')
	layerfs ls -s -f bad.tar | grep -qx "$(rows 'refused 2 1')"
	[ "$(find . -newer bad.tar -name passwd)" = '' ]
	{ layer 'file f'; head -c 20000000 /dev/zero; } | expect 125 layerfs ls -m 1m -f -
	echo nonsense | expect 125 layerfs ls -f -
}

@test "ls: names are escaped, one line each; with -0 they are as they are" {
	mkdir L1
	touch L1/$'new\nline' L1/$'tab\there' L1/$'esc\e[2J' L1/'back\slash' L1/$'bad\xff' L1/ü L1/$'rtl\u202ex' L1/$'c1\u009bx'
	ln -s $'to\nx' L1/link
	layerfs ls L1 | cut -f 6- >out
	diff out <(printf '%s\n' 'back\\slash' 'bad\xff' 'c1\xc2\x9bx' 'esc\x1b[2J' $'link\tto\\nx' 'new\nline' 'rtl\xe2\x80\xaex' 'tab\there' ü)
	# printf '%b' is the way back.
	while IFS= read -r name; do [ -e "L1/$(printf '%b' "$name")" ]; done < <(grep -v ^link out)
	diff <(layerfs ls -0 L1 | tr '\0\n' '\n?' | cut -f 6-) <(cd L1 && printf '%s\0' * | sort -z | tr '\0\n' '\n?')
	# On a terminal, too, nothing drives it.
	script -qec 'layerfs ls L1' /dev/null >typescript
	! grep $'\e' typescript || fail 'an escape'
	grep -q 'MODE .*SIZE PATH' typescript
	grep -q 'added .*9 paths' typescript
}

@test "ls agrees with overlayfs on random layers" {
	local n
	for n in 1 2 3; do
		python3 - "$n" <<-'END' >words
			import random, sys
			choose = random.Random(int(sys.argv[1]))
			for layer in range(3):
			    seen = set()
			    for _ in range(25):
			        path = "/".join(choose.choice("abc") for _ in range(choose.randint(1, 4)))
			        kind = choose.choice(["dir", "dir", "file", "file", "sym", "white", "opaque"])
			        if kind == "white":
			            path = path[:-1] + ".wh." + path[-1]
			        if kind == "opaque":
			            path += "/.wh..wh..opq"
			        kind = kind if kind in ("dir", "sym") else "file"
			        # a file cannot be a parent: leave out what would be
			        if any(path.startswith(other + "/") or other.startswith(path + "/") and kind != "dir" for other in seen):
			            continue
			        if kind != "dir":
			            seen.add(path)
			        print(layer, kind, path, "to=x" if kind == "sym" else "data=" + choose.choice(["x", "yy"]) if kind == "file" and ".wh." not in path else "")
			END
		for i in 0 1 2; do
			mapfile -t words < <(sed -n "s/^$i //p" words)
			[ $i -gt 0 ] || rm -rf L? ./*.list
			layer "${words[@]}" >"$i.tar"
			layerfs unpack $([ $i -gt 0 ] || echo --base; for ((j = 0; j < i; j++)); do echo "-l L$j"; done) "L$i" <"$i.tar" >/dev/null
			layerfs stack --at mnt $(seq -f L%.0f 0 "$i")
			(cd mnt && find . -mindepth 1 -printf '%P\n' | sort) >"$i.list"
			umount mnt
			[ $i -gt 0 ] || continue
			layerfs ls $(for ((j = 0; j < i; j++)); do echo "-l L$j"; done) "L$i" >out
			diff <(comm -13 $((i - 1)).list $i.list) <(awk -F '\t' '$1 == "A" { print $6 }' out | sort) || fail "added, seed $n"
			diff <(comm -23 $((i - 1)).list $i.list) <(awk -F '\t' '$1 == "D" { print $6 }' out | sort) || fail "deleted, seed $n"
			layerfs compare $(seq -f L%.0f 0 $((i - 1))) -- $(seq -f L%.0f 0 "$i") >out || [ $? = 1 ]
			diff <(comm -13 $((i - 1)).list $i.list) <(awk -F '\t' '$1 == "A" { print $5 }' out) || fail "compare, seed $n"
			diff <(comm -23 $((i - 1)).list $i.list) <(awk -F '\t' '$1 == "D" { print $5 }' out) || fail "compare, seed $n"
		done
		# What overlayfs shows, and what nobody will see, are all bytes that there are.
		layerfs stack --at mnt L0 L1 L2
		[ "$(layerfs tree -s L0 L1 L2 | cut -f 2)" -eq $(($(find mnt -type f -printf '%s+')0 + $(layerfs waste L0 L1 L2 | awk '{ printf "%d+", $1 }')0)) ]
		umount mnt
	done
}

# ---- tree --------------------------------------------------------------------

@test "tree: bytes and files, the larger directories first" {
	layer 'dir a' 'file a/1 data=1' 'dir b' 'dir b/c' 'file b/c/2 data=333' 'file b/3 data=22' 'file top data=4444' 'link a/hard to=top' \
		'sym s to=x' | layerfs unpack L1
	layer 'file .wh.top' 'file new data=55555' | layerfs unpack -l L1 L2
	diff <(layerfs tree L1 L2) <(rows '1 10 6 /' '1 5 2 a' '1 5 2 b' '2 5 1 /')
	diff <(layerfs tree -d 2 L1) <(rows '1 10 6 /' '1 5 2 a' '1 5 2 b' '1 3 1 b/c')
	diff <(layerfs tree -d 0 L1 L2) <(rows '1 10 6 /' '2 5 1 /')
	diff <(layerfs tree -s L1 L2) <(rows 'all 15 7 /')
	expect 125 layerfs tree
	expect 125 layerfs tree -d x L1
	expect 125 layerfs tree missing
	expect 125 layerfs tree L1/top
}

# ---- waste -------------------------------------------------------------------

@test "waste: what layers above replace or delete, the most first" {
	example
	layer 'file bin/a data=3' | layerfs unpack -l L1 -l L2 L3
	diff <(layerfs waste L1 L2 L3) <(rows '9 1,2 replaced bin/a' '5 1 replaced todir' '4 1 deleted gone' '3 1 deleted op/old' \
		'3 1 deleted op/sub/f' '2 1 deleted tofile/in' '1 1 deleted etc/x')
	diff <(layerfs waste -s L1 L2 L3) <(rows 'wasted 27' 'total 43' 'efficiency 37.2')
	[ -z "$(layerfs waste L1)" ]
}

@test "waste: a file of several names is wasted when none is left" {
	head -c 1000 /dev/zero | tr '\0' x >data
	layer "file a data=$(cat data)" 'link b to=a' "file c data=$(cat data)" 'link d to=c' | layerfs unpack L1
	layer 'file .wh.a' 'file .wh.c' 'file .wh.d' | layerfs unpack -l L1 L2
	diff <(layerfs waste L1 L2) <(rows '1000 1 deleted c')
	layerfs waste -s L1 L2 | grep -qx "$(rows 'total 2000')"
}

@test "waste: --max is for CI" {
	example
	expect 1 layerfs waste --max 17 L1 L2
	[[ $output = *'22 bytes are wasted, more than 17'* ]]
	expect 0 layerfs waste --max 22 L1 L2
	expect 1 layerfs waste -s --max 0 L1 L2
	expect 0 layerfs waste -s --max 0 L1
	expect 125 layerfs waste --max many L1
	expect 125 layerfs waste L1 missing
	expect 125 sh -c 'layerfs waste L1 L2 >/dev/full'
}

# ---- compare -----------------------------------------------------------------

@test "compare: added, deleted, and what is changed" {
	local name
	for name in A B; do
		mkdir $name
		for file in same content mode owner xattrs size; do echo text >$name/$file; done
		mkdir $name/dir && ln -s x $name/link && mknod $name/device c 1 3 && mkfifo $name/fifo
	done
	echo TEXT >B/content && chmod 600 B/mode && chown 5 B/owner && setfattr -n user.a -v b B/xattrs && echo longer >B/size
	chmod 700 B/dir && ln -sf y B/link && rm B/device && mknod B/device c 1 5
	touch A/deleted B/added && mkdir B/type && touch A/type B/type/in
	run -1 layerfs compare A -- B
	diff <(echo "$output") <(rows 'A - - 0 added' 'M content 5 5 content' 'D - 0 - deleted' 'M content 0 0 device' 'M mode 0 0 dir' \
		'M content 0 0 link' 'M mode 5 5 mode' 'M owner 5 5 owner' 'M content 5 7 size' 'M type 0 0 type' 'A - - 0 type/in' 'M xattrs 5 5 xattrs')
	run -1 layerfs compare -s A -- B
	[ "$output" = "$(rows 'added 2' 'changed 9' 'deleted 1')" ]
	expect 0 layerfs compare A -- A
	[ -z "$output" ]
	cp -a A C
	expect 0 layerfs compare A -- C
	local bad
	for bad in 'A' 'A B' '-- A' 'A --' 'A -- B -- A' '' 'A -- missing'; do
		# shellcheck disable=SC2086
		expect 125 layerfs compare $bad
	done
}

@test "compare: what is stacked counts, not how" {
	example
	layerfs stack --at mnt L1 L2
	cp -a mnt flat
	umount mnt
	expect 0 layerfs compare L1 L2 -- flat
	expect 1 layerfs compare L1 -- flat
	# Holes of a terabyte are not read.
	truncate -s 1T L1/sparse flat/sparse
	expect 0 layerfs compare L1 L2 -- flat
	echo end >>flat/sparse
	run -1 layerfs compare L1 L2 -- flat
	[ "$output" = "$(rows 'M content 1099511627776 1099511627780 sparse')" ]
}

# ---- large and hostile trees -------------------------------------------------

@test "many files, deep trees, odd kinds: all is listed, nothing hangs, nothing is followed" {
	mount -t tmpfs none mnt # for speed
	python3 - <<-'END'
		import os
		os.makedirs("mnt/many/d")
		for n in range(30000):
		    open(f"mnt/many/d/{n}", "w").write("x")
		os.makedirs("mnt/deep")
		os.chdir("mnt/deep")
		for n in range(5000):
		    os.mkdir("d")
		    os.chdir("d")
	END
	[ "$(layerfs ls mnt/many | wc -l)" -eq 30001 ]
	mkdir gone
	mknod gone/d c 0 0
	[ "$(layerfs waste -s mnt/many gone | head -n 1)" = "$(rows 'wasted 30000')" ]
	# Beyond what a path can name it says so, and is not silent about it.
	run layerfs ls mnt/deep
	[ "$status" -eq 125 ]
	[[ $output = *'File name too long'* ]]
	[ "$(grep -c '^A' <<<"$output")" -gt 2000 ]
	mkdir L1
	mkfifo L1/fifo
	mknod L1/tty c 5 0
	ln -s / L1/root
	ln -s loop L1/loop
	cp -a L1 L2
	timeout 10 layerfs ls L1 | grep -q fifo
	timeout 10 layerfs compare L1 -- L2
	timeout 10 layerfs tree L1
	! layerfs ls L1 | grep root/ || fail 'a link was followed'
	# Readers that leave early are no error of ours.
	run bash -c 'layerfs ls mnt/many | head -n 1'
	[ "$status" -eq 0 ] && [ ${#lines[@]} -eq 1 ]
}

@test "nothing is changed by looking" {
	example
	find L1 L2 -exec touch -ha -d @1000000000 {} +
	find . -printf '%p %A@ %C@ %T@ %n\n' | grep -v out | sort >../before
	layerfs ls -l L1 L2 >/dev/null
	layerfs tree L1 L2 >/dev/null
	layerfs waste L1 L2 >/dev/null
	layerfs compare L1 -- L2 >/dev/null || [ $? = 1 ]
	diff <(cut -d ' ' -f 1,3- ../before) <(find . -printf '%p %A@ %C@ %T@ %n\n' | grep -v out | sort | cut -d ' ' -f 1,3-)
}

# ---- images ------------------------------------------------------------------

# publish NAME LAYER.tar...: an image in the registry.
publish() {
	local name=$1 type=application/vnd.oci.image ids='' layers='' tar
	shift
	for tar in "$@"; do
		ids="$ids${ids:+,}\"sha256:$(sha256sum <"$tar" | cut -d ' ' -f 1)\""
		layers="$layers${layers:+,}{\"mediaType\":\"$type.layer.v1.tar\",$(blob "$tar")}"
	done
	jq -n --argjson ids "[$ids]" '{os: "linux", architecture: "amd64", config: {}, rootfs: {type: "layers", diff_ids: $ids},
		history: [{created_by: "FROM nothing"}, {created_by: "ENV a=b", empty_layer: true}, {created_by: "RUN \u001b[2J and\nmuch more"}]}' >config.json
	printf '{"schemaVersion":2,"mediaType":"%s","config":{"mediaType":"%s",%s},"layers":[%s]}' \
		$type.manifest.v1+json $type.config.v1+json "$(blob config.json)" "$layers" >"registry/$name"
	echo $type.manifest.v1+json >"registry/$name.type"
	skiff pull -q "127.0.0.1:$(cat registry/port)/a:$name" >/dev/null
}

blob() {
	local digest
	digest=sha256:$(sha256sum <"$1" | cut -d ' ' -f 1)
	cp "$1" "registry/$digest"
	printf '"digest":"%s","size":%s' "$digest" "$(stat -c %s "$1")"
}

@test "skiff image layers and image diff: the same by the names of images" {
	export SKIFF_ROOT=$T/root SKIFF_RUN=$T/run
	mkdir registry
	python3 "$REPO/tests/registry.py" registry >/dev/null 2>&1 3>&- 4>&- &
	echo $! >registry/pid
	wait_until test -s registry/port
	example
	publish one 1.tar
	publish two 1.tar 2.tar
	local a b
	a=127.0.0.1:$(cat registry/port)/a:one b=${_:-}
	b=${a%one}two
	skiff image layers "$b" >out
	[ "$(wc -l <out)" -eq 3 ]
	grep -Eqx 'LAYER +DIFF ID +SIZE +FILES +CREATED BY' out
	grep -Eqx "1 +$(sha256sum <1.tar | cut -c 1-12) +30B +10 +FROM nothing" out
	grep -Eqx '2 .* 12B +7 +RUN +\[2J and much more' out
	! grep $'\e' out || fail 'an escape'
	diff <(skiff image layers --list 2 "$b") <(layerfs ls -l L1 L2)
	diff <(skiff image layers -l 1 "$b") <(layerfs ls L1)
	diff <(skiff image layers --tree --depth 2 "$b") <(layerfs tree -d 2 L1 L2)
	diff <(skiff image layers --waste "$b") <(layerfs waste L1 L2)
	diff <(skiff image layers -w -s "$b") <(layerfs waste -s L1 L2)
	expect 1 skiff image layers --waste --max 1 "$b"
	expect 0 skiff image layers --waste --max 1m "$b"
	[ "$(skiff image layers -q "$b" | wc -l)" -eq 2 ]
	run -1 skiff image diff "$a" "$b"
	[ "$output" = "$(layerfs compare L1 -- L1 L2)" ]
	expect 0 skiff image diff "$a" "$a"
	run -1 skiff image diff -s "$b" "$a"
	[ "$(skiff image layers --format '{{.Layer}} {{.Files}}' "$b" | tr '\n' ' ')" = '1 10 2 7 ' ]
	skiff image layers --format json "$b" | jq -e 'select(.Layer == "2").CreatedBy | startswith("RUN")'
	# errors: one line, nothing on standard output
	expect 125 skiff image diff "$a" nonsense
	[ "$output" = 'skiff image-diff: No such image: nonsense:latest' ]
	expect 1 skiff image layers nonsense
	expect 125 skiff image layers --waste nonsense
	expect 1 skiff image layers --list 3 "$b"
	[[ $output = *'the image has 2 layers'* ]]
	local bad
	for bad in 0 x '' -1 01; do expect 125 skiff image layers "--list=$bad" "$b"; done
	expect 125 skiff image layers --tree --waste "$b"
	expect 1 skiff image layers
	expect 125 skiff image diff "$a"
	expect 125 skiff image layers --nonsense "$b"
	skiff -x image layers --tree "$b" 2>&1 >/dev/null | grep -q '^+ layerfs tree'
}
