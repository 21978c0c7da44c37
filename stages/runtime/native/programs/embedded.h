/* Files of a package inside a program. The build writes the table; see embedded.c. */
#ifndef AIWF_EMBEDDED_H
#define AIWF_EMBEDDED_H

#include <stddef.h>
#include <stdint.h>

#define EMBEDDED_FOLDER ":inside:" /* the folder's name */

struct embedded_file {
    const char *name;
    const uint8_t *begin, *end;
};

extern const struct embedded_file embedded_files[];
extern const int embedded_count;

#endif
