// A value with its saved form, which is made again only after a change: what makes saving a
// thousand instances after a change to one of them cheap. Internal to the module; loop thread only.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace minato::cloudmodel {

// Read freely, change through edit().
template <class T>
class Kept {
 public:
  explicit Kept(T value) : value_(std::move(value)) {}
  const T& operator*() const { return value_; }
  const T* operator->() const { return &value_; }
  T& edit() {
    text_.clear();
    for (const auto& watcher : std::exchange(watchers_, {})) watcher();
    return value_;
  }
  // Called once, as the next edit begins.
  void watch(std::function<void()> changing) { watchers_.push_back(std::move(changing)); }
  template <class Write>
  const std::string& text(Write write) const {
    if (text_.empty()) text_ = write(value_);
    return text_;
  }

 private:
  T value_;
  mutable std::string text_;
  std::vector<std::function<void()>> watchers_;
};

}  // namespace minato::cloudmodel
