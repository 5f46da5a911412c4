#pragma once

#include <map>
#include <set>
#include <string>

#include "loader/ir/graph.h"

namespace pp {

/// Converts the symbolic sizes of stages that were exported separately to
/// symbolic sizes of one model. Two symbols that meet at a joint, where one
/// stage's output is another stage's input, become one symbol; all other
/// symbols get different names. A symbol that meets a fixed size gets that
/// size.
class JointSymbols {
 public:
  /// Starts the next stage. Call this before meet() for the stage's joints.
  void begin_stage() {
    names_.clear();
    met_.clear();
  }
  /// Makes two sizes equal: `earlier`, a size of an earlier stage after
  /// renaming, and `current`, a size of the current stage. Returns false if the
  /// two can't be equal.
  bool meet(const ir::Dim& earlier, const ir::Dim& current);
  /// Renames the symbols of the current stage as its joints require, in
  /// branches and loops too.
  void rename(ir::Graph& graph);
  /// The names that rename() gave to the current stage's symbols, by the
  /// symbols' names in the stage's file.
  const std::map<std::string, std::string>& names() const { return names_; }
  /// In a tensor's sizes, replaces symbols by the fixed sizes that they met.
  void pin(ir::TensorMeta& tensor) const;
  /// In all sizes of a graph, replaces symbols by the fixed sizes that they
  /// met. If all symbols of an expression met fixed sizes, the expression is
  /// replaced by the value that it had at export.
  /// throws  Error(Input): a symbol in an expression met a size other than its
  ///         size at export
  void pin(ir::Graph& graph) const;

 private:
  struct Pinned {
    int64_t value = 0;
    int64_t at_export = 0;
  };

  // New names of the current stage's symbols, see names().
  std::map<std::string, std::string> names_;
  // Fixed sizes that symbols of the current stage met, by the symbols' names in
  // the stage's file.
  std::map<std::string, Pinned> met_;
  std::set<std::string> used_names_;  // names of all stages' symbols
  // Fixed sizes that symbols of all stages met, by the symbols' new names.
  std::map<std::string, Pinned> pinned_;
};

}  // namespace pp
