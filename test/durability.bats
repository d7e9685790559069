#!/usr/bin/env bats
# shellcheck disable=SC2030,SC2031 # each test is a subshell, and sets what it needs
# A 250 means on disk: no kill loses an acknowledged mail, and what the server asks of the system for each mail, in
# which order, is seen with strace. A power cut cannot be had here: that each fsync is there in time stands for it.

load helper

need_faults() { [ -x "$FAULTS" ] || fail "no .build/faults/servidor: make faults builds it"; }

# arm PROBE ACTION: the next process of the diagnostic build that comes to PROBE does this there.
arm() { echo "$1 $2" >fault.new && mv fault.new fault; }

# --- kill -9 of the server and of its parts ---------------------------------------------------------------------------

# With this seed each kind of kill comes within three rounds; with the other, one kill of all alone in the first one.
TORTURA_SEED=69 ALL_SEED=138

# tortura ROUNDS: tortura.sh with this server; what it says in the file said, how it ended in $status.
tortura() {
    not_under_valgrind 'a round takes minutes'
    status=0
    SERVIDOR=$SERVIDOR CLIENTE=$CLIENTE MNG_CLIENT=$MNG_CLIENT "$ROOT/scripts/tortura.sh" "$1" \
        </dev/null >said 2>&1 3>&- 4>&- || status=$?
}

@test "kill -9 of each part of the server and of all under 20 senders: no mail is lost or damaged, counters are right" {
    SEED=$TORTURA_SEED tortura 3
    cat said
    same 0 "$status"
    echo "# $(tail -n 2 said | paste -s -d ' ')" >&3
    matches '^killed: all #, busy #, door #, idle #, master #, monitor #, several #, workers #; ' \
        "$(tail -n 2 said | head -n 1 | sed 's/[1-9][0-9]*/#/g')"
    matches '^3 rounds, [1-9][0-9]+ acknowledged mails, 0 lost, 0 damaged$' "$(tail -n 1 said)"
}

# spoiling COMMANDS: as SERVIDOR a script that does this to the stored mails in $mails, $mail the first of them, before
# the server starts.
spoiling() {
    cat >spoiler <<SCRIPT
#!/bin/sh
for word; do
    [ "\$before" != -m ] || mails=\$word
    before=\$word
done
mail=\$(find "\$mails" -path '*/new/*' -type f 2>/dev/null | sort | head -n 1)
if [ -n "\$mail" ]; then
        $1
fi
exec "$SERVIDOR" "\$@"
SCRIPT
    chmod +x spoiler
    SERVIDOR=$PWD/spoiler
}

@test "tortura.sh finds a mail that is lost, that is there twice, that is cut, and a leftover that no start removes" {
    # No process has this number.
    spoiling 'rm "$mail"
        mail=$(find "$mails" -path "*/new/*" -type f | sort | head -n 1)
        cp "$mail" "$mail.twice"
        ln "$mail" "$(dirname "$mail")/../tmp/other.1.M1P4194305Q1.host"
        truncate -s -1 "$(find "$mails" -path "*/new/*" -type f -links 1 | sort | tail -n 1)"'
    SEED=$ALL_SEED tortura 1
    cat said
    same 1 "$status"
    matches '^1 rounds, [1-9][0-9]+ acknowledged mails, 1 lost, 2 damaged$' "$(tail -n 1 said)"
    grep -Eq '^ +lost: r1\.s[0-9]+\.m[0-9]+ is not in [a-z]+$' said
    grep -Eq '^ +damaged: r1\.s[0-9]+\.m[0-9]+ [a-z]+: 2 times there$' said
    grep -Eq '^ +damaged: r1\.s[0-9]+\.m[0-9]+ [a-z]+: the last line is cut$' said
    grep -Eq '^ +not swept: .*other\.1\.M1P4194305Q1\.host$' said
}

@test "tortura.sh finds mails that are in new/ before they are whole, be they completed or taken back later" {
    spoiling 'cd "$mails/.."
        for mail in $(find mails -path "*/new/*" -type f | sort | head -n 2); do
            mv "$mail" . && head -n -3 "${mail##*/}" >"$mail.early"
        done
        tries=0
        until [ "$(grep -c "cut behind" glimpsed)" = 2 ] || [ "$tries" = 600 ]; do
            tries=$((tries + 1))
            sleep 0.1
        done
        rm "$mail.early"
        mail=$(find mails -name "*.early")
        mv "$(basename "$mail" .early)" "$mail"'
    SEED=$ALL_SEED tortura 1
    cat said
    same 1 "$status"
    matches '^1 rounds, [1-9][0-9]+ acknowledged mails, 1 lost, 2 damaged$' "$(tail -n 1 said)"
    grep -Eq '^ +damaged: r1\.s[0-9]+\.m[0-9]+ [a-z]+: cut behind line [0-9]+, while the senders worked$' said
    grep -Eq '^ +damaged: r1\.s[0-9]+\.m[0-9]+ [a-z]+: cut behind line [0-9]+, and later gone$' said
}

# A session too many is told, and the totals begin anew with the second server.
@test "tortura.sh finds counters that are wrong" {
    spoiling 'rm "$mails/../log/contadores"'
    cat >liar <<SCRIPT
#!/bin/sh
case \$4 in
concurrent) "$MNG_CLIENT" "\$@" | awk '{ \$NF += NR == 2; print }' ;;
*) exec "$MNG_CLIENT" "\$@" ;;
esac
SCRIPT
    chmod +x liar
    MNG_CLIENT=$PWD/liar SEED=$ALL_SEED PATIENCE=10 tortura 1
    cat said
    same 1 "$status"
    matches '^1 rounds, [1-9][0-9]+ acknowledged mails, 0 lost, 0 damaged$' "$(tail -n 1 said)"
    grep -qx ' *concurrent sessions: the monitor tells 1, but there are 0' said
    grep -Eqx ' *mails: the monitor told 0 and tells [0-9]+, behind [0-9]+ acknowledged and [0-9]+ stored ones' said
}

@test "tortura.sh that is ended leaves no process and no file" {
    not_under_valgrind 'a round takes minutes'
    SERVIDOR=$SERVIDOR CLIENTE=$CLIENTE MNG_CLIENT=$MNG_CLIENT "$ROOT/scripts/tortura.sh" 1000 \
        </dev/null >said 2>&1 3>&- 4>&- &
    local pid=$! status=0
    WITHIN=60 wait_until grep -q '^round 1:' said
    kill -TERM "$pid"
    wait "$pid" || status=$?
    same 143 "$status"
    same "" "$(ls "$TMPDIR")"
    none_is_ours
}

@test "tortura.sh says how it is used, and does not take what it does not know" {
    "$ROOT/scripts/tortura.sh" -h >said
    grep -q '^usage: tortura.sh' said
    local arguments status
    for arguments in 0 x -x 100000 '1 2'; do
        status=0
        # shellcheck disable=SC2086 # several
        "$ROOT/scripts/tortura.sh" $arguments >said 2>&1 || status=$?
        same 2 "$status"
        [ -s said ]
    done
}

# --- what strace sees -------------------------------------------------------------------------------------------------

# What strace does to an fsync. It takes 20 ms more, as if the disk had to turn: a disk that is done at once would have
# nothing that could be shared.
INJECT=delay_exit=20000

# start_traced [OPTION...]: the server with strace at its side, which writes to the file trace.
start_traced() {
    local calls=fsync,fdatasync,sync,syncfs,sync_file_range,msync,link,linkat,rename,renameat,renameat2,mkdir,mkdirat
    calls+=,unlink,unlinkat,write,writev,pwrite64,sendto,sendmsg
    leaks_unseen
    RUN_IN=(strace -D -f -y -ttt -s 400 -o trace -e signal=none -e "trace=$calls" -e "inject=fsync:$INJECT")
    start_server -m "$PWD/mails" "$@"
    RUN_IN=()
    TRACER=$(sed -n 's/^TracerPid:\t//p' "/proc/$SERVER_PID/status")
    [ "$TRACER" != 0 ]
}

# stop_traced: the server's end, and all that strace wrote.
stop_traced() {
    stop_server
    WITHIN=60 wait_until gone "$TRACER"
}

# rules_kept: each 250 in the trace came behind all that it needs. Sets the counts mails, links, folder, spool, parent.
rules_kept() {
    "$PYTHON" "$TOOLS/synclog.py" "$PWD/mails" trace >counts || { cat counts; return 1; }
    mails=$(count_of mails) links=$(count_of links)
    spool=$(count_of spool-syncs) folder=$(count_of folder-syncs) parent=$(count_of parent-syncs)
}

count_of() { sed -n "s/^.*\b$1=\([0-9]*\).*$/\1/p" counts; }

# senders OPTION... BOX...: see tools/senders.py.
senders() {
    local fault=0
    "$PYTHON" "$TOOLS/senders.py" "$PORT" "$PWD/mails" "$@" >sent || fault=1
    cat sent
    return "$fault"
}

@test "synclog.py finds each broken rule in logs written by hand" {
    "$PYTHON" "$TOOLS/synclog.py" --self-test
}

@test "20 senders to one box share the folder's fsync, and none gets a 250 that no fsync stands behind" {
    start_traced
    senders one
    same '200 acknowledged, 0 refused, 0 broken' "$(tail -n 1 sent)"
    stop_traced
    rules_kept
    echo "# $mails mails, $spool fsyncs of their files, $folder of the folder" >&3
    same 200 "$mails"
    same 200 "$links"
    same 200 "$spool"
    ((folder <= mails / 2)) || fail "$folder fsyncs of the folder for $mails mails"
}

@test "20 senders to three boxes that are all new: the rules hold for each box and each folder above it" {
    start_traced
    senders -m 3 one two three
    same '60 acknowledged, 0 refused, 0 broken' "$(tail -n 1 sent)"
    stop_traced
    rules_kept
    same 60 "$mails"
    same 180 "$links"
    same 60 "$spool"
    ((parent >= 4)) || fail "$parent fsyncs for three boxes and the mail folder"
}

@test "the rules hold over UDP, with BDAT and when commands are pipelined" {
    start_traced
    after_helo usal -u <<'DIALOGUE'
C: MAIL FROM:<a@b.es>
S~ 250
C: RCPT TO:<udp@d.es>
S~ 250
C: DATA
S~ 354
C: text
C: .
S~ 250
C: QUIT
S~ 221
DIALOGUE
    after_helo usal <<'DIALOGUE'
C| MAIL FROM:<a@b.es>\r\nRCPT TO:<bdat@d.es>\r\nBDAT 6\r\ntext\r\nBDAT 0 LAST\r\nNOOP\r\nQUIT\r\n
S~ 250
S~ 250
S~ 250
S~ 250
S~ 250
S~ 221
closed
DIALOGUE
    after_helo usal <<'DIALOGUE'
C| MAIL FROM:<a@b.es>\r\nRCPT TO:<data@d.es>\r\nDATA\r\n
S~ 250
S~ 250
S~ 354
C| text\r\n.\r\nMAIL FROM:<a@b.es>\r\nRCPT TO:<data@d.es>\r\nRSET\r\nQUIT\r\n
S~ 250
S~ 250
S~ 250
S~ 250
S~ 221
closed
DIALOGUE
    stop_traced
    rules_kept
    same '3 3 3' "$mails $links $folder"
}

@test "an fsync that fails stands behind no 250: in each process every eleventh fails" {
    expect_stderr '^servidor: .*/mails: Input/output error: mail is refused for now$'
    INJECT=error=EIO:when=5+11 start_traced
    senders one two
    matches '^[1-9][0-9]+ acknowledged, [1-9][0-9]* refused, 0 broken$' "$(tail -n 1 sent)"
    stop_traced
    rules_kept
    same "$(cut -d ' ' -f 1 <(tail -n 1 sent))" "$mails"
    echo "# $(tail -n 1 sent), $(grep -c INJECTED trace) fsyncs failed" >&3
}

@test "the rules hold without the lock that lets fsyncs be shared" {
    need_faults
    SERVIDOR=$FAULTS SERVIDOR_FAULT=$PWD/fault start_traced
    arm folder-lock EIO
    senders -n 4 -m 3 one
    [ ! -e fault ]
    same '12 acknowledged, 0 refused, 0 broken' "$(tail -n 1 sent)"
    stop_traced
    rules_kept
    same 12 "$mails"
}

@test "with sync=no nothing is synced at all, and that is said at the start" {
    expect_stderr 'sync=no'
    start_traced -o sync=no
    same 1 "$(grep -c sync=no "$SERVER_ERR")"
    senders -n 5 -m 2 one two
    same '10 acknowledged, 0 refused, 0 broken' "$(tail -n 1 sent)"
    stop_traced
    # So strace saw all mails, and nothing that stands behind their 250.
    refute "$PYTHON" "$TOOLS/synclog.py" "$PWD/mails" trace >counts
    same '10 20' "$(count_of mails) $(count_of links)"
    same "" "$(grep -E '^[0-9]+ +[0-9.]+ [a-z_]*sync[a-z_]*\(' trace)"
}

# --- kill -9 of one worker that others wait for -----------------------------------------------------------------------

# used_up: the fault was hit, or the senders are through. It looks more often than wait_until, before most mails are by.
used_up() { until [ ! -e fault ] || [ -e through ]; do read -rt 0.002 <>nap || :; done; }

# killed_at PROBE: 20 senders, and again and again a worker is killed at PROBE: that breaks one mail each time.
killed_at() {
    need_faults
    allow_stderr '^servidor: .*(killed|signal|died|SIGKILL|9)'
    SERVIDOR=$FAULTS SERVIDOR_FAULT=$PWD/fault start_server -m "$PWD/mails"
    local kills=0
    mkfifo nap
    { senders -d one two >/dev/null; echo $? >through; } 3>&- 4>&- &
    until [ -e through ]; do
        arm "$1" KILL
        used_up
        [ -e fault ] || ((kills += 1))
    done
    wait $!
    [ "$(cat through)" = 0 ] || { cat sent; return 1; }
    rm -f fault
    echo "# $kills workers killed at $1: $(grep acknowledged, sent)" >&3
    ((kills >= 2))
    grep -qx "$((200 - kills)) acknowledged, 0 refused, $kills broken" sent
    stop_server
    start_server -m "$PWD/mails"
    same "" "$(find mails -path '*/tmp/*')"
}

@test "a worker that dies in the folder's fsync harms nobody who waits for it" { killed_at folder-sync; }
@test "a worker that dies with the folder's lock harms nobody who waits for it" { killed_at folder-lock; }
