#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pp::ir {

/// An expression over sizes, as an export writes dimensions ("2*s0",
/// "Max(1, s0 - 2)") and guards ("L['x'].size()[1] % 2 == 0"): Python's
/// arithmetic, comparisons (chained ones too), `and`, `or`, `not`, and the
/// functions that sympy prints.
///
/// Leaves are numbers, symbols and paths. A path is everything that begins with
/// `L[` up to the last of its brackets and calls: "L['x']['a'].size()[0]".
class Expression {
 public:
  /// throws  Error(Input) "'...': ..." for text outside this language: an
  ///         unknown function, an unexpected character, nesting deeper than 100
  static Expression parse(std::string_view text);

  /// The value of a leaf (a symbol or path), or none if it is unknown.
  using Lookup = std::function<std::optional<int64_t>(std::string_view leaf)>;

  /// Evaluates the expression.
  /// returns  the value; nullopt if it depends on a leaf that is unknown
  /// throws   Error(Input) for a division by zero, a number beyond 64 bits, a
  ///          result that is a fraction
  std::optional<int64_t> value(const Lookup& lookup) const;
  /// Whether the expression holds: value() != 0, with true as 1.
  std::optional<bool> holds(const Lookup& lookup) const;

  /// The symbols and paths in the expression, each once, in order.
  std::vector<std::string> leaves() const;
  const std::string& text() const { return text_; }

  struct Term;

 private:
  std::string text_;
  std::shared_ptr<const Term> root_;
};

}  // namespace pp::ir
