#pragma once

#include <string>
#include <string_view>

#include "splitter/manifest/manifest.h"

namespace pp {

constexpr int kManifestVersion = 1;
constexpr std::string_view kManifestFile = "manifest.json";

/// Parses a manifest that to_json() wrote. Checks that every field is present,
/// has its type and is in range; ignores unknown fields.
/// where   names the file in messages
/// throws  Error(Input) with the path of the field ("stages[1].inputs[0].type")
Manifest parse_manifest(std::string_view json, std::string_view where);

}  // namespace pp
