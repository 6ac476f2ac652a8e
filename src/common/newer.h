/*
 * mount(2), the system calls of its successors and pidfd_open(2): instead of
 * <sys/mount.h> and <sys/pidfd.h>, as glibc knows the new calls since 2.36 only
 * (Ubuntu 22.04 has 2.35).
 */
#ifndef NEWER_H
#define NEWER_H

#include <sys/mount.h>

#if __GLIBC_PREREQ(2, 36)
#include <sys/pidfd.h>
#else
#include <linux/mount.h> /* last: its MS_* are macros and would spoil the enum of sys/mount.h */
#include <sys/syscall.h>
#include <unistd.h>

static inline int fsopen(const char *type, unsigned flags)
{
	return (int)syscall(SYS_fsopen, type, flags);
}

static inline int fsconfig(int fs, unsigned command, const char *key, const void *value, int aux)
{
	return (int)syscall(SYS_fsconfig, fs, command, key, value, aux);
}

static inline int fsmount(int fs, unsigned flags, unsigned attributes)
{
	return (int)syscall(SYS_fsmount, fs, flags, attributes);
}

static inline int move_mount(int from_dir, const char *from, int to_dir, const char *to,
			     unsigned flags)
{
	return (int)syscall(SYS_move_mount, from_dir, from, to_dir, to, flags);
}

static inline int open_tree(int dir, const char *path, unsigned flags)
{
	return (int)syscall(SYS_open_tree, dir, path, flags);
}

static inline int mount_setattr(int dir, const char *path, unsigned flags, struct mount_attr *attr,
				size_t size)
{
	return (int)syscall(SYS_mount_setattr, dir, path, flags, attr, size);
}

static inline int pidfd_open(pid_t pid, unsigned flags)
{
	return (int)syscall(SYS_pidfd_open, pid, flags);
}
#endif

#endif
