#include "runtime/device/placement.h"

#include <map>

#include "loader/core/error.h"
#include "loader/core/text.h"

namespace pp {

int device_of_rank(
    const DeviceChoice& choice, int local_rank, int num_devices) {
  if (choice.index && *choice.index >= num_devices) {
    throw runtime_error(
        "pipeline.device is \"cuda:" + std::to_string(*choice.index) +
        "\", but this host has " + std::to_string(num_devices) +
        (num_devices == 1
             ? " GPU, cuda:0"
             : " GPUs, cuda:0 to cuda:" + std::to_string(num_devices - 1)));
  }
  return choice.index.value_or(local_rank % num_devices);
}

std::string sharing_text(const std::vector<std::string>& devices) {
  std::map<std::string, std::vector<std::string>> ranks;
  for (size_t rank = 0; rank < devices.size(); ++rank) {
    ranks[devices[rank]].push_back(std::to_string(rank));
  }
  std::vector<std::string> shared;
  for (const auto& [device, sharers] : ranks) {
    if (sharers.size() > 1) {
      shared.push_back("ranks " + join(sharers) + " share " + device);
    }
  }
  return shared.empty() ? ""
                        : join(shared, "; ") +
                              ": they take turns on it and share its memory";
}

}  // namespace pp
