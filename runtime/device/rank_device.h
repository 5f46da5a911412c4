#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <c10/core/Device.h>
#include <c10/core/Event.h>
#include <c10/core/Stream.h>
#include <c10/core/StreamGuard.h>

#include "runtime/device/loans.h"
#include "runtime/device/plugin.h"

namespace pp {

/// The most ranks of a process that can have streams of their own: LibTorch has
/// a pool of 32 streams per device, and a rank uses four.
constexpr int kRanksWithStreams = 8;

/// The device that a rank computes on, if it isn't the CPU, and the rank's
/// streams on the device.
class RankDevice {
 public:
  RankDevice(std::shared_ptr<DevicePlugin> plugin, int index);

  c10::Device device() const { return device_; }
  DevicePlugin& plugin() const { return *plugin_; }

  /// The stream on which stages compute.
  const c10::Stream& compute() const { return compute_; }
  // The streams for transfers to peers, for transfers from peers, and for input
  // data.
  const c10::Stream& send() const { return send_; }
  const c10::Stream& receive() const { return receive_; }
  const c10::Stream& upload() const { return upload_; }
  /// Returns this rank's stream on another device of the same kind, for copies
  /// from that device.
  c10::Stream copy_stream(c10::Device from);

  /// This rank's tensors that other ranks or its own transfers still read.
  const std::shared_ptr<Loans>& loans() const { return loans_; }

  /// Waits until all streams have completed their work.
  void synchronise() const;

 private:
  std::shared_ptr<DevicePlugin> plugin_;
  c10::Device device_;
  c10::Stream compute_;
  c10::Stream send_;
  c10::Stream receive_;
  c10::Stream upload_;
  /// Stream for copies from each device.
  std::vector<std::optional<c10::Stream>> copies_;
  std::shared_ptr<Loans> loans_ = std::make_shared<Loans>();
};

/// While an object of this class exists, the calling thread computes on the
/// rank's device, on its compute stream.
class ComputeOn {
 public:
  explicit ComputeOn(const RankDevice& device) : guard_(device.compute()) {}

 private:
  c10::StreamGuard guard_;
};

/// Makes later work on `waiting` wait for the work that is on `from` now.
void wait_for(const c10::Stream& waiting, const c10::Stream& from);

}  // namespace pp
