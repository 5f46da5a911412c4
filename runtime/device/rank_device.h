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

/// LibTorch has 32 streams a device to hand out, then it begins again; a rank
/// takes four. So many threads of a process have streams of their own.
constexpr int kRanksWithStreams = 8;

/// What one rank computes on, where that is not the CPU: a device, and streams
/// of its own on it.
class RankDevice {
 public:
  RankDevice(std::shared_ptr<DevicePlugin> plugin, int index);

  c10::Device device() const { return device_; }
  DevicePlugin& plugin() const { return *plugin_; }

  /// Everything a stage computes.
  const c10::Stream& compute() const { return compute_; }
  /// Transfers to peers, from peers, and of the data that is read.
  const c10::Stream& send() const { return send_; }
  const c10::Stream& receive() const { return receive_; }
  const c10::Stream& upload() const { return upload_; }
  /// Of another device of the same kind, for copies from there.
  c10::Stream copy_stream(c10::Device from);

  /// What others still read of this rank's, and this rank's transfers.
  const std::shared_ptr<Loans>& loans() const { return loans_; }

  /// Waits until all streams are done.
  void synchronise() const;

 private:
  std::shared_ptr<DevicePlugin> plugin_;
  c10::Device device_;
  c10::Stream compute_;
  c10::Stream send_;
  c10::Stream receive_;
  c10::Stream upload_;
  std::vector<std::optional<c10::Stream>> copies_;  ///< by device
  std::shared_ptr<Loans> loans_ = std::make_shared<Loans>();
};

/// While it lives, the calling thread computes on the rank's device and its
/// compute stream.
class ComputeOn {
 public:
  explicit ComputeOn(const RankDevice& device) : guard_(device.compute()) {}

 private:
  c10::StreamGuard guard_;
};

/// `to` does nothing from now on before what `from` holds now is done.
void wait_for(const c10::Stream& to, const c10::Stream& from);

}  // namespace pp
