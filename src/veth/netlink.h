/* Requests to the kernel by rtnetlink(7), each answered before the next. */
#ifndef NETLINK_H
#define NETLINK_H

#include <linux/netlink.h>
#include <stddef.h>
#include <stdint.h>

/* A message in the making: the header, the fixed part that its type has, attributes. */
struct request {
	struct nlmsghdr header;
	char data[1024];
};

/* A socket of the network namespace that the process is in now, and stays of it. */
int open_netlink(void);

/* Begin a request of TYPE, whose fixed part is the SIZE bytes at FIXED. */
void begin(struct request *request, uint16_t type, uint16_t flags, const void *fixed, size_t size);

/* Add an attribute. One that holds others begins with nest(), and ends with end_nest() of what that
 * returned. */
void put(struct request *request, uint16_t type, const void *value, size_t size);
void put_number(struct request *request, uint16_t type, uint32_t value);
void put_text(struct request *request, uint16_t type, const char *text);
size_t nest(struct request *request, uint16_t type);
void end_nest(struct request *request, size_t start);

/* Like put(), without the header of an attribute. */
void put_raw(struct request *request, const void *value, size_t size);

/*
 * Send REQUEST by SOCKET and wait until it is done. 0, or the errno of the kernel; *REASON is what
 * it has to say about that then, for as long as nothing else is asked, or NULL.
 */
int ask(int socket, struct request *request, const char **reason);

#endif
