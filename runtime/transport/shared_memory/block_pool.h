#pragma once

#include <deque>
#include <map>
#include <memory>
#include <vector>

#include "runtime/transport/shared_memory/shared_layout.h"
#include "runtime/transport/shared_memory/shared_segment.h"

namespace pp {

/// The blocks in which a rank puts the messages it sends. A receiver frees a
/// block when the last of its tensors is destroyed; the pool then reuses it.
class BlockPool {
 public:
  /// control  lists the segments, so that peers can open them
  explicit BlockPool(shared::Control& control) : control_(control) {}

  struct Taken {
    shared::Place place;
    shared::Block* block;  ///< the content follows it
  };

  /// A block with room for that many bytes of content. It becomes free again
  /// unless the caller sets its holders.
  /// throws Error(Runtime): no memory
  Taken take(size_t content_bytes);

 private:
  Taken carve(size_t num_bytes);

  shared::Control& control_;
  std::vector<std::shared_ptr<SharedSegment>> segments_;
  size_t used_ = 0;  ///< bytes of the last segment
  /// Blocks by size; within a size, the least recently used is first.
  std::map<size_t, std::deque<Taken>> blocks_;
};

}  // namespace pp
