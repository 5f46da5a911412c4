#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace pp {

/// "a, b, c"
std::string join(
    std::span<const std::string> parts,
    std::string_view separator = ", ");

/// The pieces of `text` between `separator`s; one empty piece if it is empty.
std::vector<std::string> split_text(std::string_view text, char separator);

/// The candidates most like `name` by edit distance, best first, at most
/// `most`; none that differ in more than about half their letters.
std::vector<std::string> nearest_names(
    std::string_view name,
    std::span<const std::string> candidates,
    size_t most = 3);

/// "; did you mean 'layers.2' or 'layers.3'?", or nothing where none is near.
std::string did_you_mean(
    std::string_view name,
    std::span<const std::string> candidates);

/// "1.5 GiB", "312 B"
std::string human_bytes(uint64_t num_bytes);

/// "1.3M", "912": counts such as parameters
std::string human_count(uint64_t count);

/// "[2, 16, 64]"
std::string shape_text(std::span<const int64_t> sizes);

/// Whether `text` matches a shell-style pattern with `*` (anything, dots
/// included) and `?`.
bool matches_glob(std::string_view text, std::string_view pattern);

}  // namespace pp
