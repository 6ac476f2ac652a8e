/*
 * What a container is doing: by its processes, and what the shim has noted of the last run.
 */
#include "containers.h"

#include <stdlib.h>
#include <string.h>

/* Does the process live that the file NAME names, as "PID START"? */
static bool lives(int run, const char *name)
{
	char *line = file_line(run, name), *start = strchr(line, ' ');
	uint64_t pid, time;
	bool there;

	if (start)
		*start++ = '\0';
	there = start && is_number(line, 1, INT32_MAX, &pid) &&
		is_number(start, 0, UINT64_MAX, &time) && process_is((pid_t)pid, time);
	free(line);
	return there;
}

static bool has_ended(struct container *c)
{
	free(c->code);
	c->code = file_line(c->dir, "exit");
	return *c->code;
}

void find_state(struct container *c)
{
	bool alive = lives(c->run, "pid");

	c->state = "created";
	c->paused = false;
	if (alive && file_exists(c->dir, "started")) {
		c->state = "running";
		c->paused = file_exists(c->run, "paused");
	} else if (lives(c->run, "restarting")) {
		c->state = "restarting";
		has_ended(c);
	} else if (alive) {
		return; /* it waits for its start */
	} else if (has_ended(c)) {
		if (file_exists(c->dir, "finished")) /* or it could never be started */
			c->state = "exited";
	} else if (file_exists(c->dir, "started")) {
		/* It has ended; its shim, if it lives, is just writing down how. */
		if (lives(c->run, "shim"))
			c->state = "running";
		else
			c->state = has_ended(c) ? "exited" : "dead";
	}
}

const char *shown_state(const struct container *c)
{
	return c->paused ? "paused" : c->state;
}
