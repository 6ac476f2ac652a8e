# Shared by the test files of containers' verbs: load container, behind helper. The file has a
# store of its own, each test a directory, and names for a container and a volume.

setup_file() {
	skiff_setup_file
}

teardown_file() {
	skiff_teardown_file
}

# shellcheck disable=SC2034 # the tests use them
setup() {
	in_time
	C=c$BATS_TEST_NUMBER V=v$BATS_TEST_NUMBER
	cd "$BATS_TEST_TMPDIR" || return
}

# field NAME FILTER: of inspect, as jq prints it.
field() {
	skiff inspect "$1" | jq -r ".[0]$2"
}
