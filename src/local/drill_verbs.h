// The verbs that drills ask a running world for: `observe` streams what changes, `drill-act` breaks
// or mends one thing.
//
// An answer to `drill-act` is one line {"begun":true} once it is done to the world; a bad release
// is then watched, and rolled back when it has failed, for as long as the asker listens. Registered
// by Service; world and loop outlive the server. Loop thread only.
#pragma once

#include "control/server.h"
#include "host/loop.h"
#include "local/local_world.h"

namespace minato::local {

void add_drill_verbs(control::Server& server, host::Loop& loop, LocalWorld& world);

}  // namespace minato::local
