#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "loader/ir/expression.h"
#include "runtime/data/batch.h"

namespace pp {

/// Sizes of the tensors of one microbatch, by input name.
using InputSizes = std::map<std::string, std::vector<int64_t>>;

/// Checks the assumptions that an export makes about the sizes of its inputs: a
/// symbol has one size wherever it occurs, sizes such as 2*s0 follow from
/// symbols, symbols have bounds, and guards hold. If an assumption is violated,
/// the graph doesn't compute what the model does, so nothing may run.
class SizeRules {
 public:
  /// guards  the graph's guards, see Graph::guards
  /// throws  Error(Input) naming a guard or an input's size that can't be read
  SizeRules(std::vector<InputSpec> inputs, std::span<const std::string> guards);

  /// Checks the sizes of one microbatch. Skips inputs that are absent from
  /// `sizes`, and the guards that depend on them.
  ///
  /// where   what has these sizes, for messages: "microbatches of 17 rows"
  /// throws  Error(Input) naming the rule that is broken and the sizes that
  ///         break it
  void check(const InputSizes& sizes, const std::string& where) const;

 private:
  using Visit =
      std::function<void(const InputSpec& input, size_t dimension, int64_t)>;
  /// Calls `visit` with every size that the export left free.
  void visit_free_sizes(const InputSizes& sizes, const Visit& visit) const;
  std::map<std::string, int64_t> symbols_of(
      const InputSizes& sizes, const std::string& where) const;
  void parse_sizes();
  void add_guard(
      const std::string& text,
      const std::function<bool(const std::string& leaf)>& is_size);
  /// Solves a size such as 2*s0 for its symbol, and adds the symbol to `values`
  /// if it has no value there yet.
  void solve(
      const InputSpec& input,
      size_t dimension,
      int64_t size,
      std::map<std::string, int64_t>& values,
      const std::string& where) const;
  void check_guards(const InputSizes& sizes, const std::string& where) const;

  std::vector<InputSpec> inputs_;
  /// The inputs' sizes as expressions, by their text.
  std::map<std::string, ir::Expression> sizes_;
  std::vector<ir::Expression> guards_;
};

}  // namespace pp
