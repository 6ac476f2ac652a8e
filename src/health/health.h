/* The parts of health: one check, and what is written down of it. */
#ifndef HEALTH_H
#define HEALTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes of a check's output that are kept, as Docker does. */
enum { OUTPUT_KEPT = 4096 };

/* ---- health.c ---- */

enum rested { RESTED_TIME, RESTED_INPUT, RESTED_ENDED };

/*
 * Wait MS milliseconds, or until the descriptor INPUT (-1: none) has input, or the command
 * of the check ended. Ends the program when the container ends.
 */
enum rested rest(int64_t ms, int input);

/* ---- check.c ---- */

/*
 * Run COMMAND once, for at most TIMEOUT milliseconds, and record the result. True if it
 * was healthy.
 */
bool check(char *const command[], int64_t timeout);

/*
 * Collect children that ended; true when the command was among them. Others come to us when
 * their parent, a link of the chain, was killed. They must not wait: the first process of their
 * PID namespace ends only when they are gone, and we wait for that one.
 */
bool check_reap(void);

/* Undo for a child what was done to signals. */
void restore_signals(void);

/* End the command, if it runs: nothing of it is left afterwards. */
void check_end(void);

/* ---- record.c ---- */

/* Write into the directory PATH from now on; what an earlier run left goes. Dies on error. */
void record_open(const char *path);

/* The files "status" and "streak". A full disk is not told to anybody: the next check tries again.
 */
void record_status(const char *status, uint64_t streak);

/* One of the files result.0 to result.4, in turn: START END STATUS in the first line, then OUTPUT.
 */
void record_result(const char *start, const char *end, int status, const char *output, size_t size);

#endif
