#include "runtime/device/rank_device.h"

#include <utility>

#include <c10/core/impl/VirtualGuardImpl.h>

namespace pp {

namespace {

c10::Stream stream_on(c10::Device device) {
  return c10::impl::VirtualGuardImpl(device.type())
      .getStreamFromGlobalPool(device, false);
}

}  // namespace

void wait_for(const c10::Stream& waiting, const c10::Stream& from) {
  recorded_on(from).block(waiting);
}

RankDevice::RankDevice(std::shared_ptr<DevicePlugin> plugin, int index)
    : plugin_(std::move(plugin)),
      device_(plugin_->type(), static_cast<c10::DeviceIndex>(index)),
      compute_(stream_on(device_)),
      send_(stream_on(device_)),
      receive_(stream_on(device_)),
      upload_(stream_on(device_)),
      copies_(static_cast<size_t>(plugin_->num_devices())) {}

c10::Stream RankDevice::copy_stream(c10::Device from) {
  auto& stream = copies_.at(static_cast<size_t>(from.index()));
  if (!stream) {
    stream = stream_on(from);
  }
  return *stream;
}

void RankDevice::synchronise() const {
  for (const c10::Stream& stream : {compute_, send_, receive_, upload_}) {
    stream.synchronize();
  }
  loans_->collect_all();
}

}  // namespace pp
