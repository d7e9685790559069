/* COMMAND as people write it: a name, a number, NAME=VALUE or "all". Pure. */
#ifndef CLIENTE_MNG_COMMAND_H
#define CLIENTE_MNG_COMMAND_H

enum { MNG_ALL = -1 };

/*
 * Reads `text` into `*command`: 0 to 255, or MNG_ALL. Returns NULL; or what is wrong with it and
 * what would be right, to be said after it and ": ".
 */
const char *mng_command_read(const char *text, int *command);

#endif
