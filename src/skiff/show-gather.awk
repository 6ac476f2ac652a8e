# What files tell of containers, as lines for show-gather.jq: a word, the ID of a container, and values,
# with tabs between. Standard input, with a line "%" behind each: rows of containers, two samples of
# cgset table, process IDs, and namespaces ("/proc/PID/ns TYPE TYPE:[NUMBER]").
# -v root=SKIFF_ROOT -v run=SKIFF_RUN -v group=GROUP

# clean TEXT: one that is the last or only value of its kind: without what would end it.
function clean(text) {
	gsub(/[\t\n]/, "?", text)
	return text
}

# first FILE: its first line, "" if there is none.
function first(file,   line) {
	line = ""
	getline line <file
	close(file)
	return clean(line)
}

# list WORD ID FILE: a line for each of the file.
function list(word, id, file,   line) {
	while ((getline line <file) > 0) print word "\t" id "\t" clean(line)
	close(file)
}

# command FILE: the arguments of a process, with blanks between; there may be megabytes of them.
function command(file,   word, text) {
	text = ""
	RS = "\0"
	while (length(text) < 400 && (getline word <file) > 0) text = text (text == "" ? "" : " ") word
	close(file)
	RS = "\n"
	return clean(substr(text, 1, 400))
}

# container ID: what its files say.
function container(id,   dir, line, file, image) {
	dir = root "/containers/" id
	image = first(dir "/image-id")
	print "file\t" id "\thostname\t" first(dir "/hostname")
	print "file\t" id "\tidmap\t" first(dir "/idmap")
	file = root "/images/" image "/layers"
	while ((getline line <file) > 0) {
		if (line ~ /^[0-9a-f]+$/) print "layer\t" id "\t" line "\t" first(root "/layers/" line "/size")
	}
	close(file)
	list("port", id, dir "/ports")
	list("limit", id, dir "/cgset")
	file = dir "/networks"
	while ((getline line <file) > 0) {
		sub(/,.*/, "", line)
		if (line !~ /^[A-Za-z0-9][A-Za-z0-9_.-]*$/) continue
		print "network\t" id "\t" line "\t" first(root "/networks/" line "/bridge")
		list("endpoint", id, root "/networks/" line "/endpoints/" id)
	}
	close(file)
	line = first(run "/" id "/pid")
	sub(/ .*/, "", line)
	if (line != "" && state[id] ~ /^(running|paused)$/) {
		main[line] = id
		print "main\t" id "\t" line
	}
}

# process PID: of whom it is, by its control group, and what it is doing.
function process(pid,   file, line, at, id, value) {
	file = "/proc/" pid "/cgroup"
	id = ""
	while (id == "" && (getline line <file) > 0) {
		if (at = index(line, ":/" group "/")) id = substr(line, at + length(group) + 3, 64)
		else if (at = index(line, "/" group "/")) id = substr(line, at + length(group) + 2, 64)
	}
	close(file)
	if (!(id in state)) return
	# A container may have thousands: those are counted.
	if (++processes[id] > 200) return
	file = "/proc/" pid "/status"
	while ((getline line <file) > 0) {
		at = index(line, ":")
		value = substr(line, at + 1)
		gsub(/[ \t]+/, " ", value)
		status[substr(line, 1, at - 1)] = substr(value, 2)
	}
	close(file)
	if (status["Name"] == "") return
	line = command("/proc/" pid "/cmdline")
	if (line == "") line = "[" status["Name"] "]"
	print "process\t" id "\t" pid "\t" status["PPid"] "\t" status["NSpid"] "\t" status["State"] "\t" \
		status["Threads"] "\t" status["VmRSS"] "\t" status["Uid"] "\t" line
	if (main[pid] == id)
		print "rights\t" id "\t" status["CapBnd"] "\t" status["Seccomp"] "\t" status["NoNewPrivs"]
	split("", status)
}

BEGIN {
	while ((getline line <"/proc/meminfo") > 0)
		if (line ~ /^MemTotal:/) { split(line, part, " "); printf "machine\tmemory\t%.0f\n", part[2] * 1024 }
	while ((getline line <"/proc/stat") > 0) if (line ~ /^cpu[0-9]/) cpus++
	print "machine\tcpus\t" cpus
}

$0 == "" { next }
$0 == "%" {
	if (++section == 1) for (i = 1; i <= count; i++) container(order[i])
	next
}
section == 0 {
	state[$2] = $8
	order[++count] = $2
	print "container\t" $2 "\t" $11 "\t" $8 "\t" $9 "\t" $3 "\t" $4 "\t" $13
	next
}
section == 1 || section == 2 {
	name = $1
	sub(/.*\//, "", name)
	line = $0
	sub(/^[^\t]*\t/, "", line)
	print (section == 1 ? "before\t" : "now\t") name "\t" line
	next
}
section == 3 { process($1); next }
{
	split($0, part, " ")
	pid = part[1]
	gsub(/[^0-9]/, "", pid) # none: ours, which are the host's
	if (part[2] ~ /_for_children$/) next
	gsub(/[^0-9]/, "", part[3])
	if (pid == "") print "host\t" part[2] "\t" part[3]
	if (pid in main) print "namespace\t" main[pid] "\t" part[2] "\t" part[3]
}
END { for (i = 1; i <= count; i++) print "count\t" order[i] "\t" processes[order[i]] + 0 }
