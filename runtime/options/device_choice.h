#pragma once

#include <optional>
#include <string>

namespace pp {

/// `pipeline.device`: where the ranks compute.
struct DeviceChoice {
  bool is_cpu = true;
  /// The N of "cuda:N"; nullopt for "cuda", see device_of_rank().
  std::optional<int> index = {};
  bool operator==(const DeviceChoice&) const = default;
};

/// Parses "cpu", "cuda" or "cuda:N". `text` must have been validated.
DeviceChoice parse_device(const std::string& text);
std::string to_string(const DeviceChoice& device);

}  // namespace pp
