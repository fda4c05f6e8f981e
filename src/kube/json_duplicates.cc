#include "kube/json_duplicates.h"

#include <algorithm>

#include "kube/validation.h"

namespace minato::kube {
namespace {

constexpr std::size_t kMaxFound = 100;

class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  std::vector<std::string> run() {
    value(FieldPath(""));
    return std::move(found_);
  }

 private:
  char here() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  void skip_space() {
    while (here() == ' ' || here() == '\t' || here() == '\n' || here() == '\r') ++at_;
  }
  // Behind the next value or separator that is `c`.
  bool take(char c) {
    skip_space();
    if (here() != c) return false;
    ++at_;
    return true;
  }

  void value(const FieldPath& path) {
    skip_space();
    switch (here()) {
      case '{': return object(path);
      case '[': return array(path);
      case '"': string(); return;
      default:
        while (at_ < text_.size() && std::string_view(",]} \t\r\n").find(text_[at_]) == std::string_view::npos)
          ++at_;
    }
  }

  std::string_view string() {
    const std::size_t begin = ++at_;
    while (at_ < text_.size() && text_[at_] != '"') at_ += text_[at_] == '\\' ? 2U : 1U;
    const std::size_t end = std::min(at_, text_.size());
    at_ = std::min(end + 1, text_.size());
    return text_.substr(begin, end - begin);
  }

  void object(const FieldPath& path) {
    ++at_;
    const std::size_t first = names_.size();
    while (!take('}') && at_ < text_.size()) {
      skip_space();
      if (here() != '"') break;
      const std::string_view name = string();
      names_.push_back(name);
      if (!take(':')) break;
      const FieldPath member = path.child(name);
      value(member);
      static_cast<void>(take(','));
    }
    note_twice(path, first);
    names_.resize(first);
  }

  void array(const FieldPath& path) {
    ++at_;
    for (std::size_t index = 0; !take(']') && at_ < text_.size(); ++index) {
      const std::size_t before = at_;
      const FieldPath element = path.index(index);
      value(element);
      if (!take(',') && at_ == before) break;  // Not JSON after all.
    }
  }

  // Of the object that ends here, whose names begin at `first`.
  void note_twice(const FieldPath& path, std::size_t first) {
    auto at = names_.begin() + static_cast<std::ptrdiff_t>(first);
    std::sort(at, names_.end());
    while ((at = std::adjacent_find(at, names_.end())) != names_.end() && found_.size() < kMaxFound) {
      const std::string_view name = *at;
      const FieldPath member = path.child(name);
      found_.push_back(member.to_string());
      at = std::find_if(at, names_.end(), [&](std::string_view other) { return other != name; });
    }
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::vector<std::string_view> names_;  // Of the objects that are open, the innermost last.
  std::vector<std::string> found_;
};

}  // namespace

std::vector<std::string> duplicate_members(std::string_view text) { return Scanner(text).run(); }

}  // namespace minato::kube
