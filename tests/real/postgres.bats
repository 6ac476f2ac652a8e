# A database in a volume, as in books: PostgreSQL of this machine in an image, killed while it commits; backup and restore.
# shellcheck shell=bash disable=SC2016

load ../helper
load ../network

setup_file() {
	set -- /usr/lib/postgresql/*/bin
	[ -x "$1/initdb" ] && command -v psql >/dev/null || skip 'postgresql is not installed'
	network_setup_file
	skiff_setup_file
	postgres_tree "$BATS_FILE_TMPDIR/tree" "$1"
	tar -C "$BATS_FILE_TMPDIR/tree" -c . | skiff import -c 'ENTRYPOINT ["entry"]' -c 'ENV PGDATA=/data' -c "ENV PATH=$1:/bin" \
		-c 'EXPOSE 5432' -c 'VOLUME /data' -c 'STOPSIGNAL SIGINT' - postgres >/dev/null
	printf '%s\n' '# of the application' POSTGRES_USER=app 'POSTGRES_PASSWORD=s3cret $x "quoted"' >"$BATS_FILE_TMPDIR/env"
	export PGPASSWORD='s3cret $x "quoted"' PGCONNECT_TIMEOUT=3
}

teardown_file() {
	[ -e "$BATS_FILE_TMPDIR/env" ] || return 0
	skiff_teardown_file
	on host netup down "$SKIFF_ROOT/networks/bridge"
	network_teardown_file
}

# postgres_tree DIRECTORY BIN: to busybox the programs with their libraries, and what the official image begins with.
postgres_tree() {
	local home=${2%/bin} file
	mkdir -p "$1$home" "$1/usr/share/postgresql" "$1/usr/share/zoneinfo" "$1/data" "$1/var/run/postgresql"
	cp -a "$2" "$home/lib" "$1$home"
	rm -rf "$1$home/lib/bitcode"
	cp -a "/usr/share/postgresql/${home##*/}" "$1/usr/share/postgresql"
	cp -a /usr/share/zoneinfo/Etc "$1/usr/share/zoneinfo"
	ldd "$2"/* "$home/lib/plpgsql.so" "$home/lib/dict_snowball.so" | grep -o '/[^ ]*[^: ]' | sort -u | while read -r file; do
		[ ! -f "$file" ] || [ -e "$1$file" ] || { mkdir -p "$1${file%/*}" && cp -L "$file" "$1$file"; }
	done
	echo postgres:x:101:104::/data:/bin/sh >>"$1/etc/passwd"
	echo postgres:x:104: >>"$1/etc/group"
	chown 101:104 "$1/data" "$1/var/run/postgresql"
	cat >"$1/bin/entry" <<-'END'
		#!/bin/sh
		set -e
		[ "$(id -u)" -ne 0 ] || { chown postgres "$PGDATA" && chmod 700 "$PGDATA" && exec su postgres -s /bin/sh /bin/entry; }
		if [ ! -s "$PGDATA/PG_VERSION" ]; then
			printf %s "$POSTGRES_PASSWORD" >/tmp/password
			initdb --no-locale -E UTF8 -U "$POSTGRES_USER" --pwfile=/tmp/password -A scram-sha-256 >/dev/null
			echo 'host all all all scram-sha-256' >>"$PGDATA/pg_hba.conf"
		fi
		exec postgres -c 'listen_addresses=*'
	END
	chmod +x "$1/bin/entry"
}

# database VOLUME: start one, wait until it is healthy.
database() {
	skiff run -d --name db --env-file "$BATS_FILE_TMPDIR/env" -v "$1:/data" -p 5432:5432 --shm-size 256m \
		--health-cmd 'pg_isready -U app' --health-interval 500ms postgres >/dev/null
	wait_until healthy
}

healthy() { [ "$(skiff inspect -f '{{.State.Health.Status}}' db)" = healthy ]; }

ask_sql() { on lan psql -h 10.9.0.1 -U app -d postgres -Atq "$@"; }

count() { ask_sql -c 'select count(*) from t'; }

@test "PostgreSQL: what was committed is there after SIGKILL, for the next container, and after backup and restore" {
	cd "$BATS_TEST_TMPDIR"
	database kept
	[ "$(skiff exec db df -m /dev/shm | awk 'END { print $2 }')" = 256.0M ] ||
		[ "$(skiff exec db df -m /dev/shm | awk 'END { print $2 }')" = 256 ]
	ask_sql -c 'create table t(n int primary key)'
	seq 100000 | sed 's/.*/insert into t values (&) returning n;/' >inserts
	ask_sql -f inserts >committed 2>/dev/null &
	wait_until test -s committed
	sleep 1
	skiff kill -s KILL db >/dev/null
	wait $! && fail 'all was written before the kill' || true
	last=$(tail -n 1 committed)
	skiff start db >/dev/null
	wait_until healthy
	rows=$(count)
	# (One more may have been committed whose answer was lost.)
	[ "$rows" -ge "$last" ] && [ "$rows" -le $((last + 1)) ] || fail "committed $last, there $rows"
	skiff stop db >/dev/null
	mkdir backup
	expect 0 skiff run --rm --volumes-from db -v "$PWD/backup:/backup" --entrypoint tar busybox -C /data -cf /backup/db.tar .
	skiff rm db >/dev/null
	database kept
	[ "$(count)" -eq "$rows" ]
	skiff rm -f db >/dev/null
	expect 0 skiff run --rm -v restored:/data -v "$PWD/backup:/backup:ro" --entrypoint tar busybox -C /data -xpf /backup/db.tar
	database restored
	[ "$(count)" -eq "$rows" ]
	skiff rm -f db >/dev/null
	[ "$(skiff run --rm -v restored:/data --entrypoint stat busybox -c %u:%g /data/PG_VERSION)" = 101:104 ]
	expect 1 skiff run --rm -u 33 -v restored:/data --entrypoint cat busybox /data/PG_VERSION
	skiff volume rm kept restored >/dev/null
}
