#pragma once

#include <deque>
#include <memory>
#include <mutex>
#include <vector>

#include <ATen/core/Tensor.h>
#include <c10/core/Event.h>
#include <c10/core/Stream.h>

namespace pp {

/// A rank's tensors that another stream than the one they were made on still
/// reads. A device's allocator gives memory that is freed to the next who asks
/// on the stream it was made on, at once: so such a tensor is owned here until
/// the event behind its last use is done. Thread safe.
class Loans {
 public:
  Loans() = default;
  Loans(const Loans&) = delete;
  Loans& operator=(const Loans&) = delete;
  /// Waits for what came back after its rank was gone.
  ~Loans();

  /// `used`: recorded behind the last use.
  void come_back(at::Tensor tensor, c10::Event used);
  /// Frees what is no longer read. Never blocks.
  void collect();
  /// Waits for what has come back and frees it.
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

/// The same values for `reader` to read: a tensor over the same memory. When
/// the last that shares it goes, on any thread, `loans` gets it back with an
/// event of `reader`. Undefined and empty tensors are given as they are.
at::Tensor lend(
    at::Tensor tensor,
    const std::shared_ptr<Loans>& loans,
    const c10::Stream& reader);

/// An event recorded on `stream` now.
c10::Event recorded_on(const c10::Stream& stream);

}  // namespace pp
