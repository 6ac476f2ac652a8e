/* What format, dockerfile and describe need of UTF-8. */
#ifndef UTF8_H
#define UTF8_H

#include <stddef.h>
#include <stdint.h>

/* The size of the character at AT, which is before END; 0 if it is no UTF-8. */
size_t utf8_size(const char *at, const char *end);

/* The character at AT of SIZE bytes. */
uint32_t utf8_character(const char *at, size_t size);

#endif
