/*
 * File modes as chmod(1) takes them.
 */
#define _GNU_SOURCE
#include "tar.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { ALL = S_ISUID | S_ISGID | 0777, EXECUTE = 0111 };

/* Whose bits a clause is about: "ug" at *AT; all if it says nothing. */
static mode_t read_who(const char **at)
{
	for (mode_t bits = 0;; (*at)++)
		switch (**at) {
		case 'u':
			bits |= S_ISUID | S_IRWXU;
			break;
		case 'g':
			bits |= S_ISGID | S_IRWXG;
			break;
		case 'o':
			bits |= S_IRWXO;
			break;
		case 'a':
			bits |= ALL;
			break;
		default:
			return bits ? bits : ALL;
		}
}

/* What everybody would get by "rwX" or "g" at *AT: letters, or what MODE has for one of the three.
 */
static mode_t read_what(const char **at, mode_t mode, bool executable)
{
	for (mode_t bits = 0;; (*at)++)
		switch (**at) {
		case 'r':
			bits |= 0444;
			break;
		case 'w':
			bits |= 0222;
			break;
		case 'x':
			bits |= EXECUTE;
			break;
		case 'X':
			bits |= executable ? EXECUTE : 0;
			break;
		case 's':
			bits |= S_ISUID | S_ISGID;
			break;
		case 't':
			bits |= S_ISVTX;
			break;
		case 'u':
			bits |= (mode >> 6 & 7) * 0111;
			break;
		case 'g':
			bits |= (mode >> 3 & 7) * 0111;
			break;
		case 'o':
			bits |= (mode & 7) * 0111;
			break;
		default:
			return bits;
		}
}

bool change_mode(const char *text, bool directory, mode_t *result)
{
	mode_t mode = *result;
	bool executable = directory || (mode & EXECUTE);
	size_t digits = strspn(text, "01234567");

	if (digits) {
		*result = (mode_t)strtoul(text, NULL, 8);
		return digits <= 5 && !text[digits] && *result <= 07777;
	}
	do {
		mode_t who = read_who(&text), sticky = who == S_IRWXO ? 0 : S_ISVTX;
		if (!*text || !strchr("+-=", *text))
			return false;
		while (*text && strchr("+-=", *text)) {
			char change = *text++;
			mode_t what = read_what(&text, mode, executable) & (who | sticky);
			if (change == '=')
				mode &= ~who;
			mode = change == '-' ? mode & ~what : mode | what;
		}
	} while (*text++ == ',');
	*result = mode;
	return !text[-1];
}
