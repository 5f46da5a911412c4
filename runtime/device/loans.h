#pragma once

#include <deque>
#include <memory>
#include <mutex>
#include <vector>

#include <ATen/core/Tensor.h>
#include <c10/core/Event.h>
#include <c10/core/Stream.h>

namespace pp {

/// Keeps a rank's tensors alive while a stream other than their own reads them.
/// A device's allocator reuses freed memory at once on the stream that
/// allocated it, so such a tensor stays here until the event after its last use
/// has completed. Thread safe.
class Loans {
 public:
  Loans() = default;
  Loans(const Loans&) = delete;
  Loans& operator=(const Loans&) = delete;
  /// Calls collect_all().
  ~Loans();

  /// Returns a lent tensor to its owner.
  ///
  /// used  an event that was recorded after the tensor's last use
  void come_back(at::Tensor tensor, c10::Event used);
  /// Frees the tensors that are no longer read. Never blocks.
  void collect();
  /// Waits until the returned tensors are no longer read, and frees them.
  void collect_all();
  size_t size() const;

 private:
  struct Loan {
    at::Tensor tensor;
    c10::Event used;
  };
  mutable std::mutex mutex_;
  std::deque<Loan> back_;
};

/// Returns a tensor with the same memory for `reader` to read. When the last
/// reference to it is released, on any thread, the memory returns to `loans`
/// with an event recorded on `reader`. An undefined or empty tensor is returned
/// unchanged.
at::Tensor lend(
    at::Tensor tensor,
    const std::shared_ptr<Loans>& loans,
    const c10::Stream& reader);

/// Records an event on `stream` now and returns it.
c10::Event recorded_on(const c10::Stream& stream);

}  // namespace pp
