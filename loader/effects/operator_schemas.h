#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "loader/ir/operator_parts.h"

namespace pp {

/// An argument or result in an operator's schema, and the memory that it may
/// share.
struct SchemaValue {
  std::string name = {};
  /// The alias sets of the value, including those of a list's elements. An
  /// argument and a result may share memory if they have an alias set in
  /// common.
  std::set<std::string> alias_sets = {};
  bool written = false;
  bool is_list = false;  ///< whether the value's type is a list
};

struct OperatorSchema {
  std::vector<SchemaValue> arguments;
  std::vector<SchemaValue> results;
  bool random = false;  ///< whether the operator draws from a random generator
};

/// A source of operator schemas.
class OperatorSchemas {
 public:
  virtual ~OperatorSchemas() = default;

  /// Finds the schema of an operator; nullopt if it is not registered.
  virtual std::optional<OperatorSchema> try_find(
      const ir::OperatorParts& op) const = 0;
};

}  // namespace pp
