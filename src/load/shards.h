// A Generator that spreads its load over several threads, each with a loop and a Generator of its
// own. Callbacks and report() are on the loop it was made for; shards hand their figures over under
// a lock, ten times a second.
#pragma once

#include <memory>

#include "load/generator.h"

namespace minato::load {

// `make` builds the Generator of one shard, on that shard's thread; options are checked already.
using MakeShard = std::function<std::unique_ptr<Generator>(host::Loop&, const Options&)>;
std::unique_ptr<Generator> make_sharded(host::Loop& loop, Options options, std::size_t threads, MakeShard make);

// How many threads a rate needs on a machine with so many processors.
std::size_t threads_for(double rate);

}  // namespace minato::load
