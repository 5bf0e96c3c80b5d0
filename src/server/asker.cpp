#include "server/asker.h"
