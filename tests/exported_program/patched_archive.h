#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <string>

namespace pp::testing_support {

/// Copies the archive `source` to `target`. `changes` has functions by the name
/// of a record: the record's content is replaced by the function's result, and
/// the record is left out if the function is empty.
void write_patched(
    const std::filesystem::path& source,
    const std::filesystem::path& target,
    const std::map<std::string, std::function<std::string(std::string)>>&
        changes);

}  // namespace pp::testing_support
