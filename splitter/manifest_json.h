#pragma once

#include <string>
#include <string_view>

#include "splitter/manifest.h"

namespace pp {

constexpr int kManifestVersion = 1;
constexpr std::string_view kManifestFile = "manifest.json";

/// Reads what to_json writes. Every field is checked: present, of its type, in
/// range; unknown fields are passed over.
/// where   named in errors: the file
/// throws  Error(Input) with the path of the field ("stages[1].inputs[0].type")
Manifest parse_manifest(std::string_view json, std::string_view where);

}  // namespace pp
