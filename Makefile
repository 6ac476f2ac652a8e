# skiff. Targets: all deps man demo picture test test-v2 test-san test-real fuzz faults lint bench bench-pull bench-net
# bench-verbs bench-build bench-scale install uninstall clean.
# SAN=1 builds with AddressSanitizer and UBSan into build/san instead of bin.

PREFIX ?= /usr/local
DESTDIR ?=
CFLAGS ?= -O2 -g

ifdef SAN
OUT = build/san/bin
OBJ = build/san/obj
# What runs inside a container is static: it cannot carry AddressSanitizer.
SANITIZE = $(if $(filter $(1),$(INSIDE)),-fsanitize=undefined,-fsanitize=address,undefined)
else
OUT = bin
OBJ = build/obj
SANITIZE =
endif

FLAGS = -std=c17 -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
	-fstack-protector-strong -D_FILE_OFFSET_BITS=64 -Isrc/common -Isrc/registry \
	-ffunction-sections -fdata-sections -MMD -MP
LINK = -Wl,--gc-sections -Wl,-z,relro,-z,now

# A tool NAME is made of src/NAME/*.c and the little library src/common.
TOOLS := $(patsubst src/%/,%,$(dir $(wildcard $(foreach d,$(wildcard src/*),$(d)/$(notdir $(d)).c))))
# and a tool in shell of src/NAME/NAME.sh.
SHELL_TOOLS := $(patsubst src/%/,%,$(dir $(wildcard $(foreach d,$(wildcard src/*),$(d)/$(notdir $(d)).sh))))
COMMON := $(patsubst src/%.c,$(OBJ)/%.o,$(wildcard src/common/*.c))
# What the tools of registries share.
REGISTRY := $(patsubst src/%.c,$(OBJ)/%.o,$(wildcard src/registry/*.c))
COMMON_INSIDE := $(if $(SAN),$(COMMON:$(OBJ)/%=$(OBJ)/inside/%),$(COMMON))

# Static, as a static program starts in half the time of a dynamic one. Those that
# talk to registries start once for many bytes, and libcurl's plugins (NSS, TLS)
# want to be loaded.
REGISTRY_TOOLS = pull push credential
DYNAMIC = $(REGISTRY_TOOLS) seccomp-compile
INSIDE = lockdown init root-tar
LIBS_cgset = -lm
LIBS_dockerfile = -ljansson
LIBS_format = -ljansson -lm
LIBS_describe = -ljansson -lm
LIBS_layerfs = -larchive -lcrypto -lzstd -lz -llzma -lbz2
# ISA-L, a shared library only, is for layerfs-isal, to which layerfs turns to unpack.
ISAL := $(shell pkg-config --exists libisal && echo yes)
LIBS_lockdown = -lcap -s # each container gets a copy of it: nothing in it that is not for running
LIBS_plain-tar = -larchive -lzstd -lz -llzma -lbz2
LIBS_context = -larchive -lcrypto -lzstd -lz -llzma -lbz2
$(foreach t,$(REGISTRY_TOOLS),$(eval LIBS_$(t) = -lcurl -ljansson -lcrypto))
LIBS_seccomp-compile = -lseccomp -lcap

VERBS := $(filter-out help on-exit on-health on-request,$(notdir $(wildcard src/skiff/verbs/*)))

all: $(TOOLS:%=$(OUT)/%) $(SHELL_TOOLS:%=$(OUT)/%) $(if $(wildcard src/lockdown/default.seccomp),$(OUT)/default.bpf) $(if $(SAN),$(OUT)/skiff)

define tool
$(OUT)/$(1): $(patsubst src/%.c,$(OBJ)/%.o,$(wildcard src/$(1)/*.c)) \
		$(if $(filter $(1),$(REGISTRY_TOOLS)),$(REGISTRY)) \
		$(if $(filter $(1),$(INSIDE)),$(COMMON_INSIDE),$(COMMON))
	@mkdir -p $$(@D)
	$$(CC) $$(CFLAGS) $$(call SANITIZE,$(1)) $$(LDFLAGS) $$(LINK) \
		$(if $(filter $(1),$(DYNAMIC)),,$(if $(SAN),$(if $(filter $(1),$(INSIDE)),-static),-static)) \
		-o $$@ $$^ $$(LIBS_$(1))
endef
$(foreach t,$(TOOLS),$(eval $(call tool,$(t))))

# The same program again, with ISA-L in place of zlib; the other libraries are in it.
ifdef ISAL
ifdef SAN
CPPFLAGS_layerfs = -DISAL
LIBS_layerfs += -lisal
else
all: $(OUT)/layerfs-isal
$(OUT)/layerfs-isal: $(patsubst src/%.c,$(OBJ)/%.o,$(filter-out %/gzip.c,$(wildcard src/layerfs/*.c))) \
		$(OBJ)/layerfs/isal-gzip.o $(COMMON)
	$(CC) $(CFLAGS) $(LDFLAGS) $(LINK) -o $@ $^ -Wl,-Bstatic $(LIBS_layerfs) -Wl,-Bdynamic -lisal
endif
endif

define shell_tool
$(OUT)/$(1): src/$(1)/$(1).sh
	@mkdir -p $$(@D)
	install $$< $$@
endef
$(foreach t,$(SHELL_TOOLS),$(eval $(call shell_tool,$(t))))

$(OBJ)/%.o: src/%.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CPPFLAGS_$(notdir $(@D))) $(CFLAGS) $(FLAGS) $(call SANITIZE,$(notdir $(patsubst %/,%,$(dir $*)))) -c -o $@ $<

$(OBJ)/layerfs/isal-gzip.o: src/layerfs/gzip.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) -DISAL $(CFLAGS) $(FLAGS) -c -o $@ $<

$(OBJ)/inside/%.o: src/%.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) $(FLAGS) $(call SANITIZE,$(firstword $(INSIDE))) -c -o $@ $<

# The seccomp filter that containers get: text in the tree, bytes for the kernel.
$(OUT)/default.bpf: src/lockdown/default.seccomp $(OUT)/seccomp-compile
	$(OUT)/seccomp-compile $< >$@.new && mv $@.new $@
	cp $< src/seccomp-compile/from-json.jq $(OUT)

# The front end finds its verbs beside its own directory: ../src/skiff.
build/san/bin/skiff: bin/skiff
	@mkdir -p $(@D)
	ln -sfn ../../src build/san/src
	cp $< $@

# The pages of the verbs: their help text, and what pages/VERB adds.
build/man/skiff-%.1: src/skiff/verbs/% src/skiff/page.awk src/skiff/pages/% src/skiff/create-options.sh
	@mkdir -p $(@D)
	bin/skiff $* --help | awk -f src/skiff/page.awk -v verb=$* -v date='November 24, 2026' \
		-v notes=src/skiff/pages/$* >$@.new && mv $@.new $@
man: $(VERBS:%=build/man/skiff-%.1)

# ---- packages ----------------------------------------------------------------

BUILD_PACKAGES = gcc libc6-dev make pkg-config libcap-dev libarchive-dev libcurl4-openssl-dev \
	libjansson-dev libssl-dev libseccomp-dev libzstd-dev zlib1g-dev liblzma-dev libbz2-dev \
	libisal-dev
RUN_PACKAGES = jq util-linux procps ca-certificates iproute2 nftables dnsmasq-base conntrack
DEMO_PACKAGES = busybox-static
TEST_PACKAGES = bats expect apache2-utils python3 attr libcap2-bin busybox-static docker-registry skopeo umoci \
	buildah openssh-client runc strace xz-utils zstd bzip2 curl procps mandoc openssl perl e2fsprogs socat git redis-tools \
	xfsprogs
LINT_PACKAGES = shellcheck clang-format clang-tidy mandoc
V2_PACKAGES = qemu-system-x86 cpio kmod e2fsprogs iproute2 xz-utils busybox-static
FUZZ_PACKAGES = clang libclang-rt-dev python3 util-linux dash
BENCH_PACKAGES = bubblewrap runc podman docker.io hyperfine umoci skopeo docker-registry \
	e2fsprogs openssl curl isal iperf3 iptables

# install-packages LIST: with apt, if any is missing.
install_packages = dpkg -s $(1) >/dev/null 2>&1 || { apt-get update -q && \
	DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $(1); }

# make with a job for each processor, for this one alone: what tests run inherits nothing of it.
PARALLEL = $(MAKE) -j "$$(nproc)"

deps:
	$(call install_packages,$(BUILD_PACKAGES) $(RUN_PACKAGES))

# ---- use ---------------------------------------------------------------------

demo: deps
	$(call install_packages,$(DEMO_PACKAGES))
	$(PARALLEL) all
	sh docs/demo.sh

# docs/show.svg, as skiff show draws it.
picture: all
	sh docs/picture.sh

test: deps
	$(call install_packages,$(TEST_PACKAGES))
	$(PARALLEL) all
	@bats --version | awk '{ split($$2, v, "."); exit !(v[1] > 1 || v[2] >= 5) }' || \
		{ echo 'the tests need bats 1.5 or newer: npm install -g bats' >&2; exit 1; }
	TEST_LIMIT=$(TEST_LIMIT) tests/run $(TEST_JOBS) $(TESTS)
TESTS ?= tests
# Three files at a time, as most of them wait most of the time.
TEST_JOBS ?= -j 3
# Seconds for all of them. (Not BATS_TEST_TIMEOUT: "wait" in a test would wait for its clock.)
TEST_LIMIT ?= 2700

# The same tests of control groups and of what needs the kernel's help, on
# Debian's own kernel with nothing but cgroup v2, in a virtual machine.
test-v2: deps
	$(call install_packages,$(TEST_PACKAGES) $(V2_PACKAGES))
	$(PARALLEL) all
	SLOW=10 tests/vm-run -t $(V2_LIMIT) tests/run $(V2_TESTS)
V2_LIMIT ?= 1500
V2_TESTS ?= tests/cgset.bats tests/v2.bats

# The tools again, built with sanitizers. What a tool keeps until it exits is no leak.
test-san: deps
	$(call install_packages,$(TEST_PACKAGES))
	$(PARALLEL) SAN=1 all
	SKIFF_BIN=$(CURDIR)/build/san/bin ASAN_OPTIONS=detect_leaks=0 tests/run -s 3 $(TEST_JOBS) $(SAN_TESTS)
SAN_TESTS ?= $(addprefix tests/,$(addsuffix .bats,cgset layerfs layer-view unshare-run lockdown seccomp-compile shim attach containers crilog format health root-tar dockerfile build-context lend-agent journal discard entry veth))

# The tests of a stage, named as skipped: .ci/run has no time for it.
skip-test-v2:
	@tests/run -n $(V2_TESTS)
skip-test-san:
	@tests/run -n $(SAN_TESTS)
skip-fuzz:
	@printf 'ok 0 fuzz %s # skip out of time\n' $(FUZZ_TARGETS)

# Dockerfiles as they are in books: whole distributions, packages of Debian and npm, from the network. Ten minutes. And
# PostgreSQL, ufw, firewalld and Docker, if they are installed: installing them would start them.
test-real: deps
	$(call install_packages,$(TEST_PACKAGES) mmdebstrap)
	SLOW=3 LIMIT=1800 tests/run tests/real

# ---- fuzzing -----------------------------------------------------------------

# Each target includes the very file that it tests; -fsanitize=fuzzer has the loop around it.
FUZZ_TARGETS = layer manifest reference challenge dockerfile names config
FUZZ_SECONDS ?= 20
FUZZ_SOURCES = src/layerfs src/registry src/pull src/dockerfile
FUZZ_COMMON = tests/fuzz/harness.c $(addprefix src/common/,file.c memory.c number.c process.c utf8.c xattr.c)
FUZZ_layer = $(addprefix src/layerfs/,overlay.c rows.c same.c walk.c)
FUZZ_dockerfile = $(filter-out %/dockerfile.c,$(wildcard src/dockerfile/*.c))
FUZZ_manifest = src/pull/platform.c $(addprefix src/registry/,document.c reference.c)
LIBS_fuzz_layer = -larchive
LIBS_fuzz_dockerfile = -ljansson
LIBS_fuzz_manifest = -ljansson -lcrypto
LIBS_fuzz_challenge = -lcurl -ljansson -lcrypto
FUZZ_CC = clang -std=gnu17 -g -O1 -Wall -Wno-unused-function -D_FILE_OFFSET_BITS=64 -Isrc/common $(FUZZ_SOURCES:%=-I%)

build/fuzz/names: tests/fuzz/reference.c $(wildcard src/*/*.[ch] tests/fuzz/*.[ch])
	@mkdir -p $(@D)
	$(FUZZ_CC) -DNAMES -o $@ $< $(FUZZ_COMMON)

build/fuzz/%: tests/fuzz/%.c $(wildcard src/*/*.[ch] tests/fuzz/*.[ch])
	@mkdir -p $(@D)
	$(FUZZ_CC) -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=undefined -o $@ $< $(FUZZ_$*) $(FUZZ_COMMON) $(LIBS_fuzz_$*)

fuzz: deps
	$(call install_packages,$(FUZZ_PACKAGES))
	$(PARALLEL) $(addprefix build/fuzz/,$(filter-out config,$(FUZZ_TARGETS)))
	tests/fuzz/run $(FUZZ_SECONDS) $(FUZZ_TARGETS)

# SIGKILL at random points of the life of containers. The same seed makes the same choices.
faults: deps
	$(call install_packages,$(TEST_PACKAGES))
	$(PARALLEL) all
	tests/faults $(FAULT_RUNS) $(FAULT_SEED)
FAULT_RUNS ?= 500

bench: deps
	$(call install_packages,$(BENCH_PACKAGES) $(DEMO_PACKAGES))
	$(PARALLEL) all
	tests/bench
	$(MAKE) bench-verbs bench-pull bench-net bench-build

# Networks and published ports: starts, the 300th container, bytes.
bench-net: deps
	$(call install_packages,$(BENCH_PACKAGES) $(DEMO_PACKAGES))
	$(PARALLEL) all
	tests/bench-net

# The verbs of a container's life, beside docker's.
bench-verbs: deps
	$(call install_packages,$(BENCH_PACKAGES) $(DEMO_PACKAGES))
	$(PARALLEL) all
	tests/bench-verbs

# A build of ten steps, beside docker's own builder and buildah.
bench-build: deps
	$(call install_packages,$(BENCH_PACKAGES) $(DEMO_PACKAGES) buildah)
	$(PARALLEL) all
	tests/bench-build

# Hundreds of idle containers, beside docker's.
bench-scale: deps
	$(call install_packages,$(BENCH_PACKAGES) $(DEMO_PACKAGES))
	$(PARALLEL) all
	tests/bench-scale

# Pulling, unpacking and pushing an image, beside docker's, podman's, and each stage alone.
bench-pull: deps
	$(call install_packages,$(BENCH_PACKAGES))
	$(PARALLEL) all
	tests/bench-pull

SHELL_SCRIPTS = bin/skiff $(foreach t,$(SHELL_TOOLS),$(wildcard src/$(t)/*.sh)) $(wildcard src/skiff/*.sh src/skiff/verbs/*) \
	src/skiff/boot.init docs/demo.sh docs/picture.sh $(wildcard lessons/*/check/*) .ci/run \
	$(addprefix tests/,bench bench-pull bench-verbs bench-net bench-build bench-scale bench.sh vm-run run fuzz/run)

lint: man
	$(call install_packages,$(BUILD_PACKAGES) $(LINT_PACKAGES))
	clang-format --dry-run -Werror src/*/*.[ch] tests/fuzz/*.[ch]
	printf '%s\n' src/*/*.c | xargs -P "$$(nproc)" -n 4 sh -c 'clang-tidy --quiet "$$@" -- -std=c17 -Isrc/common -Isrc/registry -D_FILE_OFFSET_BITS=64 2>/dev/null || exit 255' -
	shellcheck -s dash $(SHELL_SCRIPTS)
	shellcheck -s bash src/skiff/completion.bash
	printf '%s\n' tests/*.bats tests/*/*.bats tests/*.bash tests/faults | xargs -P "$$(nproc)" -n 6 shellcheck -s bash -e SC2030,SC2031,SC2314,SC2315
	for page in src/*/*.[1-8] build/man/*; do mandoc -T lint -W warning "$$page" || exit; done
	mandoc -T markdown src/skiff/skiff-files.5 | cmp - docs/files.md

# The page of all files, for those who read it on the web.
docs/files.md: src/skiff/skiff-files.5
	mandoc -T markdown $< >$@.new && mv $@.new $@

# ---- installing --------------------------------------------------------------

LIB = $(DESTDIR)$(PREFIX)/lib/skiff
MAN = $(DESTDIR)$(PREFIX)/share/man
SHARE = $(DESTDIR)$(PREFIX)/share/skiff
COMPLETIONS = $(DESTDIR)$(PREFIX)/share/bash-completion/completions

install: all man
	install -d $(DESTDIR)$(PREFIX)/bin $(LIB)/verbs $(LIB)/netup $(LIB)/lesson $(SHARE)/lessons $(MAN)/man1 $(MAN)/man5
	install bin/skiff $(filter-out bin/init,$(TOOLS:%=bin/%)) $(SHELL_TOOLS:%=bin/%) $(wildcard bin/layerfs-isal) $(DESTDIR)$(PREFIX)/bin
	install bin/init $(LIB) # not on PATH, where it would hide the system's own
	install -m 644 bin/default.bpf bin/default.seccomp src/seccomp-compile/from-json.jq \
		$(filter-out %.5 %.1 %.service %.init %.bash %/page.awk,$(wildcard src/skiff/*.*)) src/skiff/VERSION $(LIB)
	install -m 644 src/skiff/verbs/* $(LIB)/verbs
	install -m 644 $(filter-out %/netup.sh,$(wildcard src/netup/*.sh)) $(LIB)/netup
	install -m 644 $(filter-out %/lesson.sh,$(wildcard src/lesson/*.sh src/lesson/*.awk)) $(LIB)/lesson
	cd lessons && find . -type f ! -name '*.right' ! -name '*.wrong' -exec cp --parents --preserve=mode {} $(SHARE)/lessons \; # not the answers
	install -d $(DESTDIR)$(PREFIX)/lib/systemd/system
	sed 's|@PREFIX@|$(PREFIX)|' src/skiff/boot.service >$(DESTDIR)$(PREFIX)/lib/systemd/system/skiff.service
	sed 's|@PREFIX@|$(PREFIX)|' src/skiff/boot.init >$(LIB)/boot.init && chmod 755 $(LIB)/boot.init
	for page in src/*/*.[15] build/man/*; do install -m 644 "$$page" $(MAN)/man$${page##*.}; done
	install -d $(COMPLETIONS)
	install -m 644 src/skiff/completion.bash $(COMPLETIONS)/skiff

uninstall:
	cd $(DESTDIR)$(PREFIX)/bin && rm -f skiff layerfs-isal $(filter-out init,$(TOOLS)) $(SHELL_TOOLS)
	for page in src/*/*.[15] $(VERBS:%=skiff-%.1); do rm -f $(MAN)/man$${page##*.}/$${page##*/}; done
	rm -f $(DESTDIR)$(PREFIX)/lib/systemd/system/skiff.service $(COMPLETIONS)/skiff
	rm -rf $(LIB) $(SHARE)

clean:
	rm -rf build $(TOOLS:%=bin/%) $(SHELL_TOOLS:%=bin/%) bin/layerfs-isal bin/default.bpf bin/default.seccomp bin/from-json.jq

.PHONY: all man deps demo picture test test-v2 test-san test-real skip-test-v2 skip-test-san skip-fuzz fuzz faults lint bench bench-pull bench-net bench-verbs bench-build bench-scale install uninstall clean
-include $(wildcard $(OBJ)/*/*.d $(OBJ)/inside/*/*.d)
