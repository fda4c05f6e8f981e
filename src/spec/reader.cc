#include "spec/reader.h"

#include <fmt/format.h>

#include "base/strings.h"
#include "spec/yaml_documents.h"

namespace minato::spec {
namespace {

constexpr std::size_t kMaxBytes = 1 << 20;

}  // namespace

void Problems::add(const YAML::Mark& mark, const std::string& message) {
  const std::string place =
      mark.is_null() ? file_ : fmt::format("{}:{}:{}", file_, mark.line + 1, mark.column + 1);
  causes_.push_back({place, message});
}

YAML::Node parse_document(const std::string& text, Problems& problems) {
  const YAML::Node empty(YAML::NodeType::Map);
  if (text.size() > kMaxBytes) {
    problems.add(YAML::Mark::null_mark(), fmt::format("larger than {} bytes", kMaxBytes));
    return empty;
  }
  if (text.find('\0') != std::string::npos) {
    problems.add(YAML::Mark::null_mark(), "contains a NUL byte; is this a text file?");
    return empty;
  }
  try {
    const std::vector<YAML::Node> documents = load_documents(text);
    if (documents.size() > 1) {
      problems.add(documents[1].Mark(), "only one YAML document is allowed");
    }
    if (documents.empty() || documents[0].IsNull()) return empty;
    if (!documents[0].IsMap()) {
      problems.add(documents[0].Mark(), "expected a mapping of keys, for example 'service: shop'");
      return empty;
    }
    return documents[0];
  } catch (const YAML::Exception& error) {
    problems.add(error.mark, "not valid YAML: " + error.msg);
  } catch (const std::exception& error) {
    problems.add(YAML::Mark::null_mark(), std::string("not valid YAML: ") + error.what());
  }
  return empty;
}

Reader::Reader(YAML::Node node, std::string path, Problems& problems)
    : node_(std::move(node)), path_(std::move(path)), problems_(problems) {
  std::set<std::string> seen;
  for (const auto& entry : node_) {
    if (!entry.first.IsScalar()) {
      problems_.add(entry.first.Mark(), "a key must be plain text");
    } else if (!seen.insert(entry.first.Scalar()).second) {
      problems_.add(entry.first.Mark(),
                    fmt::format("key '{}' appears twice", entry.first.Scalar()));
    }
  }
}

std::string Reader::full(const std::string& key) const {
  return path_.empty() ? key : path_ + "." + key;
}

YAML::Node Reader::child(const std::string& key) {
  known_.insert(key);
  for (const auto& entry : node_) {
    if (entry.first.IsScalar() && entry.first.Scalar() == key) return entry.second;
  }
  return YAML::Node(YAML::NodeType::Undefined);
}

bool Reader::has(const std::string& key) { return child(key).IsDefined(); }

void Reader::problem(const std::string& key, const std::string& message) {
  const YAML::Node value = child(key);
  problems_.add(value.IsDefined() ? value.Mark() : node_.Mark(), message);
}

void Reader::scalar(const std::string& key, const Scalar& take) {
  const YAML::Node value = child(key);
  if (!value.IsDefined()) return;
  if (!value.IsScalar()) {
    problems_.add(value.Mark(), fmt::format("'{}' must be a single value", full(key)));
    return;
  }
  if (const Status status = take(value.Scalar()); !status) {
    problems_.add(value.Mark(), fmt::format("'{}': {}", full(key), status.error().message));
  }
}

void Reader::text(const std::string& key, std::string& out) {
  scalar(key, [&](const std::string& value) -> Status {
    if (value.empty()) return fail(Reason::kInvalid, "must not be empty");
    out = value;
    return {};
  });
}

void Reader::boolean(const std::string& key, bool& out) {
  scalar(key, [&](const std::string& value) -> Status {
    if (value != "true" && value != "false") {
      return fail(Reason::kInvalid, fmt::format("'{}' is neither true nor false", value));
    }
    out = value == "true";
    return {};
  });
}

void Reader::integer(const std::string& key, std::int32_t& out, std::int64_t low,
                     std::int64_t high) {
  scalar(key, [&](const std::string& value) -> Status {
    ASSIGN_OR_RETURN(const std::int64_t number, parse_int(value));
    if (number < low || number > high) {
      return fail(Reason::kInvalid, fmt::format("{} is not between {} and {}", number, low, high));
    }
    out = static_cast<std::int32_t>(number);
    return {};
  });
}

void Reader::texts(const std::string& key, std::vector<std::string>& out) {
  const YAML::Node value = child(key);
  if (!value.IsDefined()) return;
  if (value.IsScalar()) {
    out = {value.Scalar()};
    return;
  }
  if (!value.IsSequence()) {
    problems_.add(value.Mark(), fmt::format("'{}' must be a list", full(key)));
    return;
  }
  out.clear();
  for (const YAML::Node& item : value) {
    if (item.IsScalar()) {
      out.push_back(item.Scalar());
    } else {
      problems_.add(item.Mark(), fmt::format("'{}' must be a list of single values", full(key)));
    }
  }
}

void Reader::object(const std::string& key, const std::function<void(Reader&)>& read) {
  const YAML::Node value = child(key);
  if (!value.IsDefined()) return;
  if (!value.IsMap()) {
    problems_.add(value.Mark(), fmt::format("'{}' must be a mapping", full(key)));
    return;
  }
  Reader inner(value, full(key), problems_);
  read(inner);
  inner.finish();
}

void Reader::entries(const std::string& key,
                     const std::function<Status(const std::string&, const std::string&)>& take) {
  const YAML::Node value = child(key);
  if (!value.IsDefined()) return;
  if (!value.IsMap()) {
    problems_.add(value.Mark(),
                  fmt::format("'{}' must be a mapping of names to values", full(key)));
    return;
  }
  Reader inner(value, full(key), problems_);
  inner.any_scalar(take);
}

void Reader::any_scalar(const std::function<Status(const std::string&, const std::string&)>& take) {
  for (const auto& entry : node_) {
    if (!entry.first.IsScalar()) continue;
    const std::string name = entry.first.Scalar();
    known_.insert(name);
    if (!entry.second.IsScalar()) {
      problems_.add(entry.second.Mark(), fmt::format("'{}' must be a single value", full(name)));
      continue;
    }
    if (const Status status = take(name, entry.second.Scalar()); !status) {
      problems_.add(entry.second.Mark(),
                    fmt::format("'{}': {}", full(name), status.error().message));
    }
  }
}

void Reader::objects(const std::string& key, const std::function<void(Reader&)>& read) {
  const YAML::Node value = child(key);
  if (!value.IsDefined()) return;
  if (!value.IsSequence()) {
    problems_.add(value.Mark(), fmt::format("'{}' must be a list", full(key)));
    return;
  }
  for (std::size_t i = 0; i < value.size(); ++i) {
    if (!value[i].IsMap()) {
      problems_.add(value[i].Mark(), fmt::format("'{}[{}]' must be a mapping", full(key), i));
      continue;
    }
    Reader inner(value[i], fmt::format("{}[{}]", full(key), i), problems_);
    read(inner);
    inner.finish();
  }
}

void Reader::named_objects(const std::string& key,
                           const std::function<void(const std::string&, Reader&)>& read) {
  const YAML::Node value = child(key);
  if (!value.IsDefined()) return;
  if (!value.IsMap()) {
    problems_.add(value.Mark(),
                  fmt::format("'{}' must be a mapping of names to mappings", full(key)));
    return;
  }
  for (const auto& entry : value) {
    const std::string name = entry.first.IsScalar() ? entry.first.Scalar() : "";
    if (name.empty() || !entry.second.IsMap()) {
      problems_.add(entry.second.Mark(), fmt::format("'{}.{}' must be a mapping", full(key), name));
      continue;
    }
    Reader inner(entry.second, full(key) + "." + name, problems_);
    read(name, inner);
    inner.finish();
  }
}

void Reader::finish() {
  const std::vector<std::string> known(known_.begin(), known_.end());
  for (const auto& entry : node_) {
    if (!entry.first.IsScalar()) continue;
    const std::string& key = entry.first.Scalar();
    if (known_.contains(key)) continue;
    const std::string near = nearest(key, known);
    problems_.add(entry.first.Mark(),
                  near.empty()
                      ? fmt::format("unknown key '{}'; known here: {}", key, join(known, ", "))
                      : fmt::format("unknown key '{}'; did you mean '{}'?", key, near));
  }
}

}  // namespace minato::spec
