#pragma once

#include <torch/headeronly/version.h>

namespace pp {

/// Identifies the build of pp and LibTorch. A plug-in of another build has
/// incompatible types.
inline constexpr char kPluginBuild[] =
    "pp " PP_VERSION " with LibTorch " TORCH_VERSION;

}  // namespace pp
