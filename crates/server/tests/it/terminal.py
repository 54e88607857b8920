"""Runs a command at a terminal, as a person sits at one.

    terminal.py STEPS COMMAND [ARGUMENT…]

STEPS is JSON: a list of {"prompt": TEXT, "answer": TEXT, "hidden": true|false}. Each answer is typed when its
prompt is there, a hidden one when the terminal shows no more what is typed. Prints JSON: all that the terminal
showed, how the command ended, and whether the terminal shows again what is typed.
"""

import json
import os
import pty
import select
import signal
import sys
import termios
import time

LIMIT = 30

steps, command = json.loads(sys.argv[1]), sys.argv[2:]
process, terminal = pty.fork()
if process == 0:
    os.execv(command[0], command)
deadline = time.monotonic() + LIMIT
shown = b""


def fail(why):
    os.kill(process, signal.SIGKILL)
    sys.exit(f"{why}; the terminal showed: {shown.decode(errors='replace')}")


def read():
    """Adds to `shown` what comes; false at the end."""
    global shown
    if time.monotonic() > deadline:
        fail("it takes too long")
    if not select.select([terminal], [], [], 0.1)[0]:
        return True
    try:
        part = os.read(terminal, 4096)
    except OSError:
        # The other side is closed.
        return False
    shown += part
    return bool(part)


def shows_typing():
    return bool(termios.tcgetattr(terminal)[3] & termios.ECHO)


start = 0
for step in steps:
    prompt = step["prompt"].encode()
    while (found := shown.find(prompt, start)) < 0:
        if not read():
            fail(f"the command ended before it asked {step['prompt']!r}")
    start = found + len(prompt)
    while step["hidden"] and shows_typing():
        if time.monotonic() > deadline:
            fail(f"the answer to {step['prompt']!r} would be shown")
        time.sleep(0.01)
    os.write(terminal, step["answer"].encode() + b"\n")
while read():
    pass
_, status = os.waitpid(process, 0)
print(json.dumps({"shown": shown.decode(), "code": os.waitstatus_to_exitcode(status), "shows_typing": shows_typing()}))
