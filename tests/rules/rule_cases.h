#pragma once

#include <ostream>
#include <string>
#include <vector>

#include "runtime/program/program.h"

namespace pp::testing {

/// A value that the calls of a case read: %x, %w, ...
struct CaseValue {
  enum class Role { Input, Parameter, Buffer, Indices, Mask };
  std::string name;
  std::vector<int64_t> sizes;
  Role role = Role::Input;

  bool is_state() const {
    return role == Role::Parameter || role == Role::Buffer;
  }
};

/// Calls whose gradients are compared with autograd's.
struct RuleCase {
  std::string name;
  /// Graph text; the last call makes %y. "T" stands for the type under test.
  /// Nobody reads the sizes of results, so they are all "[1]".
  std::string calls;
  std::vector<CaseValue> values;
};

std::ostream& operator<<(std::ostream& out, const RuleCase& test);

/// Returns at least one case for every rule.
std::vector<RuleCase> rule_cases();

/// Returns the graph of a case where "T" is `type`, "float32".
std::string graph_text(const RuleCase& test, const std::string& type);

}  // namespace pp::testing
