// The scalar types of the Kubernetes API and the containers that the type declarations use.
// All are values: copying copies deeply, equality is by content.
#pragma once

#include <boost/json/fwd.hpp>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/special_members.h"
#include "base/time.h"
#include "kube/quantity.h"

namespace minato::kube {

struct TypeInfo;

// metav1.Time: seconds on the wire, and cut to seconds here, so that an object is the same before
// and after it was written and read. Zero is "not set" and is omitted.
struct Time : WallTime {
  Time() = default;
  Time(WallTime time) : WallTime(std::chrono::floor<std::chrono::seconds>(time)) {}
};
// metav1.MicroTime: the same with microseconds.
struct MicroTime : WallTime {
  MicroTime() = default;
  MicroTime(WallTime time) : WallTime(std::chrono::floor<std::chrono::microseconds>(time)) {}
};

// Binary data; base64 in JSON.
struct Bytes {
  std::string data;
  bool operator==(const Bytes&) const = default;
};

// intstr.IntOrString: a number, or text such as "25%".
struct IntOrString {
  std::variant<std::int32_t, std::string> value = 0;
  IntOrString() = default;
  IntOrString(std::int32_t number) : value(number) {}
  IntOrString(std::string text) : value(std::move(text)) {}
  bool operator==(const IntOrString&) const = default;
  bool is_int() const { return value.index() == 0; }
  std::int32_t number() const { return is_int() ? std::get<0>(value) : 0; }
  const std::string& text() const;
};
enum class Rounding { kUp, kDown };
// GetScaledValueFromIntOrPercent: "25%" of `total`, rounded; Invalid for other text.
Result<std::int32_t> scaled_value(const IntOrString& value, std::int32_t total, Rounding rounding);

// Any JSON, kept as it came (runtime.RawExtension, FieldsV1). Empty text means absent.
struct RawJson {
  std::string text;
  bool operator==(const RawJson&) const = default;
};

// Members of a JSON object that the type does not declare; null when there are none. They survive
// a round trip. Immutable once set, so copies share it.
using UnknownFields = std::shared_ptr<const boost::json::object>;

// A nullable, deeply copied pointer: Go's *T for structs.
template <class T>
class Box {
 public:
  Box() = default;
  Box(const Box& other) : value_(other.value_ ? std::make_unique<T>(*other.value_) : nullptr) {}
  Box(Box&&) noexcept = default;
  Box(T value) : value_(std::make_unique<T>(std::move(value))) {}
  Box& operator=(const Box& other) {
    if (this != &other) value_ = other.value_ ? std::make_unique<T>(*other.value_) : nullptr;
    return *this;
  }
  Box& operator=(Box&&) noexcept = default;
  ~Box() = default;

  explicit operator bool() const { return value_ != nullptr; }
  T& operator*() { return *value_; }
  const T& operator*() const { return *value_; }
  T* operator->() { return value_.get(); }
  const T* operator->() const { return value_.get(); }
  T* get() { return value_.get(); }
  const T* get() const { return value_.get(); }
  T& emplace() {
    value_ = std::make_unique<T>();
    return *value_;
  }
  // The value, made first when absent.
  T& ensure() { return value_ ? *value_ : emplace(); }
  void reset() { value_.reset(); }

 private:
  std::unique_ptr<T> value_;
};

}  // namespace minato::kube
