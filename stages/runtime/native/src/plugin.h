/* Finds engines: linked into the program, or as plug-ins in a folder. */
#ifndef AIWF_PLUGIN_H
#define AIWF_PLUGIN_H

#include "aiwf_engine.h"
#include "names.h"

#define MOST_FOLDER 4096

struct plugin {
    const aiwf_engine *engine;
    void *library; /* NULL if it is linked in */
    char folder[MOST_FOLDER];
};

/* Find the engine `name`. `folder`: of plug-ins; NULL for that of this library. */
int plugin_open(const char *name, const char *folder, struct plugin *plugin, aiwf_error *error);
void plugin_close(struct plugin *plugin);

#endif
