#pragma once

#include <memory>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>
#include <c10/util/FunctionRef.h>
#include <c10/util/intrusive_ptr.h>

namespace c10d {
class Store;
}

namespace pp {

/// A one-way link between the devices of two ranks in different processes. One
/// end sends and the other receives, in the same order.
class DeviceLink {
 public:
  virtual ~DeviceLink() = default;

  // Both functions enqueue the transfer of some tensors on the calling thread's
  // current stream, and return.
  //
  // memory  1-D tensors that travel together
  // throws  what the device's library throws
  virtual void send(const std::vector<at::Tensor>& memory) = 0;
  virtual void recv(const std::vector<at::Tensor>& memory) = 0;

  /// Aborts transfers in progress, so that whatever waits for them continues.
  /// Any thread may call it.
  virtual void abort() noexcept = 0;
};

/// Work that was captured once and that a device can repeat.
class DeviceGraph {
 public:
  virtual ~DeviceGraph() = default;

  /// Enqueues the work, which is the same kernels on the same memory, on the
  /// calling thread's current stream.
  virtual void replay() = 0;
};

/// The memory of graphs that are replayed in the order in which they were
/// captured. A graph may read what an earlier graph wrote, and reuse memory
/// that an earlier graph freed.
class GraphMemory {
 public:
  virtual ~GraphMemory() = default;

  /// Calls `work`, which enqueues kernels on the calling thread's current
  /// stream, and captures these kernels instead of running them. A process runs
  /// one capture at a time.
  ///
  /// throws  what `work` throws, or what the device's library throws if the
  ///         work can't be captured; then no capture is left open
  virtual std::unique_ptr<DeviceGraph> capture(
      c10::function_ref<void()> work) = 0;
};

/// The features of a kind of device that LibTorch's generic interface to
/// devices, streams, events and generators (c10/core/impl) lacks. Thread safe.
class DevicePlugin {
 public:
  virtual ~DevicePlugin() = default;

  virtual c10::DeviceType type() const = 0;
  /// The number of devices, at least 1.
  virtual int num_devices() const = 0;
  /// Returns the name of a device's model: "NVIDIA H200".
  virtual std::string name_of(int index) const = 0;
  /// Returns an ID of a device's hardware. The ID doesn't depend on the
  /// device's index in this process.
  virtual std::string identity_of(int index) const = 0;

  /// Opens one end of a link and waits for the other end.
  ///
  /// store   a store that only the link's two ranks use
  /// device  this rank's device
  /// sends   whether this rank sends; if not, it receives
  virtual std::unique_ptr<DeviceLink> connect(
      const c10::intrusive_ptr<c10d::Store>& store,
      c10::Device device,
      bool sends) = 0;

  virtual std::unique_ptr<GraphMemory> graph_memory(int index) = 0;

  /// Tells the device's profiler what this thread does from now until the
  /// matching end_range(). Ranges may be nested.
  virtual void begin_range(const char* name) noexcept = 0;
  virtual void end_range() noexcept = 0;
};

// A plug-in library exports, with C linkage:
//
//   const char* pp_plugin_version()
//       returns its kPluginBuild; called first
//   DevicePlugin* pp_plugin_open(std::string& error)
//       returns null on failure; then `error` says why, in one line

inline constexpr char kPluginVersionSymbol[] = "pp_plugin_version";
inline constexpr char kPluginOpenSymbol[] = "pp_plugin_open";
using PluginVersion = const char* (*)();
using PluginOpen = DevicePlugin* (*)(std::string& error);

}  // namespace pp
