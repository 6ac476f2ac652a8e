/*
 * lend-agent: lend the keys of an ssh-agent(1), and no more than that. Who connects to the socket
 * that it makes gets the list of the keys, and signatures; whatever else one can ask an agent for
 * (to add keys, to remove or lock them, extensions) is answered with the protocol's own "failure"
 * (draft-ietf-sshm-ssh-agent).
 *
 * An agent only talks to its own user and to root. So this is also what a process in a user
 * namespace needs, who is neither.
 */
#define _GNU_SOURCE
#include "common.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const char usage[] =
	"usage: lend-agent AGENT SOCKET\n"
	"\n"
	"Make SOCKET, on which the ssh agent of the socket AGENT can be asked for the list of its\n"
	"keys and for signatures, and for nothing else. Prints \"ready\" when it is there. Ends "
	"with\n"
	"the process that started it.\n"
	"\n"
	"  -h, --help\n";

enum { LIST = 11, SIGN = 13, FAILURE = 5 }; /* kinds of messages */
enum {
	LENGTH = 4,		  /* bytes before each message: how many follow */
	MESSAGE_MAX = 256 * 1024, /* as OpenSSH's */
	CONNECTIONS = 16	  /* at a time: a process each */
};

struct message {
	size_t size; /* of all, with the length */
	unsigned char data[LENGTH + MESSAGE_MAX];
};

static int new_socket(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		die("socket:");
	return fd;
}

/* Only for who made it, until he says otherwise. */
static int listen_at(const char *path)
{
	char *directory = xstrdup(path), *slash = strrchr(directory, '/');
	const char *name = slash ? path + (slash - directory) + 1 : path;
	int fd = new_socket(), dir;

	if (slash)
		*slash = '\0';
	dir = open(!slash		? "."
		   : slash == directory ? "/"
					: directory,
		   O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		die("%s:", path);
	struct sockaddr_un address = socket_address(dir, name);
	umask(0177);
	if (bind(fd, (struct sockaddr *)&address, sizeof address) || listen(fd, CONNECTIONS))
		die("%s:", path);
	close(dir);
	free(directory);
	return fd;
}

static int connect_to(const char *path)
{
	int file = open(path, O_PATH | O_CLOEXEC), fd = new_socket();

	if (file < 0)
		die("%s:", path);
	struct sockaddr_un address = socket_address(file, "");
	if (connect(fd, (struct sockaddr *)&address, sizeof address))
		die("%s:", path);
	close(file);
	return fd;
}

static bool receive(int fd, unsigned char *data, size_t size)
{
	return recv(fd, data, size, MSG_WAITALL) == (ssize_t)size;
}

/* False at the end, or when it is no message. */
static bool read_message(int fd, struct message *message)
{
	const unsigned char *length = message->data;

	if (!receive(fd, message->data, LENGTH))
		return false;
	size_t size = (size_t)length[0] << 24 | (size_t)length[1] << 16 | (size_t)length[2] << 8 |
		      length[3];
	message->size = LENGTH + size;
	return size && size <= MESSAGE_MAX && receive(fd, message->data + LENGTH, size);
}

/* What CLIENT asks, and what the agent of the socket PATH answers. */
static void serve(int client, const char *path)
{
	static const unsigned char failure[] = {0, 0, 0, 1, FAILURE};
	static struct message message;
	int agent = connect_to(path);

	while (read_message(client, &message)) {
		if (message.data[LENGTH] != LIST && message.data[LENGTH] != SIGN) {
			memcpy(message.data, failure, sizeof failure);
			message.size = sizeof failure;
		} else if (!write_all(agent, message.data, message.size) ||
			   !read_message(agent, &message)) {
			return;
		}
		if (!write_all(client, message.data, message.size))
			return;
	}
}

/* Whoever lends keys is gone, or was before this could be asked for: nobody may use them any more.
 */
static void end_with(pid_t parent)
{
	if (prctl(PR_SET_PDEATHSIG, SIGKILL))
		die("prctl:");
	if (getppid() != parent)
		die("who lends the keys has ended");
}

/* For each connection a process: who sends half a message keeps nobody else waiting. */
static _Noreturn void lend(int listener, const char *path)
{
	const pid_t self = getpid();

	for (int count = 0;;) {
		while (count && waitpid(-1, NULL, count == CONNECTIONS ? 0 : WNOHANG) > 0)
			count--;
		int client = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		if (client < 0 && (errno == EINTR || errno == ECONNABORTED))
			continue;
		pid_t child = client < 0 ? -1 : fork();
		if (child < 0)
			die("a connection:");
		if (!child) {
			end_with(self);
			close(listener);
			serve(client, path);
			exit(0);
		}
		close(client);
		count++;
	}
}

int main(int argc, char **argv)
{
	static const struct option options[] = {{"help", no_argument, NULL, 'h'}, {0}};

	const pid_t parent = getppid();

	tool = "lend-agent";
	for (int c; (c = getopt_long(argc, argv, "+h", options, NULL)) != -1;) {
		if (c == 'h')
			help(usage);
		usage_error("bad option");
	}
	if (argc - optind != 2)
		usage_error("give AGENT and SOCKET");
	end_with(parent);
	(void)signal(SIGPIPE, SIG_IGN);
	close(connect_to(argv[optind])); /* is one there? */
	int listener = listen_at(argv[optind + 1]);
	puts("ready");
	close_stdout();
	lend(listener, argv[optind]);
}
