# The verbs that have two words. Sourced where there is the first of them.

# Docker names most verbs twice: "skiff container ls" is "skiff ps". What has no short
# form has a file of both words: "skiff volume ls" is verbs/volume-ls. False if there is none.
management_verb() {
	case $1 in
	container/ls | container/list | container/ps) verb='ps' ;;
	image/ls | image/list) verb=images ;;
	image/rm | image/remove) verb=rmi ;;
	image/inspect | container/inspect) verb=inspect type=${1%/*} ;;
	system/info | system/events) verb=${1#*/} ;;
	image/build | image/history | image/import | image/load | image/pull | image/push | image/save | \
		image/tag)
		verb=${1#*/} ;;
	container/attach | container/commit | container/cp | container/create | container/diff | \
		container/exec | container/export | container/kill | container/logs | container/pause | \
		container/port | container/rename | container/restart | container/rm | container/run | \
		container/start | container/stats | container/stop | container/top | container/unpause | \
		container/update | container/wait)
		verb=${1#*/} ;;
	builder/build | buildx/build) verb=build ;;
	buildx/prune) verb=builder-prune ;;
	volume/list | network/list) verb=${1%/*}-ls ;;
	volume/remove | network/remove) verb=${1%/*}-rm ;;
	*/*[!a-z]* | */) return 1 ;;
	*) verb=${1%/*}-${1#*/} ;;
	esac
	[ -f "$lib/verbs/$verb" ]
}
