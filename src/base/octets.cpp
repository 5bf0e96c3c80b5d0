#include "base/octets.h"
