// Strict reading of one YAML mapping: each key is asked for by name and type, what nobody asked for
// is an error with a suggestion. Problems are gathered in Problems and never stop the reading.
//
// The only place that touches yaml-cpp, which throws; nothing thrown leaves this file's functions.
#pragma once

#include <yaml-cpp/yaml.h>

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "base/result.h"

namespace minato::spec {

class Problems {
 public:
  explicit Problems(std::string file) : file_(std::move(file)) {}
  void add(const YAML::Mark& mark, const std::string& message);
  const std::vector<Cause>& causes() const { return causes_; }

 private:
  std::string file_;
  std::vector<Cause> causes_;
};

class Reader {
 public:
  using Scalar = std::function<Status(const std::string& text)>;

  // `path` is shown in messages: "load_balancer.health_check"; "" at the top.
  Reader(YAML::Node node, std::string path, Problems& problems);
  // Reports every key that was not asked for.
  void finish();

  bool has(const std::string& key);
  // Calls `take` with the scalar's text when the key is there; its failure is reported there.
  void scalar(const std::string& key, const Scalar& take);
  void text(const std::string& key, std::string& out);
  void boolean(const std::string& key, bool& out);
  void integer(const std::string& key, std::int32_t& out, std::int64_t low, std::int64_t high);
  // A list of scalars; a lone scalar counts as a list of one.
  void texts(const std::string& key, std::vector<std::string>& out);
  void object(const std::string& key, const std::function<void(Reader&)>& read);
  // A mapping with free keys and scalar values, in file order.
  void entries(const std::string& key,
               const std::function<Status(const std::string& name, const std::string& value)>& take);
  // A list of mappings.
  void objects(const std::string& key, const std::function<void(Reader&)>& read);
  // A mapping with free keys and mappings as values, in file order.
  void named_objects(const std::string& key,
                     const std::function<void(const std::string& name, Reader&)>& read);
  // The only key of a mapping such as `slack: env:URL`, with its scalar value.
  void any_scalar(const std::function<Status(const std::string& name, const std::string& value)>& take);

  void problem(const std::string& key, const std::string& message);

 private:
  YAML::Node child(const std::string& key);
  std::string full(const std::string& key) const;

  YAML::Node node_;
  std::string path_;
  Problems& problems_;
  std::set<std::string> known_;
};

// The document's root mapping; hostile or malformed text is reported and gives an empty mapping.
YAML::Node parse_document(const std::string& text, Problems& problems);

}  // namespace minato::spec
