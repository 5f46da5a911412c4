#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "runtime/device/plugin.h"

namespace pp {

/// Opens a plug-in library. The library stays open until the process ends,
/// because LibTorch keeps pointers into it.
///
/// file     the library's file name, "libpp_cuda.so"
/// folders  the folders in which to look for it, in this order
/// throws   Error(Runtime): no folder has the file, it can't be loaded, it
///          belongs to another build, or it finds no device
std::shared_ptr<DevicePlugin> open_plugin(
    const std::string& file, const std::vector<std::filesystem::path>& folders);

/// Returns the folders to look for plug-ins: the program's folder, and `../lib`
/// relative to it.
std::vector<std::filesystem::path> plugin_folders();

/// Opens the plug-in for `device = "cuda"`. Throws what open_plugin() throws.
std::shared_ptr<DevicePlugin> open_cuda_plugin();

}  // namespace pp
