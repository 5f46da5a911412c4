#pragma once

namespace pp {

/// The text of scripts/export_hf.py, which the build puts into `pp`.
extern const char* const kExportScript;

}  // namespace pp
