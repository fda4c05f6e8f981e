// `minato controller` and `minato agent`: in a cluster of EKS the controllers themselves, in the local
// world the places that their Pods hold. Which of the two, the options say.
#pragma once

#include <functional>

#include "base/time.h"
#include "commands.h"

namespace minato::app {

// With --cluster; without it `hold_place` is called with the port of /healthz.
void add_controller(CLI::App& app, const std::string& group, std::function<int(std::uint16_t port)> hold_place,
                    int& exit_code);
// With --node; with --directory `watch_instance` is called instead.
void add_agent(CLI::App& app, const std::string& group,
               std::function<int(const std::string& directory, Duration poll)> watch_instance, int& exit_code);

}  // namespace minato::app
