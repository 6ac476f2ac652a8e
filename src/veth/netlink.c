/* Messages of rtnetlink(7): a header, a fixed part, attributes of a length, a type and a value. */
#define _GNU_SOURCE
#include "netlink.h"

#include "common.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int open_netlink(void)
{
	static const int on = 1;
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

	if (fd < 0)
		die("netlink socket:");
	/* Answers then have words, and not our request once more. Older kernels have neither. */
	(void)setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof on);
	(void)setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof on);
	return fd;
}

void put_raw(struct request *request, const void *value, size_t size)
{
	size_t at = NLMSG_ALIGN(request->header.nlmsg_len), end = at + NLMSG_ALIGN(size);

	if (end > sizeof *request)
		die("too much for one request");
	memset((char *)request + at, 0, end - at);
	if (size)
		memcpy((char *)request + at, value, size);
	request->header.nlmsg_len = (uint32_t)(at + size);
}

void begin(struct request *request, uint16_t type, uint16_t flags, const void *fixed, size_t size)
{
	request->header = (struct nlmsghdr){
		.nlmsg_len = NLMSG_HDRLEN,
		.nlmsg_type = type,
		.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | flags,
	};
	put_raw(request, fixed, size);
}

size_t nest(struct request *request, uint16_t type)
{
	struct rtattr attribute = {.rta_len = RTA_LENGTH(0), .rta_type = type};
	size_t start = NLMSG_ALIGN(request->header.nlmsg_len);

	put_raw(request, &attribute, sizeof attribute);
	return start;
}

void end_nest(struct request *request, size_t start)
{
	uint16_t size =
		(uint16_t)(request->header.nlmsg_len - start); /* rta_len, its first field */

	memcpy((char *)request + start, &size, sizeof size);
}

void put(struct request *request, uint16_t type, const void *value, size_t size)
{
	size_t start = nest(request, type);

	put_raw(request, value, size);
	end_nest(request, start);
}

void put_number(struct request *request, uint16_t type, uint32_t value)
{
	put(request, type, &value, sizeof value);
}

void put_text(struct request *request, uint16_t type, const char *text)
{
	put(request, type, text, strlen(text) + 1);
}

/* The words in an answer of SIZE bytes, NULL if it has none. */
static const char *words_of(struct nlmsghdr *answer)
{
	struct nlmsgerr *error = NLMSG_DATA(answer);
	size_t before = sizeof *error, size = NLMSG_PAYLOAD(answer, 0);

	if (!(answer->nlmsg_flags & NLM_F_ACK_TLVS))
		return NULL;
	if (!(answer->nlmsg_flags & NLM_F_CAPPED))
		before += error->msg.nlmsg_len - sizeof error->msg;
	if (size < before)
		return NULL;
	struct rtattr *attribute = (struct rtattr *)((char *)error + NLMSG_ALIGN(before));
	for (int left = (int)(size - before); RTA_OK(attribute, left);
	     attribute = RTA_NEXT(attribute, left))
		if ((attribute->rta_type & NLA_TYPE_MASK) == NLMSGERR_ATTR_MSG)
			return RTA_DATA(attribute);
	return NULL;
}

int ask(int socket, struct request *request, const char **reason)
{
	static struct {
		struct nlmsghdr header;
		char data[4096]; /* the last byte stays 0 */
	} answer;
	struct nlmsgerr *error = NLMSG_DATA(&answer.header);
	ssize_t size;

	*reason = NULL;
	if (send(socket, request, request->header.nlmsg_len, 0) < 0)
		die("ask the kernel:");
	do
		size = recv(socket, &answer, sizeof answer - 1, 0);
	while (size < 0 && errno == EINTR);
	if (size < (ssize_t)NLMSG_LENGTH(sizeof *error) || answer.header.nlmsg_type != NLMSG_ERROR)
		die("no answer from the kernel");
	*reason = words_of(&answer.header);
	return -error->error;
}
