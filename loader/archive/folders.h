#pragma once

#include <filesystem>
#include <vector>

namespace pp {

/// Returns `path` if it exists, else its nearest ancestor that does.
std::filesystem::path nearest_that_exists(std::filesystem::path path);

/// Lists the paths in a folder, in any order; an empty list if the folder
/// doesn't exist.
/// throws  Error(Input) naming the folder and the system's reason
std::vector<std::filesystem::path> entries_of(
    const std::filesystem::path& folder);

/// Creates a folder and those of its ancestors that are missing.
/// throws  Error(Runtime) naming the folder and the system's reason
void make_output_folder(const std::filesystem::path& path);

}  // namespace pp
