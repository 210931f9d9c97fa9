/* version.h - the one place that names Liminal's version. */
#ifndef LIMINAL_APP_VERSION_H
#define LIMINAL_APP_VERSION_H

#define LIMINAL_VERSION "0.1.0"

#endif
