/*
 * Sets of capabilities as the kernel keeps them: bit N is capability N.
 * lockdown gives such a set, seccomp-compile opens the system calls that
 * belong to it, and both must come to the same set from the same options.
 */
#ifndef CAPABILITY_H
#define CAPABILITY_H

#include <stdint.h>

#define CAPABILITY_ALL UINT64_MAX

/*
 * The set that NAME stands for: one capability, with or without "CAP_", in
 * either case, or CAPABILITY_ALL for "ALL". Dies when there is none of that name.
 */
uint64_t capability_mask(const char *name);

/*
 * The set of a container for which ADD was asked for and DROP refused, by
 * Docker's rules: without ALL the default 14, less DROP, plus ADD; adding ALL
 * leaves only DROP out; dropping ALL leaves only ADD.
 */
uint64_t capability_set(uint64_t add, uint64_t drop);

#endif
