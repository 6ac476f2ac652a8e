# Is what was printed what is expected? A line "..." stands for any lines. Files: expected, printed.

function lines(file, into,  count, line) {
	while ((getline line <file) > 0) {
		sub(/\r$/, "", line) # how a terminal ends one
		into[++count] = line
	}
	return count + 0
}

# same(E, P): whether the lines from E on are matched by those from P on.
function same(e, p,  from) {
	if (e > wanted)
		return p > printed
	if (want[e] != "...")
		return p <= printed && want[e] == print_[p] && same(e + 1, p + 1)
	for (from = p; from <= printed + 1; from++)
		if (same(e + 1, from))
			return 1
	return 0
}

BEGIN {
	wanted = lines(ARGV[1], want)
	printed = lines(ARGV[2], print_)
	exit !same(1, 1)
}
