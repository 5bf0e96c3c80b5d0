#include "base/guarded.h"
