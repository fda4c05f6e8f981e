// Ending a world and removing everything it made on this machine.
#pragma once

#include "world.h"

namespace minato::app {

// Works in any state, also of half-made or crashed worlds; doing it again is success.
Status bring_down(const World& world);

}  // namespace minato::app
