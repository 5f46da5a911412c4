#pragma once

#include <memory>

#include "runtime/device/plugin.h"

namespace pp {

/// Makes one end of a link, which is an NCCL communicator of two ranks.
/// Waits until both ends are open.
std::unique_ptr<DeviceLink> make_nccl_link(
    const c10::intrusive_ptr<c10d::Store>& store,
    c10::Device device,
    bool sends);

}  // namespace pp
