#include "runtime/cuda/graph_memory.h"

#include <exception>
#include <mutex>
#include <utility>

#include <ATen/cuda/CUDAGraph.h>
#include <c10/core/DeviceGuard.h>

namespace pp {

namespace {

class CudaGraph final : public DeviceGraph {
 public:
  at::cuda::CUDAGraph& graph() { return graph_; }
  void replay() override { graph_.replay(); }

 private:
  at::cuda::CUDAGraph graph_;
};

class CudaGraphMemory final : public GraphMemory {
 public:
  explicit CudaGraphMemory(int device)
      : device_(c10::DeviceType::CUDA, static_cast<c10::DeviceIndex>(device)),
        pool_(at::cuda::graph_pool_handle()) {}

  std::unique_ptr<DeviceGraph> capture(
      c10::function_ref<void()> work) override {
    // LibTorch's generators of a device know of one capture.
    static std::mutex one_at_a_time;
    const std::lock_guard lock(one_at_a_time);
    const c10::DeviceGuard guard(device_);
    auto graph = std::make_unique<CudaGraph>();
    // Other ranks' threads go on with what a capture of theirs would not allow.
    graph->graph().capture_begin(pool_, cudaStreamCaptureModeThreadLocal);
    try {
      work();
    } catch (...) {
      const std::exception_ptr cause = std::current_exception();
      end(*graph);
      std::rethrow_exception(cause);
    }
    graph->graph().capture_end();
    return graph;
  }

 private:
  /// After a failure, which broke the capture too.
  static void end(CudaGraph& graph) noexcept {
    try {
      graph.graph().capture_end();
    } catch (const std::exception&) {
      static_cast<void>(cudaGetLastError());
    }
  }

  c10::Device device_;
  at::cuda::MempoolId_t pool_;
};

}  // namespace

std::unique_ptr<GraphMemory> make_cuda_graph_memory(int device) {
  return std::make_unique<CudaGraphMemory>(device);
}

}  // namespace pp
