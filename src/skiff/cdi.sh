# Devices that are more than a node: --gpus, and --device VENDOR.COM/CLASS=NAME, by the files of the
# Container Device Interface, which the tools of the vendors write; or, for --gpus, the nodes of NVIDIA's
# driver alone. Sourced by create.sh where there are some.

# cdi_device KIND NAMES: all that these devices need. False if there is no file about that kind.
cdi_device() {
	cdi_kind=$1 hooks=''
	set +f
	set -- "$2" /etc/cdi/*.json /var/run/cdi/*.json
	set -f
	names=$1
	shift
	for file in "$@"; do # but for the patterns of what is not there; another's broken file is not in our way
		shift
		[ -r "$file" ] || continue
		about=$(jq -r 'objects.kind' "$file" 2>/dev/null) || warn "CDI: $file: not JSON, left out"
		[ "$about" != "$cdi_kind" ] || set -- "$@" "$file"
	done
	[ $# -gt 0 ] || { refuse_yaml; return 1; }
	found=$(jq -nr --arg kind "$cdi_kind" --arg names "$names" -f "$lib/cdi.jq" "$@") || die "cannot read the files of $cdi_kind: $*"
	[ "$found" != none ] || { refuse_yaml; return 1; }
	while IFS=$tab read -r word first second third; do
		case $word in
		conflict) die "CDI device injection failed: conflict: $cdi_kind=$first is in several files: $second" ;;
		unknown)
			refuse_yaml
			die "CDI device injection failed: unresolvable CDI devices $cdi_kind=$first"
			;;
		device) device_mount "$first:$second:$third" ;;
		env) device_environment="$device_environment$first$nl" ;;
		hooks) hooks=true ;;
		*) bind_file "$word" "$first" "$second" ;;
		esac
	done <<-END
		$found
	END
	# Those of NVIDIA run ldconfig, for the links that bind_file has made.
	[ -z "$hooks" ] || case $cdi_kind in nvidia.com/*) ;; *) warn "$cdi_kind: the hooks of the device are not run" ;; esac
}

# refuse_yaml: a file in YAML may have the device of $cdi_kind (as it is, or in quotes) that is not found: then say what is to be done.
refuse_yaml() {
	set +f
	yaml=$(grep -lsxF -e "kind: $cdi_kind" -e "kind: \"$cdi_kind\"" -e "kind: '$cdi_kind'" /etc/cdi/*.yaml /etc/cdi/*.yml /var/run/cdi/*.yaml /var/run/cdi/*.yml | head -n 1)
	set -f
	[ -z "$yaml" ] || die "CDI: $yaml is about $cdi_kind, but only JSON is read: let it be written as that, as by \
nvidia-ctk cdi generate --format=json, or convert it: yq -o json"
}

# bind_file OPTION SOURCE TARGET: and, of a library, the links of the host that lead to it: the loader
# asks for libx.so.1, which is libx.so.1.2.
bind_file() {
	case $2,$3 in /*,/*) ;; *) die "CDI: no absolute paths: '$2' '$3'" ;; esac
	[ -e "$2" ] || die "CDI: there is no $2"
	append "$dir/unshare-run" "$1" "$2" "$3"
	case $2 in *.so.*) ;; *) return 0 ;; esac
	set +f
	for link in "${2%.so.*}".so*; do
		[ ! -L "$link" ] || [ ! "$link" -ef "$2" ] || append "$dir/unshare-run" "$1" "$2" "${3%/*}/${link##*/}"
	done
	set -f
}

# gpus_option VALUE: what --gpus asks for, into $gpus: "all", NAMES, or "first N". The value is a line of CSV: all, a
# number, device=NAME, or, in quotes, "device=NAME,NAME"; other keys of Docker's are about its own drivers.
gpus_option() {
	case $1 in
	*'"'*) ;;
	*device=*,[0-9]*) usage_error "--gpus: cannot set both Count and DeviceIDs on device request: \"$1\" (several are '\"device=0,1\"')" ;;
	esac
	text=$1, driver='' gpus='first 1' # each field has a comma behind it
	while [ -n "$text" ]; do
		next_request
		case $part in
		device=?*) gpus=$(printf %s "${part#device=}" | tr ',' ' ') ;;
		all | count=all | -1 | count=-1) gpus=all ;;
		driver=*) driver=${part#driver=} ;;
		capabilities=* | options=*) ;;
		*)
			is_count "${part#count=}" ||
				usage_error "invalid argument \"$1\" for \"--gpus\" flag: all, a number of them, or device=NAMES"
			gpus="first ${part#count=}"
			;;
		esac
	done
	case $driver in
	'' | nvidia | cdi) ;;
	*) no_gpus "$driver" ;;
	esac
}

# next_request: the first field of $text into $part, without its quotes; $text is what follows.
next_request() {
	case $text in
	\"*\",*)
		part=${text#\"}
		part=${part%%\"*}
		text=${text#*\",}
		;;
	*)
		part=${text%%,*}
		text=${text#*,}
		;;
	esac
}

# is_count TEXT: 1 to 999.
is_count() {
	case $1 in
	'' | 0* | *[!0-9]* | ????*) return 1 ;;
	esac
}

# no_gpus DRIVER: Docker's words.
no_gpus() {
	die "could not select device driver \"$1\" with capabilities: [[gpu]]: there is neither a CDI file of \
nvidia.com/gpu or amd.com/gpu (nvidia-ctk cdi generate --format=json --output=/etc/cdi/nvidia.json) nor /dev/nvidiactl"
}

# gpus_mount NAMES|"first N"
gpus_mount() {
	gpus=$1
	case $gpus in 'first '*) first_gpus "${gpus#first }" ;; esac
	! cdi_device nvidia.com/gpu "$gpus" || return 0
	! cdi_device amd.com/gpu "$gpus" || return 0
	[ -c /dev/nvidiactl ] || no_gpus ''
	warn "--gpus: no file of nvidia.com/gpu in /etc/cdi: the container gets the device nodes, its libraries must be its own"
	for node in /dev/nvidiactl /dev/nvidia-modeset /dev/nvidia-uvm /dev/nvidia-uvm-tools; do
		[ ! -c "$node" ] || device_mount "$node"
	done
	set +f
	[ "$gpus" != all ] || gpus=$(cd /dev && printf '%s ' nvidia[0-9]*)
	set -f
	for name in $gpus; do device_mount "/dev/nvidia${name#nvidia}"; done
}

# first_gpus N: the names of that many of them, as they are numbered, into $gpus.
first_gpus() {
	gpus=0 number=1
	while [ "$number" -lt "$1" ]; do
		gpus="$gpus $number"
		number=$((number + 1))
	done
}
