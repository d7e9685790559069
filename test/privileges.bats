#!/usr/bin/env bats
# shellcheck disable=SC2030,SC2031 # each test is a subshell, and sets what it needs
# Root starts it, has it bind, and nothing of root is left: the user, the groups, the folder and what they may touch.
# The user cartero (4321), with a further group, is there for the server of these tests only.

load helper

local_setup() {
    need_root "another user"
    { cat /etc/passwd; echo "cartero:x:4321:4321::$PWD/home:/bin/sh"; } >passwd
    { cat /etc/group; printf '%s\n' cartero:x:4321: correo:x:4322:cartero otro:x:4323:; } >group
    mkdir jail jail/log jail/mails
    chown 4321:4321 jail/log jail/mails
    chmod 711 . jail
    LOGS=jail/log # relative, since only root may come by from above
    namespace
    RUN_IN+=(unshare -m bash -c 'mount --bind "$0/passwd" /etc/passwd && mount --bind "$0/group" /etc/group && exec "$@"' "$PWD")
    umask 022
}

start_as_cartero() { start_server -m jail/mails -o user=cartero "$@"; }

# status_of PID FIELD: what /proc/PID/status says of it.
status_of() { sed -n "s/^$2:[[:blank:]]*//p" "/proc/$1/status" | tr -s '[:blank:]' ' ' | sed 's/ $//'; }

mail_to() { talk <<<$'S~ 220\nC: HELO x\nS~ 250\nC: MAIL FROM:<a@b.es>\nS~ 250\nC: RCPT TO:<'"$1"$'@d.es>\nS~ 250\nC: DATA\nS~ 354\nC: text\nC: .\nS~ 250'; }

# owners: "MODE USER" of all that this start left in jail/, each once.
owners() { find jail -mindepth 2 -type "$1" -printf '%m %U:%G\n' | sort -u; }

@test "on port 25 the server and all its children are another user for good, with its groups alone" {
    local pid
    RUN_IN+=(setpriv "--groups=0,4323")
    start_as_cartero -p 25
    same 25 "$PORT"
    mail_to uno
    for pid in "$SERVER_PID" $(children); do
        same '4321 4321 4321 4321' "$(status_of "$pid" Uid)"
        same '4321 4321 4321 4321' "$(status_of "$pid" Gid)"
        same '4321 4322' "$(status_of "$pid" Groups)"
        same '0000000000000000 0000000000000000' "$(status_of "$pid" CapPrm) $(status_of "$pid" CapEff)"
        same 0077 "$(status_of "$pid" Umask)"
    done
    [ "$(children | wc -l)" -gt 4 ]
}

@test "folders are for that user alone, and so are mails and logs" {
    start_as_cartero
    mail_to uno
    same '700 4321:4321' "$(owners d)"
    same '600 4321:4321' "$(owners f)"
    [ -n "$(find jail/mails/uno/new -type f)" ]
    [ -s jail/log/peticiones.log ]
}

@test "root without a user serves no port below 1024, and is warned on any other" {
    local port
    for port in -p25 -p1023 -P1023; do
        refused -f -p 0 -P 0 "$port" -l jail/log -m jail/mails
        same 1 "$status"
        matches "^servidor: ${port:0:2} ${port:2}: root .*-o user=NAME" "$output"
    done
    start_server -p 1024 -m jail/mails
    same 1 "$(grep -c '^servidor: root has more rights than a server needs: -o user=NAME ' "$SERVER_ERR")"
    stop_server
    rm jail/log/*
    start_as_cartero
    same "" "$(cat "$SERVER_ERR")"
}

@test "a user that cannot be is refused" {
    local words
    while IFS='|' read -r -a words; do
        refused -f -p 0 -P 0 -l jail/log "${words[@]:1}"
        same 1 "$status"
        same "servidor: ${words[0]}" "$output"
    done <<'END'
user=nadie: no such user|-o|user=nadie
user=root: name a user with fewer rights|-o|user=root
chroot=jail: root can leave it: user=NAME is wanted too|-o|chroot=jail
chroot=none: No such file or directory|-o|user=cartero|-o|chroot=none
END
    same "" "$(ls jail/log)"
}

@test "who is not root can be nobody else, and himself" {
    not_under_valgrind 'another user has no folder for its files'
    cp "$SERVIDOR" jail/servidor # which may stand where only root may look
    SERVIDOR=jail/servidor
    local as_root=("${RUN_IN[@]}")
    RUN_IN+=(setpriv --reuid=4321 --regid=4321 --clear-groups)
    refused -f -p 0 -P 0 -l jail/log -o user=daemon
    same 'servidor: user=daemon: only root can become another user' "$output"
    refused -f -p 0 -P 0 -l jail/log -o user=cartero -o chroot=jail
    same 'servidor: chroot=jail: only root can change the root folder' "$output"
    start_as_cartero
    RUN_IN=("${as_root[@]}") # so that clients may stand where only root may look, too
    mail_to uno
    same '600 4321:4321' "$(owners f | grep -v ' 0:0$')"
}

@test "a folder that is not that user's is named" {
    chown 0:0 jail/mails
    refused -f -p 0 -P 0 -l jail/log -m jail/mails/deep -o user=cartero
    same 1 "$status"
    matches '^servidor: jail/mails/deep: Permission denied: ' "$output"
}

@test "what that user puts in the place of the pid file is not opened by root" {
    # A link there was followed by root, and opened for writing.
    mkdir -m 700 roots
    mkfifo roots/pipe
    cat roots/pipe >heard 3>&- 4>&- &
    local reader=$!
    sessions+=("$reader")
    wait_until opens_a_pipe "$reader"
    ln -s "$PWD/roots/pipe" jail/log/servidor.pid
    chown -h 4321:4321 jail/log/servidor.pid
    refused -f -p 0 -u "$SECRET" -l jail/log -m jail/mails -o user=cartero
    # A pipe that somebody had opened for writing would be at its end by now.
    timeout 60 bash -c 'echo nobody came before >roots/pipe'
    wait_until gone "$reader"
    same 'nobody came before' "$(cat heard)"
    matches '^servidor: jail/log/servidor\.pid: Too many levels of symbolic links: choose a folder' "$output"
}

# opens_a_pipe PID: that cat waits for the other end of what it opens.
opens_a_pipe() { [ "$(cat "/proc/$1/comm")" = cat ] && grep -q ') S ' "/proc/$1/stat"; }

@test "what is no file in the place of the pid file is named, and not waited for" {
    mkfifo jail/log/servidor.pid
    chown 4321:4321 jail/log/servidor.pid
    refused -f -p 0 -u "$SECRET" -l jail/log -m jail/mails -o user=cartero
    same 'servidor: jail/log/servidor.pid: File exists: choose a folder that can be written with -l' "$output"
}

@test "a secret that root alone may read is read" {
    echo "$SECRET" >secret
    chmod 600 secret
    MONITOR=(-P 0 -o "secret-file=$PWD/secret")
    start_as_cartero
    tells 0 0
}

@test "SIGHUP: settings that the user may not read are named, and the old ones stay" {
    echo 'message-size=200000' >settings
    chmod 600 settings
    start_as_cartero -c settings
    expect_stderr "^servidor: -c: settings: Permission denied"
    expect_stderr '^servidor: the old settings stay$'
    echo 'message-size=300000' >settings
    kill -HUP "$SERVER_PID"
    wait_until grep -q 'the old settings stay' "$SERVER_ERR"
    session_offers 200000
    chmod 644 settings
    kill -HUP "$SERVER_PID"
    wait_until session_offers 300000 >/dev/null
}

@test "-s becomes that user too" {
    printf '%s\r\n' 'HELO x' 'MAIL FROM:<a@b.es>' 'RCPT TO:<uno@d.es>' DATA text . QUIT |
        "${RUN_IN[@]}" "$SERVIDOR" -s -l jail/log -m jail/mails -o user=cartero >said
    same 221 "$(tail -n 1 said | cut -c 1-3)"
    same '700 4321:4321' "$(owners d)"
    same '600 4321:4321' "$(owners f)"
}

# --- the filter -------------------------------------------------------------------------------------------------------

@test "a filter has that user's rights, and of the environment what it needs" {
    cat >jail/filter <<'END'
#!/bin/sh
echo "$(id -u) $(id -G) $(umask)"
env | sed 's/=.*//' | sort | grep -vx -e PWD -e OLDPWD -e SHLVL -e _ | paste -s -d ' ' -
env | grep -E '^(HOME|USER|LOGNAME|TZ)=' | sort
END
    chmod 755 jail/filter
    export PRIVATE=word LD_DEBUG_OUTPUT=word TZ=UTC0 LANG=C
    unset TMPDIR
    env -u LC_ALL "${RUN_IN[@]}" true
    start_as_cartero -T jail/filter
    export TMPDIR=$BATS_TEST_TMPDIR/tmp
    mail_to uno
    sed '1,/^Received:/d; /^[[:blank:]]/d' jail/mails/uno/new/* >kept
    same "4321 4321 4322 0077" "$(sed -n 1p kept)"
    same "CLIENT HOME LANG LOGNAME PATH QUEUE_ID RECIPIENTS RECIPIENT_COUNT SENDER TZ USER" \
        "$(sed -n 2p kept | sed 's/ LC_ALL//')"
    same "HOME=$PWD/home LOGNAME=cartero TZ=UTC0 USER=cartero" "$(sed 1,2d kept | paste -s -d ' ')"
}

# --- another root folder ----------------------------------------------------------------------------------------------

# furnish: the folder has programs in it; it has neither /dev nor /etc, nor /proc, without which LeakSanitizer does not
# come to an end.
furnish() {
    mkdir jail/usr
    ln -s usr/bin usr/lib usr/lib64 jail
    RUN_IN+=(bash -c 'mount --bind /usr "$0/jail/usr" && exec "$@"' "$PWD")
}

@test "chroot: the server sees that folder alone, keeps mail there, and filters with programs of there" {
    local pid
    leaks_unseen
    furnish
    start_server -p 25 -l log -m /mails -T /bin/rev -o user=cartero -o "chroot=$PWD/jail"
    mail_to uno
    for pid in "$SERVER_PID" $(children); do same "$PWD/jail /" "$(readlink "/proc/$pid/root") $(nsenter -t "$pid" -m pwd)"; done
    same txet "$(tail -n 1 jail/mails/uno/new/*)"
    same "$(date +%Y)" "$(sed -n 's/^Startup .* //p' jail/log/peticiones.log | tail -n 1)"
    same '600 4321:4321' "$(find jail/log jail/mails -type f -printf '%m %U:%G\n' | sort -u)"
}

@test "chroot in the background: ready, complaints, SIGHUP, a second start and the end" {
    local program
    leaks_unseen
    "${RUN_IN[@]}" "$SERVIDOR" -p 0 -P 0 -u "$SECRET" -l /log -m mails -o user=cartero -o "chroot=$PWD/jail" </dev/null >said 2>&1 3>&- 4>&-
    has_lines said 3
    SERVER_PID=$(cat jail/log/servidor.pid)
    servers+=("$SERVER_PID")
    PORT=$(sed -n 's/^Listening on TCP port //p' said)
    ports+=("$PORT")
    same "/dev/null /dev/null $PWD/jail/log/errores.log" \
        "$(for program in 0 1 2; do readlink "/proc/$SERVER_PID/fd/$program"; done | paste -s -d ' ')"
    mail_to uno
    refused -p 0 -P 0 -l /log -o user=cartero -o "chroot=$PWD/jail"
    matches "already running as process $SERVER_PID" "$output"
    mv jail/log/peticiones.log jail/log/old
    kill -HUP "$SERVER_PID"
    wait_until test -e jail/log/peticiones.log
    same "/dev/null /dev/null" "$(for program in 0 1; do readlink "/proc/$SERVER_PID/fd/$program"; done | paste -s -d ' ')"
    mail_to dos
    [ -s jail/log/peticiones.log ]
    same "" "$(cat jail/log/errores.log)"
    kill -TERM "$SERVER_PID"
    wait_until gone "$SERVER_PID"
    forget_server "$SERVER_PID"
    [ ! -e jail/log/servidor.pid ]
}
