#include "base/file_descriptor.h"
