/* credential: how its parts meet. config.c edits config.json, credential.c has the verbs. */
#ifndef CREDENTIAL_H
#define CREDENTIAL_H

#include "registry.h"

/* ---- config.c ---- */

/*
 * Let "auths" of Docker's config.json have VALUE (JSON) for HOST, and nothing else for
 * it; with VALUE NULL nothing at all. All other bytes stay as they are. True if that
 * changed the file.
 */
bool edit_config(const char *host, const char *value);

#endif
