"""Who looks at a server from outside, while calls fail in it: clients that tell how each mail ended, and what there is
to see of its processes and of its mail folder. walk.py and life.py share it.
"""
import collections
import glob
import os
import re
import socket
import time

import monitor
import numbered
from channel import Broken, PATIENCE_S, Tcp, Udp
from numbered import Numbered
from senders import kept, text_of

SECRET, CONCURRENT = b"mipass23", 1
SAID = re.compile(r"servidor: .*")      # whoever says something gives his name


class Fault(Exception):
    """What must not be."""


def until(what, why, seconds=None):
    """Waits for what() to be something, which it returns."""
    end = time.monotonic() + (seconds or PATIENCE_S)
    while not (got := what()):
        if time.monotonic() > end:
            raise Fault(why() if callable(why) else why)
        time.sleep(0.004)
    return got


# --- clients ----------------------------------------------------------------------------------------------------------


class Plain(Udp):
    """A plain session that says again what is not answered, as its clients do."""
    asked, is_said_again = b"", False

    def send(self, data):
        self.asked = data
        super().send(data)

    def line(self):
        self.socket.settimeout(0.3)
        for _ in range(12):
            try:
                return super().line()
            except Broken as error:
                if "within" not in str(error):
                    raise
                self.is_said_again = True
                (self.send if self.asked else self.send_to_door)(self.asked or b"\r\n")
        raise Broken("no reply to what was said twelve times")

    def leave(self):
        """Makes the worker hear that nobody is there, as its answer finds: it need not linger."""
        self.socket.connect(("127.0.0.1", 9))
        self.send(b"QUIT\r\n")
        self.close()


class Swift(numbered.Wire):
    """A hello is not left alone for seconds."""

    def shake(self, cn, win=16, waits=(0.3,) * 80):
        return super().shake(cn, win, waits)


class Sure(Numbered):
    """A numbered session with a swift handshake."""

    def __init__(self, host, port):
        super().__init__(host, port)
        self.wire.socket.close()
        self.wire = Swift()
        self.socket, self.local_port = self.wire.socket, self.wire.local_port


class Dialogue:
    """A session with two mails: how each ended is in fates. The first is for a box that is there, the second for a new
    one as well; between() is called between the two."""

    def __init__(self, kind, port, name, between=lambda: None):
        self.kind, self.port, self.name, self.between = kind, port, name, between
        self.boxes = {f"{name}.old": ["one"], f"{name}.new": ["one", name]}
        self.fates = {}
        self.session, self.is_over, self.steps, self.error = None, False, None, None

    def hear(self):
        """The code of a reply. A greeting may come again, for a hello that was said again."""
        line = self.session.line()
        while line[3:4] == "-" or (self.fates and line.startswith("220")):
            line = self.session.line()
        if not re.match(r"[2345]\d\d ", line):
            raise Fault(f"{self.name} heard {line!r}")
        self.is_over = self.is_over or line.startswith(("421", "221"))
        return line[:3]

    def say(self, text, code):
        """Says it; is that the reply? Else it is a refusal."""
        self.session.send(text.encode() + b"\r\n")
        got = self.hear()
        if got != code and got[0] not in "45":
            if self.kind == "plain" and self.session.is_said_again:
                raise Broken("a reply came twice")
            raise Fault(f"{text[:60]!r} was answered with {got}")
        return got == code

    def mail(self, name):
        """Sends a mail as far as it goes; is it kept? Yields before the dot."""
        lines = ["." * line.startswith(".") + line for line in text_of(name)]
        if not (self.say("MAIL FROM:<sender@mail.example>", "250")
                and all(self.say(f"RCPT TO:<{box}@mail.example>", "250") for box in self.boxes[name])):
            return False
        if name.endswith(".new") and self.kind != "plain":
            text = "\r\n".join(text_of(name)) + "\r\n"
            return self.say(f"BDAT {len(text)} LAST\r\n{text}"[:-2], "250")
        if not self.say("DATA", "354"):
            return False
        self.session.send("\r\n".join(lines).encode() + b"\r\n")
        yield
        return self.say(".", "250")

    def go(self):
        """The session, step by step."""
        made = {"tcp": Tcp, "plain": Plain, "numbered": Sure}[self.kind]
        self.session = made("127.0.0.1", self.port)
        if self.kind == "plain":
            self.session.send_to_door(b"\r\n")
        if self.hear() == "220":
            self.fates = dict.fromkeys(self.boxes, "unsent")
            self.say("EHLO walk.example", "250")
        for name in self.boxes:
            if self.is_over:
                return
            self.fates[name] = "unknown"
            self.fates[name] = "kept" if (yield from self.mail(name)) else "refused"
            if self.fates[name] == "refused" and not self.is_over:
                self.say("RSET", "250")
            self.between()
        # What a TCP client sends behind its QUIT, more than a read takes, is there when the socket is closed.
        self.session.send(b"QUIT\r\n" + b"x" * 80000 * (self.kind == "tcp"))
        self.hear()

    def run(self, until_dot=False):
        """Goes on as far as it may, or up to a dot."""
        self.steps = self.steps or self.go()
        begun = time.monotonic()
        try:
            for _ in self.steps:
                if until_dot:
                    return
        except (Broken, AssertionError, OSError) as error:
            if time.monotonic() - begun > 0.9 * PATIENCE_S:
                raise Fault(f"a client hangs: {error}") from None
            self.error = error
        if self.session and self.kind == "plain":
            self.session.leave()
        elif self.session:
            self.session.close()


# --- the server -------------------------------------------------------------------------------------------------------


def descriptors(pid):
    try:
        return {int(name): os.readlink(f"/proc/{pid}/fd/{name}") for name in os.listdir(f"/proc/{pid}/fd")}
    except FileNotFoundError:
        return {}


def children(pid):
    try:
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
            return [int(word) for word in file.read().split()]
    except FileNotFoundError:
        return []


class Server:
    """The server from outside."""

    def __init__(self, chosen):
        self.port, self.mport, self.master, self.folder = chosen.port, chosen.mport, chosen.master, chosen.folder
        self.errors = open(chosen.errors, encoding="utf-8", errors="replace")   # pylint: disable=consider-using-with
        self.said = []
        self.usual = {}
        self.wells = self.find_wells()

    def find_wells(self):
        """The inodes of the ports that are for all, by what they are."""
        wells = {}
        for table, port, state, name in (("tcp", self.port, "0A", "tcp"), ("udp", self.port, "07", "door"),
                                         ("udp", self.mport, "07", "monitor")):
            for path in (f"/proc/net/{table}", f"/proc/net/{table}6"):
                with open(path, encoding="ascii") as file:
                    for field in map(str.split, file):
                        if field[1].endswith(f":{port:04X}") and field[3] == state:
                            wells[f"socket:[{field[9]}]"] = name
        return wells

    def roles(self):
        """Role: {pid: how many descriptors it has}."""
        roles = collections.defaultdict(dict)
        roles["master"][self.master] = len(descriptors(self.master))
        for pid in children(self.master):
            held = descriptors(pid)
            role = next((self.wells[where] for where in held.values() if where in self.wells), "udp")
            roles[role][pid] = len(held)
        return roles

    def ask(self, command=CONCURRENT):
        """What the monitor answers; it is asked until it does."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
            one.connect(("127.0.0.1", self.mport))
            one.settimeout(0.2)
            end = time.monotonic() + PATIENCE_S
            while time.monotonic() < end:
                asked = monitor.request(0, os.getpid() & 0xffff, SECRET, command)
                try:
                    one.send(asked)
                    return int(monitor.meaning(command, asked, one.recv(64)))
                except (socket.timeout, ConnectionRefusedError):
                    time.sleep(0.01)
        raise Fault("the monitor does not answer")

    def is_usual(self):
        """Is each process there, with as many descriptors as one of its role has, and no child left?"""
        roles = self.roles()
        return (all(roles[role] for role in self.usual)
                and all(count == self.usual[role] for role in roles for count in roles[role].values())
                and not any(children(pid) for pid in children(self.master)))

    def settle(self):
        until(lambda: self.ask() == 0, lambda: f"{self.ask()} sessions are left")
        if self.usual:
            until(self.is_usual, lambda: f"descriptors or children: {dict(self.roles())}, not {self.usual}")

    def begin(self):
        """Learns what is usual."""
        for kind in ("tcp", "plain", "numbered"):
            Dialogue(kind, self.port, f"first.{kind}").run()
        self.settle()
        self.usual = until(self.agree, lambda: f"not alike: {dict(self.roles())}")

    def agree(self):
        roles = self.roles()
        counts = {role: set(roles[role].values()) for role in ("master", "door", "monitor", "tcp", "udp")}
        return all(len(some) == 1 for some in counts.values()) and {role: min(counts[role]) for role in counts}

    def clear(self):
        """Takes all mails away."""
        for path in glob.glob(f"{glob.escape(self.folder)}/*/[nt][em][wp]/*"):
            os.unlink(path)

    def look_at_mails(self, dialogues, has_excuse):
        """The mails are where their fates say; they are taken away."""
        found = collections.Counter()
        fates = {name: dialogue.fates.get(name) for dialogue in dialogues for name in dialogue.boxes}
        for box in os.listdir(self.folder):
            for name, lines in kept(self.folder, box, "new"):
                subject = next((i for i, line in enumerate(lines) if line.startswith("Subject: ")), len(lines))
                mail = "".join(lines[subject:subject + 1])[len("Subject: "):]
                if lines[subject:] != text_of(mail) + [""] or lines[0] != "Return-Path: <sender@mail.example>":
                    raise Fault(f"{box}/new/{name} is not whole")
                found[mail, box] += 1
                os.unlink(f"{self.folder}/{box}/new/{name}")
            for name, _ in kept(self.folder, box, "tmp"):
                if not has_excuse:
                    raise Fault(f"{box}/tmp/{name} is left")
                os.unlink(f"{self.folder}/{box}/tmp/{name}")
        for dialogue in dialogues:
            for name, boxes in dialogue.boxes.items():
                for box in boxes:
                    right = {"kept": (1,), "unknown": (0, 1)}.get(fates[name], (0,))
                    if found.pop((name, box), 0) not in right:
                        raise Fault(f"{name} was {fates[name]}, which is not so in {box}")
        if found:
            raise Fault(f"nobody sent {dict(found)}")

    def look_at_errors(self):
        more = self.errors.read().splitlines()
        self.said += more
        for line in more:
            if not SAID.fullmatch(line):
                raise Fault(f"on standard error: {line!r}")

    def is_alive(self, pid):
        return pid == self.master or pid in children(self.master)
