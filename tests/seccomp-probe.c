/*
 * Ask the kernel what a compiled filter says of system calls, without making any:
 *
 *	seccomp-probe FILTER 64|32|x32 FIRST LAST [ARG0 [ARG1 [ARG2]]]
 *
 * prints "NUMBER ERRNO" for each that the filter refuses. First comes a filter of
 * our own that ends each call whose sixth argument is MARK with errno ALLOWED; of
 * two filters that both set errno the kernel takes the later one's, seccomp(2), so
 * what shows through is a refusal by FILTER.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { MARK = 0x5eccc0de, ALLOWED = 4002 };

static void install(struct sock_filter *program, size_t length)
{
	struct sock_fprog filter = {(unsigned short)length, program};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter)) {
		perror("seccomp");
		exit(1);
	}
}

/* A call by the table of 32-bit programs, as any 64-bit program can make it. */
static long call_32(long number, const unsigned long *arg)
{
	int result;

	__asm__ volatile("push %%rbp\n\tmov %[mark], %%ebp\n\tint $0x80\n\tpop %%rbp"
			 : "=a"(result)
			 : "a"((int)number), "b"((int)arg[0]), "c"((int)arg[1]), "d"((int)arg[2]),
			   "S"(0), "D"(0), [mark] "i"(MARK)
			 : "memory", "r8", "r9", "r10", "r11");
	return result;
}

int main(int argc, char *argv[])
{
	static struct sock_filter program[BPF_MAXINSNS];
	struct sock_filter marked[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[5])),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, MARK, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ALLOWED),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	unsigned long arg[3] = {0};

	if (argc < 5)
		return 2;
	int fd = open(argv[1], O_RDONLY);
	ssize_t size = read(fd, program, sizeof program);
	if (size <= 0)
		return 2;
	for (int i = 5; i < argc && i < 8; i++)
		arg[i - 5] = strtoul(argv[i], NULL, 0);
	install(marked, sizeof marked / sizeof *marked);
	install(program, (size_t)size / sizeof *program);
	for (long n = strtol(argv[3], NULL, 0); n <= strtol(argv[4], NULL, 0); n++) {
		long result;
		if (n == 335 && !strcmp(argv[2], "64"))
			continue; /* uretprobe: filters are not asked, and a call by us means SIGILL
				   */
		if (!strcmp(argv[2], "32")) {
			result = call_32(n, arg);
		} else {
			result = syscall(n | (strcmp(argv[2], "x32") ? 0 : 0x40000000L), arg[0],
					 arg[1], arg[2], 0UL, 0UL, (unsigned long)MARK);
			result = result < 0 ? -errno : result;
		}
		/* The mark must not stay in a register, for the next real call to carry. */
		syscall(SYS_getpid, 0UL, 0UL, 0UL, 0UL, 0UL, 0UL);
		if (result != -ALLOWED)
			printf("%ld %ld\n", n, -result);
	}
	return 0;
}
