#include "runtime/cuda/nccl_link.h"

#include <exception>
#include <utility>
#include <vector>

#include <ATen/ops/zeros.h>
#include <c10/core/DeviceGuard.h>
#include <c10/cuda/CUDAStream.h>
#include <torch/csrc/distributed/c10d/ProcessGroupNCCL.hpp>

namespace pp {

namespace {

// Ranks in the communicator.
constexpr int kSender = 0;
constexpr int kReceiver = 1;
constexpr int kNumRanks = 2;
constexpr int kTag = 0;  // NCCL ignores it

class NcclLink final : public DeviceLink {
 public:
  NcclLink(const c10::intrusive_ptr<c10d::Store>& store, bool sends)
      : group_(c10::make_intrusive<c10d::ProcessGroupNCCL>(
            store,
            sends ? kSender : kReceiver,
            kNumRanks,
            c10d::ProcessGroupNCCL::Options::create(
                /*is_high_priority_stream=*/true))) {}
  NcclLink(const NcclLink&) = delete;
  NcclLink& operator=(const NcclLink&) = delete;
  ~NcclLink() override {
    if (std::uncaught_exceptions() > 0) {
      abort();  // the peer may never connect
    }
  }

  void send(const std::vector<at::Tensor>& memory) override {
    launch_together(memory, [this](std::vector<at::Tensor>& one) {
      group_->send(one, kReceiver, kTag);
    });
  }
  void recv(const std::vector<at::Tensor>& memory) override {
    launch_together(memory, [this](std::vector<at::Tensor>& one) {
      group_->recv(one, kSender, kTag);
    });
  }

  void abort() noexcept override {
    try {
      group_->abort();
    } catch (const std::exception&) {
      // The communicator had failed before.
    }
  }

 private:
  /// Transfers all tensors in one launch. c10d makes operations wait for the
  /// current stream, and wait() makes that stream wait for them; the host does
  /// not wait.
  template <typename Transfer>
  void launch_together(
      const std::vector<at::Tensor>& memory, const Transfer& transfer) {
    group_->startCoalescing();
    try {
      for (const at::Tensor& tensor : memory) {
        std::vector<at::Tensor> one{tensor};
        transfer(one);
      }
    } catch (...) {
      const std::exception_ptr cause = std::current_exception();
      end_group();
      std::rethrow_exception(cause);
    }
    if (const auto work = group_->endCoalescing()) {
      work->wait();
    }
  }

  /// Closes the group after a failure: NCCL's groups belong to the thread, not
  /// to the communicator.
  void end_group() noexcept {
    try {
      group_->endCoalescing();
    } catch (const std::exception&) {
      // The communicator has failed before.
    }
  }

  c10::intrusive_ptr<c10d::ProcessGroupNCCL> group_;
};

}  // namespace

std::unique_ptr<DeviceLink> make_nccl_link(
    const c10::intrusive_ptr<c10d::Store>& store,
    c10::Device device,
    bool sends) {
  const c10::DeviceGuard guard(device);
  auto link = std::make_unique<NcclLink>(store, sends);
  // The first operation opens the communicator.
  const at::Tensor hello =
      at::zeros({1}, at::TensorOptions().dtype(at::kByte).device(device));
  sends ? link->send({hello}) : link->recv({hello});
  c10::cuda::getCurrentCUDAStream(device.index()).unwrap().synchronize();
  return link;
}

}  // namespace pp
