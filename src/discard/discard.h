/* discard: what its two files share. */
#ifndef DISCARD_H
#define DISCARD_H

#include <stdbool.h>

/*
 * Remove the file or directory PATH with all that is in it, tree.c. What is not there, or goes
 * meanwhile, is removed. False after a warning for each that cannot be.
 */
bool remove_tree(const char *path);

#endif
