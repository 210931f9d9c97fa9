/* model_store.h - the store of models on this machine, as the host of a server's models sees it. */
#ifndef LIMINAL_APP_MODEL_STORE_H
#define LIMINAL_APP_MODEL_STORE_H

#include "inference/model_host.h"

/* The folder that path_models names; nothing is kept between calls. */
struct model_store model_store_of_machine(void);

#endif
