#!/usr/bin/env bats
# login and logout, the tool credential, and certificates of a registry's own: against
# docker-registry with htpasswd and with TLS, and against registry.py.
# shellcheck shell=bash disable=SC2016,SC2030,SC2031

load helper
load registries

setup_file() {
	cd "$BATS_FILE_TMPDIR" || return
	authority
	OPEN=$(real_registry open) CLOSED=$(closed_registry closed)
	export OPEN CLOSED
}

teardown_file() {
	end_registries
}

setup() {
	in_time
	cd "$BATS_TEST_TMPDIR" || return
	REG=$BATS_TEST_TMPDIR/registry
	export REG DOCKER_CONFIG=$BATS_TEST_TMPDIR/docker
	CONFIG=$DOCKER_CONFIG/config.json
	mkdir "$REG" bin
	PATH=$PWD/bin:$PATH
	unset SKIFF_REGISTRY_MIRROR SKIFF_INSECURE_REGISTRIES SSL_CERT_FILE SSL_CERT_DIR SKIFF_CERTS_DIR
}

teardown() {
	end_served
}

coded() {
	printf %s "$1" | base64
}

log_in() { # [PASSWORD [HOST]]
	printf '%s\n' "${1:-secret}" | skiff login -u alice --password-stdin "${2:-$CLOSED}"
}

# helper NAME: a credential helper that keeps what it is given in files, and notes how it was
# called.
helper() {
	cat >"bin/docker-credential-$1" <<-'END'
		#!/bin/sh
		cd "$DOCKER_CONFIG" || exit
		echo "$@" >>calls
		tr '\0' ' ' </proc/$$/cmdline >>cmdlines
		case $1 in
		store) cat >kept ;;
		get) read -r server
			grep -qF "\"$server\"" kept 2>/dev/null || { echo 'credentials not found in native keychain'; exit 1; }
			cat kept ;;
		erase) read -r server || :; echo "$server" >erased; rm -f kept ;;
		esac
	END
	chmod +x "bin/docker-credential-$1"
}

# ---- what is kept ----

@test "login: the registry says yes, and pull uses what is kept" {
	expect 125 pull tags "$CLOSED/x"
	log_in >out 2>err
	[ "$(cat out)" = 'Login Succeeded' ]
	grep -qF "stored unencrypted in '$CONFIG'" err
	jq -e --arg host "$CLOSED" --arg auth "$(coded alice:secret)" '. == {auths: {($host): {auth: $auth}}}' "$CONFIG"
	[ "$(stat -c %a "$CONFIG" "$DOCKER_CONFIG" | xargs)" = '600 700' ]
	[ "$(ls -A "$DOCKER_CONFIG")" = config.json ]
	: >bytes
	expect 0 push blob "$CLOSED/x" bytes
	# others read it
	skopeo login --authfile "$CONFIG" --tls-verify=false "$CLOSED" </dev/null
	[ "$(skopeo login --authfile "$CONFIG" --get-login "$CLOSED")" = alice ]
}

@test "login refused: nothing changes, and no secret is said" {
	log_in >/dev/null 2>&1
	cp "$CONFIG" before
	expect 1 skiff login -u alice --password-stdin "$CLOSED" <<<wr0ng
	[[ $output == *"unauthorized: incorrect username or password"* && $output != *wr0ng* ]]
	[[ $output != *Succeeded* && $output != *$(coded alice:wr0ng)* ]]
	cmp before "$CONFIG"
	[ "$(ls -A "$DOCKER_CONFIG")" = config.json ]
	# nobody there; nobody of that name; what is no registry
	expect 1 skiff login -u alice --password-stdin 127.0.0.1:1 <<<secret
	expect 1 skiff login -u alice --password-stdin no-such-host.invalid <<<secret
	serve
	expect 1 skiff login -u alice --password-stdin "$HOST" <<<secret
	[[ $output == *"not found"* ]]
	cmp before "$CONFIG"
	rm -r "$DOCKER_CONFIG"
	expect 1 skiff login -u alice --password-stdin "$CLOSED" <<<wr0ng
	[ ! -e "$DOCKER_CONFIG" ]
}

@test "a token server: asked with the password, for no repository; 401 is a wrong password" {
	serve
	echo '{"token":"T1"}' >"$REG/token"
	: >"$REG/v2" # what GET /v2/ gives
	rule "* GET./token auth Basic+$(coded bob:pass) Basic realm=x"
	rule "* GET./v2/ auth Bearer+T1 Bearer realm=\"http://$HOST/token\",service=s"
	expect 1 skiff login -u bob --password-stdin "$HOST" <<<wrong
	[[ $output == *"unauthorized: incorrect username or password"* ]]
	[ ! -e "$CONFIG" ]
	expect 0 skiff login -u bob --password-stdin "$HOST" <<<pass
	grep -q "GET /token?service=s auth=Basic+$(coded bob:pass) " "$REG/log"
	grep -q 'GET /v2/ auth=Bearer+T1 ' "$REG/log"
	# a token that does not open it is no login
	echo '{"token":"T2"}' >"$REG/token"
	expect 1 skiff login -u bob --password-stdin "$HOST" <<<pass
	[[ $output == *denied* ]]
}

@test "other keys stay byte for byte; an older entry of the host goes" {
	mkdir "$DOCKER_CONFIG"
	# hand-made, with what a parser would change: order, blanks, numbers, escapes
	cat >"$CONFIG" <<-END
		{ "psFormat":"table {{.ID}}\t}",  "x": [1.50e2, {"auths": {"$CLOSED": 7}}],
		   "auths" : {"other.example":{"auth":"eDp5"} ,
		     "https:\/\/$CLOSED\/v1\/": {"auth": "$(coded alice:old)"},   "third.example":{}},
		  "detachKeys": "ctrl-\u0070", "empty":{} }
	END
	grep -v "$CLOSED.*v1" "$CONFIG" >others
	log_in >/dev/null 2>&1
	[ "$(jq -r --arg host "$CLOSED" '.auths | has("https://\($host)/v1/"), .[$host].auth' "$CONFIG")" = "false
$(coded alice:secret)" ]
	# but for what was put in and cut out the bytes are the same
	skiff logout "$CLOSED" >out
	[ "$(cat out)" = "Removing login credentials for $CLOSED" ]
	grep -qF '{ "psFormat":"table {{.ID}}\t}",  "x": [1.50e2, {"auths": {"'"$CLOSED"'": 7}}],' "$CONFIG"
	grep -qF '"other.example":{"auth":"eDp5"} ,' "$CONFIG"
	grep -qF '"third.example":{}},' "$CONFIG"
	grep -qF '  "detachKeys": "ctrl-\u0070", "empty":{} }' "$CONFIG"
	! grep -q "$(coded alice:old)" "$CONFIG" || fail "found"
	cp "$CONFIG" before
	skiff logout "$CLOSED" >out
	[ "$(cat out)" = "Not logged in to $CLOSED" ]
	cmp before "$CONFIG"
}

@test "every shape of config.json: an entry goes in, and out again" {
	mkdir "$DOCKER_CONFIG"
	local text
	for text in '' ' ' '{}' ' { } ' '{"auths":{}}' '{"auths": { } }' '{"a":1}' '{"auths":{"x":{}}}' \
		'{"a":"auths","auths":{"x":{},"y":[{},"}"]},"z":null}' '{"auths":{"a\"b":{}}}' \
		'{"a":-1.5,"auths":{"x":true}}'; do
		printf %s "$text" >"$CONFIG"
		[ -n "${text// /}" ] || text='{}'
		jq -S 'del(.auths)' <<<"$text" >others
		printf 'alice\nsecret' | credential store "$CLOSED" >/dev/null || fail "$text"
		[ "$(jq -r --arg host "$CLOSED" '.auths[$host].auth' "$CONFIG")" = "$(coded alice:secret)" ] || fail "$text"
		jq -S 'del(.auths)' "$CONFIG" | diff others - || fail "$text"
		[ "$(credential erase "$CLOSED")" = "$CLOSED" ]
		diff <(jq -S '.auths // {}' <<<"$text") <(jq -S .auths "$CONFIG") || fail "$text"
	done
	for text in x '[]' '{"auths":[]}' '{"auths":7}' '{"auths":{}' '{"a":1,"a":2}' '"x"'; do
		printf %s "$text" >"$CONFIG"
		expect 125 credential store "$CLOSED" <<<$'alice\nsecret'
		[ "$(cat "$CONFIG")" = "$text" ]
		expect 125 credential erase "$CLOSED"
		[ "$(cat "$CONFIG")" = "$text" ]
	done
}

@test "config.json may be a link, and stays its owner's; two at a time lose nothing" {
	mkdir "$DOCKER_CONFIG" kept
	echo '{}' >kept/mine.json
	chown 1000:1000 kept/mine.json
	chmod 644 kept/mine.json
	ln -s ../kept/mine.json "$CONFIG"
	log_in >/dev/null 2>&1
	[ -L "$CONFIG" ]
	[ "$(stat -c '%a %u' kept/mine.json)" = '600 1000' ]
	local n
	for n in 1 2 3 4 5 6; do
		printf 'alice\nsecret' | credential store "localhost:${OPEN#*:}" >/dev/null &
		printf 'alice\nsecret' | credential store "$OPEN" >/dev/null &
		wait
		[ "$(jq -r '.auths | length' "$CONFIG")" = 3 ]
		credential erase "$OPEN" >/dev/null &
		credential erase "localhost:${OPEN#*:}" >/dev/null &
		wait
		[ "$(jq -r '.auths | length' "$CONFIG")" = 1 ]
	done
	[ "$(ls -A kept)" = mine.json ]
}

@test "the password is on no command line, in no environment, and in no trace" {
	strace -f -s 200 -v -o trace -e trace=execve skiff -x login -u alice --password-stdin "$CLOSED" \
		<<<secret >out 2>err 3>&- 4>&-
	grep -q 'credential", "store", "--"' trace
	! grep -E "secret|$(coded alice:secret)" trace out err || fail "found"
}

@test "-p works, with a warning" {
	expect 0 skiff login -u alice -p secret "$CLOSED"
	[[ $output == *"--password via the CLI is insecure. Use --password-stdin."*"Login Succeeded" ]]
	# what is there is tried first when nothing is given
	expect 0 skiff login "$CLOSED" </dev/null
	[[ $output == *"Authenticating with existing credentials... [Username: alice]"*"Login Succeeded" ]]
	# and asked for when it is not good any more
	sed -i "s/$(coded alice:secret)/$(coded alice:gone)/" "$CONFIG"
	expect 1 skiff login "$CLOSED" </dev/null
	[[ $output == *"Cannot perform an interactive login from a non TTY device" ]]
}

@test "a person is asked; the password is not shown" {
	cat >talk.exp <<-'END'
		set timeout 20
		spawn -noecho skiff login $env(CLOSED)
		expect "Username: " { send "alice\r" }
		expect "Password: " { send "secret\r" }
		expect eof
		exit [lindex [wait] 3]
	END
	command expect -f talk.exp >out 3>&- 4>&-
	grep -q 'Login Succeeded' out
	! grep -q secret out || fail "found"
	[ "$(credential user "$CLOSED")" = alice ]
	# interrupted in the middle: the terminal echoes again
	cat >talk.exp <<-'END'
		set timeout 20
		spawn -noecho env PS1=ready> sh
		expect "ready>"
		send "skiff login -u alice $env(CLOSED)\r"
		expect "Password: " { send "\003" }
		expect "ready>"
		send "stty -a | grep -o '.echo '\r"
		expect -re "(echo|ready>)"
		send "exit\r"
		expect eof
	END
	command expect -f talk.exp >out 3>&- 4>&-
	grep -qE '^ echo' out || fail "$(cat -v out)"
}

@test "hosts in all their forms, and docker.io" {
	serve
	: >"$REG/v2"
	local form
	for form in "$CLOSED" "https://$CLOSED" "http://$CLOSED/" "https://$CLOSED/v2/" "$CLOSED/some/path"; do
		log_in secret "$form" >/dev/null 2>&1
		[ "$(jq -r '.auths | keys | join(" ")' "$CONFIG")" = "$CLOSED" ]
		expect 0 skiff logout "$form"
		[ "$output" = "Removing login credentials for $CLOSED" ]
	done
	printf '{"auths":{"https://index.docker.io/v1/":{"auth":"%s"}}}' "$(coded u:p)" >"$CONFIG"
	for form in '' docker.io index.docker.io registry-1.docker.io https://index.docker.io/v1/; do
		expect 0 credential user ${form:+"$form"}
		[ "$output" = u ]
	done
	expect 0 skiff logout
	[ "$output" = 'Removing login credentials for https://index.docker.io/v1/' ]
	expect 0 skiff logout
	[ "$output" = 'Not logged in to https://index.docker.io/v1/' ]
	[ "$(jq -c . "$CONFIG")" = '{"auths":{}}' ]
}

@test "login: what cannot be" {
	local words status text
	while IFS='|' read -r words status text; do
		# shellcheck disable=SC2086
		expect "$status" skiff $words </dev/null
		[[ $output == *"$text"* ]] || fail "$words: $output"
		[ ! -e "$DOCKER_CONFIG" ]
	done <<-END
		login a b|1|requires at most 1 argument
		logout a b|1|requires at most 1 argument
		login --frobnicate|125|unknown flag
		login -u|125|flag needs an argument
		login --password-stdin $CLOSED|1|requires --username
		login -u a -p b --password-stdin $CLOSED|1|cannot specify both
		login -u alice $CLOSED|1|non TTY
		login $CLOSED|1|non TTY
		login -u alice --password-stdin $CLOSED|1|the password is empty
		login -u a:b -p c $CLOSED|1|no colon
		login -u a -p b ../x|1|not a host
		login -u a -p b x:y:z|1|not a host
		logout -- -x|1|not a host
	END
	expect 1 skiff login -u $'a\nb' -p c "$CLOSED"
	expect 125 credential store "$CLOSED" <<<alice
	expect 125 credential store "$CLOSED" < <(printf 'alice\nse\0cret')
	expect 125 credential store "$CLOSED" < <(echo alice; head -c 70000 /dev/zero)
	expect 125 credential
	expect 125 credential frobnicate
	expect 125 credential user a b
	expect 0 credential -h
}

@test "a newline at the end is no part of a password, nor is a carriage return" {
	local end
	for end in '' '\n' '\r\n'; do
		# shellcheck disable=SC2059
		printf "secret$end" | skiff login -u alice --password-stdin "$CLOSED" >/dev/null 2>&1
		[ "$(jq -r --arg host "$CLOSED" '.auths[$host].auth' "$CONFIG")" = "$(coded alice:secret)" ]
	done
}

# ---- helpers ----

@test "a credential helper keeps it: store, get, erase, with nothing on its command line" {
	helper test
	mkdir "$DOCKER_CONFIG"
	echo '{"credsStore":"test"}' >"$CONFIG"
	log_in >out 2>err
	[ "$(cat out)" = 'Login Succeeded' ]
	[ ! -s err ]
	jq -e --arg host "$CLOSED" '. == {ServerURL: $host, Username: "alice", Secret: "secret"}' "$DOCKER_CONFIG/kept"
	jq -e --arg host "$CLOSED" '. == {credsStore: "test", auths: {($host): {}}}' "$CONFIG"
	expect 125 pull tags "$CLOSED/none"
	[[ $output == *"not found"* ]]
	skiff logout "$CLOSED"
	[ "$(cat "$DOCKER_CONFIG/erased")" = "$CLOSED" ]
	jq -e '. == {credsStore: "test", auths: {}}' "$CONFIG"
	[ "$(sort -u "$DOCKER_CONFIG/calls" | xargs)" = 'erase get store' ]
	! grep secret "$DOCKER_CONFIG/cmdlines" || fail "found"
	# one for this host alone
	helper own
	printf '{"credsStore":"nosuch","credHelpers":{"%s":"own"}}' "$CLOSED" >"$CONFIG"
	log_in >/dev/null
	[ -e "$DOCKER_CONFIG/kept" ]
}

@test "a helper that fails or is not there: no login, nothing in the file" {
	mkdir "$DOCKER_CONFIG"
	echo '{"credsStore":"test"}' >"$CONFIG"
	expect 1 skiff login -u alice --password-stdin "$CLOSED" <<<secret
	[[ $output == *"docker-credential-test"* ]]
	printf '#!/bin/sh\necho "the keychain is locked"; exit 1\n' >bin/docker-credential-test
	chmod +x bin/docker-credential-test
	expect 1 skiff login -u alice --password-stdin "$CLOSED" <<<secret
	[[ $output == *"the keychain is locked"* && $output != *Succeeded* ]]
	[ "$(cat "$CONFIG")" = '{"credsStore":"test"}' ]
	echo '{"credsStore":"../bin/x"}' >"$CONFIG"
	expect 1 skiff login -u alice --password-stdin "$CLOSED" <<<secret
	[[ $output == *"not a name"* ]]
}

@test "a helper that ends without reading does not end pull" {
	mkdir "$DOCKER_CONFIG"
	echo '{"credsStore":"test"}' >"$CONFIG"
	# (it is gone before anything is written to it)
	printf '#!/bin/sh\nexec <&-\necho "{\\"Username\\":\\"alice\\",\\"Secret\\":\\"secret\\"}"\n' \
		>bin/docker-credential-test
	chmod +x bin/docker-credential-test
	# writes come late, when the helper has closed its end
	late() {
		run strace -o /dev/null -e trace=write -e inject=write:delay_enter=300000 pull tags "$CLOSED/none"
	}
	late
	[ "$status" = 125 ] || fail "$status: $output"
	[[ $output == *"not found"* ]]
	printf '#!/bin/sh\nexec <&-\nexit 1\n' >bin/docker-credential-test
	late
	[ "$status" = 125 ] || fail "$status: $output"
	[[ $output == *"wants a user name"* ]]
}

# ---- certificates ----

@test "a registry's own authority: SSL_CERT_FILE, certs.d" {
	cp "$BATS_FILE_TMPDIR"/{ca.crt,server.pem} .
	export REG
	secure() { # COMMAND...
		rm -f "$REG/port"
		elsewhere sh -euc 'python3 "$REPO/tests/registry.py" "$REG" "$ADDRESS" server.pem 3>&- 4>&- & trap "kill $!" EXIT
			until [ -e "$REG/port" ]; do sleep 0.05; done
			"$@"' - "$@"
	}
	export ADDRESS=192.0.2.1:443
	echo '{"tags":["v1"]}' >"$REG/list"
	expect 125 secure pull tags 192.0.2.1/x
	[[ $output == *"certificate not trusted"* ]]
	SSL_CERT_FILE=ca.crt expect 0 secure pull tags 192.0.2.1/x
	[ "$output" = v1 ]
	export SKIFF_CERTS_DIR=$PWD/certs.d
	mkdir -p certs.d/192.0.2.1 certs.d/192.0.2.1:5000
	expect 125 secure pull tags 192.0.2.1/x
	cp ca.crt certs.d/192.0.2.1/any-name.crt
	expect 0 secure pull tags 192.0.2.1/x
	# also beside another file of authorities
	SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt expect 0 secure pull tags 192.0.2.1/x
	# the port is a part of the name
	export ADDRESS=192.0.2.1:5000
	expect 125 secure pull tags 192.0.2.1:5000/x
	cp ca.crt certs.d/192.0.2.1:5000/ca.crt
	expect 0 secure pull tags 192.0.2.1:5000/x
	# and where Docker has them
	unset SKIFF_CERTS_DIR
	expect 0 unshare -m sh -c 'mount -t tmpfs none /etc/docker 2>/dev/null || { mkdir -p /etc/docker; mount -t tmpfs none /etc/docker; }
		cp -r certs.d /etc/docker; exec "$@"' - bash -c "$(declare -f elsewhere secure); secure pull tags 192.0.2.1:5000/x"
}

@test "an authority that is named for a host must have signed, on this machine as well" {
	serve 127.0.0.1 "$BATS_FILE_TMPDIR/server.pem"
	echo '{"tags":["v1"]}' >"$REG/list"
	expect 0 pull tags "$HOST/x" # loopback: any
	export SKIFF_CERTS_DIR=$PWD/certs.d
	mkdir -p "certs.d/$HOST"
	cp "$BATS_FILE_TMPDIR/ca.crt" "certs.d/$HOST"
	expect 0 pull tags "$HOST/x"
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj '/CN=other' \
		-keyout other.key -out "certs.d/$HOST/ca.crt" 2>/dev/null
	expect 125 pull tags "$HOST/x"
	[[ $output == *"certificate not trusted"* ]]
	echo garbage >"certs.d/$HOST/ca.crt"
	expect 125 pull tags "$HOST/x"
}

@test "a registry that asks who we are gets the certificate of certs.d" {
	cp "$BATS_FILE_TMPDIR"/{ca.*,server.*} .
	issue client
	real=$(real_registry mutual '' "tls: {certificate: $PWD/server.crt, key: $PWD/server.key, clientcas: [$PWD/ca.crt]}")
	export SKIFF_CERTS_DIR=$PWD/certs.d
	mkdir -p "certs.d/$real"
	cp ca.crt "certs.d/$real"
	: >bytes
	expect 125 push blob "$real/x" bytes
	cp client.crt "certs.d/$real/client.cert"
	expect 125 push blob "$real/x" bytes
	[[ $output == *"client.key"*"No such file"* ]]
	cp client.key "certs.d/$real"
	expect 0 push blob "$real/x" bytes
	printf 'u\np' | credential store "$real"
}

@test "names of hosts cannot lead out of certs.d" {
	mkdir -p certs.d/a
	cp "$BATS_FILE_TMPDIR/ca.crt" .
	export SKIFF_CERTS_DIR=$PWD/certs.d/a
	echo garbage >certs.d/x.crt
	serve
	rule '1 /tags/ status 307 Location:http://../v2/'
	expect 125 pull tags "$HOST/x"
	[[ $output != *x.crt* && $output != *certificate* ]]
}
