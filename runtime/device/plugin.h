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

  /// Enqueues the captured kernels on the calling thread's current stream. They
  /// use the same memory as when they were captured.
  virtual void replay() = 0;
};

/// Memory that several graphs share. They must be replayed in the order in
/// which they were captured: a graph may read what an earlier graph wrote, and
/// reuse memory that an earlier graph freed.
class GraphMemory {
 public:
  virtual ~GraphMemory() = default;

  /// Captures the kernels that `work` enqueues on the calling thread's current
  /// stream, and returns them as a graph. They don't run during the capture.
  /// Captures in one process run one after the other.
  ///
  /// throws  what `work` throws, or what the device's library throws if the
  ///         work can't be captured; then no capture is left open
  virtual std::unique_ptr<DeviceGraph> capture(
      c10::function_ref<void()> work) = 0;
};

/// Features of a kind of device that are missing from LibTorch's interface to
/// devices, streams, events and generators (c10/core/impl). Thread safe.
class DevicePlugin {
 public:
  virtual ~DevicePlugin() = default;

  virtual c10::DeviceType type() const = 0;
  /// The number of devices, at least 1.
  virtual int num_devices() const = 0;
  /// Returns a device's model name, such as "NVIDIA H200".
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
