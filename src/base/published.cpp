#include "base/published.h"
