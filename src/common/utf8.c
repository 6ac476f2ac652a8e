/* Characters of UTF-8, as strict as RFC 3629: none too long, no surrogates. */
#include "utf8.h"

size_t utf8_size(const char *at, const char *end)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	unsigned char first = (unsigned char)*at;
	size_t size = first < 0x80   ? 1
		      : first < 0xc2 ? 0
		      : first < 0xe0 ? 2
		      : first < 0xf0 ? 3
		      : first < 0xf5 ? 4
				     : 0;

	if (size > (size_t)(end - at))
		return 0;
	for (size_t i = 1; i < size; i++)
		if ((at[i] & 0xc0) != 0x80)
			return 0;
	if (size < 2)
		return size;
	uint32_t character = utf8_character(at, size);
	if (character < least[size] || character > 0x10ffff ||
	    (character >= 0xd800 && character < 0xe000))
		return 0;
	return size;
}

uint32_t utf8_character(const char *at, size_t size)
{
	uint32_t character = (unsigned char)*at;

	if (size > 1)
		character &= 0x7fU >> size;
	for (size_t i = 1; i < size; i++)
		character = character << 6 | (at[i] & 0x3f);
	return character;
}
