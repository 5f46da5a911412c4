#pragma once

#include <functional>
#include <memory>
#include <vector>

#include <ATen/core/Tensor.h>

#include "runtime/device/plugin.h"
#include "tests/device/orders.h"

namespace pp::test {

/// Captures the operations of one stream of the fake device. They do run,
/// because the host needs the sizes of their results. At the end, older memory
/// that they wrote is restored and their results are filled with garbage, so
/// only a replay gives the values.
class FakeCapture {
 public:
  virtual ~FakeCapture() = default;

  /// Notes memory that is allocated during the capture.
  virtual void allocated(const void* begin) = 0;
  /// Called before an operation writes to a tensor.
  virtual void before_write(const at::Tensor& tensor) = 0;
  /// Adds an operation that a replay repeats, writing to these results.
  virtual void add(
      std::function<void()> operation,
      const std::vector<at::Tensor>& results) = 0;
};

/// Returns the capture of a stream, or null. The caller uses the stream, so the
/// capture doesn't end meanwhile.
FakeCapture* try_capture(StreamKey stream);

/// Throws c10::Error if the stream is under capture, which doesn't allow
/// waiting.
///
/// what  the operation that waits
void refuse_under_capture(StreamKey stream, const char* what);

std::unique_ptr<GraphMemory> fake_graph_memory(int device);

}  // namespace pp::test
