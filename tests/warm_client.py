"""The small end of a warm process (warm_python.py): hands over what it is, forwards signals, leaves as the process leaves.

python -I -S warm_client.py SOCKET PYTHON WORDS…    PYTHON gets the words that are neither `-m` nor `-c`
"""

import json
import os
import signal
import socket
import sys


def _main(address: str, python: str, words: list[str]) -> None:
    while words[:1] == ["-W"]:
        words = words[2:]
    if words[:1] not in (["-m"], ["-c"]):
        os.execv(python, [python, *words])
    wanted = {"words": words, "folder": os.getcwd(), "environment": dict(os.environ)}  # noqa: PTH109 pathlib is long to load
    server = socket.socket(socket.AF_UNIX)
    server.connect(address)
    message = json.dumps(wanted).encode() + b"\n"
    sent = socket.send_fds(server, [message], [0, 1, 2])
    server.sendall(message[sent:])
    answers = server.makefile("r")
    answers.readline()  # it has begun
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda number, _: server.send(bytes([number])))
    for stream in (0, 1, 2):
        os.close(stream)  # the process has its own; whoever waits for their end waits for it alone
    code = int(answers.readline() or -signal.SIGKILL)
    if code < 0:
        signal.signal(-code, signal.SIG_DFL) if -code != signal.SIGKILL else None
        os.kill(os.getpid(), -code)
    os._exit(code)


_main(sys.argv[1], sys.argv[2], sys.argv[3:])
