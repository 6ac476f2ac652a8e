# Sizes for people, as Docker writes them (go-units). Sourced by the verbs that print some.

# human_size BYTES [DIGITS]: in decimal units with three or so many digits, as 5.59MB, into
# $human_size.
human_size() {
	units='B kB MB GB TB PB' amount=$1 scale=1 places=${2:-3}
	while [ $((amount / scale)) -ge 1000 ]; do scale=$((scale * 1000)) units=${units#* }; done
	[ $((amount / scale)) -lt 10 ] || places=$((places - 1))
	[ $((amount / scale)) -lt 100 ] || places=$((places - 1))
	places=$((places - 1)) power=1 # places behind the point
	while [ $places -gt 0 ] && [ $power -lt $scale ]; do power=$((power * 10)) places=$((places - 1)); done
	amount=$(((amount * power + scale / 2) / scale))
	human_size=$((amount / power))
	if [ $((amount % power)) -ne 0 ]; then
		fraction=$((power + amount % power))
		fraction=${fraction#1}
		while :; do
			case $fraction in *0) fraction=${fraction%0} ;; *) break ;; esac
		done
		human_size=$human_size.$fraction
	fi
	human_size=$human_size${units%% *}
}
