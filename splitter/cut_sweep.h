#pragma once

#include <optional>
#include <string>
#include <vector>

#include "splitter/flow.h"

namespace pp {

/// What a single cut before a node would mean.
struct CutReport {
  int position = 0;
  std::vector<ir::ValueId> crossing;   ///< by where they are made
  std::optional<std::string> refusal;  ///< why it can't be made
};

/// Walks the positions of a graph in order, carrying along what is alive.
/// Near linear in nodes and in what crosses.
class CutSweep {
 public:
  explicit CutSweep(const Flow& flow);

  /// The report on the cut before node `position`; positions ascend.
  CutReport at(int position);

 private:
  void advance(int position);
  void activate(ir::ValueId id);
  std::optional<std::string> refusal_at(int position) const;

  const Flow* flow_;
  int next_ = 0;                     // first node not yet walked over
  std::vector<ir::ValueId> active_;  // made, and needed later
  std::vector<int> owned_;  // by position: a written state's set, or -1
  std::vector<std::vector<ir::ValueId>> after_write_;  // by node: see .cpp
};

}  // namespace pp
