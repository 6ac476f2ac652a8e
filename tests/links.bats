#!/usr/bin/env bats
# Links of the Markdown files lead to a file that is there, and to a heading that it has.
# shellcheck shell=bash

load helper

# links DIR: a line for each link of a Markdown file below DIR (but in build/ and hidden ones) that leads nowhere.
links() {
	python3 - "$1" <<'PYTHON'
import html, os, re, sys, urllib.parse

top = sys.argv[1]
FENCED = re.compile(r'^( *)(```|~~~).*?^\1\2', re.S | re.M)
LINK = re.compile(r'\[[^\]]*\]\(\s*<?([^)\s>]+)>?[^)]*\)|^\[[^\]]+\]:\s*<?([^\s>]+)', re.M)

def read(path):
    with open(path, encoding='utf-8') as file:
        return FENCED.sub('', file.read())

def anchors(text):
    """What GitHub makes of headings; one of a name that was there gets -1, -2 and so on. And <a id=...>."""
    found = set(re.findall(r'<a\s+(?:id|name)="([^"]+)"', text))
    for heading in re.findall(r'^#{1,6} +(.*?)(?: +#+)? *$', text, re.M):
        words = re.sub(r'\[([^\]]*)\]\([^)]*\)|[`*]', r'\1', html.unescape(heading))
        name = re.sub(r'[^\w\- ]', '', words.lower()).replace(' ', '-')
        more, count = name, 0
        while more in found:
            count += 1
            more = f'{name}-{count}'
        found.add(more)
    return found

def documents():
    for directory, below, files in os.walk(top):
        below[:] = sorted(name for name in below if name != 'build' and not name.startswith('.'))
        yield from (os.path.join(directory, name) for name in sorted(files) if name.endswith('.md'))

checked = 0
for path in documents():
    name = os.path.relpath(path, top)
    # code in a line is no link
    for pair in LINK.findall(re.sub(r'(`+).*?\1', '', read(path))):
        link = urllib.parse.unquote(pair[0] or pair[1])
        if re.match(r'[a-z][a-z0-9+.-]*:', link):
            continue
        checked += 1
        place, mark, anchor = link.partition('#')
        target = os.path.normpath(os.path.join(os.path.dirname(path), place)) if place else path
        if os.path.relpath(target, top).startswith('..') or place.startswith('/'):
            print(f'{name}: {link}: leads out of the tree')
        elif not os.path.exists(target):
            print(f'{name}: {link}: no such file')
        elif mark and (not target.endswith('.md') or anchor not in anchors(read(target))):
            print(f'{name}: {link}: no such heading')
print(f'{checked} links', file=sys.stderr)
PYTHON
}

@test "a link that leads nowhere is found" {
	cd "$BATS_TEST_TMPDIR"
	mkdir sub build
	echo '[generated](nothing)' >build/c.md
	printf '%s\n' '# One `two`, three' '## One' '## One' '[ok](sub/b.md) [ok](sub/) [ok](#one-two-three) [ok](#one-1)' \
		'[web](https://example.org/nothing) `[code](nothing)` [bad](sub/c.md)' '[bad](#four) [bad](../out.md)' >a.md
	printf '%s\n' '[ok](../a.md#one)' '```' '[code](nothing)' '# four' '```' '[bad](../a.md#four)' '' '[x]: gone.md' >sub/b.md
	links . >found 2>count
	diff - found <<-END
		a.md: sub/c.md: no such file
		a.md: #four: no such heading
		a.md: ../out.md: leads out of the tree
		sub/b.md: ../a.md#four: no such heading
		sub/b.md: gone.md: no such file
	END
	[ "$(cat count)" = '10 links' ]
}

@test "every link of the documents leads somewhere" {
	cd "$BATS_TEST_TMPDIR"
	links "$REPO" >found 2>count
	[ ! -s found ] || fail "$(cat found)"
	[ "$(cut -d ' ' -f 1 count)" -gt 20 ]
}
