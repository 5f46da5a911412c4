#pragma once

#include <memory>
#include <optional>
#include <string>

#include "runtime/device/rank_device.h"
#include "runtime/launch/rank_context.h"
#include "runtime/run/plan.h"
#include "runtime/transport/device_transport.h"

namespace pp {

/// While it lives, a rank and the calling thread compute on a device of the
/// plug-in, and the context's messages carry tensors that lie there.
class RankOnDevice {
 public:
  /// All ranks call it together; rank 0 says which ranks share devices, each
  /// what it computes on (INFO).
  /// throws Error(Runtime): no such device; a peer that can't be reached
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
