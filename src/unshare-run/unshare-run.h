/* What the parts of unshare-run share: the plan that the options make, and who carries it out. */
#ifndef UNSHARE_RUN_H
#define UNSHARE_RUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { KINDS = 8 };

/* One kind of namespace: its name in /proc/PID/ns, its long option, its CLONE_NEW* flag. */
struct kind {
	const char *name, *option;
	int flag;
};
extern const struct kind kinds[KINDS];

/* Which of the default protections are wanted: --defaults. */
enum { MOUNTS = 1, DEVICES = 2, MASK = 4, READONLY = 8 };

/* Something that the user wants in the root, in the order of the options. */
struct request {
	enum { BIND, TMPFS, DEVICE, DIRECTORY } kind;
	const char *source;	    /* BIND: path or fd:N; DEVICE: path on the host */
	const char *target;	    /* path in the root */
	const char *options;	    /* TMPFS: options as for mount(8), or NULL */
	const char *subpath;	    /* BIND: the part of the source that is meant, or NULL */
	bool read_only;		    /* BIND */
	bool below, writable_below; /* BIND: with what is mounted below; that not read-only */
	uint64_t propagation;	    /* BIND: MS_PRIVATE, MS_SLAVE or MS_SHARED */
	int tree;		    /* BIND: the source as a detached mount, or -1 */
};

struct plan {
	int create, join;	  /* CLONE_NEW* flags of the namespaces to make and to enter */
	const char *files[KINDS]; /* --net=FILE and so on, in the order of kinds[] */
	const char *process;	  /* --join: PID[:STARTTIME] */
	int pidfd;		  /* that process */
	bool user_joined;	  /* the user namespace, ahead of the others */
	char *uid_map, *gid_map;  /* lines for /proc/PID/uid_map; NULL for the default */
	const char *root;	  /* path or fd:N; NULL: stay in the tree as it is */
	int root_tree;		  /* the same as a detached mount, or -1 */
	unsigned defaults;
	bool rw_sys, all_devices, read_only, dockerenv, carry;
	const char *shm_size, *hostname, *domainname;
	struct request *requests;
	size_t request_count;
	const char **sysctls; /* KEY=VALUE, NULL at the end */
	const char *pid_file, *start;
	int start_fd; /* the fifo of --start, or -1 */
	int tty;      /* socket that the pty's master goes to, or -1 */
	int tty_copy; /* descriptor besides 0 and 1 that becomes the pty's slave, or -1 */
	char **arguments, **command; /* all of ours; those after the options */
	int command_fd;		     /* --carry: sealed copy of the command, or -1 */
	int group;		     /* --cgroup-fd: directory of a cgroup v2 group, or -1 */
	bool in_group;		     /* already, from the fork on */
};

/* ---- options.c ---- */

/* Turn the command line into a plan; dies on what is wrong. */
void read_options(struct plan *plan, int argc, char **argv);

/* ---- namespaces.c ---- */

/*
 * Is our child to be seen, from its first moment on, by others who may look into
 * it? In a PID namespace that is joined they see it. A user namespace would keep
 * them out: who is non-dumpable is open only to CAP_SYS_PTRACE in the user namespace
 * that it was executed in, ptrace(2).
 */
bool is_in_sight(const struct plan *plan);

/*
 * Enter the namespaces to be joined, except the mount namespace and, while we
 * are privileged, the user namespace, or the PID namespace if the child is in
 * sight: the caller goes on to see the host.
 */
void join_outside(struct plan *plan);

/*
 * If namespaces are to be made too: enter the user namespace that is to be
 * joined, as it is to own them, and give the detached mounts its ids first.
 */
void join_user_first(struct plan *plan);

/* Enter the rest of them: to be called in the child, or before it if it is in sight. */
void join_inside(struct plan *plan);

/*
 * Write the id maps of CHILD, which has just been made with a user namespace
 * of its own; then give the detached mounts of the plan the same map.
 */
void map_child(struct plan *plan, pid_t child);

/* Become user and group 0 of the user namespace, if it has them. */
void become_root(void);

/* ---- mounts.c: mounts that are not yet anywhere, and where to put them ---- */

/*
 * A new detached file system of TYPE, with OPTIONS as for mount(8), NULL for
 * none. Attributes in CLEAR (MOUNT_ATTR_*) are left out even if OPTIONS has
 * them. -1 with errno on error.
 */
int new_filesystem(const char *type, const char *options, uint64_t clear);

/*
 * A detached copy of the host's mounts at PATH, with those of the OPTIONS that
 * are attributes of mounts, except CLEAR. -1 with errno if there is no PATH.
 */
int host_filesystem(const char *path, const char *options, uint64_t clear);

/*
 * A detached copy of the mount at PATH below DIRFD, and, if RECURSIVE is AT_RECURSIVE and
 * not 0, of those below it. -1 with errno.
 */
int clone_tree(int dirfd, const char *path, int recursive);

/* Make the detached TREE read-only, and with AT_RECURSIVE all of its mounts; false with errno. */
bool make_read_only(int tree, int recursive);

/*
 * Open PATH inside ROOT (O_PATH) as the place of a mount. A missing one is
 * made, with its parents: a directory (0755) or an empty file (0644). Nothing
 * outside ROOT is touched, whatever symbolic links it has. Dies on error.
 */
int open_target(int root, const char *path, bool directory);

/* Open PATH inside ROOT as open_target() does, but it must be a directory and no symbolic link. */
int open_plain_directory(int root, const char *path);

/*
 * Open NAME, one component, in the directory DIR (O_PATH) as the place of a
 * file's mount; an empty file is made if there is nothing. Dies if it is a
 * link or a directory.
 */
int open_plain_file(int dir, const char *name);

/* Put the detached TREE onto TARGET (a descriptor), close TREE. PATH is for messages. */
void attach(int tree, int target, const char *path);

/* ---- root.c ---- */

/* Open what the plan mounts from the host, as far as we may here. */
void open_sources(struct plan *plan);

/* Build the root, enter it and drop the old one. To be called in the new mount namespace. */
void build_root(struct plan *plan);

/* ---- devices.c ---- */

/* Fill /dev of ROOT: the default nodes and links. */
void default_devices(int root);

/* Make the node (or all nodes of the directory) SOURCE of the host available as TARGET in ROOT. */
void add_device(int root, const char *source, const char *target);

/* ---- masks.c ---- */

/* Cover the files of /proc and /sys in ROOT that tell about the host. */
void mask_paths(int root);

/* Make the parts of /proc in ROOT that change the host read-only. */
void protect_paths(int root);

/* ---- cgroup.c ---- */

/* Take the descriptor FD for the plan, if it is the directory of a cgroup v2 group. */
void take_group(struct plan *plan, int fd);

/* Of the namespaces to be made, all that do not have to wait for the group. */
int namespaces_at_once(const struct plan *plan);

/* clone3(2) with ARGS, into the plan's group if there is one and it can be. */
struct clone_args;
pid_t fork_into_group(struct plan *plan, struct clone_args *args);

/*
 * Enter the plan's group, if we are not in it, close its directory and make the
 * cgroup namespace.
 */
void enter_group(const struct plan *plan);

/* ---- settings.c: what belongs to the new namespaces and is no mount ---- */

/* Host name, loopback interface and sysctls. To be called in the new namespaces. */
void apply_settings(const struct plan *plan);

/* ---- tty.c ---- */

/*
 * Open a pty in the devpts that is at /dev/pts in ROOT, send its master over
 * the plan's socket and make its slave our controlling terminal, descriptors 0, 1
 * and the plan's tty_copy.
 */
void open_terminal(const struct plan *plan, int root);

/* ---- carry.c ---- */

/* Copy the executable NAME, found along PATH, to a sealed memory file. Dies on error. */
int carry_command(const char *name);

/* Let the descriptor FD be a sealed copy in memory of the file that it is. Dies on error. */
void seal_descriptor(int fd);

/* Execute ourselves with ARGUMENTS from such a copy, unless we are one; then return. */
void run_from_memory(char *const arguments[]);

#endif
