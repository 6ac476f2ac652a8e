/* The parts of attach, and what each offers to the others. */
#ifndef ATTACH_PARTS_H
#define ATTACH_PARTS_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>

/* ---- attach.c ---- */

/*
 * Write "VERB FIRST SECOND" to the shim's fifo; what fails, fails silently. A
 * signal handler may call it.
 */
void control_send(const char *verb, unsigned first, unsigned second);

/* ---- terminal.c: our terminal ---- */

/*
 * Pass the size of our terminal on, now and when it changes; with RAW also make
 * standard input raw until terminal_restore() or the end, whatever ends us.
 * Dies on error.
 */
void terminal_begin(bool raw);

/* Pass the size on if it changed; then poll(2), which a further change interrupts. */
int terminal_poll(struct pollfd *entries, nfds_t count, int milliseconds);

/* Set the terminal as it was. A signal handler may call it. */
void terminal_restore(void);

/* ---- keys.c: the keys that detach ---- */

enum { KEYS_MAX = 32 }; /* keys in a sequence at most */

/* Set the sequence, in Docker's form: "ctrl-p,ctrl-q". Dies if it is none. */
void keys_parse(const char *text);

/*
 * Copy SIZE bytes of INPUT to OUTPUT (room for KEYS_MAX more), holding back at the
 * end what may be the beginning of the sequence. The number of bytes in OUTPUT.
 */
size_t keys_filter(const char *input, size_t size, char *output);

/* True when the whole sequence has been typed. */
bool keys_complete(void);

/* True when something is held back. */
bool keys_held(void);

/* Give up what is held back: copied to OUTPUT; the number of bytes. */
size_t keys_flush(char *output);

#endif
