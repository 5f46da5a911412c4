#pragma once

#include <deque>
#include <map>
#include <memory>
#include <vector>

#include "runtime/transport/shared_layout.h"
#include "runtime/transport/shared_segment.h"

namespace pp {

/// A rank's blocks for what it sends. A receiver frees a block when the last of
/// its tensors goes; then it is used again.
class BlockPool {
 public:
  /// control  where segments are announced
  explicit BlockPool(shared::Control& control) : control_(control) {}

  struct Taken {
    shared::Place place;
    shared::Block* block;  ///< its content begins behind it
  };

  /// A block of the sender's own, with room for so many bytes of content. It is
  /// free again unless it gets holders.
  /// throws Error(Runtime): no memory
  Taken take(size_t content_bytes);

 private:
  Taken carve(size_t num_bytes);

  shared::Control& control_;
  std::vector<std::shared_ptr<SharedSegment>> segments_;
  size_t used_ = 0;  ///< of the last segment
  /// By size, in the order of their last use.
  std::map<size_t, std::deque<Taken>> blocks_;
};

}  // namespace pp
