#include "runtime/device/loans.h"

#include <algorithm>
#include <exception>
#include <iterator>
#include <utility>

#include <ATen/ops/from_blob.h>

namespace pp {

c10::Event recorded_on(const c10::Stream& stream) {
  c10::Event event(stream.device_type());
  event.record(stream);
  return event;
}

void Loans::come_back(at::Tensor tensor, c10::Event used) {
  const std::lock_guard lock(mutex_);
  back_.push_back({std::move(tensor), std::move(used)});
}

void Loans::collect() {
  // Tensors are freed outside the lock: one may itself be lent by these loans.
  std::vector<at::Tensor> done;
  {
    const std::lock_guard lock(mutex_);
    for (Loan& loan : back_) {
      if (loan.used.query()) {
        done.push_back(std::exchange(loan.tensor, {}));
      }
    }
    std::erase_if(
        back_, [](const Loan& loan) { return !loan.tensor.defined(); });
  }
}

Loans::~Loans() {
  try {
    collect_all();
  } catch (const std::exception&) {
    // The device has failed, so nobody uses its memory again.
  }
}

void Loans::collect_all() {
  std::deque<Loan> all;
  {
    const std::lock_guard lock(mutex_);
    all.swap(back_);
  }
  for (const Loan& loan : all) {
    loan.used.synchronize();
  }
}

size_t Loans::size() const {
  const std::lock_guard lock(mutex_);
  return back_.size();
}

at::Tensor lend(
    at::Tensor tensor,
    const std::shared_ptr<Loans>& loans,
    const c10::Stream& reader) {
  if (!tensor.defined() || tensor.numel() == 0) {
    return tensor;
  }
  void* data = tensor.data_ptr();
  const std::vector<int64_t> sizes = tensor.sizes().vec();
  const std::vector<int64_t> strides = tensor.strides().vec();
  const at::TensorOptions options = tensor.options().requires_grad(false);
  const c10::Device device = tensor.device();
  return at::for_blob(data, sizes)
      .strides(strides)
      .options(options)
      .target_device(device)
      .deleter([held = std::move(tensor), loans, reader](void*) {
        loans->come_back(held, recorded_on(reader));
      })
      .make_tensor();
}

}  // namespace pp
