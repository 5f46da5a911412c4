// The plug-in of `device = "cuda"`, which has everything that needs a CUDA
// library at link time. runtime/device/plugin_loader.cpp opens it.
#include "runtime/device/plugin.h"

#include <cstdlib>
#include <exception>
#include <span>
#include <string>

#include <nvtx3/nvToolsExt.h>

#include <ATen/Context.h>
#include <ATen/cuda/CUDAContext.h>
#include <c10/cuda/CUDAFunctions.h>
#include <c10/util/Exception.h>

#include "runtime/cuda/graph_memory.h"
#include "runtime/cuda/nccl_link.h"
#include "runtime/device/plugin_version.h"

namespace pp {

namespace {

class CudaPlugin final : public DevicePlugin {
 public:
  /// throws c10::Error: no driver, no GPU
  CudaPlugin() : num_devices_(c10::cuda::device_count_ensure_non_zero()) {
    at::globalContext().lazyInitDevice(c10::DeviceType::CUDA);
    // Products of float32 are computed in float32, as on the CPU.
    at::globalContext().setAllowTF32CuBLAS(false);
    at::globalContext().setAllowTF32CuDNN(false);
    // With deterministic kernels, results have the same bits for every split
    // and schedule.
    at::globalContext().setDeterministicCuDNN(true);
    // c10d's own monitoring of NCCL ends the process without a message. The
    // ranks' watcher notices a dead peer sooner, and says which and why.
    setenv("TORCH_NCCL_ASYNC_ERROR_HANDLING", "0", /*overwrite=*/0);
    setenv("TORCH_NCCL_ENABLE_MONITORING", "0", /*overwrite=*/0);
  }

  c10::DeviceType type() const override { return c10::DeviceType::CUDA; }
  int num_devices() const override { return num_devices_; }

  std::string name_of(int index) const override {
    return properties(index)->name;
  }

  std::string identity_of(int index) const override {
    constexpr char kDigits[] = "0123456789abcdef";
    std::string out = "GPU-";
    for (const char byte : std::span(properties(index)->uuid.bytes)) {
      const auto value = static_cast<unsigned char>(byte);
      out += kDigits[value >> 4U];
      out += kDigits[value & 15U];
    }
    return out;
  }

  std::unique_ptr<DeviceLink> connect(
      const c10::intrusive_ptr<c10d::Store>& store,
      c10::Device device,
      bool sends) override {
    return make_nccl_link(store, device, sends);
  }

  std::unique_ptr<GraphMemory> graph_memory(int index) override {
    return make_cuda_graph_memory(index);
  }

  void begin_range(const char* name) noexcept override { nvtxRangePushA(name); }
  void end_range() noexcept override { nvtxRangePop(); }

 private:
  static cudaDeviceProp* properties(int index) {
    return at::cuda::getDeviceProperties(static_cast<c10::DeviceIndex>(index));
  }

  int num_devices_;
};

}  // namespace

}  // namespace pp

extern "C" {

const char* pp_plugin_version() {
  return pp::kPluginBuild;
}

pp::DevicePlugin* pp_plugin_open(std::string& error) {
  try {
    return new pp::CudaPlugin();
  } catch (const c10::Error& failure) {
    error = failure.what_without_backtrace();
  } catch (const std::exception& failure) {
    error = failure.what();
  }
  return nullptr;
}
}
