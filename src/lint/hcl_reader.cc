#include "lint/hcl_reader.h"

#include <algorithm>

#include "base/strings.h"

namespace minato::lint {
namespace {

constexpr int kMaxBlocks = 32;
constexpr int kMaxLocals = 8;  // Of locals that name locals.

bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '-';
}

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  void body(HclBlock& out, int depth) {
    while (true) {
      skip_space();
      if (at_ >= text_.size()) return;
      if (text_[at_] == '}') {
        ++at_;
        return;
      }
      const std::string name = word();
      if (name.empty()) {
        ++at_;
        continue;
      }
      item(name, out, depth);
    }
  }

 private:
  void item(const std::string& name, HclBlock& out, int depth) {
    std::vector<std::string> labels;
    while (true) {
      skip_blank();
      if (at_ >= text_.size() || text_[at_] == '\n') return;
      const char c = text_[at_];
      if (c == '=') {
        ++at_;
        out.attributes[name] = expression();
        return;
      }
      if (c == '{') {
        ++at_;
        HclBlock block{.type = name, .labels = std::move(labels)};
        if (depth < kMaxBlocks) body(block, depth + 1);
        out.blocks.push_back(std::move(block));
        return;
      }
      if (c == '"') {
        const std::size_t begin = at_;
        skip_string();
        labels.emplace_back(text_.substr(begin + 1, at_ - begin - 2));
      } else if (is_word(c)) {
        labels.push_back(word());
      } else {
        ++at_;
      }
    }
  }

  // Up to the end of the line on which no bracket is open; comments are left out.
  std::string expression() {
    std::string out;
    int depth = 0;
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '\n' && depth <= 0) break;
      if (c == '#' || text_.substr(at_).starts_with("//")) {
        while (at_ < text_.size() && text_[at_] != '\n') ++at_;
        continue;
      }
      if (c == '"') {
        const std::size_t begin = at_;
        skip_string();
        out += text_.substr(begin, at_ - begin);
        continue;
      }
      if (c == '{' || c == '[' || c == '(') ++depth;
      if (c == '}' || c == ']' || c == ')') {
        if (depth == 0) break;  // The block's own end on the same line.
        --depth;
      }
      out += c;
      ++at_;
    }
    return std::string(trim(out));
  }

  void skip_string() {
    int depth = 0;
    for (++at_; at_ < text_.size(); ++at_) {
      if (text_[at_] == '\\') {
        ++at_;
      } else if (text_.substr(at_).starts_with("${")) {
        ++depth;
      } else if (text_[at_] == '}' && depth > 0) {
        --depth;
      } else if (text_[at_] == '"' && depth == 0) {
        ++at_;
        break;
      }
    }
    at_ = std::min(at_, text_.size());
  }

  void skip_blank() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\r'))
      ++at_;
  }

  void skip_space() {
    while (at_ < text_.size()) {
      if (text_[at_] == '#' || text_.substr(at_).starts_with("//")) {
        while (at_ < text_.size() && text_[at_] != '\n') ++at_;
      } else if (text_.substr(at_).starts_with("/*")) {
        const std::size_t end = text_.find("*/", at_ + 2);
        at_ = end == std::string_view::npos ? text_.size() : end + 2;
      } else if (std::string_view(" \t\r\n").find(text_[at_]) != std::string_view::npos) {
        ++at_;
      } else {
        return;
      }
    }
  }

  std::string word() {
    const std::size_t begin = at_;
    while (at_ < text_.size() && is_word(text_[at_])) ++at_;
    return std::string(text_.substr(begin, at_ - begin));
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace

std::string HclBlock::attribute(std::string_view name) const {
  const auto found = attributes.find(std::string(name));
  return found == attributes.end() ? "" : found->second;
}

const HclBlock* HclBlock::block(std::string_view wanted) const {
  const auto found = std::ranges::find(blocks, wanted, &HclBlock::type);
  return found == blocks.end() ? nullptr : &*found;
}

HclModule HclModule::read(const render::Files& files) {
  HclModule out;
  for (const auto& [path, text] : files) {
    if (path.ends_with(".tf")) Parser(text).body(out.root_, 0);
  }
  for (const HclBlock& block : out.root_.blocks) {
    if (block.type != "locals") continue;
    for (const auto& [name, expression] : block.attributes) out.locals_[name] = expression;
  }
  return out;
}

std::vector<const HclBlock*> HclModule::blocks(std::string_view kind, std::string_view type) const {
  std::vector<const HclBlock*> out;
  for (const HclBlock& block : root_.blocks) {
    if (block.type == kind && block.labels.size() == 2 && block.labels[0] == type)
      out.push_back(&block);
  }
  return out;
}

std::vector<const HclBlock*> HclModule::resources(std::string_view type) const {
  return blocks("resource", type);
}

std::vector<const HclBlock*> HclModule::data(std::string_view type) const {
  return blocks("data", type);
}

std::string HclModule::value(const std::string& expression) const {
  std::string text = expression;
  for (int i = 0; i < kMaxLocals && text.starts_with("local."); ++i) {
    const auto found = locals_.find(text.substr(std::string_view("local.").size()));
    if (found == locals_.end()) break;
    text = found->second;
  }
  if (text.size() >= 2 && text.front() == '"' && text.back() == '"')
    text = text.substr(1, text.size() - 2);
  // The one interpolation that names are made of.
  for (const auto& [name, literal] : locals_) {
    const std::string hole = "${local." + name + "}";
    if (!literal.starts_with('"')) continue;
    const std::string inner = literal.substr(1, literal.size() - 2);
    for (std::size_t at = text.find(hole); at != std::string::npos;
         at = text.find(hole, at + inner.size())) {
      text.replace(at, hole.size(), inner);
    }
  }
  return text;
}

std::vector<std::string> HclModule::values(const HclBlock& block,
                                           std::string_view attribute) const {
  const std::string& expression = block.attribute(attribute);
  if (expression != "each.value") return {value(expression)};
  std::string each = block.attribute("for_each");
  if (each.starts_with("local.")) each = value(each);
  if (each.starts_with("toset(") && each.ends_with(')')) each = each.substr(6, each.size() - 7);
  if (each.size() < 2) return {};
  const bool keyed = each.front() == '{';
  std::vector<std::string> out;
  std::string items = each.substr(1, each.size() - 2);
  std::ranges::replace(items, '\n', ',');
  for (const std::string& item : split(items, ',')) {
    const std::size_t equal = keyed ? item.find('=') : std::string::npos;
    const std::string_view text =
        trim(equal == std::string::npos ? std::string_view(item)
                                        : std::string_view(item).substr(equal + 1));
    if (!text.empty()) out.push_back(value(std::string(text)));
  }
  return out;
}

}  // namespace minato::lint
