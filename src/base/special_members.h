// Special members of a large struct, compiled once instead of in every file that copies it.
//
// A struct whose members are many strings, lists and maps has special members of kilobytes, and the
// compiler writes those that nobody declared again wherever they are used. Declared first in the
// struct and defined in its .cc file they are calls. Such a struct is no aggregate: its members are
// set by name, not in braces.
#pragma once

#define DECLARE_SPECIAL_MEMBERS(Type) \
  Type();                             \
  Type(const Type&);                  \
  Type(Type&&) noexcept;              \
  Type& operator=(const Type&);       \
  Type& operator=(Type&&) noexcept;   \
  ~Type()

#define DEFINE_SPECIAL_MEMBERS(Type)                  \
  Type::Type() = default;                             \
  Type::Type(const Type&) = default;                  \
  Type::Type(Type&&) noexcept = default;              \
  Type& Type::operator=(const Type&) = default;       \
  Type& Type::operator=(Type&&) noexcept = default;   \
  Type::~Type() = default
