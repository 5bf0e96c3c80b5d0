#include "net/stats.h"
