#include "spec/yaml_documents.h"

#include <yaml-cpp/eventhandler.h>

#include <optional>
#include <sstream>

namespace minato::spec {
namespace {

// Sees where documents begin and nothing else.
class Starts final : public YAML::EventHandler {
 public:
  bool is_stuck() const { return stuck_; }
  const YAML::Mark& last() const { return last_; }

  void OnDocumentStart(const YAML::Mark& mark) override {
    stuck_ = seen_ && mark.pos == last_.pos;
    seen_ = true;
    last_ = mark;
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark&, YAML::anchor_t) override {}
  void OnAlias(const YAML::Mark&, YAML::anchor_t) override {}
  void OnScalar(const YAML::Mark&, const std::string&, YAML::anchor_t,
                const std::string&) override {}
  void OnSequenceStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {}
  void OnSequenceEnd() override {}
  void OnMapStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                  YAML::EmitterStyle::value) override {}
  void OnMapEnd() override {}

 private:
  YAML::Mark last_;
  bool seen_ = false;
  bool stuck_ = false;
};

// Where reading would not get on; nothing when it comes to an end.
std::optional<YAML::Mark> endless_from(const std::string& text) {
  std::istringstream stream(text);
  YAML::Parser parser(stream);
  Starts starts;
  while (parser.HandleNextDocument(starts)) {
    if (starts.is_stuck()) return starts.last();
  }
  return std::nullopt;
}

}  // namespace

std::vector<YAML::Node> load_documents(const std::string& text) {
  if (const auto mark = endless_from(text))
    throw YAML::ParserException(*mark, "a document cannot start with this");
  return YAML::LoadAll(text);
}

}  // namespace minato::spec
