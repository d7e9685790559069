#!/usr/bin/env bats
# The walls of the house (README, "What is where"): who may know whom, who alone may do what, and how large things may get.
# The sources are read; ROOT=FOLDER checks another tree. A broken wall is mended in the source, not here.

load helper

local_setup() { cd "$ROOT" || return 1; }

# sources NAME...: the C files of both programs with such names.
sources() {
    local name names=()
    for name; do names+=(-o -name "$name"); done
    find servidor cliente "${names[@]:1}" | LC_ALL=C sort
}

# code [KEPT]: what is code in the sources (see code.awk), as FILE:LINE:TEXT.
code() { sources '*.c' '*.h' | xargs awk -f "$ROOT/test/tools/code.awk" -v keep="${1:-}"; }

# nothing RULE <<<LINES: the lines are what breaks the rule, and there are none.
nothing() {
    local found
    found=$(grep . || true)
    [ -z "$found" ] || fail "$1"$'\n'"$found"
}

# only OWNERS CALLS: these functions are called in these files alone. Both are extended regular expressions.
only() {
    code | grep -E "(^|[^[:alnum:]_])($2) *\(" | grep -Ev "^($1):" | nothing "only $1 may call these:"
}

# rules NAME...: what the compiler says with these warnings as errors.
rules() {
    local file
    for file in $(sources '*.c'); do
        "${CC:-cc}" -std=c11 -D_POSIX_C_SOURCE=200809L -Iservidor -Icliente -fsyntax-only "$@" "$file" 2>&1 || true
    done
}

@test "the reader of these tests tells code from what looks like it" {
    cat >"$BATS_TEST_TMPDIR/some.c" <<'END'
a("fork(", 'x', '"'); /* fork( */ b(); // fork(
/* fork(
   " fork( */ c("\"fork(", '\''); /**/d();
END
    cd "$BATS_TEST_TMPDIR"
    same $'some.c:1:a("", \'\', \'\');   b(); \nsome.c:2: \nsome.c:3: c("", \'\');  d();' \
        "$(awk -f "$ROOT/test/tools/code.awk" some.c)"
    same $'some.c:3: c("\\"fork(", \'\\\'\');  d();' "$(awk -f "$ROOT/test/tools/code.awk" -v keep=strings some.c | tail -n 1)"
    same 'some.c:2:/* fork(' "$(awk -f "$ROOT/test/tools/code.awk" -v keep=comments some.c | sed -n 2p)"
    cd "$ROOT"
    [ "$(sources '*.c' '*.h' | wc -l)" -gt 60 ]
}

# --- who may know whom ------------------------------------------------------------------------------------------------

# includes: FILE:HEADER for each header of the project that a file includes.
includes() { code strings | sed -n 's/^\([^:]*\):[0-9]*: *# *include *"\([^"]*\)".*/\1:\2/p'; }

@test "imports run downwards only" {
    includes | awk -F : '
        BEGIN { split("net watch mail smtp core", floors, " "); for (i in floors) floor[floors[i] "/"] = i; floor[""] = 9 }
        function room(path) { return path ~ /\// ? substr(path, 1, index(path, "/")) : "" }
        /^servidor\// {
            from = room(substr($1, 10)); to = room($2)
            if (!(from in floor) || !(to in floor) || floor[to] > floor[from]) print
        }' | nothing "a floor includes itself and those below it (main, core, smtp, mail, watch, net):"
    find servidor -mindepth 1 -type d | grep -Ev '^servidor/(core|smtp|mail|watch|net)$' | nothing "no such room in the plan:"
}

@test "the client borrows net/ from the server, and no other room" {
    local file header
    includes | grep '^cliente/' | while IFS=: read -r file header; do
        [ -e "cliente/$header" ] || [[ $header =~ ^net/[a-z_]+\.h$ ]] || echo "$file: $header"
    done | nothing "not its own, nor of net/:"
}

@test "the master knows neither smtp nor mail" {
    includes | grep -E '^servidor/core/master\.[ch]:(smtp|mail)/' | nothing "the master reads no client's octet:"
}

@test "the session knows no socket, no signal and no file" {
    local files='servidor/smtp/(session|verbs|line|data|address)\.[ch]'
    code | grep -E "^$files:[0-9]+: *# *include *<(sys/socket|signal|fcntl|unistd|sys/stat|stdio)\.h>" |
        nothing "included by the session:"
    code | grep -E "^$files:.*[^[:alnum:]_](f?open|freopen|openat|creat|socket|accept|recv|send|read|write|kill|raise|unlink|rename) *\(" |
        nothing "called by the session:"
}

# --- who alone may do what --------------------------------------------------------------------------------------------

@test "the pure modules need nothing of the system" {
    local module modules objects=() allowed='inet_pton|mem(chr|cmp|cpy|move|set)|str(chr|cmp|len|spn|cspn)|_GLOBAL_OFFSET_TABLE_'
    # those of the plan that are built, and each whose header says of itself that it is pure
    mapfile -t modules < <({
        for module in servidor/{net/{text,plain,datagram,cookie},smtp/{line,data,address},core/pool} cliente/orders; do
            [ ! -e "$module.c" ] || echo "$module"
        done
        code comments | grep -E '[^[:alnum:]]Pure[:.]' | sed -n 's/\.h:.*//p'
    } | sort -u)
    for module in "${modules[@]}"; do
        objects+=("$BATS_TEST_TMPDIR/${module//\//.}.o")
        "${CC:-cc}" -std=c11 -D_POSIX_C_SOURCE=200809L -Iservidor -Icliente -O1 -fno-pic -fno-stack-protector \
            -U_FORTIFY_SOURCE -c -o "${objects[-1]}" "$module.c"
    done
    [ "${#objects[@]}" -ge 7 ]
    nm --defined-only "${objects[@]}" | awk 'NF == 3 { print $3 }' | sort -u >"$BATS_TEST_TMPDIR/defined"
    nm -u "${objects[@]}" | awk 'NF == 2 { print $2 }' | sort -u | comm -23 - "$BATS_TEST_TMPDIR/defined" |
        grep -Evx "$allowed" | nothing "called by a pure module:"
}

@test "each door to the system has one owner" {
    only 'servidor/core/signals\.c|cliente/crew\.c' 'sigaction|signal|sigvec'
    only 'servidor/core/process\.c|cliente/crew\.c' 'v?fork'
    only 'servidor/core/process\.c' 'exec[lv]p?e?|fexecve|posix_spawnp?|system|popen|daemon'
    only 'servidor/watch/counters\.c' 'mmap|munmap|shm_open|shmget|mremap'
    only 'servidor/mail/maildir\.c' 'link|linkat|symlink'
    only 'servidor/watch/totals\.c' 'rename|renameat'
    only 'servidor/options\.c|cliente/(choices|mng_client)\.c' 'getopt|getopt_long'
}

@test "the lower floors neither log nor exit" {
    code | grep -E '^servidor/(net/|smtp/(line|data|address))' |
        grep -E '[^[:alnum:]_](exit|_exit|_Exit|abort|perror|v?d?f?printf|puts|fputs|syslog) *\(|stderr|stdout' |
        nothing "nobody asked net, line, data or address to speak:"
}

@test "the texts of replies stand in one table" {
    code strings | grep -E '"[2-5][0-9][0-9][ -]' | grep -Ev '^(servidor/smtp/replies\.c|cliente/)' |
        nothing "a reply outside smtp/replies.c:"
}

@test "only one file looks beyond POSIX.1-2008" {
    code | grep -E '# *(define|undef) +_[A-Z0-9_]*_SOURCE|__linux__|__APPLE__|__FreeBSD__' | cut -d : -f 1 | sort -u | sed 1d |
        nothing "a second such file:"
}

@test "no function that cannot bound what it writes, no memory of a client's size on the stack" {
    code | grep -E '[^[:alnum:]_](strn?cpy|stp?cpy|strn?cat|v?sprintf|strtok(_r)?|atoi|atol|atoll|atof|gets|alloca) *\(' |
        nothing "not in this house:"
    rules -Wvla -Werror=vla | grep -E 'vla|variable.length' | nothing "a variable-length array:"
}

# --- how large, and in what form --------------------------------------------------------------------------------------

@test "no source file has 400 lines" {
    find servidor cliente test -name '*.[ch]' -exec awk 'END { if (NR >= 400) print FILENAME ": " NR }' {} \; |
        nothing "too long to be read at once:"
}

# functions: FILE:LINE: NAME, lines, parameters of each function, by the style that has its braces in the first column.
functions() {
    code | awk '
        { match($0, /^[^:]*:[0-9]+:/); at = substr($0, 1, RLENGTH); text = substr($0, RLENGTH + 1) }
        !body && text ~ /^[A-Za-z_]/ { head = ""; from = NR; where = at }
        from && !body { head = head " " text }
        from && !body && text ~ /[;=]/ { from = 0 }
        from && text ~ /^{/ { body = 1 }
        body && text ~ /^}/ {
            body = 0; depth = 0; parameters = 1
            for (i = index(head, "("); i <= length(head); i++) {
                c = substr(head, i, 1)
                depth += (c == "(") - (c == ")")
                if (c == "," && depth == 1) parameters++
                if (depth == 0) break
            }
            name = substr(head, 1, index(head, "(") - 1); sub(/.*[ *]/, "", name)
            print where " " name, NR - from + 1, parameters
            from = 0
        }'
}

@test "no function has more than 60 lines or 4 parameters" {
    [ "$(functions | wc -l)" -gt 300 ]
    functions | awk '$3 > 60' | nothing "too long (file, name, lines, parameters):"
    functions | awk '$4 > 4' | nothing "too many parameters (file, name, lines, parameters):"
}

@test "a source includes its own header first" {
    local file own first
    for file in $(sources '*.c'); do
        [ -e "${file%.c}.h" ] || continue
        own=${file#*/}
        first=$(grep -m 1 '^ *# *include' "$file")
        [ "$first" = "#include \"${own%.c}.h\"" ] || echo "$file: $first"
    done | nothing "the first header is not its own:"
}

@test "every header has a guard of its own" {
    local file guards
    for file in $(sources '*.h'); do
        awk -F : '/:[0-9]+:[ \t]*$/ { next } { line = $0; sub(/^[^:]*:[0-9]+:/, "", line); n++ }
            n == 1 { bad = line !~ /^#ifndef [A-Z0-9_]+_H$/; guard = substr(line, 9) }
            n == 2 && line != "#define " guard { bad = 1 }
            END { if (bad || n < 3 || line != "#endif") print file }' \
            file="$file" <(awk -f "$ROOT/test/tools/code.awk" "$file")
    done | nothing "no guard around all of it:"
    guards=$(sources '*.h' | xargs grep -h '^#ifndef .*_H$' | sort | uniq -d)
    nothing "one guard for two headers:" <<<"$guards"
}

@test "prose and code are ASCII; only strings may be more" {
    code comments | LC_ALL=C grep -P '[^\x00-\x7f]' | nothing "not ASCII:"
    find servidor cliente test -name '*.[ch]' -exec grep -lP '\t| $|\r' {} \; | nothing "tabs, blanks at a line's end, or CRs:"
}

@test "the top of the repository is what the plan says" {
    local top
    top=$(git ls-files -co --exclude-standard 2>/dev/null | cut -d / -f 1)
    [ -n "$top" ] || top=$(ls)
    same $'Makefile\nREADME.md\ncliente\nlog\nordenes\nscripts\nservidor\ntest' \
        "$(grep -v '^\.' <<<"$top" | LC_ALL=C sort -u)"
}
