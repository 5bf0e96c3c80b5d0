#include "base/bounded_queue.h"
