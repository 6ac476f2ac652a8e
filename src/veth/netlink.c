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
	static const struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

	if (fd < 0)
		die("netlink socket:");
	/* Who is root of the namespace could send us "answers", too: now the kernel refuses them.
	 */
	if (connect(fd, (const struct sockaddr *)&kernel, sizeof kernel))
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

/* The words in ANSWER, NULL if it has none. All of its length has been received. */
static const char *words_of(struct nlmsghdr *answer)
{
	const struct nlmsgerr *error = NLMSG_DATA(answer);
	size_t before = sizeof *error, size = NLMSG_PAYLOAD(answer, 0);

	if (!(answer->nlmsg_flags & NLM_F_ACK_TLVS))
		return NULL;
	if (!(answer->nlmsg_flags & NLM_F_CAPPED)) { /* then our request follows */
		if (error->msg.nlmsg_len < sizeof error->msg || error->msg.nlmsg_len > size)
			return NULL;
		before += error->msg.nlmsg_len - sizeof error->msg;
	}
	before = NLMSG_ALIGN(before);
	if (size < before)
		return NULL;
	struct rtattr *attribute = (struct rtattr *)((char *)error + before);
	for (int left = (int)(size - before); RTA_OK(attribute, left);
	     attribute = RTA_NEXT(attribute, left))
		if ((attribute->rta_type & NLA_TYPE_MASK) == NLMSGERR_ATTR_MSG &&
		    memchr(RTA_DATA(attribute), '\0', RTA_PAYLOAD(attribute)))
			return RTA_DATA(attribute);
	return NULL;
}

/*
 * Receive the kernel's answer to request number SEQUENCE, of at most ROOM bytes. What others have
 * sent before we were connected, or the kernel to something else, is passed over.
 */
static void receive(int socket, uint32_t sequence, struct nlmsghdr *answer, size_t room)
{
	struct sockaddr_nl from = {.nl_pid = UINT32_MAX};
	ssize_t size;

	do {
		socklen_t length = sizeof from;
		size = recvfrom(socket, answer, room, 0, (struct sockaddr *)&from, &length);
		if (size < 0 && errno != EINTR)
			die("no answer from the kernel:");
	} while (size < (ssize_t)sizeof *answer || from.nl_pid || answer->nlmsg_seq != sequence);
	if (answer->nlmsg_type != NLMSG_ERROR || answer->nlmsg_len > (size_t)size ||
	    answer->nlmsg_len < NLMSG_LENGTH(sizeof(struct nlmsgerr)))
		die("not an answer of the kernel");
}

int ask(int socket, struct request *request, const char **reason)
{
	static struct {
		struct nlmsghdr header;
		char data[4096];
	} answer;
	static uint32_t sequence;
	const struct nlmsgerr *error = NLMSG_DATA(&answer.header);

	*reason = NULL;
	request->header.nlmsg_seq = ++sequence;
	if (send(socket, request, request->header.nlmsg_len, 0) < 0)
		die("ask the kernel:");
	receive(socket, sequence, &answer.header, sizeof answer);
	*reason = words_of(&answer.header);
	return -error->error;
}
