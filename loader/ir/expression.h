#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pp::ir {

/// An expression over sizes, as an export writes dimensions ("2*s0", "Max(1, s0
/// - 2)") and guards ("L['x'].size()[1] % 2 == 0"). The language is Python's
/// arithmetic, comparisons (chained ones too), `and`, `or`, `not`, and the
/// functions that sympy prints.
///
/// Leaves are numbers, symbols and paths. A path begins with `L[` and extends
/// to the last of its brackets and calls: "L['x']['a'].size()[0]".
class Expression {
 public:
  /// Parses an expression.
  /// throws  Error(Input) that quotes the text: it isn't in this language, for
  ///         example because of an unknown function or character, or it is
  ///         nested more than 100 levels deep
  static Expression parse(std::string_view text);

  /// Returns the value of a leaf (a symbol or path), or nullopt if it is
  /// unknown.
  using Lookup = std::function<std::optional<int64_t>(std::string_view leaf)>;

  /// Evaluates the expression.
  /// returns  the value; nullopt if it depends on an unknown leaf
  /// throws   Error(Input): a division by zero, a number beyond 64 bits, a
  ///          result that is a fraction
  std::optional<int64_t> value(const Lookup& lookup) const;
  /// Whether the expression is true, which means that value() is not 0. Returns
  /// nullopt if the result depends on an unknown leaf.
  /// throws  see value()
  std::optional<bool> holds(const Lookup& lookup) const;

  /// The symbols and paths in the expression, without duplicates, in order of
  /// first use.
  std::vector<std::string> leaves() const;
  const std::string& text() const { return text_; }

  struct Term;

 private:
  std::string text_;
  std::shared_ptr<const Term> root_;
};

}  // namespace pp::ir
