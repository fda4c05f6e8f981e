// A JSON object that is read field by field, and remembers what nobody asked for.
//
// Holds a reference to the object and to the report, which must outlive it. Single-threaded.
#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "ecs/import.h"

namespace minato::ecs {

class Fields {
 public:
  // `path` stands before field names in the report: "containerDefinitions[web]".
  Fields(const boost::json::value& value, std::string path, std::vector<Entry>& report);

  // The field's value, which counts as read from then on; null when it is absent.
  const boost::json::value* take(std::string_view name);
  std::string text(std::string_view name);                    // "" when absent or no text.
  std::optional<std::int64_t> number(std::string_view name);  // Also numbers in text: "256".
  bool flag(std::string_view name);
  const boost::json::array& list(std::string_view name);    // Empty when absent or no list.
  const boost::json::value& object(std::string_view name);  // Null when absent.

  void kept(std::string_view name, std::string note);
  void changed(std::string_view name, std::string note);
  void lost(std::string_view name, std::string note);
  // Reads a field that is lost whenever it says something.
  void lose(std::string_view name, std::string why);
  // Fields that describe the registration and not the service: read and not reported.
  void ignore(std::initializer_list<std::string_view> names);
  // Everything that nobody asked for and that says something is lost.
  void finish();

 private:
  void add(Fate fate, std::string_view name, std::string note);

  const boost::json::object* object_;
  std::string path_;
  std::vector<Entry>& report_;
  std::set<std::string, std::less<>> taken_;
};

// Null, false, zero, and empty text, lists and objects.
bool says_nothing(const boost::json::value& value);

}  // namespace minato::ecs
