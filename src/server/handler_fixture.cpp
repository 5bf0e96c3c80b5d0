#include "server/handler_fixture.h"
