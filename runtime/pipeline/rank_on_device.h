#pragma once

#include <memory>
#include <optional>
#include <string>

#include "runtime/device/rank_device.h"
#include "runtime/plan/plan.h"
#include "runtime/rank/rank_context.h"
#include "runtime/transport/device/device_transport.h"

namespace pp {

/// While an object of this class exists, a rank and the calling thread compute
/// on a device of the plug-in, and the context's transport carries tensors that
/// are in the device's memory.
class RankOnDevice {
 public:
  /// All ranks construct the object together. Each rank logs its device, and
  /// rank 0 also logs which ranks share a device.
  /// throws  Error(Runtime): the host has no such device, or a peer can't be
  ///         reached
  RankOnDevice(
      const Plan& plan,
      std::shared_ptr<DevicePlugin> plugin,
      RankContext& context);
  RankOnDevice(const RankOnDevice&) = delete;
  RankOnDevice& operator=(const RankOnDevice&) = delete;
  ~RankOnDevice();

 private:
  RankContext& context_;
  Transport* host_;
  RankDevice device_;
  ComputeOn compute_on_;
  std::optional<DeviceTransport> transport_;
};

}  // namespace pp
