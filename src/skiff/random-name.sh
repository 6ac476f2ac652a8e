# A name for a container that was given none: adjective_surname, of people to whom
# computing owes something. Sourced.

adjectives='able bold brave bright brisk calm candid clever cosmic curious daring deft eager
earnest elegant fair fearless fleet fond frank gentle gifted glad graceful happy hardy honest
humble jolly keen kind lively lucid lucky mellow merry mighty modest neat nimble noble patient
placid plucky polite proud quick quiet ready serene sharp sincere sleek smart snug sober spry
stoic sturdy sunny swift tender tidy tranquil trusty upbeat valiant vivid warm wise witty'

surnames='aho backus bartik bell berners boole brooks cerf codd conway curry dahl dijkstra eckert
engelbart floyd goldberg gray hamilton hamming hoare holberton hopper huffman iverson jennings
johnson kahn karp kay keller kernighan kleene knuth lamport liskov lovelace mauchly mccarthy
mcilroy meitner milner minsky moore naur neumann noether nygaard perlis perlman pike postel
rabin ritchie rivest shamir shannon spence stallman stroustrup sutherland tanenbaum tarjan
thompson torvalds turing ullman wexelblat wiener wilkes wilson wirth wozniak yao zuse'

# random_name ID TRY: a name into $random, chosen by the digits of ID; after a few
# TRIES with a number behind it.
random_name() {
	tries=$2
	digits=${1#"${1%????????}"}
	# shellcheck disable=SC2086 # the words
	set -- $adjectives
	shift $(((0x${digits%????} + tries) % $#))
	random=$1
	# shellcheck disable=SC2086
	set -- $surnames
	shift $((0x${digits#????} % $#))
	random=${random}_$1
	[ "$tries" -lt 8 ] || random=$random$tries
}
