/*
 * Users and groups by the container's own files. They are read here and not by
 * getpwnam(3), which would load the container's plug-ins (NSS) into a process
 * that still has all privileges (CVE-2019-14271), and believes all it reads.
 */
#define _GNU_SOURCE
#include "lockdown.h"

#include "common.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_FILE = 4 << 20, MAX_ID = INT_MAX };

/*
 * The lines of a file of the container, as one text; "" if it has none. Only a
 * regular file will do: a fifo would block us, a device do anything.
 */
static char *read_lines(const char *path)
{
	int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	int fd = open_in_root(root, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
	struct stat st;
	char *text;

	close(root);
	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		return xstrdup("");
	if (fd < 0 || fstat(fd, &st))
		die("%s:", path);
	if (!S_ISREG(st.st_mode))
		die("%s: not a regular file", path);
	text = read_all(fd, MAX_FILE, NULL, path);
	close(fd);
	return text;
}

/*
 * Take the next line off *TEXT and split it at its colons into COUNT fields.
 * Lines of other shapes are passed over. False at the end.
 */
static bool next_entry(char **text, char *fields[], size_t count)
{
	char *line;

	while ((line = strsep(text, "\n"))) {
		size_t n = 0;
		while (n < count && line)
			fields[n++] = strsep(&line, ":");
		if (n == count)
			return true;
	}
	return false;
}

static bool is_id(const char *text, uint32_t *id)
{
	uint64_t value;

	if (!is_number(text, 0, MAX_ID, &value))
		return false;
	*id = (uint32_t)value;
	return true;
}

/*
 * True if TEXT is an id, false if it is a name. A number that is not an id must
 * not be tried as a name: an image can have a root user "4294967296"
 * (CVE-2024-40635, CVE-2026-46680).
 */
static bool is_id_argument(const char *what, const char *text, uint32_t *id)
{
	if (!*text)
		die("empty %s name", what);
	if (text[strspn(text, "+-0123456789")])
		return false;
	if (!is_id(text, id))
		die("%s %s: ids are numbers from 0 to %d", what, text, MAX_ID);
	return true;
}

/* Fill in USER from the first entry of its name, or, if NAME is NULL, of its id. */
static void read_passwd(const char *name, struct user *user)
{
	char *text = read_lines("/etc/passwd"), *rest = text, *field[7];
	uint32_t uid = 0, gid = 0;

	while (next_entry(&rest, field, 6)) {
		bool valid = is_id(field[2], &uid) && is_id(field[3], &gid);
		if (name ? strcmp(field[0], name) != 0 : !valid || uid != user->uid)
			continue;
		if (!valid)
			die("user %s: no valid ids in /etc/passwd", name);
		user->uid = uid;
		user->gid = gid;
		user->name = xstrdup(field[0]);
		if (field[5][0] == '/')
			user->home = xstrdup(field[5]);
		break;
	}
	free(text);
	if (name && !user->name)
		die("unable to find user %s: no matching entries in passwd file", name);
}

static void append_group(struct user *user, gid_t gid)
{
	if (!(user->group_count & (user->group_count - 1)))
		user->groups =
			xrealloc(user->groups, (2 * user->group_count + 1) * sizeof *user->groups);
	user->groups[user->group_count++] = gid;
}

/* True if NAME is in a comma-separated list. */
static bool is_member(char *list, const char *name)
{
	char *member;

	while ((member = strsep(&list, ",")))
		if (!strcmp(member, name))
			return true;
	return false;
}

static void read_memberships(struct user *user)
{
	char *text = read_lines("/etc/group"), *rest = text, *field[4];
	uint32_t gid;

	while (next_entry(&rest, field, 4))
		if (is_member(field[3], user->name) && is_id(field[2], &gid))
			append_group(user, gid);
	free(text);
}

static gid_t find_group(const char *name)
{
	char *text, *rest, *field[3];
	uint32_t gid;

	if (is_id_argument("group", name, &gid))
		return gid;
	rest = text = read_lines("/etc/group");
	while (next_entry(&rest, field, 3))
		if (!strcmp(field[0], name) && is_id(field[2], &gid)) {
			free(text);
			return gid;
		}
	die("unable to find group %s: no matching entries in group file", name);
}

void find_user(const char *text, struct user *user)
{
	char *name = xstrdup(text), *group = strchr(name, ':');

	*user = (struct user){.home = "/"};
	if (group)
		*group++ = '\0';
	/* An empty part was not given (moby/sys user.GetExecUser): root; the user's own group. */
	if (group && !*group)
		group = NULL;
	read_passwd((!*name && group) || is_id_argument("user", name, &user->uid) ? NULL : name,
		    user);
	if (group)
		user->gid = find_group(group);
	append_group(user, user->gid);
	if (!group && user->name)
		read_memberships(user);
	free(name);
}

void current_user(struct user *user)
{
	*user = (struct user){.uid = getuid(), .home = "/"};
	read_passwd(NULL, user);
	user->gid = getgid();
}

void add_group(struct user *user, const char *text)
{
	append_group(user, find_group(text));
}
