/* How two files differ. They are hostile: only regular files are ever read. */
#define _GNU_SOURCE
#include "common.h"
#include "view.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BLOCK = 256 * 1024 };

/* The xattrs of a file, each "NAME=VALUE" with its length. */
struct attributes {
	struct attribute {
		size_t size;
		char *text;
	} * list;
	size_t count;
};

/* each_xattr(): remember one. */
static bool add_attribute(void *context, const char *name, const void *value, size_t size)
{
	struct attributes *attributes = context;
	size_t length = strlen(name) + 1;
	char *text = xmalloc(length + size);

	memcpy(text, name, length);
	memcpy(text + length, value, size);
	attributes->list =
		xrealloc(attributes->list, (attributes->count + 1) * sizeof *attributes->list);
	attributes->list[attributes->count++] = (struct attribute){length + size, text};
	return true;
}

static int compare_attributes(const void *left, const void *right)
{
	const struct attribute *a = left, *b = right;

	return strcmp(a->text, b->text);
}

static struct attributes read_attributes(int fd, const char *path)
{
	struct attributes attributes = {0};

	if (!each_xattr(fd, add_attribute, &attributes))
		die("%s: extended attributes:", path);
	if (attributes.count)
		qsort(attributes.list, attributes.count, sizeof *attributes.list,
		      compare_attributes);
	return attributes;
}

static void free_attributes(struct attributes *attributes)
{
	for (size_t i = 0; i < attributes->count; i++)
		free(attributes->list[i].text);
	free(attributes->list);
}

static bool same_attributes(int one, int two, const char *path)
{
	struct attributes a = read_attributes(one, path), b = read_attributes(two, path);
	bool same = a.count == b.count;

	for (size_t i = 0; same && i < a.count; i++)
		same = a.list[i].size == b.list[i].size &&
		       !memcmp(a.list[i].text, b.list[i].text, a.list[i].size);
	free_attributes(&a);
	free_attributes(&b);
	return same;
}

/* Where data begin in FD from AT on; SIZE if there are none: holes can be very large. */
static off_t next_data(int fd, off_t at, off_t size)
{
	off_t data = lseek(fd, at, SEEK_DATA);

	return data >= 0 ? data : errno == ENXIO ? size : at;
}

/* Do ONE and TWO, both of SIZE bytes, hold the same? */
static bool same_data(int one, int two, off_t size, const char *path)
{
	static char a[BLOCK], b[BLOCK];

	for (off_t at = 0; at < size;) {
		off_t in_one = next_data(one, at, size), in_two = next_data(two, at, size);
		at = in_one < in_two ? in_one : in_two;
		ssize_t length = pread(one, a, sizeof a, at), other = pread(two, b, sizeof b, at);
		if (length < 0 || other < 0)
			die("%s:", path);
		if (length != other || memcmp(a, b, (size_t)length) != 0)
			return false;
		if (!length)
			break;
		at += length;
	}
	return true;
}

/* Open the regular file or directory PATH of LAYER; -1 if it is none any more. */
static int open_file(int layer, const char *path)
{
	/* O_NONBLOCK: it may have become a fifo meanwhile. */
	int fd = open_in_root(layer, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0);
	struct stat st;

	if (fd < 0 && errno != ENOENT && errno != ELOOP)
		die("%s:", path);
	if (fd >= 0 && (fstat(fd, &st) || (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode)))) {
		close(fd);
		return -1;
	}
	return fd;
}

static void read_text(int layer, const char *path, char text[static PATH_MAX])
{
	int fd = open_in_root(layer, path, O_PATH | O_NOFOLLOW, 0);
	ssize_t size = fd < 0 ? -1 : readlinkat(fd, "", text, PATH_MAX - 1);

	text[size < 0 ? 0 : size] = '\0';
	if (fd >= 0)
		close(fd);
}

static bool same_links(int one, int two, const char *path)
{
	char a[PATH_MAX], b[PATH_MAX];

	read_text(one, path, a);
	read_text(two, path, b);
	return !strcmp(a, b);
}

static unsigned differ(const char *path, int one, const struct stat *a, int two,
		       const struct stat *b, bool content)
{
	unsigned result = 0;

	if (a->st_dev == b->st_dev && a->st_ino == b->st_ino)
		return 0;
	if ((a->st_mode ^ b->st_mode) & S_IFMT)
		return TYPE;
	if ((a->st_mode ^ b->st_mode) & 07777)
		result |= MODE;
	if (a->st_uid != b->st_uid || a->st_gid != b->st_gid)
		result |= OWNER;
	if (S_ISLNK(a->st_mode) && content && !same_links(one, two, path))
		result |= CONTENT;
	if ((S_ISCHR(a->st_mode) || S_ISBLK(a->st_mode)) && a->st_rdev != b->st_rdev)
		result |= CONTENT;
	if (!S_ISREG(a->st_mode) && !S_ISDIR(a->st_mode))
		return result;
	int first = open_file(one, path), second = open_file(two, path);
	if (first < 0 || second < 0)
		result |= TYPE; /* changed while we look */
	else if (!same_attributes(first, second, path))
		result |= XATTRS;
	if (S_ISREG(a->st_mode) && content &&
	    (a->st_size != b->st_size ||
	     (first >= 0 && second >= 0 && !same_data(first, second, a->st_size, path))))
		result |= CONTENT;
	if (first >= 0)
		close(first);
	if (second >= 0)
		close(second);
	return result;
}

unsigned difference(const char *path, int one, const struct stat *one_st, int two,
		    const struct stat *two_st)
{
	return differ(path, one, one_st, two, two_st, true);
}

unsigned attribute_difference(const char *path, int one, const struct stat *one_st, int two,
			      const struct stat *two_st)
{
	return differ(path, one, one_st, two, two_st, false);
}
