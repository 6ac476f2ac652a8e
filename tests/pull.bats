# shellcheck shell=bash disable=SC2016,SC2030,SC2031
# pull: against a real registry (docker-registry, filled by skopeo) and against
# registry.py, which misbehaves as told.
load helper

setup_file() {
	# bats keeps descriptor 3 open until whoever has it ends
	export REAL=$BATS_FILE_TMPDIR
	# alice, secret: bcrypt is the one kind that docker-registry takes
	printf 'alice:%s\n' "$(perl -e 'print crypt("secret", "\$2b\$04\$abcdefghijklmnopqrstuu")')" \
		>"$REAL/htpasswd"
	real_registry open ''
	real_registry closed "auth: {htpasswd: {realm: test, path: $REAL/htpasswd}}"
	REAL_OPEN=$(cat "$REAL/open/port") REAL_CLOSED=$(cat "$REAL/closed/port")
	export REAL_OPEN=127.0.0.1:$REAL_OPEN REAL_CLOSED=127.0.0.1:$REAL_CLOSED
	fill_registry >"$REAL/fill.log" 2>&1 || cat "$REAL/fill.log" >&2
}

# real_registry NAME CONFIG: start one on any port.
real_registry() {
	local dir=$REAL/$1
	mkdir "$dir"
	printf '%s\n' 'version: 0.1' 'log: {level: info}' 'http: {addr: "127.0.0.1:0"}' \
		"storage: {filesystem: {rootdirectory: $dir/data}}" "$2" >"$dir/config.yml"
	docker-registry serve "$dir/config.yml" >"$dir/log" 2>&1 3>&- &
	echo $! >"$dir/pid"
	wait_until grep -q 'listening on' "$dir/log"
	sed -n 's/.*listening on 127.0.0.1:\([0-9]*\).*/\1/p' "$dir/log" | head -n 1 >"$dir/port"
}

# team/app:v1 is one image of three layers, team/app:multi an index of two.
fill_registry() {
	local size digest entries=
	set -e
	cd "$REAL"
	umoci init --layout layout
	umoci new --image layout:a
	for n in 1 2 3; do
		head -c 200000 /dev/urandom >"file$n"
		umoci insert --image layout:a "file$n" "/file$n"
	done
	skopeo copy --dest-tls-verify=false oci:layout:a "docker://$REAL_OPEN/team/app:v1"
	skopeo copy --dest-tls-verify=false --dest-creds alice:secret oci:layout:a \
		"docker://$REAL_CLOSED/team/app:v1"
	for arch in amd64 arm64; do
		umoci config --image layout:a --tag $arch --architecture $arch
		skopeo copy --dest-tls-verify=false oci:layout:$arch "docker://$REAL_OPEN/team/app:$arch"
		skopeo inspect --raw --tls-verify=false "docker://$REAL_OPEN/team/app:$arch" >$arch.json
		digest=$(sha256sum <$arch.json) size=$(stat -c %s $arch.json)
		entries="$entries${entries:+,}$(entry "sha256:${digest%% *}" "$size" linux $arch)"
	done
	index "$entries" >index.json
	curl -sfS -X PUT -H 'Content-Type: application/vnd.oci.image.index.v1+json' \
		--data-binary @index.json "http://$REAL_OPEN/v2/team/app/manifests/multi"
}

teardown_file() {
	kill "$(cat "$REAL/open/pid")" "$(cat "$REAL/closed/pid")"
}

setup() {
	in_time
	REG=$BATS_TEST_TMPDIR/registry OUT=$BATS_TEST_TMPDIR/out
	export DOCKER_CONFIG=$BATS_TEST_TMPDIR/docker
	mkdir "$REG" "$OUT" "$DOCKER_CONFIG"
	unset SKIFF_REGISTRY_MIRROR SKIFF_INSECURE_REGISTRIES SSL_CERT_FILE SSL_CERT_DIR
	cd "$BATS_TEST_TMPDIR"
}

teardown() {
	local pid
	for pid in "$BATS_TEST_TMPDIR"/*.pid; do
		[ ! -e "$pid" ] || kill -9 "$(cat "$pid")" 2>/dev/null || true
	done
}

# serve [DIR [ADDRESS [CERTIFICATE]]]: start registry.py, set HOST.
serve() {
	local dir=${1:-$REG}
	mkdir -p "$dir"
	python3 "$REPO/tests/registry.py" "$dir" "${@:2}" 3>&- &
	echo $! >"$dir.pid"
	disown
	wait_until test -e "$dir/port"
	HOST=127.0.0.1:$(cat "$dir/port")
}

rule() {
	printf '%s\n' "$*" >>"$REG/rules"
}

# put: standard input becomes a blob or manifest of the registry; prints its digest.
put() {
	local digest
	cat >"$REG/new"
	digest=sha256:$(sha256sum <"$REG/new" | cut -d ' ' -f 1)
	mv "$REG/new" "$REG/$digest"
	echo "$digest"
}

OCI=application/vnd.oci.image

descriptor() { # TYPE DIGEST SIZE
	printf '{"mediaType":"%s","digest":"%s","size":%s}' "$@"
}

entry() { # DIGEST SIZE OS ARCHITECTURE [VARIANT]
	printf '{"mediaType":"%s","digest":"%s","size":%s,"platform":{"os":"%s","architecture":"%s"%s}}' \
		$OCI.manifest.v1+json "$1" "$2" "$3" "$4" "${5:+,\"variant\":\"$5\"}"
}

index() { # ENTRIES
	printf '{"schemaVersion":2,"mediaType":"%s","manifests":[%s]}' $OCI.index.v1+json "$1"
}

manifest() { # CONFIG LAYERS [MORE]
	printf '{"schemaVersion":2,"mediaType":"%s","config":%s,"layers":[%s]%s}' \
		$OCI.manifest.v1+json "$1" "$2" "${3-}"
}

# An image with two layers at registry.py: sets LAYER1 LAYER2 CONFIG MANIFEST, tag v1.
image() {
	CONFIG=$(printf '{"architecture":"amd64","os":"linux"}' | put)
	LAYER1=$(head -c 300000 /dev/urandom | put)
	LAYER2=$(head -c 1000 /dev/urandom | put)
	CONFIG_DESCRIPTOR=$(descriptor $OCI.config.v1+json "$CONFIG" 37)
	LAYERS=$(descriptor $OCI.layer.v1.tar "$LAYER1" 300000),$(descriptor $OCI.layer.v1.tar "$LAYER2" 1000)
	MANIFEST=$(manifest "$CONFIG_DESCRIPTOR" "$LAYERS" | put)
	tag v1 <"$REG/$MANIFEST"
}

# tag NAME [TYPE]: standard input is what NAME names.
tag() {
	cat >"$REG/$1"
	echo "${2:-$OCI.manifest.v1+json}" >"$REG/$1.type"
}

# refused TEXT [ARGUMENT...]: resolve x:v1 fails, says TEXT, and stores nothing.
refused() {
	local text=$1
	shift
	expect 125 pull resolve -o "$OUT" "$@" "$HOST/x:v1"
	[[ $output == *"$text"* ]] || fail "no '$text' in: $output"
	[ -z "$(ls -A "$OUT")" ] || fail "stored: $(ls -A "$OUT")"
}

requests() { # REGEX: how many there were
	grep -Ec "$1" "$REG/log"
}

# ---- names ----

@test "names are normalised as Docker does" {
	while read -r short long familiar; do
		expect 0 pull name "$short"
		[ "$output" = "$long" ] || fail "$short: $output"
		expect 0 pull name --familiar "$short"
		[ "$output" = "${familiar:-$long}" ] || fail "familiar $short: $output"
	done <<-END
		alpine docker.io/library/alpine:latest alpine:latest
		alpine:3.19 docker.io/library/alpine:3.19 alpine:3.19
		nigel/demo:v2 docker.io/nigel/demo:v2 nigel/demo:v2
		docker.io/alpine docker.io/library/alpine:latest alpine:latest
		index.docker.io/alpine docker.io/library/alpine:latest alpine:latest
		docker.io/library/alpine docker.io/library/alpine:latest alpine:latest
		library/alpine docker.io/library/alpine:latest alpine:latest
		docker.io/a/b docker.io/a/b:latest a/b:latest
		localhost/a localhost/a:latest
		localhost:5000/a:1 localhost:5000/a:1
		[::1]:5000/a [::1]:5000/a:latest
		UPPER/a UPPER/a:latest
		gcr.io/google-containers/git-sync:v3.1.5 gcr.io/google-containers/git-sync:v3.1.5
		registry.gitlab.com/a/my-repo/my-app:v1.0 registry.gitlab.com/a/my-repo/my-app:v1.0
		a.b/c__d/e---f/g_h.i a.b/c__d/e---f/g_h.i:latest
		a:A-._z docker.io/library/a:A-._z a:A-._z
		${Z64}:x docker.io/library/${Z64}:x ${Z64}:x
		a:1@sha256:$Z64 docker.io/library/a@sha256:$Z64 a@sha256:$Z64
	END
}

Z64=0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef

@test "what is no name is refused" {
	local name long
	long=$(printf 'a%.0s' {1..252})
	for name in '' Alpine a/B a:-x a: a@ a@b a..b a/ /a a//b -a a- _a a_ a___b 'a b' "a"$'\n'b \
		$Z64 a@sha256:abc "a@sha256:${Z64^^}" "a@sha512:$Z64" a@sha256:../../../etc/passwd \
		https://docker.io/a a.b:port/c a.b:/c -a.b/c a-.b/c a..b/c "[::1/a" "a.b/$long" \
		"a:$(printf 'x%.0s' {1..129})" ../a a/../b a/./b "a%2fb" "a?b" "a#b" ü a@@b; do
		expect 125 pull name -- "$name"
		[[ $output == "pull: invalid reference: "* ]] || fail "$name: $output"
	done
}

@test "a name needs no network, several are one line each" {
	expect 0 unshare -n pull name a b
	[ "$output" = $'docker.io/library/a:latest\ndocker.io/library/b:latest' ]
}

@test "wrong command lines are refused" {
	expect 125 pull
	expect 125 pull frobnicate a
	expect 125 pull name
	expect 125 pull name --no-such-option a
	expect 125 pull tags a b
	expect 125 pull resolve -P 0 a
	expect 125 pull resolve --progress loud a
	for words in arm64 linux/ /arm64 linux//v8 linux/arm64/v8/x 'linux/arm 64' ''; do
		expect 125 pull resolve --platform "$words" 127.0.0.1:1/a
		[[ $output == *"not a platform: '$words'"* ]] || fail "$words: $output"
	done
	expect 125 pull blob a sha256:../../x
	expect 125 pull blob "127.0.0.1:1/a" </dev/null
	expect 0 pull -h
	[[ $output == usage:* ]]
	expect 0 pull blob --help
	expect 125 sh -c 'pull name a >/dev/full'
	[[ $output == *"standard output"*"No space left"* ]]
}

# ---- a real registry ----

@test "resolve, manifest and config say what skopeo says" {
	local ref=$REAL_OPEN/team/app:v1
	want=$(skopeo inspect --tls-verify=false "docker://$ref" | jq -r .Digest)
	expect 0 pull resolve "$ref"
	[ "${lines[0]}" = "digest $want" ]
	[ "${lines[1]}" = "manifest $want" ]
	[[ ${lines[2]} == "config sha256:"* ]]
	[ "$(grep -c '^layer sha256:' <<<"$output")" = 3 ]
	skopeo inspect --raw --tls-verify=false "docker://$ref" >raw
	pull manifest "$ref" | cmp - raw
	skopeo inspect --config --raw --tls-verify=false "docker://$ref" >config
	pull config "$ref" | cmp - config
	expect 0 pull resolve "$REAL_OPEN/team/app@$want"
	[ "${lines[0]}" = "digest $want" ]
}

@test "all blobs of an image come, verified, into the store" {
	local ref=$REAL_OPEN/team/app:v1
	pull resolve -o "$OUT" "$ref" >lines
	sed -n 's/^\(config\|layer\) //p' lines >wanted
	pull blob -o "$OUT" "$ref" <wanted >printed
	cmp <(cut -d ' ' -f 1 wanted | sort) <(sort printed)
	skopeo copy --src-tls-verify=false "docker://$ref" dir:copy
	for file in copy/*; do
		case $file in */version) continue ;; */manifest.json) ;; esac
		cmp "$file" "$OUT/$(sha256sum <"$file" | cut -d ' ' -f 1)"
	done
	[ "$(find "$OUT" -type f | wc -l)" = 5 ]
	# A second time nothing is fetched: the registry may as well be gone.
	expect 0 unshare -n pull blob -o "$OUT" "$ref" <wanted
	[ "$output" = "$(cut -d ' ' -f 1 wanted)" ]
}

@test "a blob goes to standard output" {
	local digest
	digest=$(pull resolve "$REAL_OPEN/team/app:v1" | sed -n 's/^layer \([^ ]*\).*/\1/p' | head -n 1)
	pull blob "$REAL_OPEN/team/app:v1" "$digest" >bytes
	[ "sha256:$(sha256sum <bytes)" = "$digest  -" ]
}

@test "an index: the platform decides" {
	local ref=$REAL_OPEN/team/app:multi
	pull manifest -I "$ref" | cmp - "$REAL/index.json"
	pull manifest -p linux/amd64 "$ref" | cmp - "$REAL/amd64.json"
	pull manifest --platform linux/arm64 "$ref" | cmp - "$REAL/arm64.json"
	pull manifest --platform linux/arm64/v8 "$ref" | cmp - "$REAL/arm64.json"
	pull resolve -p linux/arm64 -o "$OUT" "$ref" >lines
	cmp "$REAL/index.json" "$OUT/$(sed -n 's/^digest sha256://p' lines)"
	cmp "$REAL/arm64.json" "$OUT/$(sed -n 's/^manifest sha256://p' lines)"
	expect 125 pull resolve -p linux/s390x "$ref"
	[[ $output == *"no image for linux/s390x"*"linux/amd64 linux/arm64"* ]]
	[ "$(pull config "$ref" | jq -r .architecture)" = "$(pull config -p linux/amd64 "$ref" | jq -r .architecture)" ] ||
		[ "$(uname -m)" != x86_64 ]
}

@test "tags are listed" {
	expect 0 pull tags "$REAL_OPEN/team/app"
	[ "$(sort <<<"$output" | tr '\n' ' ')" = "amd64 arm64 multi v1 " ]
	expect 125 pull tags "$REAL_OPEN/no/such"
	[[ $output == *"not found"* ]]
}

@test "what is not there is not found, by name" {
	expect 125 pull resolve "$REAL_OPEN/team/app"
	[[ $output == *"$REAL_OPEN/team/app:latest: "*"not found"* ]]
	expect 125 pull blob "$REAL_OPEN/team/app" sha256:$Z64
	[[ $output == *"not found"* ]]
}

auth() { # USER:PASSWORD [HOST]
	printf '{"auths":{"%s":{"auth":"%s"}}}' "${2:-$HOST}" "$(printf %s "$1" | base64)" \
		>"$DOCKER_CONFIG/config.json"
}

@test "a user name and a password open a registry, wrong ones do not" {
	expect 125 pull resolve "$REAL_CLOSED/team/app:v1"
	[[ $output == *"wants a user name"*"log in"* ]]
	auth alice:wrong "$REAL_CLOSED"
	expect 125 pull resolve "$REAL_CLOSED/team/app:v1"
	[[ $output == *"unauthorized: incorrect username or password"* ]]
	[[ $output != *wrong* ]]
	auth alice:secret "https://$REAL_CLOSED/v1/"
	expect 0 pull resolve "$REAL_CLOSED/team/app:v1"
	pull resolve "$REAL_CLOSED/team/app:v1" | sed -n 's/^layer //p' |
		pull blob -o "$OUT" "$REAL_CLOSED/team/app" >printed
	[ "$(wc -l <printed)" = 3 ]
}

@test "a credential helper is asked, with nothing on its command line" {
	mkdir bin
	cat >bin/docker-credential-test <<-'END'
		#!/bin/sh
		echo "$@" >"$DOCKER_CONFIG/argv"
		read -r host
		echo "$host" >"$DOCKER_CONFIG/host"
		echo '{"ServerURL":"x","Username":"alice","Secret":"secret"}'
	END
	chmod +x bin/docker-credential-test
	PATH=$PWD/bin:$PATH
	echo '{"credsStore":"test"}' >"$DOCKER_CONFIG/config.json"
	expect 0 pull resolve "$REAL_CLOSED/team/app:v1"
	[ "$(cat "$DOCKER_CONFIG/argv")" = get ]
	[ "$(cat "$DOCKER_CONFIG/host")" = "$REAL_CLOSED" ]
	printf '{"credHelpers":{"%s":"none"}}' "$REAL_CLOSED" >"$DOCKER_CONFIG/config.json"
	expect 125 pull resolve "$REAL_CLOSED/team/app:v1"
	[[ $output == *"docker-credential-none"* ]]
	echo '{"credsStore":"../bin/x"}' >"$DOCKER_CONFIG/config.json"
	expect 125 pull resolve "$REAL_CLOSED/team/app:v1"
	[[ $output == *"not a name"* ]]
	echo '{"auths": secret' >"$DOCKER_CONFIG/config.json"
	expect 125 pull resolve "$REAL_CLOSED/team/app:v1"
	[[ $output == *"config.json: not JSON"* && $output != *secret* ]]
}

# ---- tokens ----

@test "a token is fetched for the scope that the registry asks, with the user's password" {
	serve
	image
	auth bob:pass
	echo '{"token":"T1"}' >"$REG/token"
	rule "* /v2/ auth Bearer+T1 Bearer realm=\"http://$HOST/token?x=1\",service=\"a\\\"b, c\",scope=\"repository:x:pull,push\""
	expect 0 pull resolve "$HOST/x:v1"
	run cat "$REG/log"
	[[ ${lines[0]} == "GET /v2/x/manifests/v1 auth=- "* ]]
	[[ ${lines[1]} == "GET /token?x=1&service=a%22b%2c+c&scope=repository%3ax%3apull%2cpush auth=Basic+$(printf bob:pass | base64) "* ]]
	[[ ${lines[2]} == "GET /v2/x/manifests/v1 auth=Bearer+T1 "* ]]
}

@test "access_token counts too, and a token is fetched again when it has expired" {
	serve
	image
	echo '{"access_token":"T1","expires_in":1}' >"$REG/token"
	rule "3 /v2/ auth Bearer+T1 Bearer realm=\"http://$HOST/token\""
	rule "* /v2/ auth Bearer+T2 Bearer realm=\"http://$HOST/token\""
	rule "1 /token header X:Y"
	rule "* /token file token2"
	echo '{"token":"T2"}' >"$REG/token2"
	printf '%s\n' "$LAYER1" "$LAYER2" "$CONFIG" |
		pull blob -P 1 -o "$OUT" "$HOST/x" >printed
	[ "$(wc -l <printed)" = 3 ]
	[ "$(requests 'GET /token')" = 2 ]
	grep -q 'scope=repository%3ax%3apull' "$REG/log"
}

@test "an identity token is traded by POST" {
	serve
	image
	printf '{"auths":{"%s":{"auth":"","identitytoken":"I&D"}}}' "$HOST" >"$DOCKER_CONFIG/config.json"
	echo '{"access_token":"T1"}' >"$REG/token"
	rule "* /v2/ auth Bearer+T1 Bearer realm=\"http://$HOST/token\",service=s"
	expect 0 pull resolve "$HOST/x:v1"
	[ "$(requests '^POST /token auth=- ')" = 1 ]
}

@test "a registry that never has enough is denied, after one token" {
	serve
	image
	echo '{"token":"T1"}' >"$REG/token"
	rule "* /v2/ auth never Bearer realm=\"http://$HOST/token\""
	refused "denied, or does not exist"
	[ "$(requests 'HEAD /v2/')" = 2 ]
	[ "$(requests '/token')" -le 2 ]
}

@test "bad token servers and challenges" {
	serve
	image
	rule "1 /v2/ auth never Bearer realm=\"ftp://$HOST/token\""
	rule "1 /v2/ auth never Bearer service=x"
	rule "2 /v2/ auth never Digest realm=x"
	rule "2 /v2/ status 401"
	rule "* /v2/ auth never Bearer realm=\"http://$HOST/token\""
	expect 125 pull tags "$HOST/x"
	[[ $output == *"no URL"* ]]
	expect 125 pull tags "$HOST/x"
	[[ $output == *"no URL"* ]]
	refused "not known: Digest"
	refused "denied, or does not exist"
	for body in '' '{}' '{"token":""}' '{"token":7}' '{"token":"a\r\nX: y"}' '[]' '{"token":"a","token":"b"}'; do
		echo "$body" >"$REG/token"
		refused "has no token"
	done
	head -c 1100000 /dev/zero >"$REG/token"
	refused "more than 1048576 bytes"
	rule "* /token status 302 Location:http://$HOST/token2"
	expect 125 pull tags "$HOST/x"
}

# ---- redirects ----

@test "a redirect to another host is followed without the token" {
	serve "$BATS_TEST_TMPDIR/storage"
	storage=$HOST
	serve
	image
	cp "$REG/$LAYER1" storage/there
	echo '{"token":"T1"}' >"$REG/token"
	rule "1 /blobs/ auth Bearer+T1 Bearer realm=\"http://$HOST/token\""
	rule "* /blobs/ status 307 Location:http://$storage/there?signature=x"
	echo "$LAYER1 300000" | pull blob -o "$OUT" "$HOST/x"
	cmp "$REG/$LAYER1" "$OUT/${LAYER1#sha256:}"
	grep -q '/blobs/.* auth=Bearer+T1 ' "$REG/log"
	[ "$(cut -d ' ' -f 1-3 storage/log)" = "GET /there?signature=x auth=-" ]
}

@test "a redirect in a circle ends" {
	serve
	image
	rule "* /manifests/ status 302 Location:/v2/x/manifests/v1"
	expect 125 pull manifest "$HOST/x:v1"
	[[ $output == *"more than 10 redirects"* ]]
	[ "$(requests GET)" = 11 ]
}

@test "a redirect to something else than http is refused" {
	serve
	image
	for url in file:///etc/passwd ftp://x/ gopher://x http: ''; do
		echo "* /manifests/ status 302 Location:$url" >"$REG/rules"
		expect 125 pull manifest "$HOST/x:v1"
		[[ $output != *root:* ]]
	done
}

# ---- TLS ----

certificate() {
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=test \
		-addext 'subjectAltName=IP:192.0.2.1,DNS:registry-1.docker.io' \
		-keyout key.pem -out cert.pem 2>/dev/null
	cat key.pem cert.pem >both.pem
}

# elsewhere PORT COMMAND...: run it where 192.0.2.1 is this machine, but not loopback, and a
# registry listens there on PORT, by TLS if there is a $CERTIFICATE.
elsewhere() {
	local port=$1
	shift
	export REPO REG PORT=$port
	export -f wait_until fail
	unshare -n bash -euc '
		ip link set lo up
		ip address add 192.0.2.1/32 dev lo
		python3 "$REPO/tests/registry.py" "$REG" 192.0.2.1:$PORT $CERTIFICATE 3>&- &
		trap "kill $!" EXIT
		wait_until test -e "$REG/port"
		"$@"' - "$@"
}

@test "a certificate must be good, or the host allowed" {
	certificate
	image
	export CERTIFICATE=both.pem
	rm -f "$REG/port"
	run elsewhere 443 pull resolve 192.0.2.1/x:v1
	[ "$status" = 125 ]
	[[ $output == *"certificate not trusted"*"--insecure"* ]]
	rm -f "$REG/port"
	SSL_CERT_FILE=cert.pem elsewhere 443 pull resolve 192.0.2.1/x:v1
	rm -f "$REG/port"
	elsewhere 443 pull resolve --insecure 192.0.2.1 192.0.2.1/x:v1
	rm -f "$REG/port"
	SKIFF_INSECURE_REGISTRIES='a.b 192.0.2.1' elsewhere 443 pull resolve 192.0.2.1/x:v1
}

@test "plain http is for this machine and allowed hosts only" {
	image
	export CERTIFICATE=
	run elsewhere 5000 pull resolve -o "$OUT" 192.0.2.1:5000/x:v1
	[ "$status" = 125 ]
	[ ! -e "$REG/log" ] || [ "$(requests /v2/)" = 0 ]
	rm -f "$REG/port"
	elsewhere 5000 pull resolve --insecure 192.0.2.1:5000 192.0.2.1:5000/x:v1
	rm -f "$REG/port"
	echo 'insecure 192.0.2.1:5000 ' >settings
	elsewhere 5000 pull resolve --config settings 192.0.2.1:5000/x:v1
}

@test "from https nothing leads to http: no redirect, no token server" {
	serve "$BATS_TEST_TMPDIR/plain"
	plain=$HOST
	certificate
	serve "$REG" 127.0.0.1 both.pem
	image
	auth bob:pass
	cp "$REG/v1" plain/
	rule "1 /v2/ status 307 Location:http://$plain/v1"
	rule "* /v2/ auth never Bearer realm=\"http://$plain/token\""
	expect 125 pull manifest "$HOST/x:v1"
	[[ $output == *"https to http refused"* ]]
	expect 125 pull manifest "$HOST/x:v1"
	[[ $output == *"token over plain http"* ]]
	[ ! -e plain/log ]
}

# ---- mirror ----

@test "docker.io is asked at the mirror first, then itself" {
	certificate
	image
	printf '192.0.2.1 registry-1.docker.io\n127.0.0.1 localhost\n' >hosts
	serve "$BATS_TEST_TMPDIR/mirror"
	expect 125 pull resolve "$HOST/library/x:v1"
	cp "$REG"/* mirror/
	SKIFF_REGISTRY_MIRROR=http://$HOST expect 0 pull resolve x:v1
	[ "$(sed -n 's/.*\(library.x.manifests.v1\).*/\1/p' mirror/log | tail -n 1)" = library/x/manifests/v1 ]
	echo "mirror http://127.0.0.1:1/" >settings
	export CERTIFICATE=both.pem SSL_CERT_FILE=cert.pem
	run elsewhere 443 unshare -m sh -c '
		mount --bind hosts /etc/hosts && pull resolve --config settings x:v1'
	[ "$status" = 0 ]
	[[ $output == *"pull: mirror 127.0.0.1:1: "*"now asking docker.io itself"*"digest $MANIFEST"* ]]
}

# ---- retries ----

@test "a registry in trouble is asked again, five times" {
	serve
	image
	rule "2 /v2/ status 503 Retry-After:0"
	expect 0 pull manifest "$HOST/x:v1"
	[ "$(requests GET)" = 3 ]
	rule "* /v2/ status 500 Retry-After:0"
	expect 125 pull manifest "$HOST/x:v1"
	[[ $output == *"HTTP status 500"*"try again later"* ]]
	[ "$(requests GET)" = 8 ]
}

@test "a rate limit is waited for if short, and named" {
	serve
	image
	rule "1 /v2/ status 429 Retry-After:0"
	rule "1 /v2/ status 429"
	expect 0 pull manifest "$HOST/x:v1"
	[ "$(requests GET)" = 3 ]
	rule "* /v2/ status 429 Retry-After:21600"
	expect 125 pull manifest "$HOST/x:v1"
	[[ $output == *"$HOST: $HOST/x:v1: rate limit reached"*"SKIFF_REGISTRY_MIRROR"* ]]
	[ "$(requests GET)" = 4 ]
}

@test "a registry that is not there is said to be not there" {
	expect 125 pull manifest 127.0.0.1:1/x
	[[ $output == "pull: 127.0.0.1:1: "*"onnect"* ]]
}

@test "what the registry says of an error is passed on, harmless" {
	serve
	image
	rule $'* /v2/ error 403 no\033[31m way'
	expect 125 pull manifest "$HOST/x:v1"
	[[ $output == *'denied (no\x1b[31m way)'* ]]
}

@test "a blob that breaks off is continued, not begun again" {
	serve
	image
	rule "1 $LAYER1 cut 100000"
	rule "1 $LAYER1 cut 50000"
	echo "$LAYER1 300000" | pull blob -o "$OUT" "$HOST/x"
	cmp "$REG/$LAYER1" "$OUT/${LAYER1#sha256:}"
	[ "$(sed 's/.*\(range=.*\)/\1/' "$REG/log")" = $'range=- sent=100000\nrange=bytes=100000- sent=50000\nrange=bytes=150000- sent=150000' ]
	rule "1 $LAYER1 cut 1234"
	pull blob "$HOST/x" "$LAYER1" | cmp - "$REG/$LAYER1"
}

@test "a blob is continued even where the registry knows no ranges, or the wrong ones" {
	serve
	image
	rule "1 $LAYER1 cut 100000"
	rule "1 $LAYER1 norange"
	echo "$LAYER1 300000" | pull blob -o "$OUT" "$HOST/x"
	cmp "$REG/$LAYER1" "$OUT/${LAYER1#sha256:}"
	rm "$OUT"/*
	rule "1 $LAYER1 cut 110000"
	rule "1 $LAYER1 header Content-Range:bytes+0-299999/300000"
	sed -i 's/bytes+0/bytes0/' "$REG/rules"
	echo "$LAYER1 300000" | pull blob -o "$OUT" "$HOST/x"
	cmp "$REG/$LAYER1" "$OUT/${LAYER1#sha256:}"
	[[ $(tail -n 1 "$REG/log") == *"range=- sent=300000" ]]
}

@test "silence is not waited for without end" {
	serve
	image
	echo 'timeout 1' >settings
	rule "1 $LAYER1 stall 100000"
	echo "$LAYER1 300000" | pull blob --config settings -o "$OUT" "$HOST/x"
	cmp "$REG/$LAYER1" "$OUT/${LAYER1#sha256:}"
	grep -q 'range=bytes=100000- sent=200000' "$REG/log"
}

part_has() { # BYTES
	[ "$(stat -c %s "$OUT/.${LAYER1#sha256:}.part" 2>/dev/null)" = "$1" ]
}

@test "kill -9 in the middle: the next run fetches the rest only" {
	serve
	image
	rule "1 $LAYER1 stall 123456"
	pull blob -o "$OUT" "$HOST/x" "$LAYER1" 3>&- &
	wait_until part_has 123456
	kill -9 $!
	[ ! -e "$OUT/${LAYER1#sha256:}" ]
	expect 0 pull blob -o "$OUT" "$HOST/x" "$LAYER1"
	[ "$output" = "$LAYER1" ]
	cmp "$REG/$LAYER1" "$OUT/${LAYER1#sha256:}"
	grep -q 'range=bytes=123456- sent=176544' "$REG/log"
	[ "$(ls -A "$OUT")" = "${LAYER1#sha256:}" ]
}

@test "killed after the last byte: nothing is fetched again" {
	serve
	image
	cp "$REG/$LAYER1" "$OUT/.${LAYER1#sha256:}.part"
	cp "$REG/$LAYER2" "$OUT/.${LAYER2#sha256:}.part"
	# Without its size a blob is known to be whole when no byte follows (416).
	expect 0 pull blob -o "$OUT" "$HOST/x" "$LAYER2"
	[ "$(requests 'range=bytes=1000- sent=0')" = 1 ]
	rm "$REG/log"
	pull blob -o "$OUT" "$HOST/x" <<<"$LAYER1 300000"
	[ ! -e "$REG/log" ]
	[ "$(find "$OUT" -type f | wc -l)" = 2 ]
}

@test "an interrupt leaves the part, and the status says so" {
	serve
	image
	rule "1 $LAYER1 stall 123456"
	pull blob -o "$OUT" "$HOST/x" "$LAYER1" 3>&- &
	local pid=$! code=0
	wait_until part_has 123456
	kill -TERM $pid
	wait $pid || code=$?
	[ $code = 143 ]
	[ "$(ls -A "$OUT")" = ".${LAYER1#sha256:}.part" ]
}

@test "two at once fetch a blob once; if the first dies the second goes on" {
	serve
	image
	rule "1 $LAYER1 stall 1000"
	pull blob -o "$OUT" "$HOST/x" "$LAYER1" 3>&- &
	local first=$!
	wait_until part_has 1000
	pull blob -o "$OUT" "$HOST/x" "$LAYER1" >second 3>&- &
	local second=$!
	expect 124 timeout 1 tail -f -s 0.1 --pid $second /dev/null
	kill -9 $first
	wait $second
	[ "$(cat second)" = "$LAYER1" ]
	[ "$(requests GET)" = 2 ]
	grep -q 'range=bytes=1000- ' "$REG/log"
}

@test "many blobs come at once; digests are printed as they are complete, or in order" {
	serve
	image
	rule "1 $LAYER1 status 503 Retry-After:1"
	rule "1 $LAYER1 header A:b"
	rule "1 $LAYER1 status 503 Retry-After:1"
	printf '%s\n' "$LAYER1" "$LAYER2" "$CONFIG" "$LAYER2" >list
	pull blob -o "$OUT" "$HOST/x" <list >printed
	[ "$(wc -l <printed)" = 3 ]
	[ "$(tail -n 1 printed)" = "$LAYER1" ]
	rm "$OUT"/*
	pull blob --ordered -o "$OUT" "$HOST/x" <list >printed
	cmp printed <(head -n 3 list)
}

# ---- hostile blobs ----

@test "a blob of other bytes or another size is refused and not kept" {
	serve
	image
	head -c 300000 /dev/urandom >"$REG/other"
	head -c 300001 /dev/urandom >"$REG/longer"
	head -c 299999 "$REG/$LAYER1" >"$REG/shorter"
	for how in "file other" "file longer" "file shorter" endless; do
		echo "* $LAYER1 $how" >"$REG/rules"
		run pull blob -o "$OUT" "$HOST/x" <<<"$LAYER1 300000"
		[ "$status" = 125 ]
		[[ $output == *refused* ]] || fail "$output"
		[ ! -e "$OUT/${LAYER1#sha256:}" ]
		rm -f "$OUT"/.*.part
	done
	echo "* $LAYER1 file other" >"$REG/rules"
	run pull blob "$HOST/x" "$LAYER1"
	[ "$status" = 125 ]
	run pull blob -o "$OUT" "$HOST/x" "$LAYER1"
	[ "$status" = 125 ]
	[ ! -s "$OUT/.${LAYER1#sha256:}.part" ]
	rm "$REG/rules"
	expect 0 pull blob -o "$OUT" "$HOST/x" "$LAYER1"
}

@test "what is in the directory is believed only if it hashes right" {
	serve
	image
	echo bad >"$OUT/${LAYER2#sha256:}"
	expect 0 pull blob -o "$OUT" "$HOST/x" "$LAYER2"
	[[ $output == *damaged* ]]
	cmp "$REG/$LAYER2" "$OUT/${LAYER2#sha256:}"
	head -c 5000 /dev/zero >"$OUT/.${LAYER1#sha256:}.part"
	pull blob -o "$OUT" "$HOST/x" <<<"$LAYER1 300000"
	cmp "$REG/$LAYER1" "$OUT/${LAYER1#sha256:}"
	rm "$OUT"/*
	echo canary >canary
	ln -s "$PWD/canary" "$OUT/.${LAYER1#sha256:}.part"
	expect 125 pull blob -o "$OUT" "$HOST/x" "$LAYER1"
	[ "$(cat canary)" = canary ]
}

@test "digests are looked at before they are used" {
	serve
	for digest in sha256:../../x sha256:ABC "sha256:${Z64^^}" "sha256:${Z64}0" "md5:$Z64" "$Z64" \
		"sha512:$Z64$Z64" "sha256:${Z64%?}/"; do
		run pull blob -o "$OUT" "$HOST/x" <<<"$digest 10"
		[ "$status" = 125 ]
		[[ $output == *digest* ]] || fail "$output"
	done
	expect 125 pull blob -o "$OUT" "$HOST/x" <<<"sha256:$Z64 ten"
	[ ! -e "$REG/log" ]
}

@test "a full disk is said to be full" {
	serve
	image
	run unshare -m sh -c 'mount -t tmpfs -o size=100k none "$1" && exec pull blob -o "$1" "$2" "$3"' - \
		"$OUT" "$HOST/x" "$LAYER1"
	[ "$status" = 125 ]
	[[ $output == *"No space left on device"* ]]
}

# ---- hostile manifests ----

@test "a document that is manifest and index at once is refused" {
	serve
	image
	manifest "$CONFIG_DESCRIPTOR" "$LAYERS" ',"manifests":[]' | tag v1
	refused '"manifests" and "layers"'
	echo '{"schemaVersion":2}' | tag v1
	refused 'neither'
}

@test "header, mediaType and shape must agree" {
	serve
	image
	tag v1 $OCI.index.v1+json <"$REG/$MANIFEST"
	refused "the Content-Type is $OCI.index.v1+json, the mediaType $OCI.manifest.v1+json"
	sed "s|$OCI.manifest.v1+json|$OCI.index.v1+json|" "$REG/$MANIFEST" | tag v1 $OCI.index.v1+json
	refused "looks like a manifest, but its type is $OCI.index"
	tag v1 text/html <"$REG/$MANIFEST"
	refused "the Content-Type is text/html"
	# Parameters of the header do not matter, nor does a header that is missing.
	tag v1 "$OCI.manifest.v1+json; charset=utf-8" <"$REG/$MANIFEST"
	expect 0 pull resolve "$HOST/x:v1"
	rm "$REG/v1.type"
	expect 0 pull resolve "$HOST/x:v1"
	[ "${lines[0]}" = "digest $MANIFEST" ]
}

@test "what is no manifest is refused" {
	serve
	image
	for body in '' 'x' '[]' '7' '{}' '{"schemaVersion":"2"}' '{"schemaVersion":3,"layers":[]}' \
		'{"schemaVersion":2,"schemaVersion":2,"layers":[]}' '{"schemaVersion":2,"layers":{}}' \
		'{"schemaVersion":2,"mediaType":7,"layers":[]}' '{"schemaVersion":2,"layers":[]}' \
		'{"schemaVersion":2,"config":7,"layers":[]}' "$(printf '[%.0s' {1..5000})" \
		'{"schemaVersion":2,"layers":[]} x' '{"schemaVersion":2,"layers":[],"a":"\u0000"}'; do
		printf %s "$body" | tag v1
		refused ""
	done
	echo '{"schemaVersion":1,"fsLayers":[]}' | tag v1 application/vnd.docker.distribution.manifest.v1+prettyjws
	refused "schema 1"
	head -c 4194305 /dev/zero | tr '\0' ' ' | tag v1
	refused "more than 4194304 bytes"
	rule "* /v2/ endless"
	refused "more than 4194304 bytes"
}

@test "layers and configs are looked at before anything is asked for" {
	serve
	image
	good=$(descriptor $OCI.layer.v1.tar "$LAYER1" 5)
	for bad in '{}' '7' '"x"' "$(descriptor t sha256:../../x 5)" "$(descriptor t "sha256:${Z64^^}" 5)" \
		"$(descriptor t "$LAYER1" -1)" "$(descriptor t "$LAYER1" '"5"')" \
		"$(descriptor t "$LAYER1" 1.5)" "$(descriptor t "sha512:$Z64$Z64" 5)" \
		"$(descriptor t "$LAYER1" 99999999999999999999)"; do
		manifest "$CONFIG_DESCRIPTOR" "$good,$bad" | tag v1
		refused ""
		manifest "$bad" "$good" | tag v1
		refused ""
	done
	manifest "$CONFIG_DESCRIPTOR" "$good$(printf ",$good%.0s" {1..127})" | tag v1
	refused "128 layers, but at most 127"
	[ "$(requests /blobs/)" = 0 ]
}

# resolve keeps the documents, as a look at what was refused; nothing more.
@test "images that cannot be run are refused" {
	serve
	image
	manifest "$(descriptor application/vnd.helm "$CONFIG" 37)" "$LAYERS" | tag v1
	expect 125 pull resolve "$HOST/x:v1"
	[[ $output == *"not a container image: its config is application/vnd.helm"* ]]
	manifest "$CONFIG_DESCRIPTOR" "${LAYERS/\"size\":1000/\"urls\":[\"http://x/\"],\"size\":1000}" | tag v1
	expect 125 pull resolve "$HOST/x:v1"
	manifest "$CONFIG_DESCRIPTOR" \
		"$(descriptor application/vnd.docker.image.rootfs.foreign.diff.tar.gzip "$LAYER1" 5)" | tag v1
	expect 125 pull resolve "$HOST/x:v1"
	[[ $output == *"foreign"* ]]
	manifest "$(descriptor $OCI.config.v1+json "$CONFIG" 9000000)" "$LAYERS" | tag v1
	expect 125 pull config "$HOST/x:v1"
	[[ $output == *"config of 9000000 bytes"* ]]
	manifest "$(descriptor $OCI.config.v1+json "$CONFIG" 36)" "$LAYERS" | tag v1
	expect 125 pull config "$HOST/x:v1"
	[[ $output == *"more than 36 bytes"* ]]
	manifest "$(descriptor $OCI.config.v1+json "$LAYER2" 1000)" "$LAYERS" | tag v1
	cp "$REG/$CONFIG" "$REG/$LAYER2"
	expect 125 pull config "$HOST/x:v1"
	[[ $output == *"do not hash"* ]]
}

@test "a digest gives the bytes that hash to it or nothing" {
	serve
	image
	printf ' ' >>"$REG/$MANIFEST"
	expect 125 pull manifest "$HOST/x@$MANIFEST"
	[[ $output == *"refused: what came does not hash to $MANIFEST"* ]]
	# The registry's word on a digest is not taken for it.
	rule "* /v2/x/manifests/v1 header Docker-Content-Digest:sha256:$Z64"
	expect 0 pull resolve -o "$OUT" "$HOST/x:v1"
	[ "${lines[0]}" = "digest $MANIFEST" ]
}

@test "a stored manifest is not fetched again" {
	serve
	image
	rule "* HEAD./v2/x/manifests/v1 header Docker-Content-Digest:$MANIFEST"
	expect 0 pull resolve -o "$OUT" "$HOST/x:v1"
	expect 0 pull resolve -o "$OUT" "$HOST/x:v1"
	[ "$(requests HEAD)" = 2 ]
	[ "$(requests GET)" = 1 ]
	cmp "$REG/$MANIFEST" "$OUT/${MANIFEST#sha256:}"
	echo >"$OUT/${MANIFEST#sha256:}"
	expect 0 pull resolve -o "$OUT" "$HOST/x:v1"
	cmp "$REG/$MANIFEST" "$OUT/${MANIFEST#sha256:}"
}

@test "an index: variants, attestations, nesting, wrong sizes" {
	serve
	image
	size=$(stat -c %s "$REG/$MANIFEST")
	other=$(manifest "$CONFIG_DESCRIPTOR" "" | put)
	other_size=$(stat -c %s "$REG/$other")
	attestation=$(entry sha256:$Z64 5 unknown unknown)
	index "$attestation,$(entry "$other" "$other_size" linux arm v6),$(entry "$MANIFEST" "$size" linux arm v7)" |
		tag v1 $OCI.index.v1+json
	for p in linux/arm:$MANIFEST linux/arm/v7:$MANIFEST linux/arm/v6:$other linux/arm/v8:$MANIFEST; do
		expect 0 pull resolve -p "${p%%:*}" "$HOST/x:v1"
		[ "${lines[1]}" = "manifest ${p#*:}" ] || fail "$p: $output"
	done
	expect 125 pull resolve -p linux/arm/v5 "$HOST/x:v1"
	[[ $output == *"there is: linux/arm/v6 linux/arm/v7" ]]
	expect 125 pull resolve -p linux/ar "$HOST/x:v1"
	expect 125 pull resolve -p unknown/unknown "$HOST/x:v1"
	index "$attestation" | tag v1 $OCI.index.v1+json
	expect 125 pull resolve "$HOST/x:v1"
	[[ $output == *"none for any platform"* ]]
	index "$(entry "$MANIFEST" $((size - 1)) linux amd64)" | tag v1 $OCI.index.v1+json
	expect 125 pull resolve -p linux/amd64 "$HOST/x:v1"
	[[ $output == *"$size bytes, but the index says"* ]]
	digest=$MANIFEST
	for depth in 1 2 3; do
		digest=$(index "$(descriptor $OCI.index.v1+json "$digest" "$size")" | put)
		size=$(stat -c %s "$REG/$digest")
		echo $OCI.index.v1+json >"$REG/$digest.type"
		if [ $depth = 1 ]; then
			digest=$(index "$(entry "$MANIFEST" "$(stat -c %s "$REG/$MANIFEST")" linux amd64)" | put)
			size=$(stat -c %s "$REG/$digest")
		fi
		tag "depth$depth" $OCI.index.v1+json <"$REG/$digest"
	done
	expect 0 pull resolve -p linux/amd64 "$HOST/x:depth1"
	expect 0 pull resolve -p linux/amd64 "$HOST/x:depth2"
	[ "${lines[1]}" = "manifest $MANIFEST" ]
	expect 125 pull resolve -p linux/amd64 "$HOST/x:depth3"
	[[ $output == *"an index in an index in an index"* ]]
	index "$(entry sha256:../../x 5 linux amd64)" | tag v1 $OCI.index.v1+json
	expect 125 pull resolve "$HOST/x:v1"
	[[ $output == *"not a digest: sha256:../../x"* ]]
}

# ---- tags ----

@test "tags come page by page, from the registry itself only" {
	serve "$BATS_TEST_TMPDIR/other"
	other=$HOST
	serve
	echo '{"name":"x","tags":["a","b"]}' >"$REG/list"
	echo '{"name":"x","tags":["c"]}' >"$REG/list2"
	cp "$REG/list2" other/
	rule '1 /v2/x/tags/list\?n=1000 header Link:</v2/x/tags/list2?n=1000&last=b>;rel="next"'
	expect 0 pull tags "$HOST/x"
	[ "$output" = $'a\nb\nc' ]
	rule "1 /v2/x/tags/list header Link:<http://$other/v2/x/tags/list2>;rel=\"next\""
	expect 0 pull tags "$HOST/x"
	[ "$output" = $'a\nb' ]
	[ ! -e other/log ]
	echo '{"name":"x","tags":null}' >"$REG/list"
	expect 0 pull tags "$HOST/x"
	[ -z "$output" ]
	for bad in '{"tags":[7]}' '{"tags":["../x"]}' '{"tags":["a\u001b[31m"]}' '{"tags":7}' '[]' ''; do
		echo "$bad" >"$REG/list"
		expect 125 pull tags "$HOST/x"
	done
}

# ---- progress, settings ----

@test "progress is shown as asked, on standard error" {
	serve
	image
	hex=${LAYER2#sha256:}
	pull blob --progress plain -o "$OUT" "$HOST/x" "$LAYER2" >printed 2>said
	[ "$(cat said)" = "${hex:0:12}: Downloading"$'\n'"${hex:0:12}: Download complete" ]
	rm "$OUT"/*
	pull blob -o "$OUT" "$HOST/x" "$LAYER2" >printed 2>said
	[ ! -s said ]
	rm "$OUT"/*
	script -qec "pull blob -o $OUT $HOST/x $LAYER2 >printed" /dev/null >said
	grep -q "${hex:0:12}: Download complete" said
	rm "$OUT"/*
	script -qec "pull blob -q -o $OUT $HOST/x $LAYER2 >printed" /dev/null >said
	[ ! -s said ]
}

@test "settings are read strictly" {
	serve
	image
	printf '# comment\n\n  timeout 5\ninsecure a.b\n' >settings
	expect 0 pull manifest --config settings "$HOST/x:v1"
	for line in 'timeout' 'timeout x' 'timeout 1 2' 'frobnicate 1' 'mirror x' 'mirror ftp://x'; do
		echo "$line" >settings
		expect 125 pull manifest --config settings "$HOST/x:v1"
		[[ $output == "pull: settings: "* ]] || fail "$output"
	done
	expect 125 pull manifest --config none "$HOST/x:v1"
}
