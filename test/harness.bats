#!/usr/bin/env bats
# The wrapper of helper.bash must catch what it is there for: each test here runs a small test file of its own, with a
# stand-in for the server, whose test passes but leaves something behind.

load helper

# A server in Python: the ready lines, and then what the test wants: FAKE is Python text that runs before it waits.
local_setup() {
    cat >fake <<'END'
#!/usr/bin/env python3
import os, signal, socket, subprocess, sys, time
tcp = socket.socket(); tcp.bind(("127.0.0.1", 0)); tcp.listen()
signal.signal(signal.SIGTERM, lambda *_: sys.exit(int(os.environ.get("FAKE_STATUS", "0"))))
exec(os.environ.get("FAKE", ""))
port = tcp.getsockname()[1]
for line in f"TCP port {port}", f"UDP port {port}", "UDP port 1 (monitor)": print("Listening on", line, flush=True)
while True: signal.pause()
END
    chmod +x fake
}

# inner BODY: runs one test with that body; its TAP is in $output.
inner() {
    printf '%s\n' "load $ROOT/test/helper" '@test "inner" {' "$1" '}' >inner.bats
    run env -i PATH="$PATH" SERVIDOR="$BATS_TEST_TMPDIR/fake" FAKE="${FAKE:-}" FAKE_STATUS="${FAKE_STATUS:-0}" \
        "$BATS_ROOT/bin/bats" --tap inner.bats
}

@test "the wrapper lets a clean test pass" {
    inner 'start_server; stop_server'
    same 0 "$status"
}

@test "the wrapper stops a server that still runs" {
    inner 'start_server'
    same 0 "$status"
}

# A child is known by its mark, or its file, once it has become the program that it is to be.
BECOMES='wait_until grep -qx tail "/proc/$!/comm"'

@test "the wrapper catches a process left behind" {
    inner "setsid tail -f /dev/null 3>&- 4>&- & $BECOMES"
    same 1 "$status"
    matches 'process left behind: [0-9]+ tail -f' "$output"
}

@test "the wrapper catches a process whose environment was emptied, by its open file" {
    inner "env -i setsid tail -f /dev/null >kept 3>&- 4>&- & $BECOMES"
    same 1 "$status"
    matches 'process left behind: [0-9]+ tail -f' "$output"
}

@test "the wrapper catches a child that the server left behind" {
    FAKE='subprocess.Popen(["tail", "-f", "/dev/null"])' inner 'start_server'
    same 1 "$status"
    matches 'process left behind' "$output"
}

@test "the wrapper catches a port that stays bound though no process is left" {
    # The socket waits in the buffer of a socket pair: ss sees it bound, and no process has it.
    "$PYTHON" - "$BATS_TEST_TMPDIR" 3>&- 4>&- <<'END' &
import array, os, signal, socket, sys
one, two = socket.socketpair()
kept = socket.socket(); kept.bind(("127.0.0.1", 0)); kept.listen()
one.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [kept.fileno()]))])
with open(sys.argv[1] + "/port.new", "w") as file: file.write(str(kept.getsockname()[1]))
kept.close()
os.rename(sys.argv[1] + "/port.new", sys.argv[1] + "/port")
signal.pause()
END
    sessions+=($!)
    wait_until [ -e port ]
    inner "start_server; ports+=($(cat port))"
    same 1 "$status"
    matches 'port left bound' "$output"
}

@test "the wrapper catches a file left in shared memory" {
    # In a folder of its own, or the tests that run beside this one would find it too.
    local name=$PWD/shared/servidor-left
    mkdir shared
    inner "SHARED_FOLDERS=$PWD/shared; : >$name"
    same 1 "$status"
    matches "temporary file left behind: $name" "$output"
}

@test "the wrapper catches a file left in TMPDIR" {
    inner 'mktemp >made'
    same 1 "$status"
    matches 'temporary file left behind' "$output"
}

@test "the wrapper catches an exit status that is not 0" {
    FAKE_STATUS=3 inner 'start_server'
    same 1 "$status"
    matches "exit status is 3, not 0" "$output"
}

@test "the wrapper catches an unexpected word on stderr" {
    FAKE='print("oops", file=sys.stderr)' inner 'start_server'
    same 1 "$status"
    matches 'unexpected on stderr: oops' "$output"
}

@test "the wrapper lets an announced word on stderr pass, and misses one that never came" {
    FAKE='print("oops", file=sys.stderr)' inner 'expect_stderr "^oops"; start_server'
    same 0 "$status"
    inner 'expect_stderr "^oops"; start_server'
    same 1 "$status"
    matches 'never said on stderr' "$output"
}

@test "the wrapper catches a sanitizer's report" {
    FAKE='open(os.environ["ASAN_OPTIONS"].split("log_path=")[1] + ".1", "w").write("heap-use-after-free")' \
        inner 'start_server'
    same 1 "$status"
    matches 'heap-use-after-free' "$output"
}

@test "a server that does not start fails the test and says why" {
    FAKE='sys.exit("no port for you")' inner 'expect_stderr "no port"; start_server'
    same 1 "$status"
    matches 'no port for you' "$output"
}

@test "wait_until names what it waited for" {
    WITHIN=0 run wait_until test -e nowhere
    same 1 "$status"
    same 'waited 0 s for: test -e nowhere' "$output"
}
