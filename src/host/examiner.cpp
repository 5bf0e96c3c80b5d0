#include "host/examiner.h"
