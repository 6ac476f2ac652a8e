/*
 * What the fuzz targets share. The code under test ends the program when its input
 * is bad, and that is right; here it ends the attempt: harness.c has die() and its kin
 * in place of src/common/message.c.
 */
#ifndef HARNESS_H
#define HARNESS_H

#include <setjmp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where die() goes: if (!setjmp(refused)) { what may die } */
extern jmp_buf refused;

/* An input has done what none may do: say so, abort. */
_Noreturn void broken(const char *what, const char *detail);

/* libFuzzer calls these. */
int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
