#pragma once

#include <cstdint>
#include <vector>

#include "runtime/schedule/schedule.h"

namespace pp {

/// A table with one byte for each stage and microbatch, initially 0.
///
/// All ranks work on neighbouring microbatches at any time. So a cache line
/// holds 64 microbatches of a stage, and the next line holds the same
/// microbatches of the next stage: even with thousands of stages, the part of
/// the table that is in use fits in few pages.
class WorkTable {
 public:
  WorkTable(size_t num_stages, int num_microbatches)
      : num_stages_(num_stages),
        bytes_(
            num_stages * kLine *
                ((static_cast<size_t>(num_microbatches) + kLine - 1) / kLine),
            0) {}

  uint8_t& at(int32_t stage, int32_t microbatch) {
    const auto mb = static_cast<size_t>(microbatch);
    return bytes_
        [(mb / kLine * num_stages_ + static_cast<size_t>(stage)) * kLine +
         mb % kLine];
  }

 private:
  static constexpr size_t kLine = 64;
  size_t num_stages_;
  std::vector<uint8_t> bytes_;
};

}  // namespace pp
