#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "loader/ir/graph.h"

namespace pp {

/// The operators that a model may call. A graph is a program that somebody else
/// may have written, so an operator is allowed only after a review has shown
/// that it computes on its arguments and does nothing else.
class AllowedOperators {
 public:
  AllowedOperators() = default;
  /// Allows the reviewed operators and those that the user lists.
  /// more    operators to allow in addition, such as "aten::from_file"
  /// throws  Error(Usage): a name isn't of the form "NAMESPACE::NAME"
  explicit AllowedOperators(const std::vector<std::string>& more);

  /// Whether the operator is allowed.
  /// qualified_name  the operator's name without an overload: "aten::add_"
  bool contains(std::string_view qualified_name) const;

  /// Whether the operator is allowed only because the user listed it.
  bool is_allowed_by_user(std::string_view qualified_name) const;

  /// Returns a text that says why an operator isn't allowed and how to allow
  /// it: "is not allowed: it reads or writes files; if ...".
  std::string refusal(std::string_view qualified_name) const;

 private:
  std::set<std::string, std::less<>> more_;
};

/// Why an operator is refused: for "aten::from_file", "it reads or writes
/// files". Returns an empty string for an operator that nobody has reviewed.
std::string_view try_reason_to_refuse(std::string_view qualified_name);

/// Checks that every operator in a graph, sub-graphs included, is allowed.
///
/// where    names the graph in messages: "model.pt2: models/model.json"
/// returns  the operators that are allowed only because the user listed them
/// throws   Error(Input) "<where>: node 'x' calls 'aten::from_file', which ..."
std::set<std::string> check_operators(
    const ir::Graph& graph,
    const AllowedOperators& allowed,
    std::string_view where);

}  // namespace pp
