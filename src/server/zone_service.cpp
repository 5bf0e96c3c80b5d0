#include "server/zone_service.h"
