# The journal of events: one line for each thing that happened, appended to SKIFF_ROOT/events.
# Sourced by the verbs that change something.
#
#   TIME <tab> TYPE <tab> ACTION <tab> ID <tab> NAME=VALUE <tab> NAME=VALUE ...
#
# TYPE is container, image, volume or network; the words are those of docker events. A line is
# one write(2) with O_APPEND, so lines of several writers never mix.

at_time='' # of the events of networks, where it is known: who does not know it starts a process

# event TIME TYPE ACTION ID [NAME=VALUE...]: TIME is RFC 3339, or "" for now.
event() {
	at=$1 happened=''
	shift
	for word in "$@"; do
		visible "$word" # no tabs, no newlines
		happened=$happened${happened:+"$tab"}$visible
	done
	journal_line "$at" "$happened"
}

# event_pulled REFERENCE: an image has come from a registry.
event_pulled() {
	familiar "$1"
	case $familiar in *@*) pulled=${familiar%@*} ;; *) pulled=${familiar%:*} ;; esac
	event '' image pull "$familiar" "name=$pulled"
}

# journal_line TIME TEXT: TEXT is all that follows, with its tabs.
journal_line() {
	[ "$explain" != only ] || return 0
	[ -n "$1" ] || ! is_long "$2" || set -- "$(journal)" "$2"
	case $1 in
	'') journal "$SKIFF_ROOT/events" "$2" 2>/dev/null ;;
	*) { printf '%s\t%s\n' "$1" "$2" >>"$SKIFF_ROOT/events"; } 2>/dev/null ;;
	esac || warn "cannot write to $SKIFF_ROOT/events"
}

# is_long TEXT: is it more than one argument of a program can be (MAX_ARG_STRLEN, 128 KB)? Labels may be.
is_long() {
	[ ${#1} -gt 130000 ]
}

# rotate_journal: when it has grown to 16 MB begin a new one; the last one is kept.
rotate_journal() {
	[ -z "$(find "$SKIFF_ROOT/events" -size +16M 2>/dev/null)" ] || mv "$SKIFF_ROOT/events" "$SKIFF_ROOT/events.1"
}
