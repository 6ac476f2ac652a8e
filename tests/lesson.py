"""tests/lesson.py DIRECTORY: one lesson, from its first block to its reset, in the current directory.

Its "sh" blocks are run in order in one shell; what each prints is compared with the "text" block that follows, in which
a line "..." stands for any lines. Where the heading Reset comes, the checkers are tried: check/N has to say no, on one
line, where nothing was done, and after check/N.wrong, and yes after check/N.right. Then the blocks of the reset are run twice,
in a shell that knows nothing of the first. Which files, mounts and processes are left is the caller's question.
"""
import glob
import os
import re
import subprocess
import sys

BLOCK = re.compile(r'^```sh\n(.*?)^```$(?:\s*^```text\n(.*?)^```$)?', re.S | re.M)
END = '=== end of a block\n'
SECONDS = 240 * int(os.environ.get('SLOW', '1'))


def shell(argv):
    return subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, errors='replace',
                          timeout=SECONDS)


def run_blocks(text):
    blocks = BLOCK.findall(text)
    script = ''.join(f"{code}\necho '{END.strip()}'\n" for code, _ in blocks)
    done = shell(['sh', '-e', '-c', script])
    printed = done.stdout.split(END)
    for (code, expected), output in zip(blocks, printed):
        pattern = '(.*\n)*'.join(map(re.escape, re.split(r'^\.\.\.\n', expected, flags=re.M)))
        if expected and not re.fullmatch(pattern, output):
            sys.exit(f'status {done.returncode}\n--- block\n{code}--- printed\n{output}--- expected\n{expected}')
    if done.returncode or len(printed) != len(blocks) + 1:
        sys.exit(f'status {done.returncode} in the block\n{blocks[min(len(printed), len(blocks)) - 1][0]}')
    return len(blocks)


def answer(program):
    """Leave an answer to an exercise."""
    done = shell([program])
    if done.returncode:
        sys.exit(f'{program}: status {done.returncode}\n{done.stdout}')


def check(program, status, says):
    """Ask a checker what it thinks of the answer."""
    done = shell([program])
    if done.returncode != status or done.stdout.startswith('yes') != says or done.stdout.count('\n') != 1:
        sys.exit(f'{program}: expected status {status} and {"yes" if says else "what is wrong"}, in a line;\n'
                 f'got {done.returncode} and\n{done.stdout}')


def main(directory):
    with open(f'{directory}/README.md', encoding='utf-8') as file:
        text, heading, reset = file.read().partition('\n## Reset\n')
    checkers = sorted(glob.glob(f'{directory}/check/[0-9]'))
    for checker in checkers:
        check(checker, 1, False)
    if not run_blocks(text):
        sys.exit(f'{directory}: no blocks')
    for checker in checkers:
        check(checker, 1, False)
        for kind, status in (('wrong', 1), ('right', 0)):
            answer(f'{checker}.{kind}')
            check(checker, status, status == 0)
    if heading:
        run_blocks(reset)
        run_blocks(reset)


if __name__ == '__main__':
    os.environ.setdefault('SKIFF_ROOT', os.path.abspath('store'))
    os.environ.setdefault('SKIFF_RUN', os.path.abspath('run'))
    main(sys.argv[1])
