#pragma once

#include <optional>
#include <string>

namespace pp {

/// `pipeline.device`: where the ranks compute.
struct DeviceChoice {
  bool is_cpu = true;
  std::optional<int> index = {};  ///< "cuda:1"; none: chosen by rank
  bool operator==(const DeviceChoice&) const = default;
};

/// text  "cpu", "cuda" or "cuda:N", as validated
DeviceChoice parse_device(const std::string& text);
std::string to_string(const DeviceChoice& device);

}  // namespace pp
