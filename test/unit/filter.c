/* The command line of a filter as words, and which command lines are refused. */
#include "mail/filter.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"
#include "mail/filter_words.h"

enum { ROOM = 256 };

/* Is `text` split into the `count` words that stand in `words`, each with a NUL behind it? */
static bool splits(const char *text, const char *words, size_t length, size_t count)
{
    char *out = malloc(strlen(text) + 1); /* as much as the header says, so that more is seen */
    bool is_right;

    is_right = out != NULL && filter_words_split(text, out) == count &&
               memcmp(out, words, length) == 0;
    free(out);
    return is_right;
}

#define SPLITS(text, words, count) splits(text, words "\0", sizeof(words), count)

static void blanks_separate(void)
{
    CHECK(SPLITS("tac", "tac", 1));
    CHECK(SPLITS("  sed  -e\tp\n", "sed\0-e\0p", 3));
}

static void quotes_keep_together(void)
{
    CHECK(SPLITS("sed 's/a b/c/'", "sed\0s/a b/c/", 2));
    CHECK(SPLITS("a\"b c\"'d e'f", "ab cd ef", 1));
    CHECK(SPLITS("x '' \"\" y", "x\0\0\0y", 4));
    CHECK(SPLITS("'a\"b' \"c'd\"", "a\"b\0c'd", 2));
    CHECK(SPLITS("'$HOME;|&*'", "$HOME;|&*", 1));
}

static void backslashes_quote(void)
{
    CHECK(SPLITS("a\\ b \\' \\\" \\\\ \\c", "a b\0'\0\"\0\\\0c", 5));
    CHECK(SPLITS("\"a\\\"b\\\\c\\nd\"", "a\"b\\c\\nd", 1));
    CHECK(SPLITS("'a\\b\\'", "a\\b\\", 1));
}

static void what_does_not_close_is_no_command(void)
{
    static const char *const bad[] = { "",      " ",   "\t\n",  "'",      "\"",  "\\",   "cat '",
                                       "a\"",   "a 'b\"", "\"a\\\"", "a\\", "\"\\", "a b c'd",
                                       NULL };
    char out[ROOM];
    int i;

    for (i = 0; bad[i] != NULL; i++) {
        CHECK(filter_words_split(bad[i], out) == 0);
        CHECK(!filter_is_command(bad[i]));
    }
    CHECK(!filter_is_command("'' a"));
    CHECK(filter_is_command("cat ''"));
}

static void limits_hold(void)
{
    static char text[FILTER_COMMAND_LIMIT + 2];
    size_t i;

    memset(text, 'a', FILTER_COMMAND_LIMIT);
    CHECK(filter_is_command(text));
    text[FILTER_COMMAND_LIMIT] = 'a';
    CHECK(!filter_is_command(text));
    memset(text, 0, sizeof text);
    for (i = 0; i < FILTER_WORDS_LIMIT; i++)
        memcpy(text + 2 * i, "a ", 2);
    CHECK(filter_is_command(text));
    text[2 * i] = 'a';
    CHECK(!filter_is_command(text));
}

static bool cannot_start(const char *command, int error)
{
    errno = 0;
    return filter_start(command) == -1 && errno == error;
}

static void a_program_is_looked_for(void)
{
    char folder[] = "/tmp/unit-filter-XXXXXX", path[ROOM], folders[ROOM], command[2 * ROOM];
    FILE *file;

    CHECK(filter_start(NULL) == 0);
    CHECK(!filter_is_on());
    CHECK(mkdtemp(folder) != NULL);
    snprintf(path, sizeof path, "%s/unit-filter", folder);
    snprintf(folders, sizeof folders, "/nowhere:%s:/bin:/usr/bin", folder);
    snprintf(command, sizeof command, "%s 'x y'", path);
    setenv("PATH", folders, 1);
    CHECK(filter_start("cat x") == 0);
    CHECK(cannot_start("unit-filter x", ENOENT));
    CHECK(cannot_start(command, ENOENT));
    CHECK(cannot_start("/nowhere/x", ENOENT) && strcmp(filter_program(), "/nowhere/x") == 0);
    CHECK(cannot_start(folder, EACCES));
    file = fopen(path, "w");
    CHECK(file != NULL && fclose(file) == 0);
    CHECK(cannot_start("unit-filter x", EACCES));
    CHECK(cannot_start(command, EACCES));
    CHECK(chmod(path, S_IRWXU) == 0);
    CHECK(filter_start("unit-filter x") == 0 && strcmp(filter_program(), "unit-filter") == 0);
    CHECK(filter_start(command) == 0);
    CHECK(unlink(path) == 0 && rmdir(folder) == 0);
}

int main(void)
{
    blanks_separate();
    quotes_keep_together();
    backslashes_quote();
    what_does_not_close_is_no_command();
    limits_hold();
    a_program_is_looked_for();
    return check_status();
}
