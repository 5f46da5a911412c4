#include "runtime/job/keys.h"

#include <algorithm>
#include <span>

#include "loader/core/text.h"
#include "runtime/job/words.h"

namespace pp {
namespace {

constexpr std::string_view kAnyName = "<name>";

KeyPath pattern_of(std::string_view text) {
  return split_text(text, '.');
}

/// Whether the first segments of `path` are those of `pattern`.
bool starts_with(std::span<const std::string> path, const KeyPath& pattern) {
  if (path.size() < pattern.size()) {
    return false;
  }
  return std::ranges::equal(
      path.first(pattern.size()), pattern, [](auto& segment, auto& wanted) {
        return wanted == kAnyName || segment == wanted;
      });
}

/// The path under which job_keys() lists a key: keys that a table shares with
/// another (`data.target`, `data.inputs.<name>`) are listed once.
KeyPath listed_path(const KeyPath& path) {
  for (const JobKey& key : job_keys()) {
    const KeyPath pattern = pattern_of(key.path);
    if (key.same_as.empty() || path.size() <= pattern.size() ||
        !starts_with(path, pattern)) {
      continue;
    }
    KeyPath listed = pattern_of(key.same_as);
    listed.insert(listed.end(), path.begin() + std::ssize(pattern), path.end());
    return listed;
  }
  return path;
}

/// The names of all keys in the table that `path` is in.
std::vector<std::string> sibling_names(const KeyPath& path) {
  const KeyPath listed = listed_path(path);
  const std::span table = std::span(listed).first(listed.size() - 1);
  std::vector<std::string> names;
  for (const JobKey& key : job_keys()) {
    const KeyPath pattern = pattern_of(key.path);
    if (pattern.size() <= table.size()) {
      continue;
    }
    const KeyPath parent(pattern.begin(), pattern.begin() + std::ssize(table));
    const std::string& name = pattern[table.size()];
    if (starts_with(table, parent) && name != kAnyName &&
        std::ranges::find(names, name) == names.end()) {
      names.push_back(name);
    }
  }
  return names;
}

}  // namespace

std::string path_text(const KeyPath& path) {
  return join(path, ".");
}

const JobKey* try_find_key(const KeyPath& path) {
  const KeyPath listed = listed_path(path);
  for (const JobKey& key : job_keys()) {
    const KeyPath pattern = pattern_of(key.path);
    if (pattern.size() == listed.size() && starts_with(listed, pattern)) {
      return &key;
    }
  }
  return nullptr;
}

bool is_table(const KeyPath& path) {
  const KeyPath listed = listed_path(path);
  return std::ranges::any_of(job_keys(), [&](const JobKey& key) {
    KeyPath pattern = pattern_of(key.path);
    if (pattern.size() <= listed.size()) {
      return pattern.size() == listed.size() && key.types == kTable &&
             starts_with(listed, pattern);
    }
    pattern.resize(listed.size());
    return starts_with(listed, pattern);
  });
}

std::string nearest_keys(const KeyPath& unknown) {
  const std::string& name = unknown.back();
  if (const std::string_view ours = key_for_foreign_name(name); !ours.empty()) {
    return "; did you mean '" + std::string(ours) + "'?";
  }
  std::vector<std::string> near = nearest_names(name, sibling_names(unknown));
  if (!near.empty()) {
    KeyPath path = unknown;
    for (std::string& entry : near) {
      path.back() = entry;
      entry = path_text(path);
    }
  } else {
    for (const JobKey& key : job_keys()) {
      if (pattern_of(key.path).back() == name) {
        near.emplace_back(key.path);
      }
    }
    if (near.size() > 3) {
      near.resize(3);
    }
  }
  if (near.empty()) {
    return "";
  }
  for (std::string& entry : near) {
    entry = "'" + entry + "'";
  }
  return "; did you mean " + join(near, " or ") + "?";
}

}  // namespace pp
