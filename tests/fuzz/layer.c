/*
 * Fuzz target: a layer archive, unpacked by root into $FUZZ_SCRATCH/target. The first
 * byte of the input says how: with a layer below, and with the checksums of the headers
 * put right, without which most changes would end at the first look.
 *
 * Not only a crash is a finding: a canary beside the target must stay as it is, and what
 * was unpacked must be a layer in overlay form.
 */
#define _GNU_SOURCE
#include "harness.h"

/* Whatever an attempt that was given up has left open is closed before the next one. */
#include <archive.h>
static struct archive *opened;
static struct archive *note_archive(void)
{
	return opened = archive_read_new();
}
static int forget_archive(struct archive *archive)
{
	opened = NULL;
	return archive_read_free(archive);
}
#define archive_read_new note_archive
#define archive_read_free forget_archive
#include <place.c>
#define usage unpack_usage
#define wanted unpack_wanted
#include <archive.c>
#include <unpack.c>
#undef usage
#define usage ls_usage
#include <ls.c>

#include <ftw.h>

static struct {
	int scratch, first; /* the first descriptor that is not ours */
	struct stat canary[3];
} fuzz;

/* Instead of stream.c: no thread, nothing compressed. */
static const uint8_t *fuzz_input;
static size_t fuzz_input_size;

size_t stream_next(const void **data)
{
	size_t size = fuzz_input_size;

	*data = fuzz_input;
	fuzz_input_size = 0;
	return size;
}

uint64_t (*stream_more)(void);

/* Nothing is followed. */
int input_follow(const char *name)
{
	broken("followed", name);
}

void input_await(void)
{
}

void stream_start(int fd, const char *name, uint64_t limit)
{
	(void)fd, (void)name, (void)limit;
}

void stream_digest(char text[static DIGEST_SIZE])
{
	*text = '\0';
}

bool is_digest(const char *text)
{
	return text;
}

static void stat_canary(struct stat st[static 3])
{
	static const char *const names[] = {"canary", "canary/file", "lower/d/file"};

	for (size_t i = 0; i < 3; i++)
		if (fstatat(fuzz.scratch, names[i], &st[i], AT_SYMLINK_NOFOLLOW))
			broken("gone", names[i]);
}

static void check_canary(void)
{
	struct stat now[3];

	stat_canary(now);
	for (size_t i = 0; i < 3; i++) {
		const struct stat *was = &fuzz.canary[i];
		if (now[i].st_ino != was->st_ino || now[i].st_mode != was->st_mode ||
		    now[i].st_nlink != was->st_nlink ||
		    now[i].st_ctim.tv_sec != was->st_ctim.tv_sec ||
		    now[i].st_ctim.tv_nsec != was->st_ctim.tv_nsec)
			broken("touched", i == 2 ? "the layer below" : "the canary");
	}
}

static void make_file(const char *path)
{
	int fd = openat(fuzz.scratch, path, O_WRONLY | O_CREAT | O_EXCL, 04755);

	if (fd < 0 || write(fd, "text", 4) != 4 || close(fd))
		broken("cannot make", path);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	static const char *const directories[] = {"canary", "lower", "lower/d", "lower/d/e",
						  "lower/opaque"};
	const char *path = getenv("FUZZ_SCRATCH");
	const struct rlimit files = {8192, 8192};

	(void)argc, (void)argv;
	if (!freopen("/dev/null", "w", stdout))
		broken("cannot open", "/dev/null");
	setrlimit(RLIMIT_NOFILE, &files);
	setlocale(LC_CTYPE, "C.UTF-8");
	umask(0);
	if (!path || (fuzz.scratch = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0)
		broken("FUZZ_SCRATCH is no directory", path ? path : "");
	fuzz.scratch = fcntl(fuzz.scratch, F_DUPFD_CLOEXEC, 200);
	fuzz.first = fuzz.scratch + 1;
	remove_entry(fuzz.scratch, "canary");
	remove_entry(fuzz.scratch, "lower");
	for (size_t i = 0; i < sizeof directories / sizeof *directories; i++)
		if (mkdirat(fuzz.scratch, directories[i], 01777))
			broken("cannot make", directories[i]);
	make_file("canary/file");
	make_file("lower/d/file");
	make_file("lower/file");
	make_file("lower/d/e/file");
	make_file("lower/opaque/file");
	int fd = openat(fuzz.scratch, "lower/opaque", O_RDONLY);
	set_opaque(fd);
	close(fd);
	if (symlinkat("d/e", fuzz.scratch, "lower/link") ||
	    symlinkat("../../canary", fuzz.scratch, "lower/out") ||
	    symlinkat("loop", fuzz.scratch, "lower/loop") ||
	    mknodat(fuzz.scratch, "lower/white", S_IFCHR, 0))
		broken("cannot make", "links");
	stat_canary(fuzz.canary);
	return 0;
}

/* Put the checksums of tar headers in DATA right. */
static void fix_checksums(uint8_t *data, size_t size)
{
	for (size_t at = 0; at + 512 <= size;) {
		uint8_t *header = data + at;
		unsigned sum = 0, file = 0;
		for (int i = 0; i < 512; i++)
			sum += i >= 148 && i < 156 ? ' ' : header[i];
		at += 512;
		if (sum == 8 * ' ') /* nothing in it: the end */
			continue;
		char text[8];
		snprintf(text, sizeof text, "%06o", sum & 0777777);
		memcpy(header + 148, text, 7);
		header[155] = ' ';
		for (int i = 124; i < 135 && header[i] >= '0' && header[i] <= '7'; i++)
			file = file * 8 + header[i] - '0';
		if (strchr("123456", header[156]) == NULL)
			at += ((size_t)file + 511) / 512 * 512;
	}
}

/* nftw(3): is this what may be in a layer? */
static int check_entry(const char *path, const struct stat *st, int type, struct FTW *at)
{
	char value;

	(void)type;
	if (at->level && !strncmp(path + at->base, ".wh.", 4))
		broken("a whiteout as a file", path);
	if (is_whiteout(st) && at->level) {
		char *parent = strndup(path, (size_t)at->base);
		if (getxattr(parent, "trusted.overlay.opaque", &value, 1) == 1)
			broken("a whiteout in an opaque directory", path);
		free(parent);
	}
	if (S_ISDIR(st->st_mode) && !at->level &&
	    getxattr(path, "trusted.overlay.opaque", &value, 1) >= 0)
		broken("the root is opaque", path);
	return 0;
}

/* Look at what was unpacked, and at the archive, as ls does. */
static void look_at(const uint8_t *data, size_t size, const char *path)
{
	char lower[64];

	if (setjmp(refused))
		return;
	memset(&list, 0, sizeof list);
	snprintf(lower, sizeof lower, "/proc/self/fd/%d/lower", fuzz.scratch);
	add_layer(&list.layers, lower);
	if (path) {
		if (!list_directory(path))
			broken("cannot be walked", path);
	} else {
		fuzz_input = data;
		fuzz_input_size = size;
		list_archive("/dev/null", 0);
	}
	free_layers(&list.layers);
}

static void reset(void)
{
	if (opened)
		forget_archive(opened);
	close_range((unsigned)fuzz.first, ~0U, 0);
	for (size_t i = 0; i < dirs.count; i++)
		free(dirs.list[i].path);
	free(dirs.list);
	free(target.lower.fds);
	free(below.names);
	memset(&below, 0, sizeof below);
	unpack_wanted.lower = false;
	memset(&dirs, 0, sizeof dirs);
	memset(&target, 0, sizeof target);
	memset(&state, 0, sizeof state);
	state.limit = 1 << 20;
	state.entries_left = 1000;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char path[64];
	volatile bool done = false;

	if (size < 1)
		return -1;
	uint8_t *copy = malloc(size);
	memcpy(copy, data + 1, size - 1);
	if (data[0] & 1)
		fix_checksums(copy, size - 1);
	fuzz_input = copy;
	fuzz_input_size = size - 1;
	reset();
	if (setjmp(refused))
		broken("cannot be cleared", "target");
	remove_entry(fuzz.scratch, "target");
	if (mkdirat(fuzz.scratch, "target", 0755))
		broken("cannot make", "target");
	target.root = openat(fuzz.scratch, "target", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (!setjmp(refused)) {
		if (data[0] & 2) {
			snprintf(path, sizeof path, "/proc/self/fd/%d/lower", fuzz.scratch);
			add_below(path);
			unpack_wanted.lower = true;
		}
		struct archive *archive = open_archive_stream(-1, "fuzz", 0);
		for (struct archive_entry *entry; (entry = next_entry());)
			put_entry(archive, entry);
		close_archive_stream();
		inherit_root();
		put_directory_times();
		dirs.list = NULL;
		dirs.count = 0;
		done = true;
	}
	check_canary();
	snprintf(path, sizeof path, "/proc/self/fd/%d/target", fuzz.scratch);
	if (done) {
		nftw(path, check_entry, 100, FTW_PHYS);
		look_at(NULL, 0, path);
	}
	if (opened)
		forget_archive(opened);
	look_at(copy, size - 1, NULL);
	free(copy);
	return 0;
}
