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

/// One direction between two ranks of different processes, for memory of their
/// devices. One end sends, the other receives, in the same order.
class DeviceLink {
 public:
  virtual ~DeviceLink() = default;

  /// Both take 1-D tensors that travel together, put the transfer behind what
  /// the calling thread's current stream holds, and return; what that stream
  /// gets next comes after it.
  /// throws what the device's library throws
  virtual void send(const std::vector<at::Tensor>& memory) = 0;
  virtual void recv(const std::vector<at::Tensor>& memory) = 0;

  /// Ends what is under way; what waits for it goes on. Any thread.
  virtual void abort() noexcept = 0;
};

/// Work that a device was handed once and does again.
class DeviceGraph {
 public:
  virtual ~DeviceGraph() = default;

  /// Puts the work behind what the calling thread's current stream holds: the
  /// same kernels on the same memory.
  virtual void replay() = 0;
};

/// What graphs that are replayed in the order of their capture allocate: one
/// may read what an earlier one left, and use again what it freed.
class GraphMemory {
 public:
  virtual ~GraphMemory() = default;

  /// Calls `work`, which hands work to the calling thread's current stream; the
  /// device does none of it. One capture at a time in a process.
  ///
  /// throws  what `work` throws, or the device's library where the work can't
  ///         be captured; nothing is left under capture
  virtual std::unique_ptr<DeviceGraph> capture(
      c10::function_ref<void()> work) = 0;
};

/// What a kind of device offers beyond LibTorch's own generic interface to
/// devices, streams, events and generators (c10/core/impl). Thread safe.
class DevicePlugin {
 public:
  virtual ~DevicePlugin() = default;

  virtual c10::DeviceType type() const = 0;
  /// At least 1.
  virtual int num_devices() const = 0;
  /// "NVIDIA H200"
  virtual std::string name_of(int index) const = 0;
  /// Of the piece of hardware, however it is numbered here.
  virtual std::string identity_of(int index) const = 0;

  /// Opens one end of a link and waits for the other.
  ///
  /// store   of these two ranks alone
  /// device  of this rank
  virtual std::unique_ptr<DeviceLink> connect(
      const c10::intrusive_ptr<c10d::Store>& store,
      c10::Device device,
      bool sends) = 0;

  virtual std::unique_ptr<GraphMemory> graph_memory(int index) = 0;

  /// Names what this thread does from now on for the device's profiler, until
  /// the matching end_range(). Ranges lie in one another.
  virtual void begin_range(const char* name) noexcept = 0;
  virtual void end_range() noexcept = 0;
};

// How a plug-in library is opened. It exports, with C linkage:
//
//   const char* pp_plugin_version()   what it was built from; has to be
//                                     plugin_version(), before all else
//   DevicePlugin* pp_plugin_open(std::string& error)
//                                     null: `error` says why, in one line

inline constexpr char kPluginVersionSymbol[] = "pp_plugin_version";
inline constexpr char kPluginOpenSymbol[] = "pp_plugin_open";
using PluginVersion = const char* (*)();
using PluginOpen = DevicePlugin* (*)(std::string& error);

}  // namespace pp
