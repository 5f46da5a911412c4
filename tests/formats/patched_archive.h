#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <string>

namespace pp::testing_support {

/// Copies the archive `source` to `target`. Records that `changes` names are
/// replaced by what its function makes of their content, or left out where the
/// function is empty.
void write_patched(
    const std::filesystem::path& source,
    const std::filesystem::path& target,
    const std::map<std::string, std::function<std::string(std::string)>>&
        changes);

}  // namespace pp::testing_support
