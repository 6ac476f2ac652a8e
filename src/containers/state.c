/*
 * What a container is doing: by its processes, and what the shim has noted of the last run.
 */
#include "containers.h"

#include <stdlib.h>
#include <string.h>

static bool has_ended(struct container *c)
{
	free(c->code);
	c->code = file_line(c->dir, "exit");
	return *c->code;
}

void find_state(struct container *c)
{
	bool alive = noted_process_is(c->run, "pid");

	c->state = "created";
	c->paused = false;
	if (alive && file_exists(c->dir, "started")) {
		c->state = "running";
		c->paused = file_exists(c->run, "paused");
	} else if (noted_process_is(c->run, "restarting")) {
		c->state = "restarting";
		has_ended(c);
	} else if (alive) {
		return; /* it waits for its start */
	} else if (has_ended(c)) {
		if (file_exists(c->dir, "finished")) /* or it could never be started */
			c->state = "exited";
	} else if (file_exists(c->dir, "started")) {
		/* It has ended; its shim, if it lives, is just writing down how. */
		if (noted_process_is(c->run, "shim"))
			c->state = "running";
		else
			c->state = has_ended(c) ? "exited" : "dead";
	}
}

const char *shown_state(const struct container *c)
{
	return c->paused ? "paused" : c->state;
}
