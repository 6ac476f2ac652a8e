# skiff show on a terminal, over and over. Sourced.
#
# The picture is on the alternate screen, so that what was there before comes back. Keys are read
# with a time limit, by the terminal: that is the clock, too. No signal is waited for longer than that limit.

escape=$(printf '\033')

# enter, leave: take the terminal for the picture; give it back as it was.
enter() {
	# No wrapping, no cursor. Ctrl-Z comes as a key: a stop signal would stop the children, too, and the shell
	# could not give back the terminal, as it waits for them.
	printf '\033[?1049h\033[?25l\033[?7l\033[2J'
	stty -icanon -echo -icrnl susp undef min 0 time 2 <&4
	resized=true
}

leave() {
	printf '\033[?7h\033[?25h\033[?1049l' || :
	stty "$settings" <&4 || :
}

stop_here() {
	leave
	trap - TSTP
	kill -s TSTP $$
	trap stop_here TSTP
	enter
}

# press KEYS: do what they mean, one after the other.
press() {
	keys=$1
	while [ -n "$keys" ]; do
		case $keys in
		"$escape"[[O][A-Z]*) rest=${keys#???} ;;
		"${escape}["[0-9]~*) rest=${keys#????} ;;
		*) rest=${keys#?} ;;
		esac
		key=${keys%"$rest"} keys=$rest
		case $key in
		q | Q) exit 0 ;;
		j | "${escape}[B" | "${escape}OB") top=$((top + 1)) ;;
		k | "${escape}[A" | "${escape}OA") top=$((top - 1)) ;;
		' ' | f | "${escape}[6~") top=$((top + lines - 2)) ;;
		b | "${escape}[5~") top=$((top - lines + 2)) ;;
		g | "${escape}[H" | "${escape}[1~") top=0 ;;
		G | "${escape}[F" | "${escape}[4~") top=$bottom ;;
		"$(printf '\032')") stop_here ;;
		esac
		[ "$top" -le "$bottom" ] || top=$bottom
		[ "$top" -ge 0 ] || top=0
	done
}

# draw: the picture as it is, from line $top; $bottom is the last that this can be.
draw() {
	frame=$(text "$lines" "$top" "$(date +%T)")
	bottom=${frame%%"$nl"*}
	printf '\033[H%s\033[J' "${frame#*"$nl"}"
}

# await: let a second pass, but answer keys and a new size at once.
await() {
	patience=5
	while [ $patience -gt 0 ] && [ -z "$resized" ]; do
		pressed=$(dd bs=64 count=1 2>/dev/null <&4) || :
		patience=$((patience - 1)) before_keys=$top
		press "$pressed"
		[ "$top" -eq "$before_keys" ] || [ -n "$resized" ] || draw
	done
}

# live: does not return.
live() {
	{ if [ -t 0 ]; then command exec 4<&0; else command exec 4</dev/tty; fi; } 2>/dev/null ||
		die 'there is no terminal to read keys from: see --once'
	settings=$(stty -g <&4)
	top=0 bottom=0 before=''
	trap leave EXIT
	trap 'exit 0' INT
	trap 'exit 129' HUP
	trap 'exit 131' QUIT
	trap 'exit 143' TERM
	trap 'resized=true' WINCH
	trap stop_here TSTP
	enter
	while :; do
		find_rows
		now=$(sample)
		picture=$(gather)
		before=$now
		if [ -n "$resized" ]; then
			resized=''
			terminal_size
			[ "$lines" -ge 4 ] || lines=4
			columns=$((columns > 41 ? columns - 1 : 40)) # in the last column some terminals wrap
			printf '\033[2J'
		fi
		draw
		await
	done
}
