#include "server/limits.h"
