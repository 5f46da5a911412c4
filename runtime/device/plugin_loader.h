#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "runtime/device/plugin.h"

namespace pp {

/// Opens a plug-in library, which stays open for as long as the process lives:
/// LibTorch keeps pointers into what it loads.
///
/// file     "libpp_cuda.so"
/// folders  where to look, in this order
/// throws   Error(Runtime): it is in none of them, can't be loaded, belongs to
///          another build, or finds no device
std::shared_ptr<DevicePlugin> open_plugin(
    const std::string& file, const std::vector<std::filesystem::path>& folders);

/// Beside the program, and `../lib` from there.
std::vector<std::filesystem::path> plugin_folders();

/// The plug-in of `device = "cuda"`.
std::shared_ptr<DevicePlugin> open_cuda_plugin();

}  // namespace pp
