#pragma once

#include <functional>
#include <memory>
#include <vector>

#include <ATen/core/Tensor.h>

#include "runtime/device/plugin.h"
#include "tests/device/orders.h"

namespace pp::test {

/// What is handed to one stream of the fake device while it is under capture.
/// The operators run, since the host needs their results' sizes; afterwards
/// what they wrote to older memory is as before, and what they made is filled
/// with rubbish: only a replay gives the values.
class FakeCapture {
 public:
  virtual ~FakeCapture() = default;

  /// Memory that came to be in the capture.
  virtual void made(const void* begin) = 0;
  /// Before an operation writes there.
  virtual void before_write(const at::Tensor& tensor) = 0;
  /// An operation that a replay does again, into these results.
  virtual void add(
      std::function<void()> again, const std::vector<at::Tensor>& results) = 0;
};

/// Of that stream; null: nothing is captured there. The caller holds the
/// stream, and so the capture.
FakeCapture* try_capture(StreamKey stream);

/// throws  c10::Error, as CUDA, where a capture does not allow to wait
void refuse_under_capture(StreamKey stream, const char* what);

std::unique_ptr<GraphMemory> fake_graph_memory(int device);

}  // namespace pp::test
