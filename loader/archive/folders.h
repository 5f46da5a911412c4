#pragma once

#include <filesystem>
#include <vector>

namespace pp {

/// The folder itself, or its nearest ancestor that exists.
std::filesystem::path nearest_that_exists(std::filesystem::path path);

/// The paths in a folder, in any order; none if it doesn't exist.
/// throws Error(Input) naming the folder and the system's reason
std::vector<std::filesystem::path> entries_of(
    const std::filesystem::path& folder);

/// Creates the folder and its ancestors where missing.
/// throws Error(Runtime) naming the folder and the system's reason
void make_output_folder(const std::filesystem::path& path);

}  // namespace pp
