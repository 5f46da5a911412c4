#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "runtime/device/plugin.h"

namespace pp {

/// Opens a plug-in library. It stays open until the process ends, because
/// LibTorch keeps pointers into it.
///
/// file     "libpp_cuda.so"
/// folders  where to look for it, in this order
/// throws   Error(Runtime): no folder has it, it can't be loaded, it belongs to
///          another build, or it finds no device
std::shared_ptr<DevicePlugin> open_plugin(
    const std::string& file, const std::vector<std::filesystem::path>& folders);

/// Returns the program's folder and `../lib` from there.
std::vector<std::filesystem::path> plugin_folders();

/// Opens the plug-in of `device = "cuda"`.
std::shared_ptr<DevicePlugin> open_cuda_plugin();

}  // namespace pp
