# Markdown for a terminal: paragraphs filled to `width`, headings and **words** between `bold` and `plain` (may be empty).

# bright WORD: with its marks made to what the terminal knows.
function bright(word) {
	gsub(/\001/, bold, word)
	gsub(/\002/, plain, word)
	return word
}

# begin: an empty line between what is shown, and none before it.
function begin() {
	if (empty)
		print ""
	empty = 0
	begun = 1
}

# fill: print the paragraph collected; lines after the first begin with as many blanks as the mark of a list has.
function fill(  count, i, length_, line, words, word, size) {
	if (paragraph == "")
		return
	begin()
	count = split(paragraph, words, /[ \t]+/)
	line = ""
	length_ = 0
	for (i = 1; i <= count; i++) {
		word = words[i]
		if (word == "")
			continue
		size = word
		gsub(/[\001\002]/, "", size)
		size = length(size)
		if (length_ > length(hang) && length_ + 1 + size > width) {
			print bright(line)
			line = hang
			length_ = length(hang)
		}
		if (line != "" && line != hang) {
			line = line " "
			length_++
		}
		line = line word
		length_ += size
	}
	print bright(line)
	paragraph = ""
	hang = ""
}

# begins_item: is the mark at the beginning of $0 one of a list? A number in the middle of a text may have come to the beginning
# of a line: as in all Markdown, one that is no 1 begins nothing there, but the next item of the list that it is in.
function begins_item() {
	return paragraph == "" || $1 == "-" || $1 == "1." || match($0, /[^ ]/) <= length(hang)
}

{
	gsub(/[[:cntrl:]]/, " ") # a lesson cannot speak to the terminal itself
	while (match($0, /\[[^]]*\]\([^)]*\)/)) {
		link = substr($0, RSTART + 1, index(substr($0, RSTART), "](") - 2)
		$0 = substr($0, 1, RSTART - 1) link substr($0, RSTART + RLENGTH)
	}
}
/^[ \t]*$/ { fill(); empty = begun; next }
/^#+ / { fill(); begin(); sub(/^#+ /, ""); print bold $0 plain; next }
/^    / && paragraph == "" { begin(); print; next }
/^\|/ { fill(); begin(); print; next }
{
	if (match($0, /^ *([0-9]+\.|-) /) && begins_item()) {
		fill()
		match($0, /^ *[^ ]+ /)
		hang = sprintf("%" RLENGTH "s", "")
	}
	while (match($0, /\*\*[^*]+\*\*/))
		$0 = substr($0, 1, RSTART - 1) "\001" substr($0, RSTART + 2, RLENGTH - 4) "\002" substr($0, RSTART + RLENGTH)
	paragraph = paragraph " " $0
}
END { fill(); if (begun) print "" }
