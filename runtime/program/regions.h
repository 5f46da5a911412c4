#pragma once

#include <optional>

#include "loader/ir/graph.h"

namespace pp {

/// Puts this thread into the grad mode and autocast state of a node, and back
/// into the caller's when it goes.
class Regions {
 public:
  Regions();
  ~Regions();
  Regions(const Regions&) = delete;
  Regions& operator=(const Regions&) = delete;

  /// `grad` off wins over the caller's on; on does not turn it on.
  void set_grad(bool grad);
  /// Null: as the caller has it.
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
