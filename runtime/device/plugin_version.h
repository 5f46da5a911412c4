#pragma once

#include <torch/headeronly/version.h>

namespace pp {

/// Identifies the build. A plug-in for another pp or another LibTorch has
/// incompatible types.
inline constexpr char kPluginBuild[] =
    "pp " PP_VERSION " with LibTorch " TORCH_VERSION;

}  // namespace pp
