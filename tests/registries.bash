# Registries to talk to: load registries
# real ones (Debian's docker-registry) for the file, and registry.py for one test.
# shellcheck shell=bash

# real_registry NAME [CONFIG]: start one on any port of 127.0.0.1; prints HOST:PORT.
real_registry() {
	local dir=$BATS_FILE_TMPDIR/$1
	mkdir "$dir"
	printf '%s\n' 'version: 0.1' 'log: {level: info}' "http: {addr: '127.0.0.1:0'${3:+, $3}}" \
		"storage: {filesystem: {rootdirectory: $dir/data}}" "${2-}" >"$dir/config.yml"
	docker-registry serve "$dir/config.yml" >"$dir/log" 2>&1 3>&- 4>&- &
	echo $! >"$dir/registry.pid"
	disown
	wait_until grep -q 'listening on' "$dir/log"
	echo "127.0.0.1:$(sed -n 's/.*listening on 127.0.0.1:\([0-9]*\).*/\1/p' "$dir/log" | head -n 1)"
}

# closed_registry NAME: one that wants alice and secret.
closed_registry() {
	[ -e "$BATS_FILE_TMPDIR/htpasswd" ] || htpasswd -Bbn alice secret >"$BATS_FILE_TMPDIR/htpasswd"
	real_registry "$1" "auth: {htpasswd: {realm: test, path: $BATS_FILE_TMPDIR/htpasswd}}"
}

# requests NAME REGEX: how often a real registry was asked "METHOD PATH" for that.
requests() {
	grep -cE "\"$2[^\"]* HTTP/1.1\" [0-9]+" "$BATS_FILE_TMPDIR/$1/log" || true
}

end_registries() {
	local file
	for file in "$BATS_FILE_TMPDIR"/*/registry.pid; do
		kill "$(cat "$file")"
	done
}

# serve [ADDRESS [CERTIFICATE]]: registry.py with the directory $REG, its host into $HOST.
serve() {
	mkdir -p "$REG"
	rm -f "$REG/port"
	python3 "$REPO/tests/registry.py" "$REG" "$@" 3>&- 4>&- &
	echo $! >>"$BATS_TEST_TMPDIR/pids"
	disown
	wait_until test -e "$REG/port"
	HOST=127.0.0.1:$(cat "$REG/port")
}

rule() {
	printf '%s\n' "$*" >>"$REG/rules"
}

end_served() {
	local pid
	[ -e "$BATS_TEST_TMPDIR/pids" ] || return 0
	while read -r pid; do
		kill -9 "$pid" 2>/dev/null || true
	done <"$BATS_TEST_TMPDIR/pids"
}

# authority: an authority of the test's own, ca.crt, and a certificate of it for 192.0.2.1 and
# 127.0.0.1, server.pem with its key.
authority() {
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj '/CN=test CA' \
		-keyout ca.key -out ca.crt 2>/dev/null
	issue server -addext 'subjectAltName=IP:192.0.2.1,IP:127.0.0.1'
	cat server.key server.crt >server.pem
}

# issue NAME [OPTION...]: a certificate NAME.crt of the authority, NAME.key.
issue() {
	openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$1" "${@:2}" \
		-keyout "$1.key" -out "$1.csr" 2>/dev/null
	openssl x509 -req -in "$1.csr" -CA ca.crt -CAkey ca.key -CAcreateserial -days 2 -copy_extensions copy \
		-out "$1.crt" 2>/dev/null
}

# elsewhere COMMAND...: run it where 192.0.2.1 is this machine, but not loopback.
elsewhere() {
	unshare -n sh -euc 'ip link set lo up; ip address add 192.0.2.1/32 dev lo; "$@"' - "$@"
}

said() { # FILE LINE...: the file consists of these lines; * in them is anything
	local file=$1 lines i
	shift
	mapfile -t lines <"$file"
	[ ${#lines[@]} -eq $# ] || fail "$# lines expected: $(cat "$file")" || return
	for ((i = 0; i < ${#lines[@]}; i++)); do
		# shellcheck disable=SC2053
		[[ ${lines[i]} == $1 ]] || fail "'$1' expected: ${lines[i]}" || return
		shift
	done
}
