#pragma once

#include <filesystem>
#include <functional>

namespace pp {

/// Calls `fill` with the path of a new, empty folder, which then takes the
/// place of `directory`. What was there before is removed. If `fill` throws,
/// `directory` is left as it was.
/// throws  Error(Runtime) naming `directory` and the system's reason
void replace_folder(
    const std::filesystem::path& directory,
    const std::function<void(const std::filesystem::path&)>& fill);

}  // namespace pp
