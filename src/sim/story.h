// What happened, in order, for people: what a scenario did, and the Events that controllers wrote.
// Equal ones that follow each other closely become one line with a count.
//
// Owned by SimWorld. Bounded: past kMaximumLines only counts go on.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "env/env.h"
#include "kube/types/config.h"
#include "store/store.h"

namespace minato::sim {

struct StoryLine {
  Duration at{};       // Since the beginning.
  std::string source;  // "you" for what the scenario did.
  std::string text;
  std::uint64_t count = 1;
};

class Story {
 public:
  static constexpr std::size_t kMaximumLines = 5000;
  static constexpr Duration kTogether = 1min;

  Story(const env::Clock& clock, store::Store& store);
  void say(std::string text);

  const std::vector<StoryLine>& lines() const { return lines_; }
  // How often an Event with this reason was written or counted up.
  std::uint64_t count(const std::string& reason) const;
  const std::map<std::string, std::uint64_t>& counts() const { return counts_; }
  // The newest message of an Event with this reason; "" when there was none.
  const std::string& last(const std::string& reason) const;

 private:
  void record(const kube::Event& event);
  void add(StoryLine line, const std::string& group);

  const env::Clock& clock_;
  std::unique_ptr<kube::Watch> watch_;
  std::vector<StoryLine> lines_;
  std::map<std::string, std::size_t> open_;  // By what groups lines: the newest of its kind.
  std::map<std::string, std::uint64_t> counts_;
  std::map<std::string, std::string> last_;
};

}  // namespace minato::sim
