#include "runtime/cuda/graph_memory.h"

#include <exception>
#include <mutex>
#include <stdexcept>

#include <ATen/cuda/CUDAContextLight.h>
#include <ATen/cuda/CUDAGraph.h>
#include <c10/core/DeviceGuard.h>
#include <c10/cuda/CUDACachingAllocator.h>
#include <torch/headeronly/version.h>

namespace pp {

namespace {

class CudaGraph final : public DeviceGraph {
 public:
  at::cuda::CUDAGraph& graph() { return graph_; }
  void replay() override { graph_.replay(); }

 private:
  at::cuda::CUDAGraph graph_;
};

/// Held during a capture: LibTorch's generators and allocator of a device allow
/// one at a time.
std::mutex& capture_mutex() {
  static std::mutex mutex;
  return mutex;
}

/// Refuses versions before 2.15, where a failed capture leaves the allocator in
/// capture mode, and a destroyed graph frees cuBLAS's workspace that others
/// use.
void check_version() {
#if TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR < 15
  throw std::runtime_error("LibTorch " TORCH_VERSION " is older than 2.15");
#else
  if (at::cuda::isCUDABlasWorkspaceCachingEnabled()) {
    throw std::runtime_error(
        "TORCH_CUBLAS_WORKSPACE_CACHE is set; unset it to use CUDA graphs");
  }
#endif
}

class CudaGraphMemory final : public GraphMemory {
 public:
  explicit CudaGraphMemory(int device)
      : device_(c10::DeviceType::CUDA, static_cast<c10::DeviceIndex>(device)),
        pool_(at::cuda::graph_pool_handle()) {
    // Release the memory that the allocator has cached: during a capture it
    // couldn't do so to make room.
    const std::lock_guard lock(capture_mutex());
    c10::cuda::CUDACachingAllocator::emptyCache();
  }

  std::unique_ptr<DeviceGraph> capture(
      c10::function_ref<void()> work) override {
    const std::lock_guard lock(capture_mutex());
    const c10::DeviceGuard guard(device_);
    auto graph = std::make_unique<CudaGraph>();
    // ThreadLocal: other ranks' threads may do what a capture doesn't allow.
    graph->graph().capture_begin(pool_, cudaStreamCaptureModeThreadLocal);
    try {
      work();
    } catch (...) {
      const std::exception_ptr cause = std::current_exception();
      end_broken(*graph);
      std::rethrow_exception(cause);
    }
    graph->graph().capture_end();
    return graph;
  }

 private:
  /// Ends a capture that a failure has invalidated.
  static void end_broken(CudaGraph& graph) noexcept {
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
  check_version();
  return std::make_unique<CudaGraphMemory>(device);
}

}  // namespace pp
