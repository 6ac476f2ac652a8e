# skiff diff and commit, and layerfs changes under them: what a container has changed.

load helper

setup_file() {
	skiff_setup_file
	mkdir -p "$BATS_FILE_TMPDIR/more/var/data/sub"
	(cd "$BATS_FILE_TMPDIR/tree" && mkdir -p var/data/sub && echo f >var/data/f && echo g >var/data/sub/g)
	tar -C "$BATS_FILE_TMPDIR/tree" -c . | skiff import -c 'CMD ["sh"]' -c 'ENV FROM=base' -c 'LABEL base=yes' - busybox >/dev/null
}
teardown_file() { skiff_teardown_file; }

setup() {
	in_time
	cd "$BATS_TEST_TMPDIR" || return
	C=d$BATS_TEST_NUMBER
}

teardown() { skiff rm -f "$C" "$C-b" >/dev/null 2>&1 || :; }

image_id() { sed -n '1s/^sha256://p' "$SKIFF_ROOT/refs/docker.io/library/$1"; }
config() { cat "$SKIFF_ROOT/blobs/sha256/$(image_id "$1")"; }

# top_layer IMAGE: the entries of the archive of its last layer.
top_layer() {
	local blob
	blob=$(tail -n 1 "$SKIFF_ROOT/images/$(image_id "$1")/blobs")
	blob=${blob#sha256:}
	tar -tf "$SKIFF_ROOT/blobs/sha256/${blob%% *}"
}

@test "diff: nothing for one that changed nothing, started or not" {
	skiff create --name "$C" busybox sleep 600 >/dev/null
	expect 0 skiff diff "$C"
	[ -z "$output" ]
	skiff start "$C" >/dev/null
	expect 0 skiff diff "$C"
	[ -z "$output" ] || fail "$output"
	expect 1 skiff diff nothing-like-it
	expect 1 skiff diff
}

@test "diff: what is added, changed and deleted, as Docker lists it" {
	mkdir dir
	skiff run --name "$C" -w /work/dir -v "$PWD/dir:/new/mount" busybox sh -c '
		rm -rf /var/data; mkdir /var/data; echo x >/var/data/new
		rm /etc/group; echo y >>/etc/passwd
		mkdir /root/d; touch /root/d/f; chmod 700 /tmp; mv /bin/yes /bin/no
		ln -s nowhere /root/link; echo m >/new/mount/file; cat /etc/hosts >/dev/null'
	expect 0 skiff container diff "$C"
	cat >want <<-'END'
		C /bin
		D /bin/yes
		A /bin/no
		C /etc
		D /etc/group
		C /etc/passwd
		A /new
		A /new/mount
		C /root
		A /root/d
		A /root/d/f
		A /root/link
		C /tmp
		C /var
		C /var/data
		A /var/data/new
		D /var/data/f
		D /var/data/sub
		A /work
		A /work/dir
	END
	diff want - <<<"$output"
}

@test "diff: names that would be more than a line; a link is no way out" {
	skiff run --name "$C" busybox sh -c 'touch "/root/a
D etc"; ln -s / /root/host; mv /home /home2; ln -s /etc /home' >/dev/null
	expect 0 skiff diff "$C"
	[[ $output = *'A /root/a\012D etc'* ]]
	[[ $output = *'C /home'* ]]
	[[ $output != *'/root/host/'* ]]
	[[ $output != *$'\nD etc'* ]]
}

@test "commit: a layer of the changes and nothing else on that of the base; the config with what the container had" {
	skiff run -t --name "$C" --init -e ADDED=1 -e FROM=here -l mine=true -w /work -u ann busybox \
		sh -c 'echo hello >/home/ann/file; exit 0' >/dev/null
	expect 0 skiff commit -a 'Ann <ann@example.org>' -m 'a file' -c 'CMD ["cat", "/home/ann/file"]' \
		-c 'ENV MORE=2' -c 'EXPOSE 80' "$C" lab/file:1
	[[ $output = sha256:* ]]
	skiff tag lab/file:1 "made$BATS_TEST_NUMBER:latest"
	local name=made$BATS_TEST_NUMBER:latest
	[ "$(config "$name" | jq -cS .config)" = '{"Cmd":["cat","/home/ann/file"],"Env":["FROM=here","ADDED=1","MORE=2"],"ExposedPorts":{"80/tcp":{}},"Labels":{"base":"yes","mine":"true"},"User":"ann","WorkingDir":"/work"}' ] ||
		fail "$(config "$name" | jq -cS .config)"
	[ "$(config "$name" | jq -c '[.author, .os, (.rootfs.diff_ids | length), (.history | length)]')" = '["Ann <ann@example.org>","linux",2,2]' ]
	[ "$(config "$name" | jq -r '.history[1] | .comment, .created_by, .author')" = \
		$'a file\nsh -c echo hello >/home/ann/file; exit 0\nAnn <ann@example.org>' ]
	[ "$(head -n 1 "$SKIFF_ROOT/images/$(image_id "$name")/layers")" = "$(cat "$SKIFF_ROOT/images/$(image_id busybox:latest)/layers")" ]
	# none of what the engine mounts over; the parents of what changed
	[ "$(top_layer "$name" | sort | tr '\n' ' ')" = './ home/ home/ann/ home/ann/file sbin/docker-init work/ ' ] ||
		[ "$(top_layer "$name" | sort | tr '\n' ' ')" = './ home/ home/ann/ home/ann/file sbin/ sbin/docker-init work/ ' ] ||
		fail "$(top_layer "$name")"
	expect 0 skiff run --rm lab/file:1
	[ "$output" = hello ]
	skiff run --rm lab/file:1 env | grep -qx MORE=2
	grep -q "	commit	$(cat "$SKIFF_ROOT/names/$C/id")	.*	comment=a file	" "$SKIFF_ROOT/events"
}

@test "commit: what was deleted stays deleted, a directory that was replaced shows nothing of the old" {
	skiff run --name "$C" busybox sh -c 'rm /etc/group; rm -r /var/data; mkdir -p /var/data/sub; echo n >/var/data/sub/n'
	skiff commit "$C" gone >/dev/null
	expect 0 skiff run --rm gone sh -c 'ls /etc; find /var/data | sort'
	[[ $output != *group* ]]
	[[ $output = *$'/var/data\n/var/data/sub\n/var/data/sub/n' ]]
	# and again on top of that
	skiff run --name "$C-b" gone sh -c 'echo back >/etc/group; rm -r /var/data'
	skiff commit "$C-b" gone2 >/dev/null
	[ "$(wc -l <"$SKIFF_ROOT/images/$(image_id gone2:latest)/layers")" = 3 ]
	expect 0 skiff run --rm gone2 sh -c 'cat /etc/group; ls /var'
	[ "$output" = back ]
}

@test "commit: entry point and command stay apart" {
	printf 'ENTRYPOINT ["echo", "entry"]\n' >change
	skiff create --name "$C" --entrypoint /bin/echo busybox one two >/dev/null
	skiff commit "$C" entry >/dev/null
	[ "$(config entry:latest | jq -c '.config | [.Entrypoint, .Cmd]')" = '[["/bin/echo"],["one","two"]]' ]
	expect 0 skiff run --rm entry
	[ "$output" = 'one two' ]
	skiff create --name "$C-b" entry three >/dev/null
	skiff commit "$C-b" entry2 >/dev/null
	[ "$(config entry2:latest | jq -c '.config | [.Entrypoint, .Cmd]')" = '[["/bin/echo"],["three"]]' ]
}

@test "commit pauses a running container, and not if told so; one that is paused stays so" {
	skiff run -d --name "$C" busybox sleep 600 >/dev/null
	local id
	id=$(cat "$SKIFF_ROOT/names/$C/id")
	skiff commit "$C" >/dev/null
	[ "$(grep "$id" "$SKIFF_ROOT/events" | cut -f 3 | tr '\n' ' ')" = 'create start pause unpause commit ' ]
	[ "$(cgset stat "$GROUP/$id" frozen)" = 'frozen 0' ]
	skiff commit --pause=false "$C" >/dev/null
	[ "$(grep -c "	pause	$id" "$SKIFF_ROOT/events")" = 1 ]
	skiff pause "$C" >/dev/null
	skiff commit "$C" >/dev/null
	[ "$(cgset stat "$GROUP/$id" frozen)" = 'frozen 1' ]
}

@test "commit: errors leave nothing behind" {
	skiff create --name "$C" busybox true >/dev/null
	find "$SKIFF_ROOT/images" "$SKIFF_ROOT/layers" -maxdepth 1 | sort >before
	expect 1 skiff commit "$C" Bad/Name
	expect 1 skiff commit nothing-like-it x
	expect 1 skiff commit
	expect 1 skiff commit -c 'FROM x' "$C" x
	[[ $output = *'from is not a valid change command' ]] || fail "$output"
	find "$SKIFF_ROOT/images" "$SKIFF_ROOT/layers" -maxdepth 1 | sort | diff before -
}

@test "commit killed at any point leaves what check repairs, and the container runs on" {
	skiff run -d --name "$C" busybox sh -c 'dd if=/dev/zero of=/big bs=1M count=8 2>/dev/null; sleep 600' >/dev/null
	local n id
	id=$(cat "$SKIFF_ROOT/names/$C/id")
	for n in 1 3 6 9 12; do
		env skiff commit "$C" "killed$n" >/dev/null 2>&1 3>&- 4>&- &
		sleep "0.0$n"
		kill -KILL $!
		wait $! 2>/dev/null || :
	done
	skiff check >/dev/null
	[ ! -e "$SKIFF_RUN/$id/paused" ] || skiff unpause "$C" >/dev/null
	run find "$SKIFF_ROOT/layers" "$SKIFF_ROOT/images" -maxdepth 1 -name '.*'
	[ -z "$output" ] || fail "$output"
	expect 0 skiff exec "$C" true
	expect 0 skiff commit "$C" whole
	expect 0 skiff run --rm whole test -s /big
}
