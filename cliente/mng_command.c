/* See mng_command.h. */
#include "mng_command.h"

#include <string.h>

#include "net/monitor_wire.h"
#include "net/text.h"

enum { NAME_ROOM = 32, COMMAND_LIMIT = 255 };

static const struct {
    enum monitor_command command, base;
    const char *rule;
} settable[] = {
    { MONITOR_MESSAGE_SIZE, MONITOR_SET_MESSAGE_SIZE,
      "a message size is a power of two from 64K to 1G" },
    { MONITOR_ADDRESS_LIMIT, MONITOR_SET_ADDRESS_LIMIT,
      "sessions per address are a power of two from 1 to 32768" },
    { MONITOR_LOG_TEXT, MONITOR_SET_LOG_TEXT, "log-text is yes or no" },
};

enum { SETTABLE = sizeof settable / sizeof settable[0] };

static bool read_boolean(const char *text, uint64_t *value)
{
    bool is_yes = strcmp(text, "yes") == 0;

    if (!is_yes && strcmp(text, "no") != 0)
        return false;
    *value = is_yes;
    return true;
}

/* Reads "65536", "64K", "1M" or "1G". */
static bool read_number(const char *text, uint64_t *value)
{
    static const char units[] = "KMG";
    size_t length = strlen(text);
    const char *unit = length == 0 ? NULL : strchr(units, text[length - 1]);
    unsigned shift = unit == NULL ? 0 : 10 * (unsigned)(unit - units + 1);

    if (!text_number(text, unit == NULL ? length : length - 1, UINT64_MAX >> shift, value))
        return false;
    *value <<= shift;
    return true;
}

/* Finds the command below MONITOR_COMMANDS whose name is these octets. */
static bool find(const char *name, size_t length, enum monitor_command *command)
{
    char copy[NAME_ROOM];

    if (length >= sizeof copy)
        return false;
    memcpy(copy, name, length);
    copy[length] = '\0';
    return monitor_find(copy, command);
}

static const char *read_setting(const char *text, size_t length, int *command)
{
    const char *value_text = text + length + 1;
    enum monitor_command named;
    unsigned number;
    uint64_t value;
    size_t i;

    if (!find(text, length, &named))
        return "no such command; mng_client -h shows them";
    for (i = 0; i < SETTABLE; i++) {
        if (settable[i].command != named)
            continue;
        if (!(named == MONITOR_LOG_TEXT ? read_boolean(value_text, &value)
                                        : read_number(value_text, &value)) ||
            !monitor_set(settable[i].base, value, &number))
            return settable[i].rule;
        *command = (int)number;
        return NULL;
    }
    return "what can be set is message-size, sessions-per-address and log-text";
}

const char *mng_command_read(const char *text, int *command)
{
    const char *equals = strchr(text, '=');
    enum monitor_command named;
    uint64_t number;

    if (equals != NULL)
        return read_setting(text, (size_t)(equals - text), command);
    if (strcmp(text, "all") == 0) {
        *command = MNG_ALL;
        return NULL;
    }
    if (text[0] != '\0' && text[strspn(text, "0123456789")] == '\0') {
        if (!text_number(text, strlen(text), COMMAND_LIMIT, &number))
            return "a command's number is 0 to 255";
        *command = (int)number;
        return NULL;
    }
    if (!monitor_find(text, &named))
        return "no such command; mng_client -h shows them";
    *command = (int)named;
    return NULL;
}
