# Dockerfiles as they are in books, with Debian's packages and those of npm, from the network. Minutes each: "make test-real".

load ../helper

without_network() { :; } # no: as everybody types it

setup_file() {
	skiff_setup_file
	mmdebstrap --quiet --variant=minbase bookworm - | skiff import -c 'CMD ["bash"]' - debian:12 >/dev/null
}
teardown_file() {
	netup down "$SKIFF_ROOT/networks/bridge"
	skiff_teardown_file
}

setup() { in_time && cd "$BATS_TEST_TMPDIR" || return; }
teardown() { skiff rm -f web1 >/dev/null 2>&1 || true; }

@test "a web application on Node: built, published, answers" {
	cat >app.js <<-'END'
		const express = require('express');
		const app = express();
		app.get('/', (request, response) => response.send('hello from ' + require('os').hostname() + '\n'));
		app.listen(8080);
	END
	echo '{"name": "web", "version": "1.0.0", "dependencies": {"express": "^4.18.0"}}' >package.json
	# (The secret: where the registry of npm is behind a certificate authority of its own.)
	cat >Dockerfile <<-'END'
		FROM debian:12
		LABEL maintainer="student@example.org"
		RUN apt-get update -q && apt-get install -q -y --no-install-recommends nodejs npm
		COPY . /src
		WORKDIR /src
		RUN --mount=type=secret,id=ca,target=/ca.pem NODE_EXTRA_CA_CERTS=/ca.pem npm install
		EXPOSE 8080
		ENTRYPOINT ["node", "./app.js"]
	END
	expect 0 skiff build -q --secret id=ca,src=/etc/ssl/certs/ca-certificates.crt -t web:1 .
	expect 0 skiff run -d --name web1 --publish 8080:8080 web:1
	answers() { [[ $(curl -s -m 5 http://127.0.0.1:8080/) = 'hello from '????????????* ]]; }
	wait_until answers
	[[ $(skiff ps) = *'0.0.0.0:8080->8080/tcp, :::8080->8080/tcp'* ]] || fail "$(skiff ps)"
	expect 0 skiff build -t web:2 --secret id=ca,src=/etc/ssl/certs/ca-certificates.crt .
	[ "$(grep -c CACHED <<<"$output")" -eq 4 ] || fail "$output"
}

@test "a C program: compiled in one stage, alone in the next" {
	printf '#include <stdio.h>\nint main(void) { puts("hello from nothing"); }\n' >hello.c
	cat >Dockerfile <<-'END'
		FROM debian:12 AS build
		RUN apt-get update -q && apt-get install -q -y --no-install-recommends gcc libc6-dev
		COPY hello.c /
		RUN gcc -static -O2 -o /hello /hello.c
		FROM scratch
		COPY --from=build /hello /hello
		CMD ["/hello"]
	END
	expect 0 skiff build -q -t hello .
	[ "$(skiff run --rm hello)" = 'hello from nothing' ]
	[ "$(skiff export "$(skiff create hello)" | tar -t | grep -c hello)" -eq 1 ]
}
