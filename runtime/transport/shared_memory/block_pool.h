#pragma once

#include <deque>
#include <map>
#include <memory>
#include <vector>

#include "runtime/transport/shared_memory/shared_layout.h"
#include "runtime/transport/shared_memory/shared_segment.h"

namespace pp {

/// The blocks of memory into which a rank writes the messages that it sends. A
/// receiver frees a block when the last of the message's tensors is destroyed;
/// the pool then reuses the block.
class BlockPool {
 public:
  /// control  receives the list of segments, so that peers can open them; must
  ///          outlive this object
  explicit BlockPool(shared::Control& control) : control_(control) {}

  struct Taken {
    shared::Place place;
    shared::Block* block;  ///< the block's header; content follows it
  };

  /// Returns a block with room for `content_bytes`. The caller must set the
  /// block's holders, otherwise the block counts as free.
  /// throws  Error(Runtime): there is no memory left
  Taken take(size_t content_bytes);

 private:
  Taken carve(size_t num_bytes);

  shared::Control& control_;
  std::vector<std::shared_ptr<SharedSegment>> segments_;
  size_t used_ = 0;  ///< bytes used in the last segment
  /// The blocks by size in bytes; of one size, the least recently used is
  /// first.
  std::map<size_t, std::deque<Taken>> blocks_;
};

}  // namespace pp
