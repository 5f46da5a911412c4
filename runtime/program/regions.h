#pragma once

#include <optional>

#include "loader/ir/graph.h"

namespace pp {

/// Puts this thread into the grad mode and autocast state of each node in turn.
/// The destructor restores the caller's modes.
class Regions {
 public:
  Regions();
  ~Regions();
  Regions(const Regions&) = delete;
  Regions& operator=(const Regions&) = delete;

  /// Sets a node's grad mode: gradients are on if both `grad` and the caller's
  /// mode are.
  void set_grad(bool grad);
  /// Sets a node's autocast state; null restores the caller's.
  void set_autocast(const ir::Autocast* autocast);

 private:
  void leave_autocast();

  bool caller_grad_;
  bool grad_;
  const ir::Autocast* autocast_ = nullptr;
  struct Saved {
    bool enabled;
    int dtype;
    bool cache;
  };
  std::optional<Saved> saved_;
};

}  // namespace pp
