#!/usr/bin/env python3
"""Reads what strace saw of the server, and says whether each 250 came behind what makes its mail durable.

usage: synclog.py MAILS LOG        MAILS is the mail folder, as a whole path
       synclog.py --self-test      logs written by hand, most of which break a rule

LOG is of strace -f -y -s 400 -o LOG -e trace=fsync,fdatasync,link,linkat,rename,renameat,renameat2,mkdir,mkdirat,
unlink,unlinkat,write,writev,pwrite64,sendto,sendmsg. A call stands there in one line, or in two when another process
got in between ("unfinished", "resumed"). strace holds a process at the begin and at the end of each call until it has
written that down: so of two lines the earlier one is never the effect of the later one, and the order of the lines
proves what must be proven. For each mail, that is for each 250 that a process sends behind its links:

    spool    a successful fsync of the file began behind its last write, and ended before the link into new/ began
    folder   a successful fsync of each new/ with a link of the mail began behind that link, and ended before the 250
    parents  when new/ or the box was made in this log, the same for the folder above it and the mkdir
It does not matter which process does the fsync. Prints what breaks a rule, and the counts; the exit status is 1 when a
rule is broken.
"""
import os
import re
import sys

CALL = re.compile(r"^(\d+) +[\d.]+ (\w+)\((.*)$")
RESUMED = re.compile(r"^(\d+) +[\d.]+ <\.\.\. (\w+) resumed>(.*)$")
RESULT = re.compile(r"^(.*)\) += (-?\d+|\?)(?: |<|$)")
ARGUMENT = re.compile(r'"(?:[^"\\]|\\.)*"(?:\.\.\.)?|(?:AT_FDCWD|\d+)(?:<[^>]*>)?|[^",<\s][^",<]*')
UNFINISHED = " <unfinished ...>"
WRITES = ("write", "writev", "pwrite64", "sendto", "sendmsg")


class Call:
    """One system call: who, what, and the numbers of the lines where it began and ended."""

    def __init__(self, process, name, text, begin):
        self.process, self.name, self.text, self.begin = process, name, text, begin
        self.end = None
        self.worked = False

    def finish(self, text, end):
        self.text += text
        result = RESULT.match(self.text)
        if result:
            self.text, self.end = result[1], end
            self.worked = result[2] != "?" and int(result[2]) >= 0

    def arguments(self):
        return [part.strip() for part in ARGUMENT.findall(self.text) if part.strip(", ")]

    def file(self):
        """What the descriptor, the first argument, is open on."""
        found = re.match(r"\d+<([^>]*)>", self.text)
        return found[1] if found else ""

    def paths(self):
        """The paths of a call that names files, each behind its folder's descriptor or not."""
        folder, found = "", []
        for argument in self.arguments():
            if argument.startswith('"'):
                found.append(os.path.normpath(os.path.join(folder, argument.strip('"'))))
                folder = ""
            elif "<" in argument:
                folder = argument.partition("<")[2].rstrip(">")
        return found


class Log:
    """What happened so far."""

    def __init__(self, mails):
        self.mails = mails
        self.syncs = {}     # path: the successful calls
        self.written = {}   # file: the line where its last write ended
        self.made = {}      # folder: the line where its mkdir ended
        self.links = {}     # process: its links since its last reply
        self.open = {}      # process: its call without an end
        self.counts = dict.fromkeys(("mails", "links", "folder-syncs", "spool-syncs", "parent-syncs", "other-syncs"), 0)
        self.faults = []

    def read(self, lines):
        for number, line in enumerate(lines, 1):
            line = line.rstrip("\n")
            if found := RESUMED.match(line):
                call = self.open.pop(found[1], None)
                if call is None or call.name != found[2]:
                    sys.exit(f"synclog.py: line {number}: the begin of {found[2]} is missing")
                call.finish(found[3], number)
                self.ended(call)
            elif found := CALL.match(line):
                cut = found[3].endswith(UNFINISHED)
                call = Call(found[1], found[2], found[3][:-len(UNFINISHED)] if cut else found[3], number)
                self.begun(call)
                if cut:
                    self.open[call.process] = call
                else:
                    call.finish("", number)
                    self.ended(call)

    def is_folder(self, path):
        return os.path.basename(path) == "new" and os.path.dirname(os.path.dirname(path)) == self.mails

    def begun(self, call):
        if call.name in WRITES and re.match(r"(socket:|TCP)", call.file()):
            text = "".join(part for part in call.arguments() if part.startswith('"'))
            if self.links.get(call.process) and re.search(r'("|\\n)250[ -]', text):
                self.counts["mails"] += 1
                for link in self.links.pop(call.process):
                    self.check(link, call)
        elif call.name in ("unlink", "unlinkat"):
            kept = [link for link in self.links.get(call.process, []) if link.paths()[1] not in call.paths()]
            self.links[call.process] = kept

    def ended(self, call):
        if call.name in ("fsync", "fdatasync"):
            self.synced(call)
        elif call.name in WRITES:
            self.written[call.file()] = call.end
        elif not call.worked or not call.paths():
            return
        elif call.name.startswith("mkdir"):
            self.made[call.paths()[0]] = call.end
        elif call.name.startswith(("link", "rename")) and self.is_folder(os.path.dirname(call.paths()[1])):
            self.counts["links"] += 1
            self.links.setdefault(call.process, []).append(call)
            self.check_spool(call)

    def synced(self, call):
        path = call.file()
        kind = "other"
        if self.is_folder(path):
            kind = "folder"
        elif self.is_folder(os.path.join(os.path.dirname(os.path.dirname(path)), "new")):
            kind = "spool"
        elif self.mails in (path, os.path.dirname(path)):
            kind = "parent"
        self.counts[kind + "-syncs"] += 1
        if call.worked and call.name == "fsync":
            self.syncs.setdefault(path, []).append(call)

    def check_spool(self, link):
        spool = link.paths()[0]
        since = self.written.get(spool, 0)
        if not any(since < sync.begin and sync.end < link.begin for sync in self.syncs.get(spool, [])):
            self.faults.append(f"line {link.begin}: a link of {spool}, and no fsync of it since its last write")

    def check(self, link, reply):
        folder = os.path.dirname(link.paths()[1])
        box = os.path.dirname(folder)
        for path, since, what in ((folder, link.end, "the link"), (box, self.made.get(folder), "the mkdir of new/"),
                                  (self.mails, self.made.get(box), "the mkdir of the box")):
            if since and not any(since < sync.begin and sync.end < reply.begin for sync in self.syncs.get(path, [])):
                self.faults.append(f"line {reply.begin}: a 250 to a mail in {folder}, "
                                   f"and no fsync of {path} between {what} (line {since}) and it")


# --- the self-test: logs of three-letter paths, and the fault that must be found --------------------------------------

GOOD = """\
7 1.0 mkdir("/m/b", 0700) = 0
7 1.0 mkdir("/m/b/new", 0700) = 0
7 1.0 fsync(3</m/b>) = 0
7 1.0 fsync(3</m>) = 0
7 1.1 write(4</m/b/tmp/s>, "Return-Path: <>\\n"..., 99) = 99
7 1.2 fsync(4</m/b/tmp/s>) = 0
7 1.3 link("/m/b/tmp/s", "/m/b/new/x") = 0
7 1.4 fsync(5</m/b/new>) = 0
7 1.5 unlink("/m/b/tmp/s") = 0
7 1.6 write(6<socket:[8]>, "250 OK\\r\\n", 8) = 8
"""
OTHER = """\
7 1.1 write(4</m/b/tmp/s>, "text", 4) = 4
7 1.2 fsync(4</m/b/tmp/s>) = 0
9 1.2 {0}
7 1.3 linkat(8</m/b>, "tmp/s", 9</m/b/new>, "x", 0) = 0
9 1.4 {1}
7 1.6 sendto(6<socket:[8]>, "250 OK\\r\\n", 8, MSG_NOSIGNAL, NULL, 0) = 8
9 1.7 {2}
"""
BEGIN, END, NOTHING = "fsync(5</m/b/new> <unfinished ...>", "<... fsync resumed>) = 0", "getpid() = 9"
WHOLE = "fsync(5</m/b/new>) = 0"


def without(part):
    assert part in GOOD
    return "".join(line for line in GOOD.splitlines(True) if part not in line)


def moved(part, before):
    """GOOD with the line of part in front of the line of before."""
    line = next(line for line in GOOD.splitlines(True) if part in line)
    return "".join(line + other if before in other else other for other in without(part).splitlines(True))


NO_FOLDER = "no fsync of /m/b/new "
FAILS = " = -1 EIO (Input/output error)"

# The log, what the fault must speak of (None: there is none), and how many mails are in it.
CASES = {
    "a good mail": (GOOD, None, 1),
    "no fsync of the file": (without("4</m/b/tmp/s>) = 0"), "a link of /m/b/tmp/s", 1),
    "the file's fsync behind the link": (moved(" link(", "fsync(4<"), "a link of /m/b/tmp/s", 1),
    "a write behind the file's fsync": (moved("fsync(4<", "write(4<"), "a link of /m/b/tmp/s", 1),
    "the file's fsync fails": (GOOD.replace("fsync(4</m/b/tmp/s>) = 0", "fsync(4</m/b/tmp/s>)" + FAILS),
                               "a link of /m/b/tmp/s", 1),
    "no fsync of the folder": (without("5</m/b/new>"), NO_FOLDER, 1),
    "the folder's fsync before the link": (moved("5</m/b/new>", " link("), NO_FOLDER, 1),
    "the folder's fsync behind the 250": (moved("write(6<", "fsync(5<"), NO_FOLDER, 1),
    "the folder's fsync fails": (GOOD.replace("new>) = 0", "new>)" + FAILS), NO_FOLDER, 1),
    "fdatasync of the folder": (GOOD.replace("fsync(5", "fdatasync(5"), NO_FOLDER, 1),
    "fsync of another box": (GOOD.replace("5</m/b/new>", "5</m/c/new>"), NO_FOLDER, 1),
    "no fsync of the box": (without("3</m/b>"), "no fsync of /m/b ", 1),
    "no fsync of the mail folder": (without("3</m>"), "no fsync of /m ", 1),
    "the box's fsync before new/ is made": (moved("3</m/b>", 'new", 0700'), "no fsync of /m/b ", 1),
    "an old box needs no more": (without("3</m").replace("mkdir", "stat"), None, 1),
    "a second link without fsync": (
        GOOD.replace("7 1.4", '7 1.3 link("/m/b/tmp/s", "/m/c/new/x") = 0\n7 1.4'), "no fsync of /m/c/new ", 1),
    "a link that failed counts for nothing": (GOOD.replace('new/x") = 0', 'new/x")' + FAILS), None, 0),
    "a mail that is undone and refused": (
        without("5</m/b/new>").replace("7 1.5", '7 1.5 unlink("/m/b/new/x") = 0\n7 1.5').replace("250 OK", "451 no"),
        None, 0),
    "the fsync of another process": (OTHER.format(NOTHING, WHOLE, NOTHING), None, 1),
    "another's fsync, that began before the link": (OTHER.format(BEGIN, END, NOTHING), NO_FOLDER, 1),
    "another's fsync, that ends behind the 250": (OTHER.format(NOTHING, BEGIN, END), NO_FOLDER, 1),
    "another's fsync, that never ends": (OTHER.format(NOTHING, BEGIN, "+++ killed by SIGKILL +++"), NO_FOLDER, 1),
    "a link that ends behind another's fsync": (
        without("fsync(5").replace('"/m/b/new/x") = 0', '"/m/b/new/x" <unfinished ...>')
        .replace("7 1.5", f"9 1.4 {WHOLE}\n7 1.4 <... link resumed>) = 0\n7 1.5"), NO_FOLDER, 1),
    "a 250 with another reply behind it": (GOOD.replace("250 OK", "250 OK\\r\\n221 Bye"), None, 1),
    "a 250 behind another reply, without fsync": (
        without("5</m/b/new>").replace("250 OK", "250 OK\\r\\n250 OK"), NO_FOLDER, 1),
}


def self_test():
    failed = 0
    for name, (text, want, mails) in CASES.items():
        log = Log("/m")
        log.read(text.splitlines())
        said = "; ".join(log.faults)
        if log.counts["mails"] != mails or len(log.faults) != (want is not None) or (want or "") not in said:
            print(f"{name}: {log.counts['mails']} mails, {said or 'no fault'}")
            failed = 1
    print(f"{len(CASES)} logs")
    sys.exit(failed)


def main():
    if sys.argv[1:] == ["--self-test"]:
        self_test()
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    log = Log(os.path.normpath(sys.argv[1]))
    with open(sys.argv[2], encoding="utf-8", errors="surrogateescape") as file:
        log.read(file)
    print("".join(fault + "\n" for fault in log.faults[:20]), end="")
    print(" ".join(f"{name}={count}" for name, count in log.counts.items()))
    sys.exit(bool(log.faults))


if __name__ == "__main__":
    main()
