#pragma once

#include <optional>
#include <string>
#include <vector>

namespace pp {

/// `pipeline.device`, taken apart.
struct DeviceChoice {
  bool is_cpu = true;
  std::optional<int> index = {};  ///< "cuda:1"; none: by rank
};

/// text  "cpu", "cuda" or "cuda:N", as the job file's check lets through
DeviceChoice parse_device(const std::string& text);

/// Which device of its host a rank gets: the one the job names, else they go
/// round by the rank's number on the host.
///
/// throws Error(Runtime): the host has no such device
int device_of_rank(const DeviceChoice& choice, int local_rank, int num_devices);

/// "ranks 0 and 2 share a GPU, ranks 1 and 3 another": what to say once where
/// ranks share devices; empty: none do.
///
/// devices  what each rank computes on, unique over all hosts
std::string sharing_text(const std::vector<std::string>& devices);

}  // namespace pp
