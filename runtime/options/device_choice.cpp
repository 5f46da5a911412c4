#include "runtime/options/device_choice.h"

namespace pp {

DeviceChoice parse_device(const std::string& text) {
  if (text == "cpu") {
    return {};
  }
  const size_t colon = text.find(':');
  return {
      false,
      colon == std::string::npos
          ? std::nullopt
          : std::optional(std::stoi(text.substr(colon + 1)))};
}

std::string to_string(const DeviceChoice& device) {
  if (device.is_cpu) {
    return "cpu";
  }
  return device.index ? "cuda:" + std::to_string(*device.index) : "cuda";
}

}  // namespace pp
