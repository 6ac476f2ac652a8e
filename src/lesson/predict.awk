# What comes before the answer to a question is printed, the answer in parentheses and what follows goes to the file `rest`: nobody learns
# from a question that stands beside its answer.

BEGIN {
	RS = ""
	printf "" >rest
}
answered { print $0 "\n" >rest; next }
/\*\*Predict:\*\*/ && match($0, /[?.][ \n]\(.*\)[ \n]*$/) {
	print substr($0, 1, RSTART)
	print substr($0, RSTART + 2) "\n" >rest
	answered = 1
	next
}
{ print $0 "\n" }
